// @ts-check
// The local UGC interface: signatures, sessions, commits, regions; and what faults and CORS do to Tencent's requests.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach } from 'node:test'
import { createUploadSignature, signOriginal } from '../../js/signature.js'
import { startCloud } from '../cloud/index.js'
import { element, send } from '../cloud/signed_request.js'
import { createAccounts } from '../cloud/tencent/accounts.js'
import { callUgc, signedCosRequest } from '../cloud/tencent/signed_request.js'
import { createTokens } from '../cloud/tencent/upload_signature.js'
import { describe, test } from './story.js'

const VECTORS = JSON.parse(readFileSync(new URL('../vectors/tencent.json', import.meta.url), 'utf8'))
const NOW = 1_700_000_000
const VIDEO = { videoName: 'a.b', videoType: 'mp4', videoSize: 5, uploadFromWeb: true }
const broken = { code: 'ECONNRESET' }

/** @type {import('../cloud/index.js').Cloud} */
let cloud
/** @type {NonNullable<typeof cloud.tencent>} */
let tencent
before(async () => {
  cloud = await startCloud({ appPort: null })
  assert.ok(cloud.tencent)
  tencent = cloud.tencent
})
after(() => cloud.close())
beforeEach(() => {
  cloud.faults.clear()
  cloud.log.length = 0
})

/** @param {object} [more] */
const sign = (more) => createUploadSignature({ secretId: tencent.account.secretId, ...more }, tencent.account.secretKey)
/** @param {object} [body] */
const prepare = (body) => callUgc(cloud.ugc, 'PrepareUploadUGC', { signature: sign(), ...body })
/** @param {object} [body] @param {typeof cloud} [at] */
const apply = (body = VIDEO, at = cloud) => callUgc(at.ugc, 'ApplyUploadUGC', { signature: sign(), ...body })
/** @param {string} vodSessionKey @param {object} [body] @param {typeof cloud} [at] */
const commit = (vodSessionKey, body, at = cloud) => callUgc(at.ugc, 'CommitUploadUGC', { signature: sign(), vodSessionKey, ...body })

/** @param {any} data of an Apply @param {string} [what] @param {string} [body] @param {typeof cloud} [at] */
const upload = (data, what = 'video', body = '12345', at = cloud) => {
  const { tempCertificate: { secretId, secretKey, token, expiredTime }, timestamp } = data
  return signedCosRequest(at, { secretId, secretKey, token, start: timestamp, expires: expiredTime, keys: null, region: null, deny: [] }, {
    method: 'PUT', key: data[what].storagePath.slice(1), body, host: `${data.storageBucket}-${data.storageAppId}.cos.${data.storageRegionV5}.myqcloud.com`,
    keyTime: `${timestamp};${expiredTime}`,
  })
}

/** @param {Promise<{ code: number, message: string }>} answer @param {number} code @param {RegExp} [message] */
const refused = async (answer, code, message = /./) => {
  const got = await answer
  assert.equal(got.code, code, got.message)
  assert.match(got.message, message)
}

describe('upload signatures', () => {
  for (const { name, secretKey, args, signature } of VECTORS.client_signature) {
    test(`the vendor's vector ${name}`, () => {
      const tokens = createTokens({ accounts: createAccounts({ accounts: [{ secretId: args.secretId, secretKey, appId: 1 }], life: 1, deny: [], now: Date.now }) })
      const check = () => tokens(signature, { now: NOW * 1000, counts: true, expire: false })
      if (args.random > 0xffff_ffff) assert.throws(check, { code: 10004, message: /random/ })
      else assert.deepEqual(check().told, Object.fromEntries(Object.entries(args).map(([parameter, value]) => [parameter, String(value)])))
    })
  }

  const seconds = Math.floor(Date.now() / 1000)
  /** @type {[what: string, change: object, code: number, message: RegExp][]} */
  const WRONG = [
    ['a fractional time', { currentTimeStamp: seconds - 0.5 }, 10004, /currentTimeStamp/],
    ['a fractional random', { random: 1.5 }, 10004, /random/],
    ['a random of 33 bits', { random: 2 ** 32 }, 10004, /random/],
    ['more than 90 days', { expireTime: seconds + 7_776_001 }, 10004, /7776001/],
    ['no life', { expireTime: seconds }, 10004, /0 s/],
    ['expired', { currentTimeStamp: seconds - 10, expireTime: seconds - 1 }, 10010, /expired/],
    ['no random', { random: '' }, 10004, /random/],
    ['a priority of 11', { taskPriority: 11 }, 10004, /taskPriority/],
    ['an unknown mode', { taskNotifyMode: 'No' }, 10004, /taskNotifyMode/],
    ['an unknown id', { secretId: 'AKIDnobody' }, 10004, /secretId/],
    ['a long context', { sourceContext: 'x'.repeat(251) }, 10004, /sourceContext/],
  ]
  for (const [what, change, code, message] of WRONG) {
    test(`${what}: ${code}`, async () => {
      const all = { secretId: tencent.account.secretId, currentTimeStamp: seconds, expireTime: seconds + 60, random: 1, ...change }
      const signature = signOriginal(String(new URLSearchParams(/** @type {any} */ (all))), tencent.account.secretKey)
      await refused(apply({ ...VIDEO, signature }), code, message)
      assert.equal(cloud.log.at(-1)?.code, String(code))
    })
  }

  test('a wrong key, no Base64, no string', async () => {
    await refused(apply({ ...VIDEO, signature: createUploadSignature({ secretId: tencent.account.secretId }, 'another') }), 10004, /MAC/)
    await refused(apply({ ...VIDEO, signature: 'no Base64' }), 10004, /Base64/)
    for (const signature of ['', 5, { signature: sign() }, null]) await refused(apply({ ...VIDEO, signature }), 10001, /no signature/)
  })

  test('a one-time signature has one use, for which Commit does not count', async () => {
    const signature = sign({ oneTimeValid: 1 })
    assert.equal((await prepare({ signature })).code, 0)
    await refused(apply({ ...VIDEO, signature }), 10011, /duplicate vod signature/)
    const other = sign({ oneTimeValid: 1 })
    const { data } = await apply({ ...VIDEO, signature: other })
    await upload(data)
    assert.equal((await commit(data.vodSessionKey, { signature: other })).code, 0)
    assert.equal((await prepare({ signature: sign() })).code, 0)
  })

  test('unless Commit counts too', async () => {
    const strict = await startCloud({ appPort: null, tencent: { commitUsesToken: true } })
    const signature = sign({ oneTimeValid: 1 })
    const { data } = await apply({ ...VIDEO, signature }, strict)
    await upload(data, 'video', '12345', strict)
    await refused(commit(data.vodSessionKey, { signature }, strict), 10011)
    assert.equal((await commit(data.vodSessionKey, { signature: sign({ oneTimeValid: 1 }) }, strict)).code, 0)
    await strict.close()
  })
})

describe('an upload', () => {
  test('with a cover, from Apply at one host to Commit at the other', async () => {
    const wish = { ...VIDEO, videoName: '视频', videoType: 'MP4', coverName: 'c', coverType: 'jpg', coverSize: 3, ExpireTime: '2030-01-01T00:00:00Z', storageRegion: 'ap-shanghai', extra: 1 }
    const { code, message, data } = await apply({ ...wish, signature: sign({ classId: 7, procedure: 'p', sourceContext: '用户' }) })
    assert.deepEqual([code, message], [0, 'ok'])
    assert.deepEqual(Object.keys(data).sort(), ['MiniProgramAccelerateHost', 'StorageRegionV5', 'appId', 'cover', 'domain', 'storageAppId', 'storageBucket', 'storageRegion',
      'storageRegionV5', 'tempCertificate', 'timestamp', 'video', 'vodSessionKey'])
    assert.deepEqual([data.storageRegionV5, data.StorageRegionV5, data.MiniProgramAccelerateHost], ['ap-shanghai', 'ap-shanghai', ''])
    assert.equal(data.tempCertificate.expiredTime - data.timestamp, 172_800)
    assert.match(data.video.storagePath, /^\/.*\.mp4$/)
    assert.match(data.cover.storagePath, /^\/.*\.jpg$/)
    await refused(commit(data.vodSessionKey), 10019, /mp4/)
    assert.equal((await upload(data)).status, 200)
    await refused(commit(data.vodSessionKey), 10019, /jpg/)
    assert.equal((await upload(data, 'cover', '1234')).status, 200)
    await refused(commit(data.vodSessionKey), 10019, /4 bytes, not 3/)
    assert.equal((await upload(data, 'cover', '123')).status, 200)
    const done = await callUgc(cloud.ugcBackup, 'CommitUploadUGC', { signature: sign(), vodSessionKey: data.vodSessionKey })
    const { fileId, video, cover } = done.data
    assert.match(fileId, /^\d{19}$/)
    const bytes = Buffer.from(video.verify_content, 'base64')
    assert.match(bytes.subarray(20).toString(), new RegExp(`^ExpTime=\\d+&FileId=${fileId}$`))
    assert.deepEqual(bytes.subarray(0, 20), createHmac('sha1', tencent.account.secretKey).update(bytes.subarray(20)).digest())
    const media = cloud.medias().find((media) => media.fileId === fileId)
    assert.deepEqual({ ...media, createdAt: '', told: media?.told.sourceContext }, {
      fileId, name: '视频', type: 'mp4', size: 5, key: data.video.storagePath.slice(1), coverKey: data.cover.storagePath.slice(1), region: 'ap-shanghai', classId: 7, procedure: 'p',
      expireTime: '2030-01-01T00:00:00Z', via: 'ugc', secretId: tencent.account.secretId, createdAt: '', told: '用户', unknown: ['extra'],
    })
    for (const [url, text] of [[video.url, '12345'], [cover.url, '123']]) {
      const there = tencent.route(url)
      assert.ok(there)
      assert.equal((await send(there.url, 'GET', { host: there.host })).text, text)
    }
    assert.deepEqual((await commit(data.vodSessionKey)).data.fileId, fileId)
  })

  test('a session key gives the same object keys and fresh credentials', async () => {
    const { data: first } = await apply()
    const { data: second } = await apply({ vodSessionKey: first.vodSessionKey, coverName: 'c', coverType: 'jpg' })
    assert.deepEqual([second.video.storagePath, second.vodSessionKey, second.cover], [first.video.storagePath, first.vodSessionKey, undefined])
    assert.notEqual(second.tempCertificate.secretId, first.tempCertificate.secretId)
    for (const data of [first, second]) assert.equal((await upload(data)).status, 200)
    assert.equal((await upload({ ...first, video: { storagePath: '/another' } })).code, 'AccessDenied')
  })

  test('a size that was not told is any size', async () => {
    const { data } = await apply({ videoName: '来自小程序', videoType: 'mp4' })
    await upload(data, 'video', 'seven b')
    const { data: { fileId } } = await commit(data.vodSessionKey)
    assert.equal(cloud.medias().find((media) => media.fileId === fileId)?.size, 7)
  })

  test('a cover alone, for a media that is there', async () => {
    const { data } = await apply()
    await upload(data)
    const { data: { fileId } } = await commit(data.vodSessionKey)
    await refused(apply({ fileId: '528', coverName: 'c', coverType: 'jpg' }), 10017)
    const { data: second } = await apply({ fileId, coverName: 'c', coverType: 'jpg', coverSize: 3 })
    assert.equal(second.video, undefined)
    await upload(second, 'cover', '123')
    const done = await commit(second.vodSessionKey)
    assert.deepEqual([done.data.fileId, Object.keys(done.data).sort()], [fileId, ['cover', 'fileId']])
    assert.equal(cloud.medias().find((media) => media.fileId === fileId)?.coverKey, second.cover.storagePath.slice(1))
  })

  test('a session is its account\'s, for a day', async () => {
    const [account, other] = [tencent.account, { secretId: 'AKIDother', secretKey: 'another key' }]
    const two = await startCloud({ appPort: null, tencent: { accounts: [account, other] } })
    const { data } = await apply(VIDEO, two)
    await upload(data, 'video', '12345', two)
    const signature = createUploadSignature({ secretId: other.secretId }, other.secretKey)
    await refused(commit(data.vodSessionKey, { signature }, two), 10018)
    await refused(apply({ signature, vodSessionKey: data.vodSessionKey }, two), 10018)
    await refused(apply({ vodSessionKey: 'nothing' }, two), 10018)
    two.tencent?.expireSessions()
    await refused(apply({ vodSessionKey: data.vodSessionKey }, two), 10018, /expired/)
    await refused(commit(data.vodSessionKey, {}, two), 10018, /expired/)
    await refused(commit('', {}, two), 10001)
    await two.close()
  })

  test('a second Commit may be refused, and media may be remembered', async () => {
    const root = mkdtempSync(join(tmpdir(), 'vodupload-'))
    const first = await startCloud({ root, appPort: null, keyStyle: 'name', tencent: { commitIdempotent: false } })
    const { data } = await apply({ ...VIDEO, videoName: '视频 1' }, first)
    assert.match(data.video.storagePath, /\/视频 1\.mp4$/)
    await upload(data, 'video', '12345', first)
    assert.equal((await commit(data.vodSessionKey, {}, first)).code, 0)
    await refused(commit(data.vodSessionKey, {}, first), 10020)
    const medias = first.medias()
    await first.close()
    const second = await startCloud({ root, appPort: null })
    assert.deepEqual(second.medias(), medias)
    assert.equal((await commit(data.vodSessionKey, {}, second)).data.fileId, medias[0].fileId)
    await second.close()
    rmSync(root, { recursive: true })
  })

  for (const [what, body] of /** @type {[string, object][]} */ ([
    ['nothing', {}], ['an empty name', { ...VIDEO, videoName: '' }], ['no type', { ...VIDEO, videoType: '' }], ['a type that VOD does not take', { ...VIDEO, videoType: 'exe' }],
    ['a size of zero', { ...VIDEO, videoSize: 0 }], ['a fractional size', { ...VIDEO, videoSize: 1.5 }], ['a size as text', { ...VIDEO, videoSize: '5' }],
    ['a cover alone', { coverName: 'c', coverType: 'jpg' }], ['a cover that is a video', { ...VIDEO, coverName: 'c', coverType: 'mp4' }],
    ['a video for a fileId', { ...VIDEO, fileId: '5' }], ['a fileId without cover', { fileId: '5' }], ['a fileId in letters', { fileId: 'x', coverName: 'c', coverType: 'jpg' }],
    ['a region that is none', { ...VIDEO, storageRegion: 'ap-nowhere' }], ['a time that is none', { ...VIDEO, ExpireTime: '2030-01-01' }], ['a flag as text', { ...VIDEO, uploadFromWeb: 'true' }],
  ])) {
    test(`${what} is an invalid request`, () => refused(apply(body), 10001, /invalid request/))
  }

  test('and so is what is no JSON, no POST, no action', async () => {
    await refused(callUgc(cloud.ugc, 'ApplyUploadUGC', '{'), 10001)
    await refused(callUgc(cloud.ugc, 'ApplyUploadUGC', [1]), 10001)
    await refused(callUgc(cloud.ugc, 'ApplyUploadUGC', { ...VIDEO, signature: sign() }, { 'content-type': 'text/plain' }), 10001, /Content-Type/)
    await refused(callUgc(cloud.ugc, 'DeleteUGC', { signature: sign() }), 10001)
    assert.equal(JSON.parse((await send(`${cloud.ugc}/v3/index.php?Action=ApplyUploadUGC`, 'GET', {})).text).code, 10001)
  })
})

describe('regions and names', () => {
  test('regions are probed at their own hosts, one may be dead and one slow', async () => {
    const { data: { appId, cosRegionList } } = await prepare()
    assert.deepEqual([appId, cosRegionList.map((/** @type {any} */ { region }) => region)], [tencent.account.appId, tencent.regions])
    assert.deepEqual(Object.keys(cosRegionList[0]).sort(), ['domain', 'ip', 'isAcc', 'region'])
    cloud.faults.add({ operation: 'HeadBucket', host: 'ap-shanghai', action: { kind: 'refuse' } })
    cloud.faults.add({ operation: 'HeadBucket', host: 'ap-beijing', action: { kind: 'stall', ms: 100 } })
    const probe = async (/** @type {string} */ domain) => {
      const there = tencent.route(`http://${domain}/`)
      assert.ok(there)
      const begun = performance.now()
      const { status } = await send(there.url, 'HEAD', { host: there.host }).catch(() => ({ status: 0 }))
      return [status, performance.now() - begun > 90]
    }
    assert.deepEqual(await Promise.all(cosRegionList.map((/** @type {any} */ { domain }) => probe(domain))), [[403, false], [0, false], [403, true]])
  })

  test('the signature\'s region is stronger than the client\'s', async () => {
    assert.equal((await apply({ ...VIDEO, signature: sign({ storageRegion: 'ap-beijing' }), storageRegion: 'ap-shanghai' })).data.storageRegionV5, 'ap-beijing')
  })

  test('the vendor\'s names, acceleration and a host for mini programs', async () => {
    const real = await startCloud({ appPort: null, tencent: { names: 'real', pseudoRegion: 'vod-upload-proxy', accelerateHost: 'mini.example.com', domain: 'here.example.com', regions: ['ap-beijing'] } })
    const { data } = await apply(VIDEO, real)
    assert.deepEqual([data.StorageRegionV5, data.storageRegionV5, data.MiniProgramAccelerateHost, data.domain], ['vod-upload-proxy', 'ap-beijing', 'mini.example.com', 'here.example.com'])
    assert.equal((await upload({ ...data, storageRegionV5: 'vod-quic' }, 'video', '12345', real)).status, 200)
    const done = await commit(data.vodSessionKey, {}, real)
    assert.match(done.data.video.url, /^http:\/\/1400000000\.vod2\.myqcloud\.com\/\d+\//)
    const [{ domain }] = (await callUgc(real.ugc, 'PrepareUploadUGC', { signature: sign() })).data.cosRegionList
    assert.equal(domain, `${real.tencent?.bucket}.cos.ap-beijing.myqcloud.com`)
    const places = ['https://vod2.qcloud.com/v3/index.php?Action=x', 'https://vod2.dnsv1.com/v3', 'https://mini.example.com/key?uploads', `https://${domain}/a%20b`, 'https://vod.tencentcloudapi.com/', 'https://example.com/']
    assert.deepEqual(places.map((place) => real.tencent?.route(place)), [
      { url: `${real.ugc}/v3/index.php?Action=x`, host: 'vod2.qcloud.com' }, { url: `${real.ugcBackup}/v3`, host: 'vod2.dnsv1.com' }, { url: `${real.ugc}/key?uploads`, host: 'mini.example.com' },
      { url: `${real.cos}/a%20b`, host: domain }, { url: `${real.vodApi}/`, host: 'vod.tencentcloudapi.com' }, null,
    ])
    await real.close()
    const plain = await startCloud({ appPort: null, tencent: { accelerateHost: null } })
    assert.equal('MiniProgramAccelerateHost' in (await apply(VIDEO, plain)).data, false)
    await plain.close()
    const own = await startCloud({ appPort: null, tencent: { accelerateHost: true } })
    assert.equal((await apply(VIDEO, own)).data.MiniProgramAccelerateHost, new URL(own.ugc ?? '').host)
    await own.close()
  })
})

describe('faults and CORS', () => {
  test('of the UGC interface', async () => {
    const { data } = await apply()
    await upload(data)
    cloud.faults.add({ operation: 'ApplyUploadUGC', host: new URL(cloud.ugc ?? '').host, action: { kind: 'refuse' } })
    await assert.rejects(apply(), broken)
    assert.equal((await callUgc(cloud.ugcBackup, 'ApplyUploadUGC', { signature: sign(), ...VIDEO })).code, 0)
    cloud.faults.clear()
    cloud.faults.add({ operation: 'CommitUploadUGC', times: 1, action: { kind: 'lostReply' } })
    await assert.rejects(commit(data.vodSessionKey), broken)
    assert.equal(cloud.medias().some((media) => media.key === data.video.storagePath.slice(1)), true)
    assert.equal((await commit(data.vodSessionKey)).code, 0)
    /** @type {[import('../cloud/faults.js').Action, number, number][]} */
    const answers = [
      [{ kind: 'status', status: 503 }, 503, NaN], [{ kind: 'status', status: 500, code: '10000' }, 500, 10000], [{ kind: 'html' }, 200, NaN],
      [{ kind: 'errorIn200', code: '10004' }, 200, 10004], [{ kind: 'errorIn200' }, 200, 10000], [{ kind: 'skew', ms: 90 * 86_400_000 }, 200, 10010],
    ]
    for (const [action, status, code] of answers) {
      cloud.faults.add({ operation: 'ApplyUploadUGC', times: 1, action })
      const answer = await apply()
      assert.deepEqual([answer.status, answer.code], [status, code], JSON.stringify(action))
    }
    const signature = sign()
    cloud.faults.add({ operation: 'ApplyUploadUGC', times: 1, action: { kind: 'expire' } })
    await refused(apply({ ...VIDEO, signature }), 10010)
    await refused(apply({ ...VIDEO, signature }), 10010) // for ever
    assert.equal((await apply()).code, 0)
    assert.equal(cloud.log.filter(({ fault }) => fault).length, 9)
  })

  test('of COS, also through the proxy', async () => {
    const { data } = await apply()
    const grant = { ...data.tempCertificate, start: 0, expires: 0, keys: [data.video.storagePath.slice(1)], region: null, deny: [] }
    const put = (/** @type {object} */ more = {}) => signedCosRequest(cloud, grant, { method: 'PUT', body: Buffer.alloc(200_000), ...more })
    cloud.faults.add({ operation: 'PutObject', times: 1, action: { kind: 'cut' } })
    await assert.rejects(put({ forwarded: true }), { code: /ECONNRESET|EPIPE/ })
    cloud.faults.add({ operation: 'PutObject', times: 1, action: { kind: 'status', status: 503, retryAfter: 2 } })
    const busy = await put()
    assert.deepEqual([busy.status, busy.code, busy.headers['retry-after']], [503, 'SlowDown', '2'])
    cloud.faults.add({ operation: 'PutObject', times: 1, action: { kind: 'skew', ms: -3600_000 } })
    const early = await put()
    assert.deepEqual([early.code, Boolean(element(early.text, 'ServerTime'))], ['RequestTimeTooSkewed', true])
    cloud.faults.add({ operation: 'PutObject', times: 1, action: { kind: 'skew', ms: 3600_000 } })
    assert.deepEqual([(await put()).code], ['AccessDenied'])
    cloud.faults.add({ operation: 'PutObject', times: 1, action: { kind: 'expire' } })
    assert.equal((await put()).code, 'ExpiredToken')
    assert.equal((await put()).code, 'ExpiredToken')
    assert.deepEqual(cloud.log.filter(({ operation }) => operation === 'PutObject').map(({ host }) => host), Array(6).fill(`${tencent.bucket}.cos.ap-chongqing.myqcloud.com`))
    assert.throws(() => cloud.faults.add({ operation: 'ApplyUploadUGC', action: { kind: 'redirectEndpoint', endpoint: 'x' } }), /does nothing/)
    assert.throws(() => cloud.faults.add({ operation: 'ApplyUploadUGC', action: { kind: 'corrupt' } }), /does nothing/)
  })

  test('an error after status 200 and white space', async () => {
    const { data } = await apply()
    const grant = { ...data.tempCertificate, start: 0, expires: 0, keys: [data.video.storagePath.slice(1)], region: null, deny: [] }
    const uploadId = element((await signedCosRequest(cloud, grant, { method: 'POST', query: { uploads: '' } })).text, 'UploadId')
    cloud.faults.add({ operation: 'CompleteMultipartUpload', action: { kind: 'errorIn200' } })
    const { status, text, headers } = await signedCosRequest(cloud, grant, { method: 'POST', query: { uploadId }, body: '<CompleteMultipartUpload/>' })
    assert.deepEqual([status, headers['transfer-encoding'], text.slice(0, 3), element(text, 'Code')], [200, 'chunked', ' \n ', 'InternalError'])
    assert.equal(cloud.uploads().some((upload) => upload.uploadId === uploadId), true)
  })

  test('a stalled part goes on', async () => {
    const { data } = await apply()
    cloud.faults.add({ operation: 'PutObject', action: { kind: 'stall', ms: 60 } })
    const begun = performance.now()
    assert.equal((await upload(data)).status, 200)
    assert.ok(performance.now() - begun > 50)
  })

  const origin = 'http://page.example'
  const ask = { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization,vod-forward-cos,x-cos-security-token' }

  test('pages may read COS and UGC, and ask before', async () => {
    for (const place of [cloud.cos, cloud.ugc]) {
      const { status, headers } = await send(`${place}/key?uploads`, 'OPTIONS', ask)
      assert.deepEqual([status, headers['access-control-allow-origin'], headers['access-control-allow-headers']], [200, '*', ask['access-control-request-headers']])
    }
    const { status, headers } = await send(`${cloud.ugc}/v3/index.php?Action=ApplyUploadUGC`, 'OPTIONS', { ...ask, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' })
    assert.deepEqual([status, headers['access-control-allow-origin'], headers['access-control-allow-headers']], [200, '*', 'content-type'])
    const refusal = await send(`${cloud.cos}/key`, 'PUT', { origin, host: tencent.bucketHost('ap-chongqing') })
    assert.deepEqual([refusal.code, refusal.headers['access-control-allow-origin'], refusal.headers['access-control-expose-headers']], ['AccessDenied', '*', 'ETag, x-cos-request-id, x-cos-hash-crc64ecma'])
  })

  test('a bucket may hide its headers, or have no rule', async () => {
    const hidden = await startCloud({ appPort: null, tencent: { cors: { expose: [] } } })
    const refusal = await send(`${hidden.cos}/key`, 'PUT', { origin })
    assert.deepEqual([refusal.headers['access-control-allow-origin'], refusal.headers['access-control-expose-headers']], ['*', undefined])
    await hidden.close()
    const none = await startCloud({ appPort: null, tencent: { cors: null } })
    assert.deepEqual([(await send(`${none.cos}/key`, 'OPTIONS', ask)).code, (await send(`${none.cos}/key`, 'PUT', { origin })).headers['access-control-allow-origin']], ['AccessForbidden', undefined])
    await none.close()
  })

  test('a client that leaves in the middle is no fault of the cloud', async () => {
    const { data } = await apply()
    const left = new Promise((resolve) => {
      const request = httpRequest(`${cloud.ugc}/v3/index.php?Action=ApplyUploadUGC`, { method: 'POST', headers: { 'content-length': 100 } })
      request.on('error', resolve)
      request.write('x')
      setTimeout(() => request.destroy(), 20)
    })
    await left
    assert.equal((await upload(data)).status, 200)
  })
})
