// @ts-check
// Tencent's uploader of mini programs: `VodUploader.start`, with the names of vod-wx-sdk-v2 and of version 5.1.
import { createSession, misuse, prepareSession } from './session.js'

/** @typedef {import('./core.js').Host} Host */
/** @typedef {import('./tencent.js').StartOptions} StartOptions */

/** What a video is called whose name is not given, for mini programs do not know any. */
const DEFAULT_NAME = '来自小程序'

/** @param {Host} host @returns {import('./tencent.js').VodUploaderFace} */
export const vodUploaderOn = (host) => ({
  prepare: async (options) => prepareSession(host, options),

  start(options) {
    for (const name of /** @type {const} */ (['progress', 'finish', 'error', 'success'])) {
      if (options?.[name] !== undefined && typeof options[name] !== 'function') {
        return refused(options, misuse('InvalidArgument', `${name} must be a function.`))
      }
    }
    const mediaName = typeof options?.mediaName === 'string' ? options.mediaName : ''
    const videoName = mediaName || (typeof options?.fileName === 'string' && options.fileName) || DEFAULT_NAME
    try {
      const session = createSession(host, { ...options, mediaName: videoName, videoName: undefined, fileName: undefined }, {
        progress: (of, info) => of === 'media' && options.progress?.(info),
        stored: (of, target) => of === 'media' && options.success?.(target),
        finished: ({ videoId, fileUrl, coverUrl, proof, verified }) => options.finish?.({
          fileId: videoId, videoName, videoUrl: fileUrl, coverUrl, verify_content: proof, verified,
        }),
        failed: (error) => options.error?.(described(error)),
      }, { vendorKey })
      return {
        cancel: session.cancel,
        pause: session.pause,
        restart: () => session.restart('failed'),
        // The vendor's demo goes on by it after a cancel.
        start: () => session.restart('failed', 'canceled'),
      }
    } catch (error) {
      return refused(options, error)
    }
  },
})

/**
 * Where vod-wx-sdk-v2 keeps a session: by the path; with a cover by the cover's, which tells nothing of the video.
 * @param {import('./core.js').Source} media @param {import('./core.js').Source} [cover]
 */
function vendorKey({ file }, cover) {
  if (cover || typeof file !== 'string') return undefined
  return `wp_ugc_${/[^/]{32}\.\w+$/.exec(file)?.[0] ?? file}`
}

/**
 * What the documents promise, a number and a text, and all else that is known. Applications dig `data` out of the answer
 * that the vendor's SDK hands over.
 * @param {any} error
 */
function described(error) {
  const number = /^-?\d+$/.test(error.code) ? Number(error.code) : error.retCode
  return { ...error, code: number, name: error.code, message: error.message, data: { code: number, message: error.message } }
}

/** Nothing was begun; there is still something to call. @param {any} options @param {any} error */
function refused(options, error) {
  if (typeof options?.error !== 'function') throw error
  Promise.resolve().then(() => options.error(described(error))).catch(console.error)
  return { cancel() {}, pause() {}, restart() {}, start() {} }
}
