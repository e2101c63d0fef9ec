// @ts-check
// The local cloud keeps OSS's rules: driven by the vendor's own client, and by raw requests where that is too polite.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach } from 'node:test'
import { crc64, joinCrc64 } from '../cloud/crc64.js'
import { startCloud } from '../cloud/index.js'
import { readForm } from '../cloud/post_object.js'
import { element, send, signedRequest } from '../cloud/signed_request.js'
import { signer } from '../cloud/signature.js'
import { describe, test } from './story.js'

/** @type {any} */
const OSS = createRequire(import.meta.url)('ali-oss')
console.warn = () => {} // ali-oss advises every client without refreshSTSToken

const KEY = 'sv/视频 1+2/a b(c)!.mp4'
const MIN = 102_400

/** @type {import('../cloud/index.js').Cloud} */
let cloud
/** @type {ReturnType<typeof cloud.credentials.issue>} */
let grant
before(async () => { cloud = await startCloud() })
after(() => cloud.close())
beforeEach(() => {
  cloud.faults.clear()
  cloud.faults.network(null)
  cloud.log.length = 0
  grant = cloud.credentials.issue({ key: KEY })
})

/** @param {any} [options] */
const vendorClient = (options) => new OSS({
  endpoint: cloud.oss, bucket: cloud.bucket, region: 'oss-cn-shanghai', retryMax: 0,
  accessKeyId: grant.accessKeyId, accessKeySecret: grant.accessKeySecret, stsToken: grant.securityToken, ...options,
})

/** @param {import('../cloud/signed_request.js').RawRequest} raw */
const request = (raw) => signedRequest(cloud, grant, raw)

const initiate = async (key = KEY) => element((await request({ method: 'POST', key, query: { uploads: '' } })).text, 'UploadId')

/**
 * @param {string} uploadId
 * @param {number | string} number
 * @param {string | Buffer} body
 * @param {any} [more]
 */
const putPart = (uploadId, number, body, more) => request({ method: 'PUT', query: { partNumber: String(number), uploadId }, body, ...more })

/**
 * @param {string} uploadId
 * @param {[number, string | undefined][]} parts
 * @param {any} [more]
 */
const complete = (uploadId, parts, more) => request({
  method: 'POST', query: { uploadId },
  body: `<CompleteMultipartUpload>${parts.map(([n, etag]) => `<Part><PartNumber>${n}</PartNumber><ETag>${etag}</ETag></Part>`).join('\n')}</CompleteMultipartUpload>`, ...more,
})

/** @param {string | Buffer} bytes */
const md5 = (bytes) => createHash('md5').update(bytes).digest('hex')

/**
 * @param {Promise<{ status: number, code: string }>} answer
 * @param {number} status
 * @param {string} code
 */
const refused = async (answer, status, code) => {
  const { status: actual, code: actualCode } = await answer
  assert.deepEqual([actual, actualCode], [status, code])
}

for (const authorizationV4 of [false, true]) {
  describe(`the vendor's client, signature ${authorizationV4 ? 'V4' : 'V1'}`, () => {
    test('puts, heads, gets and deletes an object with a difficult key', async () => {
      const client = vendorClient({ authorizationV4 })
      const bytes = Buffer.from('some bytes')
      const put = await client.put(KEY, bytes, { headers: { 'x-oss-meta-who': 'me' } })
      assert.equal(put.res.headers.etag, `"${md5(bytes).toUpperCase()}"`)
      const head = await client.head(KEY)
      assert.equal(head.res.headers['content-length'], '10')
      assert.deepEqual(head.meta, { who: 'me' })
      assert.deepEqual((await client.get(KEY)).content, bytes)
      assert.equal((await client.get(KEY, { headers: { Range: 'bytes=5-7' } })).content.toString(), 'byt')
      await client.delete(KEY)
      await assert.rejects(client.get(KEY), { code: 'NoSuchKey', status: 404 })
    })

    test('uploads in parts, lists them page by page, and gets the same bytes back', async () => {
      const client = vendorClient({ authorizationV4 })
      const bytes = Buffer.alloc(5 * MIN + 7, 'not the same everywhere ')
      const { uploadId } = await client.initMultipartUpload(KEY)
      const parts = []
      for (const number of [3, 1, 2, 6, 5, 4]) {
        const { etag } = await client.uploadPart(KEY, uploadId, number, bytes, (number - 1) * MIN, Math.min(bytes.length, number * MIN))
        parts.push({ number, etag })
      }
      const page = await client.listParts(KEY, uploadId, { 'max-parts': 2, 'part-number-marker': 1 })
      assert.deepEqual(page.parts.map((/** @type {any} */ part) => Number(part.PartNumber)), [2, 3])
      assert.deepEqual([page.isTruncated, page.nextPartNumberMarker], ['true', '3'])
      const last = await client.listParts(KEY, uploadId, { 'part-number-marker': 5 })
      assert.deepEqual([last.isTruncated, last.parts.Size], ['false', '7'])
      const done = await client.completeMultipartUpload(KEY, uploadId, parts)
      assert.match(done.etag, /^"[0-9A-F]{32}-6"$/)
      assert.deepEqual((await client.get(KEY)).content, bytes)
      const object = cloud.object(KEY)
      assert.deepEqual(readFileSync(object?.path ?? ''), bytes)
      const whole = crc64()
      whole.update(bytes)
      assert.equal(object?.crc64, String(whole.value()))
      assert.equal(done.res.headers['x-oss-hash-crc64ecma'], object?.crc64)
    })

    test('lists and aborts uploads', async () => {
      grant = cloud.credentials.issue()
      const client = vendorClient({ authorizationV4 })
      const folder = `list ${authorizationV4}/`
      const ids = [await initiate(`${folder}a`), await initiate(`${folder}b`), await initiate(`${folder}b`)]
      const first = await client.listUploads({ prefix: folder, 'max-uploads': 2 })
      assert.equal(first.isTruncated, true)
      const rest = await client.listUploads({ prefix: folder, 'key-marker': first.nextKeyMarker, 'upload-id-marker': first.nextUploadIdMarker })
      const found = [...first.uploads, ...rest.uploads].map((upload) => upload.uploadId)
      assert.deepEqual(found.sort(), [...ids].sort())
      await client.abortMultipartUpload(`${folder}a`, ids[0])
      await assert.rejects(client.abortMultipartUpload(`${folder}a`, ids[0]), { code: 'NoSuchUpload' })
      assert.equal(cloud.uploads().some((upload) => upload.uploadId === ids[0]), false)
    })
  })
}

describe('signatures and credentials', () => {
  for (const version of /** @type {const} */ ([1, 4])) {
    test(`a changed V${version} request does not match, and the answer says what was expected`, async () => {
      const answer = await request({ method: 'PUT', body: 'x', version, unsigned: { 'x-oss-meta-a': 'added' } })
      assert.deepEqual([answer.status, answer.code], [403, 'SignatureDoesNotMatch'])
      assert.match(element(answer.text, version === 1 ? 'StringToSign' : 'CanonicalRequest'), /x-oss-meta-a:added/)
      await refused(signedRequest(cloud, { ...grant, accessKeySecret: 'other' }, { version }), 403, 'SignatureDoesNotMatch')
    })

    test(`V${version} dates may be 15 minutes off, not more, and the answer tells the server's time`, async () => {
      assert.equal((await request({ version, key: KEY, method: 'PUT', time: Date.now() - 890_000 })).status, 200)
      const answer = await request({ version, time: Date.now() + 910_000 })
      assert.deepEqual([answer.status, answer.code], [403, 'RequestTimeTooSkewed'])
      assert.ok(Math.abs(Date.parse(element(answer.text, 'ServerTime')) - Date.now()) < 5000)
      assert.equal(element(answer.text, 'MaxAllowedSkewMilliseconds'), '900000')
    })
  }

  test('token, key and region must be the right ones', async () => {
    await refused(request({ version: 0 }), 403, 'AccessDenied')
    await refused(signedRequest(cloud, { ...grant, accessKeyId: 'STS.nobody' }, {}), 403, 'InvalidAccessKeyId')
    await refused(signedRequest(cloud, { ...grant, securityToken: 'CAISother' }, {}), 403, 'InvalidSecurityToken')
    await refused(request({ version: 4, region: 'cn-beijing' }), 400, 'InvalidArgument')
    await refused(request({ key: 'another/key.mp4', method: 'PUT' }), 403, 'AccessDenied')
    await refused(request({ version: 0, headers: { authorization: 'Basic xyz' } }), 400, 'InvalidArgument')
    await refused(request({ version: 4, headers: { 'x-oss-content-sha256': 'abc' } }), 400, 'InvalidArgument')
    await refused(request({ headers: { 'x-oss-date': 'yesterday' } }), 403, 'AccessDenied')
  })

  test('an expired credential is expired, a denied operation denied', async () => {
    grant = cloud.credentials.issue({ key: KEY, life: -1 })
    await refused(request({}), 403, 'SecurityTokenExpired')
    grant = cloud.credentials.issue({ key: KEY, deny: ['ListParts'] })
    const uploadId = await initiate()
    await refused(request({ query: { uploadId } }), 403, 'AccessDenied')
    cloud.credentials.expireAll()
    await refused(putPart(uploadId, 1, 'x'), 403, 'SecurityTokenExpired')
  })

  test('a bucket that does not exist is said so, in the host and in the grant', async () => {
    await refused(request({ unsigned: { host: 'nowhere.localhost' } }), 404, 'NoSuchBucket')
    grant = cloud.credentials.issue({ key: KEY, bucket: 'nowhere' })
    await refused(request({}), 404, 'NoSuchBucket')
  })

  test('UploadAuth and UploadAddress decode to what the specification says', () => {
    const decode = (/** @type {string} */ text) => JSON.parse(Buffer.from(text, 'base64').toString())
    assert.deepEqual(decode(grant.uploadAddress), { Endpoint: cloud.oss, Bucket: 'outin-local', FileName: KEY })
    const auth = decode(grant.uploadAuth)
    assert.deepEqual([auth.AccessKeyId, auth.SecurityToken, auth.Expiration, auth.Region], [grant.accessKeyId, grant.securityToken, '3000', 'cn-shanghai'])
    assert.match(auth.ExpireUTCTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  })
})

describe('rules', () => {
  test('part numbers are 1 to 10000', async () => {
    const uploadId = await initiate()
    for (const number of [0, 10_001, 'x', '']) await refused(putPart(uploadId, number, 'x'), 400, 'InvalidArgument')
    for (const number of [1, 10_000]) assert.equal((await putPart(uploadId, number, 'x')).status, 200)
  })

  test('a part list must be well-formed, ascending, known, and its ETags right', async () => {
    const uploadId = await initiate()
    const one = String((await putPart(uploadId, 1, Buffer.alloc(MIN))).headers.etag)
    const two = String((await putPart(uploadId, 2, 'end')).headers.etag)
    await refused(complete(uploadId, [], { body: 'no xml' }), 400, 'MalformedXML')
    await refused(complete(uploadId, [[1, '']]), 400, 'MalformedXML')
    await refused(complete(uploadId, []), 400, 'MalformedXML')
    await refused(complete(uploadId, [], { body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${one}</ETag></Part><Part/></CompleteMultipartUpload>` }), 400, 'MalformedXML')
    await refused(complete(uploadId, [[2, two], [1, one]]), 400, 'InvalidPartOrder')
    await refused(complete(uploadId, [[1, one], [1, one]]), 400, 'InvalidPartOrder')
    await refused(complete(uploadId, [[1, one], [3, two]]), 400, 'InvalidPart')
    await refused(complete(uploadId, [[1, two]]), 400, 'InvalidPart')
    assert.equal((await complete(uploadId, [[1, one], [2, two]])).status, 200)
    await refused(complete(uploadId, [[1, one], [2, two]]), 404, 'NoSuchUpload')
    await refused(putPart(uploadId, 3, 'late'), 404, 'NoSuchUpload')
  })

  test('only the last part may be smaller than 100 KB', async () => {
    const uploadId = await initiate()
    const small = String((await putPart(uploadId, 1, Buffer.alloc(MIN - 1))).headers.etag)
    const end = String((await putPart(uploadId, 2, 'end')).headers.etag)
    await refused(complete(uploadId, [[1, small], [2, end]]), 400, 'EntityTooSmall')
    assert.equal((await complete(uploadId, [[2, end]])).status, 200)
    assert.equal(cloud.object(KEY)?.size, 3)
  })

  test('x-oss-complete-all takes every part and no body', async () => {
    const uploadId = await initiate()
    await putPart(uploadId, 2, 'end')
    await putPart(uploadId, 1, Buffer.alloc(MIN))
    const headers = { 'x-oss-complete-all': 'yes' }
    await refused(complete(uploadId, [], { headers }), 400, 'InvalidArgument')
    assert.equal((await complete(uploadId, [], { headers, body: '' })).status, 200)
    assert.equal(cloud.object(KEY)?.size, MIN + 3)
  })

  test('a part sent again replaces the first', async () => {
    const uploadId = await initiate()
    const old = String((await putPart(uploadId, 1, 'old')).headers.etag)
    const fresh = String((await putPart(uploadId, 1, 'fresh')).headers.etag)
    await refused(complete(uploadId, [[1, old]]), 400, 'InvalidPart')
    assert.equal((await complete(uploadId, [[1, fresh]])).status, 200)
    assert.equal((await request({})).text, 'fresh')
  })

  test('Content-MD5 is checked', async () => {
    const wrong = Buffer.alloc(16).toString('base64')
    const right = createHash('md5').update('body').digest('base64')
    const before = cloud.object(KEY)?.etag
    await refused(request({ method: 'PUT', body: 'body', headers: { 'content-md5': wrong } }), 400, 'InvalidDigest')
    await refused(request({ method: 'PUT', body: 'body', headers: { 'content-md5': 'short' } }), 400, 'InvalidDigest')
    assert.equal(cloud.object(KEY)?.etag, before)
    assert.equal((await request({ method: 'PUT', body: 'body', headers: { 'content-md5': right } })).status, 200)
  })

  test('x-oss-forbid-overwrite keeps the object', async () => {
    await request({ method: 'PUT', body: 'first' })
    await refused(request({ method: 'PUT', body: 'second', headers: { 'x-oss-forbid-overwrite': 'true' } }), 409, 'FileAlreadyExists')
    await refused(request({ method: 'POST', query: { uploads: '' }, headers: { 'x-oss-forbid-overwrite': 'true' } }), 409, 'FileAlreadyExists')
    assert.equal((await request({})).text, 'first')
  })

  test('an upload id belongs to one key', async () => {
    const uploadId = await initiate()
    grant = cloud.credentials.issue({ key: 'another.mp4' })
    await refused(request({ query: { uploadId } }), 404, 'NoSuchUpload')
    await refused(request({ method: 'DELETE', query: { uploadId } }), 404, 'NoSuchUpload')
  })

  test('a part that arrives after the abort is not kept', async () => {
    const uploadId = await initiate()
    cloud.faults.add({ operation: 'UploadPart', action: { kind: 'stall', ms: 100, fraction: 1 } })
    const late = putPart(uploadId, 1, 'late')
    await new Promise((resolve) => setTimeout(resolve, 40))
    assert.equal((await request({ method: 'DELETE', query: { uploadId } })).status, 204)
    await refused(late, 404, 'NoSuchUpload')
    assert.deepEqual(readdirSync(join(cloud.root, 'incoming')), [])
  })

  test('the rest of a refused body is read, and the connection serves on', { timeout: 5000 }, async () => {
    const size = 4 << 20
    const socket = connect(Number(new URL(cloud.oss).port), '127.0.0.1').setEncoding('latin1')
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data\r\nContent-Length: ${size}\r\n\r\n`)
    socket.write(Buffer.alloc(size))
    socket.write('GET /second HTTP/1.1\r\nHost: x\r\n\r\n')
    let text = ''
    for await (const chunk of socket) {
      text += chunk
      if (text.split('</Error>').length === 3) break
    }
    assert.deepEqual(cloud.log.map(({ code, bytes }) => [code, bytes]), [['MalformedPOSTRequest', size], ['AccessDenied', 0]])
  })

  test('an error of HEAD travels in x-oss-err', async () => {
    grant = cloud.credentials.issue({ key: 'never/stored.mp4' })
    const { status, headers } = await request({ method: 'HEAD' })
    assert.equal(status, 404)
    assert.equal(element(Buffer.from(String(headers['x-oss-err']), 'base64').toString(), 'Code'), 'NoSuchKey')
  })

  test('a body shorter than announced stores nothing', async () => {
    const uploadId = await initiate()
    await assert.rejects(new Promise((_, reject) => {
      const broken = putPart(uploadId, 1, 'only this', { unsigned: { 'content-length': '100' } })
      broken.catch(reject)
      setTimeout(() => cloud.faults.network({ down: true }), 50)
    }))
    cloud.faults.network(null)
    assert.deepEqual(cloud.uploads().find((upload) => upload.uploadId === uploadId)?.parts, [])
    assert.equal(cloud.log.find((entry) => entry.operation === 'UploadPart')?.status, 0)
  })

  test('answers carry the headers OSS gives, and errors its XML', async () => {
    const answer = await request({ key: KEY, method: 'PUT', body: '123456789' })
    assert.equal(answer.headers['x-oss-hash-crc64ecma'], '11051210869376104954')
    assert.match(String(answer.headers['x-oss-request-id']), /^[0-9A-F]{24}$/)
    assert.match(String(answer.headers['x-oss-server-time']), /^\d+$/)
    const { text, headers } = await request({ query: { uploadId: 'none' } })
    assert.equal(headers['content-type'], 'application/xml')
    assert.equal(element(text, 'RequestId'), headers['x-oss-request-id'])
    assert.deepEqual([element(text, 'Code'), element(text, 'UploadId'), element(text, 'HostId')], ['NoSuchUpload', 'none', new URL(cloud.oss).host])
  })

  test('what it does not play is refused, not guessed', async () => {
    await refused(request({ query: { acl: '' } }), 405, 'MethodNotAllowed')
    await refused(send(`${cloud.oss}/%E0%A4%A`, 'GET', {}), 400, 'InvalidURI')
    await assert.rejects(startCloud({ host: '0.0.0.0' }), /loopback/)
    await assert.rejects(startCloud({ ossPort: Number(new URL(cloud.oss).port) }), { code: 'EADDRINUSE' })
  })

  test('CRC-64 has its check value, in pieces and joined', () => {
    const [whole, head, tail] = ['123456789', '1234', '56789'].map((text) => {
      const crc = crc64()
      for (const byte of text) crc.update(Buffer.from(byte))
      return crc.value()
    })
    assert.equal(whole, 11051210869376104954n)
    assert.equal(joinCrc64(head, tail, 5), whole)
  })
})

describe('PostObject', () => {
  const HOUR = 3_600_000

  /**
   * @param {{ conditions?: any[], expires?: number, fields?: Record<string, string>, file?: string, v4?: boolean, pinned?: boolean, form?: (form: FormData) => void }} [options]
   */
  const post = async ({ conditions = [], expires = Date.now() + HOUR, fields = {}, file = 'form bytes', v4 = false, pinned = true, form: change = () => {} } = {}) => {
    const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
    /** @type {Record<string, string>} */
    const signed = v4 ? {
      'x-oss-signature-version': 'OSS4-HMAC-SHA256', 'x-oss-date': date,
      'x-oss-credential': `${grant.accessKeyId}/${date.slice(0, 8)}/cn-shanghai/oss/aliyun_v4_request`, 'x-oss-security-token': grant.securityToken,
    } : { OSSAccessKeyId: grant.accessKeyId, 'x-oss-security-token': grant.securityToken }
    const all = v4 && pinned ? [...Object.entries(signed).map(([name, value]) => ({ [name]: value })), ...conditions] : conditions
    const policy = Buffer.from(JSON.stringify({ expiration: new Date(expires).toISOString(), conditions: all })).toString('base64')
    if (v4) signed['x-oss-signature'] = signer().getSignatureV4(grant.accessKeySecret, date.slice(0, 8), 'cn-shanghai', policy)
    else signed.Signature = signer().computeSignature(grant.accessKeySecret, policy)
    const form = new FormData()
    for (const [name, value] of Object.entries({ key: KEY, policy, ...signed, ...fields })) form.append(name, value)
    form.append('file', new Blob([file]), 'own name.mp4')
    change(form)
    const response = await fetch(`${cloud.oss}/`, { method: 'POST', body: form })
    const text = await response.text()
    return { status: response.status, text, code: element(text, 'Code'), etag: response.headers.get('etag') }
  }

  for (const v4 of [false, true]) {
    test(`stores the file of a ${v4 ? 'V4' : 'V1'} form`, async () => {
      const file = '\r\n--almost a boundary\r\n'.repeat(10_000)
      const answer = await post({ v4, file, conditions: [['content-length-range', file.length, file.length], ['eq', '$key', KEY], { bucket: cloud.bucket }] })
      assert.deepEqual([answer.status, answer.etag], [204, `"${md5(file).toUpperCase()}"`])
      assert.equal((await request({})).text, file)
      assert.deepEqual(cloud.log.map(({ operation, key, status }) => [operation, key, status])[0], ['PostObject', KEY, 204])
    })

    test(`refuses a forged ${v4 ? 'V4' : 'V1'} form`, async () => {
      await refused(post({ v4, fields: v4 ? { 'x-oss-signature': '00' } : { Signature: 'AAAA' } }), 403, 'SignatureDoesNotMatch')
    })
  }

  test('a form in pieces of any size is the same form', async () => {
    const text = '--B\r\nContent-Disposition: form-data; name="Key"\r\n\r\na.mp4\r\n--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n'
      + 'Content-Type: video/mp4\r\n\r\n\r\n--A\r\n--B--\r\n'
    for (const size of [1, 2, 3, 7, 1000]) {
      const pieces = async function* () { for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size)) }
      const { fields, fileName, fileType, file } = await readForm('multipart/form-data; boundary=B', pieces())
      let content = ''
      for await (const chunk of file) content += chunk
      assert.deepEqual([fields, fileName, fileType, content], [{ key: 'a.mp4' }, 'f', 'video/mp4', '\r\n--A'])
    }
  })

  test('answers as success_action_status asks', async () => {
    assert.equal((await post({ fields: { success_action_status: '200' } })).status, 200)
    const { status, text } = await post({ fields: { success_action_status: '201' } })
    assert.deepEqual([status, element(text, 'Key')], [201, KEY])
  })

  test('the policy decides: time, size, fields', async () => {
    const expired = await post({ expires: Date.now() - 1 })
    assert.deepEqual([expired.status, expired.code, element(expired.text, 'Message')], [403, 'AccessDenied', 'Invalid according to Policy: Policy expired.'])
    await refused(post({ conditions: [['content-length-range', 0, 9]] }), 400, 'EntityTooLarge')
    await refused(post({ conditions: [['content-length-range', 11, 20]] }), 400, 'EntityTooSmall')
    await refused(post({ conditions: [['eq', '$key', 'other']] }), 403, 'AccessDenied')
    await refused(post({ conditions: [['starts-with', '$key', 'other']] }), 403, 'AccessDenied')
    await refused(post({ conditions: [['nonsense', '$key', KEY]] }), 400, 'InvalidPolicyDocument')
    await refused(post({ fields: { key: 'other' } }), 403, 'AccessDenied')
    await refused(post({ v4: true, pinned: false }), 403, 'AccessDenied')
    await refused(post({ fields: { policy: '' } }), 400, 'InvalidArgument')
    await refused(post({ form: (form) => form.delete('file') }), 400, 'InvalidArgument')
    grant = cloud.credentials.issue({ key: KEY, life: 0 })
    await refused(post(), 403, 'SecurityTokenExpired')
  })
})

describe('a root of its own', () => {
  test('is continued by the next cloud: objects, unfinished uploads, videos', async () => {
    const root = mkdtempSync(join(tmpdir(), 'vodupload-root-'))
    const first = await startCloud({ root })
    const { videoId } = await (await fetch(`${first.app}/api/videos`, { method: 'POST', body: '{"fileName":"a.mp4"}' })).json()
    const key = `sv/${videoId}/${videoId}.mp4`
    const one = first.credentials.issue({ key })
    const uploadId = element((await signedRequest(first, one, { method: 'POST', query: { uploads: '' } })).text, 'UploadId')
    await signedRequest(first, one, { method: 'PUT', query: { partNumber: '1', uploadId }, body: Buffer.alloc(MIN) })
    await first.close()

    const second = await startCloud({ root })
    const two = second.credentials.issue({ key })
    await signedRequest(second, two, { method: 'PUT', query: { partNumber: '2', uploadId }, body: 'end' })
    const { status } = await signedRequest(second, two, { method: 'POST', query: { uploadId }, headers: { 'x-oss-complete-all': 'yes' } })
    assert.equal(status, 200)
    assert.equal((await (await fetch(`${second.app}/api/videos/${videoId}`)).json()).size, MIN + 3)
    await second.close()
    rmSync(root, { recursive: true })
  })
})

describe('integrity and keep', () => {
  for (const integrity of /** @type {const} */ (['etag', 'off'])) {
    test(`${integrity}, not kept: counted and answered, but gone`, async () => {
      const light = await startCloud({ integrity, keep: false })
      const one = light.credentials.issue({ key: KEY })
      const { headers } = await signedRequest(light, one, { method: 'PUT', body: 'bytes' })
      assert.equal(headers.etag === `"${md5('bytes').toUpperCase()}"`, integrity === 'etag')
      assert.match(String(headers.etag), /^"[0-9A-F]{32}"$/)
      assert.equal(headers['x-oss-hash-crc64ecma'], undefined)
      assert.deepEqual([light.object(KEY)?.size, light.object(KEY)?.path], [5, null])
      await refused(signedRequest(light, one, {}), 403, 'InvalidObjectState')
      await light.close()
    })
  }
})
