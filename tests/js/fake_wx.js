// @ts-check
// A `wx` whose network, files and storage do what a test says. What is sent through it becomes a request of fake_host.js.
import assert from 'node:assert/strict'

/** @typedef {import('./fake_host.js').FakeRequest} FakeRequest */
/** @typedef {import('./fake_host.js').WireRequest} WireRequest */
/** @typedef {{ name?: string, size: number, bytes(start: number, end: number): ArrayBuffer }} Stored what a path leads to */

/** The files of the device, which all programs share. @type {Map<string, Stored>} */
export const files = new Map()

/** Makes a file one that was picked: each time it gets another path. @param {Stored} file @param {string} [extension] */
export function pathOf(file, extension = '') {
  const path = `wxfile://tmp/${files.size + 1}${extension}`
  files.set(path, file)
  return path
}

/** More than the file that a form is long. Bytes. */
const FIELDS = 1_000

/**
 * @typedef {object} World
 * @property {(wire: WireRequest, source: any, sent: (bytes: number) => void) => FakeRequest} take
 * @property {() => Map<string, string>} records throws when the storage is forbidden
 * @property {() => void} [write] throws when the storage is full
 * @property {() => boolean} isOnline
 */

/** @param {World} world */
export function fakeWx({ take, records, write = () => {}, isOnline }) {
  /** Where the bytes of a buffer come from. @type {WeakMap<ArrayBuffer, { path: string, start: number }>} */
  const origins = new WeakMap()
  /** Open files. @type {Map<string, string>} */
  const descriptors = new Map()
  /** Who hears of what. @type {Record<'network' | 'hide' | 'show', Set<(status: any) => void>>} */
  const listeners = { network: new Set(), hide: new Set(), show: new Set() }
  /** What `request` and `uploadFile` were called with. @type {any[]} */
  const calls = []
  let lastDescriptor = 0

  /** @param {string} path */
  function stored(path) {
    const file = files.get(path)
    if (!file) throw fault(`no such file or directory ${path}`)
    return file
  }

  /** @param {string} path @param {number} start @param {number} length */
  function range(path, start, length) {
    const file = stored(path)
    if (!(start >= 0 && length >= 0 && start + length <= file.size)) throw fault('the value of "position" or "length" is out of range')
    const bytes = file.bytes(start, start + length)
    origins.set(bytes, { path, start })
    return bytes
  }

  const fs = {
    /** @param {string} path */
    statSync: (path) => ({ size: stored(path).size }),
    /** @param {string} path @param {undefined} _encoding @param {number} position @param {number} length */
    readFileSync: (path, _encoding, position, length) => range(path, position, length),
    /** @param {any} options */
    readFile: (options) => later(options, () => ({ data: range(options.filePath, options.position, options.length) })),
    /** @param {any} options */
    open: (options) => later(options, () => {
      stored(options.filePath)
      const fd = String(++lastDescriptor)
      descriptors.set(fd, options.filePath)
      return { fd }
    }),
    /** @param {any} options */
    read: (options) => later(options, () => {
      const { fd, arrayBuffer, offset = 0, length, position } = options
      const path = descriptors.get(fd)
      if (path === undefined) throw fault('bad file descriptor')
      const bytesRead = Math.max(0, Math.min(length, stored(path).size - position))
      new Uint8Array(arrayBuffer).set(new Uint8Array(range(path, position, bytesRead)), offset)
      origins.set(arrayBuffer, { path, start: position - offset })
      return { bytesRead, arrayBuffer }
    }),
    /** @param {any} options */
    close: (options) => later(options, () => ({ closed: descriptors.delete(options.fd) })),
  }

  /** What a body is: a slice of a file, of which each byte must be there, or text. @param {unknown} data */
  function bodyOf(data) {
    if (!(data instanceof ArrayBuffer)) return { body: /** @type {string | undefined} */ (data) }
    const origin = origins.get(data)
    if (!origin) return { body: new TextDecoder().decode(data) }
    const file = stored(origin.path)
    const [start, end] = [origin.start, origin.start + data.byteLength]
    loudly(() => assert.ok(Buffer.from(data).equals(Buffer.from(file.bytes(start, end))), `other bytes than those from ${start} to ${end}`))
    return { body: { file: NaN, start, end }, file }
  }

  /** @param {string} name @param {any} options @param {FakeRequest} request */
  function answer(name, { success, fail }, request) {
    request.done.then(
      ({ status, headers, body }) => success({ statusCode: status, header: oddCase(headers), data: body, cookies: [] }),
      (reason) => fail({ errMsg: reason?.errMsg ?? `${name}:fail ${reason?.message ?? String(reason)}` }),
    )
    return { abort: () => request.abort() }
  }

  const wx = {
    /** @param {any} options */
    request(options) {
      calls.push(options)
      const { url, method, data, header } = options
      const names = Object.keys(header).map((name) => name.toLowerCase())
      // It would set another one, which was not signed.
      if (names.includes('authorization')) loudly(() => assert.ok(names.includes('content-type'), `${method} ${url} has no type`))
      const { body, file } = bodyOf(data)
      return answer('request', options, take({ method, url, headers: Object.entries(header), body }, sourceOf(file), () => {}))
    },
    /** @param {any} options @returns {any} */
    uploadFile(options) {
      calls.push(options)
      const { url, filePath, name, formData, header = {} } = options
      loudly(() => assert.equal(name, 'file'))
      const file = files.get(filePath)
      if (!file) return void later(options, () => { throw fault('file not found') })
      const whole = file.size + FIELDS
      /** @type {((status: any) => void)[]} */
      const hearers = []
      const body = { file: NaN, start: 0, end: file.size, fields: /** @type {[string, string][]} */ (Object.entries(formData)) }
      const request = take({ method: 'POST', url, headers: Object.entries(header), body }, sourceOf(file), (bytes) => {
        for (const hear of hearers) hear({ totalBytesSent: bytes / file.size * whole, totalBytesExpectedToSend: whole })
      })
      return {
        ...answer('uploadFile', options, request),
        onProgressUpdate: (/** @type {(status: any) => void} */ hear) => { hearers.push(hear) },
      }
    },
    getFileSystemManager: () => fs,
    /** @param {string} key */
    getStorageSync: (key) => records().get(key) ?? '',
    /** @param {string} key @param {string} text */
    setStorageSync(key, text) {
      write()
      records().set(key, text)
    },
    /** @param {string} key */
    removeStorageSync: (key) => { records().delete(key) },
    /** @param {any} options */
    getNetworkType: (options) => later(options, () => ({ networkType: isOnline() ? 'wifi' : 'none' })),
    onNetworkStatusChange: adder(listeners.network),
    onAppHide: adder(listeners.hide),
    onAppShow: adder(listeners.show),
    offNetworkStatusChange: remover(listeners.network),
    offAppHide: remover(listeners.hide),
    offAppShow: remover(listeners.show),
    getAppBaseInfo: () => ({ SDKVersion: '3.8.0' }),
  }

  return {
    wx,
    fs,
    calls,
    descriptors,
    hearers: listeners,
    /** @param {'network' | 'hide' | 'show'} event @param {any} [status] */
    tell(event, status) {
      for (const listener of [...listeners[event]]) listener(status)
    },
  }
}

/** @param {Set<(status: any) => void>} set @returns {(listener: (status?: any) => void) => void} */
const adder = (set) => (listener) => { set.add(listener) }

/** @param {Set<(status: any) => void>} set @returns {(listener: (status?: any) => void) => void} */
const remover = (set) => (listener) => { set.delete(listener) }

/** @param {Stored | undefined} file */
const sourceOf = (file) => file && { name: file.name, size: file.size, file }

/** As the synchronous functions throw it. @param {string} message */
const fault = (message) => Object.assign(new Error(`fail ${message}`), { errMsg: `fail ${message}` })

/** Answers by callbacks, and never at once. @param {any} options @param {() => object} act */
function later({ success, fail }, act) {
  queueMicrotask(() => {
    /** @type {object} */
    let answer
    try {
      answer = act()
    } catch (error) {
      return fail?.({ errMsg: /** @type {Error} */ (error).message })
    }
    success?.(answer)
  })
}

/** A fault of the library's that must not become a failed request. @param {() => void} check */
export function loudly(check) {
  try {
    check()
  } catch (error) {
    queueMicrotask(() => { throw error })
  }
}

/** Header names as devices spell them: none as the next one. @param {Record<string, string>} headers */
function oddCase(headers) {
  const spell = [
    (/** @type {string} */ name) => name.toUpperCase(),
    (/** @type {string} */ name) => name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()),
    (/** @type {string} */ name) => name,
  ]
  return Object.fromEntries(Object.entries(headers).map(([name, value], i) => [spell[i % 3](name), value]))
}
