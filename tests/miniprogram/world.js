// @ts-check
// What the stories of the built package stand on: a phone, a local cloud under Aliyun's host names, and an app that uses
// the package as Aliyun's documents say. Waiting is always for something that happens; no test measures time.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { startCloud } from '../cloud/index.js'
import { makeProject, MiB } from './project.js'
import { runProject } from './sandbox.js'
import { createWx } from './wx.js'

/** @typedef {import('./sandbox.js').Runtime} Runtime */

/** The built package. */
export const PACKAGE = fileURLToPath(new URL('../../dist/miniprogram/', import.meta.url))
const OSS = 'oss-cn-shanghai.aliyuncs.com'
export const BUCKET_HOST = `outin-local.${OSS}`
const VOD_HOST = 'vod.cn-shanghai.aliyuncs.com'
const UGC_HOST = 'vod2.qcloud.com'
const APP_HOST = 'app.example.com'

/** The app: it asks its server for credentials with wx.request, and tells what it is called back with. */
const APP = `
const vodupload = require('vodupload')
const VODUpload = vodupload.default
const app = 'https://${APP_HOST}'
let uploader
let grant
let picked = []

function ask(path, answer) {
  wx.request({ url: app + path, success: function (res) { answer(res.data) }, fail: function (res) { console.log('@appFailed', res.errMsg) } })
}
function shown(info) {
  return { file: info.file && info.file.name, state: info.state, videoId: info.videoId, imageId: info.imageId, object: info.object, verified: info.verified, size: info.fileSize }
}
const CALLBACKS = {
  addFileSuccess: function (info) { console.log('@addFileSuccess', shown(info)) },
  onUploadstarted: function (info) {
    console.log('@onUploadstarted', shown(info))
    if (grant === 'getAuth') return
    if (grant === 'sts') {
      ask('/stsUrl', function (data) {
        const token = data.SecurityTokenInfo
        uploader.setSTSToken(info, token.AccessKeyId, token.AccessKeySecret, token.SecurityToken)
      })
      return
    }
    const name = encodeURIComponent(info.file.name)
    const path = info.isImage ? '/demo/getImageUploadAuth?imageType=default&fileName=' + name
      : info.videoId ? '/demo/refreshVideoUploadAuth?videoId=' + info.videoId : '/demo/getVideoUploadAuth?title=t&fileName=' + name
    ask(path, function (data) {
      const given = data.data
      uploader.setUploadAuthAndAddress(info, given.uploadAuth, given.uploadAddress, given.videoId || given.imageId)
    })
  },
  onUploadSucceed: function (info) { console.log('@onUploadSucceed', shown(info)) },
  onUploadFailed: function (info, code, message, error) {
    console.log('@onUploadFailed', Object.assign(shown(info), { code: code, message: message, retryable: error && error.retryable, isError: error instanceof Error }))
  },
  onUploadProgress: function (info, total, loaded, detail) { console.log('@onUploadProgress', Object.assign(shown(info), { total: total, loaded: loaded, loadedBytes: detail && detail.loadedBytes })) },
  onUploadTokenExpired: function (info) {
    console.log('@onUploadTokenExpired', shown(info))
    if (grant === 'getAuth') return
    if (grant === 'sts') {
      ask('/stsUrl', function (data) {
        const token = data.SecurityTokenInfo
        uploader.resumeUploadWithSTSToken(token.AccessKeyId, token.AccessKeySecret, token.SecurityToken)
      })
    } else if (info.videoId) {
      ask('/demo/refreshVideoUploadAuth?videoId=' + info.videoId, function (data) { uploader.resumeUploadWithAuth(data.data.uploadAuth) })
    }
  },
  onUploadCanceled: function (info) { console.log('@onUploadCanceled', shown(info)) },
  onUploadEnd: function (info) { console.log('@onUploadEnd', info ? shown(info) : null) },
}
App({
  create(options, how) {
    grant = how
    const more = how !== 'getAuth' ? {} : {
      getAuth: function (info, reason) {
        console.log('@getAuth', reason)
        const path = reason === 'refresh-video' ? '/demo/refreshVideoUploadAuth?videoId=' + info.videoId : '/demo/getVideoUploadAuth?title=t&fileName=a.mp4'
        return new Promise(function (resolve) { ask(path, function (data) { resolve(data.data) }) })
      },
    }
    uploader = new VODUpload(Object.assign({}, CALLBACKS, options, more))
  },
  // What the person chose: as documented, or the element that WeChat gives.
  choose(api, whole) {
    return wx[api]({ count: 9 }).then(function (res) {
      picked = res.tempFiles || [res]
      return picked.map(function (file) {
        return uploader.addFile(whole ? file : { url: file.tempFilePath || file.path, coverUrl: file.thumbTempFilePath })
      })
    })
  },
  addAgain(index) { return uploader.addFile(picked[index]) },
  do(method) { return uploader[method].apply(uploader, Array.prototype.slice.call(arguments, 1)) },
  states() { return uploader.listFiles().map(function (info) { return info.state }) },
  exported() { return [typeof vodupload.VODUpload, vodupload.VODUpload === VODUpload] },
})
`

/**
 * @typedef {object} WorldOptions
 * @property {Runtime} [runtime]
 * @property {import('../cloud/index.js').CloudOptions} [cloud]
 * @property {import('./wx.js').WxOptions} [wx]
 * @property {string} [app] the program in place of this file's
 */

/**
 * A cloud and a running mini program, gone when the test ends.
 * @param {import('node:test').TestContext} t
 * @param {WorldOptions} [options]
 */
export async function openWorld(t, { runtime = 'vm', cloud: cloudOptions, wx: wxOptions, app = APP } = {}) {
  const root = makeApp(app)
  const cloud = await startCloud({ endpoint: `https://${OSS}`, ...cloudOptions })
  const world = new World(cloud, runtime, root, wxOptions)
  t.after(async () => {
    await world.program?.close()
    await cloud.close()
  })
  await world.launch()
  return world
}

/** The hosts of both clouds and of the app's server, all on a local cloud. @param {{ oss: string, vod: string | null, app: string | null, ugc?: string | null }} cloud */
export const hostsOf = ({ oss, vod, app, ugc }) => ({
  [BUCKET_HOST]: oss, [VOD_HOST]: vod ?? '', [APP_HOST]: app ?? '', [UGC_HOST]: ugc ?? '',
})

/** What docs/miniprogram.md tells an integrator to allow. */
export const DOMAINS = {
  request: [`https://${BUCKET_HOST}`, `https://${VOD_HOST}`, `https://${APP_HOST}`, `https://${UGC_HOST}`],
  uploadFile: [`https://${BUCKET_HOST}`, `https://${UGC_HOST}`],
}

/** The package as it was at first: a build that runs meanwhile must not change what is tested. */
let kept = ''

/** The app's folder. @param {string} [app] */
export function makeApp(app = APP) {
  if (!existsSync(PACKAGE)) throw new Error('dist/miniprogram is missing: npm run build')
  kept ||= makeProject({}, { vodupload: PACKAGE })
  return makeProject({ 'app.js': app }, { miniprogram_npm: kept })
}

export class World {
  /**
   * @param {import('../cloud/index.js').Cloud} cloud
   * @param {Runtime} runtime
   * @param {string} root of the app
   * @param {import('./wx.js').WxOptions} [wxOptions]
   */
  constructor(cloud, runtime, root, wxOptions) {
    this.cloud = cloud
    this.runtime = runtime
    this.root = root
    this.wx = createWx({ hosts: hostsOf(cloud), domains: DOMAINS, ...wxOptions })
    this.program = /** @type {import('./sandbox.js').Program} */ (/** @type {unknown} */ (undefined))
  }

  /** Starts the program, as a person would after its end. Storage is kept, temporary paths are new. */
  async launch() {
    await this.program?.close()
    this.program = await runProject({ root: this.root, wx: this.wx, runtime: this.runtime })
    return this.program
  }

  /** @param {object} [options] @param {'auth' | 'sts' | 'getAuth'} [grant] */
  create(options, grant = 'auth') {
    return this.program.app('create', { userId: 'tester', retryDuration: 0.05, ...options }, grant)
  }

  /**
   * Makes an uploader, picks files, adds them and starts.
   * @param {Parameters<import('./wx.js').Wx['pick']>[0]} files
   * @param {object} [options]
   * @param {{ grant?: 'auth' | 'sts' | 'getAuth', api?: string, whole?: boolean }} [how]
   * @returns {Promise<boolean[]>}
   */
  async begin(files, options, { grant = 'auth', api = 'chooseMedia', whole = false } = {}) {
    await this.create(options, grant)
    this.wx.pick(files)
    const added = await this.program.app('choose', api, whole)
    await this.program.app('do', 'startUpload')
    return added
  }

  /** @param {string} method @param {...any} args */
  do(method, ...args) { return this.program.app('do', method, ...args) }

  /** @param {string} name @param {number | ((value: any) => boolean)} [wanted] */
  async heard(name, wanted) {
    try {
      return await this.program.heard(name, wanted)
    } catch (error) {
      const log = this.cloud.log.slice(-20).map((entry) => [entry.operation, entry.partNumber, entry.bytes, entry.status, entry.code, entry.fault].join(' '))
      throw new Error(`${error}\nthe cloud's log:\n${log.join('\n')}`)
    }
  }

  /** @param {string} what @param {() => boolean | Promise<boolean>} condition */
  until(what, condition) { return this.program.until(what, condition) }

  /** Waits until so many parts are stored. @param {number} count */
  stored(count) {
    return this.until(`${count} stored parts`, () => {
      assert.ok(!this.program.told('onUploadEnd').length, `it ended too soon\n${this.program.story()}`)
      return (this.cloud.uploads()[0]?.parts.length ?? 0) >= count
    })
  }

  /** The callbacks but progress. */
  story() { return this.program.events.map(({ name }) => name).filter((name) => name !== 'onUploadProgress' && name !== 'addFileSuccess') }

  /** @param {string} operation */
  requests(operation) { return this.cloud.log.filter((entry) => entry.operation === operation) }

  /** What the phone was asked to send to the bucket. */
  sent() { return this.wx.calls.filter(({ url }) => url.includes(BUCKET_HOST)) }

  /** Whether the bucket has yet to answer one. @param {string} method */
  underWay(method) { return this.sent().some((call) => call.method === method && !call.ended) }

  /** Nothing was thrown, nothing done that a phone would swallow, nothing is left open. */
  async assertClean() {
    await this.until('closed descriptors', () => this.wx.files.open === 0)
    assert.deepEqual(this.program.errors, [])
    assert.deepEqual(this.wx.complaints, [])
    assert.equal(this.wx.counts.bytes, 0, 'requests have ended')
    assert.ok(this.wx.counts.request <= 10, `${this.wx.counts.request} requests at once`)
  }

  /**
   * The file arrived byte for byte and everything was told as documented.
   * @param {string} path
   * @param {{ expiries?: number, resumed?: boolean }} [expected]
   */
  async assertUploaded(path, { expiries = 0, resumed = false } = {}) {
    await this.heard('onUploadEnd')
    assert.deepEqual(this.story(), ['onUploadstarted', ...Array(expiries).fill('onUploadTokenExpired'), 'onUploadSucceed', 'onUploadEnd'], this.program.story())
    const [started] = this.program.told('onUploadstarted')
    const [{ state, object, videoId }] = this.program.told('onUploadSucceed')
    assert.equal(state, 'Success')
    assert.equal(started.videoId, resumed ? videoId : undefined)
    assertProgress(this.program.told('onUploadProgress'))
    await this.assertSame(object, path)
    await this.assertClean()
  }

  /** @param {string} key of the object @param {string} path of the file */
  async assertSame(key, path) {
    const object = this.cloud.object(key)
    assert.ok(object?.path, `${key} is not stored`)
    const files = [await open(object.path), await open(path)]
    try {
      const sizes = await Promise.all(files.map(async (file) => (await file.stat()).size))
      assert.equal(sizes[0], sizes[1])
      const [ours, theirs] = [Buffer.alloc(4 * MiB), Buffer.alloc(4 * MiB)]
      for (let at = 0; at < sizes[0]; at += 4 * MiB) {
        const { bytesRead } = await files[0].read(ours, 0, 4 * MiB, at)
        await files[1].read(theirs, 0, 4 * MiB, at)
        assert.ok(ours.subarray(0, bytesRead).equals(theirs.subarray(0, bytesRead)), `${key} differs from ${path} behind byte ${at}`)
      }
    } finally {
      for (const file of files) await file.close()
    }
  }
}

/** Shares rise to 1, which comes once. @param {{ loaded: number, total: number }[]} reports */
export function assertProgress(reports) {
  const shares = reports.map(({ loaded }) => loaded)
  assert.equal(shares.filter((share) => share === 1).length, 1, `1 exactly once: ${shares}`)
  assert.equal(shares[shares.length - 1], 1)
  shares.forEach((share, i) => assert.ok(share >= 0 && share <= 1 && share >= (shares[i - 1] ?? 0), `rises: ${shares}`))
  assert.equal(new Set(reports.map(({ total }) => total)).size, 1)
}
