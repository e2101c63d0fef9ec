// @ts-check
// What uploads to Tencent VOD know of others: the nearest region, what a cancelled one has stored, and sessions that the
// vendor's SDKs have left.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isProgram, tcVodOn, vodUploaderOn } from './bundle.js'
import { FakeFile, fakeHost, fakeProgram } from './fake_host.js'
import { settled } from './stage.js'
import { describe, test } from './story.js'
import { nameOf, sign, tinyUgc, ugcRefusal } from './tiny_ugc.js'
import { PART, halfway, hold, refuse, ugcStage } from './ugc_stage.js'

const VECTORS = JSON.parse(readFileSync(new URL('../vectors/tencent.json', import.meta.url), 'utf8'))
const TWO_REGIONS = () => tinyUgc({ regions: ['ap-a', 'ap-b'] })

/** A face of which nothing is uploaded yet. @param {ReturnType<typeof ugcStage>} stage @param {Record<string, any>} [options] */
const faceOn = (stage, options) => new (tcVodOn(stage.fake.host))({ retryDelay: 0, enableRaceRegion: true, getSignature: () => sign(), ...options })

describe('prepare', () => {
  test('finds the nearest region, which the uploads that follow begin with', async (t) => {
    const stage = ugcStage(t, { ugc: TWO_REGIONS() })
    const tcVod = faceOn(stage)
    assert.deepEqual(await tcVod.prepare(), { region: 'ap-a' })
    assert.deepEqual(stage.operations().sort(), ['Prepare', 'Probe', 'Probe'])
    for (const name of ['a.mp4', 'b.mp4']) await tcVod.upload({ mediaFile: /** @type {any} */ (new FakeFile(name, 10)) }).done()
    assert.deepEqual(stage.asked('Apply').map(({ storageRegion }) => storageRegion), ['ap-a', 'ap-a'])
    assert.equal(stage.asked('Prepare').length, 1)
  })

  test('what an upload has found is found for the next one, too, for ten minutes and on one network', async (t) => {
    const stage = ugcStage(t, { ugc: TWO_REGIONS() })
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const tcVod = faceOn(stage)
    const upload = () => tcVod.upload({ mediaFile: /** @type {any} */ (new FakeFile('a.mp4', 10)) }).done()
    /** @param {number} times */
    const raced = (times) => assert.equal(stage.asked('Prepare').length, times)
    await upload()
    await upload()
    raced(1)
    t.mock.timers.tick(600_001)
    await upload()
    raced(2)
    hold(stage, 'Commit')
    const last = upload()
    while (stage.open().length === 0) await settled()
    stage.fake.setOnline(false)
    stage.fake.setOnline(true)
    stage.fake.serve(stage.ugc.answer)
    stage.open().forEach((request) => request.respond(/** @type {any} */ (stage.ugc.answer(request))))
    await last
    raced(2)
    await upload()
    raced(3)
  })

  test('another signer has another account, whose regions are others', async (t) => {
    const stage = ugcStage(t, { ugc: TWO_REGIONS() })
    await faceOn(stage).prepare()
    await faceOn(stage).prepare()
    assert.equal(stage.asked('Prepare').length, 2)
  })

  test('without regions to choose from, or an answer, it is no failure', async (t) => {
    const stage = ugcStage(t)
    assert.deepEqual(await faceOn(stage).prepare(), { region: undefined })
    refuse(stage, 'Prepare', ugcRefusal(10004))
    assert.deepEqual(await faceOn(stage).prepare(), { region: undefined })
    assert.deepEqual(await faceOn(stage, { enableRaceRegion: false }).prepare(), { region: undefined })
    assert.deepEqual(stage.operations(), ['Prepare', 'Prepare'])
  })

  test('what the application does wrong is told', async (t) => {
    const stage = ugcStage(t)
    await assert.rejects(faceOn(stage, { getSignature: 'signature' }).prepare(), { code: 'InvalidArgument' })
    await assert.rejects(faceOn(stage, { getSignature: () => '没有签名' }).prepare(), { code: 'InvalidSignature', retCode: 1012, stage: 'prepare' })
    await assert.rejects(vodUploaderOn(stage.fake.host).prepare(/** @type {any} */ ({})), { code: 'InvalidArgument' })
  })

  test('in a mini program it only loads the core', async (t) => {
    const stage = ugcStage(t, { fake: fakeProgram(), ugc: TWO_REGIONS() })
    assert.deepEqual(await vodUploaderOn(stage.fake.host).prepare({ getSignature: () => sign() }), { region: undefined })
    assert.deepEqual(stage.operations(), [])
  })
})

describe('cancel', () => {
  test('keeps what is stored for the next upload of the same file', async (t) => {
    const stage = ugcStage(t)
    const uploader = await halfway(stage)
    uploader.cancel()
    const { code } = await stage.next('error')
    assert.equal(code, 1017)
    await settled()
    assert.equal(stage.open().length, 0)
    assert.ok(!stage.operations().includes('AbortMultipartUpload'))
    const before = stage.fake.requests.length
    stage.fake.serve(stage.ugc.answer)
    stage.start({ mediaFile: new FakeFile('long.mp4', 3 * PART), chunkSize: PART })
    await stage.next('finish')
    const later = stage.fake.requests.slice(before)
    assert.deepEqual([later.filter(({ part }) => part === 1).length, later.filter(({ part }) => part > 1).length], [0, 2])
    assert.equal(stage.fake.storage.records.size, 0)
  })

  test('without a record there is nothing that could go on: it is freed', async (t) => {
    const stage = ugcStage(t)
    const uploader = await halfway(stage, { enableResume: false })
    stage.fake.serve(stage.ugc.answer)
    uploader.cancel()
    await stage.next('error')
    await settled()
    assert.equal(stage.ugc.oss.uploads.size, 0)
  })

  test('start goes on with it', async (t) => {
    const stage = ugcStage(t)
    const uploader = await halfway(stage)
    uploader.cancel()
    await stage.next('error')
    const before = stage.fake.requests.length
    stage.fake.serve(stage.ugc.answer)
    uploader.start()
    await stage.next('finish')
    assert.equal(stage.fake.requests.slice(before).filter(({ part }) => part === 1).length, 0)
  })
})

describe("a session of the vendor's SDK", () => {
  /** Where a page has such a session. @param {import('node:test').TestContext} t @param {string} key @param {Record<string, any>} options */
  const goesOn = async (t, key, options) => {
    const records = new Map([[key, 'THEIRS']])
    const ugc = tinyUgc()
    ugc.sessions.set('THEIRS', { action: 'Apply', host: '', videoName: 'v', videoType: 'mp4' })
    const stage = ugcStage(t, { fake: fakeHost({ records }), ugc })
    // No unfinished upload is found.
    stage.fake.serve((request) => (request.url.searchParams.has('prefix') ? { body: '<R><IsTruncated>false</IsTruncated></R>' } : ugc.answer(request)))
    stage.upload(options)
    await stage.next('done')
    const [first] = stage.asked('Apply')
    return { session: first.vodSessionKey, looked: stage.fake.requests.filter(({ url }) => url.searchParams.has('prefix')).length, records }
  }

  for (const { sessionName, key } of VECTORS.web_session_storage.slice(0, 2)) {
    test(`page: ${sessionName}`, { skip: isProgram }, async (t) => {
      const [name, size] = sessionName.slice(0, -1).split('_')
      const { session, records } = await goesOn(t, key, { mediaFile: new FakeFile(name, Number(size)) })
      assert.equal(session, 'THEIRS')
      assert.equal(records.size, 0)
    })
  }

  test('page: with a cover, whose name is part of it', { skip: isProgram }, async (t) => {
    const { sessionName, key } = VECTORS.web_session_storage[2]
    assert.equal(sessionName, 'a.mp4_20971520;c.jpg_100;')
    const options = { mediaFile: new FakeFile('a.mp4', 20971520), coverFile: new FakeFile('c.jpg', 100) }
    const { session, looked } = await goesOn(t, key, options)
    assert.deepEqual([session, looked], ['THEIRS', 1])
    const other = await goesOn(t, key, { ...options, coverFile: new FakeFile('d.jpg', 100) })
    assert.equal(other.session, undefined)
    assert.equal(other.records.get(key), 'THEIRS')
  })

  for (const { tempFilePath, key } of VECTORS.mini_program_session_storage) {
    test(`mini program: ${tempFilePath}`, async (t) => {
      const fake = fakeProgram()
      const size = 3 * PART
      fake.host.open = () => ({ name: 'v.mp4', size, lastModified: 0, contentType: 'video/mp4', fingerprint: tempFilePath, file: tempFilePath })
      fake.host.read = async (_, start, end) => new ArrayBuffer(end - start)
      fake.storage.records.set(key, 'THEIRS')
      const ugc = tinyUgc()
      ugc.sessions.set('THEIRS', { action: 'Apply', host: '', videoName: 'v', videoType: 'mp4' })
      const stage = ugcStage(t, { fake, ugc })
      hold(stage, 'ListParts', 'UploadPart', 'PutObject', 'PostObject')
      stage.start({ mediaFile: { tempFilePath, size } })
      while (stage.asked('Apply').length === 0) await settled()
      assert.equal(stage.asked('Apply')[0].vodSessionKey, 'THEIRS')
      assert.ok(!fake.storage.records.has(key), 'it is still there')
      // With a cover the vendor's key is the cover's path, which tells nothing of the video.
      fake.storage.records.clear()
      fake.storage.records.set(key, 'THEIRS')
      stage.start({ mediaFile: { tempFilePath, size }, coverFile: { tempFilePath: `${tempFilePath}.jpg`, size: 10 } })
      while (stage.asked('Apply').length < 2) await settled()
      assert.equal(stage.asked('Apply')[1].vodSessionKey, undefined)
    })
  }

  test('one that is over is followed by an upload of its own', { skip: isProgram }, async (t) => {
    const key = `webugc_${createHash('sha1').update('a.mp4_10;').digest('hex')}`
    const stage = ugcStage(t, { fake: fakeHost({ records: new Map([[key, 'OVER']]) }) })
    stage.upload({ mediaFile: new FakeFile('a.mp4', 10) })
    await stage.next('done')
    assert.deepEqual(stage.asked('Apply').map(({ vodSessionKey }) => vodSessionKey), ['OVER', undefined])
    assert.deepEqual(stage.operations().filter((name) => name === nameOf(stage.fake.requests[0])).length, 2)
  })

  // Its names depend on the language and the time zone, or on when a file was last read: unfinished uploads are asked for.
  for (const [who, { fileId }] of Object.entries({ pages: VECTORS.cos_web_file_id, 'mini programs': VECTORS.cos_mini_program_file_id })) {
    test(`what COS's SDK of ${who} keeps is left alone`, { skip: isProgram }, async (t) => {
      const cache = JSON.stringify([[fileId, 'UP1', 1_700_000_000]])
      const records = new Map([['cos_sdk_upload_cache', cache]])
      const stage = ugcStage(t, { fake: fakeHost({ records }) })
      stage.upload({ mediaFile: new FakeFile('a.mp4', 20971520) })
      await stage.next('done')
      assert.deepEqual([...records], [['cos_sdk_upload_cache', cache]])
    })
  }
})
