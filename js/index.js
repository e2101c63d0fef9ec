// @ts-check
// The browser entry: `import VODUpload from 'vodupload'`.
import { browser } from './host/browser.js'
import { vodUploadOn } from './vod_upload.js'

export const VODUpload = vodUploadOn(browser)
export default VODUpload
