// @ts-check
// Who sent this request, and may they?
//
// Every signature is computed by the vendor's own SDK, ali-oss, from the request as it arrived; no signing code of this
// project runs here, or a shared mistake would agree with itself.
// <https://help.aliyun.com/zh/oss/developer-reference/include-signatures-in-the-authorization-header>

import { createRequire } from 'node:module'
import { ossError } from './errors.js'
import { keyPath } from './request.js'

/**
 * @typedef {import('./credentials.js').Grant} Grant
 * @typedef {import('./credentials.js').Credentials} Credentials
 *
 * @typedef {object} SignedRequest
 * @property {string} method
 * @property {Record<string, string>} headers lower-case names, UTF-8 values
 * @property {Record<string, string | null>} query null where the value is empty
 * @property {string | null} hostBucket the bucket in the Host header
 * @property {string} key '' for the bucket itself
 *
 * @typedef {object} Verifier
 * @property {Credentials} credentials
 * @property {string} region
 * @property {number} now server time, ms
 * @property {number} issuerNow the same on the clock that dates credentials; a skew fault does not move it
 * @property {boolean} expire a fault: the credential of this request dies now
 */

/** OSS refuses a request dated further than this from its own clock, ms. */
const MAX_SKEW = 900_000

/** Query parameters that a V1 signature covers; all others are unsigned. */
const V1_SUB_RESOURCES = new Set(['acl', 'append', 'callback', 'callback-var', 'cors', 'delete', 'lifecycle', 'location',
  'logging', 'objectMeta', 'partNumber', 'position', 'referer', 'replication', 'restore', 'security-token', 'sequential',
  'symlink', 'tagging', 'uploadId', 'uploads', 'versionId', 'versions', 'website', 'x-oss-process',
  'x-oss-request-payer', 'x-oss-traffic-limit', 'response-cache-control', 'response-content-disposition',
  'response-content-encoding', 'response-content-language', 'response-content-type', 'response-expires'])

/** @returns {any} ali-oss's signing helpers; it ships no types */
const loadSigner = () => {
  const require = createRequire(import.meta.url)
  try {
    return require('ali-oss/lib/common/signUtils')
  } catch (cause) {
    throw new Error('The local cloud checks signatures with ali-oss, an optional peer dependency of vodupload that is not '
      + 'installed here. Install it with: npm install --save-dev ali-oss@6', { cause })
  }
}

/** @type {any} */
let loaded
export const signer = () => (loaded ??= loadSigner())

/**
 * The grant behind the request, or an OSS error.
 * @param {SignedRequest} request
 * @param {Verifier} verifier
 * @returns {Grant}
 */
export const authenticate = (request, verifier) => {
  const authorization = request.headers.authorization
  if (authorization?.startsWith('OSS4-HMAC-SHA256 ')) return headerV4(request, verifier, authorization)
  if (authorization?.startsWith('OSS ')) return headerV1(request, verifier, authorization)
  if (authorization !== undefined) throw invalid('Authorization', 'Unsupported Authorization Type.')
  if (request.query['x-oss-signature-version']) return urlV4(request, verifier)
  if (request.query.Signature) return urlV1(request, verifier)
  throw ossError('AccessDenied')
}

/**
 * Whether the grant covers the operation.
 * @param {Grant} grant
 * @param {{ bucket: string, key: string, operation: string }} target
 */
export const authorize = (grant, { bucket, key, operation }) => {
  const covered = grant.bucket === bucket && (grant.key === null || grant.key === key) && !grant.deny.includes(operation)
  if (!covered) throw ossError('AccessDenied', { message: 'You have no right to access this object.' })
}

/**
 * @param {SignedRequest} request
 * @param {Verifier} verifier
 * @param {string} authorization
 */
const headerV1 = (request, verifier, authorization) => {
  const [, id, provided] = /^OSS ([^:]+):(\S+)$/.exec(authorization) ?? []
  if (!id) throw invalid('Authorization', 'Authorization header is invalid.')
  const grant = findGrant(id, request.headers['x-oss-security-token'], verifier)
  checkDate(request.headers['x-oss-date'] ?? request.headers.date, httpDate, verifier)
  checkLife(grant, verifier)
  // With x-oss-date ali-oss finds the Date line itself; a plain Date header has to be handed to it.
  const expires = request.headers['x-oss-date'] ? undefined : request.headers.date
  checkV1(request, grant, expires, provided)
  return grant
}

/**
 * @param {SignedRequest} request
 * @param {Verifier} verifier
 */
const urlV1 = (request, verifier) => {
  const { OSSAccessKeyId, Expires, Signature } = request.query
  if (!OSSAccessKeyId || !Expires || !Signature) throw invalid('Signature', 'Missing OSSAccessKeyId, Expires or Signature.')
  const grant = findGrant(OSSAccessKeyId, request.query['security-token'] ?? undefined, verifier)
  checkUrlLife(Number(Expires) * 1000, verifier)
  checkLife(grant, verifier)
  checkV1(request, grant, Expires, Signature)
  return grant
}

/**
 * @param {SignedRequest} request
 * @param {Grant} grant
 * @param {string | undefined} date what stands on the Date line when it is not x-oss-date
 * @param {string} provided
 */
const checkV1 = (request, grant, date, provided) => {
  const parameters = Object.fromEntries(Object.entries(request.query).filter(([name]) => V1_SUB_RESOURCES.has(name)))
  const resource = `/${request.hostBucket ?? grant.bucket}/${request.key}`
  const stringToSign = signer().buildCanonicalString(request.method, resource, { headers: request.headers, parameters }, date)
  compare(signer().computeSignature(grant.accessKeySecret, stringToSign), provided, grant, { StringToSign: stringToSign })
}

/**
 * @param {SignedRequest} request
 * @param {Verifier} verifier
 * @param {string} authorization
 */
const headerV4 = (request, verifier, authorization) => {
  const fields = Object.fromEntries(authorization.slice('OSS4-HMAC-SHA256 '.length).split(',')
    .map((field) => /^\s*(\w+)=(.*?)\s*$/.exec(field)?.slice(1, 3) ?? ['', '']))
  if (!fields.Credential || !fields.Signature) throw invalid('Authorization', 'Authorization header is invalid.')
  const scope = parseScope(fields.Credential, verifier.region, 'Authorization header')
  const grant = findGrant(scope.id, request.headers['x-oss-security-token'], verifier)
  const date = request.headers['x-oss-date']
  checkDate(date, basicDate, verifier)
  if (!date.startsWith(`${scope.date}T`)) throw invalid('Authorization', 'Invalid signing date in Authorization header.')
  if (request.headers['x-oss-content-sha256'] !== 'UNSIGNED-PAYLOAD') {
    throw invalid('x-oss-content-sha256', 'Invalid x-oss-content-sha256, the value must be UNSIGNED-PAYLOAD.')
  }
  checkLife(grant, verifier)
  checkV4(request, grant, { date, region: scope.region, additional: fields.AdditionalHeaders, query: request.query, provided: fields.Signature })
  return grant
}

/**
 * @param {SignedRequest} request
 * @param {Verifier} verifier
 */
const urlV4 = (request, verifier) => {
  const { 'x-oss-signature': provided, ...query } = request.query
  const date = query['x-oss-date'] ?? undefined
  const lifetime = Number(query['x-oss-expires'])
  if (!provided || !query['x-oss-credential'] || !(lifetime > 0)) throw invalid('x-oss-signature', 'Incomplete signed URL.')
  const scope = parseScope(query['x-oss-credential'], verifier.region, 'query string')
  const grant = findGrant(scope.id, query['x-oss-security-token'] ?? undefined, verifier)
  checkUrlLife(basicDate(date ?? '') + lifetime * 1000, verifier)
  checkLife(grant, verifier)
  checkV4(request, grant, { date: String(date), region: scope.region, additional: query['x-oss-additional-headers'], query, provided })
  return grant
}

/**
 * @param {SignedRequest} request
 * @param {Grant} grant
 * @param {{ date: string, region: string, additional?: string | null, query: SignedRequest['query'], provided: string }} signed
 */
const checkV4 = (request, grant, { date, region, additional, query, provided }) => {
  const names = signer().fixAdditionalHeaders(additional ? additional.split(';') : [])
  const missing = names.find((/** @type {string} */ name) => !(name in request.headers))
  if (missing) throw invalid('AdditionalHeaders', `The additional header ${missing} is not in the request.`)
  const canonicalRequest = signer().getCanonicalRequest(request.method, { headers: request.headers, queries: query },
    request.hostBucket ?? grant.bucket, request.key, names)
  const stringToSign = signer().getStringToSign(region, date, canonicalRequest)
  compare(signer().getSignatureV4(grant.accessKeySecret, date.slice(0, 8), region, stringToSign), provided, grant,
    { StringToSign: stringToSign, CanonicalRequest: canonicalRequest })
}

/**
 * The signature of a PostObject form, V1 or V4, over the policy's base64 text.
 * @param {Record<string, string>} fields form fields, lower-case names
 * @param {Verifier} verifier
 * @returns {Grant}
 */
export const authenticateForm = (fields, verifier) => {
  const { policy } = fields
  if (fields['x-oss-signature-version'] === 'OSS4-HMAC-SHA256') {
    const { 'x-oss-credential': credential, 'x-oss-date': date, 'x-oss-signature': provided } = fields
    if (!policy || !credential || !date || !provided) throw invalid('x-oss-signature', 'Incomplete V4 form.')
    const scope = parseScope(credential, verifier.region, 'form')
    const grant = findGrant(scope.id, fields['x-oss-security-token'], verifier)
    checkDate(date, basicDate, verifier, 7 * 86_400_000) // the policy's own expiration is the narrower limit
    if (!date.startsWith(`${scope.date}T`)) throw invalid('x-oss-credential', 'Invalid signing date in form.')
    checkLife(grant, verifier)
    compare(signer().getSignatureV4(grant.accessKeySecret, scope.date, scope.region, policy), provided, grant, { StringToSign: policy })
    return grant
  }
  const { ossaccesskeyid: id, signature: provided } = fields
  if (!id && !provided) throw ossError('AccessDenied')
  if (!id || !provided || !policy) throw invalid('Signature', 'OSSAccessKeyId, policy and Signature must come together.')
  const grant = findGrant(id, fields['x-oss-security-token'], verifier)
  checkLife(grant, verifier)
  compare(signer().computeSignature(grant.accessKeySecret, policy), provided, grant, { StringToSign: policy })
  return grant
}

/**
 * A download address that needs no header, signed by ali-oss (V1, in the query string).
 * @param {Grant} grant
 * @param {string} endpoint
 * @param {string} key
 */
export const signedUrl = (grant, endpoint, key) => {
  const expires = Math.floor(grant.expires / 1000)
  const { Signature } = signer()._signatureForURL(grant.accessKeySecret,
    { method: 'GET', 'security-token': grant.securityToken }, `/${grant.bucket}/${key}`, expires)
  const query = new URLSearchParams({ OSSAccessKeyId: grant.accessKeyId, Expires: String(expires), Signature, 'security-token': grant.securityToken })
  return `${endpoint}/${keyPath(key)}?${query}`
}

/**
 * @param {string} id
 * @param {string | undefined} token
 * @param {Verifier} verifier
 */
const findGrant = (id, token, { credentials, expire }) => {
  const grant = credentials.find(id)
  // OSS does not know a temporary id without its token.
  if (!grant || token === undefined) throw ossError('InvalidAccessKeyId', { fields: { OSSAccessKeyId: id } })
  if (grant.securityToken !== token) throw ossError('InvalidSecurityToken', { fields: { SecurityToken: token } })
  if (expire) credentials.expire(id)
  return grant
}

/**
 * @param {Grant} grant
 * @param {Verifier} verifier
 */
const checkLife = (grant, { issuerNow }) => {
  if (issuerNow >= grant.expires) throw ossError('SecurityTokenExpired')
}

/**
 * @param {number} expires ms
 * @param {Verifier} verifier
 */
const checkUrlLife = (expires, { now }) => {
  if (now < expires) return
  throw ossError('AccessDenied', { message: 'Request has expired.', fields: { ServerTime: iso(now) } })
}

/**
 * @param {string | undefined} text
 * @param {(text: string) => number} parse
 * @param {Verifier} verifier
 * @param {number} [tolerance] ms
 */
const checkDate = (text, parse, { now }, tolerance = MAX_SKEW) => {
  const time = parse(text ?? '')
  if (Number.isNaN(time)) throw ossError('AccessDenied', { message: 'OSS authentication requires a valid Date.' })
  if (Math.abs(now - time) <= tolerance) return
  throw ossError('RequestTimeTooSkewed', {
    fields: { MaxAllowedSkewMilliseconds: MAX_SKEW, RequestTime: iso(time), ServerTime: iso(now) },
  })
}

/** @param {number} time */
const iso = (time) => new Date(time).toISOString()

/** @param {string} text */
const httpDate = (text) => /^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text) ? Date.parse(text) : NaN

/** @param {string} text `yyyymmddThhmmssZ` */
const basicDate = (text) => {
  const parts = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text)
  return parts ? Date.parse(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}Z`) : NaN
}

/**
 * @param {string} credential `<id>/<yyyymmdd>/<region>/oss/aliyun_v4_request`
 * @param {string} serverRegion
 * @param {string} where for the message, in OSS's words
 */
const parseScope = (credential, serverRegion, where) => {
  const [id, date, region, product, terminator, ...rest] = credential.split('/')
  if (!id || !/^\d{8}$/.test(date ?? '') || terminator !== 'aliyun_v4_request' || rest.length) {
    throw invalid('Credential', `Invalid credential in ${where}.`)
  }
  if (region !== serverRegion) throw invalid('Credential', `Invalid signing region in ${where}.`, '0002-00000226')
  if (product !== 'oss') throw invalid('Credential', `Invalid signing product in ${where}.`)
  return { id, date, region }
}

/**
 * @param {string} expected
 * @param {string} provided
 * @param {Grant} grant
 * @param {Record<string, string>} fields
 */
const compare = (expected, provided, grant, fields) => {
  if (expected === provided) return
  const bytes = Buffer.from(fields.StringToSign).toString('hex').toUpperCase().replace(/../g, '$& ')
  throw ossError('SignatureDoesNotMatch', {
    fields: { OSSAccessKeyId: grant.accessKeyId, SignatureProvided: provided, ...fields, StringToSignBytes: bytes },
  })
}

/**
 * @param {string} name
 * @param {string} message
 * @param {string} [ec]
 */
const invalid = (name, message, ec) => ossError('InvalidArgument', { message, ec, fields: { ArgumentName: name } })
