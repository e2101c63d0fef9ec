// @ts-check
// The OSS endpoint: takes a request through faults, CORS, signature and operation, and answers it.
//
// Every request ends in exactly one log entry. Faults act here and nowhere else, so operations.js can stay plain rules.

import { createReadStream } from 'node:fs'
import { createServer } from 'node:http'
import { randomBytes } from 'node:crypto'
import { corsHeaders, preflightHeaders } from './cors.js'
import { errorXml, ossError } from './errors.js'
import { operations } from './operations.js'
import { formKey, postObject, readForm } from './post_object.js'
import { parseRequest } from './request.js'
import { authenticate, authenticateForm, authorize } from './signature.js'

/**
 * @typedef {import('./faults.js').Action} Action
 * @typedef {import('./operations.js').Reply} Reply
 * @typedef {import('./request.js').OssRequest} OssRequest
 *
 * @typedef {object} LogEntry
 * @property {number} time ms since the epoch
 * @property {string} method
 * @property {string} operation
 * @property {string} key
 * @property {number | null} partNumber
 * @property {string | null} uploadId
 * @property {number} bytes of the request body, read so far
 * @property {number} status 0 while, and if, there is no answer
 * @property {string} code OSS error code, or ''
 * @property {string} requestId
 * @property {string} fault kind of the fault that hit, or ''
 *
 * @typedef {object} Exchange
 * @property {import('node:http').IncomingMessage} message
 * @property {import('node:http').ServerResponse} response
 * @property {OssRequest} request
 * @property {LogEntry} entry
 * @property {Action | null} fault
 * @property {() => number} now this request's server time, ms
 * @property {AbortSignal} gone the client has left
 */

/** The client has left, or is to be left: there is nobody to answer. */
class Disconnected extends Error {}

/** Oldest entries go first beyond this, so that a server left running does not grow. */
const MAX_LOG = 100_000

/**
 * @param {object} options
 * @param {Set<string>} options.buckets
 * @param {string} options.region
 * @param {import('./cors.js').CorsRule | null} options.cors
 * @param {import('./credentials.js').Credentials} options.credentials
 * @param {import('./faults.js').Faults} options.faults
 * @param {import('./store.js').Store} options.store
 * @param {LogEntry[]} options.log
 * @param {(entry: LogEntry) => void} options.onRequest told of each request when it has ended
 * @param {() => number} options.now
 * @param {() => string} options.endpoint
 */
export const createOss = ({ buckets, region, cors, credentials, faults, store, log, onRequest, now, endpoint }) => {
  const server = createServer((message, response) => void serve(message, response))
  server.requestTimeout = 0 // a large part on a slow network takes longer than Node's five minutes
  server.keepAliveTimeout = 60_000
  server.on('connection', (socket) => { if (faults.isDown()) socket.resetAndDestroy() })
  return server

  /**
   * @param {import('node:http').IncomingMessage} message
   * @param {import('node:http').ServerResponse} response
   */
  async function serve(message, response) {
    const started = performance.now()
    const controller = new AbortController()
    response.once('close', () => {
      // A finished answer closes too; the client is still there, and what it sends has yet to be read.
      if (!response.writableFinished) controller.abort()
      onRequest(entry)
    })
    message.on('error', () => {}) // whoever reads the body is told by the iterator
    const requestId = randomBytes(12).toString('hex').toUpperCase()
    /** @type {LogEntry} */
    const entry = {
      time: Date.now(), method: message.method ?? '', operation: 'unknown', key: '', partNumber: null, uploadId: null,
      bytes: 0, status: 0, code: '', requestId, fault: '',
    }
    log.push(entry)
    if (log.length > MAX_LOG) log.shift()
    /** @type {Reply} */
    let reply
    /** @type {Exchange | undefined} */
    let exchange
    try {
      const request = parseRequest(message)
      const { operation, key, partNumber, uploadId } = request
      Object.assign(entry, { operation, key, partNumber, uploadId })
      if (faults.latency()) await sleep(faults.latency(), controller.signal)
      const fault = faults.match(request)
      entry.fault = fault?.kind ?? ''
      const skew = fault?.kind === 'skew' ? fault.ms ?? 0 : 0
      exchange = { message, response, request, entry, fault, now: () => now() + skew, gone: controller.signal }
      reply = await actOut(exchange)
      if (fault?.kind === 'lostReply') throw new Disconnected()
    } catch (error) {
      const thrown = /** @type {any} */ (error)
      if (thrown instanceof Disconnected) return void message.socket.resetAndDestroy()
      if (!thrown.oss) console.error('vodupload-cloud:', thrown)
      const refusal = thrown.oss ? thrown : ossError('InternalError', { message: String(thrown.message) })
      entry.code = refusal.code
      const body = errorXml(refusal, requestId, message.headers.host ?? '')
      reply = {
        status: refusal.status, body,
        headers: {
          ...refusal.headers, 'Content-Type': 'application/xml', ...(refusal.ec && { 'x-oss-ec': refusal.ec }),
          // An answer to HEAD has no body, so the error travels in a header.
          ...(message.method === 'HEAD' && { 'x-oss-err': Buffer.from(body).toString('base64') }),
        },
      }
    }
    if (controller.signal.aborted) return
    entry.status = reply.status
    // The rest of a refused body is read, or the client would see a broken connection and not the answer.
    if (!exchange) message.resume()
    else if (!message.complete) void drain(exchange)
    const { method = '', headers: { origin } } = message
    const common = reply.headers?.Server === 'portal' ? {} : {
      Server: 'AliyunOSS', 'x-oss-request-id': requestId, 'x-oss-server-time': String(Math.round(performance.now() - started)),
      Date: new Date(exchange?.now() ?? now()).toUTCString(),
      ...(method !== 'OPTIONS' && corsHeaders(cors, { origin, method })),
    }
    const length = reply.file || reply.headers?.['Content-Length'] ? {} : { 'Content-Length': String(Buffer.byteLength(reply.body ?? '')) }
    // Header bytes leave as Latin-1, so UTF-8 text has to look like Latin-1 to Node.
    const headers = Object.entries({ ...common, ...length, ...reply.headers })
      .map(([name, value]) => [name, Buffer.from(value).toString('latin1')])
    response.writeHead(reply.status, Object.fromEntries(reply.status === 204 ? headers.filter(([name]) => name !== 'Content-Length') : headers))
    if (reply.file && exchange) await sendFile(exchange, reply.file)
    else response.end(method === 'HEAD' ? undefined : reply.body)
  }

  /**
   * Plays the fault's part, then the operation's.
   * @param {Exchange} exchange
   * @returns {Promise<Reply>}
   */
  async function actOut(exchange) {
    const { fault, request } = exchange
    switch (fault?.kind) {
      case 'refuse': throw new Disconnected()
      case 'cut':
        for await (const _ of body(exchange, stopAt(fault, request)));
        throw new Disconnected()
      case 'status': {
        const status = fault.status ?? 500
        const code = fault.code ?? (status === 429 ? 'RequestRateLimitExceeded' : status === 503 ? 'ServiceUnavailable' : 'InternalError')
        throw ossError(code, {
          status, message: fault.message, fields: fault.fields,
          headers: fault.retryAfter === undefined ? {} : { 'Retry-After': String(fault.retryAfter) },
        })
      }
      case 'html': return { status: fault.status ?? 200, headers: { Server: 'portal', 'Content-Type': 'text/html' }, body: '<html><body>Please sign in to this network.</body></html>' }
      case 'errorIn200': {
        const code = fault.code ?? 'InternalError'
        exchange.entry.code = code
        const error = ossError(code, { message: fault.message })
        return { status: 200, headers: { 'Content-Type': 'application/xml' }, body: errorXml(error, exchange.entry.requestId, request.host) }
      }
      case 'stall': if (stopAt(fault, request) === 0) await stall(exchange)
    }
    if (request.operation === 'preflight') return { status: 200, headers: preflightHeaders(cors, request.headers) }
    return perform(exchange)
  }

  /**
   * @param {Exchange} exchange
   * @returns {Promise<Reply>}
   */
  async function perform(exchange) {
    const { request, entry, fault } = exchange
    const { operation, hostBucket } = request
    if (hostBucket && !buckets.has(hostBucket)) throw ossError('NoSuchBucket', { fields: { BucketName: hostBucket } })
    const verifier = { credentials, region, now: exchange.now(), issuerNow: now(), expire: fault?.kind === 'expire' }
    const bytes = () => body(exchange)

    if (operation === 'PostObject') {
      const form = await readForm(request.headers['content-type'] ?? '', bytes())
      const grant = authenticateForm(form.fields, verifier)
      const bucket = findBucket(hostBucket ?? grant.bucket)
      const key = formKey(form)
      entry.key = key
      authorize(grant, { bucket, key, operation })
      return postObject(form, { bucket, key, now: exchange.now(), store, endpoint: endpoint() })
    }

    const grant = authenticate(request, verifier)
    const bucket = findBucket(hostBucket ?? grant.bucket)
    authorize(grant, { bucket, key: request.key, operation })
    const handler = operations[operation]
    if (!handler) throw ossError('MethodNotAllowed')
    return handler({ request, bucket, store, body: bytes, endpoint: endpoint() })
  }

  /** @param {string} bucket */
  function findBucket(bucket) {
    if (!buckets.has(bucket)) throw ossError('NoSuchBucket', { fields: { BucketName: bucket } })
    return bucket
  }

  /**
   * The request body at the network's pace. Throws when the client leaves before its end.
   * @param {Exchange} exchange
   * @param {number} [limit] bytes after which it ends as if it were complete
   * @returns {AsyncGenerator<Buffer>}
   */
  async function* body(exchange, limit = Infinity) {
    const { message, request, entry, fault, gone } = exchange
    const stallAt = fault?.kind === 'stall' ? stopAt(fault, request) : Infinity
    if (limit === 0) return
    try {
      for await (const chunk of message.iterator({ destroyOnReturn: false })) {
        const delay = faults.delay(chunk.length)
        if (delay > 1) await sleep(delay, gone)
        const before = entry.bytes
        entry.bytes += chunk.length
        if (before < stallAt && entry.bytes >= stallAt) await stall(exchange)
        yield chunk
        if (entry.bytes >= limit) return
      }
    } catch (error) {
      if (/** @type {any} */ (error).code === 'ECONNRESET') throw new Disconnected()
      throw error
    }
  }

  /** @param {Exchange} exchange */
  async function drain(exchange) {
    try {
      for await (const _ of body(exchange));
    } catch {
      // the client did not wait for the answer
    }
  }

  /**
   * @param {Exchange} exchange
   * @param {{ path: string, start: number, end: number }} file
   */
  async function sendFile({ response, gone }, { path, start, end }) {
    if (start === end || response.req.method === 'HEAD') return void response.end()
    try {
      for await (const chunk of createReadStream(path, { start, end: end - 1, highWaterMark: 1 << 18, signal: gone })) {
        const delay = faults.delay(chunk.length)
        if (delay > 1) await sleep(delay, gone)
        if (!response.write(chunk)) await new Promise((resolve) => { response.once('drain', resolve); response.once('close', resolve) })
      }
      response.end()
    } catch {
      response.destroy()
    }
  }
}

/**
 * Where in the body a cut or a stall happens, bytes.
 * @param {Action} fault
 * @param {OssRequest} request
 */
const stopAt = (fault, { contentLength, headers }) => {
  const whole = contentLength ?? (headers['transfer-encoding'] ? Infinity : 0)
  if (fault.afterBytes !== undefined) return Math.min(fault.afterBytes, whole)
  if (fault.fraction !== undefined) return whole === Infinity ? 1 : Math.floor(whole * fault.fraction)
  return fault.kind === 'cut' && whole !== Infinity ? Math.floor(whole / 2) : 0
}

/** @param {Exchange} exchange */
const stall = ({ fault, gone }) => sleep(fault?.forever ? Infinity : fault?.ms ?? 0, gone)

/**
 * @param {number} ms
 * @param {AbortSignal} gone
 * @returns {Promise<void>} rejects when the client leaves first
 */
const sleep = (ms, gone) => new Promise((resolve, reject) => {
  const leave = () => {
    clearTimeout(timer)
    reject(new Disconnected())
  }
  const timer = ms === Infinity ? undefined : setTimeout(() => {
    gone.removeEventListener('abort', leave)
    resolve()
  }, ms).unref()
  if (gone.aborted) leave()
  else gone.addEventListener('abort', leave, { once: true })
})
