// @ts-check
// The JS under test as it is shipped: bundled with the very wasm and glue that the build put into dist/.
import { build } from 'esbuild'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { pathToFileURL } from 'node:url'
import { corePlugin, glueDirOf, shippedWasm } from '../../tools/core_plugin.mjs'
import { root } from '../../tools/env.mjs'

/**
 * @typedef {typeof import('../../js/vod_upload.js') & typeof import('../../js/uploader.js') & typeof import('../../js/core.js')
 *   & typeof import('../../js/tc_vod.js') & typeof import('../../js/vod_uploader.js')
 *   & typeof import('../../js/host/browser.js') & typeof import('../../js/host/mini_program.js') & typeof import('../../js/host/picked_file.js')
 *   & typeof import('../../js/host/wechat.js') & typeof import('../../js/host/text_codec.js') & Pick<typeof import('../../js/douyin.js'), 'douyin'>} Faces
 */

/** Whether the stories run in a mini program: bundled as one, on a fake `wx`. */
export const isProgram = process.env.VODUPLOAD_HOST === 'wechat'

const folder = mkdtempSync(join(tmpdir(), 'vodupload-js-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const outfile = join(folder, 'faces.mjs')
copyFileSync(join(glueDirOf('both'), 'fallback.js'), join(folder, 'fallback.cjs'))

const MODULES = [
  'vod_upload', 'uploader', 'tc_vod', 'vod_uploader', 'core', 'host/browser', 'host/mini_program', 'host/picked_file', 'host/wechat', 'host/text_codec',
]

/** What tools/build.mjs does for engines that lack what browsers have. @type {import('esbuild').BuildOptions} */
const program = {
  platform: 'neutral',
  target: 'es2015',
  inject: [join(root, 'js/host/text_codec.js')],
  define: { globalThis: '{}' },
}

/** @type {import('esbuild').Plugin} */
const fallbackPlugin = {
  name: 'fallback',
  setup(builder) {
    builder.onResolve({ filter: /^vodupload:fallback$/ }, () => ({ path: './fallback.cjs', external: true }))
  },
}

await build({
  stdin: {
    contents: [...MODULES.map((name) => `export * from './js/${name}.js'`), "export { douyin } from './js/douyin.js'"].join('\n'),
    resolveDir: root,
  },
  outfile,
  bundle: true,
  format: 'esm',
  sourcemap: 'inline',
  logLevel: 'warning',
  plugins: [fallbackPlugin, corePlugin],
  ...(isProgram ? program : {}),
})

export const wasm = await WebAssembly.compile(readFileSync(shippedWasm))

/** The core's timers, which must not keep a process alive whose tests are done. @type {Set<NodeJS.Timeout>} */
const timers = new Set()
let areDone = false
const { setTimeout } = globalThis
globalThis.setTimeout = /** @type {typeof setTimeout} */ ((/** @type {Parameters<typeof setTimeout>} */ ...args) => {
  const timer = setTimeout(...args)
  timers.add(timer)
  // An uploader that a test has left at work goes on after the last one.
  if (areDone) timer.unref()
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
after(() => {
  areDone = true
  for (const timer of timers) timer.unref()
})

let copies = 0

/** A copy of the module that has not loaded the core yet. @returns {Promise<Faces>} */
export const freshModule = () => import(`${pathToFileURL(outfile)}?${++copies}`)

export const {
  TextDecoder, TextEncoder, UploadError, browser, describe, douyin, isAtLeast, miniProgram, tcVodOn, uploaderOn, vodUploaderOn, vodUploadOn, wechat,
} = await freshModule()
