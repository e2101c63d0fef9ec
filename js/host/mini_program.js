// @ts-check
// Any mini program whose APIs are WeChat's by name and shape. What a platform does otherwise is in its own file.
import { describe, sizeOf } from './picked_file.js'

/** @typedef {import('../core.js').Host} Host */
/** @typedef {import('../core.js').Sending} Sending */
/** @typedef {import('../core.js').Source} Source */
/** @typedef {import('../core.js').WireRequest} WireRequest */

/** Bytes of the largest file that is one form: it leaves without being read by us, and tells its progress. */
const SMALL = 1 << 20

/** The core ends what stands still; a platform must not end what is merely slow. Milliseconds. */
const PATIENCE = 3_600_000

/** Milliseconds after which requests that the background has ended have told so. */
const SETTLING = 300

/** What a platform does otherwise than WeChat. @typedef {import('../index.js').MiniProgramTraits} Traits */

/**
 * @param {() => any} api `wx`, or what has its place; asked for only when it is needed, since other programs load this, too
 * @param {Traits} traits
 * @returns {Host}
 */
export function miniProgram(api, { loadCore, canReadRanges = () => true, timeout = PATIENCE, textToBody = (text) => text, digestRate = () => 8e6 }) {
  const files = () => api().getFileSystemManager()

  /** Have those who are told of the network hear that what failed was not its fault. @type {Set<() => void>} */
  const interruptions = new Set()

  /** @type {Host['watchNetwork']} */
  function watchNetwork(listener) {
    const wx = api()
    let isConnected = true
    let isHidden = false
    let isInterrupted = false
    const tell = () => listener(isConnected && !isInterrupted)
    const change = (/** @type {{ isConnected: boolean }} */ status) => {
      isConnected = status.isConnected
      tell()
    }
    // Some seconds after it was hidden a program stands still; what was under way has failed when it goes on. The core
    // may hear that before or after the program is shown.
    const interrupt = () => {
      isInterrupted = true
      tell()
      if (isHidden) return
      setTimeout(() => {
        isInterrupted = isHidden
        tell()
      }, SETTLING)
    }
    const hide = () => {
      isHidden = true
      interrupt()
    }
    const show = () => {
      isHidden = false
      interrupt()
    }
    interruptions.add(interrupt)
    /** @type {[string, (status: any) => void][]} */
    const listeners = [['NetworkStatusChange', change], ['AppHide', hide], ['AppShow', show]]
    for (const [event, hear] of listeners) wx[`on${event}`]?.(hear)
    tell()
    wx.getNetworkType({ success: (/** @type {any} */ { networkType }) => change({ isConnected: networkType !== 'none' }) })
    return () => {
      listener = () => {}
      interruptions.delete(interrupt)
      for (const [event, hear] of listeners) wx[`off${event}`]?.(hear)
    }
  }

  /**
   * @param {string} url
   * @param {any} reason what `fail` was called with
   * @param {Source} [source] the file, when it is the platform that reads it
   */
  function unanswered(url, reason, source) {
    const said = String(reason?.errMsg ?? reason).replace(/\.$/, '')
    const [origin = url] = /^https?:\/\/[^/?]+/.exec(url) ?? []
    if (/domain list/i.test(said)) {
      const list = source ? 'uploadFile' : 'request'
      return { code: 'DomainNotAllowed', message: `${origin} is not among the ${list} domains of this mini program (${said}).` }
    }
    if (/interrupt/i.test(said)) interruptions.forEach((interrupt) => interrupt())
    try {
      if (source) sizeOf(files(), source.file)
    } catch (error) {
      return unreadable(error)
    }
    return { code: 'NetworkError', message: `${origin} did not answer: ${said}.` }
  }

  /** @param {any} reason */
  const unreadable = (reason) =>
    ({ code: 'FileUnreadable', message: `The file cannot be read: ${reason?.errMsg ?? reason?.message ?? reason}` })

  /** @type {Host['read']} */
  async function read({ file, size }, start, end) {
    const fs = files()
    const length = end - start
    try {
      // Some platforms fill up with zeros what is read beyond the end.
      if (sizeOf(fs, file) !== size) throw 'its size has changed.'
      if (!fs.open || !fs.read) {
        return (await ask(fs, 'readFile', { filePath: file, position: start, length })).data
      }
      const { fd } = await ask(fs, 'open', { filePath: file, flag: 'r' })
      try {
        const arrayBuffer = new ArrayBuffer(length)
        let offset = 0
        while (offset < length) {
          const { bytesRead } = await ask(fs, 'read', { fd, arrayBuffer, offset, length: length - offset, position: start + offset })
          if (!bytesRead) throw 'it ends early.'
          offset += bytesRead
        }
        return arrayBuffer
      } finally {
        fs.close({ fd })
      }
    } catch (error) {
      throw unreadable(error)
    }
  }

  /** @type {Host['send']} */
  function send({ method, url, headers, body }, source, sent) {
    /** @type {any} */
    let task
    let isAborted = false
    /** @type {Sending['done']} */
    const done = new Promise((resolve, reject) => {
      const handlers = {
        timeout,
        success: (/** @type {any} */ { statusCode, header, data }) => resolve({
          status: statusCode,
          headers: lowerCased(header),
          body: typeof data === 'string' ? data : '',
        }),
      }
      /** @param {unknown} [data] */
      const request = (data) => {
        // Whoever gave up while the slice was read wants it no more.
        if (isAborted) return reject(unanswered(url, 'aborted'))
        task = api().request({
          ...handlers,
          url,
          method,
          data,
          header: objectOf(headers),
          // Anything but JSON is left as it is.
          dataType: 'string',
          responseType: 'text',
          fail: (/** @type {any} */ reason) => reject(unanswered(url, reason)),
        })
      }
      if (body === undefined) return request()
      if (typeof body === 'string') return request(textToBody(body))
      const file = /** @type {Source} */ (source)
      if (!body.fields) {
        read(file, body.start, body.end).then((bytes) => {
          if (bytes.byteLength !== body.end - body.start) throw unreadable('it ends early.')
          request(bytes)
        }).catch(reject)
        return
      }
      task = api().uploadFile({
        ...handlers,
        url,
        filePath: file.file,
        name: 'file',
        formData: objectOf(body.fields),
        ...headers.length && { header: objectOf(headers) },
        fail: (/** @type {any} */ reason) => reject(unanswered(url, reason, file)),
      })
      // The fields are counted, too.
      task?.onProgressUpdate?.((/** @type {any} */ { totalBytesSent, totalBytesExpectedToSend }) =>
        sent(Math.floor(body.end * Math.min(1, totalBytesSent / totalBytesExpectedToSend || 0))))
    })
    return {
      done,
      abort() {
        isAborted = true
        task?.abort()
      },
    }
  }

  return {
    loadCore,
    networkHint: 'Check the network and the endpoint.',
    coreHint: 'Copy the whole folder of vodupload into the mini program.',
    // Their hosts have to be named beforehand, and buckets are many.
    forwards: true,
    limits: {
      // Ten are all that a program may have under way; it needs some itself.
      parallel: 8,
      // Parts are in memory while they are sent, and nobody sees them leave.
      parts: 3,
      largestPart: 4 << 20,
      unseenRate: 16 << 10,
      get form() { return canReadRanges() ? SMALL : Infinity },
      get digestRate() { return canReadRanges() ? digestRate() : 0 },
    },
    open: (picked) => describe(files(), picked, canReadRanges() ? SMALL + 1 : Infinity),
    send,
    read,
    storage: {
      get: (key) => api().getStorageSync(key) || null,
      set: (key, text) => api().setStorageSync(key, text),
      remove: (key) => api().removeStorageSync(key),
    },
    watchNetwork,
  }
}

/**
 * Whether a base library is of this version or newer.
 * @param {any} api @param {string} version
 */
export function isAtLeast(api, version) {
  const { SDKVersion } = (api.getAppBaseInfo ?? api.getSystemInfoSync)()
  const [present, needed] = [SDKVersion, version].map((text) => String(text).split('.').map(Number))
  const differs = needed.findIndex((/** @type {number} */ part, /** @type {number} */ i) => part !== (present[i] ?? 0))
  return differs < 0 || present[differs] > needed[differs]
}

/**
 * Calls a function that answers by callbacks.
 * @param {any} object @param {string} name @param {object} options
 * @returns {Promise<any>}
 */
const ask = (object, name, options) => new Promise((success, fail) => object[name]({ ...options, success, fail }))

/** @param {[string, string][]} pairs */
function objectOf(pairs) {
  /** @type {Record<string, string>} */
  const object = {}
  for (const [name, value] of pairs) object[name] = value
  return object
}

/** Devices spell the same header differently. @param {Record<string, unknown> | undefined} headers */
function lowerCased(headers) {
  /** @type {Record<string, string>} */
  const lower = {}
  for (const name of Object.keys(headers ?? {})) lower[name.toLowerCase()] = String(headers?.[name])
  return lower
}
