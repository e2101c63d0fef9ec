// @ts-check
// getAuth: one function that gives credentials for every reason, whatever its servers call the fields.
import assert from 'node:assert/strict'
import { FakeFile } from './fake_host.js'
import { ADDRESS, AUTH, PART, SECRET, TOKEN, authOf, deferred, settled, stage } from './stage.js'
import { test } from './story.js'
import { refusal } from './tiny_oss.js'
import { tinyVod } from './tiny_vod.js'

const VIDEO = { UploadAuth: AUTH, UploadAddress: ADDRESS, VideoId: 'VID' }

/** @param {import('node:test').TestContext} t @param {any} getAuth @param {{ file?: FakeFile, options?: object }} [more] */
function asking(t, getAuth, { file = new FakeFile('a.mp4', 1_000), options } = {}) {
  /** @type {[any, string][]} */
  const asked = []
  const scene = stage(t, {
    authorize: false,
    options: {
      getAuth: (/** @type {any} */ info, /** @type {any} */ reason) => {
        asked.push([info, reason])
        return getAuth(info, reason)
      },
      ...options,
    },
  })
  scene.uploader.addFile(file)
  const [info] = scene.uploader.listFiles()
  return { ...scene, asked, info, reasons: () => asked.map(([, reason]) => reason) }
}

test('a new video is asked for with its uploadInfo and create-video', async (t) => {
  const { uploader, asked, info, next } = asking(t, () => VIDEO)
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.deepEqual(asked, [[info, 'create-video']])
  assert.equal(info.videoId, 'VID')
})

test('an image is asked for with create-image', async (t) => {
  const { uploader, reasons, next } = asking(t, () => ({ UploadAuth: AUTH, UploadAddress: ADDRESS, ImageId: 'I' }),
    { file: new FakeFile('a.png', 1_000) })
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.deepEqual(reasons(), ['create-image'])
})

test('a video that goes on is asked for with refresh-video', async (t) => {
  const { uploader, reasons, next, fake, oss } = asking(t, () => VIDEO, { file: new FakeFile('a.mp4', 2 * PART) })
  fake.serve((request) => (request.operation === 'UploadPart' ? undefined : oss.answer(request)))
  uploader.startUpload()
  await next('onUploadProgress')
  uploader.stopUpload()
  fake.serve(oss.answer)
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.deepEqual(reasons(), ['create-video', 'refresh-video'])
})

test('a credential that has expired is renewed with refresh-video', async (t) => {
  const { uploader, reasons, next, fake, oss, of } = asking(t,
    (/** @type {any} */ _, /** @type {any} */ reason) => (reason === 'create-video' ? VIDEO : { UploadAuth: authOf({ AccessKeyId: 'STS.M' }) }))
  fake.serve((request) => (/STS\.M/.test(JSON.stringify(request.headers)) ? oss.answer(request) : refusal('SecurityTokenExpired')))
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.deepEqual(reasons(), ['create-video', 'refresh-video'])
  assert.equal(of('onUploadTokenExpired').length, 1)
})

test('an image whose credential has expired is made anew, for VOD refreshes videos only', async (t) => {
  const { uploader, reasons, next, fake, oss } = asking(t, () => ({ UploadAuth: AUTH, UploadAddress: ADDRESS }),
    { file: new FakeFile('a.png', 1_000) })
  let refusals = 1
  fake.serve((request) => (refusals-- > 0 ? refusal('SecurityTokenExpired') : oss.answer(request)))
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.deepEqual(reasons(), ['create-image', 'create-image'])
})

/** @type {[string, any][]} */
const ANSWERS = [
  ['a promise', async () => VIDEO],
  ['a plain value', () => VIDEO],
  ['a thenable', () => ({ then: (/** @type {any} */ resolve) => resolve(VIDEO) })],
  ['capital names', () => ({ RequestId: 'R', ...VIDEO })],
  ['small names', () => ({ requestId: 'R', uploadAuth: AUTH, uploadAddress: ADDRESS, videoId: 'VID' })],
  ['an answer that has nulls', () => ({ ...VIDEO, ImageId: null, imageUrl: null })],
]
for (const [what, getAuth] of ANSWERS) {
  test(`getAuth may answer with ${what}`, async (t) => {
    const { uploader, next } = asking(t, getAuth)
    uploader.startUpload()
    assert.equal((await next('onUploadSucceed'))[0].videoId, 'VID')
  })
}

for (const names of [['ImageId', 'ImageURL', 'FileURL'], ['imageId', 'imageUrl', 'fileUrl'], ['imageId', 'imageURL', 'fileURL']]) {
  test(`getAuth may tell of an image as ${names.join()}`, async (t) => {
    const { uploader, next } = asking(t, () => (
      { uploadAuth: AUTH, uploadAddress: ADDRESS, ...Object.fromEntries(names.map((name, i) => [name, `${i}`])) }))
    uploader.startUpload()
    const [{ imageId, imageUrl, fileUrl }] = await next('onUploadSucceed')
    assert.deepEqual([imageId, imageUrl, fileUrl], ['0', '1', '2'])
  })
}

for (const token of [
  { AccessKeyId: 'STS.ID', AccessKeySecret: SECRET, SecurityToken: TOKEN, Expiration: '2100-01-01T00:00:00Z' },
  { accessKeyId: 'STS.ID', accessKeySecret: SECRET, securityToken: TOKEN },
]) {
  test(`getAuth may answer with an STS token that has ${Object.keys(token)[0]}`, async (t) => {
    const { uploader, next, fake } = asking(t, () => token)
    fake.serve(tinyVod().answer)
    uploader.startUpload()
    assert.equal((await next('onUploadSucceed'))[0].videoId, 'VIDEO')
  })
}

for (const [how, getAuth] of /** @type {[string, any][]} */ ([
  ['rejects', async () => { throw new Error('HTTP 500 of /auth') }],
  ['throws', () => { throw new Error('HTTP 500 of /auth') }],
  ['rejects with a text', () => Promise.reject('HTTP 500 of /auth')],
])) {
  test(`a getAuth that ${how} fails the file with GetUploadAuthFailed and its message, once`, async (t) => {
    const { uploader, next, of } = asking(t, getAuth)
    uploader.startUpload()
    await next('onUploadEnd')
    assert.deepEqual(of('onUploadFailed').map(({ args }) => args[1]), ['GetUploadAuthFailed'])
    assert.match(of('onUploadFailed')[0].args[2], /HTTP 500 of \/auth$/)
  })
}

for (const [what, code, answer] of /** @type {[string, string, any][]} */ ([
  ['nothing', 'InvalidSTSToken', undefined],
  ['null', 'InvalidSTSToken', null],
  ['an empty object', 'InvalidSTSToken', {}],
  ['a text', 'InvalidSTSToken', 'oops'],
  ['a whole HTTP answer', 'InvalidSTSToken', { status: 200, data: VIDEO }],
  ['an auth that is no base64', 'InvalidUploadAuth', { UploadAuth: '%', UploadAddress: ADDRESS }],
  ['no address', 'InvalidUploadAddress', { UploadAuth: AUTH }],
  ['half of an STS token', 'InvalidSTSToken', { AccessKeyId: 'STS.ID' }],
])) {
  test(`a getAuth that answers with ${what} fails the file with ${code}, once`, async (t) => {
    const { uploader, next, of, fake } = asking(t, () => answer)
    uploader.startUpload()
    await next('onUploadEnd')
    assert.deepEqual(of('onUploadFailed').map(({ args }) => args[1]), [code])
    assert.deepEqual(fake.requests, [])
  })
}

for (const [what, end, state] of /** @type {[string, (uploader: any) => unknown, string | undefined][]} */ ([
  ['stop', (uploader) => uploader.stopUpload(), 'Stoped'],
  ['cancel', (uploader) => uploader.cancelFile(0), 'Canceled'],
  ['delete', (uploader) => uploader.deleteFile(0), undefined],
  ['cleaning', (uploader) => uploader.cleanList(), undefined],
])) {
  for (const outcome of /** @type {const} */ (['answer', 'rejection'])) {
    test(`${outcome === 'answer' ? 'an answer' : 'a rejection'} of getAuth that comes after a ${what} changes nothing and tells nothing`, async (t) => {
      const late = deferred()
      const { uploader, info, next, fake, of, log, lines } = asking(t, () => late.promise)
      uploader.startUpload()
      await next('onUploadstarted')
      end(uploader)
      if (outcome === 'answer') late.resolve(VIDEO)
      else late.reject(new Error('late'))
      await settled()
      assert.deepEqual([fake.requests, of('onUploadFailed'), log], [[], [], []])
      assert.deepEqual(lines.filter((line) => line !== 'oss is cancel as error'), [])
      if (state) assert.equal(info.state, state)
    })
  }
}

for (const outcome of /** @type {const} */ (['answer', 'rejection'])) {
  test(`a late ${outcome} to the question before a stop does not answer the question after it`, async (t) => {
    const questions = [deferred(), deferred()]
    let asked = 0
    const { uploader, info, next, fake, of } = asking(t, () => questions[asked++].promise)
    uploader.startUpload()
    await next('onUploadstarted')
    uploader.stopUpload()
    uploader.startUpload()
    await next('onUploadstarted')
    if (outcome === 'answer') questions[0].resolve({ ...VIDEO, VideoId: 'OLD' })
    else questions[0].reject(new Error('late'))
    await settled()
    assert.deepEqual([fake.requests, of('onUploadFailed'), info.state], [[], [], 'Ready'])
    questions[1].resolve(VIDEO)
    await next('onUploadSucceed')
    assert.equal(info.videoId, 'VID')
  })
}

test('a file that getAuth has failed can be started again', async (t) => {
  let good = false
  const { uploader, next } = asking(t, () => { if (!good) throw new Error('down'); return VIDEO })
  uploader.startUpload()
  await next('onUploadEnd')
  good = true
  uploader.startUpload()
  await next('onUploadSucceed')
})

test('a renewal that getAuth cannot give fails the file with GetUploadAuthFailed', async (t) => {
  const { uploader, next, fake } = asking(t,
    (/** @type {any} */ _, /** @type {any} */ reason) => { if (reason === 'create-video') return VIDEO; throw new Error('logged out') })
  fake.serve(() => refusal('SecurityTokenExpired'))
  uploader.startUpload()
  const [, code, message] = await next('onUploadFailed')
  assert.deepEqual([code, /logged out$/.test(message)], ['GetUploadAuthFailed', true])
})

test('a callback may answer before getAuth does, and the later answer changes nothing', async (t) => {
  const late = deferred()
  const { uploader, next, fake, log } = asking(t, () => late.promise, {
    options: { onUploadstarted: (/** @type {any} */ info) => uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS, 'FIRST') },
  })
  uploader.startUpload()
  await next('onUploadSucceed')
  late.resolve({ ...VIDEO, VideoId: 'SECOND' })
  await settled()
  assert.deepEqual([uploader.listFiles()[0].videoId, fake.requests.length, log], ['FIRST', 1, []])
})

test('getAuth alone is enough: no question is missed', async (t) => {
  const { uploader, next, log } = asking(t, () => VIDEO, { options: { onUploadstarted: undefined, onUploadTokenExpired: undefined } })
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.deepEqual(log, [])
})

test('getAuth may call the uploader', async (t) => {
  const { uploader, next, info } = asking(t, () => { uploader.stopUpload(); return VIDEO })
  uploader.startUpload()
  await next('onUploadCanceled')
  await settled()
  assert.equal(info.state, 'Stoped')
})
