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
  onRequest?: (entry: LogEntry) => void
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
  images(): (Record<string, any> & { imageId: string; key: string })[]
  close(): Promise<void>
}

export function startCloud(options?: CloudOptions): Promise<Cloud>
