// @ts-check
// One upload to Tencent VOD, a media and its cover, as both of Tencent's faces show it: what an application may say,
// signatures by callback or promise, progress by the second, and errors with the numbers of Tencent's documents.
import * as glue from 'vodupload:glue'
import { createCore, UploadError } from './core.js'
import { parseUploadSignature } from './parse_signature.js'
import { sessionHost } from './session_host.js'

/** @typedef {import('./core.js').CoreEvent} CoreEvent */
/** @typedef {import('./core.js').Host} Host */
/** @typedef {import('./tencent.js').SessionOptions} SessionOptions */
/** @typedef {import('./tencent.js').MediaProgress} MediaProgress */
/** @typedef {'prepare' | 'apply' | 'media' | 'cover' | 'commit'} Stage */

/** The media and its cover, as the core knows them. */
const MEDIA = 1
const COVER = 2

/** See `tell` in `src/wasm/mod.rs`. */
const PREPARE = 7

/** Names of files may not have these. */
const FORBIDDEN = /[\\/:*?"<>|]/

/** The numbers of Tencent's documents, by what was being done. @type {Record<Stage, number>} */
const RET_CODES = { prepare: 1001, apply: 1001, media: 1003, cover: 1004, commit: 1006 }

/** …and by code, which tells more. @type {Record<string, number | undefined>} */
const RET_CODES_BY_CODE = {
  10010: 1020, FileUnreadable: 1008, InvalidArgument: 1010, InvalidSignature: 1012, NoMediaFile: 1013, EmptyFile: 1014, InvalidName: 1015,
  NoCoverFile: 1016, Canceled: 1017,
}

/** @type {(keyof SessionOptions)[]} */
const NUMBERS = ['chunkSize', 'chunkParallelLimit', 'chunkRetryTimes', 'retryDelay', 'timeout']

/**
 * An error with `retCode` and `stage`.
 * @param {{ code: string, message: string, hint?: string }} fields @param {Stage | 'validate'} stage
 * @returns {UploadError & { retCode: number, stage: string }}
 */
function sessionError(fields, stage) {
  const isUnanswered = fields.code === 'NetworkError' || fields.code === 'ConnectionTimeoutError'
  const byStage = stage === 'commit' && isUnanswered ? 1005 : stage === 'apply' && fields.code === 'UnexpectedResponse' ? 1002
    : RET_CODES[/** @type {Stage} */ (stage)] ?? 1010
  return Object.assign(new UploadError(fields), { retCode: RET_CODES_BY_CODE[fields.code] ?? byStage, stage })
}

/** VOD wants a type, and takes it from the name's extension. @param {import('./core.js').Source} source */
function typed({ name, contentType }) {
  const [, extension] = /\w\/(\w+)/.exec(contentType) ?? []
  return name.includes('.') || !extension ? name : `${name}.${extension}`
}

/** The nearest region stays so for ten minutes, and on one network. Milliseconds. */
const NEAREST_FOR = 600_000
/** By whoever signs, for regions are an account's. @type {WeakMap<Function, { region: string, at: number }>} */
let nearest = new WeakMap()

/**
 * The second file of a media.
 * @param {ReturnType<typeof createCore>} core @param {number} media @param {number} id @param {import('./core.js').Source} cover
 */
export const addCover = (core, media, id, cover) => core.more(({ sources, enter }, uploader) => {
  sources.set(id, cover)
  enter(() => glue.cover(uploader, media, id, cover))
})

/** @param {string} code @param {string} message */
export const misuse = (code, message) => sessionError({ code, message }, 'validate')

/**
 * Looks for the nearest region ahead of uploads, and has the core loaded.
 * @param {Host} platform @param {SessionOptions} options @returns {Promise<{ region?: string }>}
 */
export const prepareSession = (platform, options) => new Promise((resolve, reject) => {
  const nobody = () => {}
  createSession(platform, { ...options, mediaFile: null, videoFile: null, coverFile: null }, {
    progress: nobody, stored: nobody, failed: reject, finished: () => resolve({ region: nearest.get(options.getSignature)?.region }),
  }, { prepares: true })
})

/**
 * Starts an upload; throws what is wrong with the options.
 * @param {Host} platform
 * @param {SessionOptions} options
 * @param {object} hear what becomes of it; none may throw, and of the last three one comes, once
 * @param {(of: 'media' | 'cover', progress: MediaProgress) => void} hear.progress
 * @param {(of: 'media' | 'cover', target: any) => void} hear.stored
 * @param {(result: any) => void} hear.finished
 * @param {(error: UploadError & { retCode: number, stage: string }) => void} hear.failed
 * @param {{ prepares?: boolean, vendorKey?: import('./session_host.js').VendorKey }} [how]
 */
export function createSession(platform, options, hear, { prepares = false, vendorKey } = {}) {
  const { getSignature, fileId } = options
  if (typeof getSignature !== 'function') throw misuse('InvalidArgument', 'getSignature must be a function.')
  const host = { ...platform, ...options.host, ...(options.storage && { storage: options.storage }) }
  const mediaFile = options.mediaFile ?? options.videoFile
  // As with the vendor's, an empty name is none.
  const name = options.mediaName || options.videoName || options.fileName
  if (name && typeof name !== 'string') throw misuse('InvalidName', 'mediaName must be a string.')
  if (name && FORBIDDEN.test(name)) throw misuse('InvalidName', 'mediaName must not have \\ / : * ? " < > |.')
  if (!prepares && !mediaFile && !(fileId && options.coverFile)) {
    throw misuse('NoMediaFile', 'Give mediaFile, with or without coverFile; or coverFile with the fileId of a media.')
  }

  /** @param {any} file @param {string} code @param {string} what */
  const open = (file, code, what) => {
    try {
      const source = host.open(file)
      if (source.size > 0) return { ...source, name: typed(source) }
    } catch (error) {
      throw misuse(code, `${what} is no file: ${/** @type {any} */ (error)?.errMsg ?? error}`)
    }
    throw misuse('EmptyFile', `${what} is empty.`)
  }
  const media = mediaFile ? open(mediaFile, 'NoMediaFile', 'mediaFile') : undefined
  const cover = options.coverFile ? open(options.coverFile, 'NoCoverFile', 'coverFile') : undefined
  const own = /** @type {import('./core.js').Source} */ (media ?? cover)

  /** @type {any} */
  const settings = {
    tencent: true,
    forwards: options.forward ?? host.forwards,
    // Where all goes to one host there is none to choose, and others may not be asked.
    races: (options.enableRaceRegion ?? !host.forwards) !== false,
    integrity: options.integrity,
    corePath: options.corePath,
    vodEndpoint: options.vodEndpoint,
  }
  const known = nearest.get(getSignature)
  if (known && Date.now() - known.at < NEAREST_FOR) settings.nearest = known.region
  const [partSize, parallel, retryCount, retryDuration, timeout] =
    NUMBERS.map((key) => (String(options[key] ?? '') ? Number(options[key]) : undefined))
  Object.assign(settings, { partSize, parallel, retryCount, retryDuration, timeout })
  for (const key of Object.keys(settings)) if (settings[key] === undefined) delete settings[key]

  /** @type {Stage} */
  let stage = 'apply'
  /** @type {'succeeded' | 'failed' | 'canceled' | undefined} */
  let end
  let isPaused = false
  /** @type {any} */
  const result = {}
  /** What was last asked for, and how often for the same call. */
  let asked = { purpose: '', attempt: 0 }
  /** What has been told of each file, and when. @type {Map<number, { at: number, loaded: number }>} */
  const told = new Map()

  /** @param {() => void} call */
  const later = (call) => Promise.resolve().then(call).catch(console.error)

  /** @type {Host['watchNetwork']} another network may have another nearest region */
  const watchNetwork = (listener) => host.watchNetwork((online) => {
    if (!online) nearest = new WeakMap()
    listener(online)
  })
  const core = createCore({ ...sessionHost(host, options, own, cover, vendorKey), watchNetwork }, settings, heard,
    (code, message) => report('error', code, message))

  /** What ends no upload. @param {'error' | 'warning'} level @param {string} code @param {string} message */
  function report(level, code, message) {
    console[level === 'error' ? level : 'warn'](`vodupload: ${code}: ${message}`)
    later(() => options.logger?.({ level, code, message }))
  }

  /** @param {any} error */
  function fail(error) {
    if (end) return
    end = error.code === 'Canceled' ? 'canceled' : 'failed'
    isPaused = false
    const failure = sessionError(error, stage)
    later(() => hear.failed(failure))
  }

  /** @param {any} event a `CoreEvent`, or one of those that only Tencent's service has */
  function heard(event) {
    const of = event.file === COVER || (!media && event.file === MEDIA) ? 'cover' : 'media'
    switch (event.type) {
      case 'tokenNeeded':
        if (event.purpose !== 'refresh') stage = event.purpose
        ask(event)
        break
      case 'authorized':
        asked.attempt = 0
        stage = stage === 'commit' ? 'commit' : media ? 'media' : 'cover'
        Object.assign(result, event.target)
        break
      case 'nearest':
        nearest.set(getSignature, { region: event.region, at: Date.now() })
        break
      case 'progress':
        progress(of, event)
        break
      case 'stored':
        if (of === 'media' && cover) stage = 'cover'
        later(() => hear.stored(of, event.target))
        break
      case 'succeeded':
        end = 'succeeded'
        later(() => hear.finished({ ...result, verified: event.verified }))
        break
      case 'failed':
        fail(event.error)
        break
      case 'canceled':
        fail({ code: 'Canceled', message: 'The upload was cancelled.' })
    }
  }

  /** @param {'media' | 'cover'} of @param {CoreEvent} event */
  function progress(of, { file, sent, total, speed }) {
    const last = told.get(file)
    const now = Date.now()
    const isOver = sent === total
    if (last && !isOver && now - last.at < (options.progressInterval ?? 1000)) return
    told.set(file, { at: now, loaded: sent })
    // Two decimals, cut off: 1 is for what is stored.
    const percent = Math.floor(sent / total * 100) / 100
    later(() => hear.progress(of, { loaded: sent, total, percent, speed }))
  }

  /**
   * Has the application sign: by its callback, its promise or what it returns, whichever comes first.
   * @param {{ purpose: import('./tencent.js').SignatureHint['purpose'] }} event
   */
  function ask({ purpose }) {
    // A signature that was refused counts, too: who keeps one has to know.
    const attempt = asked.purpose === purpose ? asked.attempt + 1 : 1
    asked = { purpose, attempt }
    let isOpen = true
    /** @param {unknown} given */
    const take = (given) => {
      if (!isOpen) return
      isOpen = false
      const signature = typeof given === 'string' ? given.trim() : given
      const { warnings } = parseUploadSignature(signature)
      if (typeof signature !== 'string' || !/^[\w+/=-]+$/.test(signature)) {
        return core.refuse(MEDIA, 'InvalidSignature', `getSignature gave no signature. ${warnings[0]?.message}`)
      }
      // Whether it is good VOD decides, by a clock that is right.
      for (const { code, message } of warnings) report('warning', code, message)
      core.authorize(MEDIA, { signature })
    }
    /** @param {any} error */
    const refuse = (error) => {
      if (!isOpen) return
      isOpen = false
      core.refuse(MEDIA, 'InvalidSignature', `getSignature failed: ${error?.message ?? error?.errMsg ?? error}`)
    }
    later(() => {
      try {
        const given = /** @type {any} */ (getSignature(take, { purpose, attempt }))
        // Who has the callback may return what calls it, such as the task of wx.request, and be async.
        const knowsCallback = getSignature.length > 0
        if (typeof given?.then === 'function') given.then((/** @type {unknown} */ one) => (one === undefined && knowsCallback) || take(one), refuse)
        else if (typeof given === 'string' || given !== undefined && !knowsCallback) take(given)
      } catch (error) {
        refuse(error)
      }
    })
  }

  if (prepares) {
    core.more(({ live, enter }, uploader) => {
      live.add(MEDIA)
      enter(() => glue.tell(uploader, PREPARE, MEDIA))
    })
  } else {
    const metadata = JSON.stringify({ fileId, expireTime: options.expireTime, name: media && name || undefined })
    // The same cover for another media is another upload.
    const which = media ? cover?.fingerprint : fileId
    core.add(MEDIA, { ...own, fingerprint: `tencent_${own.fingerprint}${which ? `_${which}` : ''}` }, { isImage: false, metadata }, {})
    if (media && cover) addCover(core, MEDIA, COVER, cover)
  }
  core.start()

  return {
    media,
    cover,
    /** What the media is called, if not as its file. */
    name,
    get hasEnded() { return Boolean(end) },
    /** What is stored is kept for the next upload of the same files, unless it is to be discarded. */
    cancel({ discard = options.enableResume === false } = {}) {
      if (end) return
      if (discard) return core.cancel(MEDIA)
      core.stop()
      heard({ type: 'canceled' })
    },
    pause() {
      isPaused = !end
      if (isPaused) core.stop()
    },
    /** Goes on after a pause, or begins again what has ended so. @param {('failed' | 'canceled')[]} ends */
    restart(...ends) {
      if (!isPaused && !ends.some((one) => one === end)) return
      if (end === 'canceled') core.resume(MEDIA)
      isPaused = false
      end = undefined
      asked.attempt = 0
      core.start()
    },
  }
}
