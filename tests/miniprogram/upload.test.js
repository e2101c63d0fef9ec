// @ts-check
// The stories of every engine, in V8, and what needs to be shown in one engine only: stopping, sleeping, losing the network.

import assert from 'node:assert/strict'
import { truncateSync } from 'node:fs'
import { test } from 'node:test'
import { KiB, makeFile, MiB } from './project.js'
import { stories } from './stories.js'
import { BUCKET_HOST, openWorld } from './world.js'

for (const [name, story] of Object.entries(stories)) test(name, (t) => story(t, { runtime: 'vm', scale: 1 }))

test('the class is the default and has its name', async (t) => {
  const world = await openWorld(t)
  assert.deepEqual(await world.program.app('exported'), ['function', true])
})

for (const api of ['chooseMedia', 'chooseVideo', 'chooseMessageFile']) {
  test(`what ${api} gives is taken as it is`, async (t) => {
    const world = await openWorld(t)
    const file = await makeFile(`${api}.mp4`, 3 * MiB)
    // Some phones, and WeChat's developer tools, have such paths.
    const as = api === 'chooseVideo' ? 'http://tmp/abc.mp4' : undefined
    assert.deepEqual(await world.begin([{ file, as }], { partSize: MiB }, { api, whole: true }), [true])
    await world.assertUploaded(file)
    assert.equal(world.requests('UploadPart').length, 3)
  })
}

test('a form whose credential has expired asks for another and goes on', async (t) => {
  const world = await openWorld(t)
  world.cloud.faults.add({ operation: 'PostObject', times: 1, action: { kind: 'expire' } })
  const file = await makeFile('form.mp4', 100 * KiB)
  await world.begin([file])
  await world.assertUploaded(file, { expiries: 1 })
})

test('an expired STS token is asked for once in mid-upload', async (t) => {
  const world = await openWorld(t)
  world.cloud.faults.add({ operation: 'UploadPart', after: 2, times: 1, action: { kind: 'expire' } })
  world.cloud.faults.add({ operation: 'RefreshUploadVideo', times: 1, action: { kind: 'expire' } })
  const file = await makeFile('sts.mp4', 6 * MiB)
  await world.begin([file], { partSize: MiB }, { grant: 'sts' })
  await world.assertUploaded(file, { expiries: 1 })
})

test('getAuth is asked when a credential is needed, and once more when it expires', async (t) => {
  const world = await openWorld(t)
  world.cloud.faults.add({ operation: 'UploadPart', after: 2, times: 1, action: { kind: 'expire' } })
  const file = await makeFile('getauth.mp4', 6 * MiB)
  await world.begin([file], { partSize: MiB }, { grant: 'getAuth' })
  await world.heard('onUploadSucceed')
  assert.deepEqual(world.program.told('getAuth'), ['create-video', 'refresh-video'])
  await world.assertSame(world.program.told('onUploadSucceed')[0].object, file)
  await world.assertClean()
})

test('a host that only request may reach takes parts, one that only uploadFile may reach a form', async (t) => {
  const hosts = ['https://app.example.com', 'https://outin-local.oss-cn-shanghai.aliyuncs.com']
  const file = await makeFile('lists.mp4', 3 * MiB)
  for (const domains of [{ request: hosts, uploadFile: [] }, { request: hosts.slice(0, 1), uploadFile: hosts }]) {
    const world = await openWorld(t, { wx: { domains } })
    await world.begin([file], { partSize: MiB })
    await world.heard('onUploadEnd')
    const [failure] = world.program.told('onUploadFailed')
    // Both ways out are good: to go round by the other API, or to say which list lacks the host.
    if (failure) assert.deepEqual([failure.code, /outin-local/.test(failure.message)], ['DomainNotAllowed', true])
    else await world.assertUploaded(file)
    assert.ok(!failure || domains.uploadFile.length > 0, 'parts need no uploadFile')
  }
})

test('an upload that was interrupted in the background goes on, and repetitions are not counted', async (t) => {
  for (const first of /** @type {const} */ (['answers', 'event'])) {
    const world = await openWorld(t)
    const file = await makeFile('hidden.mp4', 12 * MiB)
    await world.begin([file], { partSize: MiB, retryCount: 1 })
    for (let i = 1; i <= 3; i++) {
      const stall = world.cloud.faults.add({ operation: 'UploadPart', action: { kind: 'stall', forever: true }, after: 2 })
      await world.until('parts that stand still', () => world.cloud.faults.list()[0].hits > 0 && world.underWay('PUT'))
      world.wx.hide({ now: true })
      world.cloud.faults.remove(stall)
      assert.ok(world.wx.calls.filter(({ ended = '' }) => /interrupted/.test(ended)).length >= i)
      world.wx.show({ first })
    }
    await world.assertUploaded(file)
    assert.equal(world.requests('InitiateMultipartUpload').length, 1)
  }
})

test('a form that was interrupted in the background is sent again', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('hidden.png', 300 * KiB)
  // As a PUT the next time, it may be.
  const stall = world.cloud.faults.add({ operation: ['PostObject', 'PutObject'], action: { kind: 'stall', forever: true } })
  await world.begin([file], { retryCount: 1 })
  for (let i = 0; i < 3; i++) {
    await world.until('the file under way', () => world.cloud.log.length > i && (world.underWay('POST') || world.underWay('PUT')))
    world.wx.hide({ now: true })
    if (i === 2) world.cloud.faults.remove(stall)
    world.wx.show()
  }
  await world.assertUploaded(file)
})

for (const android of [false, true]) {
  test(`without a network ${android ? 'Android' : 'iOS'} waits, and goes on when it is back`, async (t) => {
    const world = await openWorld(t, { wx: { android } })
    const file = await makeFile(`offline-${android}.mp4`, 12 * MiB)
    const stall = world.cloud.faults.add({ operation: 'UploadPart', action: { kind: 'stall', forever: true }, after: 4 })
    await world.begin([file], { partSize: MiB, retryCount: 1 })
    await world.stored(4)
    await world.until('parts under way', () => world.underWay('PUT'))
    const calls = world.wx.calls.length
    world.wx.setNetwork({ isConnected: false })
    world.cloud.faults.remove(stall)
    await new Promise((resolve) => setTimeout(resolve, 200))
    assert.ok(world.wx.calls.length - calls <= 8, 'does not knock all the time')
    world.wx.setNetwork({ isConnected: true, networkType: '4g' })
    await world.assertUploaded(file)
    assert.equal(world.requests('InitiateMultipartUpload').length, 1)
  })
}

test('a connection that breaks without a word from the phone is tried again', async (t) => {
  const world = await openWorld(t)
  world.cloud.faults.add({ operation: 'UploadPart', every: 3, times: 3, action: { kind: 'cut', fraction: 0.5 } })
  const file = await makeFile('cut.mp4', 8 * MiB)
  await world.begin([file], { partSize: MiB })
  await world.assertUploaded(file)
})

test('who is back before the phone puts it to sleep loses nothing', async (t) => {
  const world = await openWorld(t)
  const stall = world.cloud.faults.add({ operation: 'UploadPart', action: { kind: 'stall', ms: 100 } })
  const file = await makeFile('glance.mp4', 8 * MiB)
  await world.begin([file], { partSize: MiB })
  await world.stored(1)
  world.wx.hide({ after: 60_000 })
  await new Promise((resolve) => setTimeout(resolve, 150))
  world.wx.show()
  world.cloud.faults.remove(stall)
  await world.assertUploaded(file)
  assert.equal(world.requests('UploadPart').length, 8, 'no part twice')
})

test('two uploaders listen no more than one', async (t) => {
  const world = await openWorld(t)
  for (const name of ['first.mp4', 'second.mp4']) {
    const file = await makeFile(name, 2 * MiB)
    await world.begin([file])
    await world.until('a success', () => world.program.told('onUploadSucceed').some(({ object }) => object && name && world.cloud.objects().length === (name === 'first.mp4' ? 1 : 2)))
  }
  assert.ok(Object.values(world.wx.listeners).every((count) => count <= 1), JSON.stringify(world.wx.listeners))
})

test('stopping aborts what is under way, starting goes on', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('stopped.mp4', 8 * MiB)
  const stall = world.cloud.faults.add({ operation: 'UploadPart', action: { kind: 'stall', forever: true }, after: 3 })
  await world.begin([file], { partSize: MiB })
  await world.stored(3)
  await world.until('parts under way', () => world.underWay('PUT'))
  await world.do('stopUpload')
  await world.heard('onUploadCanceled')
  await world.until('an end', () => world.wx.calls.every(({ ended }) => ended))
  assert.ok(world.wx.calls.some(({ ended }) => ended === 'request:fail abort'))
  assert.deepEqual(await world.program.app('states'), ['Stoped'])
  world.cloud.faults.remove(stall)
  await world.do('startUpload')
  await world.heard('onUploadSucceed')
  await world.assertSame(world.program.told('onUploadSucceed')[0].object, file)
  assert.equal(world.requests('UploadPart').filter(({ status }) => status === 200).length, 8, 'no part twice')
  await world.assertClean()
})

test('cancelling aborts and frees what is stored; a cancelled file can be resumed', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('cancelled.mp4', 8 * MiB)
  const stall = world.cloud.faults.add({ operation: 'UploadPart', action: { kind: 'stall', forever: true }, after: 3 })
  await world.begin([file], { partSize: MiB })
  await world.stored(3)
  assert.equal(await world.do('cancelFile', 0), true)
  await world.heard('onUploadCanceled')
  await world.until('an abort', () => world.cloud.uploads().length === 0)
  assert.deepEqual(await world.program.app('states'), ['Canceled'])
  world.cloud.faults.remove(stall)
  assert.equal(await world.do('resumeFile', 0), true)
  await world.do('startUpload')
  await world.heard('onUploadSucceed')
  await world.assertSame(world.program.told('onUploadSucceed')[0].object, file)
  await world.assertClean()
})

test('a form can be stopped and started again', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('stopped.png', 300 * KiB)
  const stall = world.cloud.faults.add({ operation: 'PostObject', action: { kind: 'stall', forever: true } })
  await world.begin([file])
  await world.until('the form under way', () => world.cloud.log.length > 0)
  await world.do('stopUpload')
  await world.heard('onUploadCanceled')
  await world.until('an end', () => world.wx.calls.every(({ ended }) => ended))
  assert.ok(world.wx.calls.some(({ ended }) => ended === 'uploadFile:fail abort'))
  world.cloud.faults.remove(stall)
  await world.do('startUpload')
  await world.heard('onUploadSucceed')
  await world.assertSame(world.program.told('onUploadSucceed')[0].object, file)
})

test('the same file is taken once', async (t) => {
  const world = await openWorld(t)
  await world.create()
  world.wx.pick([await makeFile('twice.mp4', 1000)])
  await world.program.app('choose', 'chooseMedia', true)
  assert.equal(await world.program.app('addAgain', 0), false)
})

test('several files go in order, several uploads stay below ten requests', async (t) => {
  const world = await openWorld(t)
  const sizes = [3 * MiB, 100 * KiB, 5 * MiB + 1, 300 * KiB, 4 * MiB, 2 * MiB]
  const files = await Promise.all(sizes.map((size, i) => makeFile(`many-${i}.mp4`, size)))
  await world.begin(files, { partSize: 256 * KiB, parallel: 8, fileParallel: 4 })
  await world.heard('onUploadEnd')
  const done = world.program.told('onUploadSucceed')
  assert.equal(done.length, 6, world.program.story())
  for (const path of files) {
    const match = done.find(({ size, object }) => size === sizes[files.indexOf(path)] && object)
    await world.assertSame(match.object, path)
  }
  assert.ok(world.wx.counts.uploadFile <= 10)
  await world.assertClean()
})

test('a file that is gone fails with a reason', async (t) => {
  const world = await openWorld(t)
  await world.create({ partSize: MiB })
  const file = await makeFile('gone.mp4', 5 * MiB)
  world.wx.pick([{ file, as: 'wxfile://tmp_gone.mp4' }])
  await world.program.app('choose', 'chooseMedia')
  world.wx.files.remove('wxfile://tmp_gone.mp4')
  await world.do('startUpload')
  await world.heard('onUploadFailed')
  const [{ code, message }] = world.program.told('onUploadFailed')
  assert.match(code, /^File/)
  assert.ok(message.length > 10)
  assert.deepEqual(world.program.told('onUploadSucceed'), [])
})

test('a form whose file is gone when it is sent again fails with that reason', async (t) => {
  const world = await openWorld(t)
  const stall = world.cloud.faults.add({ operation: 'PostObject', action: { kind: 'stall', forever: true } })
  await world.create()
  world.wx.pick([{ file: await makeFile('gone.png', 300 * KiB), as: 'wxfile://tmp_gone.png' }])
  await world.program.app('choose', 'chooseImage')
  await world.do('startUpload')
  await world.until('the form under way', () => world.cloud.log.length > 0)
  world.wx.files.remove('wxfile://tmp_gone.png')
  world.wx.hide({ now: true })
  world.cloud.faults.remove(stall)
  world.wx.show()
  await world.heard('onUploadEnd')
  assert.equal(world.program.told('onUploadFailed')[0].code, 'FileUnreadable')
})

test('a host without an address fails when the repetitions are used up', async (t) => {
  const world = await openWorld(t)
  delete world.wx.phone.hosts[BUCKET_HOST]
  await world.begin([await makeFile('nowhere.mp4', 3 * MiB)], { retryCount: 2 })
  await world.heard('onUploadEnd')
  const [{ code, message }] = world.program.told('onUploadFailed')
  assert.deepEqual([code, message.includes(BUCKET_HOST)], ['NetworkError', true])
  assert.equal(world.sent().length, 3)
  await world.assertClean()
})

for (const android of [false, true]) {
  test(`a file that shrinks while it is sent fails${android ? ', also where zeros are read past its end' : ''}`, async (t) => {
    const world = await openWorld(t, { wx: { android } })
    const file = await makeFile(`shrinks-${android}.mp4`, 8 * MiB)
    const stall = world.cloud.faults.add({ operation: 'UploadPart', action: { kind: 'stall', ms: 300 }, after: 2, times: 1 })
    await world.begin([file], { partSize: MiB, parallel: 1 })
    await world.stored(2)
    truncateSync(file, 4 * MiB)
    await world.heard('onUploadEnd')
    world.cloud.faults.remove(stall)
    assert.deepEqual(world.program.told('onUploadSucceed'), [], world.program.story())
    assert.equal(world.program.told('onUploadFailed').length, 1)
  })
}

test('a full storage loses the record, not the upload', async (t) => {
  const world = await openWorld(t)
  world.wx.fillStorage()
  const file = await makeFile('full.mp4', 5 * MiB)
  await world.begin([file], { partSize: MiB })
  await world.assertUploaded(file)
  assert.match(world.program.logs.map(({ text }) => text).join('\n'), /CheckpointNotSaved|cannot go on/)
})

test('nothing is kept after success, and secrets never', async (t) => {
  const world = await openWorld(t)
  const stall = world.cloud.faults.add({ operation: 'UploadPart', action: { kind: 'stall', ms: 50 } })
  const file = await makeFile('kept.mp4', 5 * MiB)
  /** @type {string[]} */
  const seen = []
  const storage = world.wx.storage
  await world.begin([file], { partSize: MiB })
  await world.until('a success', () => {
    seen.push(JSON.stringify(storage))
    return world.program.told('onUploadSucceed').length > 0
  })
  world.cloud.faults.remove(stall)
  assert.ok(seen.some((text) => text.length > 10), 'something was kept')
  assert.ok(seen.every((text) => !/CAIS|AccessKeySecret|SecurityToken/.test(text)))
  assert.deepEqual(Object.keys(storage), [])
  await world.assertUploaded(file)
})
