// @ts-check
// The entry for script tags: the global names that Aliyun's pages use.
import { Uploader, UploadError, VODUpload } from './index.js'

const page = /** @type {any} */ (globalThis)
page.VODUpload = VODUpload
page.AliyunUpload = { ...page.AliyunUpload, Vod: VODUpload, Uploader, UploadError }
