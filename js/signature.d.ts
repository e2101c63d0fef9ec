// Client upload signatures of Tencent VOD. `parseUploadSignature` runs anywhere; the others need Node.js.

export interface UploadSignatureParameters {
  /** SecretId of a cloud API key. */
  secretId: string
  /** Unix seconds; default: now. */
  currentTimeStamp?: number
  /** Unix seconds, at most 90 days after `currentTimeStamp`; default: one day after it. */
  expireTime?: number
  /** Unsigned 32-bit; default: a random one. */
  random?: number
  classId?: number
  /** Name of the task flow to start when the upload has ended. */
  procedure?: string
  /** -10…10, with `procedure` only. */
  taskPriority?: number
  /** With `procedure` only. */
  taskNotifyMode?: 'Finish' | 'Change' | 'None'
  /** At most 250 characters; comes back in the event about the upload. */
  sourceContext?: string
  /** 1: the token is good for one request. */
  oneTimeValid?: 0 | 1
  vodSubAppId?: number
  /** At most 1000 characters; comes back in the events of the task flow. */
  sessionContext?: string
  storageRegion?: string
}

/** Thrown as a TypeError. */
export interface UploadSignatureError extends TypeError {
  code: 'MissingParameter' | 'InvalidParameter' | 'UnknownParameter' | 'MissingSecretKey'
  parameter: string
}

export interface UploadSignatureWarning {
  code: 'NotString' | 'Empty' | 'WhiteSpace' | 'WholeResponse' | 'Quoted' | 'NotBase64' | 'NoParameters' | 'MissingParameter'
    | 'NotInteger' | 'RandomOutOfRange' | 'Milliseconds' | 'LifeTooShort' | 'LifeTooLong' | 'Expired' | 'NotYetValid'
  message: string
}

export interface ParsedUploadSignature {
  secretId?: string
  currentTimeStamp?: number
  expireTime?: number
  random?: number
  /** Further parameters, numbers where the server reads numbers. */
  [parameter: string]: unknown
  /** The text that was signed; '' when the token cannot be read. */
  original: string
  /** ms since the epoch; null when the token does not say. */
  expiresAt: number | null
  /** @param at ms since the epoch by the server's clock; default: this device's now */
  isExpired(at?: number): boolean
  warnings: UploadSignatureWarning[]
}

/** A token that lets a client upload; for app servers, which alone hold the SecretKey. */
export function createUploadSignature(parameters: UploadSignatureParameters, secretKey: string, options?: {
  /** `querystring`: percent-encoded as Node's stringifier does, which leaves !'()* bare. */
  encoding?: 'strict' | 'querystring'
}): string

/** The last step alone, for a text of one's own: nothing is checked. */
export function signOriginal(original: string, secretKey: string): string

/** What a token says, and what is wrong with it. Never throws, needs no key and no Node.js. */
export function parseUploadSignature(token: unknown, now?: number): ParsedUploadSignature
