// @ts-check
// What each COS operation does once its sender is known: the rules of parts, uploads and objects.
//
// The bytes lie in the same store as OSS's; ETags are lower case here. <https://cloud.tencent.com/document/product/436/7740>

import { createHash } from 'node:crypto'
import { MAX_BODY_SIZE, MAX_PARTS, MAX_XML_SIZE, parsePartList, parseRange } from '../operations.js'
import { keyPath } from '../request.js'
import { cosError, cosXml } from './errors.js'

/**
 * @typedef {import('../operations.js').Reply} Reply
 * @typedef {import('../store.js').Content} Content
 *
 * @typedef {object} CosExchange one request while it is answered
 * @property {import('./cos_request.js').CosRequest} request
 * @property {string} bucket with the app id
 * @property {import('../store.js').Store} store
 * @property {() => AsyncIterable<Buffer>} body
 * @property {number} pageSize of lists
 */

/** COS refuses an object made of a smaller part that is not the last, bytes. */
export const MIN_PART_SIZE = 1 << 20
const MAX_KEY = 850

/** @type {Record<string, (exchange: CosExchange) => Promise<Reply> | Reply>} */
export const operations = {
  async PutObject(exchange) {
    const { request, bucket, store } = exchange
    checkKey(request.key)
    return stored(await store.put({ bucket, key: request.key, headers: keptHeaders(request.headers) }, await receive(exchange)))
  },

  InitiateMultipartUpload({ request, bucket, store }) {
    checkKey(request.key)
    const { uploadId } = store.initiate({ bucket, key: request.key, headers: keptHeaders(request.headers) })
    return xmlReply({ InitiateMultipartUploadResult: { Bucket: bucket, Key: request.key, UploadId: uploadId } })
  },

  async UploadPart(exchange) {
    const { request: { partNumber, query }, store } = exchange
    if (partNumber === null || !(partNumber >= 1 && partNumber <= MAX_PARTS)) {
      throw cosError('InvalidArgument', { message: `partNumber is ${query.partNumber}, not an integer from 1 to ${MAX_PARTS}.` })
    }
    const upload = findUpload(exchange)
    return stored(await store.addPart(upload, partNumber, await receive(exchange, partNumber)))
  },

  async CompleteMultipartUpload(exchange) {
    const { request: { host, key }, bucket, store } = exchange
    const list = parsePartList(await receiveText(exchange))
    const upload = findUpload(exchange)
    const parts = list.map(({ number, etag }, index) => {
      if (index > 0 && number <= list[index - 1].number) throw cosError('InvalidPartOrder')
      const part = upload.parts.get(number)
      if (part?.etag !== etag.toUpperCase()) throw cosError('InvalidPart', { fields: { PartNumber: number, ETag: etag } })
      return part
    })
    const small = parts.slice(0, -1).find((part) => part.size < MIN_PART_SIZE)
    if (small) throw cosError('EntityTooSmall', { fields: { PartNumber: small.number, ProposedSize: small.size, MinSizeAllowed: MIN_PART_SIZE } })
    const object = await store.complete(upload, parts)
    const reply = xmlReply({
      CompleteMultipartUploadResult: { Location: `http://${host}/${keyPath(key)}`, Bucket: bucket, Key: key, ETag: etagOf(object) },
    })
    return { ...reply, headers: { ...reply.headers, ...contentHeaders(object) } }
  },

  async AbortMultipartUpload(exchange) {
    await exchange.store.abort(findUpload(exchange))
    return { status: 204 }
  },

  ListParts(exchange) {
    const { request: { query, key }, bucket, pageSize } = exchange
    const upload = findUpload(exchange)
    const max = integer(query, 'max-parts', 1, 1000, 1000)
    const marker = integer(query, 'part-number-marker', 0, Infinity, 0)
    const after = [...upload.parts.values()].sort((a, b) => a.number - b.number).filter((part) => part.number > marker)
    const page = after.slice(0, Math.min(max, pageSize))
    return xmlReply({
      ListPartsResult: {
        Bucket: bucket, Key: key, UploadId: upload.uploadId, StorageClass: 'STANDARD', PartNumberMarker: marker,
        NextPartNumberMarker: page.at(-1)?.number ?? marker, MaxParts: max, IsTruncated: after.length > page.length,
        Part: page.map((part) => ({
          PartNumber: part.number, LastModified: new Date(part.lastModified).toISOString(), ETag: etagOf(part), Size: part.size,
        })),
      },
    })
  },

  ListMultipartUploads({ request: { query }, bucket, store, pageSize }) {
    const prefix = query.prefix ?? ''
    const [keyMarker, idMarker] = [query['key-marker'] ?? '', query['upload-id-marker'] ?? '']
    const max = integer(query, 'max-uploads', 1, 1000, 1000)
    const order = (/** @type {string} */ a, /** @type {string} */ b) => Buffer.compare(Buffer.from(a), Buffer.from(b))
    // Within a key the oldest comes first; the store keeps that order.
    const all = store.uploads().filter((upload) => upload.bucket === bucket && upload.key.startsWith(prefix)).sort((a, b) => order(a.key, b.key))
    const marked = idMarker ? all.findIndex((upload) => upload.key === keyMarker && upload.uploadId === idMarker) : -1
    const after = marked >= 0 ? all.slice(marked + 1) : all.filter(({ key }) => order(key, keyMarker) > 0)
    const page = after.slice(0, Math.min(max, pageSize))
    const truncated = after.length > page.length
    const encode = query['encoding-type'] === 'url' ? encodeURIComponent : String
    return xmlReply({
      ListMultipartUploadsResult: {
        Bucket: bucket, EncodingType: query['encoding-type'] || undefined, KeyMarker: encode(keyMarker), UploadIdMarker: idMarker,
        NextKeyMarker: truncated ? encode(page.at(-1)?.key ?? '') : '', NextUploadIdMarker: truncated ? page.at(-1)?.uploadId : '',
        MaxUploads: max, IsTruncated: truncated, Prefix: encode(prefix),
        Upload: page.map(({ key, uploadId, initiated }) => ({
          Key: encode(key), UploadId: uploadId, StorageClass: 'STANDARD', Initiated: new Date(initiated).toISOString(),
        })),
      },
    })
  },

  HeadBucket: () => ({ status: 200 }),

  HeadObject(exchange) {
    const object = findObject(exchange)
    return { status: 200, headers: { ...objectHeaders(object), 'Content-Length': String(object.size) } }
  },

  GetObject(exchange) {
    const object = findObject(exchange)
    if (!object.path) throw cosError('InvalidObjectState', { message: 'This cloud was started with keep: false, the bytes are gone.' })
    const { size, path } = object
    const range = parseRange(exchange.request.headers.range, size)
    const { start, end } = range ?? { start: 0, end: size }
    return {
      status: range ? 206 : 200,
      headers: {
        ...objectHeaders(object), 'Content-Length': String(end - start), ...(range && { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }),
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
 * A form's file; its fields have been read and its sender is known.
 * @param {import('../post_object.js').Form} form
 * @param {{ bucket: string, key: string, host: string, store: import('../store.js').Store }} target
 * @returns {Promise<Reply>}
 */
export const storeForm = async ({ fields, file, fileType }, { bucket, key, host, store }) => {
  checkKey(key)
  const content = await store.receive(file)
  const type = fields['content-type'] || fileType || 'application/octet-stream'
  const object = await store.put({ bucket, key, headers: { 'content-type': type, ...keptHeaders(fields) } }, content)
  const location = `http://${host}/${keyPath(key)}`
  const headers = { ...contentHeaders(object), Location: location }
  switch (fields.success_action_status) {
    case '200': return { status: 200, headers }
    case '201': return {
      status: 201, headers: { ...headers, 'Content-Type': 'application/xml' },
      body: cosXml({ PostResponse: { Location: location, Bucket: bucket, Key: key, ETag: etagOf(object) } }),
    }
    default: return { status: 204, headers }
  }
}

/**
 * Takes the body in, with the checks that every body gets.
 * @param {CosExchange} exchange
 * @param {unknown} [salt]
 */
const receive = async ({ request: { contentLength, headers }, body, store }, salt) => {
  if (contentLength === null && headers['transfer-encoding'] === undefined) throw cosError('MissingContentLength')
  if ((contentLength ?? 0) > MAX_BODY_SIZE) throw cosError('EntityTooLarge', { fields: { ProposedSize: contentLength ?? 0, MaxSizeAllowed: MAX_BODY_SIZE } })
  const expected = headers['content-md5']
  if (expected !== undefined && !/^[A-Za-z0-9+/]{22}==$/.test(expected)) throw cosError('InvalidDigest')
  const content = await store.receive(body(), { md5: expected !== undefined, salt })
  const actual = Buffer.from(content.md5 ?? '', 'hex').toString('base64')
  if (expected === undefined || expected === actual) return content
  await store.discard(content)
  throw badDigest(expected, actual)
}

/** @param {CosExchange} exchange */
const receiveText = async ({ request: { headers }, body }) => {
  /** @type {Buffer[]} */
  const chunks = []
  let size = 0
  for await (const chunk of body()) {
    size += chunk.length
    if (size > MAX_XML_SIZE) throw cosError('MalformedXML')
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  const actual = createHash('md5').update(bytes).digest('base64')
  if (headers['content-md5'] !== undefined && headers['content-md5'] !== actual) throw badDigest(headers['content-md5'], actual)
  return bytes.toString()
}

/**
 * @param {string} expected
 * @param {string} actual
 */
const badDigest = (expected, actual) => cosError('BadDigest', { fields: { ExpectedDigest: expected, CalculatedDigest: actual } })

/** @param {CosExchange} exchange */
const findUpload = ({ request, bucket, store }) => {
  const upload = store.upload(request.uploadId ?? '')
  if (upload && upload.bucket === bucket && upload.key === request.key) return upload
  throw cosError('NoSuchUpload', { fields: { UploadId: request.uploadId ?? '' } })
}

/** @param {CosExchange} exchange */
const findObject = ({ request, bucket, store }) => {
  const object = store.object(bucket, request.key)
  if (!object) throw cosError('NoSuchKey')
  return object
}

/** @param {string} key */
const checkKey = (key) => {
  if (!key || Buffer.byteLength(key) > MAX_KEY) throw cosError('KeyTooLong')
}

/**
 * @param {Record<string, string>} query
 * @param {string} name
 * @param {number} min
 * @param {number} max
 * @param {number} fallback
 */
const integer = (query, name, min, max, fallback) => {
  const text = query[name] || String(fallback)
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max) throw cosError('InvalidArgument', { message: `${name} is ${text}, not an integer in its range.` })
  return value
}

/** @param {Record<string, string>} headers */
const keptHeaders = (headers) => Object.fromEntries(Object.entries(headers)
  .filter(([name, value]) => value && /^(content-type|cache-control|content-disposition|content-encoding|expires|x-cos-meta-.*)$/.test(name)))

/** @param {Content} content */
const etagOf = ({ etag }) => `"${etag.toLowerCase()}"`

/** @param {Content} content */
const contentHeaders = (content) => ({ ETag: etagOf(content), ...(content.crc64 !== null && { 'x-cos-hash-crc64ecma': content.crc64 }) })

/**
 * @param {Content} content
 * @returns {Reply}
 */
const stored = (content) => ({ status: 200, headers: contentHeaders(content) })

/** @param {import('../store.js').StoredObject} object */
const objectHeaders = (object) => ({
  'content-type': 'application/octet-stream', ...object.headers, ...contentHeaders(object),
  'Accept-Ranges': 'bytes', 'Last-Modified': new Date(object.lastModified).toUTCString(),
})

/**
 * @param {import('../errors.js').XmlTree} tree
 * @returns {Reply}
 */
const xmlReply = (tree) => ({ status: 200, headers: { 'Content-Type': 'application/xml' }, body: cosXml(tree) })
