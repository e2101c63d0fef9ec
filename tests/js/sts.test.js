// @ts-check
// STS tokens: VOD is asked for the rest, once, in time, and nobody but VOD and the storage learns of them.
import assert from 'node:assert/strict'
import { UploadError } from './bundle.js'
import { FakeFile } from './fake_host.js'
import { AUTH, ADDRESS, PART, SECRET, TOKEN, authOf, settled, stage } from './stage.js'
import { test } from './story.js'
import { refusal } from './tiny_oss.js'
import { tinyVod, vodRefusal } from './tiny_vod.js'

/** @typedef {import('./fake_host.js').Handler} Handler */
/** @typedef {import('node:test').TestContext} TestContext */

const KEYS = /** @type {const} */ (['STS.ID', SECRET, TOKEN])
const isCall = (/** @type {import('./fake_host.js').FakeRequest} */ { operation }) => /Upload(Video|Image)$/.test(operation)

/**
 * A file whose application answers with an STS token.
 * @param {TestContext} t
 * @param {{ file?: FakeFile, paramData?: any, handler?: (vod: ReturnType<typeof tinyVod>) => Handler, options?: object, renew?: boolean }} [setup]
 */
function withToken(t, { file = new FakeFile('a.mp4', 1_000), paramData, handler = ({ answer }) => answer, options, renew = false } = {}) {
  const vod = tinyVod()
  const scene = stage(t, {
    authorize: false,
    options: {
      onUploadstarted(info) { assert.equal(scene.uploader.setSTSToken(info, ...KEYS), true) },
      onUploadTokenExpired() { if (renew) assert.equal(scene.uploader.resumeUploadWithSTSToken('STS.NEW', SECRET, TOKEN), true) },
      ...options,
    },
  })
  scene.fake.serve(handler(vod))
  scene.uploader.addFile(file, null, null, null, paramData)
  scene.uploader.startUpload()
  return { ...scene, vod, info: scene.uploader.listFiles()[0], asked: () => scene.fake.requests.filter(isCall) }
}

/** @type {[string, object, string][]} */
const ADDRESSES = [
  ['no option', {}, 'https://vod.cn-shanghai.aliyuncs.com/'],
  ['an empty region', { region: '' }, 'https://vod.cn-shanghai.aliyuncs.com/'],
  ['the region eu-central-1', { region: 'eu-central-1' }, 'https://vod.eu-central-1.aliyuncs.com/'],
  ['the region cn-hangzhou, which has no address', { region: 'cn-hangzhou' }, 'https://vod.cn-shanghai.aliyuncs.com/'],
  ['a vodEndpoint', { vodEndpoint: 'http://proxy.example.com/vod', region: 'cn-beijing' }, 'http://proxy.example.com/vod/'],
  ['a vodEndpoint without scheme', { vodEndpoint: 'vod.example.com' }, 'https://vod.example.com/'],
]
for (const [what, options, address] of ADDRESSES) {
  test(`with ${what} VOD is asked at ${address}`, async (t) => {
    const { next, fake } = withToken(t, { options })
    await next('onUploadSucceed')
    const { origin, pathname } = fake.requests[0].url
    assert.equal(origin + pathname, address)
  })
}

test('a call to VOD has no header, so that no preflight is needed', async (t) => {
  const { next, asked } = withToken(t)
  await next('onUploadSucceed')
  assert.deepEqual(asked().map(({ method, headers, body }) => [method, headers, body]), [['GET', {}, undefined]])
})

test('metadata that is too long for a URL goes as a form, with the one header that needs no preflight', async (t) => {
  const { next, asked } = withToken(t, { paramData: { Vod: { Description: '长'.repeat(1_024) } } })
  await next('onUploadSucceed')
  const [{ method, headers, parameters }] = asked()
  assert.deepEqual([method, headers], ['POST', { 'content-type': 'application/x-www-form-urlencoded' }])
  assert.equal(parameters.Description, '长'.repeat(1_024))
})

test('a video is created with what Vod says and the file tells (B15, MB8)', async (t) => {
  const Vod = { Title: 'test', CateId: '234', Tags: 'a,b', TemplateGroupId: 'T', UserData: { Extend: { id: 1 } }, Unknown: 'x' }
  const { next, asked } = withToken(t, { file: new FakeFile('Клип №1.MP4', 1_000), paramData: JSON.stringify({ Vod }) })
  await next('onUploadSucceed')
  const { SignatureNonce, Signature, ...rest } = asked()[0].parameters
  assert.ok(SignatureNonce.length >= 32 && Signature.length === 28)
  assert.deepEqual(rest, {
    AccessKeyId: 'STS.ID', Action: 'CreateUploadVideo', Format: 'JSON', SecurityToken: TOKEN, SignatureMethod: 'HMAC-SHA1',
    SignatureVersion: '1.0', Version: '2017-03-21', CateId: '234', FileName: 'Клип №1.MP4', FileSize: '1000', Tags: 'a,b',
    TemplateGroupId: 'T', Title: 'test', UserData: '{"Extend":{"id":1}}',
  })
})

test('an image is created with its own parameters (B15)', async (t) => {
  const Vod = { CateId: '7', Description: 'd', ImageType: 'cover', UserData: '{"a":1}', TemplateGroupId: 'not of images' }
  const { next, asked } = withToken(t, { file: new FakeFile('a.PNG', 1_000), paramData: { Vod } })
  await next('onUploadSucceed')
  const { Action, CateId, Description, ImageExt, ImageType, Title, UserData, TemplateGroupId } = asked()[0].parameters
  assert.deepEqual([Action, CateId, Description, ImageExt, ImageType, Title, UserData, TemplateGroupId],
    ['CreateUploadImage', '7', 'd', 'png', 'cover', 'a', '{"a":1}', undefined])
})

for (const paramData of [undefined, null, '', '{}', '{"Vod":{}}', {}, { Vod: {} }, { Vod: null }]) {
  test(`with the paramData ${JSON.stringify(paramData)} the title is the name of the file (B15, MB8)`, async (t) => {
    const { next, asked } = withToken(t, { paramData })
    await next('onUploadSucceed')
    assert.deepEqual([asked()[0].parameters.Title, asked()[0].parameters.FileName], ['a', 'a.mp4'])
  })
}

test('the acceleration that the documents show arrives as UserData', async (t) => {
  const paramData = '{"Vod":{"UserData":{"AccelerateConfig":{"Type":"oss","Domain":"https://oss-accelerate.aliyuncs.com"}}}}'
  const { next, asked } = withToken(t, { paramData })
  await next('onUploadSucceed')
  assert.equal(asked()[0].parameters.UserData, JSON.stringify(JSON.parse(paramData).Vod.UserData))
})

test('videoId and target are known as soon as VOD has answered', async (t) => {
  const { next, info } = withToken(t, { handler: ({ answer }) => (request) => (isCall(request) ? answer(request) : undefined) })
  await next('onUploadProgress')
  const { videoId, bucket, object, state } = info
  assert.deepEqual([videoId, bucket, object, state], ['VIDEO', 'outin-test', 'sv/a.mp4', 'Uploading'])
})

test('an image has imageId, imageUrl and fileUrl when onUploadSucceed comes, and no videoId', async (t) => {
  const { next } = withToken(t, { file: new FakeFile('a.png', 1_000) })
  const [{ imageId, imageUrl, fileUrl, videoId, isImage }] = await next('onUploadSucceed')
  assert.deepEqual([imageId, imageUrl, fileUrl, videoId, isImage],
    ['IMAGE', 'https://img/a.png?auth=1', 'https://oss/a.png', undefined, true])
})

test('a file with a videoId has its credential refreshed', async (t) => {
  const { next, asked, uploader } = withToken(t, {
    options: { onUploadstarted: (/** @type {any} */ info) => uploader.setSTSToken(info, ...KEYS) },
    handler: ({ answer }) => (request) => (request.operation === 'UploadPart' ? undefined : answer(request)),
    file: new FakeFile('a.mp4', 2 * PART),
  })
  await next('onUploadProgress')
  uploader.stopUpload()
  uploader.startUpload()
  await settled()
  assert.deepEqual(asked().map(({ operation, parameters }) => [operation, parameters.VideoId]),
    [['CreateUploadVideo', undefined], ['RefreshUploadVideo', 'VIDEO']])
})

test('a video that was deleted is created anew by itself', async (t) => {
  let gone = true
  const { next, asked, uploader, info } = withToken(t, {
    file: new FakeFile('a.mp4', 2 * PART),
    handler: ({ answer }) => (request) => {
      if (request.operation === 'RefreshUploadVideo') return vodRefusal('InvalidVideo.NotFound', 404)
      return request.operation === 'UploadPart' && gone ? undefined : answer(request)
    },
  })
  await next('onUploadProgress')
  uploader.stopUpload()
  gone = false
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.deepEqual(asked().map(({ operation }) => operation), ['CreateUploadVideo', 'RefreshUploadVideo', 'CreateUploadVideo'])
  assert.equal(info.videoId, 'VIDEO')
})

test('a credential of VOD that has expired is renewed with the same token, and nobody is asked', async (t) => {
  const { next, asked, of } = withToken(t, {
    file: new FakeFile('a.mp4', 4 * PART),
    handler: ({ answer }) => (request) => (
      request.part > 2 && /STS\.1\b/.test(JSON.stringify(request.headers)) ? refusal('SecurityTokenExpired') : answer(request)),
  })
  await next('onUploadSucceed')
  assert.deepEqual(asked().map(({ operation }) => operation), ['CreateUploadVideo', 'RefreshUploadVideo'])
  assert.equal(of('onUploadTokenExpired').length, 0)
})

for (const [what, args] of /** @type {[string, any[]][]} */ ([
  ['three arguments', ['STS.NEW', SECRET, TOKEN]],
  ['four arguments', ['STS.NEW', SECRET, TOKEN, '2026-11-21T06:20:00Z']],
])) {
  test(`resumeUploadWithSTSToken goes on with ${what} (B1)`, async (t) => {
    const { next, asked, uploader, oss, vod } = withToken(t, {
      file: new FakeFile('a.mp4', 4 * PART),
      handler: ({ answer }) => (request) => {
        const isOld = JSON.stringify([request.url, request.headers]).includes('STS.1')
        if (request.part > 2 && isOld) return refusal('SecurityTokenExpired')
        if (request.operation === 'RefreshUploadVideo' && request.parameters.AccessKeyId === 'STS.ID') {
          return vodRefusal('InvalidSecurityToken.Expired')
        }
        return answer(request)
      },
    })
    const [info, error] = await next('onUploadTokenExpired')
    assert.ok(error instanceof UploadError)
    assert.deepEqual([info.state, error.code, error.requestId], ['Uploading', 'InvalidSecurityToken.Expired', 'RPC-REQUEST'])
    assert.equal(uploader.resumeUploadWithSTSToken(.../** @type {[string]} */ (args)), true)
    await next('onUploadSucceed')
    assert.deepEqual(asked().map(({ parameters }) => [parameters.AccessKeyId, parameters.VideoId]),
      [['STS.ID', undefined], ['STS.ID', 'VIDEO'], ['STS.NEW', 'VIDEO']])
    assert.equal(vod.oss.objects.get('sv/a.mp4'), 4 * PART)
    assert.equal(oss.uploads.size, 0)
  })
}

test('resumeUploadWithSTSToken takes the UploadAuth that the page of Aliyun hands to it (D2)', async (t) => {
  const { next, uploader, asked } = withToken(t, {
    handler: ({ answer }) => (request) => {
      if (isCall(request)) return answer(request)
      return /STS\.(1|ID)\b/.test(JSON.stringify(request.headers)) ? refusal('SecurityTokenExpired') : answer(request)
    },
    options: { onUploadstarted: (/** @type {any} */ info) => uploader.setUploadAuthAndAddress(info, authOf({ AccessKeyId: 'STS.ID' }), ADDRESS, 'V') },
  })
  await next('onUploadTokenExpired')
  assert.equal(uploader.resumeUploadWithSTSToken(authOf({ AccessKeyId: 'STS.X' })), true)
  await next('onUploadSucceed')
  assert.equal(asked().length, 0)
})

test('resumeUploadWithSTSToken without anything fails the file with a clear code', async (t) => {
  const { next, uploader } = withToken(t, { handler: () => () => vodRefusal('InvalidSecurityToken.Expired') })
  await next('onUploadTokenExpired')
  assert.equal(uploader.resumeUploadWithSTSToken(/** @type {any} */ (undefined)), false)
  assert.equal((await next('onUploadFailed'))[1], 'InvalidUploadAuth')
})

for (const missing of [0, 1, 2]) {
  test(`an STS token without its part ${missing + 1} fails the file with InvalidSTSToken, once`, async (t) => {
    const { uploader, next, of, add, fake } = stage(t, { authorize: false })
    add()
    uploader.startUpload()
    const [info] = await next('onUploadstarted')
    const keys = KEYS.map((key, i) => (i === missing ? undefined : key))
    assert.equal(uploader.setSTSToken(info, .../** @type {[any, any, any]} */ (keys)), false)
    await next('onUploadEnd')
    assert.deepEqual(of('onUploadFailed').map(({ args }) => args[1]), ['InvalidSTSToken'])
    assert.deepEqual(fake.requests, [])
  })
}

test('the SecretToken that a page of Aliyun reads by mistake is missed with the right name (D2)', async (t) => {
  const info = /** @type {any} */ ({ AccessKeyId: 'STS.ID', AccessKeySecret: SECRET, SecurityToken: TOKEN })
  const { uploader, next, add } = stage(t, { authorize: false })
  add()
  uploader.startUpload()
  uploader.setSTSToken((await next('onUploadstarted'))[0], info.AccessKeyId, info.AccessKeySecret, info.SecretToken)
  assert.match((await next('onUploadFailed'))[2], /SecurityToken/)
})

for (const [what, code, answer] of /** @type {[string, string, object][]} */ ([
  ['refuses', 'Forbidden.RAM', vodRefusal('Forbidden.RAM')],
  ['answers with the page of a gateway', 'UnexpectedResponse', { status: 502, body: '<html>Bad gateway</html>' }],
  ['answers with nothing', 'UnexpectedResponse', { status: 200, body: '' }],
  ['answers without a credential', 'UnexpectedResponse', { status: 200, body: '{"RequestId":"R"}' }],
])) {
  test(`when VOD ${what}, onUploadFailed tells ${code}, once (B17, MB8)`, async (t) => {
    const { next, of } = withToken(t, { handler: () => () => answer, options: { retryCount: 0 } })
    await next('onUploadEnd')
    assert.deepEqual(of('onUploadFailed').map(({ args }) => args[1]), [code])
  })
}

test('when VOD cannot be reached, it is asked again, and with another nonce (B17)', async (t) => {
  let failures = 2
  const { next, asked } = withToken(t, {
    handler: ({ answer }) => (request) => {
      if (!isCall(request) || failures-- <= 0) return answer(request)
      request.fail()
    },
  })
  await next('onUploadSucceed')
  assert.equal(new Set(asked().map(({ parameters }) => parameters.SignatureNonce)).size, 3)
})

test('when VOD is never reached, the file fails with NetworkError (B17)', async (t) => {
  const { next, of } = withToken(t, { handler: () => (request) => request.fail() })
  await next('onUploadEnd')
  assert.deepEqual(of('onUploadFailed').map(({ args: [, code, , error] }) => [code, error.retryable]), [['NetworkError', true]])
})

test("a token's secrets are in no storage, log, error, event or uploadInfo, and the secret is not on the wire", async (t) => {
  /** @type {any[]} */
  const kept = []
  const { next, uploader, info, calls, log, lines, fake } = withToken(t, {
    renew: true,
    file: new FakeFile('a.mp4', 6 * PART),
    options: {
      storage: { get: () => null, set: (/** @type {any[]} */ ...args) => kept.push(args), remove() {} },
      onUploadEnd() { uploader.setSTSToken(info, ...KEYS) },
    },
    handler: ({ answer }) => (request) => {
      if (request.operation === 'RefreshUploadVideo') {
        return request.parameters.AccessKeyId === 'STS.ID' ? vodRefusal('InvalidSecurityToken.Expired') : vodRefusal('Forbidden.RAM')
      }
      return request.part > 2 ? refusal('SecurityTokenExpired') : answer(request)
    },
  })
  await next('onUploadEnd')
  uploader.resumeUploadWithSTSToken(...KEYS)
  await settled()
  assert.ok(kept.length > 0 && calls.length > 4 && log.length > 0)
  const errors = calls.map(({ args }) => [args[3]?.message, args[3]?.stack, args[1]?.stack])
  const seen = JSON.stringify([kept, calls, errors, log, lines, info])
  for (const secret of [SECRET, TOKEN, AUTH.slice(0, 40)]) assert.ok(!seen.includes(secret))
  const wire = JSON.stringify(fake.requests.map(({ url, headers, body }) => [url, headers, body]))
  assert.ok(wire.includes(encodeURIComponent(TOKEN)) && !wire.includes(SECRET))
})

test("another uploader's file is not taken for the one that waits for a renewal", async (t) => {
  const other = stage(t)
  other.add()
  const foreign = other.uploader.listFiles()[0]
  const expired = withToken(t, { handler: () => () => vodRefusal('InvalidSecurityToken.Expired') })
  await expired.next('onUploadTokenExpired')
  for (const renew of [
    () => expired.uploader.resumeUploadWithAuth(AUTH, foreign),
    () => expired.uploader.resumeUploadWithSTSToken(...KEYS, undefined, foreign),
    () => expired.uploader.resumeUploadWithToken(...KEYS, 3_600, foreign),
  ]) assert.equal(renew(), false)
  await settled()
  assert.deepEqual(expired.log.map(({ code }) => code), Array(3).fill('UploadNotExpire'))
  assert.equal(expired.of('onUploadFailed').length, 0)
  assert.equal(expired.uploader.resumeUploadWithSTSToken(...KEYS, undefined, expired.info), true)
})
