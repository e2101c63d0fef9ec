// @ts-check
// The entry for Aliyun alone: `import VODUpload, { Uploader } from 'vodupload/aliyun'`.
import { browser } from './host/browser.js'
import { uploaderOn } from './uploader.js'
import { vodUploadOn } from './vod_upload.js'

export { UploadError } from './core.js'
export const VODUpload = vodUploadOn(browser)
export const Uploader = uploaderOn(browser)
export default VODUpload
