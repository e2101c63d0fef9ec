// @ts-check
// The browser entry: `import VODUpload, { Uploader } from 'vodupload'`.
import { browser } from './host/browser.js'
import { uploaderOn } from './uploader.js'
import { vodUploadOn } from './vod_upload.js'

export { UploadError } from './core.js'
export const VODUpload = vodUploadOn(browser)
export const Uploader = uploaderOn(browser)
export default VODUpload
