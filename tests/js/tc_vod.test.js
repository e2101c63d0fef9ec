// @ts-check
// TcVod: option names old and new, events with both names, one promise, and what may be called when.
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { isProgram, tcVodOn } from './bundle.js'
import { FakeFile, fakeHost } from './fake_host.js'
import { settled } from './stage.js'
import { test } from './story.js'
import { refusal } from './tiny_oss.js'
import { sign, ugcRefusal } from './tiny_ugc.js'
import { PART, hold, refuse, ugcStage } from './ugc_stage.js'

const video = () => new FakeFile('holiday.2.MP4', 1_000)
const image = () => new FakeFile('c.x.JPG', 10)

test('the names of 2019 and those of today are the same options', async (t) => {
  const videoName = 'my video'
  for (const options of [
    { mediaFile: undefined, videoFile: video(), videoName }, { mediaFile: video(), mediaName: videoName },
    { mediaFile: video(), videoFile: image(), mediaName: videoName, videoName: 'other' }, { mediaFile: video(), fileName: videoName },
  ]) {
    const stage = ugcStage(t)
    const uploader = stage.upload({ ...options, coverFile: image() })
    const { fileId, video: { url }, cover } = await stage.next('done')
    const [asked] = stage.asked('Apply')
    assert.deepEqual([asked.videoName, asked.videoType, asked.videoSize], ['my video', 'mp4', 1_000])
    assert.deepEqual([asked.coverName, asked.coverType, asked.coverSize], ['c.x', 'jpg', 10])
    assert.deepEqual([fileId, url, cover.url], ['52858908000', 'http://v/SESSION1.mp4', 'http://v/SESSION1.jpg'])
    assert.deepEqual(uploader.videoInfo, { name: 'my video', type: 'mp4', size: 1_000 })
    assert.deepEqual(uploader.coverInfo, { name: 'c.x', type: 'jpg', size: 10 })
  }
})

test('without a name the media is called as its file, up to the last dot; an empty name is none', async (t) => {
  for (const options of [{}, { mediaName: '' }, { mediaName: null }, { mediaName: '', videoName: '' }]) {
    const stage = ugcStage(t)
    const uploader = stage.upload({ mediaFile: video(), ...options })
    await stage.next('done')
    assert.equal(stage.asked('Apply')[0].videoName, 'holiday.2', JSON.stringify(options))
    assert.deepEqual(uploader.videoInfo, { name: 'holiday.2', type: 'mp4', size: 1_000 })
    assert.equal(uploader.coverInfo, undefined)
  }
})

test('a cover alone replaces that of the media with the fileId', async (t) => {
  const stage = ugcStage(t)
  const uploader = stage.upload({ mediaFile: undefined, coverFile: image(), fileId: '528' })
  const result = await stage.next('done')
  const [{ signature, action, host, ...asked }] = stage.asked('Apply')
  assert.deepEqual(asked, { fileId: '528', coverName: 'c.x', coverType: 'jpg', coverSize: 10, ...(!isProgram && { uploadFromWeb: true }) })
  assert.deepEqual([result.fileId, result.cover.url, result.video], ['528', 'http://v/SESSION1.jpg', undefined])
  assert.deepEqual([uploader.videoInfo, uploader.coverInfo], [undefined, { name: 'c.x', type: 'jpg', size: 10 }])
  assert.deepEqual([...new Set(stage.calls.map(({ name }) => name))], ['cover_progress', 'cover_upload', 'done'])
})

test('a cover that was to replace one goes on for that media only', async (t) => {
  const stage = ugcStage(t)
  const coverFile = new FakeFile('c.jpg', 3 * PART)
  hold(stage, 'UploadPart')
  const first = stage.upload({ mediaFile: undefined, coverFile, fileId: '1', chunkSize: PART })
  while (!stage.operations().includes('UploadPart')) await settled()
  first.pause()
  stage.fake.serve(stage.ugc.answer)
  stage.upload({ mediaFile: undefined, coverFile, fileId: '2', chunkSize: PART })
  assert.equal((await stage.next('done')).fileId, '2')
  stage.upload({ mediaFile: undefined, coverFile, fileId: '1', chunkSize: PART })
  assert.equal((await stage.next('done')).fileId, '1')
  assert.deepEqual(stage.asked('Apply').map(({ fileId, vodSessionKey }) => [fileId, vodSessionKey]), [['1', undefined], ['2', undefined], [undefined, 'SESSION1']])
})

test('expireTime is told to VOD, and what is given for one upload wins over what all have', async (t) => {
  const stage = ugcStage(t)
  stage.upload({ expireTime: '2099-01-01T00:00:00Z', mediaName: 'own' }, { mediaName: 'all', expireTime: 'never', enableRaceRegion: true })
  await stage.next('done')
  const [, asked] = stage.asked()
  assert.deepEqual([asked.ExpireTime, asked.videoName, stage.asked()[0].action], ['2099-01-01T00:00:00Z', 'own', 'Prepare'])
})

test('each event of a media has two names and one payload', async (t) => {
  const stage = ugcStage(t)
  stage.upload({ coverFile: image() })
  await stage.next('done')
  for (const what of ['progress', 'upload']) {
    const [media, old] = ['media', 'video'].map((of) => stage.of(`${of}_${what}`).map(({ args }) => args[0]))
    assert.deepEqual(media, old)
    assert.ok(media.length > 0 && stage.of(`cover_${what}`).length > 0)
  }
  assert.deepEqual(stage.of('media_upload')[0].args[0], {
    Bucket: 'bucket-1250000000', Key: 'SESSION1/v.mp4', Location: 'bucket-1250000000.cos.ap-chongqing.myqcloud.com/SESSION1/v.mp4', statusCode: 200,
  })
  assert.equal(stage.of('cover_upload')[0].args[0].Key, 'SESSION1/c.jpg')
})

test('progress begins with 0, never goes back, comes once in the interval, and ends with 1 before the upload is told', async (t) => {
  for (const [progressInterval, count] of /** @type {[number | undefined, number][]} */ ([[undefined, 2], [0, 4]])) {
    const stage = ugcStage(t)
    const { answer } = stage.ugc
    stage.fake.serve((request) => (request.part ? delay(150).then(() => answer(request)) : answer(request)))
    stage.upload({ mediaFile: new FakeFile('a.mp4', 4 * PART), chunkSize: PART, chunkParallelLimit: 1, progressInterval })
    await stage.next('done')
    const told = stage.of('media_progress').map(({ args }) => args[0])
    assert.ok(count === 2 ? told.length === 2 : told.length >= count, JSON.stringify(told))
    assert.deepEqual([told[0].percent, told[0].loaded], [0, 0])
    assert.deepEqual(told.at(-1), { loaded: 4 * PART, total: 4 * PART, percent: 1, speed: told.at(-1).speed })
    for (const [i, { loaded, percent, total }] of told.entries()) {
      assert.ok(loaded >= (told[i - 1]?.loaded ?? 0))
      assert.equal(percent, Math.floor(loaded / total * 100) / 100)
    }
    const names = stage.calls.map(({ name }) => name)
    assert.ok(names.lastIndexOf('media_progress') < names.indexOf('media_upload'))
  }
})

test('a listener is heard as often as it wants to: on, off, once, and off of what was to be heard once', async (t) => {
  const stage = ugcStage(t)
  /** @type {string[]} */
  const heard = []
  const hear = (/** @type {string} */ name) => () => { heard.push(name) }
  const [off, onceOff] = [hear('off'), hear('onceOff')]
  const uploader = stage.upload({ mediaFile: new FakeFile('a.mp4', 2 * PART), chunkSize: PART, progressInterval: 0 })
  assert.equal(uploader.on('media_progress', hear('on')).once('media_progress', hear('once')).on('video_progress', off).once('video_progress', onceOff)
    .on('video_progress', hear('stays')).once('video_progress', hear('onceStays')), uploader)
  assert.equal(uploader.off('video_progress', off).off('video_progress', onceOff).off('cover_progress', off), uploader)
  uploader.on('media_upload', off).once('media_upload', off).off('media_upload')
  uploader.on('video_upload', () => { throw new Error('of the application') })
  uploader.on('video_upload', hear('after a throw'))
  await stage.next('done')
  assert.deepEqual([heard.filter((name) => name === 'on').length > 1, [...new Set(heard)].sort()], [true, ['after a throw', 'on', 'once', 'onceStays', 'stays']])
  assert.equal(heard.filter((name) => name === 'once').length, 1)
  assert.match(stage.lines.join(), /of the application/)
})

test('done() is the same promise each time', async (t) => {
  const stage = ugcStage(t)
  const uploader = stage.upload()
  assert.equal(uploader.done(), uploader.done())
  assert.equal((await uploader.done()).fileId, (await uploader.done()).fileId)
})

test('an application that only listens has no unhandled rejection', async (t) => {
  /** @type {unknown[]} */
  const unheard = []
  const hear = (/** @type {unknown} */ reason) => unheard.push(reason)
  process.on('unhandledRejection', hear)
  t.after(() => process.off('unhandledRejection', hear))
  const fake = fakeHost()
  fake.serve(() => ugcRefusal(10004))
  new (tcVodOn(fake.host))({ getSignature: async () => sign(), enableRaceRegion: false }).upload({ mediaFile: /** @type {any} */ (video()) })
  while (fake.requests.length === 0) await settled()
  await settled()
  assert.deepEqual(unheard, [])
})

test('the class is its own default, and upload works on its own', async (t) => {
  const stage = ugcStage(t)
  const TcVod = tcVodOn(stage.fake.host)
  assert.equal(TcVod.default, TcVod)
  const { upload } = new TcVod.default({ getSignature: () => sign(), enableRaceRegion: false })
  assert.equal((await upload({ mediaFile: /** @type {any} */ (video()) }).done()).fileId, '52858908000')
})

test('what is wrong is found by upload(), not by the constructor', (t) => {
  const { fake } = ugcStage(t)
  const TcVod = /** @type {any} */ (tcVodOn(fake.host))
  for (const options of [undefined, {}, { getSignature: 'text' }]) {
    const tcVod = new TcVod(options)
    assert.throws(() => tcVod.upload({ mediaFile: video() }), (/** @type {any} */ error) => error.retCode === 1010 && /getSignature must be a function/.test(error.message))
    assert.throws(() => tcVod.upload(), { name: 'UploadError' })
  }
})

test('an error of VOD has its number as code, that of COS its name', async (t) => {
  const stage = ugcStage(t)
  refuse(stage, 'Apply', ugcRefusal(10004, 'ugc upload | invalid signature'))
  stage.upload()
  const error = await stage.next('failed')
  assert.deepEqual([error.code, error.retCode, error.stage, error.retryable], [10004, 1001, 'apply', false])
  assert.match(error.message, /invalid signature.*SecretKey/)
  refuse(stage, 'PutObject', refusal('AccessDenied'))
  stage.upload()
  const { code, status, requestId, retCode } = await stage.next('failed')
  assert.deepEqual([code, status, requestId, retCode], ['AccessDenied', 403, 'REQUEST', 1003])
})

test('pause and resume go on, a pause tells nothing, and after the end neither does anything', async (t) => {
  const stage = ugcStage(t)
  hold(stage, 'PutObject')
  const uploader = stage.upload()
  while (!stage.open().length) await settled()
  uploader.pause()
  uploader.pause()
  await settled()
  assert.deepEqual([stage.open(), stage.of('done'), stage.of('failed')], [[], [], []])
  stage.fake.serve(stage.ugc.answer)
  uploader.resume()
  uploader.resume()
  await stage.next('done')
  const sent = stage.fake.requests.length
  for (const method of /** @type {const} */ (['resume', 'pause', 'resume', 'cancel', 'resume'])) uploader[method]()
  await settled()
  assert.deepEqual([stage.fake.requests.length, stage.of('failed').length, stage.of('done').length], [sent, 0, 1])
})

test('a failed upload is not begun again by resume, for its promise has ended', async (t) => {
  const stage = ugcStage(t)
  refuse(stage, 'PutObject', refusal('AccessDenied'))
  const uploader = stage.upload()
  await stage.next('failed')
  const sent = stage.fake.requests.length
  stage.fake.serve(stage.ugc.answer)
  uploader.resume()
  await settled()
  assert.equal(stage.fake.requests.length, sent)
})
