// The public types: `tsc` accepts what the documents show, refuses misuse, and compares js/index.d.ts with the JS.
import VODUploadDefault, { UploadError, Uploader, VODUpload } from '../../js/index.js'
import type {
  AuthReason, Authorization, CommonOptions, Host, Limits, ProgressDetail, Source, Storage, UploadInfo, UploadOptions, UploadResult,
  UploaderEventMap, UploaderOptions, VODUploadOptions, WireRequest, WireResponse,
} from '../../js/index.js'
import { UploadError as CoreError } from '../../js/core.js'
import { browser } from '../../js/host/browser.js'
import { uploaderOn } from '../../js/uploader.js'
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

// Method by method: a change of the JS that the types do not tell of fails here.
type Face = InstanceType<typeof actual>
same<Parameters<Face['setSTSToken']>, Parameters<VODUpload['setSTSToken']>>()
same<Parameters<Face['setSTSTokenDirectlyUpload']>, Parameters<VODUpload['setSTSTokenDirectlyUpload']>>()
same<Parameters<Face['resumeUploadWithAuth']>, Parameters<VODUpload['resumeUploadWithAuth']>>()
same<Parameters<Face['resumeUploadWithSTSToken']>, Parameters<VODUpload['resumeUploadWithSTSToken']>>()
same<Parameters<Face['resumeUploadWithToken']>, Parameters<VODUpload['resumeUploadWithToken']>>()
same<Parameters<Face['init']>, Parameters<VODUpload['init']>>()
same<ReturnType<Face['setSTSToken']>, boolean>()
same<ReturnType<Face['setSTSTokenDirectlyUpload']>, boolean>()
same<ReturnType<Face['resumeUploadWithSTSToken']>, boolean>()
same<ReturnType<Face['resumeUploadWithToken']>, boolean>()
same<ReturnType<Face['init']>, boolean>()
same<ReturnType<Face['startUpload']>, void>()
same<ReturnType<Face['stopUpload']>, void>()
same<ReturnType<Face['cleanList']>, void>()

const modern = uploaderOn(browser)
export const declaredUploader: typeof Uploader = modern as unknown as typeof Uploader
same<Exclude<keyof InstanceType<typeof modern>, keyof EventTarget>, Exclude<keyof Uploader, keyof EventTarget>>()
same<ReturnType<InstanceType<typeof modern>['upload']>, Promise<UploadResult>>()
same<ReturnType<Uploader['upload']>, Promise<UploadResult>>()
same<ReturnType<InstanceType<typeof modern>['pause']>, void>()
same<ReturnType<InstanceType<typeof modern>['resume']>, void>()
export const declaredError: typeof UploadError = CoreError
same<Exclude<keyof UploadError, keyof Error>, 'code' | 'hint' | 'status' | 'requestId' | 'partNumber' | 'retryable'>()
same<keyof CoreError, keyof UploadError>()

// What has no part in a story below is named here, so that none is lost.
same<keyof CommonOptions,
  | 'userId' | 'region' | 'vodEndpoint' | 'fileParallel' | 'parallel' | 'partSize' | 'retryCount' | 'retryDuration' | 'timeout'
  | 'refreshTimeout' | 'cname' | 'signatureVersion' | 'integrity' | 'getAuth' | 'storage' | 'host' | 'logger' | 'corePath'>()
same<Exclude<keyof VODUploadOptions, keyof CommonOptions>,
  | 'localCheckpoint' | 'enableUploadProgress' | 'addFileSuccess' | 'onUploadstarted' | 'onUploadStarted' | 'onUploadSucceed'
  | 'onUploadFailed' | 'onUploadProgress' | 'onUploadTokenExpired' | 'onUploadCanceled' | 'onUploadEnd'>()
same<keyof UploadOptions, 'signal' | 'onProgress' | 'endpoint' | 'bucket' | 'object' | 'paramData' | 'mediaType'>()
same<keyof UploadResult,
  'videoId' | 'imageId' | 'imageUrl' | 'fileUrl' | 'endpoint' | 'bucket' | 'object' | 'region' | 'size' | 'verified'>()
same<keyof UploaderEventMap, 'started' | 'progress' | 'succeeded' | 'failed' | 'canceled' | 'stopped' | 'finished'>()
same<keyof ProgressDetail, 'loadedBytes' | 'totalBytes' | 'speed' | 'remaining'>()
same<keyof UploadInfo,
  | 'file' | 'fileSize' | 'state' | 'loaded' | 'isImage' | 'videoId' | 'imageId' | 'imageUrl' | 'fileUrl' | 'endpoint' | 'bucket'
  | 'object' | 'region' | 'verified' | 'videoInfo' | 'ri' | 'url' | 'coverUrl' | '_endpoint' | '_bucket' | '_object'>()
same<UploadInfo['state'], 'Ready' | 'Uploading' | 'Success' | 'Failure' | 'Canceled' | 'Stoped'>()
same<AuthReason, 'create-video' | 'create-image' | 'refresh-video'>()
same<keyof Limits, 'parallel' | 'form' | 'parts' | 'largestPart' | 'unseenRate' | 'digestRate'>()
same<keyof Host, 'loadCore' | 'coreHint' | 'networkHint' | 'open' | 'send' | 'read' | 'storage' | 'lock' | 'watchNetwork' | 'limits' | 'forwards'>()
export const platform: Host = browser
same<keyof Source, 'name' | 'size' | 'lastModified' | 'contentType' | 'fingerprint' | 'file' | 'info'>()
same<keyof WireRequest, 'method' | 'url' | 'headers' | 'body'>()
same<keyof WireResponse, 'status' | 'headers' | 'body'>()

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
const memory = new Map<string, string>()
export const stores: Storage[] = [
  { get: (key) => memory.get(key), set: (key, text) => memory.set(key, text), remove: (key) => memory.delete(key) },
  { get: async () => null, set: async () => {}, remove: async () => {} },
  localStorage && { get: (key) => localStorage.getItem(key), set: (key, text) => localStorage.setItem(key, text), remove() {} },
]
export const options: VODUploadOptions = {
  userId: 7,
  region: 'cn-beijing',
  vodEndpoint: 'https://vod.example.com',
  fileParallel: 2,
  retryCount: 0,
  retryDuration: 0.5,
  refreshTimeout: 0,
  signatureVersion: 4,
  integrity: false,
  localCheckpoint: true,
  enableUploadProgress: false,
  storage: stores[0],
  host: { limits: { parallel: 2, form: 0 }, lock: async () => undefined },
  addFileSuccess: (info) => { same<typeof info, UploadInfo>() },
  getAuth: async (info, reason) => {
    same<typeof info, UploadInfo>()
    same<typeof reason, AuthReason>()
    return (await fetch(`/auth?reason=${reason}&videoId=${info.videoId}`)).json() as Promise<Authorization>
  },
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
// @ts-expect-error a number is no file
uploader.addFile(7)
// In mini programs a file is a path.
uploader.addFile('wxfile://tmp/a.mp4')
uploader.addFile({ url: 'wxfile://tmp/a.mp4', coverUrl: 'wxfile://tmp/a.jpg' })
// @ts-expect-error paramData has one member, Vod
uploader.addFile(file, null, null, null, { Title: 'test' })
// @ts-expect-error paramData is JSON or an object
uploader.addFile(file, null, null, null, 7)
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

// STS tokens, with and without VOD.
const token = { AccessKeyId: 'a', AccessKeySecret: 'b', SecurityToken: 'c' }
export const answers: boolean[] = [
  uploader.addFile(file, null, null, null, { Vod: { Title: 'test', UserData: { Extend: 1 } } }),
  uploader.setSTSToken(list[0], token.AccessKeyId, token.AccessKeySecret, token.SecurityToken),
  uploader.setSTSTokenDirectlyUpload(list[0], 'a', 'b', 'c'),
  uploader.setSTSTokenDirectlyUpload(list[0], 'a', 'b', 'c', 3600),
  uploader.resumeUploadWithAuth(page.uploadAuth, list[0]),
  uploader.resumeUploadWithSTSToken(page.uploadAuth),
  uploader.resumeUploadWithSTSToken('a', 'b', 'c'),
  uploader.resumeUploadWithSTSToken('a', 'b', 'c', '2026-11-21T06:20:00Z', list[0]),
  uploader.resumeUploadWithToken('a', 'b', 'c', 3600),
  uploader.init(),
  uploader.init('a', 'b', 'c', 3600),
]
const kept = uploader.getCheckpoint(file)
if (kept) console.log(kept.videoId)
// @ts-expect-error it may be empty
kept.videoId
// @ts-expect-error a token has three parts
uploader.setSTSToken(list[0], 'a', 'b')
// @ts-expect-error all four are needed
uploader.resumeUploadWithToken('a', 'b', 'c')
// @ts-expect-error there is no such version
new VODUpload({ signatureVersion: 2 })
// @ts-expect-error a storage must also remove
new VODUpload({ storage: { get: () => null, set: () => {} } })
// @ts-expect-error a host has no such member
new VODUpload({ host: { fetch() {} } })
// @ts-expect-error a switch is no text
new VODUpload({ integrity: 'no' })
// @ts-expect-error an answer has an UploadAuth or a whole token
new VODUpload({ getAuth: () => ({ AccessKeyId: 'a' }) })
// @ts-expect-error a renewal has no such reason
new VODUpload({ getAuth: (_info, reason) => { if (reason === 'refresh-image') return token; return token } })
// @ts-expect-error the code is text
new VODUpload({ onUploadFailed: (_info, code: number) => console.log(code) })
// @ts-expect-error states cannot be told by an application
const state: UploadInfo['state'] = 'Paused'
console.log(state)

// The modern face.
const settings: UploaderOptions = { ...options, getAuth: () => token }
const one = new Uploader(settings)
export const results: Promise<UploadResult>[] = [
  one.upload(file),
  one.upload(blob, {
    signal: new AbortController().signal, endpoint: null, bucket: 'b', object: 'o', paramData: { Vod: { Title: 't' } }, mediaType: 'image',
    onProgress: (progress, info) => { same<typeof progress, ProgressDetail>(); same<typeof info, UploadInfo>() },
  }),
]
one.upload(file).then(({ videoId, imageId, imageUrl, fileUrl, endpoint, bucket, object, region, size, verified }) => {
  same<typeof videoId, string | undefined>()
  same<typeof imageId, string | undefined>()
  same<typeof imageUrl, string | undefined>()
  same<typeof fileUrl, string | undefined>()
  same<[typeof endpoint, typeof bucket, typeof object], [string, string, string]>()
  same<typeof region, string | undefined>()
  same<typeof size, number>()
  same<typeof verified, boolean>()
}, (error: unknown) => {
  if (!(error instanceof UploadError)) return
  same<[typeof error.code, typeof error.message, typeof error.hint], [string, string, string]>()
  same<[typeof error.status, typeof error.partNumber], [number | undefined, number | undefined]>()
  same<typeof error.requestId, string | undefined>()
  same<typeof error.retryable, boolean>()
})
one.pause()
one.resume()
same<typeof one.files, readonly UploadInfo[]>()
one.addEventListener('progress', ({ detail }) => { same<typeof detail, { file: UploadInfo } & ProgressDetail>() })
one.addEventListener('failed', ({ detail: { file, error } }) => { same<[typeof file, typeof error], [UploadInfo, UploadError]>() }, { once: true })
for (const type of ['started', 'succeeded', 'canceled', 'stopped', 'finished'] as const) {
  one.addEventListener(type, ({ detail: { file } }) => { same<typeof file, UploadInfo>() })
}
one.removeEventListener('failed', null)
new UploadError({ code: 'Mine', message: 'm', hint: 'h', status: 1, requestId: 'r', partNumber: 1, retryable: true })

// @ts-expect-error getAuth is needed
new Uploader({ userId: 7 })
// @ts-expect-error nothing can be made without options
new Uploader()
// @ts-expect-error callbacks are of VODUpload
new Uploader({ getAuth: () => token, onUploadSucceed() {} })
// @ts-expect-error an index is no file
one.upload(0)
// @ts-expect-error there is no such media
one.upload(file, { mediaType: 'audio' })
// @ts-expect-error there is no such option
one.upload(file, { onSuccess() {} })
// @ts-expect-error the list is read only
one.files.push(list[0])
// @ts-expect-error only failures have an error
one.addEventListener('succeeded', ({ detail }) => console.log(detail.error))
// @ts-expect-error an error has a code
new UploadError({ message: 'm' })
