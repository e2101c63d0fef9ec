import type { Agent } from 'node:http'

/** What is to become a media; field names are those of vod-node-sdk. */
export declare class VodUploadRequest {
  constructor(fields?: Partial<VodUploadRequest>)
  /** The media's path. */
  MediaFilePath: string
  /** Its type, by default its ending. */
  MediaType?: string
  /** Its name, by default the file's without the ending. */
  MediaName?: string
  CoverFilePath?: string
  /** By default its ending. */
  CoverType?: string
  /** The task flow to start when the media is there. */
  Procedure?: string
  /** When the media expires, ISO 8601. */
  ExpireTime?: string
  ClassId?: number
  /** At most 250 characters; comes back in the event about the upload. */
  SourceContext?: string
  /** At most 1000 characters; comes back in the events of the task flow. */
  SessionContext?: string
  StorageRegion?: string
  SubAppId?: number
  ExtInfo?: string
}

export interface VodUploadResponse {
  FileId: string
  MediaUrl: string
  CoverUrl?: string
  /** Of CommitUpload; Tencent's support asks for it. */
  RequestId: string
  /** Whether every stored byte was compared with the files'. */
  verified: boolean
}

export interface VodUploadProgress {
  of: 'media' | 'cover'
  /** Bytes. */
  loaded: number
  total: number
  /** 0 to 1 in steps of 0.01. */
  percent: number
  /** Bytes per second. */
  speed: number
  /** Milliseconds, when it can be told. */
  remaining?: number
}

export interface VodUploadOptions {
  onProgress?: (progress: VodUploadProgress) => void
  /** Gives the upload up and frees what is stored; the promise rejects with its reason. */
  signal?: AbortSignal
  /** Whether an upload that a process left unfinished goes on, `true` by default; for a day, and as long as VOD's key lasts. */
  enableResume?: boolean
  /** Where its records are, sealed with the SecretKey; by default `vodupload` in the user's cache folder. */
  checkpointFolder?: string
  /** Bytes of a part, at least 1 MiB. Without it parts follow the speed of the link. */
  chunkSize?: number
  /** Parts of a file at once, 6 by default. */
  chunkParallelLimit?: number
  /** How often a request is tried again while nothing moves, 3 by default. */
  chunkRetryTimes?: number
  /** Mean milliseconds before the first repetition after a network failure, 2000 by default. */
  retryDelay?: number
  /** Milliseconds that a request may stand still, 60000 by default. */
  timeout?: number
  /** Whether each stored part is compared with the file, `true` by default. */
  integrity?: boolean
  /** Of all connections, for those that go through a proxy. */
  agent?: Agent
  /** The address of VOD, where it is not `vod.tencentcloudapi.com`. */
  vodEndpoint?: string
}

/** A failure, as in pages; `code` is VOD's (`InvalidParameterValue.MediaType`), COS's, or ours. */
export declare class UploadError extends Error {
  code: string
  hint: string
  retryable: boolean
  status?: number
  requestId?: string
  partNumber?: number
}

/** Uploads files of this machine with a cloud API key; in a process three at once with the same options, others wait. */
export declare class VodUploadClient {
  constructor(secretId: string, secretKey: string, options?: VodUploadOptions)
  /** With a temporary key: its token. */
  constructor(secretId: string, secretKey: string, token?: string, options?: VodUploadOptions)
  /** @param region of VOD's interface, such as `ap-guangzhou` */
  upload(region: string, request: Partial<VodUploadRequest>, options?: VodUploadOptions): Promise<VodUploadResponse>
  /** `callback` is called once; the promise tells the same. */
  upload(
    region: string, request: Partial<VodUploadRequest>,
    callback: (error: UploadError | null, response?: VodUploadResponse) => void, options?: VodUploadOptions,
  ): Promise<VodUploadResponse>
}
