// @ts-check
// The entry of WeChat's mini programs: `import VODUpload from 'vodupload'`. Other platforms build theirs with its parts.
import { isAtLeast, miniProgram } from './host/mini_program.js'
import { wechat } from './host/wechat.js'
import { vodUploadOn } from './vod_upload.js'

export { UploadError } from './core.js'
export { isAtLeast, miniProgram, vodUploadOn }
export const VODUpload = vodUploadOn(wechat)
export default VODUpload
