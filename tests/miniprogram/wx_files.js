// @ts-check
// The file system of a phone: temporary paths and package paths of real files, read in whole or in slices.

import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readSync, readFileSync, openSync, closeSync, statSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename, extname, join, normalize } from 'node:path'
import { isAtLeast, WxError } from './wx.js'

/** What readFile takes in whole, and perhaps at all. */
const READ_LIMIT = 100 << 20
const NOT_FOUND = 1300002

/**
 * @param {Pick<import('./wx.js').Phone, 'version' | 'android' | 'strictReadFile' | 'root' | 'allocate'>} phone
 * @param {string} [folder]
 */
export function createFiles(phone, folder) {
  /** Temporary paths. @type {Map<string, string>} */
  const paths = new Map()
  /** @type {Map<string, import('node:fs/promises').FileHandle>} */
  const handles = new Map()
  /** Of the package, as modules or wasm. @type {string[]} */
  const loaded = []
  let made = 0
  /** How many were killed. */
  let programs = 0

  /** @param {string} api @param {unknown} path @returns {string} of the disk */
  const find = (api, path) => {
    if (typeof path !== 'string' || path === '') throw new WxError(`${api}:fail parameter error: parameter.filePath should be String`)
    const file = paths.get(path) ?? (path.startsWith('wxfile://usr') && folder ? join(folder, normalize(path.slice(12)))
      : /^\w+:/.test(path) ? undefined : phone.root && join(phone.root, normalize(`/${path}`)))
    if (!file || !existsSync(file)) throw new WxError(`${api}:fail no such file or directory, open "${path}"`, NOT_FOUND)
    return file
  }

  /** @param {import('node:fs').Stats} stats plain data: isFile() and isDirectory() are added in the program */
  const shape = (stats) => ({
    mode: stats.mode, size: stats.size, lastAccessedTime: Math.floor(stats.atimeMs / 1000),
    lastModifiedTime: Math.floor(stats.mtimeMs / 1000), file: stats.isFile(), directory: stats.isDirectory(),
  })

  /**
   * What a read of `size` bytes of file gives: where it starts and how many bytes, real and handed out.
   * @param {string} api
   * @param {any} options
   * @param {number} size
   */
  const range = (api, { position, length }, size) => {
    const ranged = isAtLeast(phone.version, '2.10.0') && (position !== undefined || length !== undefined)
    if (size > READ_LIMIT && (!ranged || phone.strictReadFile)) throw new WxError(`${api}:fail the maximum size of the file read is 100MB`)
    if (!ranged) return { start: 0, real: size, given: size }
    const start = position ?? 0
    if (!Number.isInteger(start) || start < 0 || start >= Math.max(size, 1)) throw new WxError(`${api}:fail the value of "position" is out of range`)
    const wanted = length ?? size - start
    if (!Number.isInteger(wanted) || wanted < 1) throw new WxError(`${api}:fail the value of "length" is out of range`)
    if (wanted > READ_LIMIT) throw new WxError(`${api}:fail the maximum size of the file read is 100MB`)
    const real = Math.min(wanted, size - start)
    return { start, real, given: phone.android ? wanted : real }
  }

  /** @param {ArrayBuffer} buffer @param {string | undefined} encoding */
  const decode = (buffer, encoding) => encoding === undefined ? buffer : Buffer.from(buffer).toString(encoding === 'binary' ? 'latin1' : /** @type {BufferEncoding} */ (encoding))

  /** @param {import('node:fs/promises').FileHandle} file @param {Uint8Array} bytes @param {number} start */
  const fill = async (file, bytes, start) => {
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return filled
  }

  /**
   * @param {string} api its name in errMsg
   * @param {(options: any) => Promise<object | void>} act
   * @param {string} [since]
   * @returns {import('./wx.js').Api}
   */
  const async = (api, act, since) => ({
    kind: 'async',
    since,
    call(options, reply) {
      const later = (/** @type {string} */ kind, /** @type {any} */ value) => setImmediate(() => reply(kind, value))
      act(options ?? {}).then(
        (value) => later('success', { errMsg: `${api}:ok`, ...value }),
        (error) => later('fail', error instanceof WxError ? { errMsg: error.errMsg, ...error.errno && { errno: error.errno } } : { errMsg: `${api}:fail ${error.message}` }),
      )
    },
  })

  /** @param {string} api @param {any} fd */
  const handle = (api, fd) => {
    const file = handles.get(fd)
    if (!file) throw new WxError(`${api}:fail bad file descriptor`, 1300009)
    return file
  }

  /** @type {Record<string, import('./wx.js').Api>} */
  const apis = {
    'fs.access': async('access', async ({ path }) => void find('access', path)),
    'fs.accessSync': { kind: 'sync', ask: (path) => void find('accessSync', path) },
    'fs.stat': async('stat', async ({ path }) => ({ stats: shape(await stat(find('stat', path))) })),
    'fs.statSync': { kind: 'sync', ask: (path) => shape(statSync(find('statSync', path))) },
    'fs.readFile': async('readFile', async (options) => {
      const path = find('readFile', options.filePath)
      const { start, real, given } = range('readFile', options, (await stat(path)).size)
      const buffer = phone.allocate(given)
      const file = await open(path)
      try {
        await fill(file, new Uint8Array(buffer, 0, real), start)
      } finally {
        await file.close()
      }
      return { data: decode(buffer, options.encoding) }
    }),
    'fs.readFileSync': {
      kind: 'sync',
      ask(filePath, encoding, position, length) {
        const path = find('readFileSync', filePath)
        const { start, real, given } = range('readFileSync', { position, length }, statSync(path).size)
        const buffer = phone.allocate(given)
        const file = openSync(path, 'r')
        try {
          for (let at = 0; at < real;) at += readSync(file, new Uint8Array(buffer, at, real - at), 0, real - at, start + at) || real
        } finally {
          closeSync(file)
        }
        return decode(buffer, encoding)
      },
    },
    'fs.open': async('open', async ({ filePath, flag = 'r' }) => {
      if (flag !== 'r') throw new WxError('open:fail permission denied', 1300013)
      const fd = String(100 + ++made)
      const program = programs
      const file = await open(find('open', filePath))
      if (program === programs) handles.set(fd, file)
      else await file.close() // who asked for it was killed
      return { fd }
    }, '2.16.1'),
    'fs.fstat': async('fstat', async ({ fd }) => ({ stats: shape(await handle('fstat', fd).stat()) }), '2.16.1'),
    'fs.close': async('close', async ({ fd }) => {
      await handle('close', fd).close()
      handles.delete(fd)
    }, '2.16.1'),
    // Into the program's own memory where the engine shares it; else `bytes` takes the way back (see shell.js).
    'fs.read': async('read', async ({ fd, arrayBuffer, capacity, offset = 0, length, position = 0 }) => {
      const file = handle('read', fd)
      if (length === 0) throw new WxError('read:fail the value of "length" is out of range')
      const room = (arrayBuffer?.byteLength ?? capacity) - offset
      const wanted = length ?? room
      if (wanted > room || offset < 0) throw new WxError('read:fail the value of "offset" is out of range')
      const bytes = arrayBuffer ? new Uint8Array(arrayBuffer, offset, wanted) : new Uint8Array(wanted)
      const real = await fill(file, bytes, position)
      if (phone.android) bytes.fill(0, real)
      const bytesRead = phone.android ? wanted : real
      return { bytesRead, ...!arrayBuffer && { bytes: bytes.buffer.slice(0, bytesRead) } }
    }, '2.16.1'),
    'fs.getFileInfo': async('getFileInfo', async ({ filePath, digestAlgorithm }) => {
      const path = find('getFileInfo', filePath)
      const { size } = await stat(path)
      if (digestAlgorithm === undefined) return { size }
      const hash = createHash(digestAlgorithm)
      for await (const chunk of createReadStream(path)) hash.update(chunk)
      return { size, digest: hash.digest('hex') }
    }),
  }

  return {
    apis,
    find,
    loaded,
    /** The descriptors that were not closed. */
    get open() { return handles.size },
    /**
     * Gives a file of the disk a temporary path.
     * @param {{ file: string, as?: string, name?: string }} entry
     */
    add({ file, as, name = basename(file) }) {
      const path = as ?? `wxfile://tmp_${String(++made).padStart(4, '0')}${Date.now().toString(16)}${extname(name)}`
      paths.set(path, file)
      const thumb = `${path}.jpg`
      if (!/\.(png|jpe?g|gif|webp)$/i.test(name)) paths.set(thumb, file)
      return { path, size: statSync(file).size, name, thumb }
    },
    /** The phone cleans up. @param {string} path */
    remove: (path) => paths.delete(path),
    closeAll() {
      programs++
      for (const file of handles.values()) void file.close().catch(() => {})
      handles.clear()
    },
    /** @param {string} path */
    readPackage(path) {
      const file = join(phone.root, normalize(`/${path}`))
      if (!existsSync(file) || !statSync(file).isFile()) return undefined
      loaded.push(path)
      return readFileSync(file)
    },
  }
}
