// @ts-check
// What WeChat makes of a project before a phone gets it: the developer tools' own compiler, from the npm package
// miniprogram-ci.
//
// It is a process of its own, for the compiler forks, patches globals and does not end by itself. It would ask WeChat
// for the limits of the app id and for the endings of files that may be in a package; it has defaults for when that
// fails, and these are answered here, so that nothing leaves the machine.

import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** It takes some seconds, on a busy machine far more. */
const HANG_MS = 240_000

const here = fileURLToPath(import.meta.url)

/**
 * Writes what a phone would get of a project.
 * @param {string} folder has project.config.json, whose settings are the compiler's
 * @param {string} target
 */
export async function compile(folder, target) {
  // It leaves an empty folder wherever it runs.
  const child = promisify(execFile)(process.execPath, [here, folder, target], { cwd: dirname(folder), timeout: HANG_MS })
  await child.catch(({ stdout, stderr }) => { throw new Error(`WeChat's compiler failed:\n${stdout}\n${stderr}`) })
}

/** @param {string} folder @param {string} target */
async function main(folder, target) {
  /** Its types are of its front door only. @type {(path: string) => any} */
  const load = createRequire(import.meta.url)
  const { DefaultProjectAttr } = load('miniprogram-ci/dist/config/config.js')
  const endings = load('miniprogram-ci/dist/utils/white_ext_list.js')
  endings.getWhiteExtList = async () => ({
    MiniProgramWhiteList: new Set(endings.MiniProgramWhiteList), GameWhiteList: new Set(endings.GameWhiteList),
  })
  const ci = load('miniprogram-ci')

  // It wants a key, with which it signs only what it sends.
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048, publicKeyEncoding: { type: 'pkcs1', format: 'pem' }, privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  const config = JSON.parse(readFileSync(join(folder, 'project.config.json'), 'utf8'))
  const project = new ci.Project({ appid: config.appid, type: 'miniProgram', projectPath: folder, privateKey })
  project.attr = async () => DefaultProjectAttr
  const compiled = await ci.getCompiledResult({
    project, version: '0.0.0', setting: { useProjectConfig: true }, onProgressUpdate: () => {},
  })
  for (const [path, content] of Object.entries(compiled)) {
    mkdirSync(dirname(join(target, path)), { recursive: true })
    writeFileSync(join(target, path), content)
  }
}

if (process.argv[1] === here) {
  const [folder, target] = process.argv.slice(2)
  await main(folder, target).then(() => process.exit(), (error) => {
    console.error(error)
    process.exit(1)
  })
}
