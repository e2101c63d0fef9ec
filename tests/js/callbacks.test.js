// @ts-check
// Aliyun's callbacks: their names, arguments and order, and what the application may do in them.
import assert from 'node:assert/strict'
import { FakeFile } from './fake_host.js'
import { UploadError } from './bundle.js'
import { ADDRESS, AUTH, PART, authOf, fieldsOf, settled, stage } from './stage.js'
import { test } from './story.js'
import { refusal } from './tiny_oss.js'

test('the callbacks of a good upload come in the documented order', async (t) => {
  const { uploader, add, next, story, calls } = stage(t)
  add('a.mp4', 3 * PART)
  add('b.mp4', 1_000)
  uploader.startUpload()
  await next('onUploadEnd')
  const one = ['started', 'Progress', 'Succeed']
  assert.deepEqual(story(), [...one, ...one, 'End'])
  const [a, b] = uploader.listFiles()
  assert.deepEqual(calls.filter(({ name }) => !/Progress/.test(name)).map(({ name, args }) => [name, ...args]), [
    ['onUploadstarted', a], ['onUploadSucceed', a], ['onUploadstarted', b], ['onUploadSucceed', b], ['onUploadEnd', b],
  ])
})

test('every callback gets the very object that listFiles has', async (t) => {
  const { uploader, add, next, calls, fake } = stage(t)
  const file = add('a.mp4', 3 * PART)
  const [info] = uploader.listFiles()
  uploader.startUpload()
  await next('onUploadEnd')
  assert.ok(calls.length > 4)
  for (const { name, args } of calls) assert.equal(args[0], info, name)
  assert.ok(fake.isOf(info, file))
})

test('uploadInfo tells what the documents promise, and can be written as JSON', async (t) => {
  const { uploader, next, fake } = stage(t)
  const file = new FakeFile('a.mp4', 1_000)
  uploader.addFile(file, null, null, null, '{"Vod":{"Title":"test","CateId":"234"}}')
  const [info] = uploader.listFiles()
  const { ri } = info
  assert.match(ri, /^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-8[0-9A-F]{3}-[0-9A-F]{12}$/)
  assert.deepEqual({ ...info }, {
    isImage: false, ri, ...fake.told(file), fileSize: 1_000, state: 'Ready', loaded: 0, videoInfo: { Title: 'test', CateId: '234' },
    _endpoint: null, _bucket: null, _object: null,
  })
  uploader.startUpload()
  await next('onUploadEnd')
  assert.deepEqual(JSON.parse(JSON.stringify(info)), {
    ...JSON.parse(JSON.stringify(fake.told(file))), isImage: false, ri, verified: false, fileSize: 1_000, state: 'Success', loaded: 1, videoId: 'VID', videoInfo: { Title: 'test', CateId: '234' },
    endpoint: 'https://oss-cn-shanghai.aliyuncs.com', bucket: 'outin-test', object: 'sv/a.mp4', region: 'cn-shanghai',
    _endpoint: null, _bucket: null, _object: null,
  })
})

test('progress goes from 0 to exactly one 1, before the success', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_795_238_400_000 })
  const { uploader, add, next, of, calls, fake } = stage(t, { serve: false, options: { parallel: 1 } })
  const total = 3 * PART
  add('a.mp4', total)
  uploader.startUpload()
  const oss = (await import('./tiny_oss.js')).tinyOss()
  for (let i = 0; i < 5; i++) {
    const request = await fake.nextRequest()
    t.mock.timers.tick(1_000)
    if (request.operation === 'UploadPart') request.progress(PART / 2)
    t.mock.timers.tick(1_000)
    request.respond(/** @type {any} */ (oss.answer(request)))
  }
  await next('onUploadSucceed')
  const progress = of('onUploadProgress').map(({ args }) => args)
  assert.deepEqual(progress.map(([, size]) => size), progress.map(() => total))
  const percents = progress.map(([, , percent]) => percent)
  assert.deepEqual(percents, [0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
  for (const [, size, percent, detail] of progress) {
    assert.deepEqual(Object.keys(detail), ['loadedBytes', 'totalBytes', 'speed', 'remaining'])
    assert.equal(detail.totalBytes, size)
    assert.equal(detail.loadedBytes, percent * size)
  }
  assert.equal(progress[0][3].remaining, null, 'nobody knows at first')
  assert.deepEqual([progress[2][3].speed, progress[2][3].remaining], [PART / 2, 4], 'bytes and seconds')
  assert.equal(progress.at(-1)?.[3].remaining, 0)
  const names = calls.map(({ name }) => name)
  assert.ok(names.lastIndexOf('onUploadProgress') < names.indexOf('onUploadSucceed'))
  assert.equal(uploader.listFiles()[0].loaded, 1)
})

test('a small file tells 0 and 1', async (t) => {
  const { uploader, add, next, of } = stage(t)
  add()
  uploader.startUpload()
  await next('onUploadEnd')
  assert.deepEqual(of('onUploadProgress').map(({ args }) => args.slice(1, 3)), [[1_000, 0], [1_000, 1]])
})

test('a failure tells code, message and the whole error, and the queue goes on', async (t) => {
  const { uploader, add, fake, oss, of, next, story } = stage(t)
  fake.serve((request) => (request.source.name === 'a.mp4' ? refusal('AccessDenied') : oss.answer(request)))
  add('a.mp4')
  add('b.mp4')
  uploader.startUpload()
  await next('onUploadEnd')
  assert.deepEqual(story(), ['started', 'Progress', 'Failed', 'started', 'Progress', 'Succeed', 'End'])
  const [info, code, message, error] = of('onUploadFailed')[0].args
  assert.equal(info.state, 'Failure')
  assert.equal(code, 'AccessDenied')
  assert.match(message, /^No\. .*credential/)
  assert.ok(error instanceof UploadError)
  const { hint } = error
  assert.deepEqual(fieldsOf(error), {
    name: 'UploadError', code, message, hint, status: 403, requestId: 'REQUEST', partNumber: undefined, retryable: false,
  })
  assert.ok(hint.length > 20 && message.endsWith(` ${hint}`))
})

test('the end of the queue is told when the last file has failed, too', async (t) => {
  const { uploader, add, fake, next } = stage(t)
  fake.serve(() => refusal('AccessDenied'))
  add()
  uploader.startUpload()
  assert.deepEqual(await next('onUploadEnd'), [uploader.listFiles()[0]])
})

test('an expired credential tells the file and the error', async (t) => {
  const { uploader, add, fake, oss, next, of } = stage(t)
  let refused = false
  fake.serve((request) => (refused ? oss.answer(request) : (refused = true, refusal('SecurityTokenExpired'))))
  add()
  uploader.startUpload()
  const [info, error] = await next('onUploadTokenExpired')
  assert.equal(info, uploader.listFiles()[0])
  assert.equal(info.state, 'Uploading')
  assert.equal(error.code, 'SecurityTokenExpired')
  assert.equal(uploader.resumeUploadWithAuth(authOf()), true)
  await next('onUploadSucceed')
  assert.equal(of('onUploadTokenExpired').length, 1)
})

test('both spellings of the start are heard, the documented code first', async (t) => {
  const { vodUploadOn } = await import('./bundle.js')
  /** @type {string[]} */
  const heard = []
  const run = async (/** @type {any} */ callbacks) => {
    const { fakeHost } = await import('./fake_host.js')
    const VODUpload = vodUploadOn(fakeHost().host)
    const uploader = new VODUpload({ userId: 1, ...callbacks })
    uploader.addFile(new FakeFile('a.mp4', 1))
    uploader.startUpload()
    await settled()
  }
  await run({ onUploadstarted: () => heard.push('small') })
  await run({ onUploadStarted: () => heard.push('capital') })
  await run({ onUploadstarted: () => heard.push('small'), onUploadStarted: () => heard.push('capital') })
  assert.deepEqual(heard, ['small', 'capital', 'small'])
})

test('callbacks are called on the options, as members of them', async (t) => {
  /** @type {Set<unknown>} */
  const seen = new Set()
  const names = ['onUploadstarted', 'onUploadProgress', 'onUploadSucceed', 'onUploadEnd']
  /** @this {unknown} */
  function remember() { seen.add(this) }
  const { uploader, add, next } = stage(t, { options: Object.fromEntries(names.map((name) => [name, remember])) })
  add()
  uploader.startUpload()
  await next('onUploadEnd')
  assert.equal(seen.size, 1)
  assert.equal(typeof (/** @type {any} */ ([...seen][0]).onUploadEnd), 'function')
})

test('without callbacks and without options an uploader does not fail', async (t) => {
  t.mock.method(console, 'error', () => {})
  const { vodUploadOn } = await import('./bundle.js')
  const { fakeHost } = await import('./fake_host.js')
  const fake = fakeHost()
  const VODUpload = vodUploadOn(fake.host)
  for (const uploader of [new VODUpload(), new VODUpload({})]) {
    assert.equal(uploader.addFile(new FakeFile('a.mp4', 1_000)), true)
    assert.equal(uploader.addFile(new FakeFile('b.mp4', 0)), false)
    uploader.startUpload()
    await settled()
    assert.equal(uploader.setUploadAuthAndAddress(uploader.listFiles()[0], AUTH, 'x'), false)
    await settled()
    uploader.cleanList()
    await settled()
  }
})

test('a question that nobody hears is reported, for the file would wait for ever', async (t) => {
  t.mock.method(console, 'error', () => {})
  const { vodUploadOn } = await import('./bundle.js')
  const { fakeHost } = await import('./fake_host.js')
  const fake = fakeHost()
  fake.serve(() => refusal('SecurityTokenExpired'))
  const VODUpload = vodUploadOn(fake.host)
  /** @type {string[]} */
  const log = []
  /** @type {any} */
  const options = { userId: '1', logger: (/** @type {any} */ { code, message }) => log.push(`${code}: ${message}`) }
  const uploader = new VODUpload(options)
  uploader.addFile(new FakeFile('a.mp4', 1_000))
  uploader.startUpload()
  await settled()
  assert.equal(log.length, 1)
  assert.match(log[0], /^MissingArgument: onUploadstarted /)
  uploader.setUploadAuthAndAddress(uploader.listFiles()[0], AUTH, ADDRESS, 'VID')
  await settled()
  await settled()
  assert.equal(log.length, 2)
  assert.match(log[1], /^MissingArgument: onUploadTokenExpired /)
})

const THROWERS = {
  'throws': () => { throw new Error('the application is broken') },
  'rejects': async () => { throw new Error('the application is broken') },
}

for (const [how, thrower] of Object.entries(THROWERS)) {
  test(`a callback that ${how} is reported and ends nothing`, async (t) => {
    const names = ['onUploadstarted', 'onUploadSucceed', 'onUploadFailed', 'onUploadProgress', 'onUploadTokenExpired',
      'onUploadCanceled', 'onUploadEnd']
    const { uploader, add, fake, oss, next, of, log, lines } = stage(t, {
      options: Object.fromEntries(names.map((name) => [name, thrower])),
    })
    let expired = false
    fake.serve((request) => {
      if (request.source?.name === 'bad.mp4') return refusal('AccessDenied')
      if (request.source?.name === 'old.mp4' && !expired) return (expired = true, refusal('SecurityTokenExpired'))
      if (request.source?.name === 'cancel.mp4') return undefined
      return oss.answer(request)
    })
    for (const name of ['bad.mp4', 'old.mp4', 'cancel.mp4', 'stop.mp4', 'good.mp4']) add(name)
    uploader.startUpload()
    await next('onUploadTokenExpired')
    uploader.resumeUploadWithAuth(AUTH)
    await next('onUploadSucceed')
    await settled()
    uploader.cancelFile(2)
    await next('onUploadCanceled')
    await next('onUploadEnd')
    await settled()
    assert.deepEqual(names.filter((name) => of(name).length === 0), [])
    assert.equal(uploader.listFiles().map(({ state }) => state).join(), 'Failure,Success,Canceled,Success,Success')
    const calls = names.reduce((sum, name) => sum + of(name).length, 0)
    const entries = log.filter(({ code }) => code === 'CallbackFailed')
    assert.equal(entries.length, calls)
    assert.deepEqual(entries[0], { level: 'error', code: 'CallbackFailed', message: 'Error: the application is broken' })
    assert.equal(lines.filter((line) => line === 'Error: the application is broken').length, calls)
  })
}

test('a logger that throws ends nothing', async (t) => {
  const { uploader, add, fake, next, lines } = stage(t, { options: { userId: '', logger: THROWERS.throws, onUploadEnd: THROWERS.throws } })
  fake.storage.state = 'full'
  add('a.mp4', 3 * PART)
  assert.equal(uploader.resumeUploadWithAuth('x'), false)
  uploader.startUpload()
  await next('onUploadSucceed')
  await next('onUploadEnd')
  await settled()
  assert.ok(lines.filter((line) => line === 'Error: the application is broken').length >= 4)
})

/** @type {Record<string, (uploader: any) => void>} */
const METHODS = {
  addFile: (uploader) => uploader.addFile(new FakeFile('more.mp4', 10)),
  startUpload: (uploader) => uploader.startUpload(),
  stopUpload: (uploader) => uploader.stopUpload(),
  cancelFile: (uploader) => uploader.cancelFile(0),
  resumeFile: (uploader) => uploader.resumeFile(0),
  deleteFile: (uploader) => uploader.deleteFile(0),
  cleanList: (uploader) => uploader.cleanList(),
  listFiles: (uploader) => uploader.listFiles(),
  setUploadAuthAndAddress: (uploader) => uploader.setUploadAuthAndAddress(uploader.listFiles()[0], AUTH, 'x'),
  resumeUploadWithAuth: (uploader) => uploader.resumeUploadWithAuth(AUTH),
}

for (const [method, call] of Object.entries(METHODS)) {
  test(`${method} may be called inside every callback`, async (t) => {
    for (const name of ['onUploadstarted', 'onUploadProgress', 'onUploadTokenExpired', 'onUploadSucceed', 'onUploadFailed',
      'onUploadCanceled', 'onUploadEnd', 'logger']) {
      let done = false
      const { uploader, add, fake, oss, log, calls } = stage(t, {
        options: {
          [name]() {
            if (done) return
            done = true
            call(uploader)
          },
        },
      })
      let expired = false
      fake.serve((request) => {
        if (request.source?.name === 'bad.mp4') return refusal('AccessDenied')
        if (!expired) return (expired = true, refusal('SecurityTokenExpired'))
        return oss.answer(request)
      })
      for (const file of ['a.mp4', 'bad.mp4', 'c.mp4']) add(file)
      uploader.resumeUploadWithAuth('nobody asked')
      uploader.startUpload()
      await settled()
      uploader.resumeUploadWithAuth(AUTH)
      await settled()
      uploader.cancelFile(uploader.listFiles().length - 1)
      await settled()
      uploader.cleanList()
      await settled()
      // Whatever that has led to, the uploader is of use.
      assert.deepEqual(log.filter(({ code }) => code === 'CallbackFailed'), [], `${method} in ${name}`)
      add('last.mp4')
      const info = uploader.listFiles()[0]
      uploader.startUpload()
      await settled()
      if (info.state !== 'Success') uploader.resumeUploadWithAuth(AUTH)
      await settled()
      assert.equal(info.state, 'Success', `${method} in ${name}: ${calls.map((one) => `${one.name} ${one.state}`)}`)
    }
  })
}
