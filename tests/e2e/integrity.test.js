// @ts-check
// What is stored is what the file holds: bytes that change on their way are found by whatever the bucket lets a page
// read, and sent again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KiB, MiB, makeFile, openWorld } from './harness.js'

/** @typedef {import('../cloud/index.js').CloudOptions} CloudOptions */

/** @type {CloudOptions} */
const WHOLE = { integrity: 'full' }
/** The CORS rule of most buckets. */
const ETAG_ONLY = { expose: ['ETag', 'x-oss-request-id'] }
const COMPARED = { partSize: MiB, integrity: true }

/** @param {import('./harness.js').World} world */
const success = (world) => world.calls.find(({ on }) => on === 'onUploadSucceed')

/** @param {import('./harness.js').World} world */
const partsSent = (world) => world.requests('UploadPart').map(({ partNumber }) => partNumber ?? 0).sort()

/** @type {[what: string, cloud: CloudOptions][]} */
const READABLE = [
  ['the CRC of a part', WHOLE],
  ['the ETag of a part, where the bucket hides the CRC', { ...WHOLE, cors: ETAG_ONLY }],
  ['the CRC of a part, where the bucket encrypts', { ...WHOLE, encryption: 'KMS' }],
]
for (const [what, cloud] of READABLE) {
  test(`a part that changed on its way is found by ${what}, and sent again`, async (t) => {
    const world = await openWorld(t, { cloud })
    world.cloud.faults.add({ operation: 'UploadPart', partNumber: 2, times: 1, action: { kind: 'corrupt' } })
    const file = await makeFile('changed-part.mp4', 3 * MiB)
    await world.begin([file], COMPARED)
    await world.heard('onUploadEnd')
    await world.assertUploaded(file)
    assert.deepEqual(partsSent(world), [1, 2, 2, 3])
    assert.equal(success(world)?.verified, true)
  })
}

for (const [operation, size] of /** @type {[string, number][]} */ ([['PostObject', 3 * KiB], ['PutObject', 300 * KiB]])) {
  for (const [what, cors] of /** @type {const} */ ([['its CRC', {}], ['its ETag', ETAG_ONLY]])) {
    test(`a file that changed on its way as ${operation} is found by ${what}, and sent again`, async (t) => {
      const world = await openWorld(t, { cloud: { ...WHOLE, cors } })
      world.cloud.faults.add({ operation, times: 1, action: { kind: 'corrupt' } })
      const file = await makeFile('changed-file.mp4', size)
      await world.begin([file], COMPARED)
      await world.heard('onUploadEnd')
      await world.assertUploaded(file)
      assert.equal(success(world)?.verified, true)
    })
  }
}

test('a bucket that encrypts and hides the CRC lets nothing be compared: the file arrives, and nobody says that it was', async (t) => {
  const world = await openWorld(t, { cloud: { ...WHOLE, encryption: 'KMS', cors: ETAG_ONLY } })
  const file = await makeFile('encrypted.mp4', 3 * MiB)
  await world.begin([file], COMPARED)
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
  assert.equal(success(world)?.verified, false)
})

test('a bucket that hides everything is asked for its list of parts, and they are compared with that', async (t) => {
  const world = await openWorld(t, { cloud: { ...WHOLE, cors: { expose: [] } } })
  world.cloud.faults.add({ operation: 'UploadPart', partNumber: 2, times: 1, action: { kind: 'corrupt' } })
  const file = await makeFile('listed.mp4', 3 * MiB)
  await world.begin([file], COMPARED)
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
  assert.ok(world.requests('ListParts').length >= 1)
  assert.deepEqual(partsSent(world), [1, 2, 2, 3])
  assert.equal(success(world)?.verified, true)
})

test('a part that changes each time fails the file with its number, and leaves no object', async (t) => {
  const world = await openWorld(t, { cloud: WHOLE })
  world.cloud.faults.add({ operation: 'UploadPart', partNumber: 2, action: { kind: 'corrupt' } })
  const file = await makeFile('always.mp4', 3 * MiB)
  const uploader = await world.begin([file], COMPARED)
  await world.heard('onUploadEnd')
  const { code, partNumber } = world.calls.find(({ on }) => on === 'onUploadFailed') ?? {}
  assert.deepEqual([code, partNumber], ['InconsistentChecksum', 2])
  assert.equal(world.cloud.objects().length, 0)
  world.cloud.faults.clear()
  await world.do(uploader, 'startUpload')
  await world.heard('onUploadEnd', 2)
  await world.assertUploaded(file, { resumed: true })
  assert.equal(success(world)?.verified, true)
})

test('a part that was damaged before a reload is found after it', async (t) => {
  const world = await openWorld(t, { cloud: WHOLE })
  world.cloud.faults.add({ operation: 'UploadPart', partNumber: 2, times: 1, action: { kind: 'corrupt' } })
  world.cloud.faults.add({ operation: 'UploadPart', partNumber: [6, 7, 8], action: { kind: 'stall', ms: 2000 } })
  const file = await makeFile('reloaded.mp4', 8 * MiB)
  await world.begin([file], { ...COMPARED, integrity: false })
  await world.until('five parts', () => world.cloud.uploads()[0]?.parts.length === 5)
  await world.reload()
  world.cloud.faults.clear()
  await world.begin([file], COMPARED)
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { resumed: true })
  assert.equal(success(world)?.verified, true)
  assert.equal(world.requests('InitiateMultipartUpload').length, 1)
})

test('integrity: false compares nothing, and says so', async (t) => {
  const world = await openWorld(t, { cloud: WHOLE })
  const file = await makeFile('unwatched.mp4', 3 * MiB)
  await world.begin([file], { ...COMPARED, integrity: false })
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
  assert.equal(success(world)?.verified, false)
})
