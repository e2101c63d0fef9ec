// @ts-check
// The entry of Douyin's mini programs (`tt`), `import VODUpload from 'vodupload/douyin'`: WeChat's, but for these.
// Not tried on a phone. <https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/api/network/http/tt-request>
import { TextEncoder } from './host/text_codec.js'
import { UploadError, isAtLeast, miniProgram, vodUploadOn } from './miniprogram.js'

export const douyin = miniProgram(() => tt, {
  canReadRanges: () => isAtLeast(tt, '2.60.0'),
  // The longest that it takes.
  timeout: 60_000,
  // It takes no text.
  textToBody: (text) => new TextEncoder().encode(text).slice().buffer,
  // There is no WebAssembly; the core in JavaScript digests a few megabytes in a second.
  digestRate: () => 1e6,
  loadCore: async (imports) => ({ exports: (await import('vodupload:fallback')).default(imports) }),
})

export { UploadError }
export const VODUpload = vodUploadOn(douyin)
export default VODUpload
