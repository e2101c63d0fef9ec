// @ts-check
// An HTTP request read as an OSS request: operation, bucket, object key, parameters.

import { ossError } from './errors.js'

/**
 * @typedef {object} OssRequest
 * @property {string} method
 * @property {string} operation OSS's name, or `preflight`
 * @property {string | null} hostBucket the bucket in the Host header, if one is there
 * @property {string} host
 * @property {string} key '' for the bucket itself
 * @property {Record<string, string>} headers lower-case names, UTF-8 values
 * @property {Record<string, string | null>} query null where the value is empty
 * @property {string | null} uploadId
 * @property {number | null} partNumber NaN when it is no number
 * @property {number | null} contentLength
 */

/**
 * @param {import('node:http').IncomingMessage} message
 * @returns {OssRequest}
 */
export const parseRequest = (message) => {
  const [path, search = ''] = splitOnce(message.url ?? '/', '?')
  const query = Object.fromEntries(search.split('&').filter(Boolean).map((pair) => {
    const [name, value = ''] = splitOnce(pair, '=')
    return [decode(name.replace(/\+/g, ' ')), decode(value.replace(/\+/g, ' ')) || null]
  }))
  const method = message.method ?? 'GET'
  const key = decode(path.slice(1))
  const length = message.headers['content-length']
  return {
    method, key, query,
    operation: operationOf(method, key, query),
    host: message.headers.host ?? '',
    hostBucket: bucketInHost(message.headers.host ?? ''),
    // Node decodes header bytes as Latin-1; OSS reads them as UTF-8.
    headers: Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, Buffer.from(String(value), 'latin1').toString()])),
    uploadId: query.uploadId ?? null,
    partNumber: 'partNumber' in query ? (/^\d+$/.test(query.partNumber ?? '') ? Number(query.partNumber) : NaN) : null,
    contentLength: length === undefined ? null : Number(length),
  }
}

/**
 * @param {string} method
 * @param {string} key
 * @param {OssRequest['query']} query
 */
const operationOf = (method, key, query) => {
  if (method === 'OPTIONS') return 'preflight'
  const has = (/** @type {string} */ name) => name in query
  const other = ['acl', 'append', 'cors', 'delete', 'objectMeta', 'symlink', 'tagging', 'restore'].some(has)
  if (other) return 'unknown'
  switch (method) {
    case 'GET': return key ? (has('uploadId') ? 'ListParts' : 'GetObject') : (has('uploads') ? 'ListMultipartUploads' : 'unknown')
    case 'HEAD': return key ? 'HeadObject' : 'unknown'
    case 'PUT': return key ? (has('partNumber') || has('uploadId') ? 'UploadPart' : 'PutObject') : 'unknown'
    case 'POST': return key ? (has('uploads') ? 'InitiateMultipartUpload' : has('uploadId') ? 'CompleteMultipartUpload' : 'unknown') : 'PostObject'
    case 'DELETE': return key ? (has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject') : 'unknown'
    default: return 'unknown'
  }
}

/**
 * `<bucket>.localhost:PORT`, or the real host name, which ali-oss sends even to an IP endpoint.
 * @param {string} host
 */
const bucketInHost = (host) => /^([a-z0-9][a-z0-9-]{1,61}[a-z0-9])\.(?:localhost|oss-[a-z0-9-]+\.aliyuncs\.com)(?::\d+)?$/.exec(host)?.[1] ?? null

/** @param {string} text */
const decode = (text) => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw ossError('InvalidURI')
  }
}

/** @param {string} key */
export const keyPath = (key) => key.split('/').map(encodeURIComponent).join('/')

/**
 * @param {string} text
 * @param {string} separator
 * @returns {[string, string?]}
 */
export const splitOnce = (text, separator) => {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)]
}
