// @ts-check
// What Tencent's three interfaces answer when they say no: COS in XML, UGC in `{code, message}`, the server API in its envelope.
//
// One table each, so that a code cannot get two statuses. <https://cloud.tencent.com/document/product/436/7730>

import { xml } from '../errors.js'

/** @type {Record<string, { status: number, message: string }>} */
const COS = {
  AccessDenied: { status: 403, message: 'Access Denied.' },
  AccessForbidden: { status: 403, message: 'CORSResponse: This CORS request is not allowed.' },
  BadDigest: { status: 400, message: 'The Content-MD5 you specified did not match what we received.' },
  EntityTooLarge: { status: 400, message: 'Your proposed upload exceeds the maximum allowed object size.' },
  EntityTooSmall: { status: 400, message: 'Your proposed upload is smaller than the minimum allowed object size.' },
  ExpiredToken: { status: 403, message: 'The provided token has expired.' },
  InternalError: { status: 500, message: 'We encountered an internal error. Please try again.' },
  InvalidAccessKeyId: { status: 403, message: 'The Access Key Id you provided does not exist in our records.' },
  InvalidArgument: { status: 400, message: 'Invalid Argument.' },
  InvalidDigest: { status: 400, message: 'The Content-MD5 you specified is not valid.' },
  InvalidObjectState: { status: 403, message: 'The operation is not valid for the object\'s state.' },
  InvalidPart: { status: 400, message: 'One or more of the specified parts could not be found.' },
  InvalidPartOrder: { status: 400, message: 'The list of parts was not in ascending order. Parts list must be specified in order by part number.' },
  InvalidURI: { status: 400, message: 'Could not parse the specified URI.' },
  KeyTooLong: { status: 400, message: 'Your key is too long.' },
  MalformedPOSTRequest: { status: 400, message: 'The body of your POST request is not well-formed multipart/form-data.' },
  MalformedXML: { status: 400, message: 'The XML you provided was not well-formed or did not validate against our published schema.' },
  MethodNotAllowed: { status: 405, message: 'The specified method is not allowed against this resource.' },
  MissingContentLength: { status: 411, message: 'You must provide the Content-Length HTTP header.' },
  NoSuchBucket: { status: 404, message: 'The specified bucket does not exist.' },
  NoSuchKey: { status: 404, message: 'The specified key does not exist.' },
  NoSuchUpload: { status: 404, message: 'The specified multipart upload does not exist.' },
  RequestTimeTooSkewed: { status: 403, message: 'The difference between the request time and the server\'s time is too large.' },
  RequestTimeout: { status: 400, message: 'Your socket connection to the server was not read from or written to within the timeout period.' },
  ServiceUnavailable: { status: 503, message: 'Please reduce your request rate.' },
  SignatureDoesNotMatch: { status: 403, message: 'The Signature you specified is invalid.' },
  SlowDown: { status: 503, message: 'Reduce your request rate.' },
}

/**
 * @typedef {Error & { cos: true, code: string, status: number, fields: Record<string, string>, headers: Record<string, string> }} CosError
 */

/**
 * `fields` become elements beside Code and Message.
 * @param {string} code
 * @param {{ message?: string, status?: number, fields?: Record<string, string | number>, headers?: Record<string, string> }} [more]
 * @returns {CosError}
 */
export const cosError = (code, { message, status, fields = {}, headers = {} } = {}) => Object.assign(new Error(message ?? COS[code]?.message ?? code), {
  cos: /** @type {const} */ (true), code, status: status ?? COS[code]?.status ?? 400, headers,
  fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)])),
})

/**
 * An error of this endpoint, or one that shared code threw in OSS's name.
 * @param {any} thrown
 * @returns {CosError}
 */
export const asCosError = (thrown) => {
  if (thrown.cos) return thrown
  if (!thrown.oss) return cosError('InternalError', { message: String(thrown.message) })
  const { code, fields, headers, status, message } = thrown
  return cosError(code, COS[code] ? { fields, headers } : { fields, headers, status, message })
}

const NAMED = { '&#34;': '"', '&#38;': '&amp;', '&#39;': '\'', '&#60;': '&lt;', '&#62;': '&gt;' }

/**
 * As COS writes it: quotes as they are, and no entities by number, which the vendor's parsers do not read.
 * @param {import('../errors.js').XmlTree} tree
 */
export const cosXml = (tree) => xml(tree).replace(/&#(34|38|39|60|62);/g, (entity) => NAMED[/** @type {keyof typeof NAMED} */ (entity)])

/**
 * @param {CosError} error
 * @param {{ resource: string, requestId: string, traceId: string }} context
 */
export const cosErrorXml = (error, { resource, requestId, traceId }) => cosXml({
  Error: { Code: error.code, Message: error.message, Resource: resource, RequestId: requestId, TraceId: traceId, ...error.fields },
})

/** Codes of the UGC interface. Only the first three are known; the others are this cloud's own, no client may count on them. */
export const UGC = /** @type {const} */ ({
  invalidRequest: { code: 10001, message: 'ugc upload | invalid request' },
  invalidSignature: { code: 10004, message: 'ugc upload | invalid signature' },
  signatureExpired: { code: 10010, message: 'ugc upload | signature expired' },
  duplicateSignature: { code: 10011, message: 'duplicate vod signature' },
  fileNotFound: { code: 10017, message: 'ugc upload | file not exist' },
  invalidSession: { code: 10018, message: 'ugc upload | invalid vodSessionKey' },
  objectNotFound: { code: 10019, message: 'ugc upload | object not exist' },
  sessionFinished: { code: 10020, message: 'ugc upload | upload already committed' },
  internalError: { code: 10000, message: 'ugc upload | internal error' },
})

/**
 * @param {keyof typeof UGC} name
 * @param {string} [detail] why, for whoever reads the log of a test
 */
export const ugcError = (name, detail) => {
  const { code, message } = UGC[name]
  return Object.assign(new Error(detail ? `${message} (${detail})` : message), { ugc: /** @type {const} */ (true), code })
}

/**
 * An error of the server API; all of them come with status 200.
 * @param {string} code
 * @param {string} message
 */
export const apiError = (code, message) => Object.assign(new Error(message), { api: /** @type {const} */ (true), code })
