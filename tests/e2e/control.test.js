// @ts-check
// The application is in command: stop, start, cancel, delete and clean do at once what they say.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KiB, MiB, makeFile, openWorld } from './harness.js'

/** So large that the kernel's buffers cannot hold the rest of a part. */
const PART = 8 * MiB

/**
 * A page whose file has three parts stored and five under way.
 * @param {import('node:test').TestContext} t
 * @param {string[]} names of files of eight parts
 */
async function midway(t, ...names) {
  const world = await openWorld(t)
  // A server that has stopped reading sees no broken connection: it has to go on some time.
  const fault = world.cloud.faults.add({ operation: 'UploadPart', after: 3, action: { kind: 'stall', ms: 2000, afterBytes: 64 * KiB } })
  const files = await Promise.all(names.map((name) => makeFile(name, 8 * PART)))
  const uploader = await world.begin(files, { partSize: PART })
  await world.until('five parts that stand still', () => stalled(world).length === 5)
  world.cloud.faults.remove(fault)
  return { world, files, uploader }
}

/** @param {import('./harness.js').World} world */
const stalled = (world) => world.requests('UploadPart').filter(({ fault, bytes }) => fault === 'stall' && bytes >= 64 * KiB)

/** @param {import('./harness.js').World} world */
async function assertCut(world) {
  await world.until('the end of all requests', () => world.underWay() === 0)
  assert.deepEqual(stalled(world).map(({ status, bytes }) => [status, bytes < PART]), Array(5).fill([0, true]))
}

/** @param {import('./harness.js').World} world */
const storedParts = (world) => world.requests('UploadPart').filter(({ status }) => status === 200).length

test('stop ends all requests at once, and start goes on from there', async (t) => {
  const { world, files: [file], uploader } = await midway(t, 'stop.mp4')
  await world.do(uploader, 'stopUpload')
  await assertCut(world)
  assert.deepEqual(world.story(), ['onUploadstarted stop.mp4', 'onUploadCanceled stop.mp4'])
  assert.equal((await world.do(uploader, 'listFiles'))[0].state, 'Stoped')
  assert.equal(world.cloud.uploads()[0].parts.length, 3)
  await world.do(uploader, 'startUpload')
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { resumed: true })
  assert.equal(storedParts(world), 8)
  assert.equal(world.requests('InitiateMultipartUpload').length, 1)
})

test('stopping and starting again and again loses nothing', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('nervous.mp4', 30 * MiB)
  world.cloud.faults.network({ bytesPerSecond: 40 * MiB })
  const uploader = await world.begin([file], { partSize: MiB })
  for (const share of [0.1, 0.3, 0.5, 0.7]) {
    await world.reached(share)
    await world.page.evaluate((i) => {
      const uploader = /** @type {any} */ (globalThis).vod.uploaders[i]
      for (let n = 0; n < 5; n++) {
        uploader.stopUpload()
        uploader.startUpload()
      }
    }, uploader)
  }
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { resumed: true })
  assert.equal(world.calls.filter(({ on }) => on === 'onUploadEnd').length, 1)
  // Credentials that come after a stop are late, and the package says so.
  for (const problem of world.problems.splice(0)) assert.match(problem, /UploadNotStart/)
})

test('cancel ends the requests, frees the parts, and the next file goes on', async (t) => {
  const { world, files, uploader } = await midway(t, 'cancelled.mp4', 'after-cancel.mp4')
  assert.equal(await world.do(uploader, 'cancelFile', 0), true)
  await assertCut(world)
  await world.heard('onUploadEnd')
  await world.assertUploaded(files[1])
  assert.deepEqual(world.story().slice(0, 2), ['onUploadstarted cancelled.mp4', 'onUploadCanceled cancelled.mp4'])
  await world.until('freed parts', () => world.cloud.uploads().length === 0)
  assert.equal(world.requests('AbortMultipartUpload').length, 1)
  assert.equal(world.cloud.objects().length, 1)
  assert.deepEqual(await world.page.evaluate(() => Object.keys(localStorage)), [])
})

test('a cancelled file that is resumed is uploaded from its first byte', async (t) => {
  const { world, files: [file], uploader } = await midway(t, 'again.mp4')
  await world.do(uploader, 'cancelFile', 0)
  await world.until('freed parts', () => world.cloud.uploads().length === 0)
  assert.equal(await world.do(uploader, 'resumeFile', 0), true)
  await world.do(uploader, 'startUpload')
  await world.until('a second start', () => world.calls.filter(({ on }) => on === 'onUploadSucceed').length === 1)
  await world.assertUploaded(file, { resumed: true })
  assert.equal(world.requests('InitiateMultipartUpload').length, 2)
})

test('delete ends the requests, frees the parts and forgets the file', async (t) => {
  const { world, files, uploader } = await midway(t, 'deleted.mp4', 'after-delete.mp4')
  assert.equal(await world.do(uploader, 'deleteFile', 0), true)
  assert.equal((await world.do(uploader, 'listFiles')).length, 1)
  await assertCut(world)
  await world.heard('onUploadEnd')
  await world.assertUploaded(files[1])
  await world.until('freed parts', () => world.cloud.uploads().length === 0)
})

test('cleanList stops everything, forgets all files and keeps their parts for later', async (t) => {
  const { world, files, uploader } = await midway(t, 'cleaned.mp4', 'never.mp4')
  await world.do(uploader, 'cleanList')
  await assertCut(world)
  assert.deepEqual(await world.do(uploader, 'listFiles'), [])
  assert.equal(world.cloud.uploads()[0].parts.length, 3)
  await world.add(uploader, 0, 1)
  await world.do(uploader, 'startUpload')
  await world.heard('onUploadEnd')
  await world.assertUploaded(files[0], { resumed: true })
  assert.equal(storedParts(world), 8)
})

test('a file that joins a running queue is uploaded in its turn', async (t) => {
  const world = await openWorld(t)
  const files = [await makeFile('early.mp4', 20 * MiB), await makeFile('late.mp4', 2 * MiB)]
  world.cloud.faults.network({ bytesPerSecond: 40 * MiB })
  await world.pick(...files)
  const uploader = await world.create()
  await world.add(uploader, 0, 1)
  await world.do(uploader, 'startUpload')
  await world.reached(0.3)
  await world.add(uploader, 1, 2)
  await world.heard('onUploadEnd')
  for (const file of files) await world.assertUploaded(file)
})

/** What is under way, and how long the cloud makes it stay so. @type {Record<string, { operation: string, size: number, afterBytes?: number }>} */
const STAGES = {
  'a form': { operation: 'PostObject', size: 10 * KiB },
  'a file in one request': { operation: 'PutObject', size: PART - 1, afterBytes: 64 * KiB },
  'the completion': { operation: 'CompleteMultipartUpload', size: PART + 1 },
}

for (const [stage, { operation, size, afterBytes }] of Object.entries(STAGES)) {
  for (const method of /** @type {const} */ (['stopUpload', 'cancelFile', 'deleteFile', 'cleanList'])) {
    test(`${method} during ${stage} ends the request, and nothing succeeds afterwards`, async (t) => {
      const world = await openWorld(t)
      const fault = world.cloud.faults.add({ operation, action: { kind: 'stall', ms: 1000, ...(afterBytes && { afterBytes }) } })
      const file = await makeFile(`${method}.mp4`, size)
      const uploader = await world.begin([file], { partSize: PART })
      await world.until('the request', () => world.requests(operation).some(({ bytes }) => bytes >= (afterBytes ?? 0)))
      await world.do(uploader, method, ...(method.endsWith('File') ? [0] : []))
      await world.until('the end of all requests', () => world.underWay() === 0)
      assert.deepEqual(world.requests(operation).map(({ status }) => status), [0])
      assert.deepEqual(world.cloud.objects(), [])

      const gives = method.endsWith('File')
      const [info, ...others] = await world.do(uploader, 'listFiles')
      assert.deepEqual([info?.state, others.length], [{ stopUpload: 'Stoped', cancelFile: 'Canceled' }[/** @type {string} */ (method)], 0])
      if (gives) await world.until('freed parts', () => world.cloud.uploads().length === 0)
      else if (operation === 'CompleteMultipartUpload') assert.equal(world.cloud.uploads()[0].parts.length, 2)
      assert.equal(world.count('onUploadSucceed'), 0)
      assert.equal(world.count('onUploadEnd'), gives ? 1 : 0)

      // It can be begun again, and that ends once.
      world.cloud.faults.remove(fault)
      if (method === 'cancelFile') assert.equal(await world.do(uploader, 'resumeFile', 0), true)
      if (!info) await world.add(uploader)
      await world.do(uploader, 'startUpload')
      await world.heard('onUploadSucceed')
      await world.heard('onUploadEnd', gives ? 2 : 1)
      assert.deepEqual([world.count('onUploadSucceed'), world.count('onUploadEnd')], [1, gives ? 2 : 1])
      await world.assertSame(world.cloud.objects()[0].key, file)
      assert.equal(world.cloud.objects().length, 1)
      assert.equal(world.cloud.uploads().length, 0)
    })
  }
}
