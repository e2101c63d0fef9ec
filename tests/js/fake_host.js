// @ts-check
// A host whose network, storage and connection do what a test says: `await fake.nextRequest()`, then answer it.
import assert from 'node:assert/strict'
import { wasm, within } from './bundle.js'

/** @typedef {import('../../js/core.js').Host} Host */
/** @typedef {import('../../js/core.js').WireRequest} WireRequest */
/** @typedef {import('../../js/core.js').WireResponse} WireResponse */
/** @typedef {(request: FakeRequest) => void | Partial<WireResponse> | Promise<void | Partial<WireResponse>>} Handler */

/** @typedef {{ -readonly [name in keyof File]: File[name] } & { fill: number, bytes(start: number, end: number): ArrayBuffer }} FakeFile `fill`: what it is made of */

/**
 * What a page would get from a file input, as far as a fake host looks at it.
 * @type {new (name: string, size: number, lastModified?: number) => FakeFile}
 */
export const FakeFile = /** @type {any} */ (class {
  /** @param {string} name @param {number} size @param {number} [lastModified] */
  constructor(name, size, lastModified = 1_700_000_000_000) {
    this.name = name
    this.size = size
    this.lastModified = lastModified
    this.type = 'video/mp4'
    this.fill = 7
  }

  /** @param {number} start @param {number} end */
  bytes(start, end) {
    return new Uint8Array(Math.max(0, Math.min(end, this.size) - start)).fill(this.fill).buffer
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

/** @param {Partial<Host> & { records?: Map<string, string> }} [replacements] */
export function fakeHost({ records = new Map(), ...replacements } = {}) {
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
  /** Bytes of a file that were read, as `start-end`. @type {string[]} */
  const reads = []

  /** @type {FakeStorage} */
  const storage = { records, state: 'fine' }
  const reach = () => {
    if (storage.state === 'forbidden') throw new Error('SecurityError: storage is forbidden')
    return storage.records
  }

  /** @type {Host} */
  const host = {
    limits: { parallel: 6, form: 0 },
    loadCore: (imports) => WebAssembly.instantiate(wasm, imports),
    open(file) {
      if (!(file instanceof FakeFile)) throw new TypeError('a File or Blob is needed')
      const { name, size, lastModified, type } = file
      return { name, size, lastModified, contentType: type, fingerprint: `upload_${lastModified}_${name}_${size}`, file }
    },
    send(wire, source, sent) {
      const request = new FakeRequest(wire, source, sent)
      requests.push(request)
      if (handler) answer(handler, request)
      else if (takers.length > 0) takers.shift()?.(request)
      else untaken.push(request)
      return { done: request.done, abort: () => request.abort() }
    },
    async read(source, start, end) {
      reads.push(`${start}-${end}`)
      return source.file.bytes(start, end)
    },
    storage: {
      get: (key) => reach().get(key) ?? null,
      set(key, text) {
        if (storage.state === 'full') throw new Error('QuotaExceededError: storage is full')
        reach().set(key, text)
      },
      remove: (key) => { reach().delete(key) },
    },
    watchNetwork(listener) {
      listeners.add(listener)
      listener(online)
      return () => listeners.delete(listener)
    },
    ...replacements,
  }

  return {
    host,
    requests,
    reads,
    storage,
    listeners,
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
      for (const listener of listeners) listener(state)
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
