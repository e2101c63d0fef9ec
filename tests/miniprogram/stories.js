// @ts-check
// What every engine must get through: the promises of the built package, each as a story. `scale` is 1 where the engine
// compiles, less where bytes cost more.

import assert from 'node:assert/strict'
import { KiB, makeFile, MiB } from './project.js'
import { openWorld } from './world.js'

/** @typedef {import('./sandbox.js').Runtime} Runtime */
/** @typedef {{ runtime: Runtime, scale: number }} Engine */
/** @typedef {(t: import('node:test').TestContext, engine: Engine) => Promise<void>} Story */

/** Parts of whole KiB, at least OSS's least. @param {number} size @param {number} scale */
const scaled = (size, scale) => Math.max(Math.round(size * scale / KiB) * KiB, 100 * KiB)

/** Bytes of a file that is sent in parts, at least so many. @param {number} parts @param {number} partSize */
const inParts = (parts, partSize) => Math.max(parts * partSize, MiB + partSize)

/** @type {Record<string, Story>} */
export const stories = {
  'an image is one form, and is told of as it goes': async (t, { runtime }) => {
    const world = await openWorld(t, { runtime })
    const file = await makeFile(`photo-${runtime}.png`, 300 * KiB)
    await world.begin([file], {}, { api: 'chooseImage' })
    await world.assertUploaded(file)
    assert.deepEqual(world.sent().map(({ api, method, size }) => [api, method, size]), [['uploadFile', 'POST', 300 * KiB]])
    assert.deepEqual(world.cloud.log.map(({ operation }) => operation), ['PostObject'])
  },

  'a video that is killed at half goes on from the parts that are stored': async (t, { runtime, scale }) => {
    const partSize = scaled(2 * MiB, scale)
    const world = await openWorld(t, { runtime })
    const file = await makeFile(`resumed-${runtime}.mp4`, 30 * partSize - 1)
    const stall = world.cloud.faults.add({ operation: 'UploadPart', after: 15, action: { kind: 'stall', forever: true } })
    await world.begin([file], { partSize })
    await world.stored(15)
    // What has not reached the cloud yet would be stored once it no longer stands still.
    await world.until('all else to stand still', () => {
      const underWay = world.sent().filter(({ method, ended }) => method === 'PUT' && !ended).length
      return underWay > 0 && world.cloud.faults.list()[0].hits === underWay
    })
    const { videoId } = world.program.told('onUploadProgress')[0]
    await world.program.kill()
    world.cloud.faults.remove(stall)
    const stored = new Set(world.cloud.uploads()[0].parts.map(({ number }) => number))
    assert.equal(stored.size, 15)
    const before = world.cloud.log.length

    await world.launch()
    await world.begin([file], { partSize })
    await world.assertUploaded(file, { resumed: true })
    assert.equal(world.program.told('onUploadSucceed')[0].videoId, videoId)
    const later = world.cloud.log.slice(before).filter(({ operation, status }) => operation === 'UploadPart' && status === 200).map(({ partNumber }) => partNumber)
    assert.deepEqual(later.sort((a, b) => Number(a) - Number(b)), Array.from({ length: 30 }, (_, i) => i + 1).filter((number) => !stored.has(number)))
    assert.equal(world.requests('InitiateMultipartUpload').length, 1)
    assert.ok(world.program.told('onUploadProgress')[0].loaded >= 0.45, 'told from where it goes on')
  },

  'an STS token uploads a video and an image': async (t, { runtime, scale }) => {
    const world = await openWorld(t, { runtime })
    const partSize = scaled(MiB, scale)
    const files = [await makeFile(`sts-${runtime}.mp4`, inParts(3, partSize) + 1), await makeFile(`sts-${runtime}.png`, 1000)]
    await world.begin(files, { partSize }, { grant: 'sts', whole: true })
    await world.heard('onUploadEnd')
    const done = world.program.told('onUploadSucceed')
    assert.equal(done.length, 2, world.program.story())
    for (const [i, { object }] of done.entries()) await world.assertSame(object, files[i])
    assert.equal(world.requests('CreateUploadVideo').length, 1)
    assert.equal(world.requests('CreateUploadImage').length, 1)
    assert.ok(done[0].videoId && done[1].imageId)
    await world.assertClean()
  },

  'a credential that expires in the middle is asked for once': async (t, { runtime, scale }) => {
    const world = await openWorld(t, { runtime })
    const partSize = scaled(MiB, scale)
    const file = await makeFile(`expired-${runtime}.mp4`, inParts(8, partSize))
    world.cloud.faults.add({ operation: 'UploadPart', after: 4, times: 1, action: { kind: 'expire' } })
    await world.begin([file], { partSize })
    await world.assertUploaded(file, { expiries: 1 })
    assert.equal(world.requests('InitiateMultipartUpload').length, 1)
  },

  'a refused form or part fails, and is never a success': async (t, { runtime }) => {
    // What is refused as a form is tried as a PUT.
    for (const [operation, size] of /** @type {const} */ ([['PostObject', 100 * KiB], ['UploadPart', 3 * MiB]])) {
      const world = await openWorld(t, { runtime })
      world.cloud.faults.add({ operation: [operation, 'PutObject'], action: { kind: 'status', status: 403, code: 'AccessDenied' } })
      await world.begin([await makeFile(`refused-${runtime}.png`, size)], { partSize: MiB }, { api: 'chooseImage' })
      await world.heard('onUploadEnd')
      assert.deepEqual(world.story(), ['onUploadstarted', 'onUploadFailed', 'onUploadEnd'], operation)
      const [{ code, state, isError }] = world.program.told('onUploadFailed')
      assert.deepEqual([code, state, isError], ['AccessDenied', 'Failure', true])
      await world.assertClean()
    }
  },

  'a host that is not on the list fails at once, with its name': async (t, { runtime }) => {
    const world = await openWorld(t, { runtime, wx: { domains: { request: ['https://app.example.com'], uploadFile: [] } } })
    await world.begin([await makeFile(`unlisted-${runtime}.mp4`, 3 * MiB)])
    await world.heard('onUploadEnd')
    assert.deepEqual(world.story(), ['onUploadstarted', 'onUploadFailed', 'onUploadEnd'])
    const [{ code, message }] = world.program.told('onUploadFailed')
    assert.equal(code, 'DomainNotAllowed')
    assert.match(message, /outin-local\.oss-cn-shanghai\.aliyuncs\.com/)
    const tries = ['request', 'uploadFile'].map((api) => world.sent().filter((call) => call.api === api).length)
    assert.ok(tries.every((count) => count <= 1), `no repetitions: ${tries}`)
    await world.assertClean()
  },
}
