// @ts-check
// Scripted faults and a slow network: what may go wrong, when, and how often.
//
// This file only decides; the endpoints (oss.js, vod.js, tencent/) carry the decision out. All values are plain JSON, so that a page or another process
// can set them through /control. Chance is seeded: the same requests meet the same faults.

/**
 * @typedef {object} Action
 * @property {'corrupt' | 'cut' | 'errorIn200' | 'expire' | 'html' | 'lostReply' | 'redirectEndpoint' | 'refuse' | 'skew' | 'stall' | 'status'} kind
 * @property {number} [afterBytes] cut, stall: so many body bytes are read first
 * @property {number} [fraction] cut, stall: the same as a share of Content-Length, 0..1
 * @property {number} [status] status, html: HTTP status
 * @property {string} [code] status, errorIn200: error code
 * @property {string} [message] status
 * @property {Record<string, string>} [fields] status: further elements of the error, e.g. `{ Endpoint: '...' }`
 * @property {number} [retryAfter] status: seconds, sent as Retry-After
 * @property {string} [endpoint] redirectEndpoint: where the client is sent
 * @property {number} [ms] stall: how long; skew: how far this server's clock is ahead
 * @property {boolean} [forever] stall: until the client gives up
 *
 * @typedef {object} Fault
 * @property {string | string[]} [operation] default: every operation on which the action can act, but `preflight`
 * @property {number | number[]} [partNumber]
 * @property {string} [key]
 * @property {string} [host] a part of the host's name, e.g. a region or a port
 * @property {number} [after] lets the first so many matching requests pass
 * @property {number} [every] hits each nth matching request
 * @property {number} [rate] hits this share of them, 0..1
 * @property {number} [seed] for `rate`
 * @property {number} [times] hits so many in all
 * @property {number} [perPart] hits so many for each upload id and part number
 * @property {Action} action
 *
 * @typedef {{ operation: string, partNumber: number | null, uploadId: string | null, key: string, host?: string, vendor?: 'tencent' }} Sighting
 *
 * @typedef {object} NetworkState
 * @property {number | null} bytesPerSecond all connections and both directions together; null: no limit
 * @property {number} latency ms before a request is looked at
 * @property {boolean} down connections are reset
 */

const MATCHERS = ['operation', 'partNumber', 'key', 'host', 'after', 'every', 'rate', 'seed', 'times', 'perPart', 'action']

/** What each kind of action takes. */
const ACTIONS = {
  corrupt: [],
  cut: ['afterBytes', 'fraction'],
  errorIn200: ['code', 'message'],
  expire: [],
  html: ['status'],
  lostReply: [],
  redirectEndpoint: ['endpoint'],
  refuse: [],
  skew: ['ms'],
  stall: ['ms', 'forever', 'afterBytes', 'fraction'],
  status: ['status', 'code', 'message', 'fields', 'retryAfter'],
}

const WRITES = ['UploadPart', 'PutObject', 'PostObject']
/** Operations of VOD's RPC endpoint. */
export const RPC_OPERATIONS = ['CreateUploadVideo', 'CreateUploadImage', 'RefreshUploadVideo']
/** Operations of Tencent's UGC interface. */
export const UGC_OPERATIONS = ['PrepareUploadUGC', 'ApplyUploadUGC', 'CommitUploadUGC']
/** Operations of Tencent's server API. */
export const API_OPERATIONS = ['ApplyUpload', 'CommitUpload', 'ParseStreamingManifest']
const CALLS = [...RPC_OPERATIONS, ...UGC_OPERATIONS, ...API_OPERATIONS]

/**
 * Whether the action does anything there: a fault that counts a hit without effect proves nothing.
 * @param {Action['kind']} kind
 * @param {string} operation
 */
const canAct = (kind, operation) => kind === 'corrupt' ? WRITES.includes(operation)
  : kind !== 'redirectEndpoint' || !CALLS.includes(operation)

/** @param {{ onDown: () => void }} options called when the network goes down */
export const createFaults = ({ onDown }) => {
  /** @type {Map<string, { fault: Fault, seen: number, hits: number, parts: Map<string, number>, random: () => number }>} */
  const rules = new Map()
  let lastId = 0
  /** @type {NetworkState} */
  let network = { bytesPerSecond: null, latency: 0, down: false }
  let freeAt = 0

  return {
    /**
     * @param {Fault} fault
     * @returns {string} id, for `remove`
     */
    add(fault) {
      check(fault)
      const id = `fault-${++lastId}`
      rules.set(id, { fault: structuredClone(fault), seen: 0, hits: 0, parts: new Map(), random: generator(fault.seed ?? 1) })
      return id
    },

    /** @param {string} id */
    remove: (id) => rules.delete(id),

    /** Removes every fault; the network stays as it is. */
    clear: () => rules.clear(),

    /** The faults in the order they are tried, with how many requests each has matched and hit. */
    list: () => [...rules].map(([id, { fault, seen, hits }]) => ({ id, ...fault, seen, hits })),

    /**
     * Changes what is given, and tells the state. With null the network is fast and up again.
     * @param {Partial<NetworkState> | null} [change]
     */
    network(change) {
      if (change === null) network = { bytesPerSecond: null, latency: 0, down: false }
      if (change) {
        checkNames(change, Object.keys(network), 'network')
        network = { ...network, ...change }
        freeAt = 0
        if (change.down) onDown()
      }
      return { ...network }
    },

    /**
     * What to do to this request, if anything. The first fault that hits wins.
     * @param {Sighting} sighting
     * @returns {Action | null}
     */
    match(sighting) {
      for (const rule of rules.values()) if (hits(rule, sighting)) return rule.fault.action
      return null
    },

    /**
     * How long so many bytes have to wait for their turn, ms.
     * @param {number} bytes
     */
    delay(bytes) {
      if (!network.bytesPerSecond) return 0
      const now = performance.now()
      freeAt = Math.max(freeAt, now) + bytes / network.bytesPerSecond * 1000
      return freeAt - now
    },

    latency: () => network.latency,
    isDown: () => network.down,
  }
}

/** @typedef {ReturnType<typeof createFaults>} Faults */

/**
 * @param {{ fault: Fault, seen: number, hits: number, parts: Map<string, number>, random: () => number }} rule
 * @param {Sighting} sighting
 */
const hits = (rule, sighting) => {
  const { operation, partNumber, key, host, after = 0, every = 1, rate = 1, times = Infinity, perPart = Infinity } = rule.fault
  const anywhere = sighting.operation !== 'preflight' && canAct(rule.fault.action.kind, sighting.operation)
  const matches = (operation === undefined ? anywhere : [operation].flat().includes(sighting.operation))
    && (partNumber === undefined || (sighting.partNumber !== null && [partNumber].flat().includes(sighting.partNumber)))
    && (key === undefined || key === sighting.key)
    && (host === undefined || sighting.host?.includes(host))
    && (sighting.vendor === undefined || rule.fault.action.kind !== 'redirectEndpoint') // that is OSS's
  if (!matches) return false
  rule.seen++
  if (rule.seen <= after || (rule.seen - after) % every !== 0 || rule.hits >= times) return false
  if (rate < 1 && rule.random() >= rate) return false
  const part = `${sighting.uploadId} ${sighting.partNumber}`
  const partHits = rule.parts.get(part) ?? 0
  if (partHits >= perPart) return false
  rule.parts.set(part, partHits + 1)
  rule.hits++
  return true
}

/** @param {Fault} fault */
const check = (fault) => {
  checkNames(fault, MATCHERS, 'fault')
  const kind = fault.action?.kind
  if (!(kind in ACTIONS)) throw new TypeError(`fault.action.kind is ${JSON.stringify(kind)}, not one of ${Object.keys(ACTIONS).join(', ')}`)
  checkNames(fault.action, ['kind', ...ACTIONS[kind]], `action ${kind}`)
  const idle = [fault.operation ?? []].flat().find((operation) => !canAct(kind, operation))
  if (idle) throw new TypeError(`action ${kind} does nothing to ${idle}`)
  if (kind === 'redirectEndpoint' && !fault.action.endpoint) throw new TypeError('action redirectEndpoint needs endpoint')
  if (kind === 'stall' && !fault.action.ms && !fault.action.forever) throw new TypeError('action stall needs ms or forever')
  if (kind === 'skew' && !fault.action.ms) throw new TypeError('action skew needs ms')
}

/**
 * A misspelt name would make a fault that never or always hits, and a test that proves nothing.
 * @param {object} value
 * @param {string[]} names
 * @param {string} what
 */
const checkNames = (value, names, what) => {
  const unknown = Object.keys(value).find((name) => !names.includes(name))
  if (unknown) throw new TypeError(`${what} has no ${JSON.stringify(unknown)}; it has ${names.join(', ')}`)
}

/**
 * Mulberry32: small, and good enough to spread faults.
 * @param {number} seed
 * @returns {() => number} 0..1
 */
const generator = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
