// @ts-check
// Options that both faces have; those about numbers are in add_file.test.js, those about VOD in sts.test.js.
import assert from 'node:assert/strict'
import { FakeFile, fakeHost } from './fake_host.js'
import { AUTH, PART, SECRET, addressOf, authOf, settled, stage } from './stage.js'
import { test } from './story.js'
import { refusal, tinyOss } from './tiny_oss.js'

/** @typedef {import('node:test').TestContext} TestContext */

for (const [fileParallel, most] of /** @type {[any, number][]} */ ([[undefined, 1], [1, 1], [2, 2], ['3', 3], [0, 1], [NaN, 1]])) {
  test(`with fileParallel ${fileParallel} ${most} of three files go at once`, async (t) => {
    const { uploader, add, fake, of } = stage(t, { options: { fileParallel } })
    fake.serve(() => {})
    for (const name of ['a.mp4', 'b.mp4', 'c.mp4']) add(name)
    uploader.startUpload()
    await settled()
    assert.equal(fake.requests.length, most)
    // More than one at a time are also prepared ahead.
    assert.ok(of('onUploadstarted').length >= most && (most > 1 || of('onUploadstarted').length === 1))
  })
}

test('files at once share the requests of the host', async (t) => {
  const { uploader, add, fake, oss } = stage(t, { options: { fileParallel: 3, parallel: 5 } })
  fake.serve((request) => (request.part ? undefined : oss.answer(request)))
  for (const name of ['a.mp4', 'b.mp4', 'c.mp4']) add(name, 9 * PART)
  uploader.startUpload()
  await settled()
  assert.equal(fake.requests.filter(({ ended }) => !ended).length, 6)
})

test('files at once ask for renewals one at a time, and each answer is for the file that asked', async (t) => {
  const { uploader, add, fake, oss, next, of } = stage(t, { options: { fileParallel: 2 } })
  fake.serve((request) => (JSON.stringify(request.headers).includes('STS.M') ? oss.answer(request) : refusal('SecurityTokenExpired')))
  for (const name of ['a.mp4', 'b.mp4']) add(name)
  uploader.startUpload()
  for (const name of ['a.mp4', 'b.mp4']) {
    const [info] = await next('onUploadTokenExpired')
    await settled()
    assert.equal(info.file.name, name)
    assert.equal(uploader.resumeUploadWithAuth(authOf({ AccessKeyId: 'STS.M' })), true)
  }
  await next('onUploadEnd')
  assert.deepEqual([of('onUploadTokenExpired').length, of('onUploadSucceed').length], [2, 2])
})

for (const [signatureVersion, scheme] of /** @type {[any, RegExp][]} */ ([
  [undefined, /^OSS4-HMAC-SHA256 .*\/cn-shanghai\/oss\//], [4, /^OSS4-HMAC-SHA256 /], ['4', /^OSS4-HMAC-SHA256 /],
  [1, /^OSS STS\.N:/], ['1', /^OSS STS\.N:/], [2, /^OSS4-HMAC-SHA256 /],
])) {
  test(`with signatureVersion ${JSON.stringify(signatureVersion)} requests are signed as ${scheme.source.slice(1, 17)}`, async (t) => {
    const { uploader, add, fake, next } = stage(t, { options: { signatureVersion } })
    add()
    uploader.startUpload()
    await next('onUploadSucceed')
    const { Authorization, authorization } = fake.requests[0].headers
    assert.match(Authorization ?? authorization, scheme)
  })
}

/** A file whose credential is over, and nobody answers. @param {TestContext} t @param {any} refreshTimeout */
async function unanswered(t, refreshTimeout) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_238_400_000 })
  const scene = stage(t, { options: { refreshTimeout } })
  scene.fake.serve(() => refusal('SecurityTokenExpired'))
  scene.add()
  scene.uploader.startUpload()
  await scene.next('onUploadTokenExpired')
  const wait = async (/** @type {number} */ milliseconds) => {
    t.mock.timers.tick(milliseconds)
    await settled()
    return scene.of('onUploadFailed').map(({ args }) => args[1])
  }
  return { ...scene, wait }
}

for (const [refreshTimeout, milliseconds] of [[undefined, 60_000], [5_000, 5_000], ['5000', 5_000]]) {
  test(`a renewal that nobody gives ends the file after a refreshTimeout of ${JSON.stringify(refreshTimeout)}, once (B9)`, async (t) => {
    const { wait, of, uploader, next, fake, oss } = await unanswered(t, refreshTimeout)
    assert.deepEqual(await wait(Number(milliseconds) - 1), [])
    assert.deepEqual(await wait(1), ['UploadTokenExpired'])
    assert.equal(of('onUploadEnd').length, 1)
    assert.equal(uploader.resumeUploadWithAuth(AUTH), false, 'too late')
    fake.serve(oss.answer)
    uploader.startUpload()
    await next('onUploadSucceed')
  })
}

test('a refreshTimeout of 0 waits for ever', async (t) => {
  const { wait, uploader, fake, oss, next } = await unanswered(t, 0)
  assert.deepEqual(await wait(24 * 3_600_000), [])
  fake.serve(oss.answer)
  assert.equal(uploader.resumeUploadWithAuth(AUTH), true)
  await next('onUploadSucceed')
})

test('a retryDuration of 0 repeats at once, without a timer', async (t) => {
  const { uploader, add, fake, oss, next } = stage(t, { options: { retryDuration: 0 } })
  let failures = 3
  fake.serve((request) => (failures-- > 0 ? request.fail() : oss.answer(request)))
  add()
  const start = Date.now()
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.ok(Date.now() - start < 500)
})

// Storage and host of the application's.

/** A half-sent file on this storage, and then a new page that goes on. @param {TestContext} t @param {any} storage */
async function resumeOn(t, storage) {
  const oss = tinyOss()
  const run = (/** @type {boolean} */ whole) => {
    const scene = stage(t, { oss, fake: fakeHost({ storage: /** @type {any} */ (null) }), options: { storage } })
    scene.fake.serve((request) => (request.part > 1 && !whole ? undefined : oss.answer(request)))
    scene.add('a.mp4', 3 * PART)
    scene.uploader.startUpload()
    return scene
  }
  const first = run(false)
  await settled()
  first.uploader.stopUpload()
  await settled()
  const second = run(true)
  await second.next('onUploadEnd')
  await settled()
  return { first: second.fake.operations()[0], log: second.log, state: second.uploader.listFiles()[0].state }
}

for (const kind of ['at once', 'with promises']) {
  test(`a storage that answers ${kind} takes the place of localStorage`, async (t) => {
    /** @type {Map<string, string>} */
    const map = new Map()
    const later = (/** @type {any} */ value) => (kind === 'at once' ? value : new Promise((resolve) => setTimeout(() => resolve(value), 1)))
    const storage = {
      get: (/** @type {string} */ key) => later(map.get(key)),
      set: (/** @type {string} */ key, /** @type {string} */ text) => later(map.set(key, text)),
      remove: (/** @type {string} */ key) => later(map.delete(key)),
    }
    const oss = tinyOss()
    const first = stage(t, { oss, options: { storage } })
    first.fake.serve((request) => (request.part > 1 ? undefined : oss.answer(request)))
    first.add('a.mp4', 3 * PART)
    first.uploader.startUpload()
    await first.next('onUploadProgress')
    await settled()
    first.uploader.stopUpload()
    await settled()
    assert.deepEqual([map.size, first.fake.storage.records.size], [1, 0])
    const second = stage(t, { oss, options: { storage } })
    second.add('a.mp4', 3 * PART)
    second.uploader.startUpload()
    assert.equal((await second.next('onUploadstarted'))[0].videoId, 'VID')
    await second.next('onUploadEnd')
    assert.deepEqual([second.fake.operations()[0], map.size, second.log], ['ListParts', 0, []])
  })
}

test('a storage of a class works, as members of it', async (t) => {
  class Mine {
    #map = new Map()
    get(/** @type {string} */ key) { return this.#map.get(key) }
    set(/** @type {string} */ key, /** @type {string} */ text) { this.#map.set(key, text) }
    remove(/** @type {string} */ key) { this.#map.delete(key) }
  }
  assert.deepEqual(await resumeOn(t, new Mine()), { first: 'ListParts', log: [], state: 'Success' })
})

for (const how of ['throws', 'rejects']) {
  test(`with a storage that ${how} uploads succeed, and the loss is told once a file`, async (t) => {
    const fail = how === 'throws' ? () => { throw new Error('disk') } : async () => { throw new Error('disk') }
    const { log, state } = await resumeOn(t, { get: fail, set: fail, remove: fail })
    assert.deepEqual([log.map(({ code }) => code), state], [['CheckpointNotSaved'], 'Success'])
  })
}

test('getCheckpoint tells what is kept of a file', async (t) => {
  const { uploader, add, fake, oss } = stage(t)
  fake.serve((request) => (request.part > 1 ? undefined : oss.answer(request)))
  const file = /** @type {any} */ (add('a.mp4', 3 * PART))
  assert.equal(uploader.getCheckpoint(file), '')
  uploader.startUpload()
  await settled()
  uploader.stopUpload()
  const kept = /** @type {any} */ (uploader.getCheckpoint(file))
  assert.deepEqual([kept.fileName, kept.size, kept.videoId, kept.object, kept.bucket], ['a.mp4', 3 * PART, 'VID', 'sv/a.mp4', 'outin-test'])
  assert.ok(!JSON.stringify(kept).includes(SECRET))
  assert.deepEqual(uploader.getCheckpoint(/** @type {any} */ (new FakeFile('a.mp4', 3 * PART))), kept, 'of an equal file, too')
})

for (const [what, text] of [['nothing', undefined], ['damaged JSON', '{'], ['JSON of nothing', 'null']]) {
  test(`getCheckpoint of ${what} is empty text`, (t) => {
    const { uploader, fake } = stage(t)
    const file = /** @type {any} */ (new FakeFile('a.mp4', 9))
    if (text) fake.storage.records.set(fake.host.open(file).fingerprint, text)
    assert.equal(uploader.getCheckpoint(file), '')
  })
}

test('getCheckpoint of what is no file, or where storage is forbidden, is empty text', (t) => {
  const { uploader, fake } = stage(t)
  assert.equal(uploader.getCheckpoint(/** @type {any} */ (undefined)), '')
  fake.storage.state = 'forbidden'
  assert.equal(uploader.getCheckpoint(/** @type {any} */ (new FakeFile('a.mp4', 9))), '')
})

test('members of the option host replace those of the platform, and the rest stays', async (t) => {
  /** @type {string[]} */
  const opened = []
  const fake = fakeHost()
  const { file } = fake.host.open(new FakeFile('x', 10))
  const { uploader, next } = stage(t, {
    fake,
    options: {
      host: {
        open(/** @type {any} */ { path }) {
          opened.push(path)
          return { name: 'from-a-path.mp4', size: 10, lastModified: 0, contentType: 'video/mp4', fingerprint: path, file }
        },
      },
    },
  })
  assert.equal(uploader.addFile(/** @type {any} */ ({ path: 'wxfile://tmp/1' })), true)
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.deepEqual([opened, fake.operations()], [['wxfile://tmp/1'], ['PutObject']])
})

test('the option storage wins over that of the option host', async (t) => {
  /** @type {string[]} */
  const asked = []
  const of = (/** @type {string} */ name) => ({ get: () => { asked.push(name); return null }, set() {}, remove() {} })
  const { uploader, add, next } = stage(t, { options: { storage: of('storage'), host: { storage: of('host') } } })
  add()
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.deepEqual([...new Set(asked)], ['storage'])
})

test('a file that a descriptor calls an image, or a video, is one', async (t) => {
  /** @type {[string, object, boolean][]} */
  const cases = [
    ['a.mp4', { mediaType: 'image' }, true], ['a.png', { mediaType: 'video' }, false], ['a.mp4', { fileType: 'image' }, true],
    ['a', { fileType: 'video' }, false], ['a.png', { mediaType: '' }, true],
  ]
  for (const [name, more, isImage] of cases) {
    const { uploader } = stage(t)
    uploader.addFile(/** @type {any} */ (Object.assign(new FakeFile(name, 9), more)))
    assert.equal(uploader.listFiles()[0].isImage, isImage, `${name} ${JSON.stringify(more)}`)
  }
})

test('the region of an UploadAuth wins over the option', async (t) => {
  const { uploader, add, next, fake } = stage(t, { authorize: false, options: { region: 'cn-beijing' } })
  add()
  uploader.startUpload()
  uploader.setUploadAuthAndAddress((await next('onUploadstarted'))[0], authOf({ Region: 'cn-shenzhen' }), addressOf({ Endpoint: 'https://media.example.com' }))
  const [info] = await next('onUploadSucceed')
  assert.equal(info.region, 'cn-shenzhen')
  assert.match(JSON.stringify(fake.requests[0].headers), /cn-shenzhen\/oss/)
})
