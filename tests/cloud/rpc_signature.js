// @ts-check
// Who calls the RPC endpoint, and may they?
//
// The signature is computed by the vendor's client, pop-core, from the parameters as they arrived; like signature.js this
// file signs nothing itself. <https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism>

import { createRequire } from 'node:module'
import { missing, rpcError } from './rpc_errors.js'

/**
 * @typedef {Record<string, string>} Parameters
 *
 * @typedef {object} RpcVerifier
 * @property {import('./credentials.js').Credentials} credentials
 * @property {Set<string>} nonces those that were used
 * @property {number} now server time, ms
 * @property {number} issuerNow the same on the clock that dates credentials; a skew fault does not move it
 * @property {boolean} expire a fault: the credential of this request dies now
 */

/** A Timestamp further from the server's clock is refused, ms. */
const MAX_SKEW = 900_000

/** What every request must hold. Not Timestamp: the vendor's clients for browsers and phones leave it out. */
const REQUIRED = ['Action', 'Version', 'Format', 'AccessKeyId', 'SignatureMethod', 'SignatureVersion', 'SignatureNonce', 'Signature']
/** @type {Parameters} */
const CONSTANT = { Version: '2017-03-21', Format: 'JSON', SignatureMethod: 'HMAC-SHA1', SignatureVersion: '1.0' }
/** Parameters that belong to no action. */
export const COMMON = [...REQUIRED, 'SecurityToken', 'Timestamp', 'RequestId']

/** What pop-core adds by itself; an empty list is left out. */
const OWN = { Action: [], Format: [], Timestamp: [], Version: [], SignatureMethod: [], SignatureVersion: [], SignatureNonce: [], AccessKeyId: [] }

/** @returns {any} */
const loadClient = () => {
  const require = createRequire(import.meta.url)
  try {
    return require('@alicloud/pop-core').RPCClient
  } catch (cause) {
    throw new Error('The RPC endpoint of the local cloud checks signatures with @alicloud/pop-core, an optional peer dependency of '
      + 'vodupload that is not installed here. Install it with: npm install --save-dev @alicloud/pop-core@1', { cause })
  }
}

/** @type {any} */
let loaded
/** The vendor's client class. */
export const rpcClient = () => (loaded ??= loadClient())

/**
 * The vendor's signature of a request, and what it signs. pop-core only signs what it sends, so it is stopped there.
 * @param {string} method
 * @param {Parameters} parameters all but Signature
 * @param {string} accessKeySecret
 * @returns {Promise<{ signature: string, stringToSign: string }>}
 */
export const rpcSignature = async (method, parameters, accessKeySecret) => {
  const client = new (rpcClient())({ endpoint: 'http://vod', apiVersion: '-', accessKeyId: '-', accessKeySecret })
  let path = ''
  await client.request('', { ...OWN, ...parameters }, {
    // In lower case even POST puts everything, the signature too, into the address.
    method: method.toLowerCase(), formatParams: false, formatAction: false,
    beforeRequest: (/** @type {{ path: string }} */ request) => {
      path = request.path
      throw new Error('not to be sent')
    },
  }).catch((/** @type {Error} */ error) => { if (!path) throw error })
  const [, canonical, signature] = /^\/\?(.*)&Signature=(.*)$/.exec(path) ?? []
  if (!signature) throw new Error(`pop-core signed in an unknown way: ${path}`)
  return { signature: decodeURIComponent(signature), stringToSign: `${method}&%2F&${encodeURIComponent(canonical)}` }
}

/**
 * The grant behind the request, or an RPC error.
 * @param {string} method
 * @param {Parameters} parameters
 * @param {RpcVerifier} verifier
 * @returns {Promise<import('./credentials.js').Grant>}
 */
export const authenticateRpc = async (method, parameters, { credentials, nonces, now, issuerNow, expire }) => {
  const absent = REQUIRED.find((name) => !parameters[name])
  if (absent) throw missing(absent)
  const wrong = Object.keys(CONSTANT).find((name) => parameters[name] !== CONSTANT[name])
  if (wrong) throw rpcError(`Invalid${wrong}`, { message: `Specified parameter ${wrong} is not valid.` })
  const { Signature, ...signed } = parameters
  const { Action, AccessKeyId, SecurityToken, SignatureNonce } = signed
  const grant = credentials.find(AccessKeyId)
  if (!grant) throw rpcError('InvalidAccessKeyId.NotFound')
  if (!SecurityToken) throw missing('SecurityToken')
  if (SecurityToken !== grant.securityToken) throw rpcError('InvalidSecurityToken.MismatchWithAccessKey')
  if (expire) credentials.expire(AccessKeyId)
  if (issuerNow >= grant.expires) throw rpcError('InvalidSecurityToken.Expired')
  checkTimestamp(signed.Timestamp, now)
  const { signature, stringToSign } = await rpcSignature(method, signed, grant.accessKeySecret)
  if (Signature !== signature) {
    throw rpcError('SignatureDoesNotMatch', {
      message: `Specified signature is not matched with our calculation. server string to sign is:${stringToSign}`,
    })
  }
  if (nonces.has(SignatureNonce)) throw rpcError('SignatureNonceUsed')
  nonces.add(SignatureNonce)
  if (!grant.rpc || grant.deny.includes(Action)) throw rpcError('Forbidden.RAM')
  return grant
}

/**
 * @param {string | undefined} text
 * @param {number} now
 */
const checkTimestamp = (text, now) => {
  if (text === undefined) return
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) || Number.isNaN(Date.parse(text))) throw rpcError('InvalidTimeStamp.Format')
  if (Math.abs(now - Date.parse(text)) > MAX_SKEW) throw rpcError('InvalidTimeStamp.Expired')
}
