// @ts-check
// What the endpoints share below their protocols: the log, the body at the network's pace, faults of the connection.

import { createReadStream } from 'node:fs'
import { createServer } from 'node:http'

/**
 * @typedef {import('./faults.js').Action} Action
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
 * @property {string} code error code, or ''
 * @property {string} requestId
 * @property {string} fault kind of the fault that hit, or ''
 * @property {string} [host] Tencent: the host that the client means
 *
 * @typedef {object} Wire one request and its connection
 * @property {import('node:http').IncomingMessage} message
 * @property {import('node:http').ServerResponse} response
 * @property {LogEntry} entry
 * @property {Action | null} fault
 * @property {AbortSignal} gone the client has left
 *
 * @typedef {object} Line what a request meets on its way
 * @property {import('./faults.js').Faults} faults
 * @property {LogEntry[]} log
 * @property {(entry: LogEntry) => void} onRequest told of each request when it has ended
 */

/** The client has left, or is to be left: there is nobody to answer. */
export class Disconnected extends Error {}

/** Oldest entries go first beyond this, so that a server left running does not grow. */
const MAX_LOG = 100_000

/** A captive portal's page. */
export const PORTAL_PAGE = '<html><body>Please sign in to this network.</body></html>'

/**
 * @param {import('./faults.js').Faults} faults
 * @param {(message: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => Promise<void>} serve
 */
export const createEndpoint = (faults, serve) => {
  const server = createServer((message, response) => void serve(message, response))
  server.requestTimeout = 0 // a large part on a slow network takes longer than Node's five minutes
  server.keepAliveTimeout = 60_000
  server.on('connection', (socket) => { if (faults.isDown()) socket.resetAndDestroy() })
  return server
}

/**
 * Opens the request's one log entry.
 * @param {Line} line
 * @param {import('node:http').IncomingMessage} message
 * @param {import('node:http').ServerResponse} response
 * @param {string} requestId
 * @returns {Wire}
 */
export const openWire = ({ log, onRequest }, message, response, requestId) => {
  const controller = new AbortController()
  response.once('close', () => {
    // A finished answer closes too; the client is still there, and what it sends has yet to be read.
    if (!response.writableFinished) controller.abort()
    onRequest(entry)
  })
  message.on('error', () => {}) // whoever reads the body is told by the iterator
  /** @type {LogEntry} */
  const entry = {
    time: Date.now(), method: message.method ?? '', operation: 'unknown', key: '', partNumber: null, uploadId: null,
    bytes: 0, status: 0, code: '', requestId, fault: '',
  }
  log.push(entry)
  if (log.length > MAX_LOG) log.shift()
  return { message, response, entry, fault: null, gone: controller.signal }
}

/**
 * Waits as long as the network takes, then lets the faults decide.
 * @param {Line} line
 * @param {Wire} wire
 * @param {import('./faults.js').Sighting} sighting
 */
export const meetFaults = async ({ faults }, wire, sighting) => {
  if (faults.latency()) await sleep(faults.latency(), wire.gone)
  wire.fault = faults.match(sighting)
  wire.entry.fault = wire.fault?.kind ?? ''
}

/**
 * The request body at the network's pace. Throws when the client leaves before its end.
 * @param {Line} line
 * @param {Wire} wire
 * @param {number} [limit] bytes after which it ends as if it were complete
 * @returns {AsyncGenerator<Buffer>}
 */
export async function* readBody({ faults }, wire, limit = Infinity) {
  const { message, entry, gone } = wire
  const stallAt = wire.fault?.kind === 'stall' ? stopAt(wire) : Infinity
  if (limit === 0) return
  try {
    for await (const chunk of message.iterator({ destroyOnReturn: false })) {
      const delay = faults.delay(chunk.length)
      if (delay > 1) await sleep(delay, gone)
      const before = entry.bytes
      entry.bytes += chunk.length
      if (before < stallAt && entry.bytes >= stallAt) await stall(wire)
      yield chunk
      if (entry.bytes >= limit) return
    }
  } catch (error) {
    if (/** @type {any} */ (error).code === 'ECONNRESET') throw new Disconnected()
    throw error
  }
}

/**
 * Reads and drops what is left of the body.
 * @param {Line} line
 * @param {Wire} wire
 */
export const drain = async (line, wire) => {
  try {
    for await (const _ of readBody(line, wire));
  } catch {
    // the client did not wait for the answer
  }
}

/**
 * The same bytes but for one bit of the first.
 * @param {AsyncIterable<Buffer>} chunks
 */
export async function* damaged(chunks) {
  let hit = false
  for await (const chunk of chunks) {
    if (!hit) chunk[0] ^= 1
    hit = true
    yield chunk
  }
}

/**
 * Ends an answer with bytes of a file, at the network's pace.
 * @param {Line} line
 * @param {Wire} wire
 * @param {{ path: string, start: number, end: number }} file end excluded
 */
export const sendFile = async ({ faults }, { response, gone }, { path, start, end }) => {
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

/**
 * Where in the body the fault of this request acts, bytes.
 * @param {Wire} wire
 */
export const stopAt = ({ message: { headers }, fault }) => {
  const length = headers['content-length']
  const whole = length !== undefined ? Number(length) : headers['transfer-encoding'] ? Infinity : 0
  if (fault?.afterBytes !== undefined) return Math.min(fault.afterBytes, whole)
  if (fault?.fraction !== undefined) return whole === Infinity ? 1 : Math.floor(whole * fault.fraction)
  return fault?.kind === 'cut' && whole !== Infinity ? Math.floor(whole / 2) : 0
}

/** @param {Wire} wire */
export const stall = ({ fault, gone }) => sleep(fault?.forever ? Infinity : fault?.ms ?? 0, gone)

/**
 * @param {number} ms
 * @param {AbortSignal} gone
 * @returns {Promise<void>} rejects when the client leaves first
 */
export const sleep = (ms, gone) => new Promise((resolve, reject) => {
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
