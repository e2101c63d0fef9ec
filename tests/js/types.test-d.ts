// The public types: `tsc` accepts what the documents show, refuses misuse, and compares js/index.d.ts with the JS.
import VODUploadDefault, { VODUpload } from '../../js/index.js'
import type { ProgressDetail, UploadError, UploadInfo, VODUploadOptions } from '../../js/index.js'
import { browser } from '../../js/host/browser.js'
import { vodUploadOn } from '../../js/vod_upload.js'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
const same = <A, B>(..._: Equal<A, B> extends true ? [] : [never]) => {}

// The JS is what the types say, and has no method that they do not tell of.
const actual = vodUploadOn(browser)
export const declared: typeof VODUpload = actual
same<keyof InstanceType<typeof actual>, keyof VODUpload>()
same<typeof VODUploadDefault, typeof VODUpload>()
same<Parameters<InstanceType<typeof actual>['setUploadAuthAndAddress']>, Parameters<VODUpload['setUploadAuthAndAddress']>>()
same<ReturnType<InstanceType<typeof actual>['addFile']>, boolean>()
same<ReturnType<InstanceType<typeof actual>['cancelFile']>, boolean>()
same<ReturnType<InstanceType<typeof actual>['resumeFile']>, boolean>()
same<ReturnType<InstanceType<typeof actual>['deleteFile']>, boolean>()
same<ReturnType<InstanceType<typeof actual>['setUploadAuthAndAddress']>, boolean>()
same<ReturnType<InstanceType<typeof actual>['resumeUploadWithAuth']>, boolean>()
same<ReturnType<InstanceType<typeof actual>['listFiles']>, UploadInfo[]>()

declare const file: File
declare const blob: Blob
declare const page: { uploadAuth: string, uploadAddress: string, videoId: string, imageId: string }

// The sample of Aliyun's page.
const uploader = new VODUpload({
  userId: '25346073170691****',
  region: 'cn-shanghai',
  retryCount: 3,
  retryDuration: 2,
  onUploadstarted: function (uploadInfo) {
    console.log('onUploadStarted:' + JSON.stringify(uploadInfo))
    if (uploadInfo.videoId) fetch('/refresh?videoId=' + uploadInfo.videoId)
    uploader.setUploadAuthAndAddress(uploadInfo, page.uploadAuth, page.uploadAddress, page.imageId)
  },
  onUploadSucceed: function (uploadInfo) {
    console.log('onUploadSucceed: ' + uploadInfo.file.name + ', endpoint:' + uploadInfo.endpoint + ', bucket:' + uploadInfo.bucket
      + ', object:' + uploadInfo.object)
  },
  onUploadFailed: function (uploadInfo, code, message) {
    console.log('onUploadFailed: file:' + uploadInfo.file.name + ',code:' + code + ', message:' + message)
  },
  onUploadProgress: function (uploadInfo, totalSize, loadedPercent) {
    console.log(uploadInfo.file.name, totalSize, Math.ceil(loadedPercent * 100))
  },
  onUploadTokenExpired: function (uploadInfo) {
    console.log(uploadInfo.videoId)
    uploader.resumeUploadWithAuth(page.uploadAuth)
  },
  onUploadCanceled: function (uploadInfo) {
    console.log(uploadInfo.state)
  },
  onUploadEnd: function (uploadInfo) {
    console.log(uploadInfo.file.name)
  },
})
uploader.addFile(file, null, null, null, '{"Vod":{}}')
uploader.addFile(file, 'https://oss-cn-shanghai.aliyuncs.com', 'bucket', 'object', '{"Vod":{"Title":"test","CateId":"234"}}')
uploader.addFile(blob)
uploader.startUpload()
uploader.stopUpload()
uploader.cancelFile(0)
uploader.resumeFile(0)
uploader.deleteFile(0)
uploader.cleanList()
const list = uploader.listFiles()
for (let i = 0; i < list.length; i++) console.log('file:' + list[i].file.name + ', status:' + list[i].state)

// What is beyond the documents.
export const options: VODUploadOptions = {
  userId: 7,
  partSize: 1 << 20,
  parallel: 5,
  timeout: 60_000,
  cname: true,
  onUploadStarted: async () => {},
  onUploadFailed: async (_info, _code, _message, error) => { same<typeof error, UploadError>() },
  onUploadProgress: (_info, _total, _percent, detail) => { same<typeof detail, ProgressDetail>() },
  onUploadTokenExpired: (_info, error) => console.log(error.code, error.status?.toFixed(), error.requestId?.trim()),
  logger: ({ level, code, message }) => { console[level](code, message) },
}
new VODUpload()
class Mine extends VODUpload {
  override startUpload() { super.startUpload() }
}
new Mine(options).startUpload()

// @ts-expect-error a call needs `new`
VODUpload({})
// @ts-expect-error a file is needed
uploader.addFile()
// @ts-expect-error a path is no file
uploader.addFile('/a.mp4')
// @ts-expect-error paramData is text
uploader.addFile(file, null, null, null, { Vod: {} })
// @ts-expect-error an index is a number
uploader.cancelFile('0')
// @ts-expect-error there is no such callback
new VODUpload({ onUploadDone() {} })
// @ts-expect-error an address is needed
uploader.setUploadAuthAndAddress(list[0], page.uploadAuth)
// @ts-expect-error this is the auth of nothing
uploader.setUploadAuthAndAddress(page.uploadAuth, page.uploadAddress)
// @ts-expect-error the credential is text
uploader.resumeUploadWithAuth({ uploadAuth: '' })
// @ts-expect-error states have these names only, one of them misspelled
if (list[0].state === 'Stopped') uploader.startUpload()
// @ts-expect-error a part size is a number of bytes
new VODUpload({ partSize: '1M' })
