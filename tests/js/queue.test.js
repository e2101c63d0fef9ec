// @ts-check
// The list of files: indices, what starts when, and uploaders that do not disturb each other.
import assert from 'node:assert/strict'
import { FakeFile } from './fake_host.js'
import { ADDRESS, AUTH, PART, halfway, settled, stage } from './stage.js'
import { test } from './story.js'
import { refusal, stored } from './tiny_oss.js'

test('indices that are none are answered with false', async (t) => {
  const { uploader, add } = stage(t)
  add()
  for (const index of [-1, 1, NaN, undefined, 'x', null]) {
    for (const method of /** @type {const} */ (['cancelFile', 'resumeFile', 'deleteFile'])) {
      assert.equal(uploader[method](/** @type {any} */ (index)), false, `${method}(${index})`)
    }
  }
  assert.equal(uploader.listFiles().length, 1)
})

test('a finished file can be cancelled and deleted without a word', async (t) => {
  const { uploader, add, next, story } = stage(t)
  add()
  uploader.startUpload()
  await next('onUploadEnd')
  assert.equal(uploader.cancelFile(0), true)
  assert.equal(uploader.listFiles()[0].state, 'Success')
  assert.equal(uploader.deleteFile(0), true)
  await settled()
  assert.deepEqual(uploader.listFiles(), [])
  assert.deepEqual(story(), ['started', 'Progress', 'Succeed', 'End'])
})

test('deleting an earlier file does not disturb the one that runs', async (t) => {
  const { uploader, add, fake, oss, next, of } = stage(t)
  fake.serve((request) => (request.source.name === 'b.mp4' ? undefined : oss.answer(request)))
  for (const name of ['a.mp4', 'b.mp4', 'c.mp4']) add(name)
  const [a, b, c] = uploader.listFiles()
  uploader.startUpload()
  while ((await next('onUploadstarted'))[0] !== b);
  await settled()
  const request = fake.requests.at(-1)
  assert.equal(uploader.deleteFile(0), true)
  assert.deepEqual(uploader.listFiles(), [b, c])
  assert.equal(request?.aborted, false)
  uploader.stopUpload()
  assert.deepEqual([a.state, b.state, c.state], ['Success', 'Stoped', 'Ready'])
  fake.serve(oss.answer)
  uploader.startUpload()
  await next('onUploadEnd')
  assert.deepEqual(of('onUploadSucceed').map(({ args }) => args[0]), [a, b, c])
})

test('deleting the file that runs starts the next one', async (t) => {
  const { uploader, info, open, add, fake, oss, next, of } = await halfway(t)
  add('b.mp4')
  const running = open()
  fake.serve(oss.answer)
  assert.equal(uploader.deleteFile(0), true)
  assert.ok(running.every(({ aborted }) => aborted))
  await next('onUploadEnd')
  assert.deepEqual(of('onUploadCanceled').map(({ args }) => args[0]), [info])
  assert.equal(uploader.listFiles().length, 1)
  assert.equal(uploader.listFiles()[0].state, 'Success')
  assert.equal(oss.uploads.size, 0)
})

test('a cleaned list is empty, and what was stored is kept for the next time', async (t) => {
  const { uploader, open, add, fake, oss, next, story } = await halfway(t)
  const list = uploader.listFiles()
  const running = open()
  add('b.mp4')
  uploader.cleanList()
  assert.deepEqual(uploader.listFiles(), [])
  assert.equal(uploader.listFiles(), list, 'the list is a live one')
  assert.ok(running.every(({ aborted }) => aborted))
  await settled()
  assert.deepEqual(story(), ['started', 'Progress', 'Canceled'])
  assert.equal(oss.uploads.size, 1)
  assert.equal(fake.storage.records.size, 1)

  fake.serve(oss.answer)
  add('a.mp4', 6 * PART)
  uploader.startUpload()
  const [info] = await next('onUploadstarted')
  assert.equal(info.videoId, 'VID')
  await next('onUploadSucceed')
  assert.equal(oss.uploads.size, 0)
})

test('an empty or finished queue that is started tells nothing and listens to nothing', async (t) => {
  const { uploader, add, fake, next, calls } = stage(t)
  uploader.startUpload()
  await settled()
  assert.equal(calls.length, 0)
  assert.equal(fake.listeners.size, 0)
  add()
  uploader.startUpload()
  assert.equal(fake.listeners.size, 1)
  await next('onUploadEnd')
  assert.equal(fake.listeners.size, 0)
  const before = calls.length
  uploader.startUpload()
  await settled()
  assert.equal(calls.length, before)
  assert.equal(fake.listeners.size, 0)
})

test('a file that is added to a running queue is uploaded, too', async (t) => {
  const { uploader, add, next, of } = stage(t, {
    options: { onUploadProgress: (info, _, percent) => { if (percent === 0 && info.file.name === 'a.mp4') add('b.mp4') } },
  })
  add('a.mp4')
  uploader.startUpload()
  await next('onUploadEnd')
  assert.equal(of('onUploadSucceed').length, 2)
  assert.equal(of('onUploadEnd').length, 1)
})

test('failed files are armed again by the next start', async (t) => {
  const { uploader, add, fake, oss, next, of } = stage(t)
  fake.serve(() => refusal('AccessDenied'))
  add()
  uploader.startUpload()
  await next('onUploadEnd')
  fake.serve(oss.answer)
  uploader.startUpload()
  assert.equal(uploader.listFiles()[0].state, 'Ready')
  await next('onUploadEnd')
  assert.deepEqual([of('onUploadFailed').length, of('onUploadSucceed').length], [1, 1])
})

test('two uploaders of one page are independent', async (t) => {
  const one = await halfway(t)
  const other = stage(t)
  other.add('a.mp4', 6 * PART)
  other.uploader.startUpload()
  assert.equal(other.uploader.setUploadAuthAndAddress(one.info, AUTH, ADDRESS), false, "another uploader's file")
  await other.next('onUploadEnd')
  assert.equal(one.info.state, 'Uploading')
  other.uploader.stopUpload()
  other.uploader.cleanList()
  assert.equal(one.open().length, 4)
  one.fake.serve(one.oss.answer)
  for (const request of one.open()) {
    one.oss.answer(request)
    request.respond(stored(request))
  }
  await one.next('onUploadEnd')
  assert.equal(one.oss.objects.get('sv/a.mp4'), 6 * PART)
  assert.equal(other.of('onUploadEnd').length, 1)
})

test('methods work behind a Proxy and on their own, as in the data of Vue', async (t) => {
  const { uploader, next } = stage(t, { authorize: false })
  const reactive = new Proxy(uploader, {})
  const { addFile, startUpload } = reactive
  assert.equal(addFile(new FakeFile('a.mp4', 1_000)), true)
  const [info] = reactive.listFiles()
  startUpload()
  await next('onUploadstarted')
  assert.equal(reactive.setUploadAuthAndAddress(new Proxy(info, {}), AUTH, ADDRESS, 'VID'), true)
  await next('onUploadSucceed')
  assert.deepEqual([info.state, info.videoId, info.object], ['Success', 'VID', 'sv/a.mp4'])
})
