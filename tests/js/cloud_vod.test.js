// @ts-check
// VOD's RPC endpoint of the local cloud, credentials of STS, the samples' app server, and what OSS does beyond cloud.test.js.

import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach } from 'node:test'
import { crc64 } from '../cloud/crc64.js'
import { startCloud } from '../cloud/index.js'
import { rpcClient, rpcSignature } from '../cloud/rpc_signature.js'
import { element, send, signedRequest } from '../cloud/signed_request.js'
import { signer } from '../cloud/signature.js'
import { describe, test } from './story.js'

/** Recorded from the vendor's web SDK (aliyun-upload-vod 1.0.6) and, the last, from its Node client (pop-core). All keys are dummies. */
const RECORDED = {
  accessKeyId: 'STS.NTestAccessKeyIdExample', accessKeySecret: 'TestAccessKeySecretExample0123456789', securityToken: 'CAISTestSecurityToken/+=Example==',
}
const VIDEO_URL = '/?AccessKeyId=STS.NTestAccessKeyIdExample&Action=CreateUploadVideo&AppId=app-1&CateId=234&CoverURL=http%3A%2F%2Fc&Description=d&FileName=v%201.mp4&FileSize=5&Format=JSON&RequestId=85F741F1-864E-487F-8CCD-20BDABBFE345&SecurityToken=CAISTestSecurityToken%2F%2B%3DExample%3D%3D&SignatureMethod=HMAC-SHA1&SignatureNonce=5ea2a667-9d9f-4f62-877f-35a2a9c37630&SignatureVersion=1.0&StorageLocation=loc&Tags=a%2Cb&TemplateGroupId=tg&Title=%E6%A0%87%20%E9%A2%98%2A~&TransCodeMode=NoTranscode&UserData=%7B%22AccelerateConfig%22%3A%7B%22Type%22%3A%22oss%22%2C%22Domain%22%3A%22https%3A%2F%2Foss-accelerate.aliyuncs.com%22%7D%7D&Version=2017-03-21&WorkflowId=w&Signature=WTLJZI84DIEAHpmbjvShl6PrfQU%3D'
const UNTITLED_URL = '/?AccessKeyId=STS.NTestAccessKeyIdExample&Action=CreateUploadVideo&FileName=v.mp4&Format=JSON&RequestId=A3EDE827-F375-48E7-BC53-F2A900CB56AA&SecurityToken=CAISTestSecurityToken%2F%2B%3DExample%3D%3D&SignatureMethod=HMAC-SHA1&SignatureNonce=313abcbc-a093-41c8-95b2-7dd8b5284986&SignatureVersion=1.0&Title=undefined&Version=2017-03-21&Signature=539itIVeehP4g%2B9ii24ju6M5g%2Bg%3D'
const IMAGE_URL = '/?AccessKeyId=STS.NTestAccessKeyIdExample&Action=CreateUploadImage&Format=JSON&ImageExt=png&ImageType=cover&RequestId=60981863-6AAB-484D-9A40-18C3012B4077&SecurityToken=CAISTestSecurityToken%2F%2B%3DExample%3D%3D&SignatureMethod=HMAC-SHA1&SignatureNonce=6de3cb74-1318-4961-ad1f-17ce45c7baac&SignatureVersion=1.0&StorageLocation=loc&Tags=q&Title=pic&Version=2017-03-21&Signature=onUWBXHcq0ai5edaS0JfsMZ1d1k%3D'
const REFRESH_URL = '/?AccessKeyId=STS.NTestAccessKeyIdExample&Action=RefreshUploadVideo&Format=JSON&RequestId=76316741-3C8A-4D3B-8617-3C704A62F2CF&SecurityToken=CAISTestSecurityToken%2F%2B%3DExample%3D%3D&SignatureMethod=HMAC-SHA1&SignatureNonce=80c9d538-6ffd-42fa-8bd8-2fd20511808d&SignatureVersion=1.0&Version=2017-03-21&VideoId=c6a23a870c8c4ffcd40cbd3813330000&Signature=yjj3Z1aoLAmpUVxjFfqcNZoXE9Q%3D'
const POST_BODY = 'AccessKeyId=STS.NTestAccessKeyIdExample&Action=CreateUploadVideo&FileName=a%20b.mp4&Format=JSON&SecurityToken=CAISTestSecurityToken%2F%2B%3DExample%3D%3D&SignatureMethod=HMAC-SHA1&SignatureNonce=fixed-nonce&SignatureVersion=1.0&Timestamp=2026-11-21T05%3A20%3A00Z&Title=%E6%A0%87%E9%A2%98%20~%2A%27%21%28%29&Version=2017-03-21&Signature=6TQbg%2BiB5Ble0sAH6u8f87V%2Bv6I%3D'
const POST_TIME = Date.parse('2026-11-21T05:20:00Z')

const KEY = 'sv/1/1.mp4'
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const VIDEO = { Action: 'CreateUploadVideo', Title: '标题 ~*\'!()+', FileName: '视频 (1)+.mp4' }
const broken = { code: 'ECONNRESET' }

/** @type {import('../cloud/index.js').Cloud} */
let cloud
/** @type {ReturnType<typeof cloud.credentials.issueSts>} */
let sts
before(async () => { cloud = await startCloud() })
after(() => cloud.close())
beforeEach(() => {
  cloud.faults.clear()
  cloud.faults.network(null)
  cloud.encryption = null
  cloud.log.length = 0
  sts = cloud.credentials.issueSts()
})

/** @param {string} text */
const decode = (text) => JSON.parse(Buffer.from(text, 'base64').toString())

/**
 * @param {string} path
 * @param {{ method?: string, headers?: Record<string, string>, body?: string, to?: string | null }} [request]
 */
const rpc = async (path, { method = 'GET', headers = {}, body = '', to = cloud.vod } = {}) => {
  const { status, headers: got, text } = await send(to + path, method, headers, body)
  const json = got['content-type']?.startsWith('application/json') ? JSON.parse(text) : {}
  return { status, headers: got, text, body: json, code: json.Code ?? '' }
}

/**
 * A call signed by the vendor, the way its clients without Timestamp do it. `undefined` leaves a parameter out.
 * @param {Record<string, string | undefined>} parameters
 * @param {{ method?: string, unsigned?: Record<string, string>, inBody?: string[], credential?: import('../cloud/credentials.js').Grant, to?: string | null }} [how]
 */
const call = async (parameters, { method = 'GET', unsigned = {}, inBody = [], credential = sts, to } = {}) => {
  const all = {
    Version: '2017-03-21', Format: 'JSON', SignatureMethod: 'HMAC-SHA1', SignatureVersion: '1.0', SignatureNonce: randomUUID(),
    AccessKeyId: credential.accessKeyId, SecurityToken: credential.securityToken, ...parameters,
  }
  /** @type {Record<string, string>} */
  const given = JSON.parse(JSON.stringify(all))
  const { signature } = await rpcSignature(method, given, credential.accessKeySecret)
  const pairs = Object.entries({ ...given, Signature: signature, ...unsigned })
  const [query, body] = [false, true].map((inside) => String(new URLSearchParams(pairs.filter(([name]) => inBody.includes(name) === inside))))
  return rpc(`/?${query}`, { method, body, headers: method === 'POST' ? FORM : {}, to })
}

/**
 * @param {Promise<{ status: number, code: string }>} answer
 * @param {number} status
 * @param {string} code
 */
const refused = async (answer, status, code) => {
  const { status: actual, code: actualCode } = await answer
  assert.deepEqual([actual, actualCode], [status, code])
}

describe('RPC signatures', () => {
  for (const method of ['GET', 'POST']) {
    test(`the vendor's client calls all three actions by ${method}`, async () => {
      const client = new (rpcClient())({
        endpoint: cloud.vod, apiVersion: '2017-03-21', accessKeyId: sts.accessKeyId, accessKeySecret: sts.accessKeySecret, securityToken: sts.securityToken,
      })
      const { Action, ...told } = { ...VIDEO, CateId: 234, Tags: 'a,b', FileSize: 5 }
      const created = await client.request(Action, told, { method })
      assert.deepEqual(Object.keys(created), ['RequestId', 'VideoId', 'UploadAddress', 'UploadAuth'])
      const refreshed = await client.request('RefreshUploadVideo', { VideoId: created.VideoId }, { method })
      assert.deepEqual([refreshed.VideoId, refreshed.UploadAddress], [created.VideoId, created.UploadAddress])
      assert.notEqual(refreshed.UploadAuth, created.UploadAuth)
      const image = await client.request('CreateUploadImage', { ImageType: 'cover', ImageExt: 'gif' }, { method })
      assert.deepEqual(Object.keys(image).sort(), ['FileURL', 'ImageId', 'ImageURL', 'RequestId', 'UploadAddress', 'UploadAuth'])
      assert.equal(decode(image.UploadAddress).FileName, `image/cover/${image.ImageId}.gif`)
      await assert.rejects(client.request('RefreshUploadVideo', { VideoId: 'none' }, { method }), { code: 'InvalidVideo.NotFound' })
      assert.deepEqual(cloud.log.map(({ operation, status }) => [operation, status]),
        [['CreateUploadVideo', 200], ['RefreshUploadVideo', 200], ['CreateUploadImage', 200], ['RefreshUploadVideo', 404]])
    })
  }

  test('requests recorded from the vendor are accepted, and refused when any parameter is changed, left out or added', async () => {
    const fresh = await startCloud({ appPort: null })
    fresh.credentials.issueSts(RECORDED)
    /** @type {Record<string, string>} */
    const codes = {
      AccessKeyId: 'InvalidAccessKeyId.NotFound', SecurityToken: 'InvalidSecurityToken.MismatchWithAccessKey', Version: 'InvalidVersion',
      Format: 'InvalidFormat', SignatureMethod: 'InvalidSignatureMethod', SignatureVersion: 'InvalidSignatureVersion',
    }
    const optional = ['RequestId', 'FileSize', 'Title', 'FileName', 'VideoId', 'ImageExt']
    for (const url of [VIDEO_URL, UNTITLED_URL, IMAGE_URL, REFRESH_URL]) {
      const parameters = Object.fromEntries(new URLSearchParams(url.slice(2)))
      const ask = (/** @type {Record<string, string>} */ changed) => rpc(`/?${new URLSearchParams(changed)}`, { to: fresh.vod })
      for (const [name, value] of Object.entries(parameters)) {
        assert.equal((await ask({ ...parameters, [name]: `${value}1` })).code, codes[name] ?? 'SignatureDoesNotMatch', name)
        const { [name]: _, ...without } = parameters
        if (optional.includes(name)) assert.equal((await ask(without)).code, 'SignatureDoesNotMatch', name)
      }
      assert.equal((await ask({ ...parameters, Extra: '1' })).code, 'SignatureDoesNotMatch')
      await refused(rpc(url, { to: fresh.vod, method: 'POST', headers: FORM }), 400, 'SignatureDoesNotMatch')
      await refused(rpc(url, { to: fresh.vod }), url === REFRESH_URL ? 404 : 200, url === REFRESH_URL ? 'InvalidVideo.NotFound' : '')
      await refused(rpc(url, { to: fresh.vod }), 400, 'SignatureNonceUsed')
    }
    assert.deepEqual(fresh.videos().map((video) => video.title), ['标 题*~', 'undefined'])
    await fresh.close()
  })

  test('a recorded POST with Timestamp is accepted while its time has come, 15 minutes more or less', async () => {
    for (const [skew, status, code] of /** @type {const} */ ([[0, 200, ''], [890_000, 200, ''], [910_000, 400, 'InvalidTimeStamp.Expired'], [-910_000, 400, 'InvalidTimeStamp.Expired']])) {
      const then = await startCloud({ appPort: null, clockSkew: POST_TIME - Date.now() + skew })
      then.credentials.issueSts(RECORDED)
      await refused(rpc('/', { method: 'POST', headers: FORM, body: POST_BODY, to: then.vod }), status, code)
      await then.close()
    }
    await refused(call({ ...VIDEO, Timestamp: '2026-11-21 05:20:00' }), 400, 'InvalidTimeStamp.Format')
  })

  test('parameters may be in query and body; a body that is no form is none', async () => {
    for (const inBody of [[], ['Title'], ['Action', 'Signature', 'FileName'], ['AccessKeyId', 'SecurityToken', 'SignatureNonce']]) {
      await refused(call(VIDEO, { method: 'POST', inBody }), 200, '')
    }
    await refused(rpc('/', { method: 'POST', body: POST_BODY, headers: { 'content-type': 'application/json' } }), 400, 'MissingAction')
    await refused(rpc('/?Title=a', { method: 'POST', body: 'Title=b', headers: FORM }), 400, 'InvalidParameter')
    await refused(rpc('/', { method: 'POST', body: `Title=${'a'.repeat(1 << 20)}`, headers: FORM }), 400, 'InvalidParameter')
  })

  test('a wrong signature is told what was expected', async () => {
    const { status, body, headers } = await call(VIDEO, { unsigned: { Title: 'other one' } })
    assert.deepEqual([status, body.Code], [400, 'SignatureDoesNotMatch'])
    assert.match(body.Message, /^Specified signature is not matched with our calculation\. server string to sign is:GET&%2F&AccessKeyId%3D.*%26Title%3Dother%2520one%26Version%3D2017-03-21$/)
    assert.deepEqual(Object.keys(body), ['RequestId', 'HostId', 'Code', 'Message', 'Recommend'])
    assert.equal(body.RequestId, headers['x-acs-request-id'])
    assert.equal(cloud.log[0].requestId, body.RequestId)
  })
})

describe('RPC refusals', () => {
  test('credentials: unknown, of another token, expired, of an upload, without the right', async () => {
    await refused(call({ ...VIDEO, AccessKeyId: 'STS.nobody' }), 404, 'InvalidAccessKeyId.NotFound')
    await refused(call({ ...VIDEO, SecurityToken: 'CAISother' }), 400, 'InvalidSecurityToken.MismatchWithAccessKey')
    await refused(call({ ...VIDEO, SecurityToken: undefined }), 400, 'MissingSecurityToken')
    await refused(call(VIDEO, { credential: cloud.credentials.issue() }), 403, 'Forbidden.RAM')
    await refused(call(VIDEO, { credential: cloud.credentials.issueSts({ deny: ['CreateUploadVideo'] }) }), 403, 'Forbidden.RAM')
    await refused(call(VIDEO, { credential: cloud.credentials.issueSts({ life: -1 }) }), 403, 'InvalidSecurityToken.Expired')
    cloud.credentials.expire(sts.accessKeyId)
    await refused(call(VIDEO), 403, 'InvalidSecurityToken.Expired')
  })

  test('common parameters must be there, be the right ones, and the nonce new', async () => {
    for (const name of ['Version', 'Format', 'SignatureMethod', 'SignatureVersion', 'SignatureNonce', 'AccessKeyId', 'Action']) {
      const { status, body } = await call({ ...VIDEO, [name]: undefined })
      assert.deepEqual([status, body.Code, body.Message], [400, `Missing${name}`, `${name} is mandatory for this action.`])
    }
    await refused(call(VIDEO, { unsigned: { Signature: '' } }), 400, 'MissingSignature')
    await refused(call({ ...VIDEO, Version: '2014-01-01' }), 400, 'InvalidVersion')
    for (const Action of ['GetPlayInfo', 'constructor']) await refused(call({ ...VIDEO, Action }), 404, 'InvalidAction.NotFound')
    await refused(call({ ...VIDEO, SignatureNonce: 'once' }), 200, '')
    await refused(call({ ...VIDEO, SignatureNonce: 'once' }), 400, 'SignatureNonceUsed')
  })

  test('what an action needs, and in which shape', async () => {
    await refused(call({ ...VIDEO, Title: undefined }), 400, 'MissingTitle')
    await refused(call({ ...VIDEO, Title: '' }), 400, 'MissingTitle')
    await refused(call({ ...VIDEO, FileName: undefined }), 400, 'MissingFileName')
    await refused(call({ ...VIDEO, FileName: 'a.b/none' }), 400, 'InvalidParameter.FileName')
    await refused(call({ Action: 'CreateUploadImage' }), 400, 'MissingImageType')
    await refused(call({ Action: 'RefreshUploadVideo' }), 400, 'MissingVideoId')
    await refused(call({ Action: 'RefreshUploadVideo', VideoId: 'none' }), 404, 'InvalidVideo.NotFound')
    await refused(call({ ...VIDEO, Title: '题'.repeat(128), Tags: Array(16).fill('t'.repeat(32)).join(), Description: 'd'.repeat(1024) }), 200, '')
    for (const wrong of [
      { Title: '题'.repeat(129) }, { Description: 'd'.repeat(1025) }, { Tags: 't'.repeat(33) }, { Tags: Array(17).fill('t').join() },
      { FileSize: '1.5' }, { CateId: 'x' }, { UserData: '{' },
    ]) await refused(call({ ...VIDEO, ...wrong }), 400, 'InvalidParameter')
    for (const wrong of [{ ImageType: 'other' }, { ImageExt: 'mp4' }]) {
      await refused(call({ Action: 'CreateUploadImage', ImageType: 'default', ...wrong }), 400, 'InvalidParameter')
    }
  })

  test('simple requests of any origin, no preflight, no other method', async () => {
    assert.equal((await call(VIDEO)).headers['access-control-allow-origin'], '*')
    assert.equal((await call({ ...VIDEO, Title: undefined })).headers['access-control-allow-origin'], '*')
    const preflight = await rpc('/', { method: 'OPTIONS', headers: { origin: 'http://page', 'access-control-request-method': 'GET' } })
    assert.deepEqual([preflight.status, cloud.log.at(-1)?.operation], [403, 'preflight'])
    await refused(rpc(VIDEO_URL, { method: 'PUT' }), 403, 'UnsupportedHTTPMethod')
    const none = await startCloud({ vodPort: null, appPort: null })
    assert.equal(none.vod, null)
    await none.close()
  })
})

describe('what was told', () => {
  test('stays on the video; unknown parameters are recorded', async () => {
    const { body } = await call({ ...VIDEO, CateId: '234', Tags: 'a,b', FileSize: '5', UserData: '{"Extend":{}}', Colour: 'red', ReferenceId: 'mine', RequestId: 'R' })
    const byReference = await call({ Action: 'RefreshUploadVideo', ReferenceId: 'mine' })
    const video = cloud.videos().find((video) => video.videoId === body.VideoId)
    const { Action: _, ...told } = { ...VIDEO, CateId: '234', Tags: 'a,b', FileSize: '5', UserData: '{"Extend":{}}', Colour: 'red', ReferenceId: 'mine' }
    assert.deepEqual(video?.parameters, told)
    assert.deepEqual([video?.title, video?.fileName, video?.fileSize, video?.unknown, video?.endpoint, video?.refreshes],
      [VIDEO.Title, VIDEO.FileName, 5, ['Colour'], null, 1])
    assert.equal(byReference.body.VideoId, body.VideoId)
    const auth = decode(body.UploadAuth)
    assert.deepEqual([auth.Region, auth.Expiration, decode(body.UploadAddress)], ['cn-shanghai', '3000', { Endpoint: cloud.oss, Bucket: cloud.bucket, FileName: video?.key }])
  })

  test('UserData may ask for an accelerated endpoint, which a local one serves', async () => {
    const Domain = cloud.oss.replace('127.0.0.1', 'localhost')
    const ask = (/** @type {object} */ AccelerateConfig) => call({ ...VIDEO, UserData: JSON.stringify({ AccelerateConfig }) })
    const { body } = await ask({ Type: 'oss', Domain })
    const { Endpoint, FileName } = decode(body.UploadAddress)
    assert.equal(Endpoint, Domain)
    assert.equal(decode((await call({ Action: 'RefreshUploadVideo', VideoId: body.VideoId })).body.UploadAddress).Endpoint, Domain)
    assert.equal(cloud.videos().at(-1)?.endpoint, Domain)
    const { AccessKeyId: accessKeyId, AccessKeySecret: accessKeySecret, SecurityToken: securityToken } = decode(body.UploadAuth)
    const grant = { ...sts, accessKeyId, accessKeySecret, securityToken, key: FileName }
    const put = await signedRequest({ ...cloud, oss: Endpoint }, grant, { method: 'PUT', body: 'fast', unsigned: { host: `${cloud.bucket}.localhost:${new URL(Domain).port}` } })
    assert.deepEqual([put.status, cloud.object(FileName)?.size], [200, 4])
    for (const other of [{ Type: 'cdn', Domain }, { Type: 'oss' }]) {
      assert.equal(decode((await ask(other)).body.UploadAddress).Endpoint, cloud.oss)
    }
  })

  test('a kept cloud remembers media, those of an older one too', async () => {
    const root = mkdtempSync(join(tmpdir(), 'vodupload-media-'))
    const first = await startCloud({ root })
    const credential = first.credentials.issueSts()
    const { body } = await call({ ...VIDEO, CateId: '7' }, { credential, to: first.vod })
    await call({ Action: 'CreateUploadImage', ImageType: 'default', Title: 'pic' }, { credential, to: first.vod })
    await first.close()
    const path = join(root, 'videos.json')
    const old = { videoId: 'old', title: 'Old', fileName: 'old.mp4', fileSize: null, key: 'sv/old/old.mp4', createdAt: '2026-01-01T00:00:00.000Z' }
    writeFileSync(path, JSON.stringify([...JSON.parse(readFileSync(path, 'utf8')), ['old', old]]))
    const second = await startCloud({ root })
    const renewed = await call({ Action: 'RefreshUploadVideo', VideoId: 'old' }, { credential: second.credentials.issueSts(), to: second.vod })
    assert.equal(renewed.body.VideoId, 'old')
    assert.deepEqual(second.videos().map((video) => [video.videoId, video.parameters.CateId, video.refreshes]), [[body.VideoId, '7', 0], ['old', undefined, 1]])
    assert.deepEqual(second.images().map((image) => image.title), ['pic'])
    await second.close()
    rmSync(root, { recursive: true })
  })
})

describe('RPC faults', () => {
  test('status, html, errorIn200', async () => {
    cloud.faults.add({ operation: 'CreateUploadVideo', times: 1, action: { kind: 'status', status: 503, retryAfter: 2 } })
    cloud.faults.add({ operation: 'CreateUploadVideo', times: 1, action: { kind: 'status', status: 400, code: 'Throttling', message: 'slow', fields: { More: 'x' } } })
    cloud.faults.add({ times: 1, action: { kind: 'html', status: 502 } })
    cloud.faults.add({ times: 1, action: { kind: 'errorIn200', code: 'AddVideoFailed' } })
    const first = await call(VIDEO)
    assert.deepEqual([first.status, first.code, first.headers['retry-after']], [503, 'ServiceUnavailable', '2'])
    const { body } = await call(VIDEO)
    assert.deepEqual([body.Code, body.Message, body.More], ['Throttling', 'slow', 'x'])
    const { status, text, headers } = await call(VIDEO)
    assert.deepEqual([status, headers['content-type'], headers['access-control-allow-origin']], [502, 'text/html', undefined])
    assert.match(text, /sign in/)
    await refused(call(VIDEO), 200, 'AddVideoFailed')
    await refused(call(VIDEO), 200, '')
    assert.deepEqual(cloud.log.map(({ operation, status, code, fault }) => [operation, status, code, fault]), [
      ['CreateUploadVideo', 503, 'ServiceUnavailable', 'status'], ['CreateUploadVideo', 400, 'Throttling', 'status'], ['CreateUploadVideo', 502, '', 'html'],
      ['CreateUploadVideo', 200, 'AddVideoFailed', 'errorIn200'], ['CreateUploadVideo', 200, '', ''],
    ])
  })

  test('cut, refuse and lostReply break the connection; only the last has done its work', async () => {
    const before = cloud.videos().length
    for (const kind of /** @type {const} */ (['cut', 'refuse', 'lostReply'])) {
      cloud.faults.add({ operation: 'CreateUploadVideo', times: 1, action: { kind } })
      await assert.rejects(call(VIDEO, { method: 'POST', inBody: ['Action'] }), broken)
      assert.equal(cloud.videos().length - before, kind === 'lostReply' ? 1 : 0)
    }
    assert.deepEqual(cloud.log.map(({ status }) => status), [0, 0, 0])
  })

  test('expire: the STS token dies, a new one lives; skew and stall; the network', async () => {
    cloud.faults.add({ operation: 'RefreshUploadVideo', times: 1, action: { kind: 'expire' } })
    for (let i = 0; i < 2; i++) await refused(call({ Action: 'RefreshUploadVideo', VideoId: 'v' }), 403, 'InvalidSecurityToken.Expired')
    sts = cloud.credentials.issueSts()
    cloud.faults.add({ times: 1, action: { kind: 'skew', ms: 3_600_000 } })
    await refused(call({ ...VIDEO, Timestamp: new Date().toISOString().replace(/\.\d+/, '') }), 400, 'InvalidTimeStamp.Expired')
    cloud.faults.add({ times: 1, action: { kind: 'stall', ms: 120 } })
    const start = performance.now()
    await refused(call(VIDEO), 200, '')
    assert.ok(performance.now() - start >= 115)
    cloud.faults.add({ times: 1, action: { kind: 'stall', forever: true } })
    const pending = call(VIDEO)
    setTimeout(() => cloud.faults.network({ down: true }), 50)
    await assert.rejects(pending, broken)
    await assert.rejects(call(VIDEO), { code: /ECONNRESET|EPIPE/ })
  })
})

describe('OSS', () => {
  const put = (/** @type {any} */ more = {}) => signedRequest(cloud, { ...sts, key: KEY }, { method: 'PUT', body: '123456789', ...more })
  const initiate = async () => element((await put({ method: 'POST', body: '', query: { uploads: '' } })).text, 'UploadId')
  const md5 = (/** @type {string} */ text) => `"${createHash('md5').update(text).digest('hex').toUpperCase()}"`
  const crcOf = (/** @type {string} */ text) => {
    const crc = crc64()
    crc.update(Buffer.from(text))
    return String(crc.value())
  }
  const post = async () => {
    const policy = Buffer.from(JSON.stringify({ expiration: new Date(Date.now() + 60_000).toISOString(), conditions: [] })).toString('base64')
    const form = new FormData()
    const fields = { key: KEY, policy, OSSAccessKeyId: sts.accessKeyId, 'x-oss-security-token': sts.securityToken, Signature: signer().computeSignature(sts.accessKeySecret, policy) }
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    form.append('file', new Blob(['123456789']))
    const { status, headers } = await fetch(`${cloud.oss}/`, { method: 'POST', body: form })
    return { status, headers: Object.fromEntries(headers) }
  }

  test('STS writes to the whole bucket until it expires', async () => {
    assert.match(sts.expiration, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    for (const key of ['any/where.mp4', KEY]) assert.equal((await signedRequest(cloud, sts, { method: 'PUT', key, body: 'x' })).status, 200)
    cloud.credentials.expire(sts.accessKeyId)
    await refused(put(), 403, 'SecurityTokenExpired')
  })

  test('the CRC is on every answer that has one, and on each part of a list', async () => {
    const crc = '11051210869376104954'
    const uploadId = await initiate()
    const part = await put({ query: { uploadId, partNumber: '1' } })
    const list = await put({ method: 'GET', body: '', query: { uploadId } })
    assert.equal(element(list.text, 'HashCrc64ecma'), crc)
    const complete = await put({ method: 'POST', body: '', query: { uploadId }, headers: { 'x-oss-complete-all': 'yes' } })
    const answers = [part, complete, await put(), await put({ method: 'HEAD', body: '' }), await post()]
    assert.deepEqual(answers.map(({ headers }) => headers['x-oss-hash-crc64ecma']), Array(5).fill(crc))
  })

  test('corrupt: damaged bytes are stored, and ETag and CRC are theirs', async () => {
    const damaged = '023456789'
    const stored = () => readFileSync(cloud.object(KEY)?.path ?? '', 'utf8')
    cloud.faults.add({ times: 3, action: { kind: 'corrupt' } })
    const uploadId = await initiate()
    const part = await put({ query: { uploadId, partNumber: '1' } })
    assert.equal(readFileSync(cloud.uploads().find((upload) => upload.uploadId === uploadId)?.parts[0].path ?? '', 'utf8'), damaged)
    for (const act of [put, post]) {
      const answer = await act()
      assert.deepEqual([answer.headers.etag, answer.headers['x-oss-hash-crc64ecma'], stored()], [md5(damaged), crcOf(damaged), damaged])
    }
    assert.deepEqual([part.headers.etag, part.headers['x-oss-hash-crc64ecma']], [md5(damaged), crcOf(damaged)])
    assert.deepEqual(cloud.log.map(({ fault }) => fault), ['', 'corrupt', 'corrupt', 'corrupt'])
    assert.deepEqual([(await put()).headers.etag, stored()], [md5('123456789'), '123456789'])
    cloud.faults.add({ action: { kind: 'corrupt' } })
    await refused(put({ headers: { 'content-md5': createHash('md5').update('123456789').digest('base64') } }), 400, 'InvalidDigest')
    assert.throws(() => cloud.faults.add({ operation: 'ListParts', action: { kind: 'corrupt' } }), /does nothing to ListParts/)
  })

  test('a bucket of another region is told where it is', async () => {
    cloud.faults.add({ times: 1, action: { kind: 'redirectEndpoint', endpoint: 'oss-cn-beijing.aliyuncs.com' } })
    await refused(call(VIDEO), 200, '')
    const answer = await put()
    assert.deepEqual([answer.status, answer.code, element(answer.text, 'Endpoint'), element(answer.text, 'Bucket')], [403, 'AccessDenied', 'oss-cn-beijing.aliyuncs.com', cloud.bucket])
    const elsewhere = await signedRequest({ ...cloud, oss: cloud.ossElsewhere }, sts, { method: 'PUT', key: 'elsewhere.mp4', body: 'x' })
    assert.deepEqual([elsewhere.code, `http://${element(elsewhere.text, 'Endpoint')}`], ['AccessDenied', cloud.oss])
    assert.equal(cloud.object('elsewhere.mp4'), undefined)
    assert.throws(() => cloud.faults.add({ action: { kind: 'redirectEndpoint' } }), /needs endpoint/)
    assert.throws(() => cloud.faults.add({ operation: 'CreateUploadVideo', action: { kind: 'redirectEndpoint', endpoint: 'x' } }), /does nothing/)
  })

  test('encryption KMS: an ETag is not the MD5, and completes all the same', async () => {
    cloud.encryption = 'KMS'
    const uploadId = await initiate()
    const { headers } = await put({ query: { uploadId, partNumber: '1' } })
    assert.match(String(headers.etag), /^"[0-9A-F]{32}"$/)
    assert.notEqual(headers.etag, md5('123456789'))
    assert.deepEqual([headers['x-oss-server-side-encryption'], headers['x-oss-hash-crc64ecma']], ['KMS', '11051210869376104954'])
    const complete = (/** @type {unknown} */ etag) => put({
      method: 'POST', query: { uploadId }, body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`,
    })
    await refused(complete(md5('123456789')), 400, 'InvalidPart')
    assert.equal((await complete(headers.etag)).status, 200)
    const right = createHash('md5').update('123456789').digest('base64')
    assert.equal((await put({ headers: { 'content-md5': right } })).status, 200)
    cloud.encryption = null
    assert.equal((await put()).headers.etag, md5('123456789'))
    assert.throws(() => { cloud.encryption = /** @type {any} */ ('AES') }, /AES/)
    const kms = await startCloud({ encryption: 'KMS', appPort: null })
    assert.equal(kms.encryption, 'KMS')
    await kms.close()
  })
})

describe('the app server', () => {
  /**
   * @param {string} path
   * @param {object} [body]
   */
  const ask = async (path, body) => {
    const response = await fetch(cloud.app + path, body && { method: 'POST', body: JSON.stringify(body) })
    return { status: response.status, body: await response.json() }
  }

  test('/api/sts gives a credential that calls VOD', async () => {
    for (const given of [undefined, {}]) {
      const { body } = await ask('/api/sts', given)
      assert.deepEqual(Object.keys(body), ['requestId', 'accessKeyId', 'accessKeySecret', 'securityToken', 'expiration'])
      await refused(call(VIDEO, { credential: { ...sts, ...body } }), 200, '')
    }
  })

  test('/api/images, whose address serves the image; /api/videos passes on what it is told', async () => {
    const { body } = await ask('/api/images', { title: 'T'.repeat(200), fileName: 'http://tmp/wx.JPG?x=1' })
    assert.deepEqual(Object.keys(body).sort(), ['fileUrl', 'imageId', 'imageUrl', 'requestId', 'uploadAddress', 'uploadAuth'])
    const { FileName: key } = decode(body.uploadAddress)
    assert.equal(key, `image/default/${body.imageId}.jpg`)
    assert.equal(body.fileUrl, `${cloud.oss}/${key}`)
    await signedRequest(cloud, sts, { method: 'PUT', key, body: 'picture' })
    assert.equal(await (await fetch(body.imageUrl)).text(), 'picture')
    assert.equal((await fetch(body.fileUrl)).status, 403)
    assert.equal(cloud.images().at(-1)?.title.length, 128)
    assert.equal(decode((await ask('/api/images', { fileName: 'a.tiff' })).body.uploadAddress).FileName.split('.').pop(), 'png')

    await ask('/api/videos', { title: '😀'.repeat(200), fileName: 'a.mp4', cateId: 5, userData: { AccelerateConfig: { Type: 'oss', Domain: 'http://fast' } } })
    const video = cloud.videos().at(-1)
    assert.deepEqual([video?.title, video?.endpoint, video?.parameters.CateId], ['😀'.repeat(128), 'http://fast', '5'])
    assert.deepEqual((await ask('/api/videos', { fileName: 'a.mp4', cateId: 'x' })).body.code, 'InvalidParameter')
  })

  test('the paths of the vendor\'s samples, asked as the samples ask', async () => {
    const url = `wxfile://tmp_${'x'.repeat(200)}`
    const { body: { data: video } } = await ask(`/demo/getVideoUploadAuth?title=${url}&fileName=${url}&fileSize=undefined&description=description&coverURL=undefined&tags=tags`)
    assert.deepEqual(Object.keys(video).sort(), ['uploadAddress', 'uploadAuth', 'videoId'])
    const told = cloud.videos().at(-1)
    assert.deepEqual(told?.parameters, { Title: url.slice(0, 128), FileName: `tmp_${'x'.repeat(200)}.mp4`, Description: 'description', Tags: 'tags' })
    await ask('/demo/getVideoUploadAuth?title=t&fileName=http://tmp/wx1.o6zAJs.mov?a=1&fileSize=5')
    assert.deepEqual([cloud.videos().at(-1)?.fileName, cloud.videos().at(-1)?.fileSize], ['wx1.o6zAJs.mov', 5])

    const { body: { data: refreshed } } = await ask(`/demo/refreshVideoUploadAuth?videoId=${video.videoId}`)
    assert.deepEqual([refreshed.videoId, refreshed.uploadAddress], [video.videoId, video.uploadAddress])
    assert.equal((await ask('/demo/refreshVideoUploadAuth?videoId=none')).body.code, 'InvalidVideo.NotFound')
    const { body: { data: image } } = await ask('/demo/getImageUploadAuth?title=t&fileName=http://tmp/a.png&imageType=cover')
    assert.deepEqual(Object.keys(image).sort(), ['fileURL', 'imageId', 'imageURL', 'uploadAddress', 'uploadAuth'])
    assert.match(decode(image.uploadAddress).FileName, /^image\/cover\/\w+\.png$/)
    const { body: { data: given } } = await ask('/demo/getSts')
    await refused(call(VIDEO, { credential: { ...sts, ...given } }), 200, '')

    const { body: created } = await ask('/createUrl')
    assert.deepEqual(Object.keys(created), ['RequestId', 'UploadAuth', 'UploadAddress', 'VideoId'])
    assert.equal((await ask('/refreshUrl')).body.VideoId, created.VideoId)
    assert.equal((await ask(`/refreshUrl?videoId=${video.videoId}`)).body.VideoId, video.videoId)
    const { SecurityTokenInfo: info } = (await ask('/stsUrl')).body
    assert.equal(info.SecretToken, info.SecurityToken)
    await refused(call(VIDEO, { credential: { ...sts, accessKeyId: info.AccessKeyId, accessKeySecret: info.AccessKeySecret, securityToken: info.SecretToken } }), 200, '')
    assert.equal((await fetch(`${cloud.app}/demo/other`)).status, 404)
  })
})
