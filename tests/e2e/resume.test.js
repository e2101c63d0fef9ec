// @ts-check
// What was sent is not sent again: after a reload, after the browser's death, and when records cannot be trusted the
// file still arrives.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signedRequest } from '../cloud/signed_request.js'
import { isOnDisk, pickLocal, startBrowser } from './browser_process.js'
import { MiB, World, makeFile, makeFolder, openCloud, openPage, openWorld } from './harness.js'

/** @typedef {import('node:test').TestContext} TestContext */

const SLOW = { bytesPerSecond: 40 * MiB }

/**
 * A page that is half through a file.
 * @param {TestContext} t
 * @param {string} name
 * @param {{ size?: number, options?: Record<string, unknown>, cloud?: import('../cloud/index.js').CloudOptions, network?: typeof SLOW }} [how]
 */
async function half(t, name, { size = 30 * MiB, options = { partSize: MiB }, cloud, network = SLOW } = {}) {
  const world = await openWorld(t, { cloud })
  const file = await makeFile(name, size)
  world.cloud.faults.network(network)
  await world.begin([file], options)
  await world.reached(0.5)
  return { world, file }
}

/**
 * The bytes of parts that the cloud received beyond those of the file, and the most that may be lost: what is under way.
 * @param {World} world
 * @param {number} size
 */
function waste(world, size) {
  const parts = world.requests('UploadPart')
  const largest = Math.max(...parts.filter(({ status }) => status === 200).map(({ bytes }) => bytes))
  return { sent: parts.reduce((sum, { bytes }) => sum + bytes, 0) - size, allowed: 5 * largest }
}

test('after a reload at half, a file of 200 MiB goes on from there', async (t) => {
  const size = 200 * MiB
  const { world, file } = await half(t, 'reload.mp4', { size, options: {} })
  await world.reload()
  const before = world.requests('UploadPart').length
  await world.begin([file])
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { resumed: true })
  const { sent, allowed } = waste(world, size)
  assert.ok(sent <= allowed, `${sent} bytes were sent twice, more than ${allowed}`)
  const stored = world.requests('UploadPart').slice(0, before).filter(({ status }) => status === 200)
  assert.ok(stored.length > 10)
  const again = new Set(world.requests('UploadPart').slice(before).map(({ partNumber }) => partNumber))
  assert.deepEqual(stored.filter(({ partNumber }) => again.has(partNumber)), [])
  assert.equal(world.requests('InitiateMultipartUpload').length, 1)
  assert.equal(world.cloud.uploads().length, 0)
})

test('after many reloads a file is complete, with little sent twice', async (t) => {
  const size = 60 * MiB
  const { world, file } = await half(t, 'reloads.mp4', { size })
  for (const share of [0.55, 0.6, 0.7]) {
    await world.reload()
    await world.begin([file], { partSize: MiB })
    await world.reached(share)
  }
  await world.reload()
  await world.begin([file], { partSize: MiB })
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { resumed: true })
  const { sent, allowed } = waste(world, size)
  assert.ok(sent <= 4 * allowed, `${sent} bytes were sent twice, more than ${4 * allowed}`)
  assert.equal(world.requests('InitiateMultipartUpload').length, 1)
})

test('the package may be given another part size after a reload', async (t) => {
  const { world, file } = await half(t, 'other-size.mp4', { size: 50 * MiB, options: {} })
  await world.reload()
  await world.begin([file], { partSize: 300_000, parallel: 2 })
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { resumed: true })
})

test('after the browser was killed, the same file goes on', async (t) => {
  const { cloud, underWay } = await openCloud()
  const profile = makeFolder()
  const file = await makeFile('killed.mp4', 100 * MiB)
  /** @type {import('./page.js').Call[]} */
  const calls = []
  /** @type {string[]} */
  const problems = []
  let browser = await startBrowser(profile)
  t.after(async () => {
    await browser.kill()
    await cloud.close()
    assert.deepEqual(problems, [])
  })

  const begin = async () => {
    const world = new World({ cloud, underWay, page: await openPage(browser.context, { calls, problems }), calls, problems })
    await pickLocal(world.page, file)
    const uploader = await world.create()
    await world.add(uploader)
    await world.do(uploader, 'startUpload')
    return world
  }

  cloud.faults.network({ bytesPerSecond: 12 * MiB })
  const first = await begin()
  await first.reached(0.3)
  await first.until('the record on disk', () => isOnDisk(profile, 'killed.mp4'))
  await browser.kill()
  cloud.faults.network(SLOW)
  browser = await startBrowser(profile)
  const world = await begin()
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { resumed: true })
  assert.equal(world.requests('InitiateMultipartUpload').length, 1)
  const { sent, allowed } = waste(world, 100 * MiB)
  assert.ok(sent <= allowed, `${sent} bytes were sent twice, more than ${allowed}`)
})

/** @type {[what: string, damage: (text: string) => string][]} */
const DAMAGES = [
  ['cut off', (text) => text.slice(0, 60)],
  ['no JSON', () => '\u0000<html>'],
  ['an array', () => '[]'],
  ['null', () => 'null'],
  ['of another file size', (text) => text.replace(/"size":\d+/, '"size":7')],
  ['of another version', (text) => text.replace(/"version":\d+/, '"version":9')],
  ['with impossible segments', (text) => text.replace(/"segments":\[\[.*?\]\]/, '"segments":[[1,1],[5,-3]]')],
  ['of another user', (text) => text.replace(/"userId":"1"/, '"userId":"2"')],
  ['eight days old', (text) => text.replace(/"savedAt":(\d+)/, (_, time) => `"savedAt":${Number(time) - 8 * 86_400_000}`)],
]
test('a record that is damaged, old or another user\'s is as good as none', async (t) => {
  const { world, file } = await half(t, 'damaged.mp4', { size: 10 * MiB, network: { bytesPerSecond: 5 * MiB } })
  const read = () => world.page.evaluate(() => Object.entries(localStorage).filter(([key]) => key.startsWith('upload_')))
  await world.reload()
  const [[key, text]] = await read()
  world.cloud.faults.network(null)
  for (const [what, damage] of DAMAGES) {
    const damaged = damage(text)
    assert.notEqual(damaged, text, what)
    await world.page.evaluate(([key, text]) => localStorage.setItem(key, text), [key, damaged])
    world.calls.length = 0
    await world.begin([file], { partSize: MiB })
    await world.heard('onUploadEnd')
    await world.reload()
    await t.test(what, () => world.assertUploaded(file))
    assert.deepEqual(await read(), [])
  }
})

test('a record whose plan fits no file keeps the video, and the file is sent from its first byte', async (t) => {
  const { world, file } = await half(t, 'planless.mp4')
  await world.reload()
  await world.page.evaluate(() => {
    for (const [key, text] of Object.entries(localStorage)) localStorage.setItem(key, text.replace(/"segments":\[\[.*?\]\]/, '"segments":[[1,7]]'))
  })
  await world.begin([file])
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { resumed: true })
  assert.equal(world.requests('InitiateMultipartUpload').length, 2)
})

test('another user of the same browser begins anew, with a video of their own', async (t) => {
  const { world, file } = await half(t, 'user.mp4')
  await world.reload()
  await world.begin([file], { userId: '2' })
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
  assert.equal(world.requests('InitiateMultipartUpload').length, 2)
})

test('an upload that the storage has dropped meanwhile is begun anew, and nobody is told', async (t) => {
  const { world, file } = await half(t, 'dropped.mp4')
  const { cloud } = world
  await world.reload()
  const [{ key, uploadId }] = cloud.uploads()
  const { status } = await signedRequest(cloud, cloud.credentials.issue({ key }), { method: 'DELETE', key, query: { uploadId } })
  assert.equal(status, 204)
  await world.begin([file])
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { resumed: true })
  assert.equal(world.requests('InitiateMultipartUpload').length, 2)
})

test('an upload that the storage drops under way is begun anew, and nobody is told', async (t) => {
  const { world, file } = await half(t, 'dropped-now.mp4')
  const { cloud } = world
  const [{ key, uploadId }] = cloud.uploads()
  await signedRequest(cloud, cloud.credentials.issue({ key }), { method: 'DELETE', key, query: { uploadId } })
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
  assert.equal(world.requests('InitiateMultipartUpload').length, 2)
})

test('a credential that may not list parts still goes on after a reload', async (t) => {
  const { world, file } = await half(t, 'denied.mp4', { cloud: { deny: ['ListParts'] } })
  await world.reload()
  await world.begin([file])
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { resumed: true })
  assert.equal(world.requests('InitiateMultipartUpload').length, 1)
})

test('a file that changed since is uploaded from its first byte', async (t) => {
  const { world } = await half(t, 'edited.mp4', { size: 12 * MiB })
  await world.reload()
  const edited = await makeFile('edited.mp4', 12 * MiB - 1)
  await world.begin([edited])
  await world.heard('onUploadEnd')
  await world.assertUploaded(edited)
})

test('a page that is reloaded before it heard that the object is complete ends well', async (t) => {
  const world = await openWorld(t)
  const { cloud } = world
  cloud.faults.add({ operation: 'CompleteMultipartUpload', times: 1, action: { kind: 'lostReply' } })
  cloud.faults.add({ operation: ['CompleteMultipartUpload', 'HeadObject'], action: { kind: 'stall', forever: true } })
  const file = await makeFile('unheard.mp4', 10 * MiB)
  await world.begin([file])
  await world.until('the object', () => cloud.objects().length === 1)
  await world.reload()
  cloud.faults.clear()
  await world.begin([file])
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { resumed: true })
  assert.equal(cloud.uploads().length, 0)
})

/** @type {Record<string, () => void>} */
const STORAGES = {
  'that is full': () => {
    Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }
  },
  'that is forbidden': () => {
    Object.defineProperty(globalThis, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError') } })
  },
}
for (const [what, before] of Object.entries(STORAGES)) {
  test(`a storage ${what} is reported and stops nothing`, async (t) => {
    const world = await openWorld(t, { before })
    const file = await makeFile('storage.mp4', 12 * MiB)
    await world.begin([file])
    await world.heard('onUploadEnd')
    await world.assertUploaded(file)
    assert.match(world.problems.splice(0).join(), /CheckpointNotSaved/)
  })
}
