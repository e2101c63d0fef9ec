// @ts-check
// Several pages of one user, and equal files: whose record is whose.
import assert from 'node:assert/strict'
import { FakeFile, fakeHost } from './fake_host.js'
import { PART, deferred, settled, stage } from './stage.js'
import { test } from './story.js'
import { refusal, tinyOss } from './tiny_oss.js'

/** @typedef {import('node:test').TestContext} TestContext */

const KEY = `upload_1700000000000_a.mp4_${3 * PART}`

/** Locks as those of browsers: asked for and freed in order, one holder each. @param {boolean} [slow] far from the page */
function lockManager(slow) {
  /** @type {Set<string>} */
  const held = new Set()
  let queue = Promise.resolve()
  const lock = (/** @type {string} */ key) => new Promise((resolve) => {
    queue = queue.then(async () => {
      if (slow) await new Promise((next) => setImmediate(next))
      if (held.has(key)) return resolve(undefined)
      held.add(key)
      resolve(() => { queue = queue.then(() => { held.delete(key) }) })
    })
  })
  return { lock, held }
}

/**
 * A page that shares its storage and locks with others; parts from the second on stand still.
 * @param {TestContext} t
 * @param {ReturnType<typeof lockManager>} locks
 * @param {Map<string, string>} [records]
 */
function page(t, locks, records = new Map()) {
  const oss = tinyOss()
  const fake = fakeHost({ records, lock: locks.lock })
  /** @type {string[]} */
  const touched = []
  for (const name of /** @type {const} */ (['get', 'set', 'remove'])) {
    const act = /** @type {any} */ (fake.host.storage[name])
    fake.host.storage[name] = (/** @type {any[]} */ ...args) => { touched.push(name); return act(...args) }
  }
  const scene = stage(t, { fake, oss })
  const { uploader } = scene
  fake.serve((request) => (request.part > 1 ? undefined : oss.answer(request)))
  return {
    ...scene,
    touched,
    records,
    async run(size = 3 * PART) {
      scene.add('a.mp4', size)
      uploader.startUpload()
      await settled()
      return uploader.listFiles()[0]
    },
    async finish() {
      fake.serve(oss.answer)
      for (const request of fake.requests) if (!request.ended) request.respond(/** @type {any} */ (oss.answer(request)))
      await scene.next('onUploadEnd')
    },
  }
}

test('a file that another page sends is sent whole by this one, too, and its record is never touched', async (t) => {
  const locks = lockManager()
  const records = new Map()
  const first = page(t, locks, records)
  await first.run()
  const record = records.get(KEY)
  assert.ok(record)
  const second = page(t, locks, records)
  const info = await second.run()
  assert.equal(info.videoId, 'VID', 'a video of its own')
  await second.finish()
  assert.equal(second.oss.objects.get('sv/a.mp4'), 3 * PART)
  assert.deepEqual(second.touched, [])
  assert.equal(records.get(KEY), record)
  await first.finish()
  assert.deepEqual([first.oss.objects.get('sv/a.mp4'), records.size], [3 * PART, 0])
})

/** @type {Record<string, (scene: ReturnType<typeof page>) => unknown>} */
const WAYS = {
  'succeeded': (scene) => scene.finish(),
  'failed': async (scene) => {
    for (const request of scene.fake.requests) if (!request.ended) request.respond(refusal('AccessDenied'))
    await scene.next('onUploadFailed')
  },
  'was stopped': ({ uploader }) => uploader.stopUpload(),
  'was cancelled': ({ uploader }) => uploader.cancelFile(0),
  'was deleted': ({ uploader }) => uploader.deleteFile(0),
  'was cleaned from the list': ({ uploader }) => uploader.cleanList(),
}
for (const [what, way] of Object.entries(WAYS)) {
  test(`once the file of another page ${what}, its record is free`, async (t) => {
    const locks = lockManager()
    const first = page(t, locks)
    await first.run()
    assert.deepEqual([...locks.held], [KEY])
    await way(first)
    await settled()
    assert.deepEqual([...locks.held], [])
  })
}

test('once the other page is done, the next start of this one keeps a record', async (t) => {
  const locks = lockManager()
  const records = new Map()
  const first = page(t, locks, records)
  await first.run()
  const second = page(t, locks, records)
  await second.run()
  await first.finish()
  second.uploader.stopUpload()
  assert.equal(records.size, 0)
  second.uploader.startUpload()
  await settled()
  second.uploader.stopUpload()
  assert.deepEqual([...records.keys()], [KEY])
})

test('a file that was stopped in another page goes on in this one', async (t) => {
  const locks = lockManager()
  const records = new Map()
  const first = page(t, locks, records)
  await first.run()
  first.uploader.stopUpload()
  await settled()
  const second = page(t, locks, records)
  second.oss.uploads.set('U1', new Map([[1, PART]]))
  assert.equal((await second.run()).videoId, 'VID')
  await second.finish()
  assert.equal(second.fake.operations()[0], 'ListParts')
  assert.equal(records.size, 0)
})

test('a file that is stopped and started at once keeps its record', async (t) => {
  const locks = lockManager()
  const { run, uploader, finish, records } = page(t, locks)
  await run()
  uploader.stopUpload()
  uploader.startUpload()
  await settled()
  await settled()
  assert.deepEqual([...locks.held], [KEY])
  records.clear()
  uploader.stopUpload()
  assert.equal(records.size, 1, 'it is still written')
  uploader.startUpload()
  await settled()
  await finish()
  assert.equal(records.size, 0, 'and erased in the end')
})

test('a file that is cancelled, resumed and started at once keeps its record', async (t) => {
  const locks = lockManager()
  const { run, uploader, records } = page(t, locks)
  await run()
  uploader.cancelFile(0)
  uploader.resumeFile(0)
  uploader.startUpload()
  await settled()
  await settled()
  assert.deepEqual([[...locks.held], records.size], [[KEY], 1])
})

test('a file that is stopped and started at once keeps its record when a waiting one is deleted in between', async (t) => {
  const locks = lockManager()
  const { run, add, uploader, records } = page(t, locks)
  await run()
  add('b.mp4')
  uploader.stopUpload()
  uploader.deleteFile(1)
  uploader.startUpload()
  await settled()
  await settled()
  records.clear()
  uploader.stopUpload()
  assert.deepEqual([...records.keys()], [KEY])
})

test('a file that is stopped and started before its lock is granted keeps its record', async (t) => {
  const locks = lockManager(true)
  const { add, uploader, records } = page(t, locks)
  add('a.mp4', 3 * PART)
  add('b.mp4')
  await settled()
  uploader.startUpload()
  uploader.stopUpload()
  uploader.deleteFile(1)
  uploader.startUpload()
  for (let turn = 0; turn < 4; turn++) await settled()
  records.clear()
  uploader.stopUpload()
  assert.deepEqual([...records.keys()], [KEY])
  for (let turn = 0; turn < 4; turn++) await settled()
  assert.equal(locks.held.size, 0)
})

test('two files that are stopped and started at once keep their records', async (t) => {
  const locks = lockManager()
  const fake = fakeHost({ lock: locks.lock })
  const { uploader, add } = stage(t, { fake, options: { fileParallel: 2 }, serve: false })
  for (const name of ['a.mp4', 'b.mp4']) add(name, 3 * PART)
  uploader.startUpload()
  await settled()
  uploader.stopUpload()
  uploader.startUpload()
  await settled()
  await settled()
  assert.equal(locks.held.size, 2)
})

test('a lock that is granted after the stop is given back', async (t) => {
  const slow = deferred()
  let freed = 0
  const { uploader, add } = stage(t, { fake: fakeHost({ lock: () => slow.promise }) })
  add()
  uploader.startUpload()
  await settled()
  uploader.stopUpload()
  slow.resolve(() => freed++)
  await settled()
  assert.equal(freed, 1)
})

for (const [how, lock] of /** @type {[string, any][]} */ ([
  ['rejects', () => Promise.reject(new Error('SecurityError'))],
  ['throws', () => { throw new Error('SecurityError') }],
])) {
  test(`with a lock that ${how} the upload succeeds and nothing is told`, async (t) => {
    const { uploader, add, next, log, lines } = stage(t, { fake: fakeHost({ lock }) })
    add('a.mp4', 3 * PART)
    uploader.startUpload()
    await next('onUploadEnd')
    await settled()
    assert.deepEqual([uploader.listFiles()[0].state, log, lines], ['Success', [], []])
  })
}

test('equal files of one list keep a record each', async (t) => {
  const { uploader, add, fake, oss, records } = page(t, lockManager())
  for (let i = 0; i < 2; i++) add('a.mp4', 3 * PART)
  uploader.startUpload()
  await settled()
  uploader.stopUpload()
  assert.deepEqual([...records.keys()], [KEY])
  uploader.cancelFile(0)
  uploader.startUpload()
  await settled()
  assert.deepEqual([...records.keys()], [`${KEY}_2`])
  assert.notEqual(fake.requests.at(-1)?.url.searchParams.get('uploadId'), 'U1')
  assert.equal(oss.uploads.size, 1)
})

test('equal files of one list are both sent whole', async (t) => {
  const { uploader, next, of, fake } = stage(t, { options: { fileParallel: 2 } })
  const files = [0, 1].map(() => new FakeFile('a.mp4', 3 * PART))
  for (const file of files) uploader.addFile(/** @type {any} */ (file))
  uploader.startUpload()
  await next('onUploadEnd')
  assert.deepEqual(of('onUploadSucceed').map(({ args }) => args[0].file).sort(), files)
  assert.equal(fake.operations().filter((name) => name === 'UploadPart').length, 6)
})

test('a file that comes back after it was deleted has its first record again', async (t) => {
  const { uploader, add, records, run } = page(t, lockManager())
  await run()
  uploader.cleanList()
  add('a.mp4', 3 * PART)
  uploader.startUpload()
  await settled()
  uploader.stopUpload()
  assert.deepEqual([...records.keys()], [KEY])
})
