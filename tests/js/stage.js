// @ts-check
// An uploader on a fake host with every callback written down.
import { vodUploadOn, within } from './bundle.js'
import { FakeFile, fakeHost } from './fake_host.js'
import { tinyOss } from './tiny_oss.js'

/** @typedef {import('../../js/index.js').UploadInfo} UploadInfo */
/** @typedef {import('../../js/index.js').VODUploadOptions} VODUploadOptions */
/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {{ name: string, args: any[], state: string }} Call `state`: the file's at that moment */

/** Below it a file is one request. */
export const PART = 102_400
export const SECRET = 'Secret0123456789'
export const TOKEN = 'CAISToken/+=='

/** @param {unknown} value */
export const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64')

/** @param {object} [more] */
export const authOf = (more) => encode({
  AccessKeyId: 'STS.N', AccessKeySecret: SECRET, SecurityToken: TOKEN, Expiration: '3000', ...more,
})
export const AUTH = authOf()

/** @param {object} [more] */
export const addressOf = (more) => encode({
  Endpoint: 'https://oss-cn-shanghai.aliyuncs.com', Bucket: 'outin-test', FileName: 'sv/a.mp4', ...more,
})
export const ADDRESS = addressOf()

const CALLBACKS = [
  'onUploadstarted', 'onUploadSucceed', 'onUploadFailed', 'onUploadProgress', 'onUploadTokenExpired', 'onUploadCanceled',
  'onUploadEnd',
]

/** An error's fields, with its message. @param {any} error */
export const fieldsOf = (error) => ({ ...error, message: error.message })

/** What an `UploadError` is that JS has made. @param {string} code @param {string} message @param {string} [hint] */
export const bareError = (code, message, hint = '') => ({ name: 'UploadError', code, message, hint, retryable: false })

/** A promise and its ends. */
export function deferred() {
  /** @type {(value?: any) => void} */
  let resolve = () => {}
  /** @type {(reason?: any) => void} */
  let reject = () => {}
  const promise = new Promise((done, fail) => { [resolve, reject] = [done, fail] })
  return { promise, resolve, reject }
}

/** All that is due without a timer has happened. */
export const settled = async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/**
 * @typedef {object} Setup
 * @property {VODUploadOptions & Record<string, unknown>} [options]
 * @property {ReturnType<typeof fakeHost>} [fake]
 * @property {boolean} [authorize] false: nobody answers onUploadstarted
 * @property {boolean} [serve] false: the test answers the requests
 * @property {ReturnType<typeof tinyOss>} [oss]
 * @property {typeof vodUploadOn} [vodUploadOn] of a fresh module
 */

/**
 * @param {TestContext} t
 * @param {Setup} [setup]
 */
export function stage(t, setup = {}) {
  const { fake = fakeHost(), oss = tinyOss(), authorize = true, serve = true } = setup
  /** @type {Call[]} */
  const calls = []
  /** @type {{ level: string, code: string, message: string }[]} */
  const log = []
  /** @type {Map<string, number>} */
  const claimed = new Map()
  /** @type {Set<() => void>} */
  const waiting = new Set()
  /** @type {string[]} */
  const lines = []
  for (const method of /** @type {const} */ (['log', 'info', 'warn', 'error', 'debug'])) {
    t.mock.method(console, method, (/** @type {unknown[]} */ ...words) => { lines.push(words.map(String).join(' ')) })
  }

  const given = setup.options ?? {}
  /** @type {Record<string, any>} */
  const options = {
    userId: '7',
    partSize: PART,
    retryDuration: 0,
    logger: (/** @type {any} */ entry) => { log.push(entry) },
    ...given,
  }
  for (const name of CALLBACKS) {
    /** @this {unknown} @param {any[]} args */
    options[name] = function (...args) {
      calls.push({ name, args, state: args[0]?.state })
      for (const wake of [...waiting]) wake()
      if (name === 'onUploadstarted' && authorize) {
        uploader.setUploadAuthAndAddress(args[0], AUTH, ADDRESS, args[0].videoId ?? 'VID')
      }
      return /** @type {any} */ (given)[name]?.apply(this, args)
    }
  }
  if (serve) fake.serve(oss.answer)
  const VODUpload = (setup.vodUploadOn ?? vodUploadOn)(fake.host)
  const uploader = new VODUpload(/** @type {VODUploadOptions} */ (options))

  const of = (/** @type {string} */ name) => calls.filter((call) => call.name === name)
  return {
    uploader,
    fake,
    oss,
    calls,
    log,
    lines,
    of,
    /** The next call of this callback that was not awaited yet. @param {string} name @returns {Promise<any[]>} */
    async next(name) {
      const index = claimed.get(name) ?? 0
      claimed.set(name, index + 1)
      while (of(name).length <= index) {
        await within(new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
          const wake = () => { waiting.delete(wake); resolve() }
          waiting.add(wake)
        }), () => `${name} did not come after ${calls.map((call) => call.name)}; log: ${JSON.stringify(log)}`)
      }
      return of(name)[index].args
    },
    /** Names of the callbacks so far; runs of progress are one. */
    story: () => calls.map((call) => call.name.replace('onUpload', ''))
      .filter((name, i, all) => name !== 'Progress' || all[i - 1] !== 'Progress'),
    /** Adds a file. @param {string} [name] @param {number} [size] */
    add(name = 'a.mp4', size = 1_000) {
      const file = new FakeFile(name, size)
      uploader.addFile(file)
      return file
    },
  }
}

/** A file of `parts` parts of which `done` are stored and the rest is under way. @param {TestContext} t */
export async function halfway(t, { parts = 6, done = 2 } = {}) {
  const oss = tinyOss()
  const fake = fakeHost()
  const scene = stage(t, { oss, fake })
  fake.serve((request) => (request.part > done ? undefined : oss.answer(request)))
  scene.add('a.mp4', parts * PART)
  scene.uploader.startUpload()
  await scene.next('onUploadstarted')
  await settled()
  const open = () => fake.requests.filter((request) => !request.ended)
  return { ...scene, open, info: scene.uploader.listFiles()[0] }
}
