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
 * @property {any} file what the host needs to read the file
 */
/**
 * What the core asks a host to send. A body of bytes is a slice of a file.
 * @typedef {object} WireRequest
 * @property {string} method
 * @property {string} url
 * @property {[string, string][]} headers
 * @property {string | { file: number, start: number, end: number }} [body]
 */
/** @typedef {{ status: number, headers: Record<string, string>, body: string }} WireResponse */
/** @typedef {{ done: Promise<WireResponse>, abort(): void }} Sending */
/**
 * What a platform offers. `done` resolves for any HTTP status and rejects with `{ code, message }` when there is no
 * answer; `FileUnreadable` is the one code that is not worth another try.
 * @typedef {object} Host
 * @property {(imports: WebAssembly.Imports) => Promise<WebAssembly.Instance>} loadCore
 * @property {(file: any) => Source} open throws when it is no file
 * @property {(request: WireRequest, source: Source | undefined, sent: (bytes: number) => void) => Sending} send
 * @property {{ get(key: string): string | null, set(key: string, text: string): void, remove(key: string): void }} storage
 * @property {(listener: (online: boolean) => void) => () => void} watchNetwork calls at once with the present state
 * @property {{ parallel: number }} limits requests at once
 */
/**
 * @typedef {object} Options
 * @property {number} [partSize] bytes
 * @property {number} [parallel]
 * @property {number} [retryCount]
 * @property {number} [retryDuration] milliseconds
 * @property {number} [timeout] milliseconds
 * @property {string} [userId]
 * @property {boolean} [cname]
 */
/** @typedef {{ code: string, message: string, status?: number, requestId?: string }} UploadError */
/** @typedef {{ endpoint: string, bucket: string, object: string, region?: string }} Target */
/**
 * @typedef {{ type: string, file: number, error: UploadError, videoId?: string, sent: number, total: number,
 *   speed: number, remaining?: number }} CoreEvent the fields that its type has
 */

/** The name by which the wasm imports its glue. */
const GLUE = './vodupload_bg.js'

/** Events after which nothing more is owed for a file. @type {Record<string, true | undefined>} */
const ENDINGS = { canceled: true, failed: true, succeeded: true }

/** One module serves all uploaders. @type {Promise<void> | undefined} */
let loading

/** @param {Host} host */
async function load(host) {
  const { exports } = await host.loadCore({ [GLUE]: /** @type {any} */ (glue) })
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
  /** Calls that came before the core. @type {(() => void)[] | undefined} */
  let inbox = []
  /** @type {glue.Uploader | undefined} */
  let uploader
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
    /** @param {string} key */
    load(key) {
      try {
        return host.storage.get(key) ?? undefined
      } catch {
        return undefined
      }
    },
    /** @param {string} key @param {string} text */
    store(key, text) {
      try {
        host.storage.set(key, text)
      } catch (error) {
        bridge.erase(key)
        if (unkept.has(key)) return
        unkept.add(key)
        warn('CheckpointNotSaved', `This upload cannot go on after a reload: ${error}`)
      }
    },
    /** @param {string} key */
    erase(key) {
      try {
        host.storage.remove(key)
      } catch {
        // A storage that cannot be written holds no record of ours.
      }
    },
    /** @param {CoreEvent} event */
    emit(event) {
      if (ENDINGS[event.type]) live.delete(event.file)
      if (event.type === 'queued') live.add(event.file)
      if (event.type === 'finished') ignoreNetwork()
      emit(event)
    },
    /** @param {() => void} enter */
    guard(enter) {
      protect(enter)
    },
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
      die('InternalError', `The upload core failed, reload the page: ${error}`)
    }
  }

  /** @param {string} code @param {string} message */
  function die(code, message) {
    death = { code, message }
    uploader = undefined
    ignoreNetwork()
    failAll()
  }

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

  loading ??= load(host)
  loading.then(
    () => protect(() => {
      uploader = new glue.Uploader(bridge, { ...options, requests: host.limits.parallel }, Math.random())
    }),
    (error) => {
      loading = undefined
      death = { code: 'CoreNotLoaded', message: `WebAssembly did not start; a Content-Security-Policy must allow 'wasm-unsafe-eval': ${error}` }
    },
  ).then(open)

  return {
    /** @param {number} file @param {Source} source @param {{ endpoint?: string, bucket?: string, object?: string }} overrides */
    add(file, source, overrides) {
      const { name, size, lastModified, contentType, fingerprint } = source
      call(() => {
        sources.set(file, source)
        live.add(file)
        protect(() => uploader?.add(file, { name, size, lastModified, contentType, fingerprint }, overrides))
      })
    },
    start() {
      call(() => {
        if (death) return failAll()
        protect(() => uploader?.start())
        if (live.size > 0 && !death) unwatch ??= host.watchNetwork((online) => protect(() => uploader?.network(online)))
      })
    },
    stop() {
      call(() => {
        ignoreNetwork()
        protect(() => uploader?.stop())
      })
    },
    /** @param {number} file */
    cancel(file) {
      call(() => {
        if (death && live.delete(file)) tell('canceled', file)
        protect(() => uploader?.cancel(file))
      })
    },
    /** @param {number} file */
    resume(file) {
      call(() => {
        if (death) live.add(file)
        protect(() => uploader?.resume(file))
      })
    },
    /** @param {number} file */
    remove(file) {
      call(() => {
        protect(() => uploader?.remove(file))
        sources.delete(file)
        live.delete(file)
        tell('removed', file)
      })
    },
    /**
     * The target of a file that waits for a credential and was given a good one.
     * @param {number} file
     * @param {string} auth
     * @param {string} address
     * @param {string | undefined} videoId
     * @returns {Target | undefined}
     */
    authorize(file, auth, address, videoId) {
      return protect(() => /** @type {Target | undefined} */ (uploader?.authorize(file, auth, address, videoId)))
    },
    /** Whether a file waited for another credential and this one is good. @param {string} auth */
    renew(auth) {
      return protect(() => uploader?.renew(auth)) ?? false
    },
  }
}
