// @ts-check
// What addFile accepts and refuses, and how options are read.
import assert from 'node:assert/strict'
import { FakeFile, fakeHost } from './fake_host.js'
import { UploadError } from './bundle.js'
import { PART, bareError, fieldsOf, settled, stage } from './stage.js'
import { test } from './story.js'
import { tinyOss } from './tiny_oss.js'

/** @type {[string, string, any[]][]} */
const REFUSALS = [
  ['an empty file', 'EmptyFile', [new FakeFile('a.mp4', 0)]],
  ['no file', 'InvalidArgument', []],
  ['null', 'InvalidArgument', [null]],
  ['a text', 'InvalidArgument', ['a.mp4']],
  ['a plain object', 'InvalidArgument', [{ name: 'a.mp4', size: 1 }]],
  ['the broken sample of the documents', 'InvalidParamData',
    [new FakeFile('a.mp4', 9), null, null, null, '{"Vod":{"Title":"test","CateId":"234"}"}']],
  ...['null', '7', '"Vod"', '[]', 'true', [], true, 7, circular()].map((paramData) => /** @type {[string, string, any[]]} */ (
    [`paramData that is ${typeof paramData === 'string' ? 'the text ' : ''}${Object(paramData).self ? 'a circle' : JSON.stringify(paramData)}`,
      'InvalidParamData', [new FakeFile('a.mp4', 9), null, null, null, paramData]])),
]

function circular() {
  /** @type {any} */
  const circle = {}
  return (circle.self = circle)
}

for (const [what, code, args] of REFUSALS) {
  test(`${what} is refused with ${code}, once, and is not queued`, async (t) => {
    const { uploader, fake, calls, of, log, lines } = stage(t)
    assert.equal(uploader.addFile(.../** @type {[any]} */ (args)), false)
    assert.deepEqual(calls, [], 'callbacks come later')
    assert.deepEqual(uploader.listFiles(), [])
    await settled()
    assert.deepEqual(calls.map(({ name }) => name), ['onUploadFailed'])
    const [info, told, message, error] = of('onUploadFailed')[0].args
    assert.ok(info.file === args[0] || fake.isOf(info, args[0]))
    assert.equal(info.state, 'Failure')
    assert.equal(told, code)
    assert.ok(error instanceof UploadError && error instanceof Error)
    assert.deepEqual(fieldsOf(error), bareError(code, message, error.hint))
    assert.ok(message.length > error.hint.length && message.endsWith(error.hint))
    assert.equal(error.hint !== '', code !== 'InvalidArgument', 'what is no file has no hint')
    assert.deepEqual([log, lines], [[], []])
    uploader.startUpload()
    await settled()
    assert.equal(calls.length, 1)
    assert.equal(uploader.addFile(new FakeFile('good.mp4', 9)), true)
  })
}

test('the refusal of paramData shows the right form', async (t) => {
  const { uploader, next } = stage(t)
  uploader.addFile(new FakeFile('a.mp4', 9), null, null, null, '{"Vod":{"Title":"test","CateId":"234"}"}')
  const [, , message] = await next('onUploadFailed')
  const [, form] = message.match(/'(\{.*\})'\.$/)
  assert.deepEqual(JSON.parse(form), { Vod: { Title: 'test', CateId: '234' } })
})

test('the same file is refused without a failure; an equal one is not', async (t) => {
  const { uploader, calls, log, lines } = stage(t)
  const file = new FakeFile('a.mp4', 9)
  assert.equal(uploader.addFile(file), true)
  assert.equal(uploader.addFile(file), false)
  await settled()
  assert.deepEqual(calls, [])
  assert.deepEqual(log.map(({ code }) => code), ['FileAlreadyExist'])
  assert.match(lines.join(), /^vodupload: FileAlreadyExist: /)
  assert.equal(uploader.addFile(new FakeFile('a.mp4', 9)), true)
  assert.equal(uploader.listFiles().length, 2)
  uploader.deleteFile(0)
  assert.equal(uploader.addFile(file), true, 'a deleted file may come back')
})

for (const userId of [undefined, null, '', '  ']) {
  test(`the userId ${JSON.stringify(userId)} is missed, and the upload goes on`, async (t) => {
    const { uploader, add, next, log, lines } = stage(t, { options: { userId: /** @type {any} */ (userId) } })
    await settled()
    assert.deepEqual(log.map(({ level, code }) => [level, code]), [['error', 'MissingArgument']])
    assert.match(log[0].message, /userId/)
    assert.deepEqual(lines, [`vodupload: MissingArgument: ${log[0].message}`])
    add()
    uploader.startUpload()
    await next('onUploadSucceed')
  })
}

for (const userId of [0, 7, '0', 'somebody']) {
  test(`the userId ${JSON.stringify(userId)} is one`, async (t) => {
    const { log, lines } = stage(t, { options: { userId } })
    await settled()
    assert.deepEqual([log, lines], [[], []])
  })
}

test('a checkpoint of another user is not used', async (t) => {
  const records = new Map()
  const oss = tinyOss()
  const first = async (/** @type {string | number} */ userId) => {
    const scene = stage(t, { fake: fakeHost({ records }), oss, options: { userId } })
    scene.fake.serve((request) => (request.operation === 'UploadPart' ? undefined : oss.answer(request)))
    scene.add('a.mp4', 2 * PART)
    scene.uploader.startUpload()
    await settled()
    return scene.fake.operations()[0]
  }
  assert.equal(await first(0), 'InitiateMultipartUpload')
  assert.equal(records.size, 1)
  assert.equal(await first('0'), 'ListParts')
  assert.equal(await first('1'), 'InitiateMultipartUpload')
})

/** Parts of a file of ten under these options. @param {import('node:test').TestContext} t @param {object} options */
async function partsWith(t, options) {
  const { uploader, add, fake, oss } = stage(t, { options: { partSize: undefined, ...options } })
  fake.serve((request) => (request.operation === 'UploadPart' ? undefined : oss.answer(request)))
  add('a.mp4', 10 << 20)
  uploader.startUpload()
  await settled()
  const parts = fake.requests.filter(({ operation }) => operation === 'UploadPart')
  return { count: parts.length, size: parts[0].slice.end - parts[0].slice.start }
}

test('options may be numbers or texts', async (t) => {
  assert.deepEqual(await partsWith(t, { parallel: 3, partSize: 204_800 }), { count: 3, size: 204_800 })
  assert.deepEqual(await partsWith(t, { parallel: '3', partSize: '204800' }), { count: 3, size: 204_800 })
})

test('an option without sense is as good as not given', async (t) => {
  const defaults = { count: 5, size: 1 << 20 }
  for (const value of [undefined, null, '', NaN, 'many', -1, -Infinity, Infinity, {}]) {
    assert.deepEqual(await partsWith(t, { parallel: value, partSize: value }), defaults, String(value))
  }
  assert.deepEqual(await partsWith(t, { partSize: 0 }), defaults)
  assert.equal((await partsWith(t, { parallel: 0 })).count, 1)
  assert.equal((await partsWith(t, { partSize: 1 })).size, PART)
  assert.equal((await partsWith(t, { parallel: 50 })).count, 6, "the host's limit")
})

/** How often a request is sent that never gets through. @param {import('node:test').TestContext} t @param {any} retryCount */
async function attemptsWith(t, retryCount) {
  const { uploader, add, fake, next } = stage(t, { options: { retryCount } })
  fake.serve((request) => request.fail())
  add()
  uploader.startUpload()
  assert.equal((await next('onUploadFailed'))[1], 'NetworkError')
  return fake.requests.length
}

test('a retryCount of 0 is 0, and others are what they say', async (t) => {
  assert.equal(await attemptsWith(t, 0), 1)
  assert.equal(await attemptsWith(t, '0'), 1)
  assert.equal(await attemptsWith(t, 5), 6)
  assert.equal(await attemptsWith(t, '2'), 3)
  assert.equal(await attemptsWith(t, undefined), 4)
  assert.equal(await attemptsWith(t, NaN), 4)
  assert.equal(await attemptsWith(t, -1), 4)
})

test('a retryDuration is seconds, and 0 is 0', async (t) => {
  /** @type {[any, number][]} */
  const cases = [[0, 0], ['0', 0], [10, 20_000], ['0.5', 1_000], [undefined, 4_000]]
  for (const [retryDuration, longest] of cases) {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_238_400_000 })
    const { uploader, add, fake } = stage(t, { serve: false, options: { retryDuration } })
    add()
    uploader.startUpload()
    const request = await fake.nextRequest()
    t.mock.method(Math, 'random', () => 1)
    request.fail()
    await settled()
    if (longest > 0) assert.equal(fake.hasRequest, false, `at once with ${retryDuration}`)
    t.mock.timers.tick(longest)
    await settled()
    assert.equal(fake.hasRequest, true, `not within ${longest} ms with ${retryDuration}`)
    t.mock.timers.reset()
  }
})

test('a request that stands still for the timeout is sent again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_238_400_000 })
  const { uploader, add, fake, next } = stage(t, { serve: false, options: { timeout: /** @type {any} */ ('5000') } })
  add()
  uploader.startUpload()
  const slow = await fake.nextRequest()
  t.mock.timers.tick(4_000)
  slow.progress(10)
  t.mock.timers.tick(4_000)
  assert.equal(slow.aborted, false, 'it has moved')
  t.mock.timers.tick(1_001)
  assert.equal(slow.aborted, true)
  t.mock.timers.tick(0)
  const again = await fake.nextRequest()
  again.respond()
  await next('onUploadSucceed')
})
