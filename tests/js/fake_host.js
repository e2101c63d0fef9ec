// @ts-check
// A host whose network, storage and connection do what a test says: `await fake.nextRequest()`, then answer it.
// With VODUPLOAD_HOST=wechat it is that of a mini program, on a fake `wx`.
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { describe, isProgram, miniProgram, wasm, within } from './bundle.js'
import { fakeWx, loudly, pathOf } from './fake_wx.js'

/** @typedef {import('../../js/core.js').Host} Host */
/** @typedef {import('../../js/core.js').WireRequest} WireRequest */
/** @typedef {import('../../js/core.js').WireResponse} WireResponse */
/** @typedef {(request: FakeRequest) => void | Partial<WireResponse> | Promise<void | Partial<WireResponse>>} Handler */

/** @typedef {{ -readonly [name in keyof File]: File[name] } & { path?: string, bytes(start: number, end: number): ArrayBuffer }} FakeFile */

/** Bytes after which a file's bytes begin anew; parts are no multiple of it, so that none has the bytes of another. */
const PERIOD = 251

/**
 * What a page would get from a file input, or a mini program from chooseMessageFile, as far as a fake host looks at it.
 * @type {new (name: string, size: number, lastModified?: number) => FakeFile}
 */
export const FakeFile = /** @type {any} */ (class {
  /** @param {string} name @param {number} size @param {number} [lastModified] */
  constructor(name, size, lastModified = 1_700_000_000_000) {
    this.name = name
    this.size = size
    this.lastModified = lastModified
    this.type = 'video/mp4'
    if (isProgram) this.path = pathOf(/** @type {any} */ (this))
  }

  /** @param {number} start @param {number} end */
  bytes(start, end) {
    const first = start + [...this.name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0)
    const { buffer } = new Uint8Array(Math.max(0, Math.min(end, this.size) - start))
    Buffer.from(buffer).fill(Uint8Array.from({ length: PERIOD }, (_, i) => (first + i) % PERIOD))
    return buffer
  }
})

export class FakeRequest {
  aborted = false
  ended = false
  /** @type {(response: WireResponse) => void} */
  #resolve = () => {}
  /** @type {(reason: unknown) => void} */
  #reject = () => {}

  /** @param {WireRequest} wire @param {any} source @param {(bytes: number) => void} sent */
  constructor(wire, source, sent) {
    this.method = wire.method
    this.url = new URL(wire.url)
    this.headers = Object.fromEntries(wire.headers)
    this.body = wire.body
    this.source = source
    this.sent = sent
    /** @type {Promise<WireResponse>} */
    this.done = new Promise((resolve, reject) => { [this.#resolve, this.#reject] = [resolve, reject] })
    this.done.catch(() => {})
  }

  /** The service's name for what is asked. */
  get operation() {
    if (this.url.hostname.startsWith('vod.') || this.url.pathname === '/vod/') return this.parameters.Action
    if (typeof this.body === 'object' && this.body.fields) return 'PostObject'
    const has = (/** @type {string} */ name) => this.url.searchParams.has(name)
    if (this.method === 'PUT') return has('partNumber') ? 'UploadPart' : 'PutObject'
    if (this.method === 'POST') return has('uploads') ? 'InitiateMultipartUpload' : 'CompleteMultipartUpload'
    if (this.method === 'GET') return 'ListParts'
    return this.method === 'DELETE' ? 'AbortMultipartUpload' : 'HeadObject'
  }

  /** What a call to VOD says. @returns {Record<string, string>} */
  get parameters() {
    return Object.fromEntries(typeof this.body === 'string' ? new URLSearchParams(this.body) : this.url.searchParams)
  }

  get part() {
    return Number(this.url.searchParams.get('partNumber'))
  }

  /** Bytes of the body, when it is a slice of the file. */
  get slice() {
    assert.equal(typeof this.body, 'object', `${this.operation} carries no slice`)
    return /** @type {{ file: number, start: number, end: number, fields?: [string, string][] }} */ (this.body)
  }

  /** @param {Partial<WireResponse>} [response] */
  respond({ status = 200, headers = {}, body = '' } = {}) {
    this.#end()
    this.#resolve({ status, headers, body })
  }

  /** @param {{ code?: string, message?: string }} [reason] */
  fail(reason = { code: 'NetworkError', message: 'connection failed' }) {
    this.#end()
    this.#reject(reason)
  }

  /** @param {number} bytes that have left so far */
  progress(bytes) {
    this.sent(bytes)
  }

  abort() {
    // An answer may be on its way to the core already.
    if (this.ended) return
    this.aborted = true
    this.fail({ code: 'NetworkError', message: 'aborted' })
  }

  #end() {
    assert.ok(!this.ended, `${this.operation} is answered twice`)
    this.ended = true
  }
}

/**
 * @typedef {object} FakeStorage
 * @property {Map<string, string>} records
 * @property {'fine' | 'full' | 'forbidden'} state
 */

/**
 * What both kinds of hosts are made on.
 * @typedef {object} Desk
 * @property {(wire: WireRequest, source: any, sent: (bytes: number) => void) => FakeRequest} take
 * @property {() => Map<string, string>} records
 * @property {() => void} write
 * @property {() => boolean} isOnline
 * @property {Set<(online: boolean) => void>} listeners
 */

/** What stories are told with: their files are small, but sent in parts. */
const limits = { parallel: 6, form: 0, digestRate: 110e6 }

/** Bytes of the smallest file whose bytes tell it from others. */
const SAMPLE = 4 << 10

const loadCore = (/** @type {any} */ imports) => WebAssembly.instantiate(wasm, imports)

/** @param {Desk} desk @returns {{ host: Host, setOnline: (state: boolean) => void }} */
function page({ take, records, write, isOnline, listeners }) {
  /** @type {Host} */
  const host = {
    coreHint: 'Check the host.',
    limits,
    loadCore,
    open(file) {
      if (!(file instanceof FakeFile)) throw new TypeError('a File or Blob is needed')
      const { name, size, lastModified, type } = file
      return { name, size, lastModified, contentType: type, fingerprint: `upload_${lastModified}_${name}_${size}`, file }
    },
    send(wire, source, sent) {
      const request = take(wire, source, sent)
      return { done: request.done, abort: () => request.abort() }
    },
    read: async (source, start, end) => source.file.bytes(start, end),
    storage: {
      get: (key) => records().get(key) ?? null,
      set(key, text) {
        write()
        records().set(key, text)
      },
      remove: (key) => { records().delete(key) },
    },
    watchNetwork(listener) {
      listener(isOnline())
      return () => {}
    },
  }
  return { host, setOnline: (state) => listeners.forEach((listener) => listener(state)) }
}

/** @param {ReturnType<typeof fakeWx>} api @returns {(state: boolean) => void} */
const networkOf = ({ tell }) => (isConnected) => tell('network', { isConnected, networkType: isConnected ? 'wifi' : 'none' })

/** A file is a number to the core only. @param {WireRequest} wire */
const wireOf = ({ body, ...rest }) => ({ ...rest, body: typeof body === 'object' ? { ...body, file: 0 } : body })

/**
 * A mini program, of which each request must leave as the core has signed it, with the bytes that it has asked for.
 * @param {Desk} desk
 * @returns {{ host: Host, setOnline: (state: boolean) => void }}
 */
function program(desk) {
  /** @type {WireRequest[]} */
  const signed = []
  const api = fakeWx({
    ...desk,
    take(wire, source, sent) {
      const index = signed.findIndex((one) => isDeepStrictEqual(wireOf(one), wireOf(wire)))
      loudly(() => assert.ok(index >= 0, `nobody has signed ${JSON.stringify(wire)}`))
      signed.splice(index, 1)
      return desk.take(wire, source, sent)
    },
  })
  const { send, ...host } = miniProgram(() => api.wx, { loadCore })
  return {
    host: {
      ...host,
      limits,
      open: (picked) => describe(api.fs, picked, SAMPLE),
      send(wire, source, sent) {
        signed.push(wire)
        return send(wire, source, sent)
      },
    },
    setOnline: networkOf(api),
  }
}

/** @typedef {Partial<Host> & { records?: Map<string, string> }} Replacements */

/** @param {Replacements} [replacements] */
export const fakeHost = (replacements) => hostOn(isProgram ? program : page, replacements)

/**
 * A mini program as it is, whatever the stories run on: `wx` and what else fake_wx.js has are members of it.
 * @param {Partial<Parameters<typeof miniProgram>[1]>} [traits]
 */
export function fakeProgram(traits) {
  /** @type {any} */
  let api
  const fake = hostOn((desk) => {
    api = fakeWx(desk)
    return { host: miniProgram(() => api.wx, { loadCore, ...traits }), setOnline: networkOf(api) }
  })
  return Object.assign(fake, /** @type {ReturnType<typeof fakeWx>} */ (api))
}

/**
 * @param {(desk: Desk) => { host: Host, setOnline: (state: boolean) => void }} make
 * @param {Replacements} [replacements]
 */
function hostOn(make, { records = new Map(), ...replacements } = {}) {
  /** @type {FakeRequest[]} */
  const requests = []
  /** @type {FakeRequest[]} */
  const untaken = []
  /** @type {((request: FakeRequest) => void)[]} */
  const takers = []
  /** @type {Set<(online: boolean) => void>} */
  const listeners = new Set()
  /** @type {Handler | undefined} */
  let handler
  let online = true
  /** Bytes of a file that were read to compare them, as `start-end`. @type {string[]} */
  const reads = []

  /** @type {FakeStorage} */
  const storage = { records, state: 'fine' }
  const { host, setOnline } = make({
    listeners,
    isOnline: () => online,
    records() {
      if (storage.state === 'forbidden') throw new Error('SecurityError: storage is forbidden')
      return storage.records
    },
    write() {
      if (storage.state === 'full') throw new Error('QuotaExceededError: storage is full')
    },
    take(wire, source, sent) {
      const request = new FakeRequest(wire, source, sent)
      requests.push(request)
      if (handler) answer(handler, request)
      else if (takers.length > 0) takers.shift()?.(request)
      else untaken.push(request)
      return request
    },
  })
  const { read, watchNetwork } = host
  host.read = (source, start, end) => {
    reads.push(`${start}-${end}`)
    return read(source, start, end)
  }
  host.watchNetwork = (listener) => {
    listeners.add(listener)
    const unwatch = watchNetwork(listener)
    return () => {
      listeners.delete(listener)
      unwatch()
    }
  }
  Object.assign(host, replacements)

  return {
    host,
    requests,
    reads,
    storage,
    listeners,
    /** What `uploadInfo` tells of a file, and of where it is. @param {any} file */
    told: (file) => ({ file, ...host.open(file).info }),
    /** Whether an `uploadInfo` is about this file. @param {any} info @param {any} file */
    isOf: (info, file) => host.open(info.file).file === host.open(file).file,
    /** The oldest request that no test has taken yet. @returns {Promise<FakeRequest>} */
    nextRequest: async () => untaken.shift() ?? within(new Promise((resolve) => { takers.push(resolve) }),
      () => `no request came after ${requests.map((request) => request.operation)}`),
    /** Whether a request waits to be taken. */
    get hasRequest() {
      return untaken.length > 0
    },
    /** From now on answers by itself; what the handler does not answer stands still. @param {Handler} next */
    serve(next) {
      handler = next
      for (const request of untaken.splice(0)) answer(next, request)
    },
    /** @param {boolean} state */
    setOnline(state) {
      online = state
      setOnline(state)
    },
    /** The operations asked for so far, in order. */
    operations: () => requests.map((request) => request.operation),
  }
}

/** @param {Handler} handler @param {FakeRequest} request */
function answer(handler, request) {
  // Later, as from a network: a host never answers while it is asked.
  Promise.resolve().then(() => handler(request)).then((response) => {
    if (response && !request.ended) request.respond(response)
  })
}
