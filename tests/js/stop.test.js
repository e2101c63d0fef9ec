// @ts-check
// Stops and cancellations: at once, in every state, and with nothing lost or left behind.
import assert from 'node:assert/strict'
import { ADDRESS, AUTH, PART, halfway, settled, stage } from './stage.js'
import { test } from './story.js'
import { refusal } from './tiny_oss.js'

test('a stop ends requests at once, and the next start goes on with the same video', async (t) => {
  const { uploader, info, open, fake, oss, next, story, of } = await halfway(t)
  const running = open()
  assert.equal(running.length, 4)
  uploader.stopUpload()
  assert.deepEqual(running.map(({ aborted }) => aborted), [true, true, true, true])
  assert.equal(info.state, 'Stoped')
  assert.deepEqual(await next('onUploadCanceled'), [info])
  await settled()
  assert.deepEqual(story(), ['started', 'Progress', 'Canceled'], 'a stopped queue has not ended')
  assert.equal(oss.uploads.size, 1)

  fake.serve(oss.answer)
  const before = fake.requests.length
  uploader.startUpload()
  assert.equal(info.state, 'Ready')
  const [again] = await next('onUploadstarted')
  assert.equal(again.videoId, 'VID')
  await next('onUploadSucceed')
  assert.deepEqual(fake.requests.slice(before).map(({ operation, part }) => [operation, part]), [
    ['ListParts', 0], ['UploadPart', 3], ['UploadPart', 4], ['UploadPart', 5], ['UploadPart', 6], ['CompleteMultipartUpload', 0],
  ])
  assert.equal(of('onUploadSucceed').length, 1)
})

test('a stop is of use in every state', async (t) => {
  const { uploader, add, next, story, fake, oss } = stage(t, { authorize: false })
  uploader.stopUpload()
  add()
  uploader.stopUpload()
  const [info] = uploader.listFiles()
  assert.equal(info.state, 'Ready')
  uploader.startUpload()
  uploader.stopUpload()
  assert.equal(info.state, 'Ready', 'the core was not there yet')
  await settled()
  assert.equal(info.state, 'Stoped')

  uploader.startUpload()
  uploader.startUpload()
  await next('onUploadstarted')
  uploader.stopUpload()
  uploader.stopUpload()
  assert.equal(info.state, 'Stoped', 'it waited for a credential')
  uploader.startUpload()
  await next('onUploadstarted')
  fake.serve(() => refusal('SecurityTokenExpired'))
  uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS)
  await next('onUploadTokenExpired')
  uploader.stopUpload()
  assert.equal(info.state, 'Stoped', 'it waited for a renewal')
  fake.serve(oss.answer)
  uploader.startUpload()
  await next('onUploadstarted')
  uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS)
  await next('onUploadEnd')
  uploader.stopUpload()
  await settled()
  assert.equal(info.state, 'Success')
  assert.deepEqual(story(), ['Canceled', 'started', 'Canceled', 'started', 'Progress', 'TokenExpired', 'Canceled',
    'started', 'Progress', 'Succeed', 'End'])
})

test('a stop inside onUploadstarted holds, and the queue can be started again', async (t) => {
  let stops = 1
  const { uploader, add, next, fake } = stage(t, {
    authorize: false,
    options: {
      onUploadstarted(info) {
        if (stops-- > 0) uploader.stopUpload()
        else uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS)
      },
    },
  })
  add()
  uploader.startUpload()
  await next('onUploadCanceled')
  await settled()
  assert.equal(fake.requests.length, 0)
  uploader.startUpload()
  await next('onUploadSucceed')
})

test('a cancel ends requests at once, frees the parts and tells', async (t) => {
  const { uploader, info, open, fake, oss, next, story, lines } = await halfway(t)
  const running = open()
  info.loaded = 0.5
  assert.equal(uploader.cancelFile(0), true)
  assert.ok(running.length > 0 && running.every(({ aborted }) => aborted))
  assert.deepEqual([info.state, info.loaded], ['Canceled', 0])
  assert.equal(fake.requests.at(-1)?.operation, 'AbortMultipartUpload')
  assert.deepEqual(await next('onUploadEnd'), [info])
  await settled()
  assert.deepEqual(story(), ['started', 'Progress', 'Canceled', 'End'])
  assert.deepEqual(lines, ['oss is cancel as error'])
  assert.equal(oss.uploads.size, 0)
  assert.equal(fake.storage.records.size, 0)
  assert.equal(uploader.listFiles()[0], info, 'it stays in the list')
  assert.equal(info.state, 'Canceled')
})

test('a small file that is cancelled does not succeed after all', async (t) => {
  const { uploader, add, fake, next, story } = stage(t, { serve: false })
  add()
  uploader.startUpload()
  const request = await fake.nextRequest()
  uploader.cancelFile(0)
  assert.equal(request.aborted, true)
  await next('onUploadEnd')
  await settled()
  assert.deepEqual(story(), ['started', 'Progress', 'Canceled', 'End'])
  assert.equal(fake.hasRequest, false)
})

test('a cancelled file can be queued again; others cannot be resumed', async (t) => {
  const { uploader, add, next } = stage(t)
  add('a.mp4')
  add('b.mp4')
  assert.equal(uploader.resumeFile(0), false)
  assert.equal(uploader.resumeFile(9), false)
  uploader.cancelFile(0)
  assert.equal(uploader.resumeFile(0), true)
  assert.equal(uploader.listFiles()[0].state, 'Ready')
  uploader.cancelFile(1)
  uploader.startUpload()
  await next('onUploadEnd')
  assert.deepEqual(uploader.listFiles().map(({ state }) => state), ['Success', 'Canceled'])
  assert.equal(uploader.resumeFile(0), false)
  assert.equal(uploader.resumeFile(1), true)
  uploader.startUpload()
  await next('onUploadEnd')
  assert.equal(uploader.listFiles()[1].state, 'Success')
})
