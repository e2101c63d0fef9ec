// @ts-check
// The face with promises: results, signals, errors, workers, many files.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { DIST, KiB, MiB, makeFile, openWorld } from './harness.js'

/** @typedef {import('./harness.js').World} World */

/**
 * A page with an Uploader; its uploads are known by their number.
 * @param {import('node:test').TestContext} t
 * @param {object} [options]
 * @param {import('./harness.js').WorldOptions} [how]
 */
async function openUploader(t, options = {}, how = {}) {
  const world = await openWorld(t, how)
  await world.page.evaluate(async ({ app, options }) => {
    const { Uploader, UploadError } = await import('/vodupload/vodupload.js')
    const page = /** @type {any} */ (globalThis)
    const post = async (/** @type {string} */ path, body = {}) => (await fetch(app + path, { method: 'POST', body: JSON.stringify(body) })).json()
    /** @type {string[]} */
    const reasons = page.reasons = []
    /** @type {string[]} */
    const events = page.events = []
    const uploader = page.uploader = new Uploader({
      userId: '1', retryDuration: 0.1, ...options,
      getAuth(info, reason) {
        reasons.push(reason)
        if (reason === 'refresh-video') return post(`/api/videos/${info.videoId}/refresh`)
        return post(reason === 'create-image' ? '/api/images' : '/api/videos', { fileName: info.file.name })
      },
    })
    for (const type of ['started', 'succeeded', 'failed', 'canceled', 'stopped', 'finished']) uploader.addEventListener(type, () => events.push(type))
    /** @type {AbortController[]} */
    page.controllers = []
    /** @type {Promise<any>[]} */
    page.uploads = []
    page.upload = (/** @type {number} */ index) => {
      const controller = new AbortController()
      const file = /** @type {any} */ (document.getElementById('files')).files[index]
      page.controllers.push(controller)
      page.uploads.push(uploader.upload(file, {
        signal: controller.signal,
        onProgress: (progress) => page.tell({ on: 'progress', uploader: 0, file: file.name, state: '', loaded: progress.loadedBytes / progress.totalBytes }),
      }).then((result) => ({ result }), (error) => ({
        error: { name: error.name, code: error.code, status: error.status, message: error.message, isUploadError: error instanceof UploadError, isReason: error === controller.signal.reason },
      })))
    }
  }, { app: world.cloud.app, options })
  return {
    world,
    /** @param {number} [index] of the picked file */
    upload: (index = 0) => world.page.evaluate((index) => /** @type {any} */ (globalThis).upload(index), index),
    /** @param {number} index @returns {Promise<any>} */
    outcome: (index) => world.page.evaluate((index) => /** @type {any} */ (globalThis).uploads[index], index),
    /** @param {number} index */
    abort: (index) => world.page.evaluate((index) => /** @type {any} */ (globalThis).controllers[index].abort(), index),
    /** @returns {Promise<{ reasons: string[], events: string[], files: number }>} */
    seen: () => world.page.evaluate(() => {
      const { reasons, events, uploader } = /** @type {any} */ (globalThis)
      return { reasons, events, files: uploader.files.length }
    }),
  }
}

test('upload resolves with what became of a video and of an image', async (t) => {
  const { world, upload, outcome, seen } = await openUploader(t, { integrity: true }, { cloud: { integrity: 'full' } })
  const files = [await makeFile('modern.mp4', 3 * MiB), await makeFile('modern.jpg', 20 * KiB)]
  await world.pick(...files)
  await upload(0)
  await upload(1)
  const [{ result: video }, { result: image }] = [await outcome(0), await outcome(1)]
  const { cloud } = world
  assert.equal(video.videoId, cloud.videos()[0].videoId)
  assert.deepEqual([video.endpoint, video.bucket, video.region, video.size, video.verified], [cloud.oss, cloud.bucket, cloud.region, 3 * MiB, true])
  assert.equal(image.imageId, cloud.images()[0].imageId)
  assert.match(image.imageUrl, /^http/)
  await world.assertSame(video.object, files[0])
  await world.assertSame(image.object, files[1])
  assert.deepEqual(await seen(), {
    reasons: ['create-video', 'create-image'], files: 0,
    events: ['started', 'succeeded', 'started', 'succeeded', 'finished'],
  })
})

test('aborting the signal ends all requests at once, frees the parts and rejects with its reason', async (t) => {
  const { world, upload, outcome, abort, seen } = await openUploader(t, { partSize: 8 * MiB })
  world.cloud.faults.add({ operation: 'UploadPart', after: 2, action: { kind: 'stall', ms: 1500, afterBytes: 64 * KiB } })
  await world.pick(await makeFile('aborted.mp4', 40 * MiB))
  await upload()
  const stalled = () => world.requests('UploadPart').filter(({ fault, bytes }) => fault === 'stall' && bytes >= 64 * KiB)
  await world.until('requests that stand still', () => stalled().length === 3 && world.cloud.uploads()[0].parts.length === 2)
  await abort(0)
  const { error } = await outcome(0)
  assert.deepEqual([error.name, error.isReason], ['AbortError', true])
  await world.until('the end of all requests', () => world.underWay() === 0 && world.cloud.uploads().length === 0)
  assert.deepEqual(stalled().map(({ status, bytes }) => [status, bytes < 8 * MiB]), Array(3).fill([0, true]))
  assert.equal(world.requests('AbortMultipartUpload').length, 1)
  assert.equal(world.cloud.objects().length, 0)
  assert.deepEqual((await seen()).events, ['started', 'canceled', 'finished'])
})

test('a signal that is aborted before its turn costs no request', async (t) => {
  const { world, upload, outcome, abort } = await openUploader(t)
  const files = [await makeFile('turn.mp4', 12 * MiB), await makeFile('no-turn.mp4', MiB)]
  world.cloud.faults.network({ bytesPerSecond: 30 * MiB })
  await world.pick(...files)
  await upload(0)
  await upload(1)
  await abort(1)
  assert.equal((await outcome(1)).error.name, 'AbortError')
  await world.assertSame((await outcome(0)).result.object, files[0])
  assert.equal(world.cloud.videos().length, 1)
})

test('a refusal rejects with an UploadError, and the same file again goes on from its parts', async (t) => {
  const { world, upload, outcome, seen } = await openUploader(t, { partSize: MiB })
  world.cloud.faults.add({ operation: 'UploadPart', after: 6, action: { kind: 'status', status: 403, code: 'AccessDenied' } })
  const file = await makeFile('refused.mp4', 12 * MiB)
  await world.pick(file)
  await upload()
  const { error } = await outcome(0)
  assert.deepEqual([error.isUploadError, error.name, error.code, error.status], [true, 'UploadError', 'AccessDenied', 403])
  world.cloud.faults.clear()
  await upload()
  const { result } = await outcome(1)
  await world.assertSame(result.object, file)
  assert.equal(world.requests('InitiateMultipartUpload').length, 1)
  const stored = world.requests('UploadPart').filter(({ status }) => status === 200).map(({ partNumber }) => partNumber)
  assert.equal(new Set(stored).size, stored.length, 'no part is stored twice')
  assert.deepEqual((await seen()).reasons, ['create-video', 'refresh-video'])
})

test('thirty files, six at once, all arrive', async (t) => {
  let most = 0
  const { world, upload, outcome } = await openUploader(t, { fileParallel: 6 }, {
    cloud: { onRequest: () => { most = Math.max(most, world?.underWay() ?? 0) } },
  })
  const sizes = [10 * KiB, 2 * MiB, 300 * KiB]
  const files = await Promise.all(Array.from({ length: 30 }, (_, i) => makeFile(`many-${i}.mp4`, sizes[i % 3] + i)))
  world.cloud.faults.network({ latency: 20 })
  await world.pick(...files)
  for (const i of files.keys()) await upload(i)
  for (const [i, file] of files.entries()) await world.assertSame((await outcome(i)).result.object, file)
  assert.equal(world.cloud.objects().length, 30)
  assert.ok(most >= 3, `at most ${most + 1} requests were under way together`)
})

test('a worker uploads under the page\'s policy, without window and localStorage', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('worker.mp4', 12 * MiB)
  await world.pick(file)
  const answer = await world.page.evaluate(({ app }) => new Promise((resolve, reject) => {
    const worker = new Worker('/worker.js', { type: 'module' })
    worker.onerror = ({ message }) => reject(new Error(`worker: ${message}`))
    worker.onmessage = ({ data }) => resolve(data)
    worker.postMessage({ app, options: { partSize: 1 << 20 }, file: /** @type {any} */ (document.getElementById('files')).files[0] })
  }), { app: world.cloud.app })
  const { result, error, progress, window, localStorage, logged } = /** @type {any} */ (answer)
  assert.equal(error, undefined)
  assert.deepEqual([window, localStorage, result.size, progress.at(-1)], ['undefined', 'undefined', 12 * MiB, 12 * MiB])
  await world.assertSame(result.object, file)
  // There is no place for a record, and the worker is told so once.
  assert.deepEqual(logged, ['CheckpointNotSaved'])
  assert.match(world.problems.splice(0).join(), /^(vodupload: CheckpointNotSaved.*)?$/)
})

test('the built module can be imported where there is no window', async () => {
  assert.equal(typeof globalThis.window, 'undefined')
  const { default: VODUpload, Uploader, UploadError } = await import(pathToFileURL(join(DIST, 'vodupload.js')).href)
  assert.deepEqual(new VODUpload({ userId: '1' }).listFiles(), [])
  assert.deepEqual(new Uploader({ getAuth: async () => ({}) }).files, [])
  assert.throws(() => new Uploader({}), UploadError)
})
