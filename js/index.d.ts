import type { VodUploaderFace } from './tencent.js'

// Used in web pages and workers, and in mini programs, whose projects have no DOM library: what only a page has is looked
// up, and is `never` where there is none.
type Global<Name extends string> = typeof globalThis extends { [name in Name]: { prototype: infer Type } } ? Type : never
type WebFile = Global<'File'>
type WebBlob = Global<'Blob'>
type WebSignal = Global<'AbortSignal'>
type WebEvent = Global<'Event'>

/**
 * What a mini program's user has picked: an element of what `chooseMedia`, `chooseMessageFile` or `chooseImage` answer,
 * an answer about one file, such as that of `chooseVideo`, or the `{ url, coverUrl }` of Aliyun's documents.
 */
export interface PickedFile {
  /** One of these three is its path. */
  url?: string
  tempFilePath?: string
  path?: string
  /** By its path if it is not given. VOD goes by the extension. */
  name?: string
  /** Bytes. */
  size?: number
  coverUrl?: string
  thumbTempFilePath?: string
  fileType?: string
  type?: string
  tempFiles?: PickedFile[]
}

/** What can be uploaded: a `File` or `Blob` of a page, a path or what was picked in a mini program. */
export type Uploadable = WebFile | WebBlob | PickedFile | string

/** A file's failure. `onUploadFailed` gets it as its fourth argument, `Uploader.upload` rejects with it. */
export class UploadError extends Error {
  constructor(fields: { code: string; message: string; hint?: string; status?: number; requestId?: string; partNumber?: number; retryable?: boolean })
  name: string
  /** The service's own code (`SecurityTokenExpired`) or ours (`NetworkError`); stable. See docs/errors.md. */
  code: string
  /** What happened and what to do. */
  message: string
  /** What to do: the end of `message`. Empty where nobody knows. */
  hint: string
  /** The HTTP status, when there was an answer. */
  status?: number
  /** The service's name for the request; its support asks for it. */
  requestId?: string
  /** The part that it happened to, from 1. */
  partNumber?: number
  /** Whether starting the file again may succeed with nothing else changed. */
  retryable: boolean
}

/** One queued file. The same object is passed to every callback and returned by `listFiles`. */
export interface UploadInfo {
  /** What was added; in mini programs with `url`, `name` and `size`, whatever was picked. */
  file: [WebFile] extends [never] ? PickedFile & { url: string; name: string; size: number } : WebFile
  /** In mini programs: the file's path, and that of its cover if one was given. */
  url?: string
  coverUrl?: string
  /** Bytes. */
  fileSize?: number
  state: 'Ready' | 'Uploading' | 'Success' | 'Failure' | 'Canceled' | 'Stoped'
  /** The last progress, 0 to 1. */
  loaded: number
  /** Whether VOD makes an image of it: by the extension, or by `file.mediaType` or `file.fileType`. */
  isImage: boolean
  /** Given with the credential, or kept from an earlier upload of the same file that can go on. */
  videoId?: string
  /** What VOD answered for an image. */
  imageId?: string
  imageUrl?: string
  fileUrl?: string
  /** Where the object goes, once a credential has told. */
  endpoint?: string
  bucket?: string
  object?: string
  region?: string
  /** After success: whether every byte that is stored was compared with the file. */
  verified?: boolean
  /** The `Vod` of `paramData`. */
  videoInfo?: Record<string, unknown>
  /** A random id of this file in this list. */
  ri: string
  /** What `addFile` was given. */
  _endpoint?: string | null
  _bucket?: string | null
  _object?: string | null
}

/** More about progress than the documented arguments tell. */
export interface ProgressDetail {
  loadedBytes: number
  totalBytes: number
  /** Bytes per second. */
  speed: number
  /** Seconds to go, `null` while unknown. */
  remaining: number | null
}

/** Where unfinished uploads are kept; may also answer with promises. It is never given a secret. */
export interface Storage {
  get(key: string): string | null | undefined | Promise<string | null | undefined>
  set(key: string, text: string): unknown
  remove(key: string): unknown
}

/** A file as a host describes it. */
export interface Source {
  name: string
  /** Bytes. */
  size: number
  /** Milliseconds since 1970, 0 when unknown. */
  lastModified: number
  contentType: string
  /** The key of the checkpoint, equal only for equal files. */
  fingerprint: string
  /** What the host needs to read the file; equal only for the same file. */
  file: any
  /** What `uploadInfo` tells of it besides. */
  info?: object
}

/** A signed request. A body of bytes is a slice of a file; with `fields` it is a multipart form whose last field `file` is the slice. */
export interface WireRequest {
  method: string
  url: string
  headers: [string, string][]
  body?: string | { file: number; start: number; end: number; fields?: [string, string][] }
}

/** An answer; header names are in lower case. */
export interface WireResponse {
  status: number
  headers: Record<string, string>
  body: string
}

/** What a platform can carry. */
export interface Limits {
  /** Requests at once. */
  parallel: number
  /** Bytes of the largest file that is sent as a form; `Infinity` where no other can be sent. */
  form: number
  /** Parts of a file at once, unless the option `parallel` says; 5 by default. */
  parts?: number
  /** Bytes that parts may grow to by themselves, 32 MiB by default. */
  largestPart?: number
  /** Bytes per second of the slowest link, where nobody tells how much of a slice has left. */
  unseenRate?: number
  /** Bytes per second up to which digesting what is stored costs next to no time; any by default, 0 where files cannot be read. */
  digestRate?: number
}

/** What a platform offers; the option `host` replaces members of the browser's. See docs/hosts.md. */
export interface Host {
  /** Starts the wasm; `corePath` is the option. */
  loadCore(imports: any, corePath?: string): Promise<{ exports: any }>
  /** What to do when it cannot be started. */
  coreHint?: string
  /** What to check when there is no answer. */
  networkHint?: string
  /** Throws when it is no file. */
  open(file: any): Source
  /** `done` resolves for any HTTP status and rejects with `{ code, message }` when there is no answer. */
  send(request: WireRequest, source: Source | undefined, sent: (bytes: number) => void): { done: Promise<WireResponse>; abort(): void }
  read(source: Source, start: number, end: number): Promise<ArrayBuffer>
  storage: Storage
  /** Resolves with its release, or with nothing when another page holds it. */
  lock?(key: string): Promise<(() => void) | undefined>
  /** Calls at once with the present state. */
  watchNetwork(listener: (online: boolean) => void): () => void
  limits: Limits
  /** Whether all requests to Tencent have to go to one host, which passes them on. */
  forwards?: boolean
}

/** What a mini program's platform does otherwise than WeChat. */
export interface MiniProgramTraits {
  loadCore: Host['loadCore']
  /** Whether parts of a file can be read; where not, each file is one form. */
  canReadRanges?: () => boolean
  /** Milliseconds, the longest that a request may be given. */
  timeout?: number
  /** Makes of a text what a request takes for one. */
  textToBody?: (text: string) => unknown
  /** Bytes per second, see `Limits.digestRate`. */
  digestRate?: () => number
}

/** What an application server passes on: VOD's answer or an STS token, with capital or small first letters. */
export type Authorization =
  | { UploadAuth: string; UploadAddress?: string; VideoId?: string; ImageId?: string; ImageURL?: string; FileURL?: string }
  | { uploadAuth: string; uploadAddress?: string; videoId?: string; imageId?: string; imageUrl?: string; imageURL?: string; fileUrl?: string; fileURL?: string }
  | { AccessKeyId: string; AccessKeySecret: string; SecurityToken: string }
  | { accessKeyId: string; accessKeySecret: string; securityToken: string }

/** What is to be asked of VOD: `CreateUploadVideo`, `CreateUploadImage` or `RefreshUploadVideo` (of `uploadInfo.videoId`). */
export type AuthReason = 'create-video' | 'create-image' | 'refresh-video'

/** Options of both faces. */
export interface CommonOptions {
  /** Who uploads; required by Aliyun's documents. An unfinished upload of another user is not taken up. */
  userId?: string | number
  /** The region of VOD for uploads with an STS token, `cn-shanghai` by default. */
  region?: string
  /** The address of VOD, where it is not the region's own: a proxy, a private network. */
  vodEndpoint?: string
  /** Files at once, 1 by default. Above 1, credentials of as many more are asked for while these are sent. */
  fileParallel?: number
  /** Parts of a file at once, 5 by default. */
  parallel?: number
  /** Bytes of a part, at least 102400. Without it parts of 1 to 32 MiB follow the speed of the link. */
  partSize?: number
  /** How often a request is tried again while nothing moves, 3 by default. Once the service has answered, a network that is away is waited for, for two minutes; 0 never waits. */
  retryCount?: number
  /** Mean seconds before the first repetition after a network failure, 2 by default; doubled each time. */
  retryDuration?: number
  /** Milliseconds that a request may stand still, 60000 by default. */
  timeout?: number
  /** Milliseconds to wait for a new credential once the last has expired, 60000 by default; 0 for ever. */
  refreshTimeout?: number
  /** Whether the endpoint is bound to the bucket. */
  cname?: boolean
  /** How OSS requests are signed. By default version 4 where the endpoint or the credential tells the region, else 1; 4 takes the option `region` then. */
  signatureVersion?: 1 | 4
  /**
   * Whether each stored part is compared with the file (CRC-64, or MD5 where the bucket's CORS rule hides that).
   * By default on links up to 100 MB/s, where it costs next to nothing; `true` always, `false` never.
   */
  integrity?: boolean
  /**
   * Gives a credential whenever one is needed, in place of the callbacks that ask for one. A rejection fails the file
   * with `GetUploadAuthFailed`, unless the last credential still works: then it is asked again.
   */
  getAuth?: (uploadInfo: UploadInfo, reason: AuthReason) => Authorization | Promise<Authorization>
  /** In mini programs: the folder that holds the wasm, `/miniprogram_npm/vodupload/` by default. The first uploader decides. */
  corePath?: string
  /** Where unfinished uploads are kept: `localStorage`, or the mini program's storage. */
  storage?: Storage
  /** Members that replace the browser's. */
  host?: Partial<Host>
  /** Hears what is also written to the console. */
  logger?: (entry: { level: 'error'; code: string; message: string }) => void
}

export interface VODUploadOptions extends CommonOptions {
  /** Accepted; records are always kept on this device, and nothing is asked of VOD about them. */
  localCheckpoint?: boolean
  /** Accepted; no progress is ever reported to anyone but you. */
  enableUploadProgress?: boolean
  /** The file was queued. */
  addFileSuccess?: (uploadInfo: UploadInfo) => void
  /** The file's turn has come: answer with `setUploadAuthAndAddress` or `setSTSToken`. With a `videoId` refresh its credential, without one create a video. */
  onUploadstarted?: (uploadInfo: UploadInfo) => void
  /** The spelling of the documents' prose. */
  onUploadStarted?: (uploadInfo: UploadInfo) => void
  onUploadSucceed?: (uploadInfo: UploadInfo) => void
  onUploadFailed?: (uploadInfo: UploadInfo, code: string, message: string, error: UploadError) => void
  /** `totalSize` in bytes, `loadedPercent` from 0 to 1; 1 exactly once, when the object is complete. */
  onUploadProgress?: (uploadInfo: UploadInfo, totalSize: number, loadedPercent: number, detail: ProgressDetail) => void
  /** The credential is over, or soon will be: answer with `resumeUploadWithAuth` or `resumeUploadWithSTSToken`. One file asks at a time. */
  onUploadTokenExpired?: (uploadInfo: UploadInfo, error: UploadError) => void
  /** The file was stopped or cancelled. */
  onUploadCanceled?: (uploadInfo: UploadInfo) => void
  /** The queue has run empty; `uploadInfo` is the file that ended last. */
  onUploadEnd?: (uploadInfo: UploadInfo) => void
}

/** Uploads files to Aliyun VOD, with the names and argument orders of Aliyun's SDK. */
export class VODUpload {
  constructor(options?: VODUploadOptions)
  /**
   * Queues a file. `endpoint`, `bucket` and `object` win over those of the upload address. `paramData` is
   * `{"Vod":{…}}`, as JSON or as an object: what `CreateUploadVideo` or `CreateUploadImage` is told with an STS token.
   * @returns false when the file is refused; `onUploadFailed` tells why, unless it is in the list already
   */
  addFile(file: Uploadable, endpoint?: string | null, bucket?: string | null, object?: string | null, paramData?: string | { Vod?: Record<string, unknown> } | null): boolean
  /** Runs the queue. Failed and stopped files go on from where they were. */
  startUpload(): void
  /** Stops the queue at once; stored parts are kept. */
  stopUpload(): void
  /** Gives a file up and frees its stored parts. @returns false when there is no such file */
  cancelFile(index: number): boolean
  /** Queues a cancelled file again. @returns false when it is not cancelled */
  resumeFile(index: number): boolean
  /** Gives a file up and forgets it. @returns false when there is no such file */
  deleteFile(index: number): boolean
  /** Stops and forgets all files; stored parts are kept. */
  cleanList(): void
  /** The live list. */
  listFiles(): UploadInfo[]
  /** What is kept of an unfinished upload of this file, `''` when there is nothing. */
  getCheckpoint(file: Uploadable): Record<string, unknown> | ''
  /**
   * Keeps an STS token for the files that were added with `endpoint`, `bucket` and `object`: they go there without VOD.
   * @returns false when a key comes without its secret, or a token without its end
   */
  init(accessKeyId?: string, accessKeySecret?: string, securityToken?: string, expireTime?: string | number): boolean
  /** Answers `onUploadstarted`. @returns false when nobody asked, or when the file fails because these cannot be used */
  setUploadAuthAndAddress(uploadInfo: UploadInfo, uploadAuth: string, uploadAddress: string, videoId?: string): boolean
  /** Answers `onUploadstarted`: VOD is then asked for the rest. @returns as `setUploadAuthAndAddress` */
  setSTSToken(uploadInfo: UploadInfo, accessKeyId: string, accessKeySecret: string, securityToken: string): boolean
  /** Answers `onUploadstarted` without VOD: the file goes where `addFile` said. @returns as `setUploadAuthAndAddress` */
  setSTSTokenDirectlyUpload(uploadInfo: UploadInfo, accessKeyId: string, accessKeySecret: string, securityToken: string, expiration?: string | number): boolean
  /**
   * Answers `onUploadTokenExpired`, for the file that asks or for `uploadInfo`.
   * @returns false when nobody asked, or when this cannot be used: then the file fails, unless the last credential still works
   */
  resumeUploadWithAuth(uploadAuth: string, uploadInfo?: UploadInfo): boolean
  /** Answers `onUploadTokenExpired` of a file that was begun with `setSTSToken`. @returns as `resumeUploadWithAuth` */
  resumeUploadWithSTSToken(accessKeyId: string, accessKeySecret?: string, securityToken?: string, expireTime?: string | number, uploadInfo?: UploadInfo): boolean
  /** Answers `onUploadTokenExpired` of a file that was begun with `setSTSTokenDirectlyUpload` or `init`. @returns as `resumeUploadWithAuth` */
  resumeUploadWithToken(accessKeyId: string, accessKeySecret: string, securityToken: string, expireTime: string | number, uploadInfo?: UploadInfo): boolean
}

export interface UploaderOptions extends CommonOptions {
  getAuth: NonNullable<CommonOptions['getAuth']>
}

export interface UploadOptions {
  /** Aborting gives the file up, frees its stored parts and rejects with the signal's reason. */
  signal?: WebSignal
  onProgress?: (progress: ProgressDetail, uploadInfo: UploadInfo) => void
  /** As the arguments of `VODUpload.addFile`. */
  endpoint?: string | null
  bucket?: string | null
  object?: string | null
  paramData?: string | { Vod?: Record<string, unknown> } | null
  /** What VOD makes of it; by the file's extension when it is not given. */
  mediaType?: 'video' | 'image'
}

export interface UploadResult {
  videoId?: string
  imageId?: string
  imageUrl?: string
  fileUrl?: string
  endpoint: string
  bucket: string
  object: string
  region?: string
  /** Bytes. */
  size: number
  /** Whether every byte that is stored was compared with the file. */
  verified: boolean
}

type EventHearer = ((event: any) => void) | { handleEvent(event: any): void }

/** A `CustomEvent`. */
export type UploaderEvent<Detail> = WebEvent & { readonly detail: Detail }

/** The events of an `Uploader`; `event.detail.file` is the file's `UploadInfo`. */
export interface UploaderEventMap {
  started: UploaderEvent<{ file: UploadInfo }>
  progress: UploaderEvent<{ file: UploadInfo } & ProgressDetail>
  succeeded: UploaderEvent<{ file: UploadInfo }>
  failed: UploaderEvent<{ file: UploadInfo; error: UploadError }>
  canceled: UploaderEvent<{ file: UploadInfo }>
  stopped: UploaderEvent<{ file: UploadInfo }>
  /** The queue has run empty; `file` is the one that ended last. */
  finished: UploaderEvent<{ file: UploadInfo }>
}

/** Uploads files to Aliyun VOD, a promise for each. In pages and workers, which have an `EventTarget` to extend. */
export class Uploader {
  constructor(options: UploaderOptions)
  /** Uploads a file in its turn. Rejects with an `UploadError`; what is stored is kept, and the same file goes on from there. */
  upload(file: Uploadable, options?: UploadOptions): Promise<UploadResult>
  /** Stops at once; stored parts are kept and promises stay open. */
  pause(): void
  /** Goes on. */
  resume(): void
  /** The files whose promises are open. */
  readonly files: readonly UploadInfo[]
  addEventListener<K extends keyof UploaderEventMap>(type: K, listener: (event: UploaderEventMap[K]) => void, options?: boolean | { once?: boolean; passive?: boolean; capture?: boolean; signal?: WebSignal }): void
  addEventListener(type: string, listener: EventHearer | null, options?: boolean | object): void
  removeEventListener(type: string, listener: EventHearer | null, options?: boolean | object): void
  dispatchEvent(event: WebEvent): boolean
}

/** In mini programs: a host whose APIs are those of `api()`, which are WeChat's but for `traits`. See docs/hosts.md. */
export function miniProgram(api: () => any, traits: MiniProgramTraits): Host

/** In mini programs: whether the base library of `api` is of this version or newer. */
export function isAtLeast(api: any, version: string): boolean

/** In mini programs: the `VODUpload` of a host of one's own. */
export function vodUploadOn(host: Host): typeof VODUpload

/** In pages: Tencent's uploader. */
export { TcVod } from './tencent.js'

/** In mini programs: Tencent's uploader. */
export const VodUploader: VodUploaderFace

/** In mini programs: `VodUploader.start`. */
export const start: VodUploaderFace['start']

/** In mini programs: the `VodUploader` of a host of one's own. */
export function vodUploaderOn(host: Host): VodUploaderFace

export default VODUpload
