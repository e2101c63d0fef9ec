/** A temporary failure's or a file's end, as callbacks get it. */
export interface UploadError {
  /** The service's own code (`SecurityTokenExpired`) or ours (`NetworkError`); stable. */
  code: string
  /** What happened and what to do. */
  message: string
  /** The HTTP status, when there was an answer. */
  status?: number
  /** The service's name for the request; its support asks for it. */
  requestId?: string
}

/** One queued file. The same object is passed to every callback and returned by `listFiles`. */
export interface UploadInfo {
  file: File
  /** Bytes. */
  fileSize?: number
  state: 'Ready' | 'Uploading' | 'Success' | 'Failure' | 'Canceled' | 'Stoped'
  /** The last progress, 0 to 1. */
  loaded: number
  /** Given by `setUploadAuthAndAddress`, or kept from an earlier upload of the same file that can go on. */
  videoId?: string
  /** Where the object goes, once `setUploadAuthAndAddress` has told. */
  endpoint?: string
  bucket?: string
  object?: string
  region?: string
  /** The `Vod` of `paramData`. */
  videoInfo?: Record<string, unknown>
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

export interface VODUploadOptions {
  /** Who uploads; required by Aliyun's documents. A missing one is reported, and the upload goes on. */
  userId?: string | number
  /** The region of VOD; used by calls to VOD itself. */
  region?: string
  /** Bytes of a part, at least 102400. Without it parts of 1 to 32 MiB follow the speed of the link. */
  partSize?: number
  /** Parts at once, 5 by default. */
  parallel?: number
  /** How often a request is tried again while nothing moves, 3 by default. */
  retryCount?: number
  /** Mean seconds before the first repetition after a network failure, 2 by default; doubled each time. */
  retryDuration?: number
  /** Milliseconds that a request may stand still, 60000 by default. */
  timeout?: number
  /** Whether the endpoint is bound to the bucket. */
  cname?: boolean
  /** Hears what is also written to the console. */
  logger?: (entry: { level: 'error'; code: string; message: string }) => void
  /** The file's turn has come: answer with `setUploadAuthAndAddress`. With a `videoId` refresh its credential, without one create a video. */
  onUploadstarted?: (uploadInfo: UploadInfo) => void
  /** The spelling of the documents' prose. */
  onUploadStarted?: (uploadInfo: UploadInfo) => void
  onUploadSucceed?: (uploadInfo: UploadInfo) => void
  onUploadFailed?: (uploadInfo: UploadInfo, code: string, message: string, error: UploadError) => void
  /** `totalSize` in bytes, `loadedPercent` from 0 to 1; 1 exactly once, when the object is complete. */
  onUploadProgress?: (uploadInfo: UploadInfo, totalSize: number, loadedPercent: number, detail: ProgressDetail) => void
  /** The credential is over: answer with `resumeUploadWithAuth`. */
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
   * Queues a file. `endpoint`, `bucket` and `object` win over those of the upload address.
   * @returns false when the file is refused; `onUploadFailed` tells why, unless it is in the list already
   */
  addFile(file: File | Blob, endpoint?: string | null, bucket?: string | null, object?: string | null, paramData?: string | null): boolean
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
  /** Answers `onUploadstarted`. @returns false when nobody asked, or when the file fails because these cannot be used */
  setUploadAuthAndAddress(uploadInfo: UploadInfo, uploadAuth: string, uploadAddress: string, videoId?: string): boolean
  /** Answers `onUploadTokenExpired`. @returns false when nobody asked, or when the file fails because this cannot be used */
  resumeUploadWithAuth(uploadAuth: string): boolean
}

export default VODUpload
