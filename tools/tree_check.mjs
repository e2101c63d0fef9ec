// @ts-check
// Rules about the files of the repository.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { output, root } from './env.mjs'

/** A file that is longer is two ideas. */
const MAX_LINES = 500

/** The square brackets keep this file from finding itself. */
const FORBIDDEN = [
  { what: 'a leftover', pattern: /\b(TO[D]O|FIX[M]E)\b/ },
  { what: 'a path of one machine', pattern: /(?<![\w.%-])\/(?:[r]oot|[h]ome\/[\w-]+|[U]sers\/[\w-]+|[w]ork\/(?:main|shared))\// },
]

/** Throws with a list of all faults. */
export function checkTree() {
  const faults = []
  const names = output('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']).split('\0')
  for (const name of names.filter((name) => name && existsSync(join(root, name)))) {
    if (/(^|\/)(package-lock\.json|Cargo\.lock)$|\.(png|jpg|mp4|wasm)$/.test(name)) continue
    const lines = readFileSync(join(root, name), 'utf8').replace(/\n$/, '').split('\n')
    if (/\.(rs|js|mjs|css|html)$/.test(name) && lines.length > MAX_LINES) {
      faults.push(`${name}: ${lines.length} lines, above ${MAX_LINES}`)
    }
    for (const { what, pattern } of FORBIDDEN) {
      lines.forEach((line, i) => { if (pattern.test(line)) faults.push(`${name}:${i + 1}: ${what}: ${line.trim().slice(0, 100)}`) })
    }
  }
  if (faults.length > 0) throw new Error(faults.join('\n'))
}

/**
 * The tests in a folder; a folder without tests is a fault, for `node --test` passes with none.
 * @param {string} folder
 */
export function testFiles(folder) {
  const names = existsSync(join(root, folder)) ? readdirSync(join(root, folder)).filter((name) => name.endsWith('.test.js')) : []
  if (names.length === 0) throw new Error(`${folder} has no *.test.js`)
  return names.sort().map((name) => `${folder}/${name}`)
}
