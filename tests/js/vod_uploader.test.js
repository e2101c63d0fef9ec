// @ts-check
// VodUploader.start: option names of vod-wx-sdk-v2 and of version 5.1, one end, and cancel, pause and restart whenever.
import assert from 'node:assert/strict'
import { vodUploaderOn } from './bundle.js'
import { FakeFile } from './fake_host.js'
import { settled } from './stage.js'
import { test } from './story.js'
import { refusal } from './tiny_oss.js'
import { PART, halfway, hold, refuse, ugcStage } from './ugc_stage.js'

const video = () => new FakeFile('a.mp4', 1_000)

test('the names of version 5.1 and those of today are the same options', async (t) => {
  for (const options of [
    { mediaFile: undefined, videoFile: video(), fileName: 'my video' }, { mediaName: 'my video' }, { mediaName: 'my video', fileName: 'other' },
    { mediaName: '', fileName: 'my video' }, { mediaName: 5, fileName: 'my video' }, { mediaName: 'my video', videoFile: new FakeFile('b.mov', 9) },
  ]) {
    const stage = ugcStage(t)
    stage.start(options)
    const result = await stage.next('finish')
    assert.deepEqual(result, {
      fileId: '52858908000', videoName: 'my video', videoUrl: 'http://v/SESSION1.mp4', coverUrl: undefined, verify_content: 'PROOF', verified: false,
    })
    const [{ videoName, videoType }] = stage.asked('Apply')
    assert.deepEqual([videoName, videoType], ['my video', 'mp4'], JSON.stringify(options))
  }
})

test('a video without a name is called 来自小程序, as all documents but one sentence say', async (t) => {
  for (const options of [{}, { mediaName: '' }, { mediaName: null, fileName: null }, { videoName: 'of the other face' }]) {
    const stage = ugcStage(t)
    stage.start(options)
    assert.equal((await stage.next('finish')).videoName, '来自小程序')
    assert.equal(stage.asked('Apply')[0].videoName, '来自小程序')
  }
})

test('progress and success are of the video, also where there is a cover; success comes before the commit, finish after it', async (t) => {
  const stage = ugcStage(t)
  hold(stage, 'Commit')
  stage.start({ coverFile: new FakeFile('c.jpg', 10) })
  await stage.next('success')
  while (!stage.operations().includes('Commit')) await settled()
  assert.deepEqual(stage.calls.map(({ name }) => name), ['progress', 'progress', 'success'])
  assert.deepEqual(stage.of('progress').map(({ args: [{ loaded, total, percent }] }) => [loaded, total, percent]), [[0, 1_000, 0], [1_000, 1_000, 1]])
  assert.deepEqual(stage.of('success')[0].args, [{
    bucket: 'bucket-1250000000', endpoint: 'cos.ap-chongqing.myqcloud.com', object: 'SESSION1/v.mp4', region: 'ap-chongqing',
  }])
  const [commit] = stage.open()
  commit.respond(/** @type {any} */ (stage.ugc.answer(commit)))
  assert.equal((await stage.next('finish')).coverUrl, 'http://v/SESSION1.jpg')
})

test('start answers before anything is told, also when it refuses', async (t) => {
  const stage = ugcStage(t)
  stage.fake.serve(stage.ugc.answer)
  stage.start()
  const uploader = stage.start({ mediaFile: undefined })
  assert.deepEqual(stage.calls, [])
  for (const method of /** @type {const} */ (['cancel', 'pause', 'restart', 'start'])) uploader[method]()
  assert.equal((await stage.next('error')).code, 1013)
  await stage.next('finish')
  assert.equal(stage.of('error').length, 1)
})

test('without an error callback what is wrong is thrown, as there is nobody to tell', (t) => {
  const stage = ugcStage(t)
  for (const options of [undefined, null, {}, { getSignature() {}, mediaFile: video(), error: 5 }]) {
    assert.throws(() => vodUploaderOn(stage.fake.host).start(/** @type {any} */ (options)), { name: 'UploadError' })
  }
})

for (const [what, options, retCode, code] of /** @type {[string, any, number, string][]} */ ([
  ['no getSignature', { getSignature: undefined }, 1010, 'InvalidArgument'],
  ['no media', { mediaFile: undefined }, 1013, 'NoMediaFile'],
  ['a cover alone', { mediaFile: null, coverFile: new FakeFile('c.jpg', 9) }, 1013, 'NoMediaFile'],
  ['a media that is no file', { mediaFile: { tempFilePath: '' } }, 1013, 'NoMediaFile'],
  ['an empty media', { mediaFile: new FakeFile('a.mp4', 0) }, 1014, 'EmptyFile'],
  ['an empty cover', { coverFile: new FakeFile('c.jpg', 0) }, 1014, 'EmptyFile'],
  ['a cover that is no file', { coverFile: {} }, 1016, 'NoCoverFile'],
  ...[...'\\/:*?"<>|'].map((letter) => [`a name with ${letter}`, { mediaName: `a${letter}b` }, 1015, 'InvalidName']),
])) {
  test(`${what} is refused with ${retCode} before anything is asked`, async (t) => {
    const stage = ugcStage(t)
    stage.start(options)
    const error = await stage.next('error')
    assert.deepEqual([error.code, error.retCode, error.name, error.stage, error.retryable], [retCode, retCode, code, 'validate', false])
    assert.ok(error.message.length > 10)
    await settled()
    assert.deepEqual([stage.signed, stage.fake.requests, stage.calls.length], [[], [], 1])
  })
}

test('a name of more than forty characters is taken: only the mobile SDKs refuse it', async (t) => {
  const stage = ugcStage(t)
  stage.start({ mediaName: '名'.repeat(60) })
  assert.equal((await stage.next('finish')).videoName, '名'.repeat(60))
})

test('numbers of the vendor may be numbers or texts, and what says nothing is the default', async (t) => {
  const stage = ugcStage(t)
  hold(stage, 'UploadPart')
  stage.start({ mediaFile: new FakeFile('a.mp4', 8 * PART), chunkSize: String(2 * PART), chunkParallelLimit: '2', timeout: '', chunkRetryTimes: null })
  while (stage.open().length < 2) await settled()
  assert.deepEqual(stage.open().map(({ slice: { start, end } }) => end - start), [2 * PART, 2 * PART])
})

test('an attempt more than chunkRetryTimes is not made, and 0 is 0', async (t) => {
  for (const chunkRetryTimes of [0, 2]) {
    const stage = ugcStage(t)
    refuse(stage, 'PutObject', refusal('ServiceUnavailable', 503))
    stage.start({ chunkRetryTimes })
    const error = await stage.next('error')
    assert.deepEqual([error.code, error.name, error.retryable], [1003, 'ServiceUnavailable', true])
    assert.equal(stage.operations().filter((name) => name === 'PutObject').length, chunkRetryTimes + 1)
  }
})

test('enableResume false reads and leaves no record', async (t) => {
  const stage = ugcStage(t)
  const mediaFile = new FakeFile('long.mp4', 3 * PART)
  const first = await halfway(stage, { mediaFile, enableResume: false })
  assert.equal(stage.fake.storage.records.size, 0)
  first.pause()
  const second = await halfway(stage, { mediaFile })
  second.pause()
  assert.equal(stage.fake.storage.records.size, 1)
  stage.fake.serve(stage.ugc.answer)
  stage.start({ mediaFile, enableResume: false })
  await stage.next('finish')
  assert.deepEqual(stage.asked('Apply').map(({ vodSessionKey }) => vodSessionKey), [undefined, undefined, undefined])
})

test('the same video again goes on, with its session and its parts; a storage of the application is used', async (t) => {
  const stage = ugcStage(t)
  /** @type {Map<string, string>} */
  const records = new Map()
  const storage = {
    get: (/** @type {string} */ key) => records.get(key) ?? null,
    set: (/** @type {string} */ key, /** @type {string} */ text) => { records.set(key, text) },
    remove: (/** @type {string} */ key) => { records.delete(key) },
  }
  const mediaFile = new FakeFile('long.mp4', 3 * PART)
  const first = await halfway(stage, { mediaFile, storage })
  first.pause()
  assert.deepEqual([records.size, stage.fake.storage.records.size], [1, 0])
  const before = stage.fake.requests.length
  stage.fake.serve(stage.ugc.answer)
  stage.start({ mediaFile, storage })
  await stage.next('finish')
  assert.deepEqual(stage.fake.requests.slice(before).filter(({ part }) => part).map(({ part }) => part).sort(), [2, 3])
  assert.deepEqual(stage.signed.map(({ purpose }) => purpose), ['apply', 'refresh', 'commit'])
  assert.equal(records.size, 0)
})

test('after a day the same video begins anew', async (t) => {
  for (const [hours, expected] of [[23, 'SESSION1'], [25, undefined]]) {
    const stage = ugcStage(t)
    const mediaFile = new FakeFile('long.mp4', 3 * PART)
    const first = await halfway(stage, { mediaFile })
    first.pause()
    const { records } = stage.fake.storage
    for (const [key, text] of records) {
      const { savedAt, ...record } = JSON.parse(text)
      records.set(key, JSON.stringify({ ...record, savedAt: savedAt - Number(hours) * 3_600_000 }))
    }
    stage.fake.serve(stage.ugc.answer)
    stage.start({ mediaFile })
    await stage.next('finish')
    assert.equal(stage.asked('Apply')[1].vodSessionKey, expected, `after ${hours} hours`)
  }
})

test('a file of 60 GB begins, in parts of which there are not too many', async (t) => {
  const stage = ugcStage(t)
  hold(stage, 'UploadPart')
  const size = 60 * 1024 ** 3
  const uploader = stage.start({ mediaFile: new FakeFile('a.mp4', size) })
  while (!stage.open().length) await settled()
  const { start, end } = stage.open()[0].slice
  assert.ok(Math.ceil(size / (end - start)) <= 10_000, `parts of ${end - start}`)
  uploader.cancel()
})

/** What a call does in each state: how many requests stand open, and what is told. */
const STATES = {
  'while VOD is asked': 'Apply', 'while the video is sent': 'PutObject', 'while it is committed': 'Commit',
}
for (const [state, held] of Object.entries(STATES)) {
  test(`pause ends all requests ${state}, tells nothing, and restart goes on`, async (t) => {
    const stage = ugcStage(t)
    hold(stage, held)
    const uploader = stage.start()
    while (!stage.open().length) await settled()
    uploader.pause()
    uploader.pause()
    await settled()
    assert.deepEqual([stage.open(), stage.of('error')], [[], []])
    stage.fake.serve(stage.ugc.answer)
    uploader.restart()
    uploader.restart()
    await stage.next('finish')
    await settled()
    assert.deepEqual([stage.of('finish').length, stage.of('error').length, stage.ugc.medias.size], [1, 0, 1])
  })

  test(`cancel ${state} is told once, restart does nothing then, and start begins again`, async (t) => {
    const stage = ugcStage(t)
    hold(stage, held)
    const uploader = stage.start()
    while (!stage.open().length) await settled()
    uploader.cancel()
    const error = await stage.next('error')
    assert.deepEqual([error.code, error.retCode, error.name, error.retryable], [1017, 1017, 'Canceled', false])
    stage.fake.serve(stage.ugc.answer)
    const sent = stage.fake.requests.length
    for (const method of /** @type {const} */ (['cancel', 'pause', 'restart', 'cancel'])) uploader[method]()
    await settled()
    assert.deepEqual([stage.of('error').length, stage.open()], [1, []])
    assert.ok(stage.operations().slice(sent).every((name) => !/Apply|Put|Commit/.test(name)))
    uploader.start()
    await stage.next('finish')
    assert.equal(stage.of('error').length, 1)
  })
}

test('a paused upload can be cancelled', async (t) => {
  const stage = ugcStage(t)
  const uploader = await halfway(stage)
  stage.fake.serve(stage.ugc.answer)
  uploader.pause()
  uploader.cancel()
  assert.equal((await stage.next('error')).code, 1017)
  const sent = stage.operations().filter((name) => name === 'UploadPart').length
  uploader.restart()
  await settled()
  assert.deepEqual([stage.operations().filter((name) => name === 'UploadPart').length, stage.calls.at(-1)?.name], [sent, 'error'])
})

test('after the end no call does anything', async (t) => {
  const stage = ugcStage(t)
  const uploader = stage.start()
  await stage.next('finish')
  const sent = stage.fake.requests.length
  for (const method of /** @type {const} */ (['restart', 'pause', 'restart', 'start', 'cancel', 'restart', 'start', 'cancel'])) uploader[method]()
  await settled()
  assert.deepEqual([stage.fake.requests.length, stage.of('finish').length, stage.of('error').length], [sent, 1, 0])
})

test('restart tries again after a failure, and tells its end, too', async (t) => {
  const stage = ugcStage(t)
  refuse(stage, 'PutObject', refusal('AccessDenied'), 2)
  const uploader = stage.start()
  await stage.next('error')
  uploader.restart()
  await stage.next('error')
  uploader.restart()
  await stage.next('finish')
  await settled()
  assert.deepEqual([stage.of('error').length, stage.of('finish').length, stage.ugc.medias.size], [2, 1, 1])
})

test('cancel in a callback is the last thing that is told', async (t) => {
  for (const name of ['progress', 'success']) {
    const stage = ugcStage(t)
    const heard = []
    const uploader = stage.start({ [name]: () => { heard.push(name); uploader.cancel() } })
    assert.equal((await stage.next('error')).code, 1017)
    await settled()
    assert.deepEqual([stage.calls.at(-1)?.name, stage.of('finish').length, stage.ugc.medias.size], ['error', 0, 0], name)
  }
})

test('a callback that throws is written down and ends nothing', async (t) => {
  const stage = ugcStage(t)
  stage.start({ progress: () => { throw new Error('of the application') }, success: () => { throw new Error('of the application') } })
  await stage.next('finish')
  assert.match(stage.lines[0], /of the application/)
})

test('the same video twice at a time is two uploads, and only one of them leaves a record', async (t) => {
  const stage = ugcStage(t)
  const mediaFile = new FakeFile('long.mp4', 3 * PART)
  const first = await halfway(stage, { mediaFile })
  const second = stage.start({ mediaFile, chunkSize: PART })
  while (stage.asked('Apply').length < 2 || stage.open().length < 4) await settled()
  assert.deepEqual(stage.asked('Apply').map(({ vodSessionKey }) => vodSessionKey), [undefined, undefined])
  assert.match([...stage.fake.storage.records.values()].join(), /SESSION1/)
  for (const uploader of [first, second]) uploader.pause()
  await settled()
  assert.equal(stage.fake.storage.records.size, 1)
  stage.fake.serve(stage.ugc.answer)
  for (const uploader of [first, second]) uploader.restart()
  await stage.next('finish')
  await stage.next('finish')
  assert.deepEqual([...stage.ugc.medias.values()].sort(), ['SESSION1', 'SESSION2'])
  stage.start({ mediaFile, chunkSize: PART })
  await stage.next('finish')
  assert.equal(stage.asked('Apply').at(-1)?.vodSessionKey, undefined)
})

test('what the host locks is free at the end, and an upload whose record another page uses leaves it alone', async (t) => {
  const stage = ugcStage(t)
  /** @type {Set<string>} */
  const held = new Set()
  stage.fake.host.lock = async (key) => {
    if (held.has(key)) return undefined
    held.add(key)
    return () => { held.delete(key) }
  }
  const mediaFile = new FakeFile('long.mp4', 3 * PART)
  const uploader = await halfway(stage, { mediaFile })
  assert.equal(held.size, 1)
  uploader.pause()
  await settled()
  assert.equal(held.size, 0)
  const [key] = stage.fake.storage.records.keys()
  held.add(key)
  stage.fake.serve(stage.ugc.answer)
  for (let time = 0; time < 2; time++) {
    stage.start({ mediaFile })
    await stage.next('finish')
  }
  assert.deepEqual([stage.asked('Apply').map(({ vodSessionKey }) => vodSessionKey), stage.fake.storage.records.size], [[undefined, undefined, undefined], 1])
  held.delete(key)
  stage.start({ mediaFile })
  await stage.next('finish')
  assert.deepEqual([stage.asked('Apply')[3].vodSessionKey, held.size, stage.fake.storage.records.size], ['SESSION1', 0, 0])
})

test('two uploads at a time know nothing of each other', async (t) => {
  const stage = ugcStage(t)
  stage.start({ mediaFile: new FakeFile('a.mp4', 1_000), mediaName: 'one' })
  stage.start({ mediaFile: new FakeFile('b.mp4', 2_000), mediaName: 'two' })
  const results = [await stage.next('finish'), await stage.next('finish')]
  assert.deepEqual(results.map(({ videoName }) => videoName).sort(), ['one', 'two'])
  assert.deepEqual(stage.asked('Apply').map(({ videoName, videoSize }) => [videoName, videoSize]), [['one', 1_000], ['two', 2_000]])
})
