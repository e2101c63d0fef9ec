// @ts-check
// Storage and network as they are: full, forbidden, damaged, away.
import assert from 'node:assert/strict'
import { FakeFile, fakeHost } from './fake_host.js'
import { PART, settled, stage } from './stage.js'
import { test } from './story.js'
import { tinyOss } from './tiny_oss.js'

for (const state of /** @type {const} */ (['full', 'forbidden'])) {
  test(`with a ${state} storage uploads succeed, and each file's loss is told once`, async (t) => {
    // Records are written once a second.
    t.mock.timers.enable({ apis: ['Date'], now: 1_795_238_400_000 })
    const { uploader, add, fake, oss, next, of, log, lines } = stage(t, { options: { parallel: 1 } })
    fake.serve((request) => {
      t.mock.timers.tick(2_000)
      return oss.answer(request)
    })
    fake.storage.state = state
    add('a.mp4', 12 * PART)
    add('b.mp4', 12 * PART)
    uploader.startUpload()
    await next('onUploadEnd')
    assert.equal(of('onUploadSucceed').length, 2)
    assert.equal(of('onUploadFailed').length, 0)
    await settled()
    assert.deepEqual(log.map(({ level, code }) => [level, code]), Array(2).fill(['error', 'CheckpointNotSaved']))
    assert.match(log[0].message, new RegExp(`after a reload: .*storage is ${state}`))
    assert.equal(lines.filter((line) => /^vodupload: CheckpointNotSaved: /.test(line)).length, 2)
    assert.equal(fake.storage.records.size, 0)
  })
}

test('a record that cannot be renewed is erased, for it may be outdated', async (t) => {
  const { uploader, add, fake, oss, log } = stage(t)
  fake.serve((request) => (request.part ? undefined : oss.answer(request)))
  add('a.mp4', 12 * PART)
  uploader.startUpload()
  await settled()
  assert.equal(fake.storage.records.size, 1)
  fake.storage.state = 'full'
  uploader.stopUpload()
  assert.equal(fake.storage.records.size, 0)
  await settled()
  assert.equal(log.length, 1)
})

test('a storage that works again is used again', async (t) => {
  const { uploader, add, fake, oss } = stage(t)
  fake.serve((request) => (request.part ? undefined : oss.answer(request)))
  fake.storage.state = 'full'
  add('a.mp4', 12 * PART)
  uploader.startUpload()
  await settled()
  fake.storage.state = 'fine'
  uploader.stopUpload()
  assert.equal(fake.storage.records.size, 1)
})

test('a damaged record is forgotten and the upload begins anew', async (t) => {
  for (const text of ['', '{', 'null', '[]', '{"size":204800}', '\u0000']) {
    const { uploader, fake, next, of, log } = stage(t)
    const { records } = fake.storage
    const file = new FakeFile('a.mp4', 2 * PART)
    records.set(fake.host.open(file).fingerprint, text)
    uploader.addFile(file)
    uploader.startUpload()
    await next('onUploadEnd')
    assert.equal(of('onUploadSucceed').length, 1)
    assert.equal(fake.operations()[0], 'InitiateMultipartUpload')
    assert.deepEqual(log, [])
    assert.equal(records.size, 0)
  }
})

test("a record of Aliyun's own SDK goes on", async (t) => {
  const oss = tinyOss()
  oss.uploads.set('OLD', new Map([[1, PART], [2, PART]]))
  const { uploader, fake, next, of } = stage(t, { oss })
  const file = new FakeFile('a.mp4', 4 * PART)
  const { fingerprint, lastModified } = fake.host.open(file)
  const record = {
    fileName: 'a.mp4', lastModified, size: 4 * PART, object: 'sv/a.mp4', videoId: 'OLD-VID', bucket: 'outin-test',
    endpoint: 'https://oss-cn-shanghai.aliyuncs.com', loaded: 0.4, state: 'Uploading',
    checkpoint: {
      file: {}, name: 'sv/a.mp4', fileSize: 4 * PART, partSize: PART, uploadId: 'OLD',
      doneParts: [{ number: 1, etag: '"E1"' }, { number: 2, etag: '"E2"' }],
    },
  }
  fake.storage.records.set(fingerprint, JSON.stringify(record))
  uploader.addFile(file)
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.equal(of('onUploadstarted')[0].args[0].videoId, 'OLD-VID')
  assert.deepEqual(fake.operations(), ['ListParts', 'UploadPart', 'UploadPart', 'CompleteMultipartUpload'])
})

test('a resumed upload begins its progress where it was', async (t) => {
  const oss = tinyOss()
  const first = stage(t, { oss })
  first.fake.serve((request) => (request.part > 2 ? undefined : oss.answer(request)))
  first.add('a.mp4', 4 * PART)
  first.uploader.startUpload()
  await settled()
  const again = stage(t, { oss, fake: fakeHost({ records: first.fake.storage.records }) })
  again.add('a.mp4', 4 * PART)
  again.uploader.startUpload()
  await again.next('onUploadSucceed')
  assert.deepEqual(again.of('onUploadProgress').map(({ args }) => args[2]), [0.5, 1])
})

test('without a network nothing is given up, and the return of the network is used at once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_238_400_000 })
  const { uploader, add, fake, oss, next, of } = stage(t, { options: { retryCount: 1, retryDuration: 2 } })
  fake.serve((request) => request.fail())
  add()
  uploader.startUpload()
  fake.setOnline(false)
  await next('onUploadstarted')
  for (let minute = 0; minute < 60; minute++) {
    t.mock.timers.tick(60_000)
    await settled()
  }
  assert.ok(fake.requests.length > 10, 'it is still tried, for a host may be wrong')
  assert.equal(of('onUploadFailed').length, 0)
  fake.serve(oss.answer)
  fake.setOnline(true)
  await next('onUploadSucceed')
  assert.equal(fake.listeners.size, 0)
})

test('a host that is offline at the start is believed', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_238_400_000 })
  const { uploader, add, fake, of, next, oss } = stage(t, { options: { retryCount: 0 } })
  fake.setOnline(false)
  fake.serve((request) => request.fail())
  add()
  uploader.startUpload()
  await next('onUploadstarted')
  t.mock.timers.tick(60_000)
  await settled()
  assert.equal(of('onUploadFailed').length, 0)
  fake.serve(oss.answer)
  fake.setOnline(true)
  await next('onUploadSucceed')
})

test('a stopped uploader listens to no network', async (t) => {
  const { uploader, add, fake, next } = stage(t, { serve: false })
  add()
  uploader.startUpload()
  await next('onUploadstarted')
  assert.equal(fake.listeners.size, 1)
  uploader.stopUpload()
  assert.equal(fake.listeners.size, 0)
  uploader.startUpload()
  await next('onUploadstarted')
  assert.equal(fake.listeners.size, 1)
  uploader.cancelFile(0)
  assert.equal(fake.listeners.size, 0)
})

test('a file that cannot be read any more fails at once', async (t) => {
  const { uploader, add, fake, next } = stage(t)
  fake.serve((request) => request.fail({ code: 'FileUnreadable', message: 'gone' }))
  add()
  uploader.startUpload()
  const [, code, message] = await next('onUploadFailed')
  assert.equal(code, 'FileUnreadable')
  assert.match(message, /^gone The file was changed, moved or locked since it was picked; pick it again\.$/)
  assert.equal(fake.requests.length, 1)
})

test('a host that throws while it is asked to send counts as no network', async (t) => {
  const { host, ...fake } = fakeHost()
  const { send } = host
  let throws = 2
  host.send = (wire, source, sent) => {
    if (throws-- > 0) throw new Error('the file input is gone')
    return send(wire, source, sent)
  }
  const { uploader, add, next, of } = stage(t, { fake: /** @type {any} */ ({ ...fake, host }) })
  add()
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.equal(of('onUploadFailed').length, 0)
})
