// @ts-check
// What a mini program's host asks of its platform, and what it makes of the answers.
import assert from 'node:assert/strict'
import { isAtLeast, miniProgram, vodUploadOn } from './bundle.js'
import { FakeFile, fakeProgram } from './fake_host.js'
import { pathOf } from './fake_wx.js'
import { deferred, settled } from './stage.js'
import { test } from './story.js'

/** @typedef {ReturnType<typeof fakeProgram>} Program */

const URL = 'https://outin-test.oss-cn-shanghai.aliyuncs.com/sv/a.mp4?partNumber=1&uploadId=U'
const HOUR = 3_600_000
const SIZE = 5_000

/** A file that was picked, as the host knows it. @param {Program} program @param {number} [size] */
function picked({ host }, size = SIZE) {
  const file = new FakeFile('a.mp4', size)
  const path = pathOf(file, '.mp4')
  return { file, path, source: host.open(path) }
}

/** A part of a file. @param {number} start @param {number} end */
const partOf = (start, end) => ({ method: 'PUT', url: URL, headers: /** @type {[string, string][]} */ ([['content-type', 'video/mp4']]), body: { file: 1, start, end } })

/** @type {[string, string][]} */
const FIELDS = [['key', 'sv/a.mp4'], ['policy', 'P'], ['x-oss-security-token', 'T'], ['success_action_status', '201']]

/** A whole file as a form. @param {number} end */
const formOf = (end) => ({ method: 'POST', url: URL, headers: /** @type {[string, string][]} */ ([]), body: { file: 1, start: 0, end, fields: FIELDS } })

/** What a promise was rejected with. @param {Promise<unknown>} promise @returns {Promise<any>} */
const reason = (promise) => promise.then(() => assert.fail('it was resolved'), (error) => error)

const nothing = () => {}

test('a request is passed on as it is signed, and what is no JSON stays text', async () => {
  for (const [method, body] of [['GET', undefined], ['POST', '<CompleteMultipartUpload/>'], ['POST', ''], ['DELETE', undefined]]) {
    const { host, calls, requests } = fakeProgram()
    const { done } = host.send({ method: String(method), url: URL, headers: [['content-type', 'application/xml'], ['x-oss-date', 'D']], body }, undefined, nothing)
    const { success, fail, ...options } = calls[0]
    assert.deepEqual(options, {
      url: URL, method, data: body, header: { 'content-type': 'application/xml', 'x-oss-date': 'D' }, dataType: 'string', responseType: 'text', timeout: HOUR,
    })
    assert.deepEqual([typeof success, typeof fail], ['function', 'function'])
    requests[0].respond({ status: 403, headers: { etag: '"E"', 'x-oss-request-id': 'R', 'x-oss-hash-crc64ecma': '1' }, body: '<Error/>' })
    assert.deepEqual(await done, { status: 403, headers: { etag: '"E"', 'x-oss-request-id': 'R', 'x-oss-hash-crc64ecma': '1' }, body: '<Error/>' })
  }
})

test('header names are lower-cased, values are texts, and no headers are none', async () => {
  for (const [header, expected] of /** @type {[any, object][]} */ ([
    [{ ETag: '"E"', 'X-OSS-Request-Id': 'R', 'Content-Length': 12 }, { etag: '"E"', 'x-oss-request-id': 'R', 'content-length': '12' }],
    [undefined, {}],
  ])) {
    const { host, wx } = fakeProgram()
    Object.assign(wx, { request: (/** @type {any} */ { success }) => success({ statusCode: 200, header, data: new ArrayBuffer(1) }) })
    assert.deepEqual(await host.send({ method: 'GET', url: URL, headers: [] }, undefined, nothing).done, { status: 200, headers: expected, body: '' })
  }
})

test('a timeout and a body of a platform are its own', () => {
  const { host, calls } = fakeProgram({ timeout: 60_000, textToBody: (text) => `<${text}>` })
  host.send({ method: 'POST', url: URL, headers: [], body: 'text' }, undefined, nothing)
  host.send({ method: 'GET', url: URL, headers: [] }, undefined, nothing)
  assert.deepEqual(calls.map(({ timeout, data }) => [timeout, data]), [[60_000, '<text>'], [60_000, undefined]])
})

test('a part is read, sent as bytes with the type that was signed, and its file closed', async () => {
  const program = fakeProgram()
  const { file, source } = picked(program)
  const { done } = program.host.send(partOf(1_000, 4_000), source, () => assert.fail('nobody sees it leave'))
  assert.equal(program.calls.length, 0, 'it is read first')
  await settled()
  const [{ data, header, dataType, responseType, timeout }] = program.calls
  assert.deepEqual(Buffer.from(data), Buffer.from(file.bytes(1_000, 4_000)))
  assert.deepEqual([header, dataType, responseType, timeout], [{ 'content-type': 'video/mp4' }, 'string', 'text', HOUR])
  program.requests[0].respond({ headers: { etag: '"E"' } })
  assert.deepEqual(await done, { status: 200, headers: { etag: '"E"' }, body: '' })
  assert.equal(program.descriptors.size, 0)
})

// Reading ranges.

/** @param {Program} program @param {(options: any) => any} change of what `read` is asked */
function reading({ fs }, change) {
  const { read } = fs
  /** @type {any[]} */
  const asked = []
  fs.read = (options) => {
    asked.push(options)
    return read(change(options))
  }
  return asked
}

test('what is read in short pieces is put together', async () => {
  const program = fakeProgram()
  const { file, source } = picked(program)
  const asked = reading(program, (options) => ({ ...options, length: Math.min(options.length, 700) }))
  assert.deepEqual(Buffer.from(await program.host.read(source, 100, 2_000)), Buffer.from(file.bytes(100, 2_000)))
  assert.deepEqual(asked.map(({ offset, position, length }) => [offset, position, length]), [[0, 100, 1_900], [700, 800, 1_200], [1_400, 1_500, 500]])
  assert.equal(program.descriptors.size, 0)
})

test('a read that gives nothing ends, is a fault of the file, and leaves nothing open', async () => {
  const program = fakeProgram()
  const { source } = picked(program)
  const asked = reading(program, (options) => ({ ...options, length: asked.length < 2 ? 10 : 0 }))
  assert.deepEqual(await reason(program.host.read(source, 0, 100)), { code: 'FileUnreadable', message: 'The file cannot be read: it ends early.' })
  assert.deepEqual([asked.length, program.descriptors.size], [2, 0])
})

test('a read that fails is a fault of the file, and leaves nothing open', async () => {
  const program = fakeProgram()
  const { source } = picked(program)
  reading(program, (options) => ({ ...options, fd: 'none' }))
  const { code, message } = await reason(program.host.send(partOf(0, 10), source, nothing).done)
  assert.deepEqual([code, message], ['FileUnreadable', 'The file cannot be read: fail bad file descriptor'])
  assert.deepEqual([program.calls.length, program.descriptors.size], [0, 0])
})

test('a file that cannot be opened is a fault of the file', async () => {
  const program = fakeProgram()
  const { source } = picked(program)
  program.fs.open = ({ fail }) => fail({ errMsg: 'open:fail permission denied' })
  assert.deepEqual(await reason(program.host.read(source, 0, 10)), { code: 'FileUnreadable', message: 'The file cannot be read: open:fail permission denied' })
})

for (const missing of /** @type {const} */ (['open', 'read'])) {
  test(`without ${missing} ranges are read by readFile`, async () => {
    const program = fakeProgram()
    const { file, source } = picked(program)
    delete (/** @type {any} */ (program.fs)[missing])
    /** @type {any[]} */
    const asked = []
    const { readFile } = program.fs
    program.fs.readFile = (options) => {
      asked.push(options)
      return readFile(options)
    }
    assert.deepEqual(Buffer.from(await program.host.read(source, 1_000, 4_000)), Buffer.from(file.bytes(1_000, 4_000)))
    assert.deepEqual(asked.map(({ filePath, position, length }) => [filePath, position, length]), [[source.file, 1_000, 3_000]])
    assert.equal(program.descriptors.size, 0)
  })
}

test('where readFile answers the whole file, a part of it is not sent', async () => {
  const program = fakeProgram()
  const { file, source } = picked(program)
  delete (/** @type {any} */ (program.fs).open)
  program.fs.readFile = ({ success }) => success({ data: file.bytes(0, SIZE) })
  assert.equal((await reason(program.host.send(partOf(0, 10), source, nothing).done)).code, 'FileUnreadable')
  assert.equal(program.calls.length, 0)
})

for (const [what, change] of /** @type {[string, (file: any) => void][]} */ ([
  ['has grown', (file) => { file.size++ }],
  ['has shrunk', (file) => { file.size-- }],
])) {
  test(`a file that ${what} is not read, for some platforms fill up with zeros`, async () => {
    const program = fakeProgram()
    const { file, source } = picked(program)
    change(file)
    const fault = { code: 'FileUnreadable', message: 'The file cannot be read: its size has changed.' }
    assert.deepEqual(await reason(program.host.read(source, 0, 10)), fault)
    assert.deepEqual(await reason(program.host.send(partOf(0, 10), source, nothing).done), fault)
    assert.equal(program.calls.length, 0)
  })
}

// Ends before an answer.

test('an abort ends what is under way', async () => {
  const program = fakeProgram()
  const { source } = picked(program)
  for (const wire of [partOf(0, 10), formOf(SIZE), { method: 'GET', url: URL, headers: /** @type {any} */ ([]) }]) {
    const { done, abort } = program.host.send(wire, source, nothing)
    await settled()
    abort()
    assert.equal(program.requests.at(-1)?.aborted, true)
    const { code, message } = await reason(done)
    assert.equal(code, 'NetworkError')
    assert.match(message, /^https:\/\/outin-test\.oss-cn-shanghai\.aliyuncs\.com did not answer: (request|uploadFile):fail aborted\.$/)
  }
})

test('an abort while the part is read sends nothing', async () => {
  const program = fakeProgram()
  const { source } = picked(program)
  const slow = deferred()
  const { open } = program.fs
  program.fs.open = (options) => slow.promise.then(() => open(options))
  const { done, abort } = program.host.send(partOf(0, 10), source, nothing)
  abort()
  slow.resolve()
  assert.equal((await reason(done)).code, 'NetworkError')
  await settled()
  assert.deepEqual([program.calls.length, program.descriptors.size], [0, 0])
})

test('a platform that answers with no task can still be told to abort', async () => {
  const { host, wx, ...program } = fakeProgram()
  const { source } = picked({ host, wx, ...program })
  wx.request = wx.uploadFile = () => /** @type {any} */ (undefined)
  for (const wire of [formOf(SIZE), { method: 'GET', url: URL, headers: /** @type {any} */ ([]) }]) assert.doesNotThrow(() => host.send(wire, source, nothing).abort())
})

test('a platform that throws is one that did not answer', async () => {
  const { host, wx } = fakeProgram()
  wx.request = () => { throw new Error('parameter error') }
  assert.match(String(await reason(host.send({ method: 'GET', url: URL, headers: [] }, undefined, nothing).done)), /parameter error/)
})

test('a failure tells the origin and what the platform says, and no signature', async () => {
  const { host, requests } = fakeProgram()
  const { done } = host.send({ method: 'GET', url: `${URL}&signature=SECRET`, headers: [] }, undefined, nothing)
  requests[0].fail(/** @type {any} */ ({ errMsg: 'request:fail timeout' }))
  assert.deepEqual(await reason(done), { code: 'NetworkError', message: 'https://outin-test.oss-cn-shanghai.aliyuncs.com did not answer: request:fail timeout.' })
})

test('a form whose file is gone is a fault of the file, at once', async () => {
  const program = fakeProgram()
  const { source } = picked(program)
  const { done } = program.host.send(formOf(SIZE), { ...source, file: 'wxfile://tmp/gone' }, nothing)
  const { code, message } = await reason(done)
  assert.equal(code, 'FileUnreadable')
  assert.match(message, /^The file cannot be read: fail no such file/)
})

// Forms.

test('a form is uploadFile with its fields in order, the path of the file, and its name last', async () => {
  const program = fakeProgram()
  const { path, source } = picked(program)
  const { done } = program.host.send(formOf(SIZE), source, nothing)
  const { success, fail, formData, ...options } = program.calls[0]
  assert.deepEqual(options, { url: URL, filePath: path, name: 'file', timeout: HOUR })
  assert.deepEqual(Object.entries(formData), FIELDS)
  program.requests[0].respond({ status: 201, headers: { etag: '"E"' }, body: '<PostResponse/>' })
  assert.deepEqual(await done, { status: 201, headers: { etag: '"E"' }, body: '<PostResponse/>' })
})

test('a form has the headers that it is signed with', async () => {
  const program = fakeProgram()
  const { source } = picked(program)
  program.host.send({ ...formOf(SIZE), headers: [['authorization', 'A'], ['vod-forward-cos', 'b.example.com']] }, source, nothing)
  assert.deepEqual(program.calls[0].header, { authorization: 'A', 'vod-forward-cos': 'b.example.com' })
})

test('the progress of a form is that of its file: the fields are taken off, and it is never above', () => {
  const program = fakeProgram()
  const { source } = picked(program)
  /** @type {(status: any) => void} */
  let hear = nothing
  program.wx.uploadFile = () => ({ abort: nothing, onProgressUpdate: (/** @type {any} */ hearer) => { hear = hearer } })
  /** @type {number[]} */
  const sent = []
  program.host.send(formOf(SIZE), source, (bytes) => sent.push(bytes))
  const whole = SIZE + 1_000
  for (const totalBytesSent of [0, whole / 4, whole / 3, whole, whole + 1]) hear({ totalBytesSent, totalBytesExpectedToSend: whole })
  hear({ totalBytesSent: 10, totalBytesExpectedToSend: 0 })
  hear({ totalBytesSent: 0, totalBytesExpectedToSend: 0 })
  hear({ totalBytesSent: undefined, totalBytesExpectedToSend: undefined })
  assert.deepEqual(sent, [0, SIZE / 4, Math.floor(SIZE / 3), SIZE, SIZE, SIZE, 0, 0])
})

test('a task that tells no progress is one, too', () => {
  const program = fakeProgram()
  const { source } = picked(program)
  program.wx.uploadFile = () => ({ abort: nothing })
  assert.doesNotThrow(() => program.host.send(formOf(SIZE), source, nothing))
})

// Limits and versions.

test('the limits leave the program requests of its own, and say what nobody sees', () => {
  assert.deepEqual({ ...fakeProgram().host.limits }, { parallel: 8, parts: 3, largestPart: 4 << 20, unseenRate: 16 << 10, form: 1 << 20, digestRate: 8e6 })
  assert.equal(fakeProgram({ digestRate: () => 1e6 }).host.limits.digestRate, 1e6)
  const { limits } = fakeProgram({ canReadRanges: () => false }).host
  assert.deepEqual([limits.form, limits.digestRate], [Infinity, 0], 'nothing can be read to compare it')
})

test('the storage is that of the platform, and what is not there is nothing', () => {
  const { host: { storage }, storage: { records } } = fakeProgram()
  assert.equal(storage.get('key'), null)
  storage.set('key', 'text')
  assert.deepEqual([storage.get('key'), [...records]], ['text', [['key', 'text']]])
  storage.remove('key')
  assert.equal(records.size, 0)
})

test('nothing is asked of a platform before it is needed, for other programs load this, too', () => {
  const ask = () => assert.fail('it was asked')
  assert.equal(typeof vodUploadOn(miniProgram(ask, { loadCore: ask, canReadRanges: ask, digestRate: ask })), 'function')
})

test('a version is compared number by number', () => {
  const at = (/** @type {string} */ SDKVersion) => ({ getAppBaseInfo: () => ({ SDKVersion }) })
  for (const [present, needed, expected] of /** @type {[string, string, boolean][]} */ ([
    ['2.14.0', '2.14.0', true], ['2.14.1', '2.14.0', true], ['2.13.9', '2.14.0', false], ['2.9.5', '2.10.0', false], ['2.100.0', '2.14.0', true],
    ['3.0.0', '2.14.0', true], ['1.99.99', '2.14.0', false], ['3.8.0', '2.10.0', true],
  ])) assert.equal(isAtLeast(at(present), needed), expected, `${present} ${needed}`)
  assert.equal(isAtLeast({ getSystemInfoSync: () => ({ SDKVersion: '2.13.0' }) }, '2.13.0'), true, 'before there was getAppBaseInfo')
})
