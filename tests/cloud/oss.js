// @ts-check
// The OSS endpoint: takes a request through faults, CORS, signature and operation, and answers it.
//
// Every request ends in exactly one log entry. Faults act here and nowhere else, so operations.js can stay plain rules.

import { randomBytes } from 'node:crypto'
import { corsHeaders, preflightHeaders } from './cors.js'
import { elsewhereError, errorXml, ossError } from './errors.js'
import { operations } from './operations.js'
import { formKey, postObject, readForm } from './post_object.js'
import { parseRequest } from './request.js'
import { authenticate, authenticateForm, authorize } from './signature.js'
import { createEndpoint, damaged, Disconnected, drain, meetFaults, openWire, PORTAL_PAGE, readBody, sendFile, stall, stopAt } from './transport.js'

/**
 * @typedef {import('./operations.js').Reply} Reply
 * @typedef {import('./transport.js').LogEntry} LogEntry
 *
 * @typedef {object} OssExchange
 * @property {import('./request.js').OssRequest} request
 * @property {() => number} now this request's server time, ms
 *
 * @typedef {import('./transport.js').Wire & OssExchange} Exchange
 */

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
 * @param {boolean} [options.elsewhere] plays the endpoint of a region that has none of the buckets and sends to `endpoint`
 */
export const createOss = ({ buckets, region, cors, credentials, faults, store, log, onRequest, now, endpoint, elsewhere = false }) => {
  const line = { faults, log, onRequest }
  return createEndpoint(faults, serve)

  /**
   * @param {import('node:http').IncomingMessage} message
   * @param {import('node:http').ServerResponse} response
   */
  async function serve(message, response) {
    const started = performance.now()
    const requestId = randomBytes(12).toString('hex').toUpperCase()
    const wire = openWire(line, message, response, requestId)
    const { entry } = wire
    /** @type {Reply} */
    let reply
    /** @type {Exchange | undefined} */
    let exchange
    try {
      const request = parseRequest(message)
      const { operation, key, partNumber, uploadId } = request
      Object.assign(entry, { operation, key, partNumber, uploadId })
      await meetFaults(line, wire, request)
      const skew = wire.fault?.kind === 'skew' ? wire.fault.ms ?? 0 : 0
      exchange = { ...wire, request, now: () => now() + skew }
      reply = await actOut(exchange)
      if (wire.fault?.kind === 'lostReply') throw new Disconnected()
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
    if (wire.gone.aborted) return
    entry.status = reply.status
    // The rest of a refused body is read, or the client would see a broken connection and not the answer.
    if (!exchange) message.resume()
    else if (!message.complete) void drain(line, exchange)
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
    if (reply.file && exchange) await sendFile(line, exchange, reply.file)
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
        for await (const _ of readBody(line, exchange, stopAt(exchange)));
        throw new Disconnected()
      case 'status': {
        const status = fault.status ?? 500
        const code = fault.code ?? (status === 429 ? 'RequestRateLimitExceeded' : status === 503 ? 'ServiceUnavailable' : 'InternalError')
        throw ossError(code, {
          status, message: fault.message, fields: fault.fields,
          headers: fault.retryAfter === undefined ? {} : { 'Retry-After': String(fault.retryAfter) },
        })
      }
      case 'html': return { status: fault.status ?? 200, headers: { Server: 'portal', 'Content-Type': 'text/html' }, body: PORTAL_PAGE }
      case 'errorIn200': {
        const code = fault.code ?? 'InternalError'
        exchange.entry.code = code
        const error = ossError(code, { message: fault.message })
        return { status: 200, headers: { 'Content-Type': 'application/xml' }, body: errorXml(error, exchange.entry.requestId, request.host) }
      }
      case 'redirectEndpoint': throw elsewhereError(bucketOf(request), fault.endpoint ?? '')
      case 'stall': if (stopAt(exchange) === 0) await stall(exchange)
    }
    if (request.operation === 'preflight') return { status: 200, headers: preflightHeaders(cors, request.headers) }
    // Like OSS without a scheme: the client goes on with the one it has.
    if (elsewhere) throw elsewhereError(bucketOf(request), endpoint().replace(/^\w+:\/\//, ''))
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
    const intact = () => readBody(line, exchange)
    const damage = fault?.kind === 'corrupt' ? damaged : (/** @type {AsyncIterable<Buffer>} */ chunks) => chunks

    if (operation === 'PostObject') {
      const form = await readForm(request.headers['content-type'] ?? '', intact())
      const grant = authenticateForm(form.fields, verifier)
      const bucket = findBucket(hostBucket ?? grant.bucket)
      const key = formKey(form)
      entry.key = key
      authorize(grant, { bucket, key, operation })
      return postObject({ ...form, file: damage(form.file) }, { bucket, key, now: exchange.now(), store, endpoint: endpoint() })
    }

    const grant = authenticate(request, verifier)
    const bucket = findBucket(hostBucket ?? grant.bucket)
    authorize(grant, { bucket, key: request.key, operation })
    const handler = operations[operation]
    if (!handler) throw ossError('MethodNotAllowed')
    return handler({ request, bucket, store, body: () => damage(intact()), endpoint: endpoint() })
  }

  /** @param {string} bucket */
  function findBucket(bucket) {
    if (!buckets.has(bucket)) throw ossError('NoSuchBucket', { fields: { BucketName: bucket } })
    return bucket
  }

  /** @param {import('./request.js').OssRequest} request */
  function bucketOf({ hostBucket }) {
    return hostBucket ?? [...buckets][0]
  }
}
