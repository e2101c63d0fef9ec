// @ts-check
// One raw request to the local cloud, signed by ali-oss: for tests of what a well-behaved client never sends.

import { request as httpRequest } from 'node:http'
import { keyPath } from './request.js'
import { signer } from './signature.js'

/**
 * @typedef {object} RawRequest
 * @property {string} [method]
 * @property {string} [key]
 * @property {Record<string, string>} [query] '' for a parameter without value
 * @property {Record<string, string>} [headers] signed as they are
 * @property {string | Buffer} [body]
 * @property {1 | 4 | 0} [version] of the signature; 0: none
 * @property {number} [time] ms since the epoch, what the request says it is
 * @property {string} [region] of a V4 signature
 * @property {Record<string, string>} [unsigned] headers put in after signing
 * @property {import('node:http').Agent} [agent] default: a connection of its own
 * @property {AbortSignal} [signal]
 *
 * @typedef {{ status: number, headers: import('node:http').IncomingHttpHeaders, text: string, bytes: Buffer, code: string }} RawAnswer
 */

/**
 * @param {{ oss: string, bucket: string, region: string }} cloud
 * @param {import('./credentials.js').Grant} grant
 * @param {RawRequest} raw
 * @returns {Promise<RawAnswer>} rejects when the connection breaks
 */
export const signedRequest = (cloud, grant, raw) => {
  const { method = 'GET', key = grant.key ?? '', query = {}, body = '', version = 1, time = Date.now(), region = cloud.region, unsigned = {}, agent, signal } = raw
  const iso = new Date(time).toISOString().replace(/[-:]|\.\d+/g, '')
  /** @type {Record<string, string>} */
  const headers = { 'x-oss-security-token': grant.securityToken, 'x-oss-date': version === 4 ? iso : new Date(time).toUTCString(), ...raw.headers }
  if (version === 1) {
    const toSign = signer().buildCanonicalString(method, `/${grant.bucket}/${key}`, { headers, parameters: query })
    headers.authorization = signer().authorization(grant.accessKeyId, grant.accessKeySecret, toSign)
  }
  if (version === 4) {
    headers['x-oss-content-sha256'] ??= 'UNSIGNED-PAYLOAD'
    const queries = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, value || null]))
    headers.authorization = signer().authorizationV4(grant.accessKeyId, grant.accessKeySecret, region, method, { headers, queries }, grant.bucket, key)
  }
  return send(`${cloud.oss}/${keyPath(key)}?${new URLSearchParams(query)}`, method, { ...headers, ...unsigned }, body, { agent, signal })
}

/**
 * @param {string} url
 * @param {string} method
 * @param {Record<string, string>} headers
 * @param {string | Buffer} [body]
 * @param {{ agent?: import('node:http').Agent, signal?: AbortSignal }} [options]
 * @returns {Promise<RawAnswer>}
 */
export const send = (url, method, headers, body = '', { agent, signal } = {}) => new Promise((resolve, reject) => {
  const length = method === 'GET' || method === 'HEAD' || 'transfer-encoding' in headers ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const request = httpRequest(url, { method, headers: { ...length, ...headers }, agent: agent ?? false, signal }, (response) => {
    /** @type {Buffer[]} */
    const chunks = []
    response.on('error', reject)
    response.on('data', (chunk) => chunks.push(chunk))
    response.on('end', () => {
      const bytes = Buffer.concat(chunks)
      const text = bytes.toString()
      resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, text, code: element(text, 'Code') })
    })
  })
  request.on('error', reject)
  request.end(body)
})

/**
 * The text of the first such element, '' if there is none.
 * @param {string} text
 * @param {string} name
 */
export const element = (text, name) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? ''
