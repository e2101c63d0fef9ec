// @ts-check
// What another engine may do otherwise: the strict policy, progress of XHR, slices of files, storage, CORS.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { MiB, World, makeFile, openCloud } from './harness.js'
import { startFirefox } from './webdriver.js'

/** @type {Awaited<ReturnType<typeof startFirefox>>} */
let firefox
before(async () => { firefox = await startFirefox() })
after(() => firefox?.close())

/** @param {import('node:test').TestContext} t */
async function openWorld(t) {
  const { cloud, underWay } = await openCloud()
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
