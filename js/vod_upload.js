// @ts-check
// Aliyun's VODUpload: its names, argument orders and quirks, on the core. It decides nothing about uploads.
import { createCore } from './core.js'

/** @typedef {import('./core.js').CoreEvent} CoreEvent */
/** @typedef {import('./core.js').Host} Host */
/** @typedef {import('./index.js').UploadInfo} UploadInfo */
/** @typedef {import('./index.js').VODUploadOptions} VODUploadOptions */

/** What a core event does to `uploadInfo`. @type {Record<string, (info: UploadInfo, event: CoreEvent) => void>} */
const CHANGES = {
  canceled: (info) => Object.assign(info, { state: 'Canceled', loaded: 0 }),
  failed: (info) => (info.state = 'Failure'),
  progress: (info, event) => (info.loaded = event.sent / event.total),
  queued: (info) => (info.state = 'Ready'),
  started: (info, event) => (info.videoId = event.videoId ?? info.videoId),
  stopped: (info) => (info.state = 'Stoped'),
  succeeded: (info) => (info.state = 'Success'),
}

/**
 * Which documented callback a core event becomes.
 * @type {Record<string, (on: VODUploadOptions, info: UploadInfo, event: CoreEvent) => unknown>}
 */
const CALLBACKS = {
  canceled: (on, info) => {
    // Aliyun's page documents that a cancelled file prints this line.
    console.log('oss is cancel as error')
    return on.onUploadCanceled?.(info)
  },
  credentialExpired: (on, info, { error }) => on.onUploadTokenExpired?.(info, error),
  failed: (on, info, { error }) => on.onUploadFailed?.(info, error.code, error.message, error),
  finished: (on, info) => on.onUploadEnd?.(info),
  progress: (on, info, { sent, total, speed, remaining }) => on.onUploadProgress?.(info, total, sent / total, {
    loadedBytes: sent,
    totalBytes: total,
    speed,
    remaining: remaining === undefined ? null : remaining / 1000,
  }),
  // The documents' code has a small s, their prose a capital one.
  started: (on, info) => (on.onUploadstarted ?? on.onUploadStarted)?.call(on, info),
  stopped: (on, info) => on.onUploadCanceled?.(info),
  succeeded: (on, info) => on.onUploadSucceed?.(info),
}

/** Events that ask for a credential, and the callbacks of which one must answer. @type {Record<string, (keyof VODUploadOptions)[]>} */
const QUESTIONS = {
  credentialExpired: ['onUploadTokenExpired'],
  started: ['onUploadstarted', 'onUploadStarted'],
}

/** @param {Host} host */
export function vodUploadOn(host) {
  return class VODUpload {
    /** @type {VODUploadOptions} */
    #options
    /** @type {ReturnType<typeof createCore>} */
    #core
    /** @type {UploadInfo[]} */
    #list = []
    /** @type {Map<number, UploadInfo>} */
    #infos = new Map()
    /** @type {WeakMap<UploadInfo, number>} */
    #ids = new WeakMap()
    #lastId = 0

    /** @param {VODUploadOptions} [options] */
    constructor(options = {}) {
      this.#options = options
      // Vue's data are Proxies, which have no private members: a bound method works on them, and on its own.
      const self = /** @type {any} */ (this)
      for (const name of Object.getOwnPropertyNames(VODUpload.prototype)) {
        if (name !== 'constructor') self[name] = self[name].bind(this)
      }
      if (!String(options.userId ?? '').trim()) {
        this.#report('MissingArgument', 'userId is required: give the ID of your account, or any text that names the user.')
      }
      this.#core = createCore(host, {
        partSize: number(options.partSize),
        parallel: number(options.parallel),
        retryCount: number(options.retryCount),
        retryDuration: number(options.retryDuration, 1000),
        timeout: number(options.timeout),
        userId: String(options.userId ?? ''),
        cname: options.cname === true,
      }, (event) => this.#hear(event), (code, message) => this.#report(code, message))
    }

    /**
     * @param {any} file
     * @param {string | null} [endpoint]
     * @param {string | null} [bucket]
     * @param {string | null} [object]
     * @param {string | null} [paramData]
     */
    addFile(file, endpoint, bucket, object, paramData) {
      if (this.#list.some((info) => info.file === file)) {
        this.#report('FileAlreadyExist', 'This file is in the list already.')
        return false
      }
      /** @type {UploadInfo} */
      const info = {
        file,
        _endpoint: endpoint,
        _bucket: bucket,
        _object: object,
        state: 'Ready',
        loaded: 0,
      }
      let source
      try {
        source = host.open(file)
      } catch (error) {
        return this.#refuse(info, 'InvalidArgument', `addFile was given no file: ${error}`)
      }
      if (!(source.size > 0)) return this.#refuse(info, 'EmptyFile', 'The file is empty; pick another.')
      info.fileSize = source.size
      try {
        info.videoInfo = paramData ? JSON.parse(paramData).Vod : undefined
      } catch (error) {
        return this.#refuse(info, 'InvalidParamData', `paramData must be JSON such as '{"Vod":{"Title":"test"}}': ${error}`)
      }
      const id = ++this.#lastId
      this.#list.push(info)
      this.#infos.set(id, info)
      this.#ids.set(info, id)
      this.#core.add(id, source, {
        endpoint: endpoint || undefined,
        bucket: bucket || undefined,
        object: object || undefined,
      })
      return true
    }

    startUpload() {
      this.#core.start()
    }

    stopUpload() {
      this.#core.stop()
    }

    /** @param {number} index */
    cancelFile(index) {
      const info = this.#list[index]
      if (!info) return false
      if (info.state !== 'Success') info.state = 'Canceled'
      this.#core.cancel(this.#id(info))
      return true
    }

    /** @param {number} index */
    resumeFile(index) {
      const info = this.#list[index]
      if (info?.state !== 'Canceled') return false
      info.state = 'Ready'
      this.#core.resume(this.#id(info))
      return true
    }

    /** @param {number} index */
    deleteFile(index) {
      if (!this.cancelFile(index)) return false
      this.#remove(this.#list[index])
      return true
    }

    cleanList() {
      this.#core.stop()
      for (const info of [...this.#list]) this.#remove(info)
    }

    listFiles() {
      return this.#list
    }

    /**
     * @param {UploadInfo} uploadInfo
     * @param {string} uploadAuth
     * @param {string} uploadAddress
     * @param {string} [videoId]
     */
    setUploadAuthAndAddress(uploadInfo, uploadAuth, uploadAddress, videoId) {
      const info = this.#own(uploadInfo)
      const id = info && this.#ids.get(info)
      const video = videoId ? String(videoId) : undefined
      const target = id && this.#core.authorize(id, String(uploadAuth), String(uploadAddress), video)
      if (!info || !target) {
        if (info?.state !== 'Failure') {
          this.#report('UploadNotStart', 'This file does not wait for a credential: call setUploadAuthAndAddress when onUploadstarted or onUploadTokenExpired asks for it.')
        }
        return false
      }
      Object.assign(info, target)
      if (video) info.videoId = video
      info.state = 'Uploading'
      return true
    }

    /** @param {string} uploadAuth */
    resumeUploadWithAuth(uploadAuth) {
      const renewed = this.#core.renew(String(uploadAuth))
      if (!renewed) this.#report('UploadNotExpire', 'No file waits for a new credential, or this is none: call resumeUploadWithAuth when onUploadTokenExpired asks for it.')
      return renewed
    }

    /** The object in the list, also for a Proxy or a copy of it. @param {UploadInfo} given */
    #own(given) {
      return this.#ids.has(given) ? given : this.#list.find((info) => info.file === given?.file)
    }

    /** @param {UploadInfo} info */
    #id(info) {
      return /** @type {number} */ (this.#ids.get(info))
    }

    /** @param {UploadInfo} info */
    #remove(info) {
      this.#list.splice(this.#list.indexOf(info), 1)
      this.#core.remove(this.#id(info))
    }

    /** @param {CoreEvent} event */
    #hear(event) {
      const info = this.#infos.get(event.file)
      if (!info) return
      // Only now: a file that is removed before the core is there is still owed what comes before.
      if (event.type === 'removed') this.#infos.delete(event.file)
      CHANGES[event.type]?.(info, event)
      const hearers = QUESTIONS[event.type]
      if (hearers && !hearers.some((name) => this.#options[name])) {
        this.#report('MissingArgument', `${hearers[0]} is not given: nobody can answer with a credential, and the file waits.`)
      }
      this.#tell(event, info)
    }

    /**
     * Callbacks come after the call that led to them has returned, so that they may call anything; what they throw
     * is the application's to see and ends nothing.
     * @param {CoreEvent} event
     * @param {UploadInfo} info
     */
    #tell(event, info) {
      Promise.resolve().then(() => CALLBACKS[event.type]?.(this.#options, info, event)).catch((error) => {
        console.error(error)
        this.#log('CallbackFailed', String(error))
      })
    }

    /** @param {UploadInfo} info @param {string} code @param {string} message */
    #refuse(info, code, message) {
      info.state = 'Failure'
      this.#tell(/** @type {CoreEvent} */ ({ type: 'failed', error: { code, message } }), info)
      return false
    }

    /** @param {string} code @param {string} message */
    #report(code, message) {
      console.error(`vodupload: ${code}: ${message}`)
      this.#log(code, message)
    }

    /** @param {string} code @param {string} message */
    #log(code, message) {
      Promise.resolve().then(() => this.#options.logger?.({ level: 'error', code, message })).catch(console.error)
    }
  }
}

/**
 * Options may come as text, from a form or a server.
 * @param {unknown} value
 * @param {number} [unit]
 */
const number = (value, unit = 1) => (value === undefined || value === null || value === '' ? undefined : Number(value) * unit)
