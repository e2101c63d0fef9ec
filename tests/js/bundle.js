// @ts-check
// The JS under test as it is shipped: bundled with the very wasm and glue that the build put into dist/.
import { build } from 'esbuild'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { pathToFileURL } from 'node:url'
import { corePlugin, shippedWasm } from '../../tools/core_plugin.mjs'
import { root } from '../../tools/env.mjs'

/** @typedef {typeof import('../../js/vod_upload.js') & typeof import('../../js/uploader.js') & typeof import('../../js/core.js') & typeof import('../../js/host/browser.js')} Faces */

const folder = mkdtempSync(join(tmpdir(), 'vodupload-js-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const outfile = join(folder, 'faces.mjs')
await build({
  stdin: {
    contents: ['vod_upload', 'uploader', 'core', 'host/browser'].map((name) => `export * from './js/${name}.js'`).join('\n'),
    resolveDir: root,
  },
  outfile,
  bundle: true,
  format: 'esm',
  sourcemap: 'inline',
  logLevel: 'warning',
  plugins: [corePlugin],
})

export const wasm = await WebAssembly.compile(readFileSync(shippedWasm))

/** The core's timers, which must not keep a process alive whose tests are done. @type {Set<NodeJS.Timeout>} */
const timers = new Set()
const { setTimeout } = globalThis
globalThis.setTimeout = /** @type {typeof setTimeout} */ ((/** @type {Parameters<typeof setTimeout>} */ ...args) => {
  const timer = setTimeout(...args)
  timers.add(timer)
  return timer
})
/**
 * Fails instead of waiting for ever.
 * @template T
 * @param {Promise<T>} promise
 * @param {() => string} story what to say then
 * @returns {Promise<T>}
 */
export const within = async (promise, story) => {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(story())), 5_000) })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
const { clearTimeout } = globalThis
after(() => { for (const timer of timers) timer.unref() })

let copies = 0

/** A copy of the module that has not loaded the core yet. @returns {Promise<Faces>} */
export const freshModule = () => import(`${pathToFileURL(outfile)}?${++copies}`)

export const { UploadError, browser, uploaderOn, vodUploadOn } = await freshModule()
