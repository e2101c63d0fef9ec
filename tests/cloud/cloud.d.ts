// The local cloud, see README.md.

export interface CorsRule {
  origins: string[]
  methods: string[]
  headers: string[]
  expose: string[]
  maxAge: number
}

export interface LogEntry {
  time: number
  method: string
  operation: string
  key: string
  partNumber: number | null
  uploadId: string | null
  bytes: number
  /** 0: no answer (yet). */
  status: number
  code: string
  requestId: string
  fault: string
  /** Tencent: the host that the client means, the bucket's also when a proxy forwards. */
  host?: string
}

export interface CloudOptions {
  root?: string
  host?: string
  ossPort?: number
  appPort?: number | null
  vodPort?: number | null
  bucket?: string
  region?: string
  credentialLife?: number
  deny?: string[]
  cors?: Partial<CorsRule> | null
  integrity?: 'full' | 'etag' | 'off' | 'zeros'
  encryption?: 'KMS' | null
  keep?: boolean
  clockSkew?: number
  keyStyle?: 'id' | 'name'
  endpoint?: string
  /** Tencent's endpoints; default: if cos-nodejs-sdk-v5 is installed. */
  tencent?: boolean | TencentOptions
  onRequest?: (entry: LogEntry) => void
}

export interface TencentOptions {
  cosPort?: number
  ugcPort?: number
  ugcBackupPort?: number
  vodApiPort?: number
  /** The first is the app server's. */
  accounts?: { secretId: string; secretKey: string; appId?: number }[]
  /** Without the app id. */
  bucket?: string
  storageAppId?: number
  /** The first is where uploads go by default. */
  regions?: string[]
  names?: 'local' | 'real'
  pseudoRegion?: string | null
  accelerateHost?: string | true | null
  domain?: string
  credentialLife?: number
  sessionLife?: number
  deny?: string[]
  commitUsesToken?: boolean
  commitIdempotent?: boolean
  pageSize?: number
  cors?: Partial<CorsRule> | null
}

/** A COS key and what it is good for. */
export interface CosGrant {
  secretId: string
  secretKey: string
  token: string | null
  /** Unix seconds. */
  start: number
  expires: number
  /** null: every key. */
  keys: string[] | null
  region: string | null
  deny: string[]
}

/** What was committed. */
export interface TencentMedia {
  fileId: string
  name: string
  type: string
  size: number
  key: string
  coverKey: string | null
  region: string
  classId: number
  procedure: string
  expireTime: string | null
  via: 'ugc' | 'api'
  secretId: string
  createdAt: string
  /** The parameters of the upload signature, or of ApplyUpload, as text. */
  told: Record<string, string>
  /** Members of the request that VOD does not have. */
  unknown: string[]
}

export interface TencentMeans {
  account: { secretId: string; secretKey: string; appId: number }
  /** With the app id. */
  bucket: string
  shortBucket: string
  storageAppId: number
  regions: string[]
  /** A bucket's address as a page on this machine reaches it, with `{bucket}` and `{region}`. */
  cosTemplate: string
  /** The same for the bucket of this cloud, without a scheme. */
  bucketHost(region: string): string
  /** Where a request to one of the vendor's hosts goes, and the Host header it has to keep; null: it is none of them. */
  route(address: string): { url: string; host: string } | null
  issue(wish?: { keys?: string[] | null; region?: string | null; life?: number; deny?: string[]; secretId?: string; secretKey?: string; token?: string }): CosGrant
  expireCredentials(): void
  expireSessions(): void
  sessions(): (Record<string, any> & { vodSessionKey: string; fileId: string; committed: boolean; applies: number })[]
}

export interface StoredObject {
  bucket: string
  key: string
  size: number
  etag: string
  crc64: string | null
  md5: string | null
  path: string | null
  type: 'Normal' | 'Multipart'
  headers: Record<string, string>
  lastModified: number
}

export interface Cloud {
  /** The OSS endpoint, goes into UploadAddress. */
  oss: string
  /** An endpoint of the same storage where the bucket is not. */
  ossElsewhere: string
  app: string | null
  /** The endpoint of VOD's calls. */
  vod: string | null
  /** Tencent's COS; the bucket has to be in the Host header. */
  cos: string | null
  /** Tencent's UGC interface, and the proxy to COS. */
  ugc: string | null
  ugcBackup: string | null
  /** Tencent's server API. */
  vodApi: string | null
  tencent: TencentMeans | null
  root: string
  bucket: string
  region: string
  encryption: 'KMS' | null
  faults: {
    add(fault: Record<string, unknown>): string
    remove(id: string): void
    clear(): void
    list(): Record<string, unknown>[]
    network(change?: { bytesPerSecond?: number | null; latency?: number; down?: boolean } | null): { bytesPerSecond: number | null; latency: number; down: boolean }
  }
  log: LogEntry[]
  credentials: {
    issue(wishes?: { key?: string; bucket?: string; life?: number; deny?: string[]; endpoint?: string }): Record<string, any> & { accessKeyId: string; accessKeySecret: string; securityToken: string; uploadAuth: string; uploadAddress: string }
    issueSts(wishes?: { life?: number; deny?: string[] }): { accessKeyId: string; accessKeySecret: string; securityToken: string; expiration: string }
    expire(accessKeyId: string): void
    expireAll(): void
  }
  /** Answers a request of `node:http` if it is the app server's, and says whether it was. */
  handler(request: any, response: any): boolean
  object(key: string): StoredObject | undefined
  objects(): StoredObject[]
  uploads(): (Record<string, any> & { uploadId: string; key: string; parts: { number: number; size: number; etag: string }[] })[]
  videos(): (Record<string, any> & { videoId: string; key: string })[]
  /** What was committed to Tencent's VOD. */
  medias(): TencentMedia[]
  images(): (Record<string, any> & { imageId: string; key: string })[]
  close(): Promise<void>
}

export function startCloud(options?: CloudOptions): Promise<Cloud>
