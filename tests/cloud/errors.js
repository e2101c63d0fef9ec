// @ts-check
// The errors OSS answers: code, HTTP status, message, and the XML they travel in.
//
// One table, so that a code cannot get two statuses. `ec` (OSS's finer error number) is given only where a published
// answer shows it. <https://help.aliyun.com/zh/oss/support/http-status-codes>

/** @type {Record<string, { status: number, message: string, ec?: string }>} */
const ERRORS = {
  AccessDenied: { status: 403, ec: '0003-00000001', message: 'You have no right to access this object because of bucket acl.' },
  AccessForbidden: { status: 403, message: 'CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource\'s CORS spec.' },
  EntityTooLarge: { status: 400, message: 'Your proposed upload exceeds the maximum allowed size.' },
  EntityTooSmall: { status: 400, message: 'Your proposed upload smaller than the minimum allowed size.' },
  FileAlreadyExists: { status: 409, message: 'The object you specified already exists and can not be overwritten.' },
  InternalError: { status: 500, message: 'Please contact the server administrator, oss@service.aliyun.com.' },
  InvalidAccessKeyId: { status: 403, ec: '0002-00000902', message: 'The OSS Access Key Id you provided does not exist in our records.' },
  InvalidArgument: { status: 400, message: 'Invalid argument.' },
  InvalidDigest: { status: 400, message: 'The Content-MD5 you specified was invalid.' },
  InvalidObjectName: { status: 400, message: 'The specified object is not valid.' },
  InvalidObjectState: { status: 403, message: 'The operation is not valid for the object\'s state.' },
  InvalidPart: { status: 400, message: 'One or more of the specified parts could not be found or the specified entity tag might not have matched the part\'s entity tag.' },
  InvalidPartOrder: { status: 400, message: 'The list of parts was not in ascending order. Parts list must specified in order by part number.' },
  InvalidPolicyDocument: { status: 400, message: 'Invalid Policy.' },
  InvalidSecurityToken: { status: 403, message: 'The security token you provided is invalid.' },
  InvalidURI: { status: 400, message: 'Couldn\'t parse the specified URI.' },
  MalformedPOSTRequest: { status: 400, message: 'The body of your POST request is not well-formed multipart/form-data.' },
  MalformedXML: { status: 400, message: 'The XML you provided was not well-formed or did not validate against our published schema.' },
  MethodNotAllowed: { status: 405, message: 'The specified method is not allowed against this resource.' },
  MissingContentLength: { status: 411, message: 'You must provide the Content-Length HTTP header.' },
  NoSuchBucket: { status: 404, ec: '0015-00000101', message: 'The specified bucket does not exist.' },
  NoSuchKey: { status: 404, ec: '0026-00000001', message: 'The specified key does not exist.' },
  NoSuchUpload: { status: 404, message: 'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.' },
  QpsLimitExceeded: { status: 503, message: 'Your QPS has exceeded the limit.' },
  RequestTimeTooSkewed: { status: 403, ec: '0002-00000504', message: 'The difference between the request time and the current time is too large.' },
  RequestTimeout: { status: 400, message: 'Your socket connection to the server was not read from or written to within the timeout period.' },
  SecurityTokenExpired: { status: 403, message: 'The security token you provided has expired.' },
  ServiceUnavailable: { status: 503, message: 'Please reduce your request rate.' },
  SignatureDoesNotMatch: { status: 403, ec: '0002-00000040', message: 'The request signature we calculated does not match the signature you provided. Check your key and signing method.' },
}

/**
 * @typedef {Error & { oss: true, code: string, status: number, ec: string | undefined, fields: Record<string, string>, headers: Record<string, string> }} OssError
 */

/**
 * An answer that says no. `fields` become elements beside Code and Message.
 * @param {string} code
 * @param {{ message?: string, status?: number, ec?: string, fields?: Record<string, string | number>, headers?: Record<string, string> }} [more]
 * @returns {OssError}
 */
export const ossError = (code, more = {}) => {
  const known = ERRORS[code]
  const fields = Object.fromEntries(Object.entries(more.fields ?? {}).map(([name, value]) => [name, String(value)]))
  return Object.assign(new Error(more.message ?? known?.message ?? code), {
    oss: /** @type {const} */ (true), code, fields,
    status: more.status ?? known?.status ?? 400,
    // An EC belongs to one message, so another message has another, unknown EC.
    ec: more.ec ?? (more.message ? undefined : known?.ec),
    headers: more.headers ?? {},
  })
}

/**
 * The answer of another region's endpoint.
 * @param {string} bucket
 * @param {string} endpoint
 */
export const elsewhereError = (bucket, endpoint) => ossError('AccessDenied', {
  message: 'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.',
  fields: { Bucket: bucket, Endpoint: endpoint },
})

/** @param {unknown} value */
const escapeXml = (value) => String(value).replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`)

/**
 * Elements in the order given; an array repeats its element.
 * @typedef {string | number | boolean | undefined | XmlTree | Array<string | number | XmlTree>} XmlValue
 * @typedef {{ [name: string]: XmlValue }} XmlTree
 */

/**
 * @param {XmlTree} tree
 * @returns {string}
 */
const elements = (tree) => Object.entries(tree)
  .flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((item) => item === undefined ? ''
    : `<${name}>${typeof item === 'object' ? elements(item) : escapeXml(item)}</${name}>`))
  .join('')

/** @param {XmlTree} tree */
export const xml = (tree) => `<?xml version="1.0" encoding="UTF-8"?>\n${elements(tree)}`

/**
 * @param {OssError} error
 * @param {string} requestId
 * @param {string} hostId
 */
export const errorXml = (error, requestId, hostId) => xml({
  Error: { Code: error.code, Message: error.message, RequestId: requestId, HostId: hostId, ...error.fields, EC: error.ec },
})
