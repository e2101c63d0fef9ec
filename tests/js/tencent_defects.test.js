// @ts-check
// Defects of Tencent's own SDKs that are not copied: a test each, where no other file has it. The ids are those of the
// specification's section 4.5; docs/tencent-compatibility.md names the test of each.
import assert from 'node:assert/strict'
import { FakeFile, fakeProgram } from './fake_host.js'
import { pathOf } from './fake_wx.js'
import { settled } from './stage.js'
import { test } from './story.js'
import { refusal } from './tiny_oss.js'
import { tinyUgc, ugcRefusal } from './tiny_ugc.js'
import { PART, halfway, hold, refuse, ugcStage } from './ugc_stage.js'

test('a refusal of COS keeps its code, status and request (B1)', async (t) => {
  for (const size of [1_000, 3 * PART]) {
    const stage = ugcStage(t)
    refuse(stage, size > PART ? 'UploadPart' : 'PutObject', refusal('AccessDenied'))
    stage.start({ mediaFile: new FakeFile('a.mp4', size), chunkSize: PART })
    const error = await stage.next('error')
    assert.deepEqual([error.code, error.name, error.status, error.requestId, error.stage], [1003, 'AccessDenied', 403, 'REQUEST', 'media'])
  }
})

test('a second video with the same cover is an upload of its own (B2)', async (t) => {
  const stage = ugcStage(t)
  const coverFile = new FakeFile('c.jpg', 10)
  const first = await halfway(stage, { coverFile })
  first.pause()
  stage.fake.serve(stage.ugc.answer)
  const mediaFile = new FakeFile('b.mp4', 1_000)
  stage.start({ mediaFile, coverFile })
  await stage.next('finish')
  assert.deepEqual(stage.asked('Apply').map(({ vodSessionKey, videoSize }) => [vodSessionKey, videoSize]), [[undefined, 3 * PART], [undefined, 1_000]])
  first.restart()
  await stage.next('finish')
  assert.deepEqual([...stage.ugc.medias.values()], ['SESSION2', 'SESSION1'])
})

test('a session that is over is dropped, and the upload begins anew (B3)', async (t) => {
  const before = ugcStage(t)
  const mediaFile = new FakeFile('a.mp4', 3 * PART)
  const first = await halfway(before, { mediaFile })
  first.pause()
  const stage = ugcStage(t, { fake: before.fake, ugc: tinyUgc({ oss: before.ugc.oss }) })
  const known = stage.asked().length
  stage.start({ mediaFile, chunkSize: PART })
  await stage.next('finish')
  assert.deepEqual(stage.asked('Apply').slice(known).map(({ vodSessionKey }) => vodSessionKey), ['SESSION1', undefined])
  assert.equal(stage.of('error').length, 0)
})

for (const method of /** @type {const} */ (['cancel', 'pause', 'restart'])) {
  test(`${method} before VOD has answered, or the application has signed, is heard (B4)`, async (t) => {
    for (const until of ['at once', 'signing', 'Apply']) {
      const stage = ugcStage(t)
      hold(stage, 'Apply')
      const uploader = stage.start(until === 'signing' ? { getSignature() {} } : {})
      if (until === 'Apply') while (!stage.operations().includes('Apply')) await settled()
      if (until === 'signing') await settled()
      uploader[method]()
      await settled()
      assert.equal(stage.open().length, method === 'restart' && until !== 'signing' ? 1 : 0, until)
      assert.equal(stage.of('error').length, method === 'cancel' ? 1 : 0, until)
      uploader.cancel()
    }
  })
}

test('cancel is told once, and nothing of the media or the cover is sent afterwards (B5)', async (t) => {
  for (const held of ['PutObject', 'UploadPart', 'Commit']) {
    const stage = ugcStage(t)
    hold(stage, held)
    const mediaFile = new FakeFile('a.mp4', held === 'UploadPart' ? 3 * PART : 1_000)
    const uploader = stage.start({ mediaFile, coverFile: new FakeFile('c.jpg', 10), chunkSize: PART })
    while (!stage.open().length) await settled()
    uploader.cancel()
    uploader.cancel()
    assert.equal((await stage.next('error')).code, 1017)
    stage.fake.serve(stage.ugc.answer)
    await settled()
    assert.deepEqual([stage.of('error').length, stage.of('finish').length, stage.ugc.medias.size], [1, 0, 0], held)
    const sent = stage.operations()
    assert.equal(sent.filter((name) => name === 'PutObject').length, held === 'UploadPart' ? 0 : held === 'Commit' ? 2 : 1, held)
  }
})

test('two objects that fail are one error, and no promise is left unheard (B6)', async (t) => {
  /** @type {unknown[]} */
  const unheard = []
  const hear = (/** @type {unknown} */ reason) => unheard.push(reason)
  process.on('unhandledRejection', hear)
  t.after(() => process.off('unhandledRejection', hear))
  const stage = ugcStage(t)
  refuse(stage, 'PutObject', refusal('AccessDenied'))
  stage.start({ coverFile: new FakeFile('c.jpg', 10) })
  stage.upload({ coverFile: new FakeFile('c.jpg', 10) })
  await stage.next('error')
  await stage.next('failed')
  await settled()
  assert.deepEqual([stage.of('error').length, stage.of('failed').length, unheard], [1, 1, []])
})

test('callbacks that are not given are not missed, and what is no function is refused at once (B7)', async (t) => {
  const stage = ugcStage(t)
  stage.start({ progress: undefined, success: undefined, error: undefined })
  await stage.next('finish')
  stage.start({ progress: undefined, success: undefined, finish: undefined, error: undefined })
  while (stage.ugc.medias.size < 2) await settled()
  await settled()
  assert.deepEqual(stage.lines, [])
  const sent = stage.fake.requests.length
  for (const name of ['progress', 'finish', 'success', 'getSignature']) {
    stage.start({ [name]: 'no function' })
    const { code, message } = await stage.next('error')
    assert.equal(code, 1010)
    assert.match(message, new RegExp(name))
  }
  assert.equal(stage.fake.requests.length, sent)
})

test('every error has a number, a text and the same in data, whatever failed (B8)', async (t) => {
  /** @type {[Record<string, any>, string, any, number][]} */
  const ways = [
    [{ mediaFile: undefined }, 'none', {}, 1013],
    [{}, 'Apply', ugcRefusal(10004), 10004],
    [{ chunkRetryTimes: 0 }, 'Apply', { status: 502, body: '<html>' }, 1002],
    [{ chunkRetryTimes: 0 }, 'Apply', { body: '<html>' }, 1002],
    [{}, 'PutObject', refusal('AccessDenied'), 1003],
    [{ coverFile: new FakeFile('c.jpg', 10) }, 'PutObject', (/** @type {any} */ { url }) => (/c\.jpg$/.test(url.pathname) ? refusal('AccessDenied') : {}), 1004],
    [{ chunkRetryTimes: 0 }, 'Commit', (/** @type {any} */ request) => request.fail(), 1005],
    [{}, 'Commit', ugcRefusal(10001), 10001],
    [{ getSignature: () => '' }, 'none', {}, 1012],
  ]
  for (const [options, name, response, code] of ways) {
    const stage = ugcStage(t)
    refuse(stage, name, response)
    stage.start(options)
    const error = await stage.next('error')
    assert.deepEqual([error.code, error.data.code, typeof error.message, error.data.message], [code, code, 'string', error.message], JSON.stringify(error))
    assert.ok(error.message.length > 10 && error.retCode >= 1001 && typeof error.stage === 'string' && typeof error.retryable === 'boolean')
  }
})

test('calls to VOD are repeated after a network failure, after a while, each with another signature (B9)', async (t) => {
  for (const name of ['Apply', 'Commit']) {
    const stage = ugcStage(t)
    refuse(stage, name, (/** @type {any} */ request) => request.fail(), 2)
    const begin = performance.now()
    stage.start({ retryDelay: 40 })
    await stage.next('finish')
    assert.ok(performance.now() - begin > 40)
    const asked = stage.asked(name).map(({ signature }) => signature)
    assert.deepEqual([asked.length, new Set(asked).size], [3, 3])
    assert.deepEqual(stage.signed.filter(({ purpose }) => purpose === name.toLowerCase()).map(({ attempt }) => attempt), [1, 2, 3])
  }
})

test('what any picker answers is a media, and a cover (B10)', async (t) => {
  const file = (/** @type {string} */ extension, size = 1_000) => ({ size, path: pathOf(new FakeFile(`x${extension}`, size), extension) })
  const video = () => file('.mp4')
  const image = () => file('.jpg', 10)
  const videos = {
    chooseVideo: () => ({ tempFilePath: video().path, size: 1_000, duration: 1, height: 1, width: 1 }),
    'an element of chooseMedia': () => ({ tempFilePath: video().path, size: 1_000, fileType: 'video' }),
    'chooseMedia of one': () => ({ tempFiles: [{ tempFilePath: video().path, size: 1_000, fileType: 'video' }], type: 'video' }),
    'an element of chooseMessageFile': () => ({ path: video().path, size: 1_000, name: 'talk.mp4', type: 'video' }),
    'a path': () => video().path,
  }
  const covers = {
    chooseImage: () => {
      const { path } = image()
      return { tempFilePaths: [path], tempFiles: [{ path, size: 10 }] }
    },
    'an element of chooseMedia': () => ({ tempFilePath: image().path, size: 10, fileType: 'image' }),
  }
  for (const [name, pick] of Object.entries(videos)) {
    for (const [of, cover] of Object.entries(covers)) {
      const stage = ugcStage(t, { fake: fakeProgram() })
      stage.start({ mediaFile: pick(), coverFile: cover() })
      await stage.next('finish')
      const [{ videoType, videoSize, coverType, coverSize }] = stage.asked('Apply')
      assert.deepEqual([videoType, videoSize, coverType, coverSize], ['mp4', 1_000, 'jpg', 10], `${name} with ${of}`)
    }
  }
})

test('a good upload writes nothing to the console, and asks nobody but VOD and COS (B11, B21)', async (t) => {
  const stage = ugcStage(t)
  stage.start({ coverFile: new FakeFile('c.jpg', 10), reportId: 7, appId: 1 })
  stage.upload({ allowReport: true })
  await stage.next('finish')
  await stage.next('done')
  assert.deepEqual([stage.lines, stage.log], [[], []])
  const hosts = new Set(stage.fake.requests.map(({ url }) => url.host))
  for (const host of hosts) assert.match(host, /^(vod2\.qcloud\.com|bucket-1250000000\.cos\.ap-chongqing\.myqcloud\.com)$/)
})

test('a credential that ends in mid-upload is renewed by the session, and what is stored stays (B12)', async (t) => {
  const stage = ugcStage(t)
  let tokens = 0
  stage.fake.serve((request) => {
    const token = request.headers['x-cos-security-token']
    if (request.part > 1 && token === 'TOKEN1') {
      tokens++
      return refusal('ExpiredToken')
    }
    return stage.ugc.answer(request)
  })
  stage.start({ mediaFile: new FakeFile('a.mp4', 3 * PART), chunkSize: PART })
  await stage.next('finish')
  assert.ok(tokens > 0)
  assert.deepEqual(stage.asked('Apply').map(({ vodSessionKey, videoName }) => [vodSessionKey, videoName]), [[undefined, '来自小程序'], ['SESSION1', undefined]])
  assert.deepEqual(stage.signed.map(({ purpose }) => purpose), ['apply', 'refresh', 'commit'])
  assert.equal(stage.fake.requests.filter(({ part }) => part === 1).length, 1)
})

test('cancel rejects done(), before VOD has answered and later (B13)', async (t) => {
  for (const held of ['Apply', 'PutObject', 'Commit']) {
    const stage = ugcStage(t)
    hold(stage, held)
    const uploader = stage.upload()
    while (!stage.open().length) await settled()
    uploader.cancel()
    const error = await stage.next('failed')
    assert.deepEqual([error.retCode, error.code, error instanceof Error], [1017, 'Canceled', true])
    stage.fake.serve(stage.ugc.answer)
    await settled()
    assert.equal(stage.ugc.medias.size, 0)
  }
})

test('an upload of which only the commit failed is only committed the next time (B14)', async (t) => {
  const stage = ugcStage(t)
  const mediaFile = new FakeFile('a.mp4', 3 * PART)
  refuse(stage, 'Commit', ugcRefusal(10001))
  stage.upload({ mediaFile, chunkSize: PART })
  assert.equal((await stage.next('failed')).retCode, 1006)
  const before = stage.operations().length
  stage.fake.serve(stage.ugc.answer)
  stage.upload({ mediaFile, chunkSize: PART })
  await stage.next('done')
  assert.deepEqual(stage.operations().slice(before), ['Apply', 'Commit'])
  assert.equal(stage.asked('Apply')[1].vodSessionKey, 'SESSION1')
})

test('a region that fails at once does not win the race (B15)', async (t) => {
  const stage = ugcStage(t, { ugc: tinyUgc({ regions: ['ap-near', 'ap-far'] }) })
  refuse(stage, 'Probe', (/** @type {any} */ request) => (/near/.test(request.url.host) ? request.fail() : { status: 403 }))
  stage.upload({ enableRaceRegion: true })
  await stage.next('done')
  assert.equal(stage.asked('Apply')[0].storageRegion, 'ap-far')
})

test('another file of the same name and size begins an upload of its own (B16)', async (t) => {
  const stage = ugcStage(t)
  const first = await halfway(stage)
  first.pause()
  // Pages tell files by their time, mini programs, where there is none, by what is in them.
  const other = Object.assign(new FakeFile('long.mp4', 3 * PART, 1_700_000_000_001), {
    bytes: (/** @type {number} */ start, /** @type {number} */ end) => new FakeFile('other', 3 * PART).bytes(start, end),
  })
  stage.fake.serve(stage.ugc.answer)
  stage.start({ mediaFile: other, chunkSize: PART })
  await stage.next('finish')
  assert.deepEqual(stage.asked('Apply').map(({ vodSessionKey }) => vodSessionKey), [undefined, undefined])
  assert.deepEqual([...stage.ugc.medias.values()], ['SESSION2'])
})

test('what is no file is refused by a sentence, as media and as cover (B17)', (t) => {
  const stage = ugcStage(t)
  for (const file of ['no file', {}, 5, { name: 'a.mp4', size: 9 }]) {
    for (const [options, retCode] of /** @type {[any, number][]} */ ([[{ mediaFile: file }, 1013], [{ coverFile: file }, 1016]])) {
      assert.throws(() => stage.upload(options), (/** @type {any} */ error) => error.retCode === retCode && error instanceof Error && /is no file/.test(error.message))
    }
  }
})

test('a name without a dot is the name, and the type is what the file says (B17)', async (t) => {
  const stage = ugcStage(t)
  const uploader = stage.upload({ mediaFile: new FakeFile('holiday', 1_000) })
  await stage.next('done')
  const [{ videoName, videoType }] = stage.asked('Apply')
  assert.deepEqual([videoName, videoType], ['holiday', 'mp4'])
  assert.deepEqual(uploader.videoInfo, { name: 'holiday', type: 'mp4', size: 1_000 })
})

test('after a failure of COS the next attempt goes on with the session and the parts (B18)', async (t) => {
  const stage = ugcStage(t)
  const mediaFile = new FakeFile('a.mp4', 3 * PART)
  refuse(stage, 'UploadPart', (/** @type {any} */ request) => (request.part === 3 ? refusal('AccessDenied') : stage.ugc.answer(request)))
  stage.start({ mediaFile, chunkSize: PART, chunkParallelLimit: 1 })
  await stage.next('error')
  const before = stage.operations().length
  stage.fake.serve(stage.ugc.answer)
  stage.start({ mediaFile, chunkSize: PART })
  await stage.next('finish')
  assert.deepEqual(stage.operations().slice(before), ['Apply', 'ListParts', 'UploadPart', 'CompleteMultipartUpload', 'Commit'])
})

test('whatever fails, it is an Error that is thrown or rejected with (B19)', async (t) => {
  const stage = ugcStage(t)
  for (const options of [{ mediaFile: undefined }, { mediaFile: undefined, coverFile: new FakeFile('c.jpg', 9) }, { mediaName: 'a/b' }, { getSignature: 5 }]) {
    assert.throws(() => stage.upload(options), Error)
  }
  stage.upload({ getSignature: () => Promise.reject('logged out') })
  const error = await stage.next('failed')
  assert.ok(error instanceof Error)
  assert.match(error.message, /logged out/)
})

test('a lost network has a code of its own, and the next upload begins with the first host (B20)', async (t) => {
  const stage = ugcStage(t)
  refuse(stage, 'Apply', (/** @type {any} */ request) => request.fail(), 2)
  stage.upload({ chunkRetryTimes: 1, retryDelay: 0 })
  const error = await stage.next('failed')
  assert.deepEqual([error.code, error.retCode, error.retryable], ['NetworkError', 1001, true])
  stage.upload()
  await stage.next('done')
  const hosts = stage.asked('Apply').map(({ host }) => host)
  assert.equal(hosts[2], 'vod2.qcloud.com', String(hosts))
})

test('when one object has failed, no other is sent any more (B24)', async (t) => {
  const stage = ugcStage(t)
  stage.fake.serve((request) => {
    if (request.part === 1) return refusal('AccessDenied')
    return request.part ? undefined : stage.ugc.answer(request)
  })
  stage.start({ mediaFile: new FakeFile('a.mp4', 3 * PART), coverFile: new FakeFile('c.jpg', 10), chunkSize: PART })
  await stage.next('error')
  await settled()
  assert.deepEqual(stage.open(), [])
  assert.ok(!stage.operations().includes('PutObject') && !stage.operations().includes('Commit'))
})

test('an error that comes with the status 200 ends no upload, and nothing is committed (B25)', async (t) => {
  const stage = ugcStage(t)
  refuse(stage, 'CompleteMultipartUpload', { ...refusal('AccessDenied'), status: 200 })
  stage.start({ mediaFile: new FakeFile('a.mp4', 3 * PART), chunkSize: PART })
  const error = await stage.next('error')
  assert.deepEqual([error.name, error.code], ['AccessDenied', 1003])
  assert.ok(!stage.operations().includes('Commit'))
})

test('a part that is stored with another size is sent again (B26)', async (t) => {
  const stage = ugcStage(t)
  const mediaFile = new FakeFile('a.mp4', 3 * PART)
  const first = await halfway(stage, { mediaFile })
  first.pause()
  for (const parts of stage.ugc.oss.uploads.values()) parts.set(1, PART - 1)
  const before = stage.fake.requests.length
  stage.fake.serve(stage.ugc.answer)
  stage.start({ mediaFile, chunkSize: PART })
  await stage.next('finish')
  assert.deepEqual(stage.fake.requests.slice(before).filter(({ part }) => part).map(({ part }) => part).sort(), [1, 2, 3])
  assert.deepEqual([...stage.ugc.oss.objects.values()], [3 * PART])
})

test('parts that cannot be listed any more are sent again, and nothing fails (B27)', async (t) => {
  const stage = ugcStage(t)
  const mediaFile = new FakeFile('a.mp4', 3 * PART)
  const first = await halfway(stage, { mediaFile })
  first.pause()
  stage.ugc.oss.uploads.clear()
  const before = stage.operations().length
  stage.fake.serve(stage.ugc.answer)
  stage.start({ mediaFile, chunkSize: PART })
  await stage.next('finish')
  assert.deepEqual(stage.operations().slice(before).filter((name) => name !== 'UploadPart' && name !== 'Probe'),
    ['Apply', 'ListParts', 'InitiateMultipartUpload', 'CompleteMultipartUpload', 'Commit'])
  assert.equal(stage.of('error').length, 0)
})

test('what is forbidden is asked once (B29)', async (t) => {
  for (const [name, response] of /** @type {[string, any][]} */ ([['PutObject', refusal('AccessDenied')], ['Apply', ugcRefusal(10004)], ['Commit', ugcRefusal(10001)]])) {
    const stage = ugcStage(t)
    refuse(stage, name, response)
    stage.start()
    await stage.next('error')
    await settled()
    assert.equal(stage.operations().filter((one) => one === name).length, 1, name)
  }
})

test('cancel frees the parts that are stored, if they are to be discarded (B30)', async (t) => {
  const stage = ugcStage(t)
  const uploader = await halfway(stage)
  stage.fake.serve(stage.ugc.answer)
  uploader.cancel({ discard: true })
  await stage.next('error')
  await settled()
  assert.ok(stage.operations().includes('AbortMultipartUpload'))
  assert.deepEqual([stage.ugc.oss.uploads.size, stage.fake.storage.records.size], [0, 0])
})

test('an upload that has just failed goes on with its parts at once (B31)', async (t) => {
  const stage = ugcStage(t)
  refuse(stage, 'UploadPart', (/** @type {any} */ request) => (request.part === 3 ? refusal('AccessDenied') : stage.ugc.answer(request)))
  const uploader = stage.start({ mediaFile: new FakeFile('a.mp4', 3 * PART), chunkSize: PART, chunkParallelLimit: 1, error: (/** @type {any} */ _) => {
    stage.fake.serve(stage.ugc.answer)
    uploader.restart()
  } })
  await stage.next('finish')
  assert.equal(stage.operations().filter((name) => name === 'InitiateMultipartUpload').length, 1)
  assert.equal(stage.fake.requests.filter(({ part }) => part && part < 3).length, 2)
})
