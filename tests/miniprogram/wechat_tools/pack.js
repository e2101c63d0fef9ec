// @ts-check
// The demo project as a developer has it: with the packed package installed, and its mini-program folder where the
// developer tools' "Build npm" puts it.

import { execFile } from 'node:child_process'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const here = fileURLToPath(import.meta.url)
const root = fileURLToPath(new URL('../../../', import.meta.url))
export const demo = join(root, 'www/miniprogram')

/**
 * @param {string} folder an empty one, which becomes the project
 * @param {{ tarball?: string }} [options] `tarball`: the packed package; without it, what the tree holds is packed
 */
export async function installDemo(folder, { tarball } = {}) {
  // What somebody built in the tree is not what this test is about.
  const built = ['node_modules', 'miniprogram_npm', 'package-lock.json'].map((name) => join(demo, name))
  cpSync(demo, folder, { recursive: true, filter: (path) => !built.some((one) => path === one || path.startsWith(one + sep)) })
  const packed = tarball ?? await pack(folder)
  const quiet = ['--offline', '--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error']
  await run('npm', ['install', ...quiet, packed], { cwd: folder })
  if (!tarball) rmSync(packed)
  await buildNpm(folder)
}

/** @param {string} folder */
export async function pack(folder) {
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--silent', '--pack-destination', folder], { cwd: root })
  return join(folder, JSON.parse(stdout)[0].filename)
}

/** "Build npm" of the developer tools. In a process of its own, for the tools patch globals. @param {string} folder */
export async function buildNpm(folder) {
  const { stdout, stderr } = await run(process.execPath, [here, folder], { timeout: 60_000 })
  if (!existing(folder)) throw new Error(`nothing was built:\n${stdout}\n${stderr}`)
}

/** @param {string} folder */
function existing(folder) {
  try {
    return readFileSync(join(folder, 'miniprogram_npm/vodupload/index.js')).length > 0
  } catch {
    return false
  }
}

if (process.argv[1] === here) {
  const ci = createRequire(import.meta.url)('miniprogram-ci')
  const folder = process.argv[2]
  const warnings = await ci.packNpmManually({ packageJsonPath: join(folder, 'package.json'), miniprogramNpmDistDir: folder })
  console.log(JSON.stringify(warnings))
  process.exit()
}
