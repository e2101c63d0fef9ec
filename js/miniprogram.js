// @ts-check
// The entry of WeChat's mini programs: `import VODUpload from 'vodupload'`. Other platforms build theirs with its parts.
import { isAtLeast, miniProgram } from './host/mini_program.js'
import { wechat } from './host/wechat.js'
import { vodUploadOn } from './vod_upload.js'
import { vodUploaderOn } from './vod_uploader.js'

export { UploadError } from './core.js'
export { isAtLeast, miniProgram, vodUploadOn, vodUploaderOn }
export const VODUpload = vodUploadOn(wechat)
export const VodUploader = vodUploaderOn(wechat)
/** `VodUploader.start` for applications that import the package by that name. */
export const start = VodUploader.start
export default VODUpload
