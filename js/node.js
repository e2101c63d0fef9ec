// @ts-check
// The entry for servers: `const { VodUploadClient, VodUploadRequest } = require('vodupload/node')`, with the names of
// vod-node-sdk. An account's key has no place on a client.
import { createCore, UploadError } from './core.js'
import { nodeHost, nowhere, open, sealedFiles } from './host/node.js'
import { addCover } from './session.js'

/** @typedef {{ secretId: string, secretKey: string, token?: string }} Account */
/** @typedef {Map<string, ReturnType<typeof createQueue>>} Queues */
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

/** Files at once, of those that share a queue. */
const FILES = 3

const ENDINGS = ['succeeded', 'failed', 'canceled']
/** Errors after which a core is of no use any more. */
const DEATHS = ['InternalError', 'CoreNotLoaded']

/** As long as timers can be, in milliseconds. */
const LONGEST_WAIT = 2 ** 31 - 1

export class VodUploadRequest {
  /** @param {Partial<import('./node.cjs').VodUploadRequest>} [fields] */
  constructor(fields) {
    Object.assign(this, fields)
  }
}

export class VodUploadClient {
  /** @type {Account} */
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
    done.then((response) => callback(null, response), (error) => callback(error)).catch(throwLater)
    return done
  }

  /** @param {string} region @param {any} request @param {VodUploadOptions} options @returns {Promise<VodUploadResponse>} */
  async #upload(region, request, options) {
    if (typeof region !== 'string' || !region) throw misuse('InvalidArgument', "region must be the region of VOD's interface, such as ap-guangzhou.")
    options.signal?.throwIfAborted()
    const { secretId, secretKey } = this.#account
    const media = openFile(request?.MediaFilePath, 'MediaFilePath', 'NoMediaFile')
    const cover = request.CoverFilePath ? openFile(request.CoverFilePath, 'CoverFilePath', 'NoCoverFile') : undefined
    const parameters = parametersOf(request, media, cover)
    // Another account, place or media is another upload.
    const identity = JSON.stringify([secretId, region, parameters, cover?.fingerprint])
    return queueOf(region, options).upload({
      media: { ...media, fingerprint: `${media.fingerprint}_${identity}` },
      cover,
      metadata: JSON.stringify(parameters),
      account: this.#account,
      storage: options.enableResume === false ? nowhere : sealedFiles(secretKey, options.checkpointFolder),
      options,
    })
  }
}

/** @param {unknown} error */
const throwLater = (error) => setImmediate(() => { throw error })

/** By what files share, and then by their agents. Cores are never given back, and a server runs for years. */
const queues = { plain: /** @type {Queues} */ (new Map()), ofAgents: /** @type {WeakMap<object, Queues>} */ (new WeakMap()) }

/** @param {string} region @param {VodUploadOptions} options */
function queueOf(region, { agent, chunkSize, chunkParallelLimit, chunkRetryTimes, retryDelay, timeout, integrity, vodEndpoint }) {
  const own = agent ? queues.ofAgents.get(agent) ?? new Map() : queues.plain
  if (agent) queues.ofAgents.set(agent, own)
  const settings = JSON.stringify({
    server: true, region, fileParallel: FILES, integrity, vodEndpoint,
    partSize: chunkSize, parallel: chunkParallelLimit, retryCount: chunkRetryTimes, retryDuration: retryDelay, timeout,
  })
  const queue = own.get(settings) ?? createQueue(JSON.parse(settings), agent, () => own.delete(settings))
  own.set(settings, queue)
  return queue
}

/**
 * Files that share a core.
 * @param {object} settings
 * @param {import('node:http').Agent | undefined} agent
 * @param {() => void} died its core cannot go on
 */
function createQueue(settings, agent, died) {
  /** @typedef {import('./host/node.js').NodeStorage} NodeStorage */
  /** Files under way, and their covers. @type {Map<number, { hear: (event: any) => void, fingerprint: string, storage: NodeStorage }>} */
  const waiting = new Map()
  let lastId = 0
  /** What keeps the process going between two requests. @type {NodeJS.Timeout | undefined} */
  let stay
  /** @param {string} key the core's: with a number behind it where the same file is under way already */
  const storageOf = (key) => {
    for (const { fingerprint, storage } of waiting.values()) if (key === fingerprint || key.startsWith(`${fingerprint}_`)) return storage
    return nowhere
  }
  const core = createCore(nodeHost(storageOf, agent), settings, (event) => waiting.get(event.file)?.hear(event),
    (code, message) => process.emitWarning(message, { type: 'VodUploadWarning', code }))

  return {
    /**
     * @param {{ media: Source, cover?: Source, metadata: string, account: Account, storage: NodeStorage,
     *   options: Pick<VodUploadOptions, 'onProgress' | 'signal'> }} upload
     * @returns {Promise<VodUploadResponse>}
     */
    upload: ({ media, cover, metadata, account, storage, options: { onProgress, signal } }) => new Promise((resolve, reject) => {
      const id = ++lastId
      const coverId = cover && ++lastId
      /** @type {any} */
      let result
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
      const tell = ({ type, file, sent, total, speed, remaining, target, error, verified }) => {
        if (ENDINGS.includes(type)) end()
        switch (type) {
          case 'started': return core.authorize(id, /** @type {any} */ (account))
          case 'authorized':
            result = target
            return
          case 'progress': {
            const percent = Math.floor(sent / total * 100) / 100
            return onProgress?.({ of: file === coverId ? 'cover' : 'media', loaded: sent, total, percent, speed, remaining })
          }
          case 'succeeded': {
            const { videoId: FileId, fileUrl: MediaUrl, coverUrl: CoverUrl, requestId: RequestId } = result
            return resolve({ FileId, MediaUrl, ...(CoverUrl && { CoverUrl }), RequestId, verified })
          }
          case 'failed':
            if (DEATHS.includes(error.code)) died()
            return reject(error)
          case 'canceled': return reject(signal?.reason)
        }
      }
      // As in pages: nothing of the application's runs inside the core.
      const hear = (/** @type {any} */ event) => {
        // Who hears of the end may end the process: the record has to be there.
        const when = ENDINGS.includes(event.type) ? storage.settled() : Promise.resolve()
        when.then(() => tell(event)).catch(throwLater)
      }
      stay ??= setInterval(() => {}, LONGEST_WAIT)
      const { fingerprint } = media
      for (const one of coverId ? [id, coverId] : [id]) waiting.set(one, { hear, fingerprint, storage })
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

/** @param {unknown} path @param {string} field @param {string} code */
function openFile(path, field, code) {
  let source
  try {
    source = open(path)
  } catch (error) {
    throw misuse(code, `${field} cannot be read: ${/** @type {Error} */ (error).message}.`)
  }
  if (source.size > 0) return source
  throw misuse('EmptyFile', `${field} is empty.`)
}

/** @param {string} code @param {string} message */
const misuse = (code, message) => new UploadError({ code, message })
