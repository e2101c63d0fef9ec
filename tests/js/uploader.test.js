// @ts-check
// The modern face: a promise per file, AbortSignal, events. What it shares with VODUpload is tested there.
import assert from 'node:assert/strict'
import { UploadError, freshModule, uploaderOn, within } from './bundle.js'
import { FakeFile, fakeHost } from './fake_host.js'
import { ADDRESS, AUTH, PART, SECRET, TOKEN, deferred, fieldsOf, settled } from './stage.js'
import { test } from './story.js'
import { refusal, tinyOss } from './tiny_oss.js'
import { tinyVod } from './tiny_vod.js'

/** @typedef {import('node:test').TestContext} TestContext */

const EVENTS = ['started', 'progress', 'succeeded', 'failed', 'canceled', 'stopped', 'finished']
const GRANT = { UploadAuth: AUTH, UploadAddress: ADDRESS, VideoId: 'VID' }

/**
 * @param {TestContext} t
 * @param {{ options?: object, fake?: ReturnType<typeof fakeHost>, oss?: ReturnType<typeof tinyOss>, uploaderOn?: typeof uploaderOn }} [setup]
 */
function modern(t, { options, fake = fakeHost(), oss = tinyOss(), uploaderOn: on = uploaderOn } = {}) {
  /** @type {string[]} */
  const lines = []
  t.mock.method(console, 'error', (/** @type {unknown[]} */ ...words) => { lines.push(words.map(String).join(' ')) })
  fake.serve(oss.answer)
  const Uploader = on(fake.host)
  const uploader = new Uploader(/** @type {any} */ ({ getAuth: () => GRANT, partSize: PART, retryDuration: 0, ...options }))
  /** @type {any[]} */
  const events = []
  for (const type of EVENTS) uploader.addEventListener(type, (event) => events.push(event))
  return {
    uploader,
    fake,
    oss,
    lines,
    events,
    /** Runs of one type as one. */
    story: () => events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]).join(' '),
    /** @param {string} [name] @param {number} [size] @param {object} [more] */
    upload: (name = 'a.mp4', size = 1_000, more = {}) => outcome(uploader.upload(new FakeFile(name, size), more)),
    /** Parts from the second on stand still. */
    hold: () => fake.serve((request) => (request.part > 1 ? undefined : oss.answer(request))),
    /** What stands still is answered. */
    go() {
      fake.serve(oss.answer)
      for (const request of fake.requests) if (!request.ended) request.respond(/** @type {any} */ (oss.answer(request)))
    },
  }
}

/** A promise that does not end the process when a test looks at it late. @template T @param {Promise<T>} promise */
function outcome(promise) {
  promise.catch(() => {})
  return within(promise, () => 'the promise stays open').then((value) => ({ value, error: undefined }), (error) => ({ value: undefined, error }))
}

test('upload resolves with where the video is and whether it was compared', async (t) => {
  const { upload } = modern(t)
  assert.deepEqual((await upload()).value, {
    videoId: 'VID', imageId: undefined, imageUrl: undefined, fileUrl: undefined, endpoint: 'https://oss-cn-shanghai.aliyuncs.com',
    bucket: 'outin-test', object: 'sv/a.mp4', region: 'cn-shanghai', size: 1_000, verified: false,
  })
})

test('upload of an image resolves with imageId, imageUrl and fileUrl', async (t) => {
  const { upload, fake, oss } = modern(t, { options: { getAuth: () => ({ AccessKeyId: 'STS.ID', AccessKeySecret: SECRET, SecurityToken: TOKEN }) } })
  fake.serve(tinyVod(oss).answer)
  const { imageId, imageUrl, fileUrl, videoId } = (await upload('a.png')).value ?? {}
  assert.deepEqual([imageId, imageUrl, fileUrl, videoId], ['IMAGE', 'https://img/a.png?auth=1', 'https://oss/a.png', undefined])
})

test('the options of upload are those of addFile, and mediaType wins over the extension', async (t) => {
  /** @type {any[]} */
  const asked = []
  const { upload } = modern(t, { options: { getAuth: (/** @type {any[]} */ ...args) => { asked.push(args); return GRANT } } })
  const { value } = await upload('a.mp4', 10, {
    endpoint: 'https://oss-cn-beijing.aliyuncs.com', bucket: 'mine', object: 'b.mp4', paramData: { Vod: { Title: 'T' } }, mediaType: 'image',
  })
  assert.deepEqual([value?.endpoint, value?.bucket, value?.object], ['https://oss-cn-beijing.aliyuncs.com', 'mine', 'b.mp4'])
  assert.deepEqual([asked[0][0].videoInfo, asked[0][1]], [{ Title: 'T' }, 'create-image'])
})

test('a failure rejects with the UploadError', async (t) => {
  const { upload, fake, story } = modern(t)
  fake.serve(() => refusal('AccessDenied'))
  const { error } = await upload()
  assert.ok(error instanceof UploadError && error instanceof Error)
  const { code, status, requestId, retryable } = fieldsOf(error)
  assert.deepEqual([code, status, requestId, retryable], ['AccessDenied', 403, 'REQUEST', false])
  assert.equal(story(), 'started progress failed finished')
})

test('a file that has failed goes on from its record when it is given again', async (t) => {
  const { upload, uploader, fake, oss } = modern(t, { options: { parallel: 1 } })
  fake.serve((request) => (request.part > 2 ? refusal('AccessDenied') : oss.answer(request)))
  const file = new FakeFile('a.mp4', 4 * PART)
  assert.equal((await outcome(uploader.upload(/** @type {any} */ (file)))).error.code, 'AccessDenied')
  assert.deepEqual(uploader.files, [])
  fake.serve(oss.answer)
  const before = fake.requests.length
  assert.equal((await outcome(uploader.upload(/** @type {any} */ (file)))).value?.size, 4 * PART)
  assert.deepEqual(fake.operations().slice(before), ['ListParts', 'UploadPart', 'UploadPart', 'CompleteMultipartUpload'])
  assert.ok(upload)
})

for (const [what, code, file, more] of /** @type {[string, string, any, object?][]} */ ([
  ['no file', 'InvalidArgument', undefined],
  ['an empty file', 'EmptyFile', new FakeFile('a.mp4', 0)],
  ['paramData that is none', 'InvalidParamData', new FakeFile('a.mp4', 1), { paramData: '[]' }],
])) {
  test(`${what} rejects with ${code}, and the queue is not touched`, async (t) => {
    const { uploader, events } = modern(t)
    const { error } = await outcome(uploader.upload(file, more))
    await settled()
    assert.ok(error instanceof UploadError)
    assert.deepEqual([error.code, uploader.files, events], [code, [], []])
  })
}

test('the same File a second time rejects with FileAlreadyExist, and the first goes on', async (t) => {
  const { uploader } = modern(t)
  const file = /** @type {any} */ (new FakeFile('a.mp4', 10))
  const first = outcome(uploader.upload(file))
  assert.equal((await outcome(uploader.upload(file))).error.code, 'FileAlreadyExist')
  assert.equal((await first).value?.videoId, 'VID')
  assert.equal((await outcome(uploader.upload(file))).value?.videoId, 'VID', 'it may come back once it is done')
})

for (const options of [undefined, {}, { getAuth: 'https://…' }]) {
  test(`an Uploader cannot be made with ${JSON.stringify(options)}, for getAuth is needed`, () => {
    const Uploader = uploaderOn(fakeHost().host)
    assert.throws(() => new Uploader(/** @type {any} */ (options)), (error) => error instanceof UploadError && error.code === 'MissingArgument')
  })
}

test('a signal that is aborted already rejects with its reason and queues nothing', async (t) => {
  const { upload, uploader, events, fake } = modern(t)
  const reason = new Error('left the page')
  assert.equal((await upload('a.mp4', 10, { signal: AbortSignal.abort(reason) })).error, reason)
  await settled()
  assert.deepEqual([uploader.files, events, fake.requests], [[], [], []])
})

test('an abort rejects with the reason, ends the requests at once and frees the parts', async (t) => {
  const { upload, uploader, hold, fake, oss, story } = modern(t)
  hold()
  const controller = new AbortController()
  const done = upload('a.mp4', 4 * PART, { signal: controller.signal })
  await settled()
  const open = fake.requests.filter(({ ended }) => !ended)
  const reason = new Error('no more')
  controller.abort(reason)
  assert.ok(open.length > 0 && open.every(({ aborted }) => aborted))
  assert.equal((await done).error, reason)
  await settled()
  assert.deepEqual([uploader.files, oss.uploads.size, fake.storage.records.size], [[], 0, 0])
  assert.equal(story(), 'started progress canceled finished')
})

test('an abort without a reason rejects with an AbortError', async (t) => {
  const { upload, hold } = modern(t)
  hold()
  const controller = new AbortController()
  const done = upload('a.mp4', 4 * PART, { signal: controller.signal })
  controller.abort()
  assert.equal((await done).error.name, 'AbortError')
})

test('an abort while getAuth is asked rejects, and its answer changes nothing', async (t) => {
  const late = deferred()
  const { upload, fake, lines } = modern(t, { options: { getAuth: () => late.promise } })
  const controller = new AbortController()
  const done = upload('a.mp4', 10, { signal: controller.signal })
  await settled()
  controller.abort()
  assert.equal((await done).error.name, 'AbortError')
  late.resolve(GRANT)
  await settled()
  assert.deepEqual([fake.requests, lines], [[], []])
})

test('an abort after the end changes nothing', async (t) => {
  const { upload, story, fake } = modern(t)
  const controller = new AbortController()
  const { value } = await upload('a.mp4', 10, { signal: controller.signal })
  controller.abort()
  await settled()
  assert.equal(value?.videoId, 'VID')
  assert.equal(story(), 'started progress succeeded finished')
  assert.deepEqual(fake.operations(), ['PutObject'])
})

test('an abort in the moment of success does not turn it into a failure', async (t) => {
  const controller = new AbortController()
  const { uploader, upload } = modern(t)
  uploader.addEventListener('succeeded', () => controller.abort())
  assert.equal((await upload('a.mp4', 10, { signal: controller.signal })).value?.videoId, 'VID')
})

test('an abort of one file leaves the others alone', async (t) => {
  const { upload, hold, go } = modern(t, { options: { fileParallel: 2 } })
  hold()
  const controller = new AbortController()
  const [one, two] = [upload('a.mp4', 3 * PART, { signal: controller.signal }), upload('b.mp4', 3 * PART)]
  await settled()
  controller.abort()
  assert.ok((await one).error)
  go()
  assert.equal((await two).value?.size, 3 * PART)
})

test('onProgress gets bytes, speed and the file, from 0 to one whole', async (t) => {
  /** @type {any[]} */
  const progress = []
  const { uploader, upload } = modern(t)
  await upload('a.mp4', 3 * PART, { onProgress: (/** @type {any[]} */ ...args) => progress.push([args, uploader.files[0]]) })
  assert.deepEqual([...new Set(progress.map(([[detail]]) => Object.keys(detail).join()))], ['loadedBytes,totalBytes,speed,remaining'])
  assert.deepEqual([progress[0][0][0].loadedBytes, progress.at(-1)[0][0].loadedBytes], [0, 3 * PART])
  for (const [[, info], file] of progress) assert.equal(info, file)
})

test('events tell the file, and what belongs to them', async (t) => {
  const { upload, events, fake, oss } = modern(t)
  fake.serve((request) => (request.source?.name === 'bad.mp4' ? refusal('AccessDenied') : oss.answer(request)))
  await Promise.all([upload('a.mp4'), upload('bad.mp4')])
  const of = (/** @type {string} */ type) => events.filter((event) => event.type === type).map(({ detail }) => detail)
  assert.deepEqual(of('started').map(({ file }) => file.file.name), ['a.mp4', 'bad.mp4'])
  assert.deepEqual([of('succeeded')[0].file.state, of('succeeded')[0].file.videoId], ['Success', 'VID'])
  assert.deepEqual([of('failed')[0].file.state, of('failed')[0].error.code], ['Failure', 'AccessDenied'])
  assert.equal(of('progress')[1].loadedBytes, 1_000)
  assert.deepEqual(of('finished').map(({ file }) => file.file.name), ['bad.mp4'])
})

test('the error of the event is the one of the promise', async (t) => {
  const { upload, events, fake } = modern(t)
  fake.serve(() => refusal('AccessDenied'))
  const { error } = await upload()
  assert.equal(events.find(({ type }) => type === 'failed').detail.error, error)
})

test('events have no secrets', async (t) => {
  const { uploader, upload, fake, oss } = modern(t)
  /** @type {any[]} */
  const all = []
  for (const type of [...EVENTS, 'authorized', 'credentialExpired', 'queued', 'removed']) {
    uploader.addEventListener(type, (event) => all.push(/** @type {any} */ (event).detail))
  }
  let refusals = 1
  fake.serve((request) => (refusals-- > 0 ? refusal('SecurityTokenExpired') : oss.answer(request)))
  await upload()
  for (const secret of [SECRET, TOKEN, AUTH.slice(0, 40)]) assert.ok(!JSON.stringify(all).includes(secret))
})

test('a pause ends the requests and keeps the promise open; resume goes on with what is missing', async (t) => {
  const { uploader, upload, hold, fake, oss, story } = modern(t)
  hold()
  const done = upload('a.mp4', 4 * PART)
  await settled()
  uploader.pause()
  await settled()
  assert.ok(fake.requests.every(({ ended }) => ended))
  assert.deepEqual(uploader.files.map(({ state }) => state), ['Stoped'])
  fake.serve(oss.answer)
  const before = fake.requests.length
  uploader.resume()
  assert.equal((await done).value?.size, 4 * PART)
  assert.deepEqual(fake.operations().slice(before).filter((name) => name !== 'UploadPart'), ['ListParts', 'CompleteMultipartUpload'])
  assert.equal(story(), 'started progress stopped started progress succeeded finished')
})

test('what is given while it is paused waits for resume', async (t) => {
  const { uploader, upload, fake } = modern(t)
  uploader.pause()
  const done = upload()
  await settled()
  assert.deepEqual([fake.requests, uploader.files[0].state], [[], 'Ready'])
  uploader.resume()
  assert.equal((await done).value?.videoId, 'VID')
})

test('what is given after resume goes at once', async (t) => {
  const { uploader, upload } = modern(t)
  uploader.pause()
  uploader.resume()
  assert.equal((await upload()).value?.videoId, 'VID')
})

test('an abort after a failure leaves the file failed', async (t) => {
  const { uploader, upload, fake, events } = modern(t)
  fake.serve(() => refusal('AccessDenied'))
  const controller = new AbortController()
  const done = upload('a.mp4', 10, { signal: controller.signal })
  const [info] = uploader.files
  await done
  controller.abort()
  await settled()
  assert.equal(info.state, 'Failure')
  assert.equal(events.filter(({ type }) => type === 'canceled').length, 0)
})

test('an abort while it is paused rejects', async (t) => {
  const { uploader, upload, hold, oss } = modern(t)
  hold()
  const controller = new AbortController()
  const done = upload('a.mp4', 4 * PART, { signal: controller.signal })
  await settled()
  uploader.pause()
  controller.abort()
  assert.equal((await done).error.name, 'AbortError')
  await settled()
  assert.equal(oss.uploads.size, 0)
})

test('files go one after another, and two at once with fileParallel 2', async (t) => {
  for (const [fileParallel, most] of [[undefined, 1], ['2', 2]]) {
    const { upload, fake, go } = modern(t, { options: { fileParallel } })
    fake.serve(() => {})
    const all = ['a.mp4', 'b.mp4', 'c.mp4'].map((name) => upload(name))
    await settled()
    assert.equal(fake.requests.length, most)
    go()
    assert.ok((await Promise.all(all)).every(({ value }) => value))
  }
})

test('an onProgress that throws or rejects is reported, the event is still told, and the upload goes on', async (t) => {
  for (const onProgress of [() => { throw new Error('broken') }, async () => { throw new Error('broken') }]) {
    const { upload, lines, events } = modern(t)
    assert.equal((await upload('a.mp4', 10, { onProgress })).value?.videoId, 'VID')
    await settled()
    const told = events.filter(({ type }) => type === 'progress').length
    assert.equal(told, 2)
    assert.deepEqual(lines, Array(told).fill('Error: broken'))
  }
})

test('a listener that throws is reported as any of an EventTarget, and the upload goes on', async (t) => {
  const { uploader, upload } = modern(t)
  const runners = process.rawListeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  /** @type {Error[]} */
  const reported = []
  process.on('uncaughtException', (error) => reported.push(error))
  try {
    uploader.addEventListener('succeeded', () => { throw new Error('broken') })
    assert.equal((await upload()).value?.videoId, 'VID')
    await settled()
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const runner of runners) process.on('uncaughtException', /** @type {any} */ (runner))
  }
  assert.deepEqual(reported.map(({ message }) => message), ['broken'])
})

test('a listener of a failure may give the next file, and the failed one is told of no more', async (t) => {
  const { uploader, upload, fake, oss, events } = modern(t)
  fake.serve((request) => (request.source?.name === 'bad.mp4' ? refusal('AccessDenied') : oss.answer(request)))
  /** @type {any} */
  let next
  uploader.addEventListener('failed', () => { next = upload('next.mp4') })
  const bad = await upload('bad.mp4')
  assert.equal(bad.error.code, 'AccessDenied')
  assert.equal((await next).value?.videoId, 'VID')
  const ofBad = events.filter(({ type, detail }) => detail.file.file.name === 'bad.mp4' && type !== 'progress').map(({ type }) => type)
  assert.deepEqual(ofBad.filter((type) => type !== 'finished'), ['started', 'failed'])
})

test('files are those whose promises are open', async (t) => {
  const { uploader, upload } = modern(t)
  const all = [upload('a.mp4'), upload('b.mp4')]
  assert.deepEqual(uploader.files.map(({ file }) => file.name), ['a.mp4', 'b.mp4'])
  await all[0]
  assert.deepEqual(uploader.files.map(({ file }) => file.name), ['b.mp4'])
  await all[1]
  assert.deepEqual(uploader.files, [])
})

test('a core that cannot be loaded rejects with CoreNotLoaded', async (t) => {
  const { uploaderOn: on } = await freshModule()
  const fake = fakeHost({ loadCore: async () => { throw new Error('refused by a policy') } })
  const { upload } = modern(t, { fake, uploaderOn: on })
  assert.equal((await upload()).error.code, 'CoreNotLoaded')
})

test('a getAuth that rejects rejects the upload', async (t) => {
  const { upload } = modern(t, { options: { getAuth: async () => { throw new Error('logged out') } } })
  assert.deepEqual((await upload()).error.code, 'GetUploadAuthFailed')
})
