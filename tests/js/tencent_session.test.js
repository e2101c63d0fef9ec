// @ts-check
// What both of Tencent's faces share: signatures, however an application gives them, numbers of errors, and the log.
import assert from 'node:assert/strict'
import { FakeFile, fakeProgram } from './fake_host.js'
import { pathOf } from './fake_wx.js'
import { settled } from './stage.js'
import { describe, test } from './story.js'
import { refusal } from './tiny_oss.js'
import { nameOf, sign, tinyUgc, ugcRefusal } from './tiny_ugc.js'
import { PART, halfway, refuse, ugcStage } from './ugc_stage.js'

/** A video that was picked in a mini program. */
const programFile = (size = 1_000) => ({ tempFilePath: pathOf(new FakeFile('v.mp4', size), '.mp4'), size })

/** What wx.request, setTimeout and their like return. */
const task = { abort() {} }

describe('a signature is taken', () => {
  /** @type {Record<string, import('../../js/tencent.js').GetSignature>} */
  const ways = {
    'from the callback': (callback) => { callback(sign()) },
    'from the callback, later': (callback) => { setTimeout(() => callback(sign())) },
    'from the callback, whatever the function returns': (callback) => {
      setTimeout(() => callback(sign()))
      return task
    },
    'from the callback of an async function, which returns nothing': async (callback) => { setTimeout(() => callback(sign())) },
    'from the callback, where the arguments are passed on': (...args) => { setTimeout(() => args[0](sign())) },
    'from a promise': () => Promise.resolve(sign()),
    'from an async function that knows the callback': async (callback, { purpose }) => `${purpose && sign()}`,
    'from what is like a promise': () => ({ then: (/** @type {Function} */ done) => done(sign()) }),
    'as it is returned': () => sign(),
    'as it is returned, of a function that knows the callback': (_callback) => sign(),
    'with white space around it': () => ` ${sign()}\n`,
  }
  for (const [way, getSignature] of Object.entries(ways)) {
    test(way, async (t) => {
      const stage = ugcStage(t)
      stage.start({ getSignature })
      assert.equal((await stage.next('finish')).fileId, '52858908000')
      for (const { signature } of stage.asked()) assert.match(signature, /^[\w+/=]+$/)
    })
  }
})

test('the first signature counts, whoever gives more', async (t) => {
  const stage = ugcStage(t)
  /** @type {string[]} */
  const first = []
  stage.start({ getSignature: (/** @type {Function} */ callback) => {
    const signature = sign()
    first.push(signature)
    callback(signature)
    callback(sign())
    callback('')
    return Promise.reject(new Error('too late'))
  } })
  await stage.next('finish')
  assert.deepEqual(stage.asked().map(({ signature }) => signature), first)
  assert.deepEqual([stage.of('error'), stage.log], [[], []])
})

describe('what is no signature fails the upload with 1012, and says why', () => {
  /** @type {Record<string, [(callback: any) => unknown, RegExp]>} */
  const ways = {
    'a throw': [() => { throw new Error('logged out') }, /logged out/],
    'a rejection': [() => Promise.reject(new Error('logged out')), /logged out/],
    'a rejection of wx': [() => Promise.reject({ errMsg: 'request:fail' }), /request:fail/],
    'a rejection without a reason': [() => Promise.reject(), /undefined/],
    'empty text': [() => '', /empty/],
    'nothing in the callback': [(callback) => callback(), /undefined/],
    'null': [() => null, /null/],
    'a promise of nothing, of a function that has no callback': [() => Promise.resolve(), /undefined/],
    'a whole answer': [() => Promise.resolve({ data: { signature: sign() } }), /signature alone/],
    'a page': [(callback) => callback('<html>'), /HTML/],
    'percent-encoded': [(callback) => callback('AAAA%3D'), /percent-encoded/],
  }
  for (const [way, [getSignature, why]] of Object.entries(ways)) {
    test(way, async (t) => {
      const stage = ugcStage(t)
      stage.start({ getSignature })
      const error = await stage.next('error')
      assert.deepEqual([error.code, error.name, error.stage], [1012, 'InvalidSignature', 'apply'])
      assert.match(error.message, why)
      assert.equal(stage.fake.requests.length, 0)
    })
  }
})

test('a signature that never comes can be cancelled, and is nothing when it comes then', async (t) => {
  const stage = ugcStage(t)
  /** @type {Function[]} */
  const callbacks = []
  const uploader = stage.start({ getSignature: (/** @type {Function} */ callback) => { callbacks.push(callback) } })
  await settled()
  assert.deepEqual([callbacks.length, stage.fake.requests.length], [1, 0])
  uploader.cancel()
  assert.equal((await stage.next('error')).code, 1017)
  callbacks[0](sign())
  callbacks[0]('')
  await settled()
  assert.deepEqual([stage.fake.requests.length, stage.of('error').length], [0, 1])
})

test('an upload that is paused while it is signed asks again, and each signature is used once', async (t) => {
  const stage = ugcStage(t)
  /** @type {Function[]} */
  const callbacks = []
  /** @type {number[]} */
  const attempts = []
  const uploader = stage.start({ getSignature: (/** @type {Function} */ callback, /** @type {any} */ { attempt }) => {
    callbacks.push(callback)
    attempts.push(attempt)
  } })
  await settled()
  uploader.pause()
  uploader.restart()
  await settled()
  assert.equal(callbacks.length, 2)
  callbacks[0](sign())
  callbacks[1](sign())
  while (callbacks.length < 3) await settled()
  callbacks[2](sign())
  await stage.next('finish')
  assert.equal(new Set(stage.asked().map(({ signature }) => signature)).size, 2)
  assert.deepEqual(attempts, [1, 1, 1])
})

test('each call to VOD has a signature of its own, and the application hears what for', async (t) => {
  const stage = ugcStage(t)
  refuse(stage, 'Apply', ugcRefusal(77, 'duplicate vod signature'), 1)
  stage.upload({ enableRaceRegion: true })
  await stage.next('done')
  assert.deepEqual(stage.signed.map(({ purpose, attempt }) => [purpose, attempt]), [['prepare', 1], ['apply', 1], ['apply', 2], ['commit', 1]])
  assert.deepEqual(stage.asked().map(({ action, signature }) => [action.toLowerCase(), signature]), stage.signed.map(({ purpose, signature }) => [purpose, signature]))
})

test('each renewal of a credential is a first attempt', async (t) => {
  const stage = ugcStage(t)
  const dead = new Set(['TOKEN1', 'TOKEN2'])
  stage.fake.serve((request) => (request.part && dead.has(request.headers['x-cos-security-token']) ? refusal('ExpiredToken') : stage.ugc.answer(request)))
  stage.start({ mediaFile: new FakeFile('a.mp4', 3 * PART), chunkSize: PART })
  await stage.next('finish')
  assert.deepEqual(stage.signed.map(({ purpose, attempt }) => `${purpose} ${attempt}`), ['apply 1', 'refresh 1', 'refresh 1', 'commit 1'])
})

test('a signature that has expired is told of, asked for once more, and fails with 1020', async (t) => {
  const stage = ugcStage(t)
  refuse(stage, 'Apply', ugcRefusal(10010, 'ugc upload | signature expired'))
  const made = Math.floor(Date.now() / 1000) - 7200
  stage.start({ getSignature: () => sign(`secretId=AKID&currentTimeStamp=${made}&expireTime=${made + 3600}&random=5`) })
  const error = await stage.next('error')
  assert.deepEqual([error.code, error.retCode, error.stage], [10010, 1020, 'apply'])
  assert.ok(stage.asked('Apply').length >= 2)
  assert.deepEqual([...new Set(stage.log.map(({ level, code }) => `${level} ${code}`))], ['warning Expired'])
  assert.match(stage.lines[0], /vodupload: Expired/)
})

test('the logger hears what the console does; one that throws does no harm', async (t) => {
  const stage = ugcStage(t)
  stage.fake.storage.state = 'full'
  stage.start({ mediaFile: new FakeFile('a.mp4', 3 * PART), chunkSize: PART })
  await stage.next('finish')
  assert.deepEqual(stage.log.map(({ level, code }) => [level, code]), [['error', 'CheckpointNotSaved']])
  assert.ok(stage.lines[0].includes(stage.log[0].message))
  stage.start({ mediaFile: new FakeFile('b.mp4', 3 * PART), chunkSize: PART, logger: () => { throw new Error('of the application') } })
  await stage.next('finish')
  assert.ok(stage.lines.some((line) => /of the application/.test(line)))
})

describe('the numbers of the mobile SDKs', () => {
  const cover = { coverFile: new FakeFile('c.jpg', 10) }
  const fails = (/** @type {any} */ request) => request.fail()
  const forCover = (/** @type {any} */ request) => (request.slice.end === 10 ? refusal('AccessDenied') : {})
  const unreadable = (/** @type {any} */ request) => request.fail({ code: 'FileUnreadable', message: 'It is gone.' })
  /** @type {[number, string, Record<string, any>, string, any][]} */
  const ways = [
    [1001, 'VOD refuses to begin', {}, 'Apply', ugcRefusal(10004)],
    [1001, 'VOD is not reached', { chunkRetryTimes: 0 }, 'Apply', fails],
    [1001, 'an unknown refusal', {}, 'Apply', ugcRefusal(-5)],
    [1002, 'the answer of VOD is no JSON', { chunkRetryTimes: 0 }, 'Apply', { body: '<html>' }],
    [1002, 'the answer of VOD lacks what is needed', { chunkRetryTimes: 0 }, 'Apply', { body: '{"code":0,"data":{"vodSessionKey":"S"}}' }],
    [1003, 'COS refuses the media', {}, 'PutObject', refusal('AccessDenied')],
    [1003, 'COS is not reached', { chunkRetryTimes: 0 }, 'PutObject', refusal('InternalError', 500)],
    [1004, 'COS refuses the cover', cover, 'PutObject', forCover],
    [1004, 'COS refuses a cover alone', { ...cover, mediaFile: undefined, fileId: '5' }, 'PutObject', refusal('AccessDenied')],
    [1005, 'VOD is not reached at the end', { chunkRetryTimes: 0 }, 'Commit', fails],
    [1006, 'VOD refuses the end', {}, 'Commit', ugcRefusal(10001)],
    [1006, 'the answer at the end is no JSON', { chunkRetryTimes: 0 }, 'Commit', { body: '<html>' }],
    [1008, 'the file cannot be read any more', {}, 'PutObject', unreadable],
    [1020, 'the signature has expired', {}, 'Apply', ugcRefusal(10010)],
  ]
  for (const [retCode, when, options, name, response] of ways) {
    test(`${retCode}: ${when}`, async (t) => {
      const stage = ugcStage(t)
      refuse(stage, name, response)
      stage.upload(options)
      const error = await stage.next('failed')
      assert.equal(error.retCode, retCode, JSON.stringify(error))
      const stages = { Apply: 'apply', Commit: 'commit', PutObject: retCode === 1004 ? 'cover' : 'media' }
      assert.equal(error.stage, stages[/** @type {keyof typeof stages} */ (name)])
      assert.ok(error instanceof Error && error.name === 'UploadError' && error.message.length > 0)
    })
  }
})

test('a credential that cannot be renewed fails what was being sent', async (t) => {
  const stage = ugcStage(t)
  stage.fake.serve((request) => {
    if (nameOf(request) === 'PutObject') return refusal('ExpiredToken')
    return nameOf(request) === 'Apply' && stage.asked('Apply').length > 1 ? ugcRefusal(10004) : stage.ugc.answer(request)
  })
  stage.start()
  const error = await stage.next('error')
  assert.deepEqual([error.retCode, error.stage, error.code], [1003, 'media', 10004])
})

test('the part that failed, the status and the request are told', async (t) => {
  const stage = ugcStage(t)
  refuse(stage, 'UploadPart', refusal('AccessDenied'))
  stage.start({ mediaFile: new FakeFile('a.mp4', 3 * PART), chunkSize: PART, chunkParallelLimit: 1 })
  const { partNumber, status, requestId, hint } = await stage.next('error')
  assert.deepEqual([partNumber, status, requestId, typeof hint], [1, 403, 'REQUEST', 'string'])
})

test('a network that comes back in mid-upload is waited for', async (t) => {
  const stage = ugcStage(t)
  const uploader = await halfway(stage)
  stage.fake.setOnline(false)
  for (const request of stage.open()) request.fail()
  await settled()
  stage.fake.serve(stage.ugc.answer)
  stage.fake.setOnline(true)
  await stage.next('finish')
  assert.deepEqual(stage.of('error'), [])
  uploader.cancel()
})

test('pages race for the nearest region unless it is switched off; what has to go to one host does not', async (t) => {
  const page = ugcStage(t)
  page.fake.host.forwards = false
  for (const enableRaceRegion of [undefined, true, false]) {
    page.upload({ enableRaceRegion })
    await page.next('done')
  }
  assert.equal(page.asked('Prepare').length, 2)
  const program = ugcStage(t, { fake: fakeProgram() })
  program.start({ mediaFile: programFile(), enableRaceRegion: undefined })
  await program.next('finish')
  assert.deepEqual(program.asked().map(({ action }) => action), ['Apply', 'Commit'])
  program.start({ mediaFile: programFile(), enableRaceRegion: true })
  await program.next('finish')
  assert.equal(program.asked('Prepare').length, 1)
})

test('all requests of a mini program go to one host, which is told the bucket', async (t) => {
  const stage = ugcStage(t, { fake: fakeProgram() })
  stage.start({ mediaFile: programFile(3 * PART), coverFile: programFile(10), chunkSize: PART })
  await stage.next('finish')
  for (const { url, headers } of stage.fake.requests) {
    assert.equal(url.host, 'vod2.qcloud.com')
    if (!url.searchParams.has('Action')) assert.equal(headers['vod-forward-cos'], 'bucket-1250000000.cos.ap-chongqing.myqcloud.com')
  }
})

test('the host for mini programs that VOD names is used for COS; if it is not on the list, VOD\'s own is', async (t) => {
  const stage = ugcStage(t, { fake: fakeProgram(), ugc: tinyUgc({ applied: { MiniProgramAccelerateHost: 'fast.example.com' } }) })
  stage.start({ mediaFile: programFile(3 * PART), chunkSize: PART })
  await stage.next('finish')
  const hosts = stage.fake.requests.map((request) => [nameOf(request) === 'UploadPart', request.url.host])
  assert.deepEqual([...new Set(hosts.map(String))], ['false,vod2.qcloud.com', 'false,fast.example.com', 'true,fast.example.com'])
  stage.fake.serve((request) => (request.url.host === 'fast.example.com' ? request.fail(/** @type {any} */ ({ errMsg: 'request:fail url not in domain list' }))
    : stage.ugc.answer(request)))
  const before = stage.fake.requests.length
  stage.start({ mediaFile: programFile(3 * PART), chunkSize: PART })
  await stage.next('finish')
  const later = stage.fake.requests.slice(before).filter((request) => !request.url.searchParams.has('Action'))
  // It is tried once, and what follows goes to VOD's own at once.
  assert.deepEqual(later.map(({ url }) => url.host).filter((host) => host !== 'vod2.qcloud.com'), ['fast.example.com'])
  assert.equal(later.filter((request) => nameOf(request) === 'UploadPart').length, 3)
})

test('that VOD\'s own host is not on the list is told with its name', async (t) => {
  const stage = ugcStage(t, { fake: fakeProgram() })
  stage.fake.serve((request) => request.fail(/** @type {any} */ ({ errMsg: 'request:fail url not in domain list' })))
  stage.start({ mediaFile: programFile(3 * PART) })
  const error = await stage.next('error')
  assert.deepEqual([error.code, error.name, error.retryable], [1001, 'DomainNotAllowed', false])
  assert.match(error.message, /https:\/\/vod2\.qcloud\.com/)
})

test('another address of VOD is asked, by either name of its scheme', async (t) => {
  const stage = ugcStage(t)
  stage.upload({ vodEndpoint: 'http://127.0.0.1:9', forward: false })
  await stage.next('done')
  stage.upload({ vodEndpoint: 'ugc.example.com', forward: true })
  await stage.next('done')
  assert.deepEqual([...new Set(stage.asked().map(({ host }) => host))], ['127.0.0.1:9', 'ugc.example.com'])
})
