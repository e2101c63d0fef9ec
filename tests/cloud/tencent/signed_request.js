// @ts-check
// Raw requests to Tencent's part of the cloud, those to COS signed by the vendor's client: for tests of what a well-behaved client never sends.

import { keyPath } from '../request.js'
import { send } from '../signed_request.js'
import { cosClient } from './vendors.js'

/**
 * One call of the UGC interface.
 * @param {string | null} endpoint
 * @param {string} action
 * @param {unknown} body
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{ status: number, code: number, message: string, data: any }>}
 */
export const callUgc = async (endpoint, action, body, headers = { 'content-type': 'application/json' }) => {
  const { status, text } = await send(`${endpoint}/v3/index.php?Action=${action}`, 'POST', headers, typeof body === 'string' ? body : JSON.stringify(body))
  return { status, ...(text.startsWith('{') ? JSON.parse(text) : { code: NaN, message: text, data: {} }) }
}

/**
 * @typedef {object} RawCosRequest
 * @property {string} [method]
 * @property {string} [key]
 * @property {Record<string, string>} [query]
 * @property {Record<string, string>} [headers] signed as they are, if they are such as get signed
 * @property {string | Buffer} [body]
 * @property {string} [keyTime]
 * @property {string} [host] the bucket's
 * @property {boolean} [signed] false: no signature
 * @property {boolean} [signHost]
 * @property {boolean} [forwarded] through the UGC endpoint, as a mini program does
 * @property {boolean} [inAddress] the signature and the token in the query
 * @property {Record<string, string>} [unsigned] headers put in after signing
 */

/**
 * @param {{ cos: string | null, ugc: string | null, tencent: { bucket: string, regions: string[] } | null }} cloud
 * @param {import('./accounts.js').CosGrant} grant
 * @param {RawCosRequest} raw
 */
export const signedCosRequest = ({ cos, ugc, tencent }, grant, raw) => {
  const { method = 'GET', key = grant.keys?.[0] ?? '', query = {}, headers = {}, body = '', signed = true, signHost = true, forwarded, inAddress, unsigned = {} } = raw
  const host = raw.host ?? `${tencent?.bucket}.cos.${tencent?.regions[0]}.myqcloud.com`
  const now = Math.floor(Date.now() / 1000)
  const Authorization = signed && cosClient().getAuthorization({
    SecretId: grant.secretId, SecretKey: grant.secretKey, KeyTime: raw.keyTime ?? `${now - 1};${now + 900}`, Method: method, Pathname: `/${key}`, UseRawKey: true,
    Query: query, Headers: { ...headers, ...(signHost && { host }) }, ForceSignHost: false,
  })
  /** @type {Record<string, string>} */
  const token = grant.token === null ? {} : { 'x-cos-security-token': grant.token }
  const address = inAddress ? { ...Object.fromEntries(new URLSearchParams(Authorization)), ...token } : {}
  const search = new URLSearchParams({ ...query, ...address })
  return send(`${forwarded ? ugc : cos}/${keyPath(key)}?${search}`, method, {
    ...headers, ...(forwarded ? { 'vod-forward-cos': host } : { host }),
    ...(!inAddress && { ...(Authorization && { authorization: Authorization }), ...token }), ...unsigned,
  }, body)
}
