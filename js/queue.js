// @ts-check
// The list of files that both faces show: what an application may say of a file, and what becomes of it.
import { createCore, UploadError } from './core.js'

/** @typedef {import('./core.js').CoreEvent} CoreEvent */
/** @typedef {import('./core.js').Host} Host */
/** @typedef {import('./index.js').UploadInfo} UploadInfo */
/** @typedef {import('./index.js').CommonOptions} CommonOptions */

/** What VOD makes images of. <https://help.aliyun.com/zh/vod/developer-reference/api-vod-2017-03-21-createuploadimage> */
const IMAGE = /\.(png|jpe?g|gif|heic|webp)([?#][^.]*)?$/i

/** @type {('partSize' | 'parallel' | 'fileParallel' | 'retryCount' | 'retryDuration' | 'timeout' | 'refreshTimeout' | 'signatureVersion')[]} */
const NUMBERS = ['partSize', 'parallel', 'fileParallel', 'retryCount', 'retryDuration', 'timeout', 'refreshTimeout', 'signatureVersion']

/** What a core event does to `uploadInfo`. @type {Record<string, (info: UploadInfo, event: CoreEvent) => void>} */
const CHANGES = {
  authorized: (info, { target }) => Object.assign(info, target, { state: 'Uploading' }),
  canceled: (info) => Object.assign(info, { state: 'Canceled', loaded: 0 }),
  failed: (info) => (info.state = 'Failure'),
  progress: (info, event) => (info.loaded = event.sent / event.total),
  queued: (info) => (info.state = 'Ready'),
  started: (info, event) => (info.videoId = event.videoId ?? info.videoId),
  stopped: (info) => (info.state = 'Stoped'),
  succeeded: (info, event) => Object.assign(info, { state: 'Success', verified: event.verified }),
}

/**
 * @param {Host} platform
 * @param {CommonOptions} options
 * @param {(event: CoreEvent, info: UploadInfo) => void} tell must not throw
 */
export function createQueue(platform, options, tell) {
  const host = { ...platform, ...options.host, ...(options.storage && { storage: options.storage }) }
  /** @type {UploadInfo[]} */
  const list = []
  /** @type {Map<number, UploadInfo>} */
  const infos = new Map()
  /** @type {WeakMap<UploadInfo, number>} */
  const ids = new WeakMap()
  /** What the host knows each by. @type {WeakMap<UploadInfo, any>} */
  const files = new WeakMap()
  /** What each file waits for of `getAuth`; what comes for an earlier question comes too late. @type {WeakMap<UploadInfo, object>} */
  const questions = new WeakMap()
  let lastId = 0

  /** @type {any} */
  const settings = {
    userId: String(options.userId ?? ''),
    region: options.region,
    vodEndpoint: options.vodEndpoint,
    cname: options.cname === true,
    integrity: options.integrity,
    corePath: options.corePath,
  }
  // They may come as text, from a form or a server.
  for (const name of NUMBERS) if (String(options[name] ?? '')) settings[name] = Number(options[name])
  settings.retryDuration *= 1000

  const core = createCore(host, settings, hear, report)

  /** @param {UploadInfo} info */
  const idOf = (info) => /** @type {number} */ (ids.get(info))

  /** @param {CoreEvent} event */
  function hear(event) {
    const info = infos.get(event.file)
    if (!info) return
    // Only now: a file that is removed before the core is there is still owed what comes before.
    if (event.type === 'removed') infos.delete(event.file)
    CHANGES[event.type]?.(info, event)
    tell(event, info)
    if (options.getAuth && (event.type === 'credentialExpired' || event.type === 'started')) ask(info)
  }

  /** @param {UploadInfo} info */
  async function ask(info) {
    const question = {}
    questions.set(info, question)
    const isOpen = () => questions.get(info) === question
    try {
      const answer = await options.getAuth?.(info, info.isImage ? 'create-image' : info.videoId ? 'refresh-video' : 'create-video')
      /** @type {any} */
      const given = {}
      // The service's names begin with a capital, those of most application servers do not.
      for (const [name, value] of Object.entries(answer ?? {})) given[name[0].toLowerCase() + name.slice(1).replace('URL', 'Url')] = value
      if (isOpen()) core.authorize(idOf(info), given)
    } catch (error) {
      if (isOpen()) core.refuse(idOf(info), 'GetUploadAuthFailed', `getAuth gave no credential: ${/** @type {any} */ (error)?.message ?? error}`)
    }
  }

  /** @param {string} code @param {string} message */
  function report(code, message) {
    console.error(`vodupload: ${code}: ${message}`)
    Promise.resolve().then(() => options.logger?.({ level: 'error', code, message })).catch(console.error)
  }

  return {
    list,
    report,
    start: core.start,
    stop: core.stop,

    /**
     * What is known of a file before it is queued.
     * @param {any} file
     * @param {{ endpoint?: string | null, bucket?: string | null, object?: string | null }} wishes
     * @returns {UploadInfo}
     */
    describe: (file, { endpoint, bucket, object }) =>
      ({ file, _endpoint: endpoint, _bucket: bucket, _object: object, state: 'Ready', loaded: 0, isImage: false, ri: identifier() }),

    /**
     * Queues a file; throws an `UploadError` when it is refused.
     * @param {UploadInfo} info
     * @param {{ paramData?: string | object | null, mediaType?: string }} wishes
     */
    add(info, { paramData, mediaType }) {
      const { _endpoint, _bucket, _object } = info
      let source
      try {
        source = host.open(info.file)
      } catch (error) {
        throw refusal('InvalidArgument', `This is no file: ${/** @type {any} */ (error)?.errMsg ?? error}`)
      }
      if (source.size === 0) throw refusal('EmptyFile', 'The file is empty.', 'Pick another.')
      Object.assign(info, source.info, { fileSize: source.size })
      const type = mediaType ?? /** @type {any} */ (info.file).mediaType ?? /** @type {any} */ (info.file).fileType
      info.isImage = type ? type === 'image' : IMAGE.test(source.name)
      let metadata
      try {
        const data = typeof paramData === 'object' ? paramData ?? {} : JSON.parse(paramData || '{}')
        metadata = JSON.stringify(data)
        if (metadata[0] !== '{') throw new TypeError('it is no object')
        info.videoInfo = /** @type {any} */ (data).Vod
      } catch (error) {
        throw refusal('InvalidParamData', `paramData cannot be read: ${error}.`, `It must be JSON such as '{"Vod":{"Title":"test","CateId":"234"}}'.`)
      }
      const { file } = source
      if (list.some((other) => files.get(other) === file)) throw refusal('FileAlreadyExist', 'This file is in the list already.')
      const id = ++lastId
      list.push(info)
      infos.set(id, info)
      ids.set(info, id)
      files.set(info, file)
      core.add(id, source, { isImage: info.isImage, metadata }, {
        endpoint: _endpoint || undefined,
        bucket: _bucket || undefined,
        object: _object || undefined,
      })
    },

    /** @param {UploadInfo} info */
    cancel(info) {
      if (info.state !== 'Success') info.state = 'Canceled'
      core.cancel(idOf(info))
    },

    /** @param {UploadInfo} info */
    resume(info) {
      info.state = 'Ready'
      core.resume(idOf(info))
    },

    /** Forgets a file; its stored parts are kept. @param {UploadInfo} info */
    remove(info) {
      list.splice(list.indexOf(info), 1)
      core.remove(idOf(info))
    },

    /**
     * Hands a credential to a file that waits for one, or to the one that was asked to renew. `undefined` when none
     * waits, `false` when it fails because this is no credential.
     * @param {UploadInfo | undefined} info
     * @param {import('./core.js').UploadGrant | import('./core.js').TokenGrant} given
     */
    authorize: (info, given) => core.authorize(info && idOf(info), given),

    /** Ends a file that waits for a credential. @param {UploadInfo} info @param {string} code @param {string} message */
    refuse: (info, code, message) => core.refuse(idOf(info), code, message),

    /** The object in the list, also for a Proxy or a copy of it. @param {UploadInfo} given */
    own: (given) => list.find((info) => info.ri === given?.ri),

    /** What is kept of an unfinished upload of this file. @param {any} file */
    checkpoint(file) {
      try {
        return JSON.parse(String(host.storage.get(host.open(file).fingerprint)))
      } catch {
        return null
      }
    },
  }
}

/** @param {string} code @param {string} what @param {string} [hint] */
const refusal = (code, what, hint = '') => new UploadError({ code, message: hint ? `${what} ${hint}` : what, hint })

/** A random id in the form of a UUID. */
const identifier = () => 'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, () => '0123456789ABCDEF'[Math.floor(Math.random() * 16)])
