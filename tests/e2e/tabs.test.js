// @ts-check
// Pages of one browser, and equal files in one list: each upload has its own parts, and nobody's record is lost.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MiB, World, makeFile, newContext, openPage, openWorld } from './harness.js'

/** @typedef {import('node:test').TestContext} TestContext */

const PARTS = { partSize: MiB }

/**
 * Two tabs of one browser on one cloud.
 * @param {TestContext} t
 */
async function openTabs(t) {
  const context = await newContext()
  const first = await openWorld(t, { context })
  t.after(() => context.close())
  /** @type {import('./page.js').Call[]} */
  const calls = []
  const { cloud, underWay, problems } = first
  const second = new World({ cloud, underWay, calls, problems, page: await openPage(context, { calls, problems }) })
  return { cloud, first, second }
}

/**
 * Six parts are stored, and five stand still for some seconds.
 * @param {World} world
 * @param {string} file
 */
async function beginAndStall(world, file) {
  const fault = world.cloud.faults.add({ operation: 'UploadPart', after: 6, action: { kind: 'stall', ms: 3000, afterBytes: MiB / 2 } })
  await world.begin([file], PARTS)
  await world.until('six parts and five that stand still', () => world.cloud.uploads()[0]?.parts.length === 6
    && world.requests('UploadPart').filter(({ fault }) => fault).length === 5)
  world.cloud.faults.remove(fault)
}

/** @param {World} world */
const records = (world) => world.page.evaluate(() => Object.keys(localStorage))

test('two tabs that upload the same file at once both succeed', async (t) => {
  const { cloud, first, second } = await openTabs(t)
  const file = await makeFile('both.mp4', 12 * MiB)
  cloud.faults.network({ bytesPerSecond: 30 * MiB })
  await first.begin([file], PARTS)
  await second.begin([file], PARTS)
  await first.heard('onUploadEnd')
  await second.heard('onUploadEnd')
  await first.assertUploaded(file)
  await second.assertUploaded(file)
  assert.equal(cloud.objects().length, 2)
  assert.deepEqual(cloud.uploads(), [])
  assert.deepEqual(await records(first), [])
})

test('the end of an upload in a second tab leaves the first one\'s record, which goes on after a reload', async (t) => {
  const { cloud, first, second } = await openTabs(t)
  const file = await makeFile('tabs.mp4', 12 * MiB)
  await beginAndStall(first, file)
  await second.begin([file], PARTS)
  await second.heard('onUploadEnd')
  await second.assertUploaded(file)
  assert.equal((await records(second)).length, 1, 'the record is the first tab\'s')

  const [{ uploadId, key }] = cloud.uploads()
  const before = cloud.log.length
  await first.reload()
  await first.begin([file], PARTS)
  await first.heard('onUploadEnd')
  await first.assertUploaded(file, { resumed: true })
  assert.ok(cloud.object(key))
  const again = cloud.log.slice(before).filter(({ operation }) => operation === 'UploadPart')
  assert.deepEqual([...new Set(again.map((part) => part.uploadId))], [uploadId])
  assert.equal(again.filter(({ status }) => status === 200).length, 6, 'what was stored is not sent again')
  assert.equal(first.requests('InitiateMultipartUpload').length, 2)
  assert.deepEqual(await records(first), [])
})

test('a tab that is closed leaves its upload to the other', async (t) => {
  const { first, second } = await openTabs(t)
  const file = await makeFile('closed.mp4', 12 * MiB)
  await beginAndStall(first, file)
  await first.page.close()
  await second.begin([file], PARTS)
  await second.heard('onUploadEnd')
  await second.assertUploaded(file, { resumed: true })
  assert.equal(second.requests('InitiateMultipartUpload').length, 1)
})

test('two File objects of one file in one list are two uploads, and both go on after a reload', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('pair.mp4', 6 * MiB)
  const begin = async () => {
    const uploader = await world.create({ ...PARTS, fileParallel: 2, parallel: 2 })
    for (let i = 0; i < 2; i++) {
      await world.pick() // or Chromium hands out the same object again
      await world.pick(file)
      await world.add(uploader)
    }
    assert.equal((await world.do(uploader, 'listFiles')).length, 2)
    await world.do(uploader, 'startUpload')
  }
  world.cloud.faults.network({ bytesPerSecond: 10 * MiB })
  await begin()
  await world.until('parts of both', () => world.cloud.uploads().filter(({ parts }) => parts.length >= 2).length === 2)
  await world.reload()
  world.cloud.faults.network(null)
  await begin()
  await world.heard('onUploadEnd')
  assert.deepEqual([world.count('onUploadSucceed'), world.count('onUploadFailed')], [2, 0])
  assert.equal(world.requests('InitiateMultipartUpload').length, 2)
  const objects = world.cloud.objects()
  assert.equal(objects.length, 2)
  for (const { key } of objects) await world.assertSame(key, file)
  assert.deepEqual(await records(world), [])
})
