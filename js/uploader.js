// @ts-check
// The modern face: a promise per file, AbortSignal, events. It shares everything with VODUpload but the names.
import { UploadError } from './core.js'
import { createQueue } from './queue.js'
import { detailOf } from './vod_upload.js'

/** @typedef {import('./core.js').CoreEvent} CoreEvent */
/** @typedef {import('./core.js').Host} Host */
/** @typedef {import('./index.js').UploaderOptions} UploaderOptions */
/** @typedef {import('./index.js').UploadInfo} UploadInfo */
/** @typedef {import('./index.js').UploadOptions} UploadOptions */
/** @typedef {import('./index.js').UploadResult} UploadResult */

/** What an application gets of the file that is uploaded. @type {(keyof UploadInfo)[]} */
const RESULT = ['videoId', 'imageId', 'imageUrl', 'fileUrl', 'endpoint', 'bucket', 'object', 'region', 'verified']

/** Events that are not the application's: of calls, and of what the queue does. @type {Record<string, true | undefined>} */
const INNER = { authorized: true, queued: true, credentialExpired: true, removed: true }

/** @param {Host} host @returns {typeof import('./index.js').Uploader} */
export function uploaderOn(host) {
  // Without an EventTarget, pages that only use VODUpload still work.
  return /** @type {any} */ (class Uploader extends /** @type {typeof EventTarget} */ (globalThis.EventTarget ?? Object) {
    /** @param {UploaderOptions} options */
    constructor(options) {
      super()
      if (typeof options?.getAuth !== 'function') {
        throw new UploadError({ code: 'MissingArgument', message: 'getAuth is required: (uploadInfo, reason) => Promise of what CreateUploadVideo answered.' })
      }
      let paused = false
      /** @type {Map<UploadInfo, { resolve: (result: UploadResult) => void, reject: (error: unknown) => void, end?: () => void } & UploadOptions>} */
      const waiting = new Map()
      // As with the callbacks of VODUpload: nothing of the application's runs inside the core.
      const queue = createQueue(host, options, (event, info) => Promise.resolve().then(() => tell(event, info)).catch(console.error))

      /** @param {CoreEvent} event @param {UploadInfo} info */
      const tell = ({ type, ...event }, info) => {
        if (INNER[type]) return
        const { error } = event
        const detail = type === 'progress' ? detailOf(/** @type {CoreEvent} */ (event)) : { error }
        const { resolve, reject, onProgress, signal, end } = waiting.get(info) ?? {}
        const ends = ['canceled', 'failed', 'succeeded'].includes(type)
        if (ends) {
          // First, so that a listener's next upload does not start it again.
          if (waiting.delete(info)) queue.remove(info)
          if (end) signal?.removeEventListener('abort', end)
        }
        this.dispatchEvent(new CustomEvent(type, { detail: { file: info, ...detail } }))
        if (type === 'progress') return onProgress?.(/** @type {any} */ (detail), info)
        if (type === 'failed') reject?.(error)
        if (type === 'canceled') reject?.(signal?.reason)
        if (type === 'succeeded') {
          /** @type {any} */
          const result = { size: info.fileSize }
          for (const name of RESULT) result[name] = info[name]
          resolve?.(result)
        }
      }

      Object.assign(this, {
        /** The files whose promises are open. */
        files: queue.list,

        /**
         * @param {any} file
         * @param {UploadOptions} [options]
         * @returns {Promise<UploadResult>}
         */
        upload: (file, options = {}) => new Promise((resolve, reject) => {
          const { signal } = options
          if (signal?.aborted) return reject(signal.reason)
          const info = queue.describe(file, options)
          queue.add(info, options)
          const end = () => queue.cancel(info)
          waiting.set(info, { ...options, resolve, reject, end })
          signal?.addEventListener('abort', end)
          if (!paused) queue.start()
        }),

        pause() {
          paused = true
          queue.stop()
        },

        resume() {
          paused = false
          queue.start()
        },
      })
    }
  })
}
