// @ts-check
// VodUploader.start in a mini program against the local COS and UGC interface: the code of document 003, a program that
// is killed, what expires and what is refused. All requests go to the one host that has to be allowed.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { startCloud } from '../cloud/index.js'
import { KiB, MiB, makeFile } from './project.js'
import { World, makeApp } from './world.js'

/** @typedef {import('./sandbox.js').Runtime} Runtime */

const HOST = 'https://vod2.qcloud.com'
const APP_HOST = 'https://app.example.com'

/** The document's code; what it leaves out is the address, and how the signature is found in the answer. */
const APP = `
const { VodUploader } = require('vodupload')
let uploader, mediaFile, coverFile
const getSignature = function (callback) {
  wx.request({
    url: '${APP_HOST}/api/tencent/signature',
    success: function (res) { callback(res.data.signature) },
  })
}
App({
  chooseVideo() { return wx.chooseVideo({}).then(function (file) { mediaFile = file }) },
  chooseImage() { return wx.chooseImage({}).then(function (file) { coverFile = file }) },
  start(fileName, more) {
    uploader = VodUploader.start(Object.assign({
      mediaFile: mediaFile,
      getSignature: getSignature,
      mediaName: fileName,
      coverFile: coverFile,
      progress: function (result) { console.log('@progress', result) },
      finish: function (result) { console.log('@finish', result) },
      error: function (result) { console.log('@error', result) },
    }, more))
  },
  do(method) { uploader[method]() },
})`

const sha256 = (/** @type {string} */ path) => createHash('sha256').update(readFileSync(path)).digest('hex')

/** @param {import('node:test').TestContext} t @param {Runtime} [runtime] */
async function open(t, runtime = 'vm') {
  const cloud = await startCloud({ tencent: { names: 'real' } })
  const world = new World(cloud, runtime, makeApp(APP), {
    hosts: { 'vod2.qcloud.com': cloud.ugc ?? '', 'app.example.com': cloud.app ?? '' },
    domains: { request: [HOST, APP_HOST], uploadFile: [HOST] },
  })
  t.after(async () => {
    await world.program?.close()
    await cloud.close()
  })
  await world.launch()
  return {
    world, cloud,
    /** @param {string} media @param {string} [cover] @param {object} [more] */
    async start(media, cover, more) {
      world.wx.pick([media])
      await world.program.app('chooseVideo')
      if (cover) {
        world.wx.pick([cover])
        await world.program.app('chooseImage')
      }
      await world.program.app('start', 'my video', { retryDelay: 50, ...more })
    },
    /** @param {string} media @param {string} [cover] */
    assertStored(media, cover) {
      const [made] = cloud.medias()
      for (const [key, path] of [[made.key, media], [made.coverKey, cover]]) {
        if (path) assert.equal(sha256(String(cloud.object(String(key))?.path)), sha256(path))
      }
      return made
    },
  }
}

for (const runtime of /** @type {Runtime[]} */ (['vm', 'jsc', 'jsc-no-jit', 'quickjs'])) {
  test(`${runtime}: a video with its cover, as document 003 prints it`, async (t) => {
    const { world, cloud, start, assertStored } = await open(t, runtime)
    const [media, cover] = [await makeFile('003.mp4', 3 * MiB), await makeFile('003.jpg', 20 * KiB)]
    await start(media, cover)
    const result = /** @type {any} */ (await world.heard('finish'))
    const made = assertStored(media, cover)
    assert.deepEqual([result.fileId, result.videoName, made.name, made.type], [made.fileId, 'my video', 'my video', 'mp4'])
    assert.ok(result.videoUrl && result.coverUrl && result.verify_content)
    const progress = world.program.told('progress')
    assert.deepEqual([progress[0].loaded, progress.at(-1).percent, progress.at(-1).total], [0, 1, 3 * MiB])
    assert.deepEqual(world.wx.complaints, [])
    const operations = cloud.log.map(({ operation, status }) => `${operation} ${status}`)
    assert.ok(operations.includes('PostObject 200') || operations.includes('PostObject 201'), operations.join())
    assert.deepEqual(operations.filter((line) => !/ 20\d$/.test(line)), [])
  })
}

test('a program that is killed at half goes on with the parts that are stored', async (t) => {
  const { world, cloud, start, assertStored } = await open(t)
  const stall = cloud.faults.add({ operation: 'UploadPart', after: 5, action: { kind: 'stall', forever: true } })
  const media = await makeFile('003-resumed.mp4', 12 * MiB)
  await start(media, undefined, { chunkSize: MiB })
  await world.until('five parts', () => cloud.uploads()[0]?.parts.length === 5)
  await world.program.kill()
  cloud.faults.remove(stall)
  const before = cloud.log.length
  await world.launch()
  await start(media, undefined, { chunkSize: MiB })
  await world.heard('finish')
  assertStored(media)
  assert.equal(cloud.log.slice(before).filter(({ operation, status }) => operation === 'UploadPart' && status === 200).length, 7)
})

test('a credential that expires, cut connections and a commit whose reply is lost are no failure', async (t) => {
  const { world, cloud, start, assertStored } = await open(t)
  cloud.faults.add({ operation: 'UploadPart', after: 3, times: 1, action: { kind: 'expire' } })
  cloud.faults.add({ operation: 'UploadPart', rate: 0.05, seed: 5, action: { kind: 'cut' } })
  cloud.faults.add({ operation: 'CommitUploadUGC', times: 1, action: { kind: 'lostReply' } })
  const media = await makeFile('003-faults.mp4', 12 * MiB)
  await start(media, undefined, { chunkSize: MiB })
  await world.heard('finish')
  assertStored(media)
  assert.deepEqual(world.program.told('error'), [])
})

test('a refusal of COS and a wrong signature are told once, with a number and what to do', async (t) => {
  const refused = await open(t)
  refused.cloud.faults.add({ action: { kind: 'status', status: 403, code: 'AccessDenied' }, operation: ['PostObject', 'PutObject'] })
  await refused.start(await makeFile('003-refused.mp4', 10 * KiB))
  const error = /** @type {any} */ (await refused.world.heard('error'))
  assert.deepEqual([error.code, error.name, error.retCode, error.stage], [1003, 'AccessDenied', 1003, 'media'])

  const wrong = await open(t)
  await wrong.start(await makeFile('003-wrong.mp4', 10 * KiB), undefined, { mediaName: 'a/b' })
  const { code, message } = /** @type {any} */ (await wrong.world.heard('error'))
  assert.equal(code, 1015)
  assert.match(message, /must not have/)
})

test('cancel, before anything is known and in mid-upload, tells 1017 once; pause and restart go on', async (t) => {
  const { world, cloud, start, assertStored } = await open(t)
  const media = await makeFile('003-control.mp4', 6 * MiB)
  await start(media, undefined, { chunkSize: MiB })
  await world.program.app('do', 'cancel')
  assert.equal(/** @type {any} */ (await world.heard('error')).code, 1017)
  assert.deepEqual(cloud.medias(), [])

  const stall = cloud.faults.add({ operation: 'UploadPart', after: 2, action: { kind: 'stall', forever: true } })
  await start(media, undefined, { chunkSize: MiB })
  await world.until('two parts', () => cloud.uploads()[0]?.parts.length === 2)
  await world.program.app('do', 'pause')
  cloud.faults.remove(stall)
  await world.program.app('do', 'restart')
  await world.heard('finish')
  assertStored(media)
  assert.equal(world.program.told('error').length, 1)
})
