// @ts-check
// The entry for script tags: the global names that the vendors' pages use.
import { TcVod, Uploader, UploadError, VODUpload } from './index.js'

const page = /** @type {any} */ (globalThis)
page.VODUpload = VODUpload
page.TcVod = TcVod
page.AliyunUpload = { ...page.AliyunUpload, Vod: VODUpload, Uploader, UploadError }
