// @ts-check
// What is stored is what the file holds: checksums, short reads, and small files as forms.
import assert from 'node:assert/strict'
import { crc64 } from '../cloud/crc64.js'
import { FakeFile, fakeHost } from './fake_host.js'
import { AUTH, PART, SECRET, TOKEN, addressOf, deferred, settled, stage } from './stage.js'
import { test } from './story.js'
import { refusal, tinyOss } from './tiny_oss.js'

/** @typedef {import('./fake_host.js').FakeRequest} FakeRequest */

/** The checksum that OSS tells of a part. @param {FakeRequest} request */
function checksum({ source, slice: { start, end } }) {
  const crc = crc64()
  crc.update(new Uint8Array(source.file.bytes(start, end)))
  return String(crc.value())
}

/** An OSS that tells checksums, damaged when `spoil` says so. @param {(request: FakeRequest) => boolean} [spoil] */
function checking(spoil = () => false) {
  const oss = tinyOss()
  /** @param {FakeRequest} request */
  const answer = (request) => {
    const response = /** @type {any} */ (oss.answer(request))
    if (!['UploadPart', 'PutObject', 'PostObject'].includes(request.operation)) return response
    const sum = spoil(request) ? '1' : checksum(request)
    return { ...response, headers: { ...response.headers, 'x-oss-hash-crc64ecma': sum } }
  }
  return { ...oss, answer }
}

/** @param {import('node:test').TestContext} t @param {ReturnType<typeof checking>} oss @param {object} [options] @param {number} [size] */
function sending(t, oss, options, size = 3 * PART) {
  const scene = stage(t, { oss, options: { integrity: true, ...options } })
  scene.add('a.mp4', size)
  scene.uploader.startUpload()
  return scene
}

test('every byte that is stored is read once more and compared', async (t) => {
  const { fake, next } = sending(t, checking())
  const [info] = await next('onUploadSucceed')
  assert.equal(info.verified, true)
  assert.deepEqual(fake.reads.sort(), [0, 1, 2].map((i) => `${i * PART}-${(i + 1) * PART}`))
})

test('large parts are read a piece at a time', async (t) => {
  const size = (5 << 20) + 1
  const { fake, next } = sending(t, checking(), { partSize: size }, size)
  await next('onUploadSucceed')
  const reads = fake.reads.map((read) => read.split('-').map(Number))
  assert.ok(reads.length > 1)
  assert.deepEqual(reads.map(([start]) => start), [0, ...reads.slice(0, -1).map(([, end]) => end)])
  assert.equal(reads.at(-1)?.[1], size)
})

test('with integrity false nothing is read, and the file is not called verified', async (t) => {
  const { fake, next } = sending(t, checking(() => true), { integrity: false })
  const [info] = await next('onUploadSucceed')
  assert.deepEqual([fake.reads, info.verified], [[], false])
})

/** What becomes of three parts that take a second each. @param {import('node:test').TestContext} t @param {any} integrity @param {number} partSize */
async function comparedAt(t, integrity, partSize) {
  t.mock.timers.enable({ apis: ['Date'], now: 1_795_238_400_000 })
  const oss = tinyOss()
  const { fake, next } = sending(t, /** @type {any} */ (oss), { integrity, partSize, parallel: 1 }, 3 * partSize)
  fake.serve((request) => {
    t.mock.timers.tick(1_000)
    const response = /** @type {any} */ (oss.answer(request))
    if (!request.part) return response
    const sum = partSize === PART ? checksum(request) : '1'
    return { ...response, headers: { ...response.headers, 'x-oss-hash-crc64ecma': sum } }
  })
  const [{ verified }] = await next('onUploadSucceed')
  return { verified, reads: fake.reads.length }
}

for (const integrity of [undefined, null, 0, '']) {
  test(`with integrity ${JSON.stringify(integrity)} a link of 100 KB/s is compared`, async (t) => {
    assert.deepEqual(await comparedAt(t, integrity, PART), { verified: true, reads: 3 })
  })
}

test('by default a link of 500 MB/s is not compared, for that would slow it down', async (t) => {
  assert.equal((await comparedAt(t, undefined, 512 << 20)).verified, false)
})

test('a part whose checksum is another is sent again, and only that', async (t) => {
  let damages = 1
  const { fake, next } = sending(t, checking(({ part }) => part === 2 && damages-- > 0))
  assert.equal((await next('onUploadSucceed'))[0].verified, true)
  assert.deepEqual(fake.requests.filter(({ part }) => part).map(({ part }) => part).sort(), [1, 2, 2, 3])
})

test('a small file whose checksum is another is sent again', async (t) => {
  let damages = 1
  const { fake, next } = sending(t, checking(() => damages-- > 0), {}, 1_000)
  await next('onUploadSucceed')
  assert.deepEqual(fake.operations(), ['PutObject', 'PutObject'])
})

test('a part that stays damaged fails the file with InconsistentChecksum and its number, once', async (t) => {
  const { next, of } = sending(t, checking(({ part }) => part === 2))
  await next('onUploadEnd')
  const [{ args: [, code, , error] }, ...more] = of('onUploadFailed')
  assert.deepEqual([code, error.partNumber, error.retryable, more], ['InconsistentChecksum', 2, true, []])
})

for (const [what, read] of /** @type {[string, any][]} */ ([
  ['that is shorter now', async (/** @type {any} */ _, /** @type {number} */ start, /** @type {number} */ end) => new ArrayBuffer(end - start - 1)],
  ['that is longer', async (/** @type {any} */ _, /** @type {number} */ start, /** @type {number} */ end) => new ArrayBuffer(end - start + 1)],
  ['that gives nothing', async () => undefined],
  ['that cannot be read', () => Promise.reject({ code: 'FileUnreadable', message: 'NotReadableError' })],
])) {
  test(`a file ${what} fails with FileUnreadable, once, and is no longer sent`, async (t) => {
    const { uploader, add, next, of } = stage(t, { fake: fakeHost({ read }), oss: checking(), options: { integrity: true } })
    add('a.mp4', 3 * PART)
    uploader.startUpload()
    await next('onUploadEnd')
    assert.deepEqual(of('onUploadFailed').map(({ args }) => [args[1], args[3].retryable]), [['FileUnreadable', false]])
  })
}

test('a cancel while a part is compared ends the comparison', async (t) => {
  const slow = deferred()
  const { uploader, add, fake, of, next } = stage(t, { fake: fakeHost({ read: () => slow.promise }), oss: checking(), options: { integrity: true } })
  add('a.mp4', 3 * PART)
  uploader.startUpload()
  await next('onUploadProgress')
  await settled()
  uploader.cancelFile(0)
  slow.reject({ code: 'FileUnreadable', message: 'too late' })
  await settled()
  assert.deepEqual([of('onUploadFailed').length, of('onUploadCanceled').length, fake.operations().at(-1)], [0, 1, 'AbortMultipartUpload'])
})

// Forms: a small file in a request that needs no CORS preflight.

const LARGEST = 256 << 10
const form = { limits: { parallel: 6, form: LARGEST, digestRate: 110e6 } }
const fieldsOf = (/** @type {FakeRequest} */ request) => request.slice.fields ?? []

test('a file of 256 KiB goes as one form, and one byte more as parts', async (t) => {
  for (const [size, operation] of /** @type {const} */ ([[1, 'PostObject'], [LARGEST, 'PostObject'], [LARGEST + 1, 'InitiateMultipartUpload']])) {
    const { fake, uploader, add, next } = stage(t, { fake: fakeHost(form) })
    add('a.mp4', size)
    uploader.startUpload()
    await next('onUploadSucceed')
    assert.equal(fake.operations()[0], operation)
  }
})

test('a form needs no preflight: no header, and all in its fields', async (t) => {
  const { fake, uploader, add, next } = stage(t, { fake: fakeHost(form) })
  add()
  uploader.startUpload()
  await next('onUploadSucceed')
  const [request] = fake.requests
  assert.deepEqual([request.method, request.headers, request.url.href], ['POST', {}, 'https://outin-test.oss-cn-shanghai.aliyuncs.com/'])
  const fields = Object.fromEntries(fieldsOf(request))
  assert.deepEqual([fields.key, fields.success_action_status, fields['Content-Type'], fields['x-oss-security-token']],
    ['sv/a.mp4', '201', 'video/mp4', TOKEN])
  assert.equal(fieldsOf(request).some(([name]) => name === 'file'), false, 'the host adds the file as the last field')
})

test('the policy of a form is for exactly this key and size', async (t) => {
  const { fake, uploader, add, next } = stage(t, { fake: fakeHost(form) })
  add('a.mp4', 1_234)
  uploader.startUpload()
  await next('onUploadSucceed')
  const fields = Object.fromEntries(fieldsOf(fake.requests[0]))
  const { conditions, expiration } = JSON.parse(Buffer.from(fields.policy, 'base64').toString())
  const has = (/** @type {any} */ wanted) => conditions.some((/** @type {any} */ one) => JSON.stringify(one) === JSON.stringify(wanted))
  assert.ok(has(['content-length-range', 1_234, 1_234]), JSON.stringify(conditions))
  assert.ok(has({ key: 'sv/a.mp4' }) || has(['eq', '$key', 'sv/a.mp4']), JSON.stringify(conditions))
  assert.ok(has({ bucket: 'outin-test' }), JSON.stringify(conditions))
  assert.ok(Date.parse(expiration) > Date.now())
  assert.ok(!JSON.stringify(fake.requests[0].body).includes(SECRET))
})

test('a form that is refused is followed by a plain request, and nobody is told', async (t) => {
  const { fake, oss, uploader, add, next, of } = stage(t, { fake: fakeHost(form) })
  fake.serve((request) => (request.operation === 'PostObject' ? refusal('AccessDenied') : oss.answer(request)))
  add()
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.deepEqual([fake.operations(), of('onUploadFailed').length], [['PostObject', 'PutObject'], 0])
})

test('a form that a CORS rule does not allow is followed by a plain request', async (t) => {
  const { fake, oss, uploader, add, next } = stage(t, { fake: fakeHost(form) })
  fake.serve((request) => (request.operation === 'PostObject' ? request.fail() : oss.answer(request)))
  add()
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.deepEqual(fake.operations(), ['PostObject', 'PutObject'])
})

test('a form whose credential has expired asks for another', async (t) => {
  const { fake, oss, uploader, add, next } = stage(t, { fake: fakeHost(form) })
  let refusals = 1
  fake.serve((request) => (refusals-- > 0 ? refusal('SecurityTokenExpired') : oss.answer(request)))
  add()
  uploader.startUpload()
  await next('onUploadTokenExpired')
  uploader.resumeUploadWithAuth(AUTH)
  await next('onUploadSucceed')
  assert.equal(fake.requests.length, 2)
})

test('what a form has stored is compared, too', async (t) => {
  const { fake, uploader, add, next } = stage(t, { fake: fakeHost(form), oss: checking() })
  add('a.mp4', 1_000)
  uploader.startUpload()
  const [info] = await next('onUploadSucceed')
  assert.deepEqual([fake.reads, info.verified, fake.operations()], [['0-1000'], true, ['PostObject']])
})

test('the type and place of a form follow the file and the address', async (t) => {
  const { fake, uploader, next } = stage(t, { fake: fakeHost(form), authorize: false })
  const file = new FakeFile('a.bin', 10)
  file.type = ''
  uploader.addFile(/** @type {any} */ (file))
  uploader.startUpload()
  uploader.setUploadAuthAndAddress((await next('onUploadstarted'))[0], AUTH, addressOf({ FileName: 'sv/ü b.bin' }))
  await next('onUploadSucceed')
  const fields = Object.fromEntries(fieldsOf(fake.requests[0]))
  assert.deepEqual([fields.key, fields['Content-Type']], ['sv/ü b.bin', 'application/octet-stream'])
})
