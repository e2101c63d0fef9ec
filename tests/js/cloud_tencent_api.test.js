// @ts-check
// The local cloud's server API of Tencent, called by the vendor's own client; its app server; and the command.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { after, before, beforeEach } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseUploadSignature } from '../../js/signature.js'
import { startCloud } from '../cloud/index.js'
import { send } from '../cloud/signed_request.js'
import { createAccounts } from '../cloud/tencent/accounts.js'
import { authenticateApi } from '../cloud/tencent/api_signature.js'
import { callUgc } from '../cloud/tencent/signed_request.js'
import { apiClient, apiSigner, cosClient } from '../cloud/tencent/vendors.js'
import { describe, test } from './story.js'

const VECTORS = JSON.parse(readFileSync(new URL('../vectors/tencent.json', import.meta.url), 'utf8'))
const NOW = 1_700_000_000
const HOST = 'vod.tencentcloudapi.com'
const CLI = fileURLToPath(new URL('../cloud/cli.js', import.meta.url))

/** @type {import('../cloud/index.js').Cloud} */
let cloud
/** @type {NonNullable<typeof cloud.tencent>} */
let tencent
before(async () => {
  cloud = await startCloud()
  assert.ok(cloud.tencent)
  tencent = cloud.tencent
})
after(() => cloud.close())
beforeEach(() => {
  cloud.faults.clear()
  cloud.log.length = 0
})

/** The vendor's client names the real host, and is connected to this cloud. @param {string} signMethod @param {object} [credential] */
const vendorClient = (signMethod, credential = tencent.account) => {
  const agent = new Agent()
  Object.assign(agent, { createConnection: () => connect(Number(new URL(cloud.vodApi ?? '').port), '127.0.0.1') })
  return new (apiClient())(HOST, '2018-07-17', { credential, region: 'ap-guangzhou', profile: { signMethod, httpProfile: { protocol: 'http://', agent } } })
}

/** @param {object} parameters @param {{ headers?: Record<string, string>, key?: string, id?: string, time?: number, service?: string, body?: string }} [how] */
const call = async (parameters, { headers = {}, key = tencent.account.secretKey, id = tencent.account.secretId, time = Math.floor(Date.now() / 1000), service = 'vod', body } = {}) => {
  const payload = Buffer.from(body ?? JSON.stringify(parameters))
  const authorization = apiSigner().sign3({
    method: 'POST', url: `http://${HOST}/`, payload, timestamp: time, service, secretId: id, secretKey: key, headers: { 'Content-Type': 'application/json' },
  })
  const all = { host: HOST, 'content-type': 'application/json', authorization, 'x-tc-action': 'ApplyUpload', 'x-tc-version': '2018-07-17', 'x-tc-timestamp': String(time), ...headers }
  const { status, text } = await send(`${cloud.vodApi}/`, 'POST', Object.fromEntries(Object.entries(all).filter(([, value]) => value)), payload)
  return { status, response: text.startsWith('{') ? JSON.parse(text).Response : null, code: text.startsWith('{') ? JSON.parse(text).Response.Error?.Code ?? '' : text }
}

/** @param {ReturnType<typeof call>} answer @param {string} code */
const refused = async (answer, code) => {
  const { status, code: actual, response } = await answer
  assert.deepEqual([status, actual, typeof response.RequestId], [200, code, 'string'])
}

describe('the server API', () => {
  for (const signMethod of ['TC3-HMAC-SHA256', 'HmacSHA256', 'HmacSHA1']) {
    test(`the vendor's clients upload with ${signMethod}`, async () => {
      const api = vendorClient(signMethod)
      const applied = await api.request('ApplyUpload', { MediaType: 'mp4', MediaName: '视频 (1)+', CoverType: 'jpg', ClassId: 7, SourceContext: 'a&b=c' })
      assert.deepEqual(Object.keys(applied).sort(), ['CoverStoragePath', 'MediaStoragePath', 'RequestId', 'StorageBucket', 'StorageRegion', 'TempCertificate', 'VodSessionKey'])
      const { SecretId, SecretKey, Token, ExpiredTime } = applied.TempCertificate
      const cos = new (cosClient())({ Ip: new URL(cloud.cos ?? '').host, Protocol: 'http:', SecretId, SecretKey, SecurityToken: Token })
      assert.ok(ExpiredTime > Date.now() / 1000)
      await assert.rejects(api.request('CommitUpload', { VodSessionKey: applied.VodSessionKey }), { code: 'ResourceNotFound' })
      for (const Key of [applied.MediaStoragePath, applied.CoverStoragePath]) {
        await cos.putObject({ Bucket: applied.StorageBucket, Region: applied.StorageRegion, Key, Body: Buffer.from(Key) })
      }
      const done = await api.request('CommitUpload', { VodSessionKey: applied.VodSessionKey })
      assert.deepEqual(Object.keys(done).sort(), ['CoverUrl', 'FileId', 'MediaUrl', 'RequestId'])
      const { name, via, classId, key, coverKey, told } = cloud.medias().find(({ fileId }) => fileId === done.FileId) ?? {}
      assert.deepEqual([name, via, classId, key, coverKey, told?.sourceContext], ['视频 (1)+', 'api', 7, applied.MediaStoragePath, applied.CoverStoragePath, 'a&b=c'])
      assert.deepEqual(cloud.log.filter(({ operation }) => /Upload$/.test(operation)).map(({ operation, code }) => [operation, code]), [['ApplyUpload', ''], ['CommitUpload', 'ResourceNotFound'], ['CommitUpload', '']])
      await assert.rejects(vendorClient(signMethod, { ...tencent.account, secretKey: 'x' }).request('ApplyUpload', { MediaType: 'mp4' }), { code: 'AuthFailure.SignatureFailure' })
      await assert.rejects(vendorClient(signMethod, { ...tencent.account, secretId: 'x' }).request('ApplyUpload', { MediaType: 'mp4' }), { code: 'AuthFailure.SecretIdNotFound' })
      await assert.rejects(api.request('ApplyUpload', { MediaType: 'exe' }), { code: 'InvalidParameterValue.MediaType' })
    })
  }

  for (const vector of VECTORS.server_api_signature) {
    test(`the vendor's vector of ${vector.method.split(' ')[0]}`, () => {
      const secretId = vector.secretId ?? vector.params.SecretId
      const accounts = createAccounts({ accounts: [{ secretId, secretKey: vector.secretKey, appId: 1 }], life: 1, deny: [], now: Date.now })
      const headers = vector.authorization
        ? { authorization: vector.authorization, 'content-type': 'application/json', 'x-tc-timestamp': String(vector.timestamp), 'x-tc-action': 'ApplyUpload', 'x-tc-version': '2018-07-17' }
        : { 'content-type': 'application/x-www-form-urlencoded' }
      const verify = (/** @type {string} */ body) => authenticateApi({ method: 'POST', host: HOST, path: '/', headers: /** @type {any} */ (headers), body: Buffer.from(body) }, { accounts, now: NOW * 1000 })
      const { action, version, parameters } = verify(vector.payload ?? vector.body)
      assert.deepEqual([action, version, parameters], ['ApplyUpload', '2018-07-17', { MediaType: 'mp4', MediaName: 'Wildlife' }])
      assert.throws(() => verify((vector.payload ?? vector.body).replace('Wildlife', 'Tamelife')), { code: 'AuthFailure.SignatureFailure' })
    })
  }

  test('it refuses who is not known', async () => {
    const good = { MediaType: 'mp4' }
    assert.equal((await call(good)).code, '')
    const now = Math.floor(Date.now() / 1000)
    await refused(call(good, { key: 'another' }), 'AuthFailure.SignatureFailure')
    await refused(call(good, { id: 'AKIDnobody' }), 'AuthFailure.SecretIdNotFound')
    await refused(call(good, { time: now - 301 }), 'AuthFailure.SignatureExpire')
    await refused(call(good, { time: now + 310 }), 'AuthFailure.SignatureExpire')
    await refused(call(good, { service: 'cvm' }), 'AuthFailure.SignatureFailure')
    await refused(call(good, { headers: { authorization: 'TC3-HMAC-SHA256 x' } }), 'AuthFailure.InvalidAuthorization')
    await refused(call(good, { headers: { authorization: '' } }), 'AuthFailure.InvalidAuthorization')
    await refused(call(good, { headers: { 'x-tc-timestamp': String(now - 1) } }), 'AuthFailure.SignatureFailure')
    await refused(call(good, { headers: { authorization: '', 'content-type': 'application/x-www-form-urlencoded' }, body: 'Action=ApplyUpload' }), 'MissingParameter')
  })

  test('it refuses what it cannot do', async () => {
    await refused(call({}), 'MissingParameter')
    await refused(call({ MediaType: 5 }), 'InvalidParameter')
    await refused(call({ MediaType: 'mp4', Mediatype: 'x' }), 'UnknownParameter')
    await refused(call({ MediaType: 'mp4', CoverType: 'mp4' }), 'InvalidParameterValue.CoverType')
    await refused(call({ MediaType: 'mp4', ExpireTime: 'tomorrow' }), 'InvalidParameter.ExpireTime')
    await refused(call({ MediaType: 'mp4', StorageRegion: 'ap-nowhere' }), 'InvalidParameterValue.StorageRegion')
    await refused(call({}, { body: '[' }), 'InvalidParameter')
    await refused(call({ VodSessionKey: 'x' }, { headers: { 'x-tc-action': 'CommitUpload' } }), 'InvalidParameterValue.VodSessionKey')
    await refused(call({ MediaManifestContent: 'x' }, { headers: { 'x-tc-action': 'ParseStreamingManifest' } }), 'UnsupportedOperation')
    await refused(call({}, { headers: { 'x-tc-action': 'DeleteMedia' } }), 'InvalidAction')
    await refused(call({}, { headers: { 'x-tc-version': '2017-01-01' } }), 'NoSuchVersion')
  })

  test('faults', async () => {
    /** @type {[import('../cloud/faults.js').Action, number, RegExp][]} */
    const answers = [
      [{ kind: 'errorIn200', code: 'RequestLimitExceeded' }, 200, /^RequestLimitExceeded$/], [{ kind: 'status', status: 502 }, 502, /^InternalError$/], [{ kind: 'html' }, 200, /sign in/],
      [{ kind: 'skew', ms: 400_000 }, 200, /^AuthFailure\.SignatureExpire$/], [{ kind: 'expire' }, 200, /^AuthFailure/], [{ kind: 'stall', ms: 5 }, 200, /^$/],
    ]
    for (const [action, status, code] of answers) {
      cloud.faults.add({ operation: 'ApplyUpload', times: 1, action })
      const answer = await call({ MediaType: 'mp4' })
      assert.equal(answer.status, status)
      assert.match(answer.code, code)
    }
    for (const kind of /** @type {const} */ (['refuse', 'cut', 'lostReply'])) {
      cloud.faults.add({ operation: 'ApplyUpload', times: 1, action: { kind } })
      await assert.rejects(call({ MediaType: 'mp4' }), { code: 'ECONNRESET' })
    }
  })
})

describe('the app server', () => {
  /** @param {string} path @param {string} [method] @param {string} [body] */
  const ask = async (path, method = 'GET', body = '') => {
    const { status, text, headers } = await send(cloud.app + path, method, { 'content-type': 'application/json', origin: 'http://page.example' }, body)
    return { status, headers, body: JSON.parse(text) }
  }

  test('makes signatures, and tells of what came of them', async () => {
    const { body: { signature }, headers } = await ask('/api/tencent/signature?classId=7&sourceContext=%E7%94%A8%E6%88%B7&oneTimeValid=1')
    assert.equal(headers['access-control-allow-origin'], '*')
    const { classId, sourceContext, oneTimeValid, warnings } = parseUploadSignature(signature)
    assert.deepEqual([classId, sourceContext, oneTimeValid, warnings], [7, '用户', 1, []])
    const { body } = await ask('/api/tencent/signature', 'POST', JSON.stringify({ storageRegion: 'ap-shanghai' }))
    const { data } = await callUgc(cloud.ugc, 'ApplyUploadUGC', { signature: body.signature, videoName: 'a', videoType: 'mp4' })
    const { tempCertificate: { secretId: SecretId, secretKey: SecretKey, token: SecurityToken }, storageRegionV5: Region } = data
    const cos = new (cosClient())({ Ip: new URL(cloud.cos ?? '').host, Protocol: 'http:', SecretId, SecretKey, SecurityToken })
    await cos.putObject({ Bucket: tencent.bucket, Region, Key: data.video.storagePath, Body: Buffer.from('bytes') })
    const { data: { fileId } } = await callUgc(cloud.ugc, 'CommitUploadUGC', { signature: body.signature, vodSessionKey: data.vodSessionKey })
    const { body: media } = await ask(`/api/tencent/medias/${fileId}`)
    assert.deepEqual([media.fileId, media.region, media.size, media.sha256], [fileId, 'ap-shanghai', 5, createHash('sha256').update('bytes').digest('hex')])
    assert.ok((await ask('/api/tencent/medias')).body.some((/** @type {any} */ one) => one.fileId === fileId))
    assert.deepEqual([(await ask('/api/tencent/medias/1')).status], [404])
    await send(`${cloud.app}/control/expire`, 'POST', {})
    await assert.rejects(cos.putObject({ Bucket: tencent.bucket, Region, Key: data.video.storagePath, Body: Buffer.from('bytes') }), { code: 'ExpiredToken' })
  })

  test('says what is wrong with a wish', async () => {
    const wrong = await ask('/api/tencent/signature?taskPriority=50&procedure=p')
    assert.deepEqual([wrong.status, wrong.body.code], [400, 'InvalidParameter'])
    assert.match(wrong.body.message, /taskPriority.*-10 to 10/)
    assert.equal((await ask('/api/tencent/signature?unknown=1')).body.code, 'UnknownParameter')
  })

  test('makes signatures that are good by a cloud\'s own clock', async () => {
    const ahead = await startCloud({ clockSkew: 200 * 86_400_000 })
    const { text } = await send(`${ahead.app}/api/tencent/signature`, 'GET', {})
    assert.equal((await callUgc(ahead.ugc, 'PrepareUploadUGC', JSON.parse(text))).code, 0)
    await ahead.close()
  })
})

test('the command tells where Tencent is', async () => {
  const process = spawn('node', [CLI, '--oss-port', '0', '--app-port', '0', '--vod-port', '0', '--quiet'])
  let text = ''
  for await (const chunk of process.stdout.setEncoding('utf8')) {
    text += chunk
    if (/control\/faults/.test(text)) break
  }
  const [, app] = /^App server +(\S+)$/m.exec(text) ?? []
  const [, ugc] = /^UGC +(\S+)/m.exec(text) ?? []
  const signature = JSON.parse((await send(`${app}/api/tencent/signature`, 'GET', {})).text)
  assert.equal((await callUgc(ugc, 'PrepareUploadUGC', signature)).code, 0)
  process.kill()
  await once(process, 'exit')
})
