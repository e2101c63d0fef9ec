// @ts-check
// Both of Tencent's faces on a fake host, with every callback and event written down.
import { tcVodOn, vodUploaderOn, within } from './bundle.js'
import { FakeFile, fakeHost } from './fake_host.js'
import { askedOf, nameOf, sign, tinyUgc } from './tiny_ugc.js'

/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {{ name: string, args: any[] }} Call */

/** Tencent's smallest part. */
export const PART = 1 << 20

const EVENTS = /** @type {const} */ (['media_progress', 'video_progress', 'cover_progress', 'media_upload', 'video_upload', 'cover_upload'])

/**
 * @param {TestContext} t
 * @param {{ fake?: ReturnType<typeof fakeHost>, ugc?: ReturnType<typeof tinyUgc>, serve?: boolean }} [setup] `serve` false: the test answers
 */
export function ugcStage(t, { fake = fakeHost(), ugc = tinyUgc(), serve = true } = {}) {
  /** @type {Call[]} */
  const calls = []
  /** What getSignature was asked, and what it gave. @type {{ purpose: string, attempt: number, signature: string }[]} */
  const signed = []
  /** @type {{ level: string, code: string, message: string }[]} */
  const log = []
  /** @type {string[]} */
  const lines = []
  /** @type {Map<string, number>} */
  const claimed = new Map()
  /** @type {Set<() => void>} */
  const waiting = new Set()
  for (const method of /** @type {const} */ (['log', 'info', 'warn', 'error', 'debug'])) {
    t.mock.method(console, method, (/** @type {unknown[]} */ ...words) => { lines.push(words.map(String).join(' ')) })
  }
  if (serve) fake.serve(ugc.answer)

  const hear = (/** @type {string} */ name) => (/** @type {any[]} */ ...args) => {
    calls.push({ name, args })
    for (const wake of [...waiting]) wake()
  }
  const of = (/** @type {string} */ name) => calls.filter((call) => call.name === name)
  const common = {
    retryDelay: 0,
    enableRaceRegion: false,
    logger: (/** @type {any} */ entry) => { log.push(entry) },
    /** @type {import('../../js/tencent.js').GetSignature} */
    getSignature: (callback, hint) => {
      const signature = sign()
      signed.push({ ...hint, signature })
      callback(signature)
    },
  }

  return {
    fake, ugc, calls, signed, log, lines, of,
    /** The next call of this callback, or end of this promise, that was not awaited yet. @param {string} name @returns {Promise<any>} */
    async next(name) {
      const index = claimed.get(name) ?? 0
      claimed.set(name, index + 1)
      while (of(name).length <= index) {
        await within(new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
          const wake = () => { waiting.delete(wake); resolve() }
          waiting.add(wake)
        }), () => `${name} did not come after ${calls.map((call) => call.name)}; ${fake.requests.map(nameOf)}; log: ${JSON.stringify(log)}`)
      }
      return of(name)[index].args[0]
    },
    /** The mini programs' face. @param {Record<string, any>} [options] */
    start: (options) => vodUploaderOn(fake.host).start(/** @type {any} */ ({
      ...common, progress: hear('progress'), success: hear('success'), finish: hear('finish'), error: hear('error'),
      mediaFile: new FakeFile('a.mp4', 1_000), ...options,
    })),
    /** The pages' face: `done` and `failed` are the ends of its promise. @param {Record<string, any>} [options] @param {Record<string, any>} [made] */
    upload(options, made) {
      const TcVod = tcVodOn(fake.host)
      const uploader = new TcVod(/** @type {any} */ ({ ...common, ...made })).upload({ mediaFile: /** @type {any} */ (new FakeFile('a.mp4', 1_000)), ...options })
      for (const name of EVENTS) uploader.on(name, hear(name))
      uploader.done().then(hear('done'), hear('failed'))
      return uploader
    },
    /** Names of all requests so far. */
    operations: () => fake.requests.map(nameOf),
    /** Requests that nobody has answered. */
    open: () => fake.requests.filter((request) => !request.ended),
    /** What VOD was asked. @param {string} [action] */
    asked: (action) => fake.requests.filter((request) => request.url.searchParams.has('Action')).map(askedOf)
      .filter((asked) => !action || asked.action === action),
  }
}

/** From now on requests of these names stand still; all else is answered. @param {ReturnType<typeof ugcStage>} stage @param {string[]} names */
export function hold({ fake, ugc }, ...names) {
  fake.serve((request) => (names.includes(nameOf(request)) ? undefined : ugc.answer(request)))
}

/** The first requests of a name are answered by this, all else as ever. @param {ReturnType<typeof ugcStage>} stage @param {string} name @param {any} response @param {number} [times] */
export function refuse({ fake, ugc }, name, response, times = Infinity) {
  let left = times
  fake.serve((request) => {
    if (nameOf(request) !== name || left <= 0) return ugc.answer(request)
    left--
    return typeof response === 'function' ? response(request) : response
  })
}

/** An upload of three parts of which one is stored and the others are under way. @param {ReturnType<typeof ugcStage>} stage @param {Record<string, any>} [options] */
export async function halfway(stage, options) {
  const { fake, ugc } = stage
  fake.serve((request) => (request.part > 1 ? undefined : ugc.answer(request)))
  const uploader = stage.start({ mediaFile: new FakeFile('long.mp4', 3 * PART), chunkSize: PART, progressInterval: 0, ...options })
  const deadline = Date.now() + 5_000
  while ((ugc.oss.uploads.values().next().value?.size ?? 0) < 1 || stage.open().length < 2) {
    if (Date.now() > deadline) throw new Error(`not halfway after ${stage.operations()}; ${JSON.stringify(stage.of('error'))}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return uploader
}
