// @ts-check
// The Rust core as JavaScript sees it: loads it once, holds calls until it is there, maps file ids to files,
// and turns a dead core into errors that reach the application.
import * as glue from 'vodupload:glue'

/**
 * A file as a host describes it.
 * @typedef {object} Source
 * @property {string} name
 * @property {number} size bytes
 * @property {number} lastModified milliseconds since 1970, 0 when unknown
 * @property {string} contentType
 * @property {string} fingerprint the key of the checkpoint, equal only for equal files
 * @property {any} file what the host needs to read the file; equal only for the same file
 * @property {object} [info] what `uploadInfo` tells of it besides
 */
/**
 * What the core asks a host to send. A body of bytes is a slice of a file; with `fields` it is a form, whose last
 * field `file` is the slice and whose type the host sets.
 * @typedef {object} WireRequest
 * @property {string} method
 * @property {string} url
 * @property {[string, string][]} headers
 * @property {string | { file: number, start: number, end: number, fields?: [string, string][] }} [body]
 */
/** @typedef {{ status: number, headers: Record<string, string>, body: string }} WireResponse */
/** @typedef {{ done: Promise<WireResponse>, abort(): void }} Sending */
/**
 * Where checkpoints are kept; may also answer with promises.
 * @typedef {object} Storage
 * @property {(key: string) => string | null | undefined | Promise<string | null | undefined>} get
 * @property {(key: string, text: string) => unknown} set
 * @property {(key: string) => unknown} remove
 */
/**
 * What a platform offers. `done` resolves for any HTTP status and rejects with `{ code, message }` when there is no
 * answer; `FileUnreadable` is the one code that is not worth another try.
 * @typedef {object} Host
 * @property {(imports: any, corePath?: string) => Promise<{ exports: any }>} loadCore
 * @property {string} [coreHint] what to do when it cannot be loaded
 * @property {string} [networkHint] what to check when there is no answer
 * @property {(file: any) => Source} open throws when it is no file
 * @property {(request: WireRequest, source: Source | undefined, sent: (bytes: number) => void) => Sending} send
 * @property {(source: Source, start: number, end: number) => Promise<ArrayBuffer>} read
 * @property {Storage} storage
 * @property {(key: string) => Promise<(() => void) | undefined>} [lock] resolves with its release, or with nothing when
 *   another page of this user holds it
 * @property {(listener: (online: boolean) => void) => () => void} watchNetwork calls at once with the present state
 * @property {Limits} limits
 * @property {boolean} [forwards] whether all requests to Tencent have to go to one host
 */
/**
 * @typedef {object} Limits
 * @property {number} parallel requests at once
 * @property {number} form bytes of the largest file that is sent as a form; `Infinity` where no other can be sent
 * @property {number} [parts] parts of a file at once, unless the application says
 * @property {number} [largestPart] bytes that parts may grow to by themselves
 * @property {number} [unseenRate] bytes per second of the slowest link, where nobody tells how much of a slice has left
 * @property {number} [digestRate] bytes per second up to which digesting what is stored costs next to no
 *   time; 0 where files cannot be read
 */
/**
 * @typedef {object} Options
 * @property {number} [partSize] bytes
 * @property {number} [parallel]
 * @property {number} [fileParallel]
 * @property {number} [retryCount]
 * @property {number} [retryDuration] milliseconds
 * @property {number} [timeout] milliseconds
 * @property {number} [refreshTimeout] milliseconds
 * @property {number} [signatureVersion] 1 or 4
 * @property {string} [userId]
 * @property {string} [region]
 * @property {string} [vodEndpoint]
 * @property {boolean} [cname]
 * @property {boolean} [integrity]
 * @property {boolean} [tencent] whose cloud it is: Aliyun's, or else Tencent's
 * @property {boolean} [server] whether it is asked by Tencent's interface for servers
 * @property {boolean} [forwards] whether requests go to the service's host alone
 * @property {boolean} [races] whether the nearest region is looked for
 * @property {string} [nearest] which it is, if that is known
 * @property {string} [corePath]
 */
/**
 * What an application answers when it is asked for a credential, see `grant` in `src/wasm/convert.rs`.
 * @typedef {{ signature: string }} SignatureGrant
 * @typedef {{ uploadAuth: string, uploadAddress?: string, videoId?: string, imageId?: string, imageUrl?: string,
 *   fileUrl?: string }} UploadGrant
 * @typedef {{ accessKeyId: string, accessKeySecret: string, securityToken: string, direct?: boolean,
 *   Expiration?: string | number, endpoint?: string | null, bucket?: string | null, object?: string | null }} TokenGrant
 */
/**
 * @typedef {{ type: string, file: number, error: UploadError, videoId?: string, target: object, sent: number,
 *   total: number, speed: number, remaining?: number, verified: boolean }} CoreEvent the fields that its type has
 */

/** @typedef {import('./index.js').UploadError} UploadError */

/** A file's failure, with the fields that js/index.d.ts describes. @type {typeof import('./index.js').UploadError} */
export const UploadError = /** @type {any} */ (class extends Error {
  /** @param {{ message: string, hint?: string }} fields */
  constructor(fields) {
    super(fields.message)
    Object.assign(this, { name: 'UploadError', hint: '', retryable: false }, fields)
  }
})

/** The name by which the wasm imports its glue. */
const GLUE = './vodupload_bg.js'

// What the core is told by number, see `tell` in `src/wasm/mod.rs`.
const START = 0
const STOP = 1
const CANCEL = 2
const RESUME = 3
const REMOVE = 4
const ONLINE = 5
const OFFLINE = 6

const RELOAD = 'Reload the page or the mini program.'

/** Events after which nothing more is owed for a file. @type {Record<string, true | undefined>} */
const ENDINGS = { canceled: true, failed: true, succeeded: true }

/** Events after which another page may go on with a file. @type {Record<string, true | undefined>} */
const PAUSES = { ...ENDINGS, stopped: true }

/** One module serves all uploaders. @type {Promise<void> | undefined} */
let loading

/** @param {Host} host @param {string} [corePath] */
async function load(host, corePath) {
  const { exports } = await host.loadCore({ [GLUE]: glue }, corePath)
  glue.__wbg_set_wasm(exports)
  const start = /** @type {(() => void) | undefined} */ (exports.__wbindgen_start)
  start?.()
}

/**
 * @param {Host} host
 * @param {Options} options
 * @param {(event: CoreEvent) => void} emit must not throw
 * @param {(code: string, message: string) => void} warn
 */
export function createCore(host, options, emit, warn) {
  /** @type {Map<number, Source>} */
  const sources = new Map()
  /** Files whose end the application has yet to hear of. @type {Set<number>} */
  const live = new Set()
  /** Files whose checkpoint could not be kept; each is told of once. @type {Set<string>} */
  const unkept = new Set()
  /** Whose checkpoints this page may touch. @type {Map<string, Promise<(() => void) | undefined>>} */
  const locks = new Map()
  /** Whose checkpoints are another page's. @type {Set<string>} */
  const foreign = new Set()
  /** All locks that were given up are free. @type {Promise<unknown> | undefined} */
  let freed
  /** Calls that came before the core. @type {(() => void)[] | undefined} */
  let inbox = []
  /** The core's name for this queue, 0 until there is one. */
  let uploader = 0
  /** @type {UploadError | undefined} */
  let death
  /** @type {(() => void) | undefined} */
  let unwatch

  const bridge = {
    /** @param {WireRequest} request @param {(bytes: number) => void} sent @returns {Sending} */
    send(request, sent) {
      const source = typeof request.body === 'object' ? sources.get(request.body.file) : undefined
      try {
        return host.send(request, source, sent)
      } catch (error) {
        return { done: Promise.reject({ message: String(error) }), abort() {} }
      }
    },
    /** @param {number} file @param {number} start @param {number} end */
    async read(file, start, end) {
      const source = sources.get(file)
      let message = `Bytes ${start} to ${end} of the file are not there.`
      try {
        const bytes = source && await host.read(source, start, end)
        if (bytes?.byteLength === end - start) return bytes
      } catch (error) {
        message = String(/** @type {any} */ (error)?.message ?? error)
      }
      throw { code: 'FileUnreadable', message }
    },
    /** @param {number} _file @param {string} key */
    async load(_file, key) {
      try {
        // A file that goes on at once must not find its own lock held.
        const lock = Promise.resolve(freed).then(() => host.lock?.(key) ?? (() => {}))
        locks.set(key, lock)
        if (!await lock) {
          // Another page sends the same file: this one sends it, too, and leaves the record alone.
          foreign.add(key)
          return undefined
        }
        foreign.delete(key)
        return await host.storage.get(key) ?? undefined
      } catch {
        return undefined
      }
    },
    /** @param {string} key @param {string} text */
    async store(key, text) {
      if (foreign.has(key)) return
      try {
        await host.storage.set(key, text)
      } catch (error) {
        bridge.erase(key)
        if (unkept.has(key)) return
        unkept.add(key)
        warn('CheckpointNotSaved', `This upload cannot go on after a reload: ${error}`)
      }
    },
    /** @param {string} key */
    async erase(key) {
      if (foreign.has(key)) return
      try {
        await host.storage.remove(key)
      } catch {
        // A storage that cannot be written holds no record of ours.
      }
    },
    /** @param {CoreEvent} event */
    emit(event) {
      if (ENDINGS[event.type]) live.delete(event.file)
      if (PAUSES[event.type]) release(event.file)
      if (event.type === 'queued') live.add(event.file)
      if (event.type === 'finished') ignoreNetwork()
      if (event.error) {
        const { code, message, hint } = event.error
        const advice = code === 'NetworkError' && host.networkHint || hint
        event.error = new UploadError({ ...event.error, message: advice === hint ? message : `${message} ${advice}`, hint: advice })
      }
      emit(event)
    },
    /** @param {() => void} enter */
    guard(enter) {
      protect(enter)
    },
  }

  /** @param {number} file */
  function release(file) {
    const key = sources.get(file)?.fingerprint ?? ''
    const lock = locks.get(key)
    locks.delete(key)
    freed = Promise.all([freed, lock?.then((free) => free?.(), () => {})])
  }

  /**
   * Nothing enters a dead core, and no trap gets past here.
   * @template T
   * @param {() => T} enter
   * @returns {T | undefined}
   */
  function protect(enter) {
    if (death) return undefined
    try {
      return enter()
    } catch (error) {
      death = new UploadError({ code: 'InternalError', message: `The upload core failed: ${error} ${RELOAD}`, hint: RELOAD })
      uploader = 0
      ignoreNetwork()
      failAll()
    }
  }

  /** @template T @param {() => T} call */
  const enter = (call) => (uploader ? protect(call) : undefined)

  /** Tells the end of all files. They stay live: a new start fails them anew. */
  function failAll() {
    const files = [...live]
    for (const file of files) tell('failed', file)
    if (files.length > 0) tell('finished', files[files.length - 1])
  }

  /** An event that the core cannot tell itself. @param {string} type @param {number} file */
  function tell(type, file) {
    emit(/** @type {CoreEvent} */ ({ type, file, error: death }))
  }

  function ignoreNetwork() {
    unwatch?.()
    unwatch = undefined
  }

  /** @param {() => void} action */
  function call(action) {
    if (inbox) inbox.push(action)
    else action()
  }

  function open() {
    const held = inbox ?? []
    inbox = undefined
    for (const action of held) action()
  }

  loading ??= load(host, options.corePath)
  loading.then(
    () => protect(() => {
      const { parallel, form, parts, digestRate, ...limits } = host.limits
      uploader = glue.create(bridge, {
        parallel: parts,
        ...options,
        ...limits,
        requests: parallel,
        largestForm: form,
        // Where nothing can be read again, nothing can be compared.
        integrityRate: options.integrity === false ? 0 : options.integrity && digestRate !== 0 ? undefined : digestRate,
      }, Math.random())
    }),
    (error) => {
      loading = undefined
      death = new UploadError({
        code: 'CoreNotLoaded',
        message: `WebAssembly did not start: ${error} ${host.coreHint}`,
        hint: host.coreHint,
      })
    },
  ).then(open)

  return {
    /**
     * @param {number} file
     * @param {Source} source
     * @param {{ isImage: boolean, metadata: string }} media
     * @param {{ endpoint?: string, bucket?: string, object?: string }} overrides
     */
    add(file, source, media, overrides) {
      call(() => {
        // Equal files in one list have a checkpoint each.
        const taken = [...sources.values()].some(({ fingerprint }) => fingerprint === source.fingerprint)
        const fingerprint = taken ? `${source.fingerprint}_${file}` : source.fingerprint
        const own = { ...source, fingerprint }
        sources.set(file, own)
        live.add(file)
        enter(() => glue.add(uploader, file, { ...own, ...media }, overrides))
      })
    },
    /**
     * What not all services know: see js/session.js.
     * @param {(inside: { sources: Map<number, Source>, live: Set<number>, enter: (call: () => void) => void }, uploader: number) => void} act
     */
    more: (act) => call(() => act({ sources, live, enter }, uploader)),
    start() {
      call(() => {
        if (death) return failAll()
        enter(() => glue.tell(uploader, START, 0))
        if (live.size > 0 && !death) unwatch ??= host.watchNetwork((online) => enter(() => glue.tell(uploader, online ? ONLINE : OFFLINE, 0)))
      })
    },
    stop() {
      call(() => {
        ignoreNetwork()
        enter(() => glue.tell(uploader, STOP, 0))
      })
    },
    /** @param {number} file */
    cancel(file) {
      call(() => {
        if (death && live.delete(file)) tell('canceled', file)
        enter(() => glue.tell(uploader, CANCEL, file))
      })
    },
    /** @param {number} file */
    resume(file) {
      call(() => {
        if (death) live.add(file)
        enter(() => glue.tell(uploader, RESUME, file))
      })
    },
    /** @param {number} file */
    remove(file) {
      call(() => {
        enter(() => glue.tell(uploader, REMOVE, file))
        sources.delete(file)
        live.delete(file)
        tell('removed', file)
      })
    },
    /**
     * Whether this credential is good; `undefined` when none was asked for. Without a file it is for the one that was
     * asked to renew.
     * @param {number | undefined} file
     * @param {UploadGrant | TokenGrant | SignatureGrant} given
     */
    authorize(file, given) {
      return enter(() => glue.authorize(uploader, file, given))
    },
    /** There will be no credential for a file that waits for one. @param {number} file @param {string} code @param {string} message */
    refuse(file, code, message) {
      enter(() => glue.authorize(uploader, file, { refusal: code, message }))
    },
  }
}
