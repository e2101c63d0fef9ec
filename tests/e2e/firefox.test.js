// @ts-check
// What another engine may do otherwise: the strict policy, progress of XHR, slices of files, storage, CORS.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { KiB, MiB, World, makeFile, openCloud } from './harness.js'
import { startFirefox } from './webdriver.js'

/** @type {Awaited<ReturnType<typeof startFirefox>>} */
let firefox
before(async () => { firefox = await startFirefox() })
after(() => firefox?.close())

/**
 * @param {import('node:test').TestContext} t
 * @param {import('../cloud/index.js').CloudOptions} [options]
 */
async function openWorld(t, options) {
  const { cloud, underWay } = await openCloud(options)
  /** @type {import('./page.js').Call[]} */
  const calls = []
  const page = await firefox.openPage(calls)
  t.after(async () => {
    page.close()
    await cloud.close()
  })
  return new World({ cloud, underWay, page, calls, problems: [] })
}

test('Firefox uploads a small file and parts, byte for byte, with progress', async (t) => {
  const world = await openWorld(t)
  const paths = [await makeFile('火狐 small.mp4', MiB / 2), await makeFile('火狐 large.mp4', 24 * MiB)]
  await world.begin(paths)
  await world.heard('onUploadEnd')
  for (const path of paths) await world.assertUploaded(path)
})

test('Firefox goes on after a reload, and through cuts, refusals and an expired credential', async (t) => {
  const world = await openWorld(t)
  const path = await makeFile('firefox.mp4', 40 * MiB)
  world.cloud.faults.network({ bytesPerSecond: 12 * MiB })
  world.cloud.faults.add({ operation: 'UploadPart', rate: 0.05, seed: 1, action: { kind: 'cut' } })
  world.cloud.faults.add({ operation: 'UploadPart', rate: 0.05, seed: 2, action: { kind: 'status', status: 503 } })
  await world.begin([path])
  await world.reached(0.4)
  await world.reload()
  world.cloud.faults.add({ operation: 'UploadPart', after: 3, times: 1, action: { kind: 'expire' } })
  await world.begin([path])
  await world.heard('onUploadEnd')
  await world.assertUploaded(path, { resumed: true, expiries: 1 })
  assert.equal(world.requests('InitiateMultipartUpload').filter(({ status }) => status === 200).length, 1)
})

test('Firefox uploads with an STS token, through an expiry, and what changed on its way is sent again', async (t) => {
  const world = await openWorld(t, { integrity: 'full' })
  const paths = [await makeFile('火狐 sts.png', 20 * KiB), await makeFile('火狐 sts.mp4', 6 * MiB)]
  world.cloud.faults.add({ operation: 'UploadPart', partNumber: 2, times: 1, action: { kind: 'corrupt' } })
  world.cloud.faults.add({ operation: 'UploadPart', after: 3, times: 1, action: { kind: 'expire' } })
  await world.begin(paths, { partSize: MiB, integrity: true }, 'sts')
  await world.heard('onUploadEnd')
  for (const path of paths) await world.assertUploaded(path)
  assert.deepEqual(world.calls.filter(({ on }) => on === 'onUploadSucceed').map(({ verified }) => verified), [true, true])
})
