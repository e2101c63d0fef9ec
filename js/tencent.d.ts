import type { Host, Storage, Uploadable, UploadError } from './index.js'

export { UploadError } from './index.js'

/** What a signature is for; an application that keeps one that can be used again may answer with that. */
export interface SignatureHint {
  purpose: 'prepare' | 'apply' | 'refresh' | 'commit'
  /** From 1. */
  attempt: number
}

/**
 * Has your server sign: by the callback, by a promise, or by returning it. A signature is asked for before each call to
 * VOD, two to four times for an upload.
 */
export type GetSignature = (callback: (signature: string) => void, hint: SignatureHint) => unknown

/** What both of Tencent's faces take. */
export interface SessionOptions {
  getSignature: GetSignature
  /** The video, audio or image; `videoFile` is its name of 2019. */
  mediaFile?: Uploadable | null
  videoFile?: Uploadable | null
  coverFile?: Uploadable | null
  /** In place of the file's own name. Without `\\ / : * ? " < > |`. */
  mediaName?: string | null
  videoName?: string | null
  fileName?: string | null
  /** With `coverFile` alone: the media whose cover is replaced. */
  fileId?: string
  /** When the media expires, ISO 8601. */
  expireTime?: string
  /** Whether an unfinished upload of the same files goes on, `true` by default; for a day. */
  enableResume?: boolean
  /** Whether the nearest region is looked for, `true` by default except in mini programs, which may not reach them. */
  enableRaceRegion?: boolean
  /** Bytes of a part, at least 1 MiB. Without it parts follow the speed of the link. */
  chunkSize?: number
  /** Parts at once. */
  chunkParallelLimit?: number
  /** How often a request is tried again while nothing moves, 3 by default. */
  chunkRetryTimes?: number
  /** Mean milliseconds before the first repetition after a network failure, 2000 by default. */
  retryDelay?: number
  /** Milliseconds that a request may stand still, 60000 by default. */
  timeout?: number
  /** Milliseconds between two reports of progress, 1000 by default. */
  progressInterval?: number
  /** Whether each stored part is compared with the file, as `VODUpload`'s. */
  integrity?: boolean
  /** The address of VOD, where it is not `vod2.qcloud.com`. */
  vodEndpoint?: string
  /** Whether all requests go to that address, which passes them on; in mini programs they do. */
  forward?: boolean
  storage?: Storage
  host?: Partial<Host>
  corePath?: string
  /** Hears what is also written to the console; warnings are of signatures, see `parseUploadSignature`. */
  logger?: (entry: { level: 'error' | 'warning'; code: string; message: string }) => void
  /** Accepted; nothing is ever reported to anyone but you. */
  appId?: number | string
  reportId?: number | string
  allowReport?: boolean
  [other: string]: unknown
}

export interface MediaProgress {
  /** Bytes. */
  loaded: number
  total: number
  /** 0 to 1 in steps of 0.01; 1 once the file is stored, and still to be committed. */
  percent: number
  /** Bytes per second. */
  speed: number
}

/** A failure; `code` is VOD's number, COS's code, or ours. */
export interface SessionError extends Omit<UploadError, 'code'> {
  code: string | number
  /** The number of Tencent's mobile SDKs, 1001 to 1020. */
  retCode: number
  stage: 'validate' | 'prepare' | 'apply' | 'media' | 'cover' | 'commit'
}

export interface StartOptions extends SessionOptions {
  progress?: (progress: MediaProgress) => void
  finish?: (result: { fileId: string; videoName: string; videoUrl: string; coverUrl?: string; verify_content?: string; verified: boolean }) => void
  error?: (error: { code: number; message: string; name: string; retCode: number; stage: string; retryable: boolean; requestId?: string }) => void
  /** Of version 5.1: the file is stored, and is to be committed. */
  success?: (target: object) => void
}

/** Tencent's uploader of mini programs, with the names of vod-wx-sdk-v2; a value of `vodupload` there. */
export interface VodUploaderFace {
  /** Loads the core ahead of the first upload, and with `enableRaceRegion` finds the nearest region. */
  prepare(options: Partial<SessionOptions> & { getSignature: GetSignature }): Promise<{ region?: string }>
  start(options: StartOptions): {
    /**
     * Gives the upload up; `error` tells 1017. What is stored is kept for a day, and the next upload of the same files
     * goes on with it, unless it is discarded.
     */
    cancel(options?: { discard?: boolean }): void
    pause(): void
    /** Goes on after a pause, or tries again after a failure. */
    restart(): void
    /** As `restart`, and also begins again after `cancel`. */
    start(): void
  }
}

export interface TcVodOptions extends Partial<SessionOptions> {
  getSignature: GetSignature
}

export type TcVodUploadOptions = Partial<SessionOptions>

export interface TcVodResult {
  fileId: string
  video?: { url: string; verify_content?: string }
  cover?: { url: string; verify_content?: string }
  verified: boolean
}

export type TcVodEvent = 'media_progress' | 'video_progress' | 'cover_progress' | 'media_upload' | 'video_upload' | 'cover_upload'

export interface TcVodUploader {
  videoInfo?: { name: string; type: string; size: number }
  coverInfo?: { name: string; type: string; size: number }
  /** Rejects with a `SessionError`; after `cancel` with `retCode` 1017. */
  done(): Promise<TcVodResult>
  /** What is stored is kept for a day, and the next upload of the same files goes on with it, unless it is discarded. */
  cancel(options?: { discard?: boolean }): void
  pause(): void
  /** Goes on after a pause. */
  resume(): void
  on(name: TcVodEvent, listener: (told: any) => void): this
  off(name: TcVodEvent, listener?: (told: any) => void): this
  once(name: TcVodEvent, listener: (told: any) => void): this
}

/** Tencent's uploader of web pages, with the names of vod-js-sdk-v6. */
export declare class TcVod {
  constructor(options: TcVodOptions)
  upload(options: TcVodUploadOptions): TcVodUploader
  /** Loads the core and finds the nearest region ahead of the first upload, which then begins sooner. */
  prepare(): Promise<{ region?: string }>
  static default: typeof TcVod
}
export default TcVod
