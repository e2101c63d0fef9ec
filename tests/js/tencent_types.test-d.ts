// The public types of Tencent's faces: `tsc` accepts what the documents show, refuses misuse, and compares them with the JS.
import TcVodDefault, { TcVod, UploadError } from '../../js/tencent.js'
import type {
  GetSignature, MediaProgress, SessionError, SessionOptions, SignatureHint, StartOptions, TcVodEvent, TcVodOptions, TcVodResult, TcVodUploader,
  VodUploaderFace,
} from '../../js/tencent.js'
import { browser } from '../../js/host/browser.js'
import { tcVodOn } from '../../js/tc_vod.js'
import { vodUploaderOn } from '../../js/vod_uploader.js'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
const same = <A, B>(..._: Equal<A, B> extends true ? [] : [never]) => {}
/** The keys that are named, without the index signature. */
type Named<T> = keyof { [K in keyof T as string extends K ? never : K]: T[K] }

export const declared: typeof TcVod = tcVodOn(browser)
same<typeof TcVodDefault, typeof TcVod>()
same<typeof TcVod.default, typeof TcVod>()
const face = vodUploaderOn(browser)
export const declaredFace: VodUploaderFace = face
same<keyof typeof face, keyof VodUploaderFace>()
same<keyof ReturnType<typeof face.start>, 'cancel' | 'pause' | 'restart' | 'start'>()
same<keyof TcVodUploader, 'videoInfo' | 'coverInfo' | 'done' | 'cancel' | 'pause' | 'resume' | 'on' | 'off' | 'once'>()

// What has no part in a story below is named here, so that none is lost.
same<Named<SessionOptions>,
  | 'getSignature' | 'mediaFile' | 'videoFile' | 'coverFile' | 'mediaName' | 'videoName' | 'fileName' | 'fileId' | 'expireTime' | 'enableResume'
  | 'enableRaceRegion' | 'chunkSize' | 'chunkParallelLimit' | 'chunkRetryTimes' | 'retryDelay' | 'timeout' | 'progressInterval' | 'integrity'
  | 'vodEndpoint' | 'forward' | 'storage' | 'host' | 'corePath' | 'logger' | 'appId' | 'reportId' | 'allowReport'>()
same<Exclude<Named<StartOptions>, Named<SessionOptions>>, 'progress' | 'finish' | 'error' | 'success'>()
same<keyof MediaProgress, 'loaded' | 'total' | 'percent' | 'speed'>()
same<keyof TcVodResult, 'fileId' | 'video' | 'cover' | 'verified'>()
same<TcVodEvent, 'media_progress' | 'video_progress' | 'cover_progress' | 'media_upload' | 'video_upload' | 'cover_upload'>()
same<SignatureHint['purpose'], 'prepare' | 'apply' | 'refresh' | 'commit'>()
same<Exclude<keyof SessionError, keyof UploadError>, 'retCode' | 'stage'>()

declare const file: File
declare const axios: { post(url: string): Promise<{ data: { signature: string } }> }

/** As document 004 has it, for pages. */
export function web() {
  function getSignature() {
    return axios.post('url').then(function (response) {
      return response.data.signature
    })
  }
  const tcVod = new TcVod.default({
    getSignature: getSignature,
  })
  const uploader = tcVod.upload({
    videoFile: file,
    coverFile: file,
    videoName: 'name',
    fileId: '1',
  })
  uploader.on('video_progress', function (info) {
    console.log(info.percent)
  }).once('cover_upload', () => {}).off('video_progress')
  uploader.done().then(function (doneResult) {
    const told: (string | undefined)[] = [doneResult.fileId, doneResult.video?.url, doneResult.cover?.url, doneResult.video?.verify_content]
    return told
  }).catch((error: SessionError) => [error.retCode.toFixed(), error.stage, error.hint, error.retryable])
  uploader.cancel()
}

/** As document 003 has it, for mini programs, and that of version 5.1. */
export function program(videoFile: { tempFilePath: string; size: number }, coverFile: { tempFilePaths: string[]; tempFiles: { size: number }[] }) {
  const getSignature: GetSignature = function (callback) {
    wx.request({ url: 'url', success: function (res: { data: string }) { callback(res.data) } })
  }
  const uploader = face.start({
    mediaFile: videoFile,
    getSignature: getSignature,
    mediaName: 'name',
    coverFile: coverFile,
    reportId: 7,
    progress: (result) => [result.loaded, result.percent, result.speed, result.total],
    finish: (result) => [result.coverUrl, result.fileId.length, result.videoName.length, result.videoUrl.length],
    error: (result) => [result.code.toFixed(), result.message.length, result.retCode, result.name.length],
  })
  uploader.pause()
  uploader.restart()
  face.start({ videoFile, fileName: 'name', getSignature, success: (result) => console.log(result) })
}

export function misuse(options: TcVodOptions) {
  // @ts-expect-error nobody signs
  new TcVod({})
  // @ts-expect-error there is no such event
  new TcVod(options).upload({ mediaFile: file }).on('progress', () => {})
  // @ts-expect-error a name is a text
  new TcVod(options).upload({ mediaFile: file, mediaName: 5 })
  // @ts-expect-error a callback is a function
  face.start({ getSignature: () => '', mediaFile: file, finish: 'done' })
  // @ts-expect-error nobody signs
  face.start({ mediaFile: file })
}
