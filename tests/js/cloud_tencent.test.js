// @ts-check
// The local COS keeps COS's rules: driven by the vendor's own client, by recorded requests, and by raw ones where those are too polite.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach } from 'node:test'
import { crc64 } from '../cloud/crc64.js'
import { startCloud } from '../cloud/index.js'
import { element, send } from '../cloud/signed_request.js'
import { createAccounts } from '../cloud/tencent/accounts.js'
import { bucketInHost } from '../cloud/tencent/cos_request.js'
import { authenticateCos } from '../cloud/tencent/cos_signature.js'
import { signedCosRequest } from '../cloud/tencent/signed_request.js'
import { cosClient } from '../cloud/tencent/vendors.js'
import { describe, test } from './story.js'

const VECTORS = JSON.parse(readFileSync(new URL('../vectors/tencent.json', import.meta.url), 'utf8'))
const KEY = '目录/a b!\'()*~+@#%2F.mp4'
const MB = 1 << 20
const NOW = 1_700_000_000

/** @type {import('../cloud/index.js').Cloud} */
let cloud
/** @type {NonNullable<typeof cloud.tencent>} */
let tencent
/** @type {ReturnType<typeof tencent.issue>} */
let grant
before(async () => {
  cloud = await startCloud({ appPort: null })
  assert.ok(cloud.tencent)
  tencent = cloud.tencent
})
after(() => cloud.close())
beforeEach(() => {
  cloud.faults.clear()
  cloud.log.length = 0
  grant = tencent.issue({ keys: [KEY], region: 'ap-chongqing' })
})

/** @param {import('../cloud/tencent/signed_request.js').RawCosRequest} raw */
const request = (raw) => signedCosRequest(cloud, grant, raw)

/**
 * @param {Promise<{ status: number, code: string }>} answer
 * @param {number} status
 * @param {string} code
 */
const refused = async (answer, status, code) => {
  const { status: actual, code: actualCode } = await answer
  assert.deepEqual([actual, actualCode], [status, code])
}

const initiate = async (key = KEY) => element((await request({ method: 'POST', key, query: { uploads: '' } })).text, 'UploadId')

/** @param {string} uploadId @param {number | string} number @param {string | Buffer} body @param {object} [more] */
const putPart = (uploadId, number, body, more) => request({ method: 'PUT', query: { partNumber: String(number), uploadId }, body, ...more })

/** @param {string} uploadId @param {[number, string | undefined][]} parts */
const complete = (uploadId, parts) => request({
  method: 'POST', query: { uploadId },
  body: `<CompleteMultipartUpload>${parts.map(([n, etag]) => `<Part><PartNumber>${n}</PartNumber><ETag>${etag}</ETag></Part>`).join('')}</CompleteMultipartUpload>`,
})

/** @param {string | Buffer} bytes */
const md5 = (bytes) => createHash('md5').update(bytes).digest('hex')

/** @param {Buffer} bytes */
const crcOf = (bytes) => {
  const crc = crc64()
  crc.update(bytes)
  return String(crc.value())
}

/** @param {any} [options] */
const vendorClient = (options) => new (cosClient())({
  Ip: new URL(cloud.cos ?? '').host, Protocol: 'http:', ChunkRetryTimes: 0,
  getAuthorization: (/** @type {any} */ _, /** @type {Function} */ give) => give({
    TmpSecretId: grant.secretId, TmpSecretKey: grant.secretKey, SecurityToken: grant.token, StartTime: grant.start, ExpiredTime: grant.expires,
  }), ...options,
})
const target = () => ({ Bucket: tencent.bucket, Region: 'ap-chongqing', Key: KEY })

describe('the vendor\'s client', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vodupload-'))
  after(() => rmSync(folder, { recursive: true }))

  test('uploads a file in parts, and goes on where another left off', async () => {
    const bytes = randomBytes(3 * MB + 7)
    const path = join(folder, 'file')
    writeFileSync(path, bytes)
    const client = vendorClient()
    const uploadId = await initiate()
    await putPart(uploadId, 2, bytes.subarray(MB, 2 * MB))
    cloud.log.length = 0
    const done = await client.sliceUploadFile({ ...target(), FilePath: path, ChunkSize: MB })
    assert.equal(done.UploadId, uploadId)
    assert.match(done.ETag, /^"[0-9a-f]{32}-4"$/)
    assert.deepEqual(cloud.log.map(({ operation, partNumber }) => partNumber ?? operation).sort(), [1, 3, 4, 'CompleteMultipartUpload', 'ListMultipartUploads', 'ListParts'])
    const object = cloud.object(KEY)
    assert.deepEqual(readFileSync(object?.path ?? ''), bytes)
    assert.deepEqual([object?.crc64, done.headers['x-cos-hash-crc64ecma'], `"${object?.etag}"`], [crcOf(bytes), crcOf(bytes), done.ETag])
    assert.deepEqual(cloud.uploads(), [])
  })

  test('puts, heads, gets and deletes an object by the account\'s own key', async () => {
    const { secretId: SecretId, secretKey: SecretKey } = tencent.account
    const client = new (cosClient())({ Ip: new URL(cloud.cos ?? '').host, Protocol: 'http:', SecretId, SecretKey })
    const put = await client.putObject({ ...target(), Body: Buffer.from('some bytes'), Headers: { 'Content-Type': 'video/mp4', 'x-cos-meta-who': 'me' } })
    assert.equal(put.ETag, `"${md5('some bytes')}"`)
    const { headers } = await client.headObject(target())
    assert.deepEqual([headers['content-length'], headers['content-type'], headers['x-cos-meta-who']], ['10', 'video/mp4', 'me'])
    assert.equal((await client.getObject({ ...target(), Range: 'bytes=5-7' })).Body.toString(), 'byt')
    await client.deleteObject(target())
    await assert.rejects(client.getObject(target()), { code: 'NoSuchKey', statusCode: 404 })
  })

  test('lists page by page, and aborts', async () => {
    const client = vendorClient()
    const ids = [await initiate(), await initiate(), await initiate()]
    const first = await client.multipartList({ ...target(), Prefix: KEY, MaxUploads: 2 })
    assert.deepEqual([first.IsTruncated, first.Upload.map((/** @type {any} */ upload) => upload.UploadId), first.Upload[0].Key], ['true', ids.slice(0, 2), KEY])
    const rest = await client.multipartList({ ...target(), Prefix: KEY, KeyMarker: first.NextKeyMarker, UploadIdMarker: first.NextUploadIdMarker })
    assert.deepEqual([rest.IsTruncated, rest.Upload.map((/** @type {any} */ upload) => upload.UploadId)], ['false', ids.slice(2)])
    for (const number of [3, 1, 2]) await putPart(ids[0], number, String(number))
    const page = await client.multipartListPart({ ...target(), UploadId: ids[0], MaxParts: 1, PartNumberMarker: 1 })
    assert.deepEqual([page.IsTruncated, page.NextPartNumberMarker, page.Part], ['true', '2', [{ ...page.Part[0], PartNumber: '2', ETag: `"${md5('2')}"`, Size: '1' }]])
    for (const UploadId of ids) await client.multipartAbort({ ...target(), UploadId })
    await assert.rejects(client.multipartAbort({ ...target(), UploadId: ids[0] }), { code: 'NoSuchUpload' })
  })
})

describe('recorded signatures', () => {
  for (const { name, input, authorization } of VECTORS.cos_signature) {
    test(`the vendor's vector ${name}`, () => {
      const accounts = createAccounts({ accounts: [], life: 1000, deny: [], now: () => NOW * 1000 })
      accounts.issue({ secretId: input.SecretId, secretKey: input.SecretKey, token: 't', life: 172_800 })
      const headers = Object.fromEntries(Object.entries(input.Headers).map(([header, value]) => [header.toLowerCase(), String(value)]))
      const host = headers.host ?? `${input.Bucket}.cos.${input.Region}.myqcloud.com`
      const query = Object.fromEntries(Object.entries(input.Query).map(([parameter, value]) => [parameter, String(value)]))
      /** @param {string} text */
      const verify = (text) => authenticateCos({
        method: input.Method, key: input.Key ?? input.Pathname.slice(1), query, host, ...bucketInHost(host), headers: { ...headers, authorization: text, 'x-cos-security-token': 't' },
        operation: '', forwarded: false, uploadId: null, partNumber: null, contentLength: null,
      }, { accounts, now: NOW * 1000, issuerNow: NOW * 1000, expire: false })
      assert.equal(verify(authorization).secretId, input.SecretId)
      assert.throws(() => verify(authorization.replace(/.$/, (/** @type {string} */ last) => last === '0' ? '1' : '0')), { code: 'SignatureDoesNotMatch' })
    })
  }

  for (const story of ['happy_video_only', 'old_base_library_2_9_0_post_object']) {
    test(`the mini program's requests of ${story} pass through the proxy`, async () => {
      const then = await startCloud({ appPort: null, clockSkew: (NOW + 100) * 1000 - Date.now(), tencent: { bucket: 'b1d0vodcq1400000000', storageAppId: 10022853 } })
      const { storagePath } = VECTORS.trace_mini_program.inputs.applyResponse.data.video
      const { secretId, secretKey, token } = VECTORS.trace_mini_program.inputs.applyResponse.data.tempCertificate
      then.tencent?.issue({ secretId, secretKey, token, keys: [storagePath.slice(1)] })
      const codes = []
      for (const { method, url, header, formData } of VECTORS.trace_mini_program[story].requests.slice(1, -1)) {
        const body = formData ? formOf(formData, 'bytes') : ''
        const path = url.replace('https://vod2.qcloud.com', '')
        const length = /partNumber=\d/.test(path) ? { 'content-length': /partNumber=3/.test(path) ? '4194304' : '8388608' } : {}
        const parts = header['Content-MD5'] && length['content-length'] ? Buffer.alloc(Number(length['content-length']), 1) : body
        const xml = /[?]uploadId/.test(path) ? VECTORS.trace_mini_program[story].requests.at(-2).data : parts
        const answer = await send(then.ugc + path, method, { ...header, ...length, ...(formData && { 'content-type': 'multipart/form-data; boundary=b' }) }, xml)
        codes.push([answer.status, answer.code])
      }
      const lost = [404, 'NoSuchUpload'] // its id is another in this cloud; the signature comes first
      assert.deepEqual(codes, story === 'happy_video_only' ? [[200, ''], [200, ''], lost, lost, lost, lost] : [[200, '']])
      if (story !== 'happy_video_only') assert.equal(then.object(storagePath.slice(1))?.size, 5)
      await then.close()
    })
  }
})

/** @param {Record<string, unknown>} fields @param {string} file */
const formOf = (fields, file) => [...Object.entries(fields), ['file', file]].map(([name, value]) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${name === 'file' ? '; filename="f.mp4"' : ''}\r\n\r\n${value}\r\n`).join('') + '--b--\r\n'

describe('who may', () => {
  test('a signature has to be that of the request', async () => {
    await refused(request({ query: { uploads: '', prefix: KEY }, key: '', signed: false }), 403, 'AccessDenied')
    await refused(request({ method: 'PUT', body: 'x', unsigned: { authorization: 'q-sign-algorithm=sha1' } }), 400, 'InvalidArgument')
    await refused(request({ method: 'PUT', body: 'x', headers: { 'content-md5': 'Swh84xEcdZGQGcdiMOVm4w==' }, unsigned: { 'content-md5': 'OmtrusTwBlZI32zx4PzqdA==' } }), 403, 'SignatureDoesNotMatch')
    assert.equal((await request({ method: 'PUT', body: 'x', signHost: false })).status, 200)
    assert.equal((await request({ method: 'HEAD', inAddress: true })).status, 200)
    grant = { ...grant, secretKey: 'another' }
    await refused(request({ method: 'PUT', body: 'x' }), 403, 'SignatureDoesNotMatch')
  })

  test('a header that is listed but not in the request', async () => {
    const authorization = cosClient().getAuthorization({ SecretId: grant.secretId, SecretKey: grant.secretKey, Method: 'PUT', Pathname: `/${KEY}`, Headers: { 'x-cos-acl': 'private' } })
    await refused(request({ method: 'PUT', body: 'x', unsigned: { authorization } }), 403, 'SignatureDoesNotMatch')
  })

  test('a token belongs to its key', async () => {
    await refused(request({ method: 'PUT', body: 'x', unsigned: { 'x-cos-security-token': 'another' } }), 403, 'AccessDenied')
    const { token } = grant
    grant = { ...grant, token: null }
    await refused(request({ method: 'PUT', body: 'x' }), 403, 'InvalidAccessKeyId')
    grant = { ...grant, secretId: 'AKIDnobody', token }
    await refused(request({ method: 'PUT', body: 'x' }), 403, 'InvalidAccessKeyId')
  })

  test('a signature has its time, and so has a credential', async () => {
    const now = Math.floor(Date.now() / 1000)
    const late = await request({ method: 'PUT', body: 'x', keyTime: `${now - 900};${now - 1}` })
    assert.deepEqual([late.status, late.code, element(late.text, 'Message')], [403, 'AccessDenied', 'Request has expired'])
    assert.ok(Math.abs(Date.parse(element(late.text, 'ServerTime')) - Date.now()) < 5000)
    const early = await request({ method: 'PUT', body: 'x', keyTime: `${now + 100};${now + 900}` })
    assert.deepEqual([early.status, early.code, Boolean(element(early.text, 'ServerTime'))], [403, 'RequestTimeTooSkewed', true])
    await refused(request({ method: 'PUT', body: 'x', keyTime: `${now};${now}` }), 400, 'InvalidArgument')
    const short = { ...grant }
    grant = tencent.issue({ keys: [KEY], life: 0 })
    await refused(request({ method: 'PUT', body: 'x' }), 403, 'ExpiredToken')
    grant = short
    tencent.expireCredentials()
    await refused(request({ method: 'PUT', body: 'x' }), 403, 'ExpiredToken')
  })

  test('a credential is good for its keys, its region and its operations', async () => {
    await refused(request({ method: 'PUT', key: 'another', body: 'x' }), 403, 'AccessDenied')
    await refused(request({ key: '', query: { uploads: '' } }), 403, 'AccessDenied')
    await refused(request({ key: '', query: { uploads: '', prefix: 'another' } }), 403, 'AccessDenied')
    assert.equal((await request({ key: '', query: { uploads: '', prefix: KEY } })).status, 200)
    await refused(request({ method: 'PUT', body: 'x', host: `${tencent.bucket}.cos.ap-shanghai.myqcloud.com` }), 404, 'NoSuchBucket')
    grant = tencent.issue({ keys: [KEY], deny: ['PutObject'] })
    await refused(request({ method: 'PUT', body: 'x' }), 403, 'AccessDenied')
  })

  test('a bucket is in the host name, and nowhere else', async () => {
    for (const suffix of ['myqcloud.com', 'tencentcos.cn', `localhost:${new URL(cloud.cos ?? '').port}`]) {
      assert.equal((await request({ method: 'PUT', body: 'x', host: `${tencent.bucket}.cos.ap-chongqing.${suffix}` })).status, 200)
      assert.equal((await request({ method: 'PUT', body: 'x', forwarded: true, host: `${tencent.bucket}.cos.ap-chongqing.${suffix}` })).status, 200)
    }
    await refused(request({ method: 'PUT', body: 'x', host: 'nobody-1.cos.ap-chongqing.myqcloud.com' }), 404, 'NoSuchBucket')
    await refused(request({ method: 'PUT', body: 'x', host: `${tencent.bucket}.cos.ap-nowhere.myqcloud.com` }), 404, 'NoSuchBucket')
    await refused(request({ method: 'PUT', body: 'x', host: `${tencent.bucket}.cos.vod-upload-proxy.myqcloud.com` }), 404, 'NoSuchBucket')
    await refused(request({ method: 'PUT', body: 'x', host: new URL(cloud.cos ?? '').host }), 400, 'InvalidURI')
    await refused(request({ method: 'PUT', body: 'x', host: `${tencent.bucket}.sg.myqcloud.com` }), 404, 'NoSuchBucket')
    await refused(send(`${cloud.ugc}/${tencent.bucket}/key`, 'PUT', {}, 'x'), 400, 'InvalidURI')
  })
})

describe('parts and objects', () => {
  test('an ETag is the MD5 in lower case, the CRC that of the bytes', async () => {
    const bytes = randomBytes(100)
    const { headers } = await request({ method: 'PUT', body: bytes, headers: { 'content-md5': createHash('md5').update(bytes).digest('base64') } })
    assert.deepEqual([headers.etag, headers['x-cos-hash-crc64ecma'], Boolean(headers['x-cos-request-id'])], [`"${md5(bytes)}"`, crcOf(bytes), true])
    await refused(request({ method: 'PUT', body: bytes, headers: { 'content-md5': 'Swh84xEcdZGQGcdiMOVm4w==' } }), 400, 'BadDigest')
    await refused(request({ method: 'PUT', body: bytes, headers: { 'content-md5': md5(bytes) } }), 400, 'InvalidDigest')
    await refused(request({ method: 'PUT', key: 'x'.repeat(851), body: bytes }), 403, 'AccessDenied')
    grant = tencent.issue({})
    await refused(request({ method: 'PUT', key: 'x'.repeat(851), body: bytes }), 400, 'KeyTooLong')
  })

  test('the rules of a completion', async () => {
    const uploadId = await initiate()
    const etags = []
    for (const [number, size] of [[1, MB], [2, MB - 1], [3, 10]]) etags.push((await putPart(uploadId, number, Buffer.alloc(size))).headers.etag)
    const [one, two, three] = etags
    await refused(complete(uploadId, [[2, two], [1, one]]), 400, 'InvalidPartOrder')
    await refused(complete(uploadId, [[1, one], [1, one]]), 400, 'InvalidPartOrder')
    await refused(complete(uploadId, [[1, two]]), 400, 'InvalidPart')
    await refused(complete(uploadId, [[1, one], [4, three]]), 400, 'InvalidPart')
    await refused(complete(uploadId, [[1, one], [2, two], [3, three]]), 400, 'EntityTooSmall')
    await refused(complete(uploadId, []), 400, 'MalformedXML')
    await refused(complete('nothing', [[1, one]]), 404, 'NoSuchUpload')
    await refused(putPart(uploadId, 0, 'x'), 400, 'InvalidArgument')
    await refused(putPart(uploadId, 10_001, 'x'), 400, 'InvalidArgument')
    await refused(putPart(uploadId, 'one', 'x'), 400, 'InvalidArgument')
    await refused(putPart('nothing', 1, 'x'), 404, 'NoSuchUpload')
    const done = await complete(uploadId, [[1, one?.toUpperCase().replaceAll('"', '&quot;')], [3, three]])
    assert.deepEqual([done.status, done.text.slice(0, 3), element(done.text, 'ETag')], [200, ' \n ', done.headers.etag])
    assert.equal(cloud.object(KEY)?.size, MB + 10)
    await refused(complete(uploadId, [[1, one]]), 404, 'NoSuchUpload')
  })

  for (const { by, xml, contentMd5 } of VECTORS.complete_body) {
    test(`the part list of ${by} is read`, async () => {
      const uploadId = await initiate()
      for (const number of [1, 2, 3]) await putPart(uploadId, number, Buffer.alloc(MB, number))
      const { status, code } = await request({ method: 'POST', query: { uploadId }, body: xml, headers: { 'content-md5': contentMd5 } })
      assert.deepEqual([status, code], [400, 'InvalidPart']) // its ETags are of other bytes: it was understood
    })
  }

  test('an error says what support staff ask for', async () => {
    const { text, headers } = await request({ method: 'DELETE', query: { uploadId: 'nothing' } })
    assert.deepEqual(['Code', 'Resource', 'RequestId'].map((name) => element(text, name)), ['NoSuchUpload', `/${KEY}`, headers['x-cos-request-id']])
    assert.ok(element(text, 'TraceId'))
  })

  test('a form', async () => {
    const host = `${tencent.bucket}.cos.ap-chongqing.myqcloud.com`
    const sign = () => cosClient().getAuthorization({ SecretId: grant.secretId, SecretKey: grant.secretKey, Method: 'POST', Pathname: '/', Headers: { host } })
    /** @param {object} [fields] @param {Record<string, string>} [headers] */
    const post = (fields, headers) => send(`${cloud.ugc}/`, 'POST', { 'vod-forward-cos': host, 'content-type': 'multipart/form-data; boundary=b', ...headers },
      formOf({ key: KEY, success_action_status: 200, Signature: sign(), 'x-cos-security-token': grant.token, 'Content-Type': '', ...fields }, 'the file'))
    const { status, headers } = await post()
    assert.deepEqual([status, headers.etag, cloud.object(KEY)?.size], [200, `"${md5('the file')}"`, 8])
    assert.equal((await post({ success_action_status: 201 })).status, 201)
    assert.equal((await post({ success_action_status: '' })).status, 204)
    await refused(post({ key: 'another' }), 403, 'AccessDenied')
    await refused(post({ Signature: sign().replace(/.$/, 'x') }), 403, 'SignatureDoesNotMatch')
    cloud.faults.add({ operation: 'PostObject', action: { kind: 'corrupt' } })
    assert.notEqual((await post()).headers.etag, `"${md5('the file')}"`)
  })

  test('another cloud goes on with the same directory', async () => {
    const root = mkdtempSync(join(tmpdir(), 'vodupload-'))
    const first = await startCloud({ root, appPort: null })
    const { account } = tencent
    const own = { ...grant, secretId: account.secretId, secretKey: account.secretKey, token: null, keys: null }
    await signedCosRequest(first, own, { method: 'PUT', key: 'kept', body: 'x' })
    const uploadId = element((await signedCosRequest(first, own, { method: 'POST', key: 'going', query: { uploads: '' } })).text, 'UploadId')
    await signedCosRequest(first, own, { method: 'PUT', key: 'going', query: { uploadId, partNumber: '1' }, body: 'y' })
    await first.close()
    const second = await startCloud({ root, appPort: null })
    assert.equal(second.object('kept')?.etag, md5('x'))
    assert.deepEqual(second.uploads().map((upload) => [upload.uploadId, upload.parts[0].etag]), [[uploadId, md5('y')]])
    await second.close()
    rmSync(root, { recursive: true })
  })
})

test('lists come in pages as short as a test wants, and bytes need not be kept', async () => {
  const small = await startCloud({ appPort: null, keep: false, tencent: { pageSize: 1 } })
  const any = { ...grant, ...small.tencent?.issue() }
  const send = (/** @type {import('../cloud/tencent/signed_request.js').RawCosRequest} */ raw) => signedCosRequest(small, any, raw)
  const ids = []
  for (let i = 0; i < 2; i++) ids.push(element((await send({ method: 'POST', key: 'k', query: { uploads: '' } })).text, 'UploadId'))
  const [uploadId] = ids
  const etags = []
  for (const partNumber of ['1', '2']) etags.push((await send({ method: 'PUT', key: 'k', query: { uploadId, partNumber }, body: Buffer.alloc(MB) })).headers.etag)
  const parts = await send({ key: 'k', query: { uploadId } })
  assert.deepEqual([element(parts.text, 'IsTruncated'), element(parts.text, 'NextPartNumberMarker')], ['true', '1'])
  const uploads = await send({ key: '', query: { uploads: '' } })
  assert.deepEqual([element(uploads.text, 'IsTruncated'), element(uploads.text, 'NextUploadIdMarker')], ['true', uploadId])
  const body = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join('')
  const done = await send({ method: 'POST', key: 'k', query: { uploadId }, body: `<CompleteMultipartUpload>${body}</CompleteMultipartUpload>` })
  assert.deepEqual([done.status, small.object('k')?.size, small.object('k')?.path], [200, 2 * MB, null])
  assert.equal((await send({ key: 'k' })).code, 'InvalidObjectState')
  await small.close()
})

test('without Tencent there are none of its endpoints', async () => {
  const none = await startCloud({ appPort: null, tencent: false })
  assert.deepEqual([none.cos, none.ugc, none.ugcBackup, none.vodApi, none.tencent, none.medias()], [null, null, null, null, null, []])
  await none.close()
  await assert.rejects(startCloud({ tencent: /** @type {any} */ ({ names: 'some' }) }), /local or real/)
})
