// @ts-check
// Aliyun's VODUpload: its names, argument orders and quirks, on the queue. It decides nothing about uploads.
import { createQueue } from './queue.js'

/** @typedef {import('./core.js').CoreEvent} CoreEvent */
/** @typedef {import('./core.js').Host} Host */
/** @typedef {import('./core.js').UploadError} UploadError */
/** @typedef {import('./index.js').UploadInfo} UploadInfo */
/** @typedef {import('./index.js').VODUploadOptions} VODUploadOptions */

/**
 * Which documented callback a core event becomes.
 * @type {Record<string, (on: VODUploadOptions, info: UploadInfo, event: CoreEvent) => unknown>}
 */
const CALLBACKS = {
  added: (on, info) => on.addFileSuccess?.(info),
  canceled: (on, info) => {
    // Aliyun's page documents that a cancelled file prints this line.
    console.log('oss is cancel as error')
    return on.onUploadCanceled?.(info)
  },
  credentialExpired: (on, info, { error }) => on.onUploadTokenExpired?.(info, error),
  failed: (on, info, { error }) => on.onUploadFailed?.(info, error.code, error.message, error),
  finished: (on, info) => on.onUploadEnd?.(info),
  progress: (on, info, event) => on.onUploadProgress?.(info, event.total, event.sent / event.total, detailOf(event)),
  // The documents' code has a small s, their prose a capital one.
  started: (on, info) => (on.onUploadstarted ?? on.onUploadStarted)?.call(on, info),
  stopped: (on, info) => on.onUploadCanceled?.(info),
  succeeded: (on, info) => on.onUploadSucceed?.(info),
}

const WHEN = 'give one when'

/** Events that ask for a credential, and who may answer. @type {Record<string, (keyof VODUploadOptions)[]>} */
const QUESTIONS = {
  credentialExpired: ['onUploadTokenExpired', 'getAuth'],
  started: ['onUploadstarted', 'onUploadStarted', 'getAuth'],
}

/** @param {CoreEvent} event */
export const detailOf = ({ sent, total, speed, remaining }) => ({
  loadedBytes: sent,
  totalBytes: total,
  speed,
  remaining: remaining === undefined ? null : remaining / 1000,
})

/** @typedef {import('./core.js').UploadGrant | import('./core.js').TokenGrant} Grant */

/** @param {Host} host @returns {typeof import('./index.js').VODUpload} */
export function vodUploadOn(host) {
  return /** @type {any} */ (class VODUpload {
    /** @param {VODUploadOptions} [options] */
    constructor(options = {}) {
      const queue = createQueue(host, options, (event, info) => {
        if (event.type === 'started' && token && info._endpoint && info._bucket && info._object) {
          const direct = token
          Promise.resolve().then(() => answer(info, { ...direct, direct: true }))
        } else {
          const hearers = QUESTIONS[event.type]
          if (hearers && !hearers.some((name) => options[name])) {
            queue.report('MissingArgument', `${hearers[0]} is not given: nobody can answer with a credential, and the file waits.`)
          }
        }
        tell(event.type, info, event)
      })
      /** What `init` was given. @type {import('./core.js').TokenGrant | undefined} */
      let token

      /**
       * Callbacks come after the call that led to them has returned, so that they may call anything; what they throw
       * is the application's to see and ends nothing.
       * @param {string} type
       * @param {UploadInfo} info
       * @param {object} [event]
       */
      function tell(type, info, event) {
        const call = () => CALLBACKS[type]?.(options, info, /** @type {CoreEvent} */ (event))
        Promise.resolve().then(call).catch((error) => {
          console.error(error)
          queue.report('CallbackFailed', String(error))
        })
      }

      /** @param {UploadInfo} uploadInfo @param {Grant} given */
      function answer(uploadInfo, given) {
        const info = queue.own(uploadInfo)
        if (info && 'direct' in given) {
          const { _endpoint: endpoint, _bucket: bucket, _object: object } = info
          if (!endpoint || !bucket || !object) {
            queue.refuse(info, 'MissingArgument', 'Uploading without VOD needs endpoint, bucket and object: give them to addFile.')
          }
          Object.assign(given, { endpoint, bucket, object })
        }
        const accepted = info && queue.authorize(info, given)
        if (accepted === undefined && info?.state !== 'Failure') {
          queue.report('UploadNotStart', `This file does not wait for a credential: ${WHEN} onUploadstarted or onUploadTokenExpired asks for it.`)
        }
        return accepted ?? false
      }

      /** @param {Grant} given @param {UploadInfo} [uploadInfo] */
      function renew(given, uploadInfo) {
        const info = uploadInfo && queue.own(uploadInfo)
        // Nobody's file must not be taken for whichever file waits.
        const renewed = info || !uploadInfo ? queue.authorize(info, given) : undefined
        if (renewed === undefined) queue.report('UploadNotExpire', `No file waits for a new credential: ${WHEN} onUploadTokenExpired asks for it.`)
        return renewed ?? false
      }

      /** @param {number} index */
      function cancelFile(index) {
        const info = queue.list[index]
        if (info) queue.cancel(info)
        return Boolean(info)
      }

      /** @param {string} uploadAuth @param {UploadInfo} [uploadInfo] */
      const resumeUploadWithAuth = (uploadAuth, uploadInfo) => renew({ uploadAuth: String(uploadAuth) }, uploadInfo)

      // Methods of the object's own that need no `this`: they work on a Proxy, such as Vue's data, and on their own.
      Object.assign(this, {
        /**
         * @param {any} file
         * @param {string | null} [endpoint]
         * @param {string | null} [bucket]
         * @param {string | null} [object]
         * @param {string | object | null} [paramData]
         */
        addFile(file, endpoint, bucket, object, paramData) {
          const info = queue.describe(file, { endpoint, bucket, object })
          try {
            queue.add(info, { paramData })
            tell('added', info)
            return true
          } catch (error) {
            const { code, message } = /** @type {UploadError} */ (error)
            if (code === 'FileAlreadyExist') queue.report(code, message)
            else {
              info.state = 'Failure'
              tell('failed', info, { error })
            }
            return false
          }
        },

        startUpload: queue.start,
        stopUpload: queue.stop,
        cancelFile,

        /** @param {number} index */
        resumeFile(index) {
          const info = queue.list[index]
          if (info?.state !== 'Canceled') return false
          queue.resume(info)
          return true
        },

        /** @param {number} index */
        deleteFile(index) {
          const info = queue.list[index]
          if (!cancelFile(index)) return false
          queue.remove(info)
          return true
        },

        cleanList() {
          queue.stop()
          for (const info of [...queue.list]) queue.remove(info)
        },

        listFiles: () => queue.list,

        /** @param {any} file */
        getCheckpoint: (file) => queue.checkpoint(file) ?? '',

        /**
         * @param {string} [accessKeyId]
         * @param {string} [accessKeySecret]
         * @param {string} [securityToken]
         * @param {string | number} [expireTime]
         */
        init(accessKeyId, accessKeySecret, securityToken, expireTime) {
          if (!accessKeyId !== !accessKeySecret || !securityToken !== !expireTime) return false
          token = accessKeyId && accessKeySecret && securityToken
            ? { accessKeyId, accessKeySecret, securityToken, Expiration: expireTime }
            : undefined
          return true
        },

        /**
         * @param {UploadInfo} uploadInfo
         * @param {string} uploadAuth
         * @param {string} uploadAddress
         * @param {string} [videoId]
         */
        setUploadAuthAndAddress: (uploadInfo, uploadAuth, uploadAddress, videoId) => answer(uploadInfo, {
          uploadAuth: String(uploadAuth),
          uploadAddress: String(uploadAddress),
          videoId: videoId ? String(videoId) : undefined,
        }),

        /**
         * @param {UploadInfo} uploadInfo
         * @param {string} accessKeyId
         * @param {string} accessKeySecret
         * @param {string} securityToken
         */
        setSTSToken: (uploadInfo, accessKeyId, accessKeySecret, securityToken) =>
          answer(uploadInfo, { accessKeyId, accessKeySecret, securityToken }),

        /**
         * @param {UploadInfo} uploadInfo
         * @param {string} accessKeyId
         * @param {string} accessKeySecret
         * @param {string} securityToken
         * @param {string | number} [expiration]
         */
        setSTSTokenDirectlyUpload: (uploadInfo, accessKeyId, accessKeySecret, securityToken, expiration) =>
          answer(uploadInfo, { accessKeyId, accessKeySecret, securityToken, Expiration: expiration, direct: true }),

        resumeUploadWithAuth,

        /**
         * @param {string} accessKeyId
         * @param {string} [accessKeySecret]
         * @param {string} [securityToken]
         * @param {string | number} [_expireTime]
         * @param {UploadInfo} [uploadInfo]
         */
        resumeUploadWithSTSToken: (accessKeyId, accessKeySecret, securityToken, _expireTime, uploadInfo) =>
          // The sample of Aliyun's page hands an UploadAuth to it.
          accessKeySecret && securityToken
            ? renew({ accessKeyId, accessKeySecret, securityToken }, uploadInfo)
            : resumeUploadWithAuth(accessKeyId, uploadInfo),

        /**
         * @param {string} accessKeyId
         * @param {string} accessKeySecret
         * @param {string} securityToken
         * @param {string | number} expireTime
         * @param {UploadInfo} [uploadInfo]
         */
        resumeUploadWithToken: (accessKeyId, accessKeySecret, securityToken, expireTime, uploadInfo) =>
          Boolean(accessKeyId && accessKeySecret && securityToken && expireTime)
          && renew({ accessKeyId, accessKeySecret, securityToken, Expiration: expireTime, direct: true }, uploadInfo),
      })

      if (!String(options.userId ?? '').trim()) {
        queue.report('MissingArgument', 'userId is required: give the ID of your account, or any text that names the user.')
      }
    }
  })
}
