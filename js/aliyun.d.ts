export { UploadError, Uploader, VODUpload, VODUpload as default } from './index.js'
export type * from './index.js'
