// @ts-check
// What goes wrong on the way: cut connections, a busy service, credentials that expire, networks that vanish, answers
// that lie. The file arrives all the same, or its owner learns why not.

import assert from 'node:assert/strict'
import { rmSync, utimesSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { KiB, MiB, makeFile, openWorld } from './harness.js'

/** @typedef {import('../cloud/faults.js').Fault} Fault */

/** Small parts make many requests to hit. */
const SMALL = { partSize: 256 * KiB }

test('parts that are cut or refused now and then, and credentials that expire, leave no trace', async (t) => {
  let stored = 0
  const world = await openWorld(t, {
    cloud: {
      onRequest: ({ operation, status }) => {
        // At most five parts are under way with the old credential, so each expiry meets another credential.
        if (operation === 'UploadPart' && status === 200 && [20, 60, 100].includes(++stored)) world.cloud.credentials.expireAll()
      },
    },
  })
  const cut = world.cloud.faults.add({ operation: 'UploadPart', rate: 0.05, seed: 1, action: { kind: 'cut', fraction: 0.6 } })
  const busy = world.cloud.faults.add({ operation: 'UploadPart', rate: 0.05, seed: 2, action: { kind: 'status', status: 503 } })
  const file = await makeFile('faulty.mp4', 40 * MiB)
  await world.begin([file], SMALL)
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { expiries: 3 })
  for (const { id, hits } of world.cloud.faults.list()) assert.ok(hits >= 3, `${{ [cut]: 'cut', [busy]: '503' }[id]} hit ${hits} times`)
})

for (const [operation, size] of /** @type {[string, number][]} */ ([['PutObject', 300 * KiB], ['InitiateMultipartUpload', 2 * MiB], ['CompleteMultipartUpload', 2 * MiB]])) {
  test(`credentials that expire at ${operation} are asked for again`, async (t) => {
    const world = await openWorld(t)
    world.cloud.faults.add({ operation, times: 2, action: { kind: 'expire' } })
    const file = await makeFile(`expired-${operation}.mp4`, size)
    await world.begin([file])
    await world.heard('onUploadEnd')
    await world.assertUploaded(file, { expiries: 2 })
  })
}

test('a credential that expires at a form is asked for again, and the file is sent as one plain request', async (t) => {
  const world = await openWorld(t)
  world.cloud.faults.add({ operation: ['PostObject', 'PutObject'], times: 2, action: { kind: 'expire' } })
  const file = await makeFile('expired-form.mp4', 1000)
  await world.begin([file])
  await world.heard('onUploadEnd')
  await world.assertUploaded(file, { expiries: 2 })
})

/**
 * Lets seconds pass in the page, whose clock is Playwright's; requests have some real time in each step.
 * @param {import('./harness.js').World} world
 * @param {number} seconds
 * @param {number} [step]
 */
async function pass({ page }, seconds, step = 1) {
  for (let passed = 0; passed < seconds; passed += step) {
    await page.clock.runFor(step * 1000)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('a page that is offline for five minutes uses up no retries and goes on when it is online again', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('offline.mp4', 20 * MiB)
  await world.page.clock.install()
  world.cloud.faults.network({ bytesPerSecond: 20 * MiB })
  await world.begin([file], { partSize: MiB, retryCount: 1, retryDuration: 0 })
  await world.reached(0.3)
  await world.page.context().setOffline(true)
  world.cloud.faults.network({ down: true }) // the browser spares what is under way
  await pass(world, 300, 5)
  assert.deepEqual(world.story(), ['onUploadstarted offline.mp4'])
  world.cloud.faults.network(null)
  await world.page.context().setOffline(false)
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
})

test('a network that is away for a minute in mid-upload, and is known to be only after 20 s, is waited for', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('minute.mp4', 20 * MiB)
  await world.page.clock.install()
  world.cloud.faults.network({ bytesPerSecond: 20 * MiB })
  await world.begin([file], { partSize: MiB, retryDuration: 2 })
  await world.reached(0.3)
  world.cloud.faults.network({ down: true })
  await pass(world, 20)
  await world.page.context().setOffline(true)
  await pass(world, 40)
  assert.deepEqual(world.story(), ['onUploadstarted minute.mp4'])
  world.cloud.faults.network(null)
  await world.page.context().setOffline(false)
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
  assert.equal(world.requests('InitiateMultipartUpload').length, 1)
  const stored = world.requests('UploadPart').filter(({ status }) => status === 200).map(({ partNumber }) => partNumber)
  assert.equal(new Set(stored).size, stored.length, 'no part is stored twice')
})

test('a network that stays down fails the file, and it goes on from there when started again', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('away.mp4', 20 * MiB)
  await world.page.clock.install()
  world.cloud.faults.network({ bytesPerSecond: 20 * MiB })
  const uploader = await world.begin([file], { partSize: MiB, retryCount: 2, retryDuration: 1 })
  await world.reached(0.6)
  world.cloud.faults.network({ down: true })
  await pass(world, 110)
  assert.deepEqual(world.story(), ['onUploadstarted away.mp4'])
  await pass(world, 60)
  await world.heard('onUploadEnd')
  assert.equal(world.count('onUploadFailed'), 1)
  assert.equal(world.calls.find(({ on }) => on === 'onUploadFailed')?.code, 'NetworkError')
  world.cloud.faults.network(null)
  await world.do(uploader, 'startUpload')
  await world.heard('onUploadEnd', 2)
  await world.assertUploaded(file, { resumed: true })
  assert.equal(world.requests('InitiateMultipartUpload').length, 1)
})

for (const [what, size] of /** @type {[string, number][]} */ ([['a form', 3 * KiB], ['one request', 300 * KiB], ['parts', 3 * MiB]])) {
  test(`an endpoint of another region names the right one, and the file goes there (${what})`, async (t) => {
    const world = await openWorld(t)
    const file = await makeFile('elsewhere.mp4', size)
    await world.pick(file)
    const uploader = await world.create()
    await world.add(uploader, 0, 1, world.cloud.ossElsewhere)
    await world.do(uploader, 'startUpload')
    await world.heard('onUploadEnd')
    await world.assertUploaded(file)
    assert.ok(world.cloud.log.some(({ code }) => code === 'AccessDenied'))
  })
}

test('a request that stands still is given up and sent again', async (t) => {
  const world = await openWorld(t)
  world.cloud.faults.add({ operation: 'UploadPart', times: 3, action: { kind: 'stall', forever: true, fraction: 0.5 } })
  const file = await makeFile('stall.mp4', 5 * MiB)
  await world.begin([file], { timeout: 1500 })
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
})

/** @type {[name: string, fault: Fault, size: number][]} */
const LIES = [
  ['a lost reply to complete is no failure', { operation: 'CompleteMultipartUpload', times: 1, action: { kind: 'lostReply' } }, 3 * MiB],
  ['a lost reply to initiate is no failure', { operation: 'InitiateMultipartUpload', times: 6, action: { kind: 'lostReply' } }, 3 * MiB],
  ['a lost reply to a part is no failure', { operation: 'UploadPart', times: 1, action: { kind: 'lostReply' } }, 3 * MiB],
  ['a lost reply to put is no failure', { operation: 'PutObject', times: 1, action: { kind: 'lostReply' } }, 300 * KiB],
  ['a lost reply to a form is no failure', { operation: 'PostObject', times: 1, action: { kind: 'lostReply' } }, 3 * KiB],
  ['an error in a 200 answer to complete is seen', { operation: 'CompleteMultipartUpload', times: 1, action: { kind: 'errorIn200' } }, 3 * MiB],
  ['the page of a captive portal is no stored part', { operation: 'UploadPart', times: 2, action: { kind: 'html' } }, 3 * MiB],
  ['the page of a captive portal is no stored object', { operation: 'PutObject', times: 2, action: { kind: 'html' } }, 300 * KiB],
  ['the page of a captive portal is no answer to a form', { operation: 'PostObject', times: 2, action: { kind: 'html' } }, 3 * KiB],
  ['the page of a captive portal is no upload id', { operation: 'InitiateMultipartUpload', times: 2, action: { kind: 'html' } }, 3 * MiB],
  ['the page of a captive portal is no complete object', { operation: 'CompleteMultipartUpload', times: 2, action: { kind: 'html' } }, 3 * MiB],
  ['a preflight that fails is tried again', { operation: 'preflight', times: 1, action: { kind: 'status', status: 503 } }, 3 * MiB],
  ['too many requests are sent later', { operation: 'UploadPart', times: 3, action: { kind: 'status', status: 429, retryAfter: 1 } }, 3 * MiB],
]
for (const [name, fault, size] of LIES) {
  test(name, async (t) => {
    const world = await openWorld(t)
    world.cloud.faults.add(fault)
    const file = await makeFile('lies.mp4', size)
    await world.begin([file])
    await world.heard('onUploadEnd')
    await world.assertUploaded(file)
    assert.ok(world.cloud.faults.list()[0].hits > 0)
    assert.equal(world.cloud.objects().length, 1)
  })
}

test('a bucket that hides the ETag is asked for its list of parts', async (t) => {
  const world = await openWorld(t, { cloud: { cors: { expose: [] } } })
  const file = await makeFile('hidden.mp4', 12 * MiB)
  await world.begin([file])
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
  assert.equal(world.requests('ListParts').length, 1)
})

test('a bucket that hides the ETag and forbids the list says what to change', async (t) => {
  const world = await openWorld(t, { cloud: { cors: { expose: [] }, deny: ['ListParts'] } })
  await world.begin([await makeFile('hidden-denied.mp4', 3 * MiB)])
  await world.heard('onUploadEnd')
  const failure = world.calls.find(({ on }) => on === 'onUploadFailed')
  assert.equal(failure?.code, 'CorsExposeEtag')
  assert.match(failure?.message ?? '', /ExposeHeader/)
})

test('a bucket whose CORS rule knows no POST takes a small file all the same', async (t) => {
  const world = await openWorld(t, { cloud: { cors: { methods: ['GET', 'PUT', 'DELETE', 'HEAD'] } } })
  const file = await makeFile('no-post.mp4', 3 * KiB)
  await world.begin([file])
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
  assert.equal(world.requests('PutObject').length, 1)
})

test('a bucket without a CORS rule fails with a word about CORS', async (t) => {
  const world = await openWorld(t, { cloud: { cors: null } })
  await world.begin([await makeFile('cors-put.mp4', 1000), await makeFile('cors-parts.mp4', 3 * MiB)], { retryCount: 1 })
  await world.heard('onUploadEnd')
  const failures = world.calls.filter(({ on }) => on === 'onUploadFailed')
  assert.deepEqual(failures.map(({ code }) => code), ['NetworkError', 'NetworkError'])
  for (const { message } of failures) assert.match(message ?? '', /CORS/)
})

for (const [what, size] of /** @type {[string, number][]} */ ([['a small', 300 * KiB], ['a large', 12 * MiB]])) {
  test(`${what} file that changed after it was picked is not sent`, async (t) => {
    const world = await openWorld(t)
    const file = await makeFile('changed.mp4', size)
    await world.pick(file)
    const uploader = await world.create()
    await world.add(uploader)
    writeFileSync(file, 'another')
    utimesSync(file, 1, 1)
    await world.do(uploader, 'startUpload')
    await world.heard('onUploadEnd')
    const failure = world.calls.find(({ on }) => on === 'onUploadFailed')
    assert.equal(failure?.code, 'FileUnreadable')
    assert.equal(world.cloud.objects().length, 0)
  })
}

test('a file that is deleted in mid-upload fails as unreadable, and the next one goes on', async (t) => {
  const world = await openWorld(t)
  const files = [await makeFile('deleted.mp4', 40 * MiB), await makeFile('next.mp4', 2 * MiB)]
  world.cloud.faults.network({ bytesPerSecond: 30 * MiB })
  await world.begin(files, { partSize: MiB })
  await world.reached(0.2)
  rmSync(files[0])
  await world.heard('onUploadEnd')
  assert.equal(world.calls.find(({ on }) => on === 'onUploadFailed')?.code, 'FileUnreadable')
  await world.assertUploaded(files[1])
})
