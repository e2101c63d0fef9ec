// @ts-check
// PostObject: a form whose last field is the file, allowed by a signed policy.
// <https://help.aliyun.com/zh/oss/developer-reference/postobject>

import { ossError, xml } from './errors.js'
import { checkKey, contentHeaders, MAX_BODY_SIZE } from './operations.js'
import { keyPath, splitOnce } from './request.js'

/** A field longer than this is no form field, bytes. */
const MAX_FIELD_SIZE = 64 << 10

/**
 * @typedef {object} Form
 * @property {Record<string, string>} fields lower-case names
 * @property {string} fileName
 * @property {string} fileType
 * @property {AsyncIterable<Buffer>} file ends where the form's file ends
 */

/**
 * Reads the fields before the file; the file itself is still on its way.
 * @param {string} contentType
 * @param {AsyncIterable<Buffer>} body
 * @returns {Promise<Form>}
 */
export const readForm = async (contentType, body) => {
  const [, quoted, plain] = /^multipart\/form-data\s*;.*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType) ?? []
  const boundary = quoted ?? plain
  if (!boundary) throw malformed()
  const reader = createReader(body)
  if ((await reader.until(Buffer.from(`--${boundary}`))).length) throw malformed()
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  /** @type {Record<string, string>} */
  const fields = {}
  for (;;) {
    const lineEnd = await reader.until(Buffer.from('\r\n'))
    if (lineEnd.length) throw ossError('InvalidArgument', { message: 'The form has no file field.', fields: { ArgumentName: 'file' } })
    const headers = Object.fromEntries((await reader.until(Buffer.from('\r\n\r\n'))).toString().split('\r\n').map((line) => {
      const [name, value = ''] = splitOnce(line, ':')
      return [name.trim().toLowerCase(), value.trim()]
    }))
    const disposition = headers['content-disposition'] ?? ''
    const name = /[;\s]name="([^"]*)"/i.exec(disposition)?.[1]
    if (name === undefined) throw malformed()
    if (name === 'file') {
      const fileName = /filename="([^"]*)"/i.exec(disposition)?.[1] ?? ''
      return { fields, fileName, fileType: headers['content-type'] ?? '', file: reader.streamUntil(delimiter) }
    }
    fields[name.toLowerCase()] = (await reader.until(delimiter)).toString()
  }
}

/**
 * The object key, with the file's own name put in where the form asks for it.
 * @param {Form} form
 */
export const formKey = ({ fields, fileName }) => {
  if (!fields.key) throw ossError('InvalidArgument', { message: 'The form has no key.', fields: { ArgumentName: 'key' } })
  return fields.key.replaceAll('${filename}', fileName)
}

/**
 * Checks the policy and stores the file.
 * @param {Form} form
 * @param {{ bucket: string, key: string, now: number, store: import('./store.js').Store, endpoint: string }} exchange
 * @returns {Promise<import('./operations.js').Reply>}
 */
export const postObject = async ({ fields, file, fileType }, { bucket, key, now, store, endpoint }) => {
  checkKey(key)
  const { min, max } = checkPolicy(fields, { bucket, key, now })
  if (fields['x-oss-forbid-overwrite'] === 'true' && store.object(bucket, key)) throw ossError('FileAlreadyExists')
  const limit = Math.min(max, MAX_BODY_SIZE)
  const content = await store.receive(limited(file, limit))
  if (content.size < min) {
    await store.discard(content)
    throw ossError('EntityTooSmall', { fields: { ProposedSize: content.size, MinSizeAllowed: min } })
  }
  const type = fields['x-oss-content-type'] || fields['content-type'] || fileType || 'application/octet-stream'
  const meta = Object.entries(fields).filter(([name]) => name.startsWith('x-oss-meta-'))
  const object = await store.put({ bucket, key, headers: { 'content-type': type, ...Object.fromEntries(meta) } }, content)
  const headers = contentHeaders(object)
  const location = `${endpoint}/${keyPath(key)}`
  switch (fields.success_action_status) {
    case '200': return { status: 200, headers }
    case '201': return {
      status: 201, headers: { ...headers, 'Content-Type': 'application/xml', Location: location },
      body: xml({ PostResponse: { Bucket: bucket, Location: location, Key: key, ETag: `"${object.etag}"` } }),
    }
    default: return { status: 204, headers }
  }
}

/** In V4 these have to be conditions of the policy too, or the signature could be moved to another request. */
const V4_CONDITIONS = ['x-oss-signature-version', 'x-oss-credential', 'x-oss-date']

/**
 * @param {Record<string, string>} fields
 * @param {{ bucket: string, key: string, now: number }} context
 * @returns {{ min: number, max: number }} allowed size, bytes
 */
const checkPolicy = (fields, { bucket, key, now }) => {
  const policy = parsePolicy(fields.policy)
  if (now >= Date.parse(policy.expiration)) throw denied('Policy expired.')
  const values = { ...fields, bucket, key }
  let [min, max] = [0, Infinity]
  const named = new Set()
  for (const condition of policy.conditions) {
    const triples = Array.isArray(condition) ? [condition] : Object.entries(condition).map(([name, value]) => ['eq', `$${name}`, value])
    for (const [operator, name, value] of triples) {
      if (operator === 'content-length-range') {
        if (!Number.isInteger(name) || !Number.isInteger(value)) throw ossError('InvalidPolicyDocument')
        min = Math.max(min, name)
        max = Math.min(max, value)
        continue
      }
      const field = String(name).replace(/^\$/, '').toLowerCase()
      named.add(field)
      if (!holds(operator, /** @type {Record<string, string>} */ (values)[field] ?? '', value)) {
        throw denied(`Policy Condition failed: ${JSON.stringify([operator, name, value])}`)
      }
    }
  }
  const missing = fields['x-oss-signature-version'] && V4_CONDITIONS.find((name) => !named.has(name))
  if (missing) throw denied(`Policy has no condition for ${missing}.`)
  return { min, max }
}

/** @param {string} text base64 */
const parsePolicy = (text) => {
  try {
    const policy = JSON.parse(Buffer.from(text, 'base64').toString())
    const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/.test(policy.expiration)
    if (isTime && Array.isArray(policy.conditions)) return policy
  } catch {
    // answered below, like a policy of the wrong shape
  }
  throw ossError('InvalidPolicyDocument')
}

/**
 * @param {string} operator
 * @param {string} actual
 * @param {any} expected
 */
const holds = (operator, actual, expected) => {
  switch (String(operator).toLowerCase()) {
    case 'eq': return actual === String(expected)
    case 'starts-with': return actual.startsWith(String(expected))
    case 'in': return Array.isArray(expected) && expected.includes(actual)
    case 'not-in': return Array.isArray(expected) && !expected.includes(actual)
    default: throw ossError('InvalidPolicyDocument')
  }
}

/** @param {string} reason */
const denied = (reason) => ossError('AccessDenied', { message: `Invalid according to Policy: ${reason}` })

const malformed = () => ossError('MalformedPOSTRequest')

/**
 * @param {AsyncIterable<Buffer>} chunks
 * @param {number} limit bytes
 */
async function* limited(chunks, limit) {
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > limit) throw ossError('EntityTooLarge', { fields: { MaxSizeAllowed: limit } })
    yield chunk
  }
}

/**
 * Cuts a byte stream at markers.
 * @param {AsyncIterable<Buffer>} body
 */
const createReader = (body) => {
  const source = body[Symbol.asyncIterator]()
  /** @type {Buffer} */
  let held = Buffer.alloc(0)

  const more = async () => {
    const { value, done } = await source.next()
    if (done) throw malformed()
    held = held.length ? Buffer.concat([held, value]) : value
  }

  return {
    /**
     * The bytes before the marker, which is dropped.
     * @param {Buffer} marker
     */
    async until(marker) {
      for (;;) {
        const at = held.indexOf(marker)
        if (at >= 0) {
          const found = held.subarray(0, at)
          held = held.subarray(at + marker.length)
          return found
        }
        if (held.length > MAX_FIELD_SIZE) throw malformed()
        await more()
      }
    },

    /**
     * The same, in pieces of any size; what follows the marker is read and dropped, as OSS does.
     * @param {Buffer} marker
     */
    async *streamUntil(marker) {
      for (;;) {
        const at = held.indexOf(marker)
        if (at >= 0) {
          if (at) yield held.subarray(0, at)
          while (!(await source.next()).done);
          return
        }
        // The marker may have begun in the last bytes.
        const safe = Math.max(0, held.length - marker.length + 1)
        if (safe) yield held.subarray(0, safe)
        held = held.subarray(safe)
        await more()
      }
    },
  }
}
