// @ts-check
// Who calls the server API? TC3-HMAC-SHA256, or the older HmacSHA1 and HmacSHA256 in the parameters.
//
// Both are computed by the vendor's own signer from the request as it arrived.
// <https://cloud.tencent.com/document/api/266/31757>

import { apiError } from './errors.js'
import { apiClient, apiSigner } from './vendors.js'

/**
 * @typedef {object} ApiCall
 * @property {string} method
 * @property {string} host
 * @property {string} path with the query
 * @property {Record<string, string>} headers lower-case names
 * @property {Buffer} body
 */

/** What every document names; a client may reach this cloud by another address and still sign for it. */
const HOST = 'vod.tencentcloudapi.com'
/** A timestamp further from the server's clock is refused, s. */
const MAX_SKEW = 300

/** Its groups: id, date, service, signed headers. */
const TC3 = /^TC3-HMAC-SHA256 Credential=([^/]+)\/(\d{4}-\d\d-\d\d)\/(\w+)\/tc3_request, ?SignedHeaders=([\w;-]+), ?Signature=[0-9a-f]{64}$/

/** Parameters that belong to no action, of the older signature. */
const COMMON = ['Action', 'Version', 'Region', 'Timestamp', 'Nonce', 'SecretId', 'SignatureMethod', 'Signature', 'Token', 'RequestClient', 'Language']

/**
 * The account behind a call, its action and its parameters, or an error.
 * @param {ApiCall} call
 * @param {{ accounts: import('./accounts.js').Accounts, now: number }} verifier
 */
export const authenticateApi = (call, verifier) => {
  const { headers } = call
  const form = /^application\/x-www-form-urlencoded/i.test(headers['content-type'] ?? '')
  const signed = headers.authorization !== undefined
  if (signed) return authenticateTc3(call, verifier)
  if (!form && call.method === 'POST') throw apiError('AuthFailure.InvalidAuthorization', 'There is neither an Authorization header nor a form.')
  return authenticateForm(call, verifier)
}

/**
 * @param {ApiCall} call
 * @param {{ accounts: import('./accounts.js').Accounts, now: number }} verifier
 */
const authenticateTc3 = ({ method, host, path, headers, body }, { accounts, now }) => {
  const { authorization } = headers
  const [, secretId, date, service, names] = TC3.exec(authorization) ?? []
  if (!secretId) throw apiError('AuthFailure.InvalidAuthorization', 'The Authorization header is not of the form TC3-HMAC-SHA256.')
  const account = findAccount(accounts, secretId)
  const timestamp = Number(headers['x-tc-timestamp'])
  checkTime(timestamp, now)
  if (service !== 'vod') throw apiError('AuthFailure.SignatureFailure', `The credential's service is ${service}, not vod.`)
  const day = new Date(timestamp * 1000).toISOString().slice(0, 10)
  if (date !== day) throw apiError('AuthFailure.SignatureFailure', 'The credential\'s date is not that of X-TC-Timestamp in UTC.')
  // The vendor's signer signs no others.
  if (names !== 'content-type;host') throw apiError('AuthFailure.SignatureFailure', `This cloud checks SignedHeaders=content-type;host only, not ${names}.`)
  const given = authorization.replace(/, */g, ', ')
  const good = [HOST, host].some((name) => given === apiSigner().sign3({
    method, url: `https://${name}${path}`, payload: method === 'POST' ? body : '', timestamp, service, secretId, secretKey: account.secretKey,
    headers: { 'Content-Type': headers['content-type'] },
  }))
  if (!good) throw apiError('AuthFailure.SignatureFailure', 'The provided credentials could not be validated. Please check your signature is correct.')
  const json = method === 'POST'
  if (json && !/^application\/json/i.test(headers['content-type'] ?? '')) throw apiError('UnsupportedProtocol', 'Content-Type has to be application/json.')
  return {
    account, action: headers['x-tc-action'] ?? '', version: headers['x-tc-version'] ?? '',
    parameters: json ? parseObject(body.toString()) : Object.fromEntries(new URL(path, 'http://api').searchParams),
  }
}

/**
 * @param {ApiCall} call
 * @param {{ accounts: import('./accounts.js').Accounts, now: number }} verifier
 */
const authenticateForm = ({ method, host, path, body }, { accounts, now }) => {
  const url = new URL(path, 'http://api')
  const { Signature, ...all } = Object.fromEntries(method === 'POST' ? new URLSearchParams(body.toString()) : url.searchParams)
  for (const name of ['Action', 'Version', 'Timestamp', 'Nonce', 'SecretId']) if (!all[name]) throw apiError('MissingParameter', `${name} is missing.`)
  if (!Signature) throw apiError('MissingParameter', 'Signature is missing.')
  const account = findAccount(accounts, all.SecretId)
  checkTime(Number(all.Timestamp), now)
  const signMethod = all.SignatureMethod ?? 'HmacSHA1'
  if (!['HmacSHA1', 'HmacSHA256'].includes(signMethod)) throw apiError('AuthFailure.SignatureFailure', `SignatureMethod ${signMethod} is none.`)
  const good = [HOST, host].some((endpoint) => {
    const client = new (apiClient())(endpoint, all.Version, { credential: {}, profile: { signMethod, httpProfile: { reqMethod: method, endpoint } } })
    return apiSigner().sign(account.secretKey, client.formatSignString({ ...all }), signMethod) === Signature
  })
  if (!good) throw apiError('AuthFailure.SignatureFailure', 'The provided credentials could not be validated. Please check your signature is correct.')
  return { account, action: all.Action, version: all.Version, parameters: Object.fromEntries(Object.entries(all).filter(([name]) => !COMMON.includes(name))) }
}

/**
 * @param {import('./accounts.js').Accounts} accounts
 * @param {string} secretId
 */
const findAccount = (accounts, secretId) => {
  const account = accounts.account(secretId)
  if (!account) throw apiError('AuthFailure.SecretIdNotFound', 'The SecretId is not found, please ensure that your SecretId is correct.')
  return account
}

/**
 * @param {number} timestamp s
 * @param {number} now ms
 */
const checkTime = (timestamp, now) => {
  if (!Number.isInteger(timestamp) || timestamp <= 0) throw apiError('InvalidParameter', 'The timestamp is no integer.')
  if (Math.abs(now / 1000 - timestamp) <= MAX_SKEW) return
  throw apiError('AuthFailure.SignatureExpire', `The provided timestamp is more than ${MAX_SKEW} s off the server's clock.`)
}

/** @param {string} text @returns {Record<string, any>} */
const parseObject = (text) => {
  try {
    const value = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // answered below, like JSON of another kind
  }
  throw apiError('InvalidParameter', 'The body is no JSON object.')
}
