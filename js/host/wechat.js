// @ts-check
// WeChat's mini programs.
import { isAtLeast, miniProgram } from './mini_program.js'

/** Where WeChat's npm builder puts this package. */
const CORE_PATH = '/miniprogram_npm/vodupload/'

/** Whether the pure-JS core is used: it digests a few megabytes in a second. */
let isSlow = false

/** @type {import('../core.js').Host} */
export const wechat = miniProgram(() => wx, {
  canReadRanges: () => isAtLeast(wx, '2.10.0'),
  // On iPhones, which run programs without a JIT, a megabyte takes 20 ms.
  digestRate: () => (isSlow ? 1e6 : 8e6),

  async loadCore(imports, corePath = CORE_PATH) {
    if (typeof WXWebAssembly !== 'undefined') {
      const folder = corePath.replace(/\/?$/, '/')
      let reason
      for (const file of isAtLeast(wx, '2.14.0') ? ['vodupload.wasm.br', 'vodupload.wasm'] : ['vodupload.wasm']) {
        try {
          const loaded = await WXWebAssembly.instantiate(folder + file, imports)
          return loaded.instance ?? loaded
        } catch (error) {
          reason ??= error
        }
      }
      console.warn(`vodupload: there is no ${folder}vodupload.wasm.br (${reason}); the slower core in JavaScript is used. `
        + 'Give the folder as the option corePath.')
    }
    isSlow = true
    const { default: start } = await import('vodupload:fallback')
    return { exports: start(imports) }
  },
})
