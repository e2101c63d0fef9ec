// @ts-check
// Credentials in a real browser: they expire, VOD is slow to give them, the device's clock is wrong. A person who
// uploads sees nothing of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KiB, MiB, makeFile, openWorld } from './harness.js'

/** @typedef {import('./harness.js').World} World */
/** @typedef {import('../cloud/faults.js').Fault} Fault */

/**
 * One upload, and nothing sent again but what was under way with a credential that was over.
 * @param {World} world
 * @param {number} parts
 */
function assertFrugal(world, parts) {
  assert.equal(world.requests('InitiateMultipartUpload').length, 1)
  const sent = world.requests('UploadPart')
  assert.equal(new Set(sent.map(({ uploadId }) => uploadId)).size, 1)
  assert.deepEqual(sent.filter(({ status }) => status === 200).map(({ partNumber }) => partNumber ?? 0).sort((a, b) => a - b), Array.from({ length: parts }, (_, i) => i + 1))
  const refused = sent.filter(({ status }) => status !== 200)
  assert.deepEqual([...new Set(refused.map(({ status }) => status))], [403])
  assert.ok(refused.length >= 3 && refused.length <= 3 * 5, `${refused.length} parts were refused, at most five at each expiry may be`)
}

test('an UploadAuth that expires three times in one upload is renewed three times, and no stored part is sent again', async (t) => {
  let stored = 0
  const world = await openWorld(t, {
    cloud: {
      onRequest({ operation, status }) {
        if (operation === 'UploadPart' && status === 200 && [8, 20, 32].includes(++stored)) world.cloud.credentials.expireAll()
      },
    },
  })
  const file = await makeFile('auth.mp4', 40 * MiB)
  await world.begin([file], { partSize: MiB })
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { expiries: 3 })
  assertFrugal(world, 40)
  assert.equal(world.cloud.videos().length, 1)
})

test('with an STS token VOD renews what expires, the application renews the token, and no stored part is sent again', async (t) => {
  let stored = 0
  const world = await openWorld(t, {
    cloud: {
      onRequest({ operation, status }) {
        // The token of STS, too.
        if (operation === 'UploadPart' && status === 200 && ++stored === 20) world.cloud.credentials.expireAll()
      },
    },
  })
  for (const after of [8, 30]) world.cloud.faults.add({ operation: 'UploadPart', after, times: 1, action: { kind: 'expire' } })
  const file = await makeFile('sts.mp4', 40 * MiB)
  await world.begin([file], { partSize: MiB }, 'sts')
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { expiries: 1 })
  assertFrugal(world, 40)
  assert.equal(world.cloud.videos().length, 1)
  assert.equal(world.cloud.videos()[0].refreshes, 3)
})

test('an STS token that has expired before VOD was asked is asked for again', async (t) => {
  const world = await openWorld(t)
  world.cloud.faults.add({ operation: 'CreateUploadVideo', times: 1, action: { kind: 'expire' } })
  const file = await makeFile('sts-late.mp4', 3 * MiB)
  await world.begin([file], {}, 'sts')
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { expiries: 1 })
  assert.equal(world.cloud.videos().length, 1)
})

test('after a reload, an upload with an STS token goes on from its parts', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('sts-reload.mp4', 20 * MiB)
  world.cloud.faults.network({ bytesPerSecond: 20 * MiB })
  await world.begin([file], { partSize: MiB }, 'sts')
  await world.reached(0.4)
  await world.reload()
  world.cloud.faults.network(null)
  await world.begin([file], { partSize: MiB }, 'sts')
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { resumed: true })
  assert.equal(world.requests('InitiateMultipartUpload').length, 1)
  assert.equal(world.cloud.videos().length, 1)
})

test('with an STS token an image becomes an image, with its address', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('cover.png', 100 * KiB)
  await world.begin([file], {}, 'sts')
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
  assert.deepEqual([world.cloud.videos().length, world.cloud.images().length], [0, 1])
  assert.match(world.calls.find(({ on }) => on === 'onUploadSucceed')?.imageUrl ?? '', /^http/)
})

/** @type {[what: string, fault: Fault][]} */
const RPC = [
  ['is busy', { operation: 'CreateUploadVideo', times: 2, action: { kind: 'status', status: 429 } }],
  ['is hidden by a captive portal', { operation: 'CreateUploadVideo', times: 2, action: { kind: 'html' } }],
  ['answers and the answer is lost', { operation: 'CreateUploadVideo', times: 1, action: { kind: 'lostReply' } }],
  ['is busy when it renews', { operation: 'RefreshUploadVideo', times: 2, action: { kind: 'status', status: 503 } }],
  ['is hidden by a captive portal when it renews', { operation: 'RefreshUploadVideo', times: 2, action: { kind: 'html' } }],
  ['renews and the answer is lost', { operation: 'RefreshUploadVideo', times: 1, action: { kind: 'lostReply' } }],
]
for (const [what, fault] of RPC) {
  test(`VOD that ${what} is asked again`, async (t) => {
    const world = await openWorld(t)
    world.cloud.faults.add(fault)
    if (fault.operation === 'RefreshUploadVideo') world.cloud.faults.add({ operation: 'UploadPart', times: 1, action: { kind: 'expire' } })
    const file = await makeFile('rpc.mp4', 3 * MiB)
    await world.begin([file], {}, 'sts')
    await world.heard('onUploadEnd')
    await world.assertUploaded(file)
    for (const { hits } of world.cloud.faults.list()) assert.ok(hits > 0)
    assert.equal(world.cloud.objects().length, 1)
  })
}

test('what VOD refuses fails the file with the service\'s own code', async (t) => {
  const world = await openWorld(t)
  world.cloud.faults.add({ operation: 'CreateUploadVideo', action: { kind: 'status', status: 403, code: 'Forbidden.RAM' } })
  await world.begin([await makeFile('forbidden.mp4', 1000)], {}, 'sts')
  await world.heard('onUploadEnd')
  assert.equal(world.calls.find(({ on }) => on === 'onUploadFailed')?.code, 'Forbidden.RAM')
  assert.equal(world.cloud.objects().length, 0)
})

/**
 * A device whose clock is wrong, for whatever asks it.
 * @param {number} hours
 */
const skewed = (hours) => `{
  const { now } = Date
  globalThis.Date = class extends Date {
    constructor(...args) { super(...(args.length > 0 ? args : [now() + ${hours} * 3_600_000])) }
    static now() { return now() + ${hours} * 3_600_000 }
  }
}`

for (const hours of [2, -2]) {
  for (const grant of /** @type {const} */ ([1, 4, 'sts'])) {
    test(`a clock that is ${hours} hours off does no harm, ${grant === 'sts' ? 'with an STS token' : `signed with V${grant}`}`, async (t) => {
      const world = await openWorld(t, { before: skewed(hours) })
      const files = [await makeFile('clock-form.mp4', 10 * KiB), await makeFile('clock-put.mp4', 300 * KiB), await makeFile('clock-parts.mp4', 5 * MiB)]
      await world.pick(...files)
      // An uploader learns the time, so each file has its own.
      for (const uploader of [0, 1, 2]) {
        await world.create({}, grant)
        await world.add(uploader, uploader, uploader + 1)
        await world.do(uploader, 'startUpload')
      }
      await world.heard('onUploadEnd', 3)
      for (const file of files) await world.assertUploaded(file)
      // That a clock is behind is told by the credential; that it is ahead, by the storage.
      const refused = world.cloud.log.filter(({ code }) => code === 'RequestTimeTooSkewed').length
      assert.ok(hours > 0 ? refused >= 2 : refused === 0, `${refused}`)
    })
  }
}
