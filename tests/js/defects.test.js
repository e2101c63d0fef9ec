// @ts-check
// Defects of Aliyun's own SDKs and documents that are not copied: a test each, where no other file has it. The ids are
// those of the specification's section 4.8.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dist } from '../../tools/env.mjs'
import { FakeFile } from './fake_host.js'
import { ADDRESS, AUTH, PART, authOf, halfway, settled, stage } from './stage.js'
import { test } from './story.js'
import { refusal } from './tiny_oss.js'

test('a failure without a message is still told, with one (B6, MB2)', async (t) => {
  for (const reason of [{}, undefined, null, new Error(), { errMsg: 'request:fail', errno: 5 }, 'oops']) {
    const { uploader, add, fake, next } = stage(t, { options: { retryCount: 0 } })
    fake.serve((request) => request.fail(/** @type {any} */ (reason === undefined ? Symbol() : reason)))
    add()
    uploader.startUpload()
    const [, code, message] = await next('onUploadFailed')
    assert.equal(code, 'NetworkError')
    assert.ok(message.trim().length > 10)
  }
})

test('enableUploadProgress false and localCheckpoint are taken, and nothing is reported to anybody (B7, B19)', async (t) => {
  const { uploader, add, fake, next } = stage(t, { options: { enableUploadProgress: false, localCheckpoint: true } })
  add('a.mp4', 3 * PART)
  uploader.startUpload()
  await next('onUploadEnd')
  assert.deepEqual([...new Set(fake.requests.map(({ url }) => url.host))], ['outin-test.oss-cn-shanghai.aliyuncs.com'])
  assert.ok(fake.requests.every(({ headers }) => !('x-oss-notification' in headers)))
})

test('onUploadEnd comes once, with the file that ended last, whether it failed, was cancelled or succeeded (B8)', async (t) => {
  for (const last of ['fail.mp4', 'cancel.mp4', 'good.mp4']) {
    const { uploader, add, fake, oss, next, of } = stage(t)
    fake.serve((request) => {
      if (request.source?.name === 'cancel.mp4') return undefined
      return request.source?.name === 'fail.mp4' ? refusal('AccessDenied') : oss.answer(request)
    })
    add('first.mp4')
    add(last)
    uploader.startUpload()
    await settled()
    if (last === 'cancel.mp4') uploader.cancelFile(1)
    assert.equal((await next('onUploadEnd'))[0], uploader.listFiles()[1])
    await settled()
    assert.equal(of('onUploadEnd').length, 1, last)
  }
})

for (const method of /** @type {const} */ (['stopUpload', 'cleanList'])) {
  test(`${method} before a credential, as the sample of the documents does on a failed request, is no dead end (B9, D4)`, async (t) => {
    const { uploader, add, next, of } = stage(t, { authorize: false })
    const file = add()
    uploader.startUpload()
    await next('onUploadstarted')
    uploader[method]()
    if (method === 'cleanList') assert.equal(uploader.addFile(/** @type {any} */ (file)), true)
    uploader.startUpload()
    const [info] = await next('onUploadstarted')
    uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS)
    await next('onUploadSucceed')
    assert.equal(of('onUploadFailed').length, 0)
  })
}

test('an answer that is on its way when a file is cancelled does not make it a success (B10)', async (t) => {
  const { uploader, add, fake, next, of } = stage(t, { serve: false })
  add()
  uploader.startUpload()
  const request = await fake.nextRequest()
  request.respond()
  uploader.cancelFile(0)
  await next('onUploadEnd')
  assert.deepEqual([of('onUploadSucceed').length, of('onUploadCanceled').length, uploader.listFiles()[0].state], [0, 1, 'Canceled'])
})

test('an answer that is on its way when the queue is stopped does not make it a success', async (t) => {
  const { uploader, add, fake, of } = stage(t, { serve: false })
  add()
  uploader.startUpload()
  const request = await fake.nextRequest()
  request.respond()
  uploader.stopUpload()
  await settled()
  assert.deepEqual([of('onUploadSucceed').length, uploader.listFiles()[0].state], [0, 'Stoped'])
})

test('after an earlier file is deleted, cancelFile is of the file that listFiles shows there (B11)', async (t) => {
  const { uploader, add, next } = stage(t)
  for (const name of ['a.mp4', 'b.mp4', 'c.mp4']) add(name)
  uploader.deleteFile(0)
  uploader.cancelFile(1)
  uploader.startUpload()
  await next('onUploadEnd')
  assert.deepEqual(uploader.listFiles().map(({ file, state }) => [file.name, state]), [['b.mp4', 'Success'], ['c.mp4', 'Canceled']])
})

test('the list that is cleaned is the one that listFiles gave, and it takes files again (B12)', async (t) => {
  const { uploader, add, next } = stage(t)
  const list = uploader.listFiles()
  add('a.mp4')
  add('b.mp4')
  uploader.cleanList()
  assert.equal(list.length, 0)
  add('c.mp4')
  uploader.startUpload()
  await next('onUploadEnd')
  assert.deepEqual(list.map(({ file, state }) => [file.name, state]), [['c.mp4', 'Success']])
})

test('after a crash the file goes on, for a record needs no word of farewell (B13)', async (t) => {
  const before = await halfway(t)
  const after = stage(t, { oss: before.oss })
  for (const [key, text] of before.fake.storage.records) after.fake.storage.records.set(key, text)
  after.add('a.mp4', 6 * PART)
  after.uploader.startUpload()
  await after.next('onUploadSucceed')
  assert.equal(after.fake.operations()[0], 'ListParts')
  assert.ok(after.fake.operations().filter((name) => name === 'UploadPart').length < 6)
})

test('records are still kept after a stop and after a failure (B13)', async (t) => {
  const { uploader, fake, oss, next } = await halfway(t)
  uploader.stopUpload()
  fake.storage.records.clear()
  fake.serve((request) => (request.part > 3 ? refusal('AccessDenied') : oss.answer(request)))
  uploader.startUpload()
  await next('onUploadFailed')
  assert.equal(fake.storage.records.size, 1)
})

test('the page keeps its own onbeforeunload: the bundle names none (B13)', () => {
  assert.ok(!readFileSync(join(dist, 'vodupload.js'), 'utf8').includes('beforeunload'))
})

test('an image is told by its last extension, and by nothing else in its name (B16)', (t) => {
  const { uploader, fake } = stage(t)
  const names = {
    'a.jpg': true, 'a.JPEG': true, 'a.png': true, 'a.gif': true, 'a.heic': true, 'a.webp': true, 'a.mp4.png': true,
    'photo #1.png': true, 'a.png?w=100': true, 'why?.jpg': true,
    'myjpg.mp4': false, 'apng': false, 'xjpg': false, 'a.png.mp4': false, 'a.mp4': false, 'png': false, 'a.svg': false, 'a.bmp': false, 'a.png#b.mp4': false,
  }
  for (const [name, expected] of Object.entries(names)) {
    const file = /** @type {any} */ (new FakeFile(name, 9))
    uploader.addFile(file)
    const info = uploader.listFiles().find((one) => fake.isOf(one, file))
    assert.equal(info?.isImage, expected, name)
  }
})

test('bucket, endpoint and object that addFile was given as empty text are those of the address (B18)', async (t) => {
  const { uploader, next, fake } = stage(t)
  uploader.addFile(/** @type {any} */ (new FakeFile('a.mp4', 9)), '', '', '', '')
  uploader.startUpload()
  const [info] = await next('onUploadSucceed')
  assert.deepEqual([info.bucket, info.object, fake.requests[0].url.host], ['outin-test', 'sv/a.mp4', 'outin-test.oss-cn-shanghai.aliyuncs.com'])
})

test('a bucket that addFile was given wins alone, too (B18)', async (t) => {
  const { uploader, next, fake } = stage(t)
  uploader.addFile(/** @type {any} */ (new FakeFile('a.mp4', 9)), null, 'mine')
  uploader.startUpload()
  const [info] = await next('onUploadSucceed')
  assert.deepEqual([info.bucket, info.object, fake.requests[0].url.host], ['mine', 'sv/a.mp4', 'mine.oss-cn-shanghai.aliyuncs.com'])
})

for (const status of [400, 403]) {
  test(`an answer with ${status} is no success (MB1)`, async (t) => {
    const { uploader, add, fake, next, of } = stage(t)
    fake.serve(() => ({ status, body: '' }))
    add()
    uploader.startUpload()
    await next('onUploadEnd')
    assert.deepEqual([of('onUploadSucceed').length, of('onUploadFailed')[0].args[3].status], [0, status])
  })
}

test('a credential that the storage says is over is renewed (MB3, MB4)', async (t) => {
  for (const code of ['SecurityTokenExpired', 'InvalidAccessKeyId', 'InvalidSecurityToken']) {
    const { uploader, add, fake, oss, next } = stage(t)
    fake.serve((request) => (JSON.stringify(request.headers).includes('STS.M') ? oss.answer(request) : refusal(code)))
    add()
    uploader.startUpload()
    await next('onUploadTokenExpired')
    assert.equal(uploader.resumeUploadWithAuth(authOf({ AccessKeyId: 'STS.M' })), true, code)
    await next('onUploadSucceed')
  }
})

test('an empty file is refused each time it is added, and never queued (MB5)', async (t) => {
  const { uploader, of } = stage(t)
  const file = /** @type {any} */ (new FakeFile('a.mp4', 0))
  assert.deepEqual([uploader.addFile(file), uploader.addFile(file), uploader.listFiles()], [false, false, []])
  await settled()
  assert.deepEqual(of('onUploadFailed').map(({ args }) => args[1]), ['EmptyFile', 'EmptyFile'])
})

test('the progress that the documents call bytes is a part of one, and the bytes are beside it (MB7, D3)', async (t) => {
  const { uploader, add, next, of } = stage(t)
  add('a.mp4', 4 * PART)
  uploader.startUpload()
  await next('onUploadSucceed')
  for (const { args: [, total, percent, { loadedBytes, totalBytes }] } of of('onUploadProgress')) {
    assert.ok(percent >= 0 && percent <= 1)
    assert.deepEqual([total, loadedBytes], [totalBytes, percent * total])
  }
})

test('listFiles tells the name of each file, as the sample prints it (D3)', (t) => {
  const { uploader, add } = stage(t)
  add('a.mp4')
  add('b.mp4')
  assert.deepEqual(uploader.listFiles().map(({ file }) => file.name), ['a.mp4', 'b.mp4'])
})

test('a videoId that the application has set stays when the answer tells none', async (t) => {
  const { uploader, add, next } = stage(t, { authorize: false })
  add()
  uploader.startUpload()
  const [info] = await next('onUploadstarted')
  info.videoId = 'MINE'
  uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS)
  assert.equal((await next('onUploadSucceed'))[0].videoId, 'MINE')
})

test('the retired sixth argument of addFile does no harm', async (t) => {
  const { uploader, next } = stage(t)
  const add = /** @type {any} */ (uploader.addFile)
  assert.equal(add(new FakeFile('a.mp4', 9), null, null, null, '{"Vod":{}}', () => assert.fail('it is not called')), true)
  uploader.startUpload()
  await next('onUploadSucceed')
})

test('addFileSuccess tells the file once, after addFile has answered, and before anything else of it', async (t) => {
  /** @type {any[]} */
  const added = []
  const { uploader, add, next } = stage(t, { options: { addFileSuccess: (info) => added.push(info) } })
  add()
  assert.deepEqual(added, [])
  uploader.startUpload()
  await next('onUploadstarted')
  assert.deepEqual(added, uploader.listFiles())
})
