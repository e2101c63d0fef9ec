// @ts-check
// Mini programs and files for tests, gone when the test process ends.

import { createCipheriv, createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after } from 'node:test'

export const KiB = 1 << 10
export const MiB = 1 << 20

const folder = mkdtempSync(join(tmpdir(), 'vodupload-mini-'))
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))

/** @param {string} [name] */
export const makeFolder = (name = 'folder') => mkdtempSync(join(folder, `${name}-`))

/**
 * The folder of a mini program.
 * @param {Record<string, string | Uint8Array>} files
 * @param {Record<string, string>} [folders] places in the program and the folders of the disk that go there
 */
export function makeProject(files, folders = {}) {
  const root = makeFolder('program')
  for (const [place, from] of Object.entries(folders)) cpSync(from, join(root, place), { recursive: true })
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

/**
 * A file with bytes that never repeat, the same for the same name.
 * @param {string} name
 * @param {number} size bytes
 */
export async function makeFile(name, size) {
  const path = join(makeFolder(), name)
  const cipher = createCipheriv('aes-128-ctr', createHash('md5').update(name).digest(), Buffer.alloc(16))
  const zeros = Buffer.alloc(Math.min(size, MiB))
  const file = await open(path, 'w')
  for (let left = size; left > 0; left -= zeros.length) await file.write(cipher.update(zeros.subarray(0, left)))
  await file.close()
  return path
}

/**
 * A file of zeros that takes no room on disk.
 * @param {string} name
 * @param {number} size bytes
 */
export async function makeSparseFile(name, size) {
  const path = join(makeFolder(), name)
  await writeFile(path, '')
  await truncate(path, size)
  return path
}
