// @ts-check
// The COS endpoint: takes a request through faults, CORS, signature and operation, and answers it.
//
// Its `serve` also answers what comes through the proxy, see ugc.js. Every request ends in exactly one log entry.

import { randomBytes } from 'node:crypto'
import { corsHeaders, preflightHeaders } from '../cors.js'
import { formKey, readForm } from '../post_object.js'
import { damaged, Disconnected, drain, meetFaults, openWire, PORTAL_PAGE, readBody, sendFile, sleep, stall, stopAt } from '../transport.js'
import { operations, storeForm } from './cos_operations.js'
import { hostOf, parseCosRequest } from './cos_request.js'
import { authenticateCos, authorizeCos } from './cos_signature.js'
import { asCosError, cosError, cosErrorXml } from './errors.js'

/**
 * @typedef {import('../operations.js').Reply} Reply
 * @typedef {import('../transport.js').Wire & { request: import('./cos_request.js').CosRequest, now: () => number }} Exchange
 */

/** What reaches a client before the end of a long merge: it must not take it for the answer. */
const LEADING_SPACE = ' \n '

/** Region names of upload acceleration. */
export const PSEUDO_REGIONS = ['vod-upload-accelerate2', 'vod-upload-accelerate', 'vod-upload-proxy', 'vod-quic']

/**
 * @param {object} options
 * @param {import('../transport.js').Line} options.line
 * @param {string} options.bucket with the app id
 * @param {string[]} options.regions where the bucket can be reached
 * @param {boolean} options.accelerated whether it also answers at acceleration's names
 * @param {import('../cors.js').CorsRule | null} options.cors
 * @param {import('./accounts.js').Accounts} options.accounts
 * @param {import('../store.js').Store} options.store
 * @param {number} options.pageSize of lists
 * @param {() => number} options.now
 */
export const createCos = ({ line, bucket, regions, accelerated, cors, accounts, store, pageSize, now }) => {
  return serve

  /**
   * @param {import('node:http').IncomingMessage} message
   * @param {import('node:http').ServerResponse} response
   */
  async function serve(message, response) {
    const requestId = Buffer.from(randomBytes(18).toString('hex')).toString('base64').slice(0, 48)
    const traceId = randomBytes(24).toString('base64')
    const wire = openWire(line, message, response, requestId)
    const { entry } = wire
    entry.host = hostOf(message)
    /** @type {Reply} */
    let reply
    /** @type {Exchange | undefined} */
    let exchange
    try {
      const request = parseCosRequest(message)
      const { operation, key, partNumber, uploadId } = request
      Object.assign(entry, { operation, key, partNumber, uploadId })
      await meetFaults(line, wire, { ...request, vendor: 'tencent' })
      const skew = wire.fault?.kind === 'skew' ? wire.fault.ms ?? 0 : 0
      exchange = { ...wire, request, now: () => now() + skew }
      reply = await actOut(exchange, traceId)
      if (wire.fault?.kind === 'lostReply') throw new Disconnected()
    } catch (error) {
      const thrown = /** @type {any} */ (error)
      if (thrown instanceof Disconnected) return void message.socket.resetAndDestroy()
      if (!thrown.cos && !thrown.oss) console.error('vodupload-cloud:', thrown)
      const refusal = asCosError(thrown)
      entry.code = refusal.code
      reply = {
        status: refusal.status, headers: { ...refusal.headers, 'Content-Type': 'application/xml' },
        body: cosErrorXml(refusal, { resource: `/${entry.key}`, requestId, traceId }),
      }
    }
    if (wire.gone.aborted) return
    entry.status = reply.status
    // The rest of a refused body is read, or the client would see a broken connection and not the answer.
    if (!exchange) message.resume()
    else if (!message.complete) void drain(line, exchange)
    const { method = '', headers: { origin } } = message
    const common = reply.headers?.Server === 'portal' ? {} : {
      Server: 'tencent-cos', 'x-cos-request-id': requestId, ...(entry.code && { 'x-cos-trace-id': traceId }),
      Date: new Date(exchange?.now() ?? now()).toUTCString(),
      ...(method !== 'OPTIONS' && corsHeaders(cors, { origin, method })),
    }
    const merged = entry.operation === 'CompleteMultipartUpload' && reply.status === 200 && reply.headers?.Server !== 'portal'
    const sized = merged || reply.file || reply.headers?.['Content-Length'] || reply.status === 204
    // Header bytes leave as Latin-1, so UTF-8 text has to look like Latin-1 to Node.
    const headers = Object.entries({ ...common, ...(!sized && { 'Content-Length': String(Buffer.byteLength(reply.body ?? '')) }), ...reply.headers })
      .map(([name, value]) => [name, Buffer.from(value).toString('latin1')])
    response.writeHead(reply.status, Object.fromEntries(headers))
    if (reply.file && exchange) return sendFile(line, exchange, reply.file)
    if (merged) await writeSpace(wire)
    response.end(method === 'HEAD' ? undefined : reply.body)
  }

  /** @param {import('../transport.js').Wire} wire */
  async function writeSpace({ response, gone }) {
    response.write(LEADING_SPACE)
    await sleep(1, gone).catch(() => {}) // a piece of its own, as from a server that is still at work
  }

  /**
   * Plays the fault's part, then the operation's.
   * @param {Exchange} exchange
   * @param {string} traceId
   * @returns {Promise<Reply>}
   */
  async function actOut(exchange, traceId) {
    const { fault, request } = exchange
    switch (fault?.kind) {
      case 'refuse': throw new Disconnected()
      case 'cut':
        for await (const _ of readBody(line, exchange, stopAt(exchange)));
        throw new Disconnected()
      case 'status': {
        const status = fault.status ?? 500
        throw cosError(fault.code ?? (status === 429 || status === 503 ? 'SlowDown' : 'InternalError'), {
          status, message: fault.message, fields: fault.fields,
          headers: fault.retryAfter === undefined ? {} : { 'Retry-After': String(fault.retryAfter) },
        })
      }
      case 'html': return { status: fault.status ?? 200, headers: { Server: 'portal', 'Content-Type': 'text/html' }, body: PORTAL_PAGE }
      case 'errorIn200': {
        const error = cosError(fault.code ?? 'InternalError', { message: fault.message })
        exchange.entry.code = error.code
        const body = cosErrorXml(error, { resource: `/${request.key}`, requestId: exchange.entry.requestId, traceId })
        return { status: 200, headers: { 'Content-Type': 'application/xml' }, body }
      }
      case 'stall': if (stopAt(exchange) === 0) await stall(exchange)
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
    const { operation, region: named, host } = request
    const known = regions.includes(named) || (accelerated && PSEUDO_REGIONS.includes(named))
    if (request.bucket === null) throw cosError('InvalidURI', { message: `The host ${host} names no bucket; COS has no path style.` })
    if (request.bucket !== bucket || !known) throw cosError('NoSuchBucket')
    const verifier = { accounts, now: exchange.now(), issuerNow: now(), expire: fault?.kind === 'expire' }
    const intact = () => readBody(line, exchange)
    const damage = fault?.kind === 'corrupt' ? damaged : (/** @type {AsyncIterable<Buffer>} */ chunks) => chunks
    const regionOf = (/** @type {import('./accounts.js').CosGrant} */ grant) => regions.includes(named) ? named : grant.region ?? named

    if (operation === 'PostObject') {
      const form = await readForm(request.headers['content-type'] ?? '', intact())
      const grant = authenticateCos(request, verifier, form.fields)
      const key = formKey(form)
      entry.key = key
      authorizeCos(grant, { region: regionOf(grant), operation, key })
      return storeForm({ ...form, file: damage(form.file) }, { bucket, key, host, store })
    }

    const grant = authenticateCos(request, verifier)
    authorizeCos(grant, { region: regionOf(grant), operation, key: request.key, prefix: request.query.prefix })
    const handler = operations[operation]
    if (!handler) throw cosError('MethodNotAllowed')
    return handler({ request, bucket, store, pageSize, body: () => damage(intact()) })
  }
}
