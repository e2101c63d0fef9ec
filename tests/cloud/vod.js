// @ts-check
// VOD's RPC endpoint: what a client calls itself when it has a credential of STS instead of an upload address.
//
// Requests are small: a fault meets them when their body has been read, wherever in it a cut or a stall would act.

import { RPC_OPERATIONS } from './faults.js'
import { errorBody, missing, newRequestId, rpcError } from './rpc_errors.js'
import { authenticateRpc } from './rpc_signature.js'
import { createEndpoint, Disconnected, drain, meetFaults, openWire, PORTAL_PAGE, readBody, stall } from './transport.js'

/**
 * @typedef {import('./rpc_signature.js').Parameters} Parameters
 * @typedef {import('./transport.js').Wire} Wire
 * @typedef {{ status: number, body: object }} RpcReply
 */

/** Parameters are small, bytes. */
const MAX_BODY = 1 << 20

/**
 * @param {object} options
 * @param {import('./credentials.js').Credentials} options.credentials
 * @param {import('./faults.js').Faults} options.faults
 * @param {import('./media.js').Media} options.media
 * @param {import('./transport.js').LogEntry[]} options.log
 * @param {(entry: import('./transport.js').LogEntry) => void} options.onRequest
 * @param {() => number} options.now
 */
export const createVod = ({ credentials, faults, media, log, onRequest, now }) => {
  const line = { faults, log, onRequest }
  /** @type {Set<string>} */
  const nonces = new Set()

  /** @type {Record<string, (parameters: Parameters) => object>} */
  const actions = {
    CreateUploadVideo: (parameters) => capitals(media.createVideo(parameters)),
    CreateUploadImage(parameters) {
      const { imageUrl: ImageURL, fileUrl: FileURL, ...others } = media.createImage(parameters)
      return { ...capitals(others), ImageURL, FileURL }
    },
    RefreshUploadVideo({ VideoId, ReferenceId }) {
      if (!VideoId && !ReferenceId) throw missing('VideoId')
      const video = VideoId ? undefined : media.videos().find((video) => video.parameters.ReferenceId === ReferenceId)
      return capitals(media.refreshVideo(video?.videoId ?? VideoId))
    },
  }

  return createEndpoint(faults, serve)

  /**
   * @param {import('node:http').IncomingMessage} message
   * @param {import('node:http').ServerResponse} response
   */
  async function serve(message, response) {
    const requestId = newRequestId()
    const wire = openWire(line, message, response, requestId)
    /** @type {RpcReply | null} */
    let reply
    /** @type {Record<string, string>} */
    let headers = {}
    try {
      reply = await answer(wire)
      if (wire.fault?.kind === 'lostReply') throw new Disconnected()
    } catch (error) {
      const thrown = /** @type {any} */ (error)
      if (thrown instanceof Disconnected) return void message.socket.resetAndDestroy()
      if (!thrown.rpc) console.error('vodupload-cloud:', thrown)
      const refusal = thrown.rpc ? thrown : rpcError('InternalError', { message: String(thrown.message) })
      wire.entry.code = refusal.code
      headers = refusal.headers
      reply = { status: refusal.status, body: errorBody(refusal, requestId, message.headers.host ?? '') }
    }
    if (wire.gone.aborted) return
    if (!message.complete) void drain(line, wire)
    wire.entry.status = reply?.status ?? wire.fault?.status ?? 200
    if (!reply) return void response.writeHead(wire.entry.status, { 'Content-Type': 'text/html' }).end(PORTAL_PAGE)
    response.writeHead(reply.status, {
      'Content-Type': 'application/json;charset=utf-8', 'Access-Control-Allow-Origin': '*', 'x-acs-request-id': requestId, ...headers,
    }).end(JSON.stringify({ RequestId: requestId, ...reply.body }))
  }

  /**
   * @param {Wire} wire
   * @returns {Promise<RpcReply | null>} null: a captive portal answers
   */
  async function answer(wire) {
    const { message, entry } = wire
    const { method = '' } = message
    const { pathname, searchParams } = new URL(message.url ?? '/', 'http://vod')
    const pairs = [...searchParams, ...await readForm(wire)]
    const parameters = Object.fromEntries(pairs)
    entry.operation = method === 'OPTIONS' ? 'preflight' : RPC_OPERATIONS.includes(parameters.Action) ? parameters.Action : 'unknown'
    await meetFaults(line, wire, entry)
    const { fault } = wire
    switch (fault?.kind) {
      case 'refuse': case 'cut': throw new Disconnected()
      case 'html': return null
      case 'stall': await stall(wire); break
      case 'status': throw faultError(fault)
      case 'errorIn200': throw rpcError(fault.code ?? 'InternalError', { status: 200, message: fault.message })
    }
    // A client that sends a header of its own would be asked for a preflight, and the real endpoint answers none.
    if (method !== 'GET' && method !== 'POST') throw rpcError('UnsupportedHTTPMethod')
    const twice = pairs.length !== Object.keys(parameters).length
    if (twice) throw rpcError('InvalidParameter', { message: 'A parameter is given twice.' })
    const skew = fault?.kind === 'skew' ? fault.ms ?? 0 : 0
    await authenticateRpc(method, parameters, { credentials, nonces, now: now() + skew, issuerNow: now(), expire: fault?.kind === 'expire' })
    if (entry.operation === 'unknown' || pathname !== '/') throw rpcError('InvalidAction.NotFound')
    return { status: 200, body: actions[entry.operation](parameters) }
  }

  /**
   * @param {Wire} wire
   * @returns {Promise<[string, string][]>}
   */
  async function readForm(wire) {
    const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(wire.message.headers['content-type'] ?? '')
    /** @type {Buffer[]} */
    const chunks = []
    for await (const chunk of readBody(line, wire)) {
      if (wire.entry.bytes > MAX_BODY) throw rpcError('InvalidParameter', { message: 'The request is too large.' })
      if (isForm) chunks.push(chunk)
    }
    return [...new URLSearchParams(Buffer.concat(chunks).toString())]
  }
}

/** @param {import('./faults.js').Action} fault */
const faultError = ({ status = 500, code, message, fields, retryAfter }) => rpcError(
  code ?? (status === 429 ? 'Throttling.User' : status === 503 ? 'ServiceUnavailable' : 'InternalError'),
  { status, message, fields, headers: retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) } },
)

/**
 * The same members under VOD's names: `videoId` is `VideoId`.
 * @param {object} answer
 */
const capitals = (answer) => Object.fromEntries(Object.entries(answer).map(([name, value]) => [name[0].toUpperCase() + name.slice(1), value]))
