// @ts-check
// What each OSS operation does once its sender is known: the rules of parts, uploads and objects.
//
// A handler returns a reply or throws an OSS error; headers that every answer has, CORS and faults are oss.js's.
// <https://help.aliyun.com/zh/oss/developer-reference/multipart-upload-operations>

import { createHash } from 'node:crypto'
import { ossError, xml } from './errors.js'
import { keyPath } from './request.js'

/**
 * @typedef {import('./store.js').Upload} Upload
 * @typedef {import('./store.js').Part} Part
 * @typedef {import('./store.js').StoredObject} StoredObject
 *
 * @typedef {object} Exchange one request while it is answered
 * @property {import('./request.js').OssRequest} request
 * @property {string} bucket
 * @property {import('./store.js').Store} store
 * @property {() => AsyncIterable<Buffer>} body
 * @property {string} endpoint for Location
 *
 * @typedef {object} Reply
 * @property {number} status
 * @property {Record<string, string>} [headers]
 * @property {string} [body]
 * @property {{ path: string, start: number, end: number }} [file] bytes start..end of a file, end excluded
 */

/** OSS refuses an object made of a smaller part that is not the last, bytes. */
export const MIN_PART_SIZE = 102_400
/** OSS refuses a larger part, PutObject or PostObject, bytes. */
export const MAX_BODY_SIZE = 5 * 2 ** 30
export const MAX_PARTS = 10_000
/** Room for 10,000 parts with generous white space, bytes. */
export const MAX_XML_SIZE = 4 << 20

/** @type {Record<string, (exchange: Exchange) => Promise<Reply> | Reply>} */
export const operations = {
  async PutObject(exchange) {
    const { request, bucket, store } = exchange
    checkKey(request.key)
    checkOverwrite(exchange)
    const content = await receive(exchange, MAX_BODY_SIZE)
    checkOverwrite(exchange)
    return stored(await store.put({ bucket, key: request.key, headers: keptHeaders(request.headers) }, content))
  },

  InitiateMultipartUpload(exchange) {
    const { request, bucket, store } = exchange
    checkKey(request.key)
    checkOverwrite(exchange)
    const { uploadId } = store.initiate({ bucket, key: request.key, headers: keptHeaders(request.headers) })
    return xmlReply({ InitiateMultipartUploadResult: { Bucket: bucket, ...encodedKey(request), UploadId: uploadId } })
  },

  async UploadPart(exchange) {
    const { request, store } = exchange
    const { partNumber } = request
    if (partNumber === null || !(partNumber >= 1 && partNumber <= MAX_PARTS)) {
      throw invalidArgument('partNumber', request.query.partNumber, `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive.`)
    }
    const upload = findUpload(exchange)
    return stored(await store.addPart(upload, partNumber, await receive(exchange, MAX_BODY_SIZE, partNumber)))
  },

  async CompleteMultipartUpload(exchange) {
    const { request, bucket, store } = exchange
    const text = await receiveText(exchange)
    const upload = findUpload(exchange)
    const parts = request.headers['x-oss-complete-all'] === 'yes' ? allParts(upload, text) : listedParts(upload, parsePartList(text))
    parts.slice(0, -1).forEach((part) => {
      if (part.size < MIN_PART_SIZE) {
        throw ossError('EntityTooSmall', { fields: { PartNumber: part.number, ETag: part.etag, ProposedSize: part.size, MinSizeAllowed: MIN_PART_SIZE } })
      }
    })
    checkOverwrite(exchange)
    const object = await store.complete(upload, parts)
    const reply = xmlReply({
      CompleteMultipartUploadResult: {
        ...encodedKey(request), Location: `${exchange.endpoint}/${keyPath(object.key)}`, Bucket: bucket, ETag: `"${object.etag}"`,
      },
    })
    return { ...reply, headers: { ...reply.headers, ...stored(object).headers } }
  },

  async AbortMultipartUpload(exchange) {
    await exchange.store.abort(findUpload(exchange))
    return { status: 204 }
  },

  ListParts(exchange) {
    const { request: { query }, request, bucket } = exchange
    const upload = findUpload(exchange)
    const max = integer(query, 'max-parts', 1000, 1000)
    const marker = integer(query, 'part-number-marker', 0, Infinity)
    const after = [...upload.parts.values()].sort((a, b) => a.number - b.number).filter((part) => part.number > marker)
    const page = after.slice(0, max)
    return xmlReply({
      ListPartsResult: {
        ...encodedKey(request), Bucket: bucket, UploadId: upload.uploadId, StorageClass: 'Standard', PartNumberMarker: marker,
        NextPartNumberMarker: page.at(-1)?.number ?? 0, MaxParts: max, IsTruncated: after.length > page.length,
        Part: page.map((part) => ({
          PartNumber: part.number, LastModified: new Date(part.lastModified).toISOString(), ETag: `"${part.etag}"`,
          HashCrc64ecma: part.crc64 ?? undefined, Size: part.size,
        })),
      },
    })
  },

  ListMultipartUploads({ request: { query }, bucket, store }) {
    const prefix = query.prefix ?? ''
    const keyMarker = query['key-marker'] ?? ''
    const idMarker = query['upload-id-marker'] ?? ''
    const max = integer(query, 'max-uploads', 1000, 1000)
    const order = (/** @type {string} */ a, /** @type {string} */ b) => Buffer.compare(Buffer.from(a), Buffer.from(b))
    const after = store.uploads()
      .filter((upload) => upload.bucket === bucket && upload.key.startsWith(prefix))
      .sort((a, b) => order(a.key, b.key) || order(a.uploadId, b.uploadId))
      .filter(({ key, uploadId }) => order(key, keyMarker) > 0 || (idMarker && key === keyMarker && order(uploadId, idMarker) > 0))
    const page = after.slice(0, max)
    const truncated = after.length > page.length
    const encode = query['encoding-type'] === 'url' ? encodeURIComponent : String
    return xmlReply({
      ListMultipartUploadsResult: {
        EncodingType: query['encoding-type'] ?? undefined, Bucket: bucket, KeyMarker: encode(keyMarker), UploadIdMarker: idMarker,
        NextKeyMarker: truncated ? encode(page.at(-1)?.key ?? '') : '', NextUploadIdMarker: truncated ? page.at(-1)?.uploadId : '',
        Prefix: encode(prefix), MaxUploads: max, IsTruncated: truncated,
        Upload: page.map(({ key, uploadId, initiated }) => ({
          Key: encode(key), UploadId: uploadId, StorageClass: 'Standard', Initiated: new Date(initiated).toISOString(),
        })),
      },
    })
  },

  HeadObject(exchange) {
    const object = findObject(exchange)
    return { status: 200, headers: { ...objectHeaders(object), 'Content-Length': String(object.size) } }
  },

  GetObject(exchange) {
    const object = findObject(exchange)
    if (!object.path) throw ossError('InvalidObjectState', { message: 'This cloud was started with keep: false, the bytes are gone.' })
    const { size, path } = object
    const range = parseRange(exchange.request.headers.range, size)
    const { start, end } = range ?? { start: 0, end: size }
    return {
      status: range ? 206 : 200,
      headers: {
        ...objectHeaders(object), 'Content-Length': String(end - start),
        ...(range && { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }),
      },
      file: { path, start, end },
    }
  },

  async DeleteObject({ request, bucket, store }) {
    await store.remove(bucket, request.key)
    return { status: 204 }
  },
}

/**
 * Takes the body in, with the checks that every body gets.
 * @param {Exchange} exchange
 * @param {number} limit bytes
 * @param {unknown} [salt]
 */
const receive = async ({ request, body, store }, limit, salt) => {
  if (request.contentLength === null && request.headers['transfer-encoding'] === undefined) throw ossError('MissingContentLength')
  if ((request.contentLength ?? 0) > limit) throw ossError('EntityTooLarge', { fields: { ProposedSize: request.contentLength ?? 0, MaxSizeAllowed: limit } })
  const expected = request.headers['content-md5']
  if (expected !== undefined && !/^[A-Za-z0-9+/]{22}==$/.test(expected)) throw ossError('InvalidDigest', { fields: { 'Content-MD5': expected } })
  const content = await store.receive(body(), { md5: expected !== undefined, salt })
  const actual = Buffer.from(content.md5 ?? '', 'hex').toString('base64')
  if (expected === undefined || expected === actual) return content
  await store.discard(content)
  throw invalidDigest(expected, actual)
}

/** @param {Exchange} exchange */
const receiveText = async ({ request, body }) => {
  /** @type {Buffer[]} */
  const chunks = []
  let size = 0
  for await (const chunk of body()) {
    size += chunk.length
    if (size > MAX_XML_SIZE) throw ossError('MalformedXML')
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  const expected = request.headers['content-md5']
  const actual = createHash('md5').update(bytes).digest('base64')
  if (expected !== undefined && expected !== actual) throw invalidDigest(expected, actual)
  return bytes.toString()
}

/**
 * @param {string} expected
 * @param {string} actual
 */
const invalidDigest = (expected, actual) => ossError('InvalidDigest', {
  message: 'The Content-MD5 you specified did not match what we received.', fields: { ExpectedDigest: expected, CalculatedDigest: actual },
})

/** @param {Exchange} exchange */
const findUpload = ({ request, bucket, store }) => {
  const upload = store.upload(request.uploadId ?? '')
  if (upload && upload.bucket === bucket && upload.key === request.key) return upload
  throw ossError('NoSuchUpload', { fields: { UploadId: request.uploadId ?? '' } })
}

/** @param {Exchange} exchange */
const findObject = ({ request, bucket, store }) => {
  const object = store.object(bucket, request.key)
  if (!object) throw ossError('NoSuchKey', { fields: { Key: request.key } })
  return object
}

/** @param {Exchange} exchange */
const checkOverwrite = ({ request, bucket, store }) => {
  if (request.headers['x-oss-forbid-overwrite'] === 'true' && store.object(bucket, request.key)) throw ossError('FileAlreadyExists')
}

/** @param {string} key */
export const checkKey = (key) => {
  const size = Buffer.byteLength(key)
  if (size < 1 || size > 1023 || /^[/\\]/.test(key)) throw ossError('InvalidObjectName', { fields: { ObjectName: key } })
}

/**
 * @param {Upload} upload
 * @param {string} text
 */
const allParts = (upload, text) => {
  if (text !== '') throw invalidArgument('x-oss-complete-all', 'yes', 'The body must be empty when x-oss-complete-all is yes.')
  const parts = [...upload.parts.values()].sort((a, b) => a.number - b.number)
  if (!parts.length) throw ossError('InvalidPart')
  return parts
}

/**
 * @param {Upload} upload
 * @param {{ number: number, etag: string }[]} list
 */
const listedParts = (upload, list) => list.map(({ number, etag }, index) => {
  if (index > 0 && number <= list[index - 1].number) throw ossError('InvalidPartOrder', { fields: { PartNumber: number } })
  const part = upload.parts.get(number)
  if (!part || part.etag !== etag) throw ossError('InvalidPart', { fields: { PartNumber: number, ETag: etag, UploadId: upload.uploadId } })
  return part
})

/**
 * Reads the part list; anything but the schema is malformed, as a missing ETag is (the usual sign of an unexposed header).
 * @param {string} text
 */
export const parsePartList = (text) => {
  const list = /^\s*(?:<\?xml[^>]*\?>)?\s*<CompleteMultipartUpload(?:\s[^>]*)?>(.*)<\/CompleteMultipartUpload>\s*$/s.exec(text)?.[1]
  const PART = /\s*<Part>\s*(?:<PartNumber>\s*(\d{1,9})\s*<\/PartNumber>\s*<ETag>([^<]+)<\/ETag>|<ETag>([^<]+)<\/ETag>\s*<PartNumber>\s*(\d{1,9})\s*<\/PartNumber>)\s*<\/Part>\s*/y
  const parts = []
  let at = 0
  while (list !== undefined && at < list.length) {
    PART.lastIndex = at
    const match = PART.exec(list)
    if (!match) break
    at = PART.lastIndex
    const etag = (match[2] ?? match[3]).replace(/&(?:quot|#34|#x22);/g, '"').trim().replace(/^"(.*)"$/, '$1')
    parts.push({ number: Number(match[1] ?? match[4]), etag })
  }
  if (!parts.length || at !== list?.length) throw ossError('MalformedXML')
  return parts
}

/**
 * One satisfiable range; OSS answers anything else with the whole object.
 * @param {string | undefined} header
 * @param {number} size
 */
export const parseRange = (header, size) => {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (!first && !last) return null
  const start = first ? Number(first) : Math.max(0, size - Number(last))
  const end = first && last ? Math.min(size, Number(last) + 1) : size
  return start < end ? { start, end } : null
}

/**
 * @param {Record<string, string | null>} query
 * @param {string} name
 * @param {number} fallback
 * @param {number} max
 */
const integer = (query, name, fallback, max) => {
  const text = query[name]
  if (text === undefined || text === null) return fallback
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > max || (max !== Infinity && value < 1)) throw invalidArgument(name, text, `Argument ${name} must be an integer in its range.`)
  return value
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {string} message
 */
const invalidArgument = (name, value, message) => ossError('InvalidArgument', { message, fields: { ArgumentName: name, ArgumentValue: String(value ?? '') } })

/** @param {Record<string, string>} headers */
const keptHeaders = (headers) => Object.fromEntries(Object.entries(headers)
  .filter(([name]) => /^(content-type|cache-control|content-disposition|content-encoding|x-oss-meta-.*)$/.test(name)))

/** @param {import('./request.js').OssRequest} request */
const encodedKey = ({ key, query }) => query['encoding-type'] === 'url'
  ? { EncodingType: 'url', Key: encodeURIComponent(key) } : { Key: key }

/** @param {import('./store.js').Content} content */
export const contentHeaders = ({ etag, crc64, encryption }) => ({
  ETag: `"${etag}"`,
  ...(crc64 !== null && { 'x-oss-hash-crc64ecma': crc64 }),
  ...(encryption && { 'x-oss-server-side-encryption': encryption }),
})

/**
 * @param {import('./store.js').Content} content
 * @returns {Reply}
 */
const stored = (content) => ({ status: 200, headers: contentHeaders(content) })

/** @param {StoredObject} object */
const objectHeaders = (object) => ({
  'Content-Type': 'application/octet-stream', ...object.headers, ...contentHeaders(object),
  'Accept-Ranges': 'bytes', 'Last-Modified': new Date(object.lastModified).toUTCString(), 'x-oss-object-type': object.type, 'x-oss-storage-class': 'Standard',
})

/**
 * @param {import('./errors.js').XmlTree} tree
 * @returns {Reply}
 */
const xmlReply = (tree) => ({ status: 200, headers: { 'Content-Type': 'application/xml' }, body: xml(tree) })
