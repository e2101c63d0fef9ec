// @ts-check
// Upload addresses and credentials: when they are welcome, what is wrong with them, and that they stay secret.
import assert from 'node:assert/strict'
import { ADDRESS, AUTH, PART, SECRET, TOKEN, addressOf, authOf, encode, settled, stage } from './stage.js'
import { FakeFile, fakeHost } from './fake_host.js'
import { test } from './story.js'
import { refusal, tinyOss } from './tiny_oss.js'

/** A started file that waits for its credential. @param {import('node:test').TestContext} t @param {import('./stage.js').Setup} [setup] */
async function waiting(t, setup) {
  const scene = stage(t, { authorize: false, ...setup })
  scene.add()
  scene.uploader.startUpload()
  const [info] = await scene.next('onUploadstarted')
  return { ...scene, info }
}

test('a credential may come long after it was asked for', async (t) => {
  const { uploader, info, next, fake } = await waiting(t)
  await settled()
  assert.equal(fake.requests.length, 0)
  assert.equal(info.state, 'Ready')
  assert.equal(uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS, 'VID'), true)
  assert.equal(info.state, 'Uploading')
  assert.equal(info.videoId, 'VID')
  await next('onUploadSucceed')
  assert.equal(fake.requests[0].url.href, 'https://outin-test.oss-cn-shanghai.aliyuncs.com/sv/a.mp4')
  assert.match(fake.requests[0].headers.Authorization ?? fake.requests[0].headers.authorization, /STS\.N/)
})

test('a credential that nobody asked for is refused, told of, and ends nothing', async (t) => {
  const { uploader, add, next, log, of } = stage(t, { authorize: false })
  add()
  await settled()
  const [info] = uploader.listFiles()
  const give = () => uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS, 'VID')
  assert.equal(give(), false, 'before the start')
  uploader.startUpload()
  await next('onUploadstarted')
  uploader.stopUpload()
  assert.equal(give(), false, 'after a stop')
  assert.equal(info.state, 'Stoped')
  assert.equal(info.videoId, undefined)
  uploader.startUpload()
  await next('onUploadstarted')
  assert.equal(give(), true)
  assert.equal(give(), false, 'a second time')
  await next('onUploadSucceed')
  assert.equal(give(), false, 'after the end')
  assert.equal(info.state, 'Success')
  await settled()
  assert.deepEqual(log.map(({ code }) => code), Array(4).fill('UploadNotStart'))
  assert.equal(of('onUploadFailed').length, 0)
})

test('a credential for what is no file of this uploader is refused', async (t) => {
  const { uploader, info, fake, log } = await waiting(t)
  for (const foreign of [{}, null, undefined, 'a.mp4', 7, { state: 'Failure' }, { ...info, ri: 'of another list' }]) {
    assert.equal(uploader.setUploadAuthAndAddress(/** @type {any} */ (foreign), AUTH, ADDRESS), false)
  }
  await settled()
  assert.equal(fake.requests.length, 0)
  assert.equal(log.length, 7)
  assert.equal(uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS), true)
})

for (const [what, code, auth, address] of /** @type {[string, string, any, any][]} */ ([
  ['an auth that is no base64', 'InvalidUploadAuth', '%%%', ADDRESS],
  ['an auth that is no JSON', 'InvalidUploadAuth', Buffer.from('oops').toString('base64'), ADDRESS],
  ['an auth that is JSON of nothing', 'InvalidUploadAuth', encode(null), ADDRESS],
  ['no auth', 'InvalidUploadAuth', undefined, ADDRESS],
  ['an auth that was not turned into text', 'InvalidUploadAuth', {}, ADDRESS],
  ['an auth without a token', 'InvalidUploadAuth', authOf({ SecurityToken: undefined }), ADDRESS],
  ['an auth with an empty key', 'InvalidUploadAuth', authOf({ AccessKeyId: '' }), ADDRESS],
  ['an address that is no base64', 'InvalidUploadAddress', AUTH, '!'],
  ['no address', 'InvalidUploadAddress', AUTH, undefined],
  ['an address without a bucket', 'InvalidUploadAddress', AUTH, addressOf({ Bucket: undefined })],
  ['an address without a file name', 'InvalidUploadAddress', AUTH, addressOf({ FileName: '' })],
  ['auth and address exchanged', 'InvalidUploadAuth', ADDRESS, AUTH],
])) {
  test(`${what} fails the file with ${code}, once`, async (t) => {
    const { uploader, info, of, log, fake, next, lines } = await waiting(t)
    assert.equal(uploader.setUploadAuthAndAddress(info, auth, address, 'VID'), false)
    await next('onUploadEnd')
    assert.equal(info.state, 'Failure')
    assert.deepEqual(of('onUploadFailed').map(({ args }) => args.slice(0, 2)), [[info, code]])
    assert.match(of('onUploadFailed')[0].args[2], /^upload(Auth|Address) (is not|has no) .*CreateUploadVideo/)
    assert.deepEqual(log, [])
    assert.deepEqual(lines, [])
    assert.equal(fake.requests.length, 0)

    uploader.startUpload()
    await next('onUploadstarted')
    assert.equal(uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS), true, 'a failed file can be started again')
    await next('onUploadSucceed')
  })
}

test('what addFile was given wins over the upload address', async (t) => {
  const { uploader, next, fake } = stage(t)
  uploader.addFile(new FakeFile('a.mp4', 10), 'https://oss-cn-beijing.aliyuncs.com', 'mine', 'there/b.mp4')
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.equal(fake.requests[0].url.href, 'https://mine.oss-cn-beijing.aliyuncs.com/there/b.mp4')
  const { endpoint, bucket, object, region } = uploader.listFiles()[0]
  assert.deepEqual([endpoint, bucket, object, region], ['https://oss-cn-beijing.aliyuncs.com', 'mine', 'there/b.mp4', 'cn-beijing'])
})

test('the option cname keeps the bucket out of the host', async (t) => {
  const { uploader, info, next, fake } = await waiting(t, { options: { cname: true } })
  uploader.setUploadAuthAndAddress(info, AUTH, addressOf({ Endpoint: 'https://media.example.com' }))
  await next('onUploadSucceed')
  assert.equal(fake.requests[0].url.href, 'https://media.example.com/sv/a.mp4')
})

test('a videoId is kept and given back after a reload', async (t) => {
  for (const videoId of ['VID', /** @type {any} */ (4711)]) {
    const oss = tinyOss()
    const before = stage(t, { oss, authorize: false })
    const file = new FakeFile('big.mp4', 5 * PART)
    before.fake.serve((request) => (request.part > 2 ? undefined : oss.answer(request)))
    before.uploader.addFile(file)
    before.uploader.startUpload()
    const [first] = await before.next('onUploadstarted')
    assert.equal(first.videoId, undefined)
    assert.equal(before.uploader.setUploadAuthAndAddress(first, AUTH, ADDRESS, videoId), true)
    assert.equal(first.videoId, String(videoId))
    await settled()

    const after = stage(t, { fake: fakeHost({ records: new Map(before.fake.storage.records) }), oss, authorize: false })
    const same = new FakeFile('big.mp4', 5 * PART)
    after.uploader.addFile(same)
    after.uploader.startUpload()
    const [info] = await after.next('onUploadstarted')
    assert.equal(info.videoId, String(videoId))
    after.uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS, info.videoId)
    await after.next('onUploadSucceed')
    assert.deepEqual(after.fake.operations(),
      ['ListParts', 'UploadPart', 'UploadPart', 'UploadPart', 'CompleteMultipartUpload'])
    assert.equal(oss.objects.get('sv/a.mp4'), 5 * PART)
    assert.equal(after.fake.storage.records.size, 0, 'a finished upload leaves nothing behind')
  }
})

test('a videoId that the application sets itself stays', async (t) => {
  const { uploader, add, next } = stage(t)
  add()
  uploader.listFiles()[0].videoId = 'MINE'
  uploader.startUpload()
  assert.equal((await next('onUploadstarted'))[0].videoId, 'MINE')
})

test('a credential is renewed only when that was asked for', async (t) => {
  const { uploader, info, fake, oss, next, log, of } = await waiting(t)
  const renew = (auth = AUTH) => uploader.resumeUploadWithAuth(auth)
  assert.equal(renew(), false, 'before the first one')
  let refusals = 1
  fake.serve((request) => (refusals-- > 0 ? refusal('SecurityTokenExpired') : oss.answer(request)))
  uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS)
  assert.equal(renew(), false, 'while one is good')
  await next('onUploadTokenExpired')
  assert.equal(renew(authOf({ AccessKeyId: 'STS.M' })), true)
  assert.equal(renew(), false, 'a second time')
  await next('onUploadSucceed')
  assert.equal(renew(), false, 'after the end')
  await settled()
  assert.deepEqual(log.map(({ code }) => code), Array(4).fill('UploadNotExpire'))
  assert.equal(of('onUploadTokenExpired').length, 1)
  assert.match(JSON.stringify(fake.requests.at(-1)?.headers), /STS\.M/)
})

test('parts that expire together ask once, and what is stored is not sent again', async (t) => {
  const { uploader, fake, oss, next, of } = stage(t, { authorize: false })
  let life = 2
  const isNew = (/** @type {import('./fake_host.js').FakeRequest} */ request) => /STS\.M/.test(JSON.stringify(request.headers))
  fake.serve((request) => (
    request.operation === 'UploadPart' && !isNew(request) && life-- <= 0 ? refusal('SecurityTokenExpired') : oss.answer(request)))
  uploader.addFile(new FakeFile('big.mp4', 6 * PART))
  uploader.startUpload()
  const [info] = await next('onUploadstarted')
  uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS)
  await next('onUploadTokenExpired')
  await settled()
  assert.equal(of('onUploadTokenExpired').length, 1)
  assert.equal(uploader.resumeUploadWithAuth(authOf({ AccessKeyId: 'STS.M' })), true)
  await next('onUploadSucceed')
  assert.equal(fake.operations().filter((name) => name === 'InitiateMultipartUpload').length, 1)
  assert.equal(fake.requests.filter((request) => request.part > 0 && isNew(request)).length, 4)
})

test('setUploadAuthAndAddress answers a request for a renewal, too', async (t) => {
  const { uploader, info, fake, oss, next } = await waiting(t)
  let refusals = 1
  fake.serve((request) => (refusals-- > 0 ? refusal('SecurityTokenExpired') : oss.answer(request)))
  uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS)
  await next('onUploadTokenExpired')
  assert.equal(uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS), true)
  await next('onUploadSucceed')
})

test('a renewal that cannot be used fails the file, and a stop is a way out, too', async (t) => {
  const { uploader, info, fake, next, of } = await waiting(t)
  fake.serve(() => refusal('SecurityTokenExpired'))
  uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS)
  await next('onUploadTokenExpired')
  assert.equal(uploader.resumeUploadWithAuth(/** @type {any} */ (undefined)), false)
  assert.equal((await next('onUploadFailed'))[1], 'InvalidUploadAuth')
  await next('onUploadEnd')

  uploader.startUpload()
  await next('onUploadstarted')
  uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS)
  await next('onUploadTokenExpired')
  uploader.stopUpload()
  await next('onUploadCanceled')
  assert.equal(info.state, 'Stoped')
  assert.equal(uploader.resumeUploadWithAuth(AUTH), false)
  assert.equal(of('onUploadFailed').length, 1)
})

test('secrets are in signatures only: not in storage, console, events or uploadInfo', async (t) => {
  const { uploader, fake, oss, next, calls, log, lines } = stage(t, { authorize: false })
  let steps = 0
  /** @type {Set<string>} */
  const kept = new Set()
  const { set } = fake.host.storage
  fake.host.storage.set = (key, text) => { kept.add(text); set(key, text) }
  fake.serve((request) => {
    if (++steps === 4) return refusal('SecurityTokenExpired')
    return steps > 6 ? refusal('AccessDenied') : oss.answer(request)
  })
  uploader.addFile(new FakeFile('big.mp4', 9 * PART))
  uploader.startUpload()
  const [info] = await next('onUploadstarted')
  uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS, 'VID')
  await next('onUploadTokenExpired')
  uploader.resumeUploadWithAuth(AUTH)
  uploader.resumeUploadWithAuth(AUTH)
  await next('onUploadFailed')
  uploader.setUploadAuthAndAddress({ .../** @type {any} */ (info), state: 'Ready' }, AUTH, ADDRESS)
  uploader.startUpload()
  await next('onUploadstarted')
  uploader.setUploadAuthAndAddress(info, authOf({ AccessKeyId: undefined }), ADDRESS)
  await settled()

  assert.ok(kept.size > 1)
  const seen = JSON.stringify([[...kept], [...fake.storage.records], calls, log, lines, info])
  for (const secret of [SECRET, TOKEN, AUTH.slice(0, 40)]) assert.ok(!seen.includes(secret))
  const wire = JSON.stringify(fake.requests.map(({ url, headers }) => [url, headers]))
  assert.ok(wire.includes(TOKEN) && !wire.includes(SECRET))
})
