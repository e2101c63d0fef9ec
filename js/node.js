// @ts-check
// The entry for servers: `const { VodUploadClient, VodUploadRequest } = require('vodupload/node')`, with the names of
// vod-node-sdk. An account's key has no place on a client.
import { createCore, UploadError } from './core.js'
import { nodeHost } from './host/node.js'
import { addCover } from './session.js'

/** @typedef {import('./core.js').CoreEvent} CoreEvent */
/** @typedef {import('./core.js').Source} Source */
/** @typedef {import('./node.cjs').VodUploadOptions} VodUploadOptions */
/** @typedef {import('./node.cjs').VodUploadResponse} VodUploadResponse */

export { UploadError }

/** What ApplyUpload takes of a request as it is. */
const PARAMETERS = ['MediaType', 'MediaName', 'CoverType', 'Procedure', 'ExpireTime', 'ClassId', 'SourceContext', 'SessionContext',
  'StorageRegion', 'SubAppId', 'ExtInfo']
/** …of these as numbers. */
const NUMBERS = ['ClassId', 'SubAppId']
/** …and of these no more characters. */
const LONGEST = { SourceContext: 250, SessionContext: 1000 }

/** Files at once, of one client. */
const FILES = 3

const ENDINGS = ['succeeded', 'failed', 'canceled']

/** As long as timers can be, in milliseconds. */
const LONGEST_WAIT = 2 ** 31 - 1

export class VodUploadRequest {
  /** @param {Partial<import('./node.cjs').VodUploadRequest>} [fields] */
  constructor(fields) {
    Object.assign(this, fields)
  }
}

export class VodUploadClient {
  /** Queues by the settings that files share. @type {Map<string, ReturnType<typeof createQueue>>} */
  #queues = new Map()
  /** @type {unknown[]} */
  #agents = []
  /** @type {{ secretId: string, secretKey: string, token?: string }} */
  #account
  /** @type {VodUploadOptions} */
  #options

  /** @param {string} secretId @param {string} secretKey @param {string | VodUploadOptions} [token] @param {VodUploadOptions} [options] */
  constructor(secretId, secretKey, token, options = {}) {
    for (const [name, value] of Object.entries({ secretId, secretKey })) {
      if (typeof value !== 'string' || !value) throw misuse('InvalidArgument', `${name} must be the text of a cloud API key.`)
    }
    this.#account = { secretId, secretKey, ...(typeof token === 'string' && { token }) }
    this.#options = typeof token === 'object' ? token : options
  }

  /**
   * @param {string} region @param {any} request
   * @param {((error: UploadError | null, response?: VodUploadResponse) => void) | VodUploadOptions} [callback] @param {VodUploadOptions} [options]
   * @returns {Promise<VodUploadResponse>}
   */
  upload(region, request, callback, options) {
    const own = { ...this.#options, ...(typeof callback === 'object' ? callback : options) }
    const done = this.#upload(region, request, own)
    if (typeof callback !== 'function') return done
    // What the callback throws is its own affair, and is told once.
    done.then((response) => callback(null, response), (error) => callback(error)).catch((error) => setImmediate(() => { throw error }))
    return done
  }

  /** @param {string} region @param {any} request @param {VodUploadOptions} options @returns {Promise<VodUploadResponse>} */
  async #upload(region, request, { onProgress, signal, ...settings }) {
    if (typeof region !== 'string' || !region) throw misuse('InvalidArgument', 'region must be the region of VOD\'s interface, such as ap-guangzhou.')
    signal?.throwIfAborted()
    const { secretId, secretKey } = this.#account
    const host = nodeHost({ ...settings, secret: secretKey })
    const media = open(host, request?.MediaFilePath, 'MediaFilePath', 'NoMediaFile')
    const cover = request.CoverFilePath ? open(host, request.CoverFilePath, 'CoverFilePath', 'NoCoverFile') : undefined
    const parameters = parametersOf(request, media, cover)
    const { agent, ...plain } = settings
    if (agent && !this.#agents.includes(agent)) this.#agents.push(agent)
    const shared = JSON.stringify([region, plain, agent && this.#agents.indexOf(agent)])
    const queue = this.#queues.get(shared) ?? createQueue(host, this.#account, region, settings)
    this.#queues.set(shared, queue)
    // Another account, place or media is another upload.
    const identity = JSON.stringify([secretId, region, parameters, cover?.fingerprint])
    return queue.upload({ ...media, fingerprint: `${media.fingerprint}_${identity}` }, cover, JSON.stringify(parameters), { onProgress, signal })
  }
}

/**
 * Files that share a core: none is ever given back, and a server runs for years.
 * @param {ReturnType<typeof nodeHost>} host @param {object} account @param {string} region @param {VodUploadOptions} options
 */
function createQueue(host, account, region, options) {
  /** @typedef {{ result: any, tell: (event: any) => void }} Waiting */
  /** @type {Map<number, Waiting>} */
  const waiting = new Map()
  let lastId = 0
  /** What keeps the process going between two requests. @type {NodeJS.Timeout | undefined} */
  let stay
  const { chunkSize, chunkParallelLimit, chunkRetryTimes, retryDelay, timeout, integrity, vodEndpoint, enableResume } = options
  const settings = {
    server: true, region, fileParallel: FILES, integrity, vodEndpoint,
    partSize: chunkSize, parallel: chunkParallelLimit, retryCount: chunkRetryTimes, retryDuration: retryDelay, timeout,
  }
  for (const key of /** @type {(keyof typeof settings)[]} */ (Object.keys(settings))) if (settings[key] === undefined) delete settings[key]
  const nowhere = { get: () => null, set() {}, remove() {} }
  const core = createCore(enableResume === false ? { ...host, storage: nowhere } : host, settings, (event) => {
    waiting.get(event.file)?.tell(event)
  }, (code, message) => process.emitWarning(message, { type: 'VodUploadWarning', code }))

  return {
    /**
     * @param {Source} media @param {Source | undefined} cover @param {string} metadata
     * @param {Pick<VodUploadOptions, 'onProgress' | 'signal'>} options
     * @returns {Promise<VodUploadResponse>}
     */
    upload: (media, cover, metadata, { onProgress, signal }) => new Promise((resolve, reject) => {
      const id = ++lastId
      const coverId = cover && ++lastId
      /** @type {any} */
      const result = {}
      const abort = () => core.cancel(id)
      const end = () => {
        signal?.removeEventListener('abort', abort)
        waiting.delete(id)
        if (coverId) waiting.delete(coverId)
        core.remove(id)
        if (waiting.size > 0) return
        clearInterval(stay)
        stay = undefined
      }
      /** @param {any} event */
      const tell = (event) => {
        switch (event.type) {
          case 'started':
            core.authorize(id, /** @type {any} */ (account))
            break
          case 'authorized':
            Object.assign(result, event.target)
            break
          case 'progress': {
            const { sent: loaded, total, speed, remaining } = event
            onProgress?.({ of: event.file === coverId ? 'cover' : 'media', loaded, total, percent: Math.floor(loaded / total * 100) / 100, speed, remaining })
            break
          }
          case 'succeeded': {
            const { videoId: FileId, fileUrl: MediaUrl, coverUrl: CoverUrl, requestId: RequestId } = result
            end()
            return resolve({ FileId, MediaUrl, ...(CoverUrl && { CoverUrl }), RequestId, verified: event.verified })
          }
          case 'failed':
            end()
            return reject(event.error)
          case 'canceled':
            end()
            return reject(signal?.reason)
        }
      }
      // As in pages: nothing of the application's runs inside the core.
      const later = (/** @type {any} */ event) => {
        // Who hears of the end may end the process: the record has to be there.
        const when = ENDINGS.includes(event.type) ? host.storage.settled() : Promise.resolve()
        when.then(() => tell(event)).catch((error) => setImmediate(() => { throw error }))
      }
      stay ??= setInterval(() => {}, LONGEST_WAIT)
      waiting.set(id, { result, tell: later })
      if (coverId) waiting.set(coverId, { result, tell: later })
      signal?.addEventListener('abort', abort)
      core.add(id, media, { isImage: false, metadata }, {})
      if (cover && coverId) addCover(core, id, coverId, cover)
      core.start()
    }),
  }
}

/**
 * What VOD is told of a media; the type is the file's ending and the name what is before it, unless they are given.
 * @param {any} request @param {Source} media @param {Source | undefined} cover
 */
function parametersOf(request, media, cover) {
  const [name, type] = split(media.name)
  /** @type {Record<string, any>} */
  const parameters = { MediaType: type, MediaName: name, ...(cover && { CoverType: split(cover.name)[1] }) }
  for (const key of PARAMETERS) {
    const value = request[key]
    if (value === undefined || value === null || value === '') continue
    const isNumber = NUMBERS.includes(key)
    if (isNumber ? !Number.isSafeInteger(Number(value)) : typeof value !== 'string') {
      throw misuse('InvalidArgument', `${key} must be ${isNumber ? 'an integer' : 'a text'}.`)
    }
    const longest = LONGEST[/** @type {keyof typeof LONGEST} */ (key)]
    if ([...String(value)].length > longest) throw misuse('InvalidArgument', `${key} may have ${longest} characters.`)
    parameters[key] = isNumber ? Number(value) : value
  }
  if (!parameters.MediaType) throw misuse('InvalidArgument', 'MediaFilePath has no ending: give a MediaType such as mp4.')
  if (cover && !parameters.CoverType) throw misuse('InvalidArgument', 'CoverFilePath has no ending: give a CoverType such as jpg.')
  if (!cover) delete parameters.CoverType
  return parameters
}

/** @param {string} name @returns {[string, string]} */
function split(name) {
  const dot = name.lastIndexOf('.')
  return dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot + 1).toLowerCase()]
}

/** @param {import('./core.js').Host} host @param {unknown} path @param {string} field @param {string} code */
function open(host, path, field, code) {
  let source
  try {
    source = host.open(path)
  } catch (error) {
    throw misuse(code, `${field} cannot be read: ${/** @type {Error} */ (error).message}.`)
  }
  if (source.size > 0) return source
  throw misuse('EmptyFile', `${field} is empty.`)
}

/** @param {string} code @param {string} message */
const misuse = (code, message) => new UploadError({ code, message })
