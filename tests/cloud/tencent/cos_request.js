// @ts-check
// An HTTP request read as a COS request: operation, bucket, region, object key, parameters.
//
// The bucket is in the host name only: COS has no path style. What a proxy forwards names that host in Vod-Forward-Cos.

import { splitOnce } from '../request.js'
import { cosError } from './errors.js'

/**
 * @typedef {object} CosRequest
 * @property {string} method
 * @property {string} operation COS's name, or `preflight`
 * @property {string} host the bucket's host as the client names it, for the signature
 * @property {string | null} bucket null when the host names none
 * @property {string} region
 * @property {boolean} forwarded through a proxy, by Vod-Forward-Cos
 * @property {string} key '' for the bucket itself
 * @property {Record<string, string>} headers lower-case names, UTF-8 values
 * @property {Record<string, string>} query
 * @property {string | null} uploadId
 * @property {number | null} partNumber NaN when it is no number
 * @property {number | null} contentLength
 */

/** Regions whose hosts have no `cos.` before them. */
const HISTORIC = ['cn-south', 'cn-south-2', 'cn-north', 'cn-east', 'cn-southwest', 'sg']

/**
 * @param {import('node:http').IncomingMessage} message
 * @returns {CosRequest}
 */
export const parseCosRequest = (message) => {
  const [path, search = ''] = splitOnce(message.url ?? '/', '?')
  const query = Object.fromEntries(search.split('&').filter(Boolean).map((pair) => {
    const [name, value = ''] = splitOnce(pair, '=')
    return [decode(name.replace(/\+/g, '%20')), decode(value.replace(/\+/g, '%20'))]
  }))
  // Node decodes header bytes as Latin-1; COS reads them as UTF-8.
  const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, Buffer.from(String(value), 'latin1').toString()]))
  const method = message.method ?? 'GET'
  const key = decode(path.slice(1))
  const host = hostOf(message)
  const length = headers['content-length']
  return {
    method, key, query, headers, host, ...bucketInHost(host),
    operation: operationOf(method, key, query),
    forwarded: 'vod-forward-cos' in headers,
    uploadId: query.uploadId ?? null,
    partNumber: 'partNumber' in query ? (/^\d+$/.test(query.partNumber) ? Number(query.partNumber) : NaN) : null,
    contentLength: length === undefined ? null : Number(length),
  }
}

/**
 * The bucket's host: what a request is for, and what signs it.
 * @param {import('node:http').IncomingMessage} message
 */
export const hostOf = ({ headers }) => String(headers['vod-forward-cos'] ?? headers.host ?? '')

/**
 * `{bucket}-{appid}.cos.{region}.` and the real domain, its backup, or `localhost:PORT`, which browsers find without a resolver.
 * @param {string} host
 * @returns {{ bucket: string | null, region: string }}
 */
export const bucketInHost = (host) => {
  const [, bucket, region] = /^([a-z0-9][a-z0-9-]*-\d+)\.cos\.([a-z0-9-]+)\.(?:myqcloud\.com|tencentcos\.cn|localhost)(?::\d+)?$/.exec(host)
    ?? new RegExp(`^([a-z0-9][a-z0-9-]*-\\d+)\\.(${HISTORIC.join('|')})\\.myqcloud\\.com$`).exec(host) ?? []
  return { bucket: bucket ?? null, region: region ?? '' }
}

/** Sub-resources of operations that this cloud does not have. */
const OTHERS = ['acl', 'append', 'cors', 'delete', 'lifecycle', 'policy', 'restore', 'tagging', 'versioning', 'versions']

/**
 * @param {string} method
 * @param {string} key
 * @param {CosRequest['query']} query
 */
const operationOf = (method, key, query) => {
  if (method === 'OPTIONS') return 'preflight'
  const has = (/** @type {string} */ name) => name in query
  if (OTHERS.some(has)) return 'unknown'
  switch (method) {
    case 'GET': return key ? (has('uploadId') ? 'ListParts' : 'GetObject') : (has('uploads') ? 'ListMultipartUploads' : 'unknown')
    case 'HEAD': return key ? 'HeadObject' : 'HeadBucket'
    case 'PUT': return key ? (has('partNumber') || has('uploadId') ? 'UploadPart' : 'PutObject') : 'unknown'
    case 'POST': return key ? (has('uploads') ? 'InitiateMultipartUpload' : has('uploadId') ? 'CompleteMultipartUpload' : 'unknown') : 'PostObject'
    case 'DELETE': return key ? (has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject') : 'unknown'
    default: return 'unknown'
  }
}

/** @param {string} text */
const decode = (text) => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw cosError('InvalidURI')
  }
}
