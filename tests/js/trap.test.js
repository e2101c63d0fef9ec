// @ts-check
// A core that fails is a bug, but one that applications hear of.
import assert from 'node:assert/strict'
import { freshModule } from './bundle.js'
import { ADDRESS, AUTH, PART, bareError, fieldsOf, settled, stage } from './stage.js'
import { test } from './story.js'
import { refusal } from './tiny_oss.js'

/** (module (func (export "trap") unreachable)) */
const TRAP = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 116, 114, 97, 112, 0, 0, 10, 5, 1, 3, 0, 0, 11,
])
const trap = /** @type {() => never} */ (new WebAssembly.Instance(new WebAssembly.Module(TRAP)).exports.trap)

/**
 * Two files, one of them running, on a core of their own. What it asks for the time by traps when told so.
 * @param {import('node:test').TestContext} t
 * @param {import('./stage.js').Setup} [setup]
 */
async function running(t, setup) {
  const { vodUploadOn } = await freshModule()
  const scene = stage(t, { vodUploadOn, ...setup })
  const { oss, fake } = scene
  fake.serve((request) => (request.part > 2 ? undefined : oss.answer(request)))
  scene.add('a.mp4', 4 * PART)
  scene.add('b.mp4')
  scene.uploader.startUpload()
  await scene.next('onUploadstarted')
  await settled()
  /** @param {() => unknown} act */
  const trapIn = (act) => {
    const { now } = Date
    Date.now = trap
    try {
      return act()
    } finally {
      Date.now = now
    }
  }
  return { ...scene, trapIn }
}

/** @param {Awaited<ReturnType<typeof running>>} scene */
async function everyFileFailedOnce({ uploader, calls, fake, of, story }) {
  await settled()
  assert.deepEqual(of('onUploadFailed').map(({ args }) => args.slice(0, 2)),
    uploader.listFiles().map((info) => [info, 'InternalError']))
  const [, , message, error] = of('onUploadFailed')[0].args
  assert.equal(message, 'The upload core failed: RuntimeError: unreachable Reload the page or the mini program.')
  assert.deepEqual(fieldsOf(error), bareError('InternalError', message, 'Reload the page or the mini program.'))
  assert.deepEqual(uploader.listFiles().map(({ state }) => state), ['Failure', 'Failure'])
  assert.deepEqual(story().slice(-3), ['Failed', 'Failed', 'End'])
  assert.equal(of('onUploadEnd').at(-1)?.args[0], uploader.listFiles()[1])
  assert.equal(fake.listeners.size, 0)
  return calls.length
}

/** @type {[string, (scene: Awaited<ReturnType<typeof running>>) => unknown][]} */
const WAYS = [
  ['a call', ({ uploader }) => uploader.stopUpload()],
  ['another call', ({ uploader }) => uploader.cancelFile(1)],
  ['the network', ({ fake }) => fake.setOnline(false)],
  ['progress', ({ fake }) => fake.requests.find((request) => request.part === 3)?.progress(10)],
]

for (const [what, act] of WAYS) {
  test(`a trap in ${what} fails every unfinished file once`, async (t) => {
    const scene = await running(t)
    assert.doesNotThrow(() => scene.trapIn(() => act(scene)))
    await everyFileFailedOnce(scene)
  })
}

test('a trap in an answer fails every unfinished file once', async (t) => {
  const scene = await running(t)
  const now = t.mock.method(Date, 'now', trap)
  scene.fake.requests.find(({ part }) => part === 3)?.respond({ headers: { etag: '"E3"' } })
  await settled()
  now.mock.restore()
  await everyFileFailedOnce(scene)
})

test('a trap in a timer fails every unfinished file once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_238_400_000 })
  const scene = await running(t)
  scene.trapIn(() => t.mock.timers.tick(60_000))
  await everyFileFailedOnce(scene)
})

test('a trap in setUploadAuthAndAddress fails every unfinished file once and does not throw', async (t) => {
  const scene = await running(t, { authorize: false })
  const [info] = scene.uploader.listFiles()
  assert.equal(scene.trapIn(() => scene.uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS)), false)
  await everyFileFailedOnce(scene)
})

test('a trap in addFile fails that file, too', async (t) => {
  const scene = await running(t)
  scene.uploader.deleteFile(1)
  await settled()
  scene.calls.length = 0
  scene.trapIn(() => scene.add('c.mp4'))
  await everyFileFailedOnce(scene)
})

test('a core that cannot be made fails every file that is started', async (t) => {
  const { vodUploadOn } = await freshModule()
  const { uploader, add, of } = stage(t, { vodUploadOn })
  add()
  t.mock.method(Math, 'random', trap)
  uploader.startUpload()
  await settled()
  assert.deepEqual(of('onUploadFailed').map(({ args }) => args[1]), ['InternalError'])
})

test('after a trap no call throws, and nothing of the dead core is heard any more', async (t) => {
  const scene = await running(t)
  const { uploader, fake, trapIn, of } = scene
  trapIn(() => uploader.stopUpload())
  const heard = await everyFileFailedOnce(scene)
  const requests = fake.requests.length
  for (const request of fake.requests.filter(({ ended }) => !ended)) {
    request.progress(10)
    request.respond({ headers: { etag: '"E"' } })
  }
  fake.setOnline(false)
  await settled()
  assert.equal(scene.calls.length, heard)
  assert.equal(fake.requests.length, requests)
  assert.equal(fake.listeners.size, 0)

  const [info] = uploader.listFiles()
  assert.equal(uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS), false)
  assert.equal(uploader.resumeUploadWithAuth(AUTH), false)
  uploader.stopUpload()
  assert.equal(uploader.cancelFile(0), true)
  assert.equal(uploader.resumeFile(0), true)
  assert.equal(uploader.deleteFile(0), true)
  scene.add('d.mp4')
  await settled()
  uploader.startUpload()
  await settled()
  assert.deepEqual(uploader.listFiles().map(({ state }) => state), ['Failure', 'Failure'])
  assert.deepEqual(of('onUploadFailed').slice(2).map(({ args }) => args[1]), ['InternalError', 'InternalError'])
  uploader.cleanList()
  assert.deepEqual(uploader.listFiles(), [])
})

test('a trap after the last file was deleted still ends the queue', async (t) => {
  const scene = await running(t)
  scene.uploader.deleteFile(1)
  scene.trapIn(() => scene.uploader.stopUpload())
  await settled()
  assert.deepEqual(scene.story().slice(-2), ['Failed', 'End'])
  assert.equal(scene.of('onUploadEnd')[0].args[0], scene.uploader.listFiles()[0])
})

test('a file that has failed is failed by a trap only if it was started again', async (t) => {
  for (const again of [false, true]) {
    const scene = await running(t)
    const { uploader, fake, next, of } = scene
    fake.serve(() => refusal('AccessDenied'))
    for (const request of fake.requests.filter(({ ended }) => !ended)) request.respond(refusal('AccessDenied'))
    await next('onUploadEnd')
    assert.equal(of('onUploadFailed').length, 2)
    fake.serve(() => {})
    if (again) uploader.startUpload()
    await settled()
    scene.trapIn(() => uploader.stopUpload())
    await settled()
    assert.deepEqual(of('onUploadFailed').slice(2).map(({ args }) => args[1]), again ? ['InternalError', 'InternalError'] : [])
  }
})

test('a finished file is not failed by a trap', async (t) => {
  const scene = await running(t)
  scene.fake.serve(scene.oss.answer)
  for (const request of scene.fake.requests.filter(({ ended }) => !ended)) request.respond(/** @type {any} */ (scene.oss.answer(request)))
  await scene.next('onUploadEnd')
  scene.trapIn(() => scene.uploader.stopUpload())
  await settled()
  assert.equal(scene.of('onUploadFailed').length, 0)
  assert.deepEqual(scene.uploader.listFiles().map(({ state }) => state), ['Success', 'Success'])
})
