// @ts-check
// Who sent this COS request, and may they? Signature v5, in the Authorization header, the address or a form.
//
// The signature is computed by the vendor's client from exactly the headers and parameters the request lists as signed.
// <https://cloud.tencent.com/document/product/436/7778>

import { cosError } from './errors.js'
import { cosClient } from './vendors.js'

/**
 * @typedef {import('./accounts.js').CosGrant} CosGrant
 * @typedef {import('./cos_request.js').CosRequest} CosRequest
 *
 * @typedef {object} CosVerifier
 * @property {import('./accounts.js').Accounts} accounts
 * @property {number} now server time, ms
 * @property {number} issuerNow the same on the clock that dates credentials; a skew fault does not move it
 * @property {boolean} expire a fault: the credential of this request dies now
 */

/** A signature may begin so far in the future, s. */
const TOLERANCE = 60

const MEMBERS = ['q-sign-algorithm', 'q-ak', 'q-sign-time', 'q-key-time', 'q-header-list', 'q-url-param-list', 'q-signature']

/**
 * The grant behind the request, or a COS error.
 * @param {CosRequest} request
 * @param {CosVerifier} verifier
 * @param {Record<string, string>} [form] fields of a PostObject form, which may hold the signature and the token
 * @returns {CosGrant}
 */
export const authenticateCos = (request, verifier, form = {}) => {
  const { headers, query } = request
  const inAddress = 'q-signature' in query
  const text = form.signature ?? headers.authorization ?? (inAddress ? MEMBERS.map((name) => `${name}=${query[name] ?? ''}`).join('&') : undefined)
  if (text === undefined) throw cosError('AccessDenied')
  const given = parseAuthorization(text)
  const token = form['x-cos-security-token'] ?? headers['x-cos-security-token'] ?? query['x-cos-security-token'] ?? null
  const grant = verifier.accounts.grant(given['q-ak'])
  // COS does not know a temporary id without its token.
  if (!grant || (grant.token && token === null)) throw cosError('InvalidAccessKeyId')
  if (grant.token !== token) throw cosError('AccessDenied', { message: 'The security token does not belong to the key.' })
  if (verifier.expire) verifier.accounts.expire(grant.secretId)
  checkWindow(given['q-sign-time'], verifier)
  if (verifier.issuerNow / 1000 >= grant.expires) throw cosError('ExpiredToken')
  compare(request, grant, given)
  return grant
}

/**
 * Whether the grant covers the operation.
 * @param {CosGrant} grant
 * @param {{ region: string, operation: string, key: string, prefix?: string }} target
 */
export const authorizeCos = (grant, { region, operation, key, prefix }) => {
  if (grant.region !== null && grant.region !== region) throw cosError('NoSuchBucket')
  const wanted = operation === 'ListMultipartUploads' ? prefix ?? '' : key
  const covered = (grant.keys === null || grant.keys.includes(wanted)) && !grant.deny.includes(operation)
  if (!covered) throw cosError('AccessDenied')
}

/** @param {string} text */
const parseAuthorization = (text) => {
  const given = Object.fromEntries(text.split('&').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
  const missing = MEMBERS.find((name) => given[name] === undefined)
  if (missing) throw cosError('InvalidArgument', { message: `Authorization has no ${missing}.` })
  if (given['q-sign-algorithm'] !== 'sha1') throw cosError('InvalidArgument', { message: 'q-sign-algorithm has to be sha1.' })
  // The vendor's clients always send the same twice, and sign nothing else.
  if (given['q-sign-time'] !== given['q-key-time']) throw cosError('InvalidArgument', { message: 'This cloud takes q-sign-time only when it equals q-key-time.' })
  return given
}

/**
 * @param {string} text
 * @param {CosVerifier} verifier
 */
const checkWindow = (text, { now }) => {
  const [, from, to] = /^(\d{1,12});(\d{1,12})$/.exec(text) ?? []
  if (!from || Number(from) >= Number(to)) throw cosError('InvalidArgument', { message: 'q-sign-time has to be two times, the first before the second.' })
  const fields = { ServerTime: new Date(now).toISOString().replace(/\.\d+/, '') }
  if (now / 1000 >= Number(to)) throw cosError('AccessDenied', { message: 'Request has expired', fields })
  if (now / 1000 + TOLERANCE < Number(from)) throw cosError('RequestTimeTooSkewed', { fields })
}

/**
 * @param {CosRequest} request
 * @param {CosGrant} grant
 * @param {Record<string, string>} given
 */
const compare = (request, grant, given) => {
  const { method, key, headers, query, host } = request
  const [headerList, parameterList] = [given['q-header-list'], given['q-url-param-list']]
  const expected = parseAuthorization(cosClient().getAuthorization({
    SecretId: grant.secretId, SecretKey: grant.secretKey, KeyTime: given['q-key-time'], Method: method, Pathname: `/${key}`, UseRawKey: true, ForceSignHost: false,
    Query: listed(query, parameterList),
    // A proxy has a host of its own; the client signs the bucket's.
    Headers: listed({ ...headers, host }, headerList),
  }))
  const message = expected['q-header-list'] !== headerList
    ? `The list of signed headers has to be ${expected['q-header-list']}: sorted, in the request, and such as clients sign.`
    : expected['q-url-param-list'] !== parameterList
      ? `The list of signed parameters has to be ${expected['q-url-param-list']}: sorted, and in the request.` : ''
  if (message) throw cosError('SignatureDoesNotMatch', { message })
  if (expected['q-signature'] !== given['q-signature']) throw cosError('SignatureDoesNotMatch', { fields: { SignatureProvided: given['q-signature'] } })
}

/**
 * Those of the values that the list names, in its spelling.
 * @param {Record<string, string>} values
 * @param {string} list
 */
const listed = (values, list) => {
  const names = list.split(';')
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(encodeName(name))))
}

/** @param {string} name */
const encodeName = (name) => encodeURIComponent(name).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`).toLowerCase()
