// @ts-check
// Node.js: files of the disk, sent in slices that are never in memory whole; records in files, sealed.
import bytes from 'vodupload:wasm'
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { closeSync, createReadStream, openSync, statSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import { connect, createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'

/** @typedef {import('../core.js').Host} Host */
/** @typedef {import('../core.js').Source} Source */
/** @typedef {import('../core.js').WireRequest} WireRequest */

/** Bytes of a file in memory at once, for each request. */
const CHUNK = 256 << 10

/** @typedef {import('../core.js').Storage & { settled(): Promise<unknown> }} NodeStorage */

/**
 * @param {(key: string) => NodeStorage} storageOf where the record of a key is
 * @param {http.Agent} [agent] of all connections
 * @returns {Host}
 */
export function nodeHost(storageOf, agent) {
  return {
    networkHint: 'Check the network, and the agent if there has to be a proxy.',
    limits: { parallel: 16, form: 0, parts: 6 },

    async loadCore(imports) {
      const { instance } = await WebAssembly.instantiate(await bytes(), imports)
      return instance
    },

    open,
    send: (request, source, sent) => send(request, source, sent, agent),

    async read({ file }, start, end) {
      const { buffer } = await whole(createReadStream(file, { start, end: end - 1, highWaterMark: CHUNK }), end - start)
      return buffer
    },

    storage: {
      get: (key) => storageOf(key).get(key),
      set: (key, text) => storageOf(key).set(key, text),
      remove: (key) => storageOf(key).remove(key),
    },
    lock,

    // Node is not told of networks that come and go.
    watchNetwork(listener) {
      listener(true)
      return () => {}
    },
  }
}

/** Where a system keeps what is not missed. */
function defaultFolder() {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'vodupload')
  if (process.platform === 'win32') return join(LOCALAPPDATA ?? tmpdir(), 'vodupload')
  return join(homedir(), process.platform === 'darwin' ? 'Library/Caches' : '.cache', 'vodupload')
}

/** A file that can be read. @param {unknown} path @returns {Source} */
export function open(path) {
  if (typeof path !== 'string' || !path) throw new TypeError('a path is needed')
  const stats = statSync(path)
  if (!stats.isFile()) throw new TypeError(`${path} is no file`)
  closeSync(openSync(path, 'r'))
  const place = resolve(path)
  const lastModified = Math.floor(stats.mtimeMs)
  return {
    name: basename(place),
    size: stats.size,
    lastModified,
    contentType: 'application/octet-stream',
    fingerprint: `${place}_${lastModified}_${stats.size}`,
    file: place,
  }
}

/**
 * @param {WireRequest} request
 * @param {Source | undefined} source
 * @param {(bytes: number) => void} sent
 * @param {http.Agent} [agent]
 * @returns {import('../core.js').Sending}
 */
function send({ method, url, headers, body }, source, sent, agent) {
  const slice = typeof body === 'object' && source ? body : undefined
  const size = slice ? slice.end - slice.start : Buffer.byteLength(typeof body === 'string' ? body : '')
  const { request } = url.startsWith('http:') ? http : https
  // Who is no longer waited for must not be told.
  let isOver = false
  const end = () => {
    isOver = true
    outgoing.destroy()
  }
  // Without a length Node would send bodies in chunks, which storages do not take.
  const outgoing = request(url, { method, agent, headers: { ...Object.fromEntries(headers), 'content-length': size } })
  /** @type {Promise<import('../core.js').WireResponse>} */
  const done = new Promise((resolve, reject) => {
    outgoing.on('error', (error) => reject(unanswered(url, error)))
    outgoing.on('response', (response) => {
      /** @type {Record<string, string>} */
      const told = {}
      for (const [name, value] of Object.entries(response.headers)) told[name] = String(value)
      whole(response).then(
        (text) => resolve({ status: response.statusCode ?? 0, headers: told, body: text.toString() }),
        (error) => reject(unanswered(url, error)),
      )
    })
    if (!slice) return outgoing.end(body)
    let told = 0
    const input = createReadStream(source?.file, { start: slice.start, end: slice.end - 1, highWaterMark: CHUNK })
    /** @param {string} reason */
    const unreadable = (reason) => {
      reject({ code: 'FileUnreadable', message: `The file cannot be read: ${reason}` })
      end()
    }
    input.on('data', (chunk) => {
      told += chunk.length
      if (!isOver) sent(told)
    })
    input.on('error', (error) => unreadable(error.message))
    input.on('end', () => { if (told < size) unreadable('it has become shorter.') })
    outgoing.on('close', () => input.destroy())
    input.pipe(outgoing)
  })
  return { done: done.finally(() => { isOver = true }), abort: end }
}

/** @param {AsyncIterable<Buffer>} stream @param {number} [size] bytes, if they are known */
async function whole(stream, size) {
  if (size === undefined) {
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    return Buffer.concat(chunks)
  }
  const all = Buffer.from(new ArrayBuffer(size))
  let at = 0
  for await (const chunk of stream) at += chunk.copy(all, at)
  return /** @type {Buffer<ArrayBuffer>} */ (at === size ? all : Buffer.from(new ArrayBuffer(0)))
}

/** @param {string} url @param {any} error */
const unanswered = (url, error) => ({
  code: 'NetworkError',
  message: `${new URL(url).host} did not answer: ${error.code ?? error.message ?? error}.`,
})

/**
 * Records hold the key to an upload: they are files for their owner alone, and of use only to who has the secret.
 * @param {string} secret what only those know who may read them
 * @param {string} [folder]
 * @returns {NodeStorage}
 */
export function sealedFiles(secret, folder = defaultFolder()) {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'vodupload checkpoint', 32))
  /** @param {string} name */
  const pathOf = (name) => join(folder, nameOf(name))
  // One after the other: what was told last is what stays.
  let last = Promise.resolve()
  /** @template T @param {() => Promise<T>} act @returns {Promise<T>} */
  const next = (act) => {
    const done = last.then(act)
    last = done.then(() => {}, () => {})
    return done
  }
  return {
    get: (name) => next(async () => {
      try {
        const sealed = await readFile(pathOf(name))
        const opener = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
        opener.setAuthTag(sealed.subarray(12, 28))
        opener.setAAD(Buffer.from(name))
        return Buffer.concat([opener.update(sealed.subarray(28)), opener.final()]).toString()
      } catch {
        // There is none, or it is somebody else's.
        return null
      }
    }),
    set: (name, text) => next(async () => {
      const nonce = randomBytes(12)
      const sealer = createCipheriv('aes-256-gcm', key, nonce)
      sealer.setAAD(Buffer.from(name))
      const sealed = [sealer.update(text), sealer.final()]
      const path = pathOf(name)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      // A process that dies while it writes leaves the record before this one.
      const draft = `${path}.${process.pid}`
      await writeFile(draft, Buffer.concat([nonce, sealer.getAuthTag(), ...sealed]), { mode: 0o600 })
      await rename(draft, path)
    }),
    remove: (name) => next(() => rm(pathOf(name), { force: true })),
    settled: () => last,
  }
}

/** Where nothing is kept. @type {NodeStorage} */
export const nowhere = { get: () => null, set() {}, remove() {}, settled: async () => {} }

/** @param {string} name */
const nameOf = (name) => createHash('sha256').update(name).digest('hex').slice(0, 40)

/**
 * A socket that listens is a lock that ends with its process, however that dies.
 * @param {string} key
 * @returns {Promise<(() => void) | undefined>}
 */
async function lock(key) {
  const name = `vodupload-${nameOf(key)}`
  const path = { linux: `\0${name}`, win32: `\\\\.\\pipe\\${name}` }[/** @type {string} */ (process.platform)] ?? join(tmpdir(), name)
  return await listen(path) ?? (await answers(path) ? undefined : rm(path, { force: true }).then(() => listen(path)))
}

/** @param {string} path @returns {Promise<(() => void) | undefined>} */
const listen = (path) => new Promise((resolve) => {
  const server = createServer((socket) => socket.destroy())
  server.on('error', () => resolve(undefined))
  server.listen(path, () => resolve(() => server.close()))
  server.unref()
})

/** Whether there is a process behind a socket's name. @param {string} path @returns {Promise<boolean>} */
const answers = (path) => new Promise((resolve) => {
  const socket = connect(path, () => resolve(true))
  socket.on('error', () => resolve(false))
  socket.on('close', () => socket.destroy())
})
