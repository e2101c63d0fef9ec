// @ts-check
// The browser entry for both clouds: `import VODUpload, { TcVod, Uploader } from 'vodupload'`.
import { browser } from './host/browser.js'
import { tcVodOn } from './tc_vod.js'
import { uploaderOn } from './uploader.js'
import { vodUploadOn } from './vod_upload.js'

export { UploadError } from './core.js'
export const TcVod = tcVodOn(browser)
export const VODUpload = vodUploadOn(browser)
export const Uploader = uploaderOn(browser)
export default VODUpload
