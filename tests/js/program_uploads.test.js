// @ts-check
// Uploads in a mini program as it is: forms up to a megabyte, parts above, and a phone that puts it to sleep.
import assert from 'node:assert/strict'
import { crc64 } from '../cloud/crc64.js'
import { FakeFile, fakeProgram } from './fake_host.js'
import { pathOf } from './fake_wx.js'
import { ADDRESS, AUTH, settled, stage } from './stage.js'
import { test } from './story.js'
import { tinyOss } from './tiny_oss.js'

/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {ReturnType<typeof fakeProgram>} Program */

const FORM = 1 << 20

/** @param {number} size */
const newPath = (size) => pathOf(new FakeFile('a.mp4', size), '.mp4')

/**
 * A file that is started in a mini program.
 * @param {TestContext} t
 * @param {{ size?: number, program?: Program, options?: object, serve?: boolean, oss?: ReturnType<typeof tinyOss> }} [setup]
 */
function sending(t, { size = 1_000, program = fakeProgram(), options, ...setup } = {}) {
  const scene = stage(t, { fake: program, options: { partSize: undefined, ...options }, ...setup })
  const path = newPath(size)
  scene.uploader.addFile({ url: path })
  const [info] = scene.uploader.listFiles()
  scene.uploader.startUpload()
  return { ...scene, program, path, info, open: () => program.requests.filter(({ ended }) => !ended) }
}

test('a file of a megabyte is one form, one byte more is parts', async (t) => {
  for (const [size, operations] of /** @type {[number, string[]][]} */ ([
    [1, ['PostObject']], [FORM, ['PostObject']],
    [FORM + 1, ['InitiateMultipartUpload', 'UploadPart', 'UploadPart', 'CompleteMultipartUpload']],
  ])) {
    const { next, program, oss, info } = sending(t, { size })
    await next('onUploadSucceed')
    assert.deepEqual(program.operations(), operations)
    assert.deepEqual([oss.objects.get('sv/a.mp4'), info.loaded], [size, 1])
  }
})

test('three parts of a file are under way at once, unless the application says otherwise', async (t) => {
  for (const [parallel, most] of [[undefined, 3], [5, 5], [50, 8]]) {
    const oss = tinyOss()
    const { program, open } = sending(t, { size: 20 * FORM, oss, options: { parallel } })
    program.serve((request) => (request.part ? undefined : oss.answer(request)))
    await settled()
    await settled()
    assert.equal(open().length, most)
  }
})

test('the progress of a form comes while it is under way', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_795_238_400_000 })
  const { next, program, of } = sending(t, { size: 1_000, serve: false })
  const request = await program.nextRequest()
  t.mock.timers.tick(1_000)
  request.progress(400)
  await settled()
  t.mock.timers.tick(1_000)
  request.respond({ status: 201 })
  await next('onUploadSucceed')
  assert.deepEqual(of('onUploadProgress').map(({ args }) => args[3].loadedBytes), [0, 400, 1_000])
})

// Where nothing but forms can be sent.

test('without ranges a file of 50 MB is one form', async (t) => {
  const { next, program, oss } = sending(t, { size: 50 * FORM, program: fakeProgram({ canReadRanges: () => false }) })
  await next('onUploadSucceed')
  assert.deepEqual([program.operations(), program.calls.length, oss.objects.get('sv/a.mp4')], [['PostObject'], 1, 50 * FORM])
  assert.equal(program.storage.records.size, 0)
})

/** An OSS that tells checksums of forms. @param {Program} program @param {number} size */
function checking(program, size) {
  const crc = crc64()
  crc.update(new Uint8Array(new FakeFile('a.mp4', size).bytes(0, size)))
  const oss = tinyOss()
  /** @param {any} request */
  const answer = (request) => ({ .../** @type {any} */ (oss.answer(request)), headers: { 'x-oss-hash-crc64ecma': String(crc.value()) } })
  return { ...oss, answer }
}

test('what a form has stored is read once more and compared', async (t) => {
  const program = fakeProgram()
  const { next } = sending(t, { size: 1_000, program, oss: checking(program, 1_000), options: { integrity: true } })
  const [info] = await next('onUploadSucceed')
  assert.deepEqual([info.verified, program.reads], [true, ['0-1000']])
})

test('without ranges what is stored cannot be compared, which is no reason to fail', async (t) => {
  const size = 5 * FORM
  for (const integrity of [undefined, true]) {
    const program = fakeProgram({ canReadRanges: () => false })
    // Older versions know of no descriptors, and read the whole file whatever they are asked.
    const readFile = (/** @type {any} */ { success }) => queueMicrotask(() => success({ data: new FakeFile('a.mp4', size).bytes(0, size) }))
    Object.assign(program.fs, { open: undefined, read: undefined, readFile })
    const { next, of } = sending(t, { size, program, oss: checking(program, size), options: { integrity } })
    await next('onUploadEnd')
    assert.deepEqual(of('onUploadFailed').map(({ args }) => args.slice(1, 3)), [], `integrity ${integrity}`)
  }
})

test('without ranges a form that has failed is sent again as a form', async (t) => {
  const { next, program, oss } = sending(t, { size: 5 * FORM, program: fakeProgram({ canReadRanges: () => false }), serve: false })
  let failures = 2
  program.serve((request) => (failures-- > 0 ? request.fail() : oss.answer(request)))
  await next('onUploadSucceed')
  assert.deepEqual(program.operations(), Array(3).fill('PostObject'))
})

// Domains.

/** As WeChat says it, for the list that the function has. @param {import('./fake_host.js').FakeRequest} request */
const notListed = (request) =>
  request.fail(/** @type {any} */ ({ errMsg: `${request.operation === 'PostObject' ? 'uploadFile' : 'request'}:fail url not in domain list` }))

for (const [size, operations, list, traits] of /** @type {[number, string[], string, object?][]} */ ([
  // The other function has a list of its own.
  [1_000, ['PostObject', 'PutObject'], 'request'],
  [2 * FORM, ['InitiateMultipartUpload'], 'request'],
  [1_000, ['PostObject'], 'uploadFile', { canReadRanges: () => false }],
])) {
  test(`a domain that is not allowed fails the file after ${operations.join(' and ')}, once, and says what to do`, async (t) => {
    const { next, program, of } = sending(t, { size, serve: false, program: fakeProgram(traits) })
    program.serve(notListed)
    await next('onUploadEnd')
    assert.deepEqual(program.operations(), operations)
    assert.equal(of('onUploadFailed').length, 1)
    const [, code, message, error] = of('onUploadFailed')[0].args
    assert.equal(code, 'DomainNotAllowed')
    assert.ok(message.startsWith(`https://outin-test.oss-cn-shanghai.aliyuncs.com is not among the ${list} domains of this mini program (${list}:fail url not in domain list).`), message)
    assert.ok(error.hint.length > 10 && message.endsWith(error.hint), error.hint)
    assert.equal(error.retryable, false)
  })
}

// A phone that puts the program to sleep.

/** @param {ReturnType<typeof sending>} scene */
function interruptAll({ open }) {
  const running = open()
  for (const request of running) request.fail(/** @type {any} */ ({ errMsg: 'request:fail interrupted' }))
  return running.length
}

/** What sleep comes in between. @param {import('./fake_host.js').FakeRequest} request */
const isLong = ({ operation, part }) => part > 0 || operation === 'PostObject' || operation === 'PutObject'

for (const size of [1_000, 8 * FORM]) {
  test(`sleeping again and again does not fail a file of ${size} bytes, and it goes on when it is awake`, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_238_400_000 })
    const scene = sending(t, { size, serve: false, options: { retryCount: 1 } })
    const { program, oss, of, next, open } = scene
    program.serve((request) => (isLong(request) ? undefined : oss.answer(request)))
    await settled()
    for (let night = 0; night < 5; night++) {
      assert.ok(open().length > 0, `it goes on after night ${night}`)
      program.tell('hide')
      assert.ok(interruptAll(scene) > 0)
      await settled()
      t.mock.timers.tick(8 * 3_600_000)
      await settled()
      interruptAll(scene)
      await settled()
      program.tell('show')
      t.mock.timers.tick(300)
      await settled()
      t.mock.timers.tick(0)
      await settled()
    }
    program.serve(oss.answer)
    for (const request of open()) request.respond(/** @type {any} */ (oss.answer(request)))
    for (let turn = 0; turn < 10; turn++) {
      await settled()
      t.mock.timers.tick(0)
    }
    await next('onUploadSucceed')
    assert.equal(of('onUploadFailed').length, 0)
    assert.equal(oss.objects.get('sv/a.mp4'), size)
  })

  test(`interruptions of a program that does not tell of sleep do not fail a file of ${size} bytes either`, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_238_400_000 })
    const scene = sending(t, { size, serve: false, options: { retryCount: 1 } })
    const { program, oss, of, open } = scene
    program.serve((request) => (isLong(request) ? undefined : oss.answer(request)))
    await settled()
    for (let night = 0; night < 5; night++) {
      assert.ok(interruptAll(scene) > 0, `it goes on after night ${night}`)
      await settled()
      t.mock.timers.tick(300)
      await settled()
      t.mock.timers.tick(0)
      await settled()
    }
    assert.equal(of('onUploadFailed').length, 0)
    assert.ok(open().length > 0)
  })
}

test('a program that is seen again goes on at once, without the wait of a failure', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_238_400_000 })
  const scene = sending(t, { serve: false, options: { retryDuration: 60 } })
  const { program, open } = scene
  program.serve(() => {})
  await settled()
  program.tell('hide')
  interruptAll(scene)
  await settled()
  assert.equal(open().length, 0)
  program.tell('show')
  await settled()
  assert.equal(open().length, 0, 'others may still be told of their end')
  t.mock.timers.tick(300)
  await settled()
  assert.equal(open().length, 1)
})

test('a program that is hidden again in that moment waits on', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_238_400_000 })
  const scene = sending(t, { serve: false, options: { retryDuration: 60 } })
  const { program, open } = scene
  program.serve(() => {})
  await settled()
  program.tell('hide')
  interruptAll(scene)
  program.tell('show')
  program.tell('hide')
  await settled()
  t.mock.timers.tick(300)
  await settled()
  assert.equal(open().length, 0)
  program.tell('show')
  t.mock.timers.tick(300)
  await settled()
  assert.equal(open().length, 1)
})

test('what fails while the program is seen and connected is counted', async (t) => {
  const { program, next } = sending(t, { serve: false, options: { retryCount: 1 } })
  program.serve((request) => request.fail())
  assert.equal((await next('onUploadFailed'))[1], 'NetworkError')
})

test('a phone without a network at the start is believed, and its return is used at once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_238_400_000 })
  const program = fakeProgram()
  program.setOnline(false)
  const { of, oss, next } = sending(t, { program, serve: false, options: { retryCount: 0, retryDuration: 60 } })
  program.serve((request) => request.fail())
  await settled()
  t.mock.timers.tick(600_000)
  await settled()
  assert.equal(of('onUploadFailed').length, 0)
  program.serve(oss.answer)
  program.setOnline(true)
  await next('onUploadSucceed')
})

/** How many hear of the network, of sleep and of waking. @param {Program} program */
const hearing = ({ hearers: { network, hide, show } }) => [network.size, hide.size, show.size]

test('the platform is listened to while there is something to send, and by each uploader', async (t) => {
  const program = fakeProgram()
  const scenes = [1, 2].map(() => sending(t, { program, serve: false }))
  program.serve(() => {})
  await settled()
  assert.deepEqual(hearing(program), [2, 2, 2])
  scenes[0].uploader.stopUpload()
  assert.deepEqual(hearing(program), [1, 1, 1])
  program.serve(scenes[1].oss.answer)
  for (const request of scenes[1].open()) request.respond()
  await scenes[1].next('onUploadSucceed')
  assert.deepEqual(hearing(program), [0, 0, 0])
})

test('sleep and a failed answer of one uploader are no failure of another', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_238_400_000 })
  const program = fakeProgram()
  const scenes = [1, 2].map(() => sending(t, { program, serve: false, options: { retryCount: 0 } }))
  program.serve(() => {})
  await settled()
  interruptAll(scenes[0])
  await settled()
  t.mock.timers.tick(300)
  await settled()
  assert.deepEqual(scenes.map(({ of }) => of('onUploadFailed').length), [0, 0])
  assert.equal(scenes[0].open().length, 2)
})

test('a platform that cannot be told to be silent is not heard any more', async (t) => {
  const program = fakeProgram()
  Object.assign(program.wx, { offAppHide: undefined, offAppShow: undefined, offNetworkStatusChange: undefined })
  const told = t.mock.fn()
  const unwatch = program.host.watchNetwork(told)
  await settled()
  const before = told.mock.callCount()
  assert.ok(before > 0 && told.mock.calls.every(({ arguments: [online] }) => online === true))
  unwatch()
  program.setOnline(false)
  program.tell('hide')
  program.tell('show')
  await new Promise((resolve) => setTimeout(resolve, 350))
  assert.equal(told.mock.callCount(), before)
})

test('a platform without onAppHide and onAppShow does without', async (t) => {
  const program = fakeProgram()
  Object.assign(program.wx, { onAppHide: undefined, onAppShow: undefined, offAppHide: undefined, offAppShow: undefined })
  await sending(t, { program }).next('onUploadSucceed')
})

// uploadInfo.

test('a copy of uploadInfo, as setData makes it, is taken for the file', async (t) => {
  const { uploader, next, info } = stageOf(t)
  uploader.startUpload()
  const [given] = await next('onUploadstarted')
  assert.equal(uploader.setUploadAuthAndAddress(JSON.parse(JSON.stringify(given)), AUTH, ADDRESS, 'VID'), true)
  await next('onUploadSucceed')
  assert.deepEqual([info.state, info.videoId], ['Success', 'VID'])
})

/** A file that waits for its credential. @param {TestContext} t */
function stageOf(t) {
  const program = fakeProgram()
  const scene = stage(t, { fake: program, authorize: false })
  scene.uploader.addFile({ url: newPath(1_000) })
  return { ...scene, info: scene.uploader.listFiles()[0] }
}

test('a file is in the list once, whichever way its path was given', async (t) => {
  const { uploader, log, of } = stageOf(t)
  const { url } = /** @type {any} */ (uploader.listFiles()[0])
  for (const again of [url, { url }, { tempFilePath: url, fileType: 'video' }, { tempFiles: [{ path: url, size: 1_000 }] }]) {
    assert.equal(uploader.addFile(again), false)
  }
  await settled()
  assert.deepEqual([log.map(({ code }) => code), of('onUploadFailed').length], [Array(4).fill('FileAlreadyExist'), 0])
  assert.equal(uploader.addFile(newPath(1_000)), true, 'an equal file is another one')
})

test('a file that is picked again goes on where it was', async (t) => {
  const oss = tinyOss()
  const first = sending(t, { size: 4 * FORM, oss })
  first.program.serve((request) => (request.part > 2 ? undefined : oss.answer(request)))
  await settled()
  await settled()
  assert.equal(first.program.storage.records.size, 1)
  const program = fakeProgram()
  for (const [key, text] of first.program.storage.records) program.storage.records.set(key, text)
  const again = sending(t, { size: 4 * FORM, oss, program })
  assert.notEqual(again.path, first.path)
  await again.next('onUploadSucceed')
  assert.deepEqual(program.operations(), ['ListParts', 'UploadPart', 'UploadPart', 'CompleteMultipartUpload'])
})
