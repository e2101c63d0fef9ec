// @ts-check
// Tencent's uploader of web pages: `TcVod`, with the names of vod-js-sdk-v6, those of 2019 and today's.
import { createSession, prepareSession } from './session.js'

/** @typedef {import('./core.js').Host} Host */
/** @typedef {import('./tencent.js').TcVodOptions} TcVodOptions */
/** @typedef {import('./tencent.js').TcVodUploadOptions} TcVodUploadOptions */

/** Each event of a media has two names. */
const NAMES = { media: ['media', 'video'], cover: ['cover'] }

/** @param {Host} host @returns {typeof import('./tencent.js').TcVod} */
export function tcVodOn(host) {
  class TcVod {
    /** @param {TcVodOptions} options */
    constructor(options) {
      Object.assign(this, {
        /** @param {TcVodUploadOptions} upload */
        upload: (upload) => createUploader(host, { ...options, ...upload }),
        prepare: async () => prepareSession(host, options),
      })
    }
  }
  // Script tags know the class by this name.
  return /** @type {any} */ (Object.assign(TcVod, { default: TcVod }))
}

/** @param {Host} host @param {any} options */
function createUploader(host, options) {
  /** @type {Map<string, Set<Function>>} */
  const listeners = new Map()
  /** @param {string} name */
  const heardBy = (name) => {
    const hearers = listeners.get(name) ?? new Set()
    listeners.set(name, hearers)
    return hearers
  }
  /** @param {'media' | 'cover'} of @param {string} what @param {unknown} told */
  const emit = (of, what, told) => {
    for (const name of NAMES[of]) {
      for (const listener of [...heardBy(`${name}_${what}`)]) {
        try {
          listener(told)
        } catch (error) {
          console.error(error)
        }
      }
    }
  }
  /** @type {(result: any) => void} */
  let resolve = () => {}
  /** @type {(error: unknown) => void} */
  let reject = () => {}
  const done = new Promise((...ends) => { [resolve, reject] = ends })
  // An application that only listens has not asked for it.
  done.catch(() => {})
  const session = createSession(host, options, {
    progress: (of, info) => emit(of, 'progress', info),
    stored: (of, { bucket, object, endpoint }) => emit(of, 'upload', {
      Bucket: bucket, Key: object, Location: `${bucket}.${endpoint}/${object}`, statusCode: 200,
    }),
    finished: ({ videoId, fileUrl, coverUrl, proof, coverProof, verified }) => resolve({
      fileId: videoId,
      ...(fileUrl && { video: { url: fileUrl, verify_content: proof } }),
      ...(coverUrl && { cover: { url: coverUrl, verify_content: coverProof } }),
      verified,
    }),
    // Those of the service are numbers.
    failed: (error) => reject(/^-?\d+$/.test(error.code) ? Object.assign(error, { code: Number(error.code) }) : error),
  }, { vendorKey })
  return {
    videoInfo: described(session.media, session.name),
    coverInfo: described(session.cover),
    done: () => done,
    cancel: session.cancel,
    pause: session.pause,
    // What has ended its promise cannot begin again.
    resume: () => session.restart(),
    /** @param {string} name @param {Function} listener */
    on(name, listener) {
      heardBy(name).add(listener)
      return this
    },
    /** @param {string} name @param {Function} [listener] without it nobody hears any more */
    off(name, listener) {
      for (const one of heardBy(name)) if (!listener || one === listener || /** @type {any} */ (one).listener === listener) heardBy(name).delete(one)
      return this
    },
    /** @param {string} name @param {Function} listener */
    once(name, listener) {
      const first = (/** @type {unknown} */ told) => {
        heardBy(name).delete(first)
        listener(told)
      }
      return this.on(name, Object.assign(first, { listener }))
    },
  }
}

/**
 * Where vod-js-sdk-v6 keeps a session: by names and sizes, which is why its parts are compared.
 * @param {import('./core.js').Source} media @param {import('./core.js').Source} [cover]
 */
async function vendorKey(media, cover) {
  const names = [media, cover].map((source) => (source ? `${source.file.name}_${source.size};` : '')).join('')
  // Pages without https have no digest.
  const digest = await globalThis.crypto?.subtle?.digest('SHA-1', new TextEncoder().encode(names))
  return digest && `webugc_${[...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** As VOD is told of it. @param {import('./core.js').Source | undefined} source @param {string | null} [name] in place of the file's */
function described(source, name) {
  if (!source) return undefined
  const dot = source.name.lastIndexOf('.')
  const [stem, type] = dot < 0 ? [source.name, ''] : [source.name.slice(0, dot), source.name.slice(dot + 1).toLowerCase()]
  return { name: name || stem, type, size: source.size }
}
