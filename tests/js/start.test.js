// @ts-check
// An uploader is of use at once, whatever becomes of the wasm behind it.
import assert from 'node:assert/strict'
import { freshModule, wasm } from './bundle.js'
import { FakeFile, fakeHost } from './fake_host.js'
import { bareError, fieldsOf, settled, stage } from './stage.js'
import { test } from './story.js'

/** A host whose core loads when the test says so, and a module that has not loaded it. */
async function slowStart() {
  let loads = 0
  /** @type {() => void} */
  let finish = () => {}
  /** @type {(reason: Error) => void} */
  let refuse = () => {}
  const fake = fakeHost({
    loadCore: (imports) => new Promise((resolve, reject) => {
      loads++
      finish = () => resolve(WebAssembly.instantiate(wasm, imports))
      refuse = reject
    }),
  })
  const { vodUploadOn } = await freshModule()
  return {
    fake,
    vodUploadOn,
    get loads() { return loads },
    finish: () => finish(),
    refuse: () => refuse(new Error('CompileError: refused by a policy')),
  }
}

test('what is asked before the core is there happens in order once it is', async (t) => {
  const { fake, vodUploadOn, ...core } = await slowStart()
  const { uploader, calls, story, next, of } = stage(t, { fake, vodUploadOn })
  for (const name of ['a.mp4', 'b.mp4', 'c.mp4']) assert.ok(uploader.addFile(new FakeFile(name, 1_000)))
  uploader.startUpload()
  assert.equal(uploader.cancelFile(1), true)
  assert.equal(uploader.resumeFile(1), true)
  assert.equal(uploader.deleteFile(2), true)
  assert.deepEqual(uploader.listFiles().map(({ file, state }) => [file.name, state]), [['a.mp4', 'Ready'], ['b.mp4', 'Ready']])
  await settled()
  assert.deepEqual(calls, [])

  core.finish()
  await next('onUploadEnd')
  assert.deepEqual(of('onUploadstarted').map(({ args }) => args[0].file.name), ['a.mp4', 'b.mp4'])
  assert.deepEqual(of('onUploadCanceled').map(({ args }) => args[0].file.name), ['b.mp4', 'c.mp4'])
  assert.deepEqual(of('onUploadSucceed').map(({ args }) => args[0].file.name), ['a.mp4', 'b.mp4'])
  assert.deepEqual(story().slice(0, 2), ['Canceled', 'Canceled'], 'nothing of them was on its way')
  assert.equal(story().at(-1), 'End')
})

test('a file that is deleted before the core is there ends as one that is deleted after it', async (t) => {
  const { fake, vodUploadOn, ...core } = await slowStart()
  const early = stage(t, { fake, vodUploadOn })
  early.add()
  early.uploader.startUpload()
  early.uploader.deleteFile(0)
  core.finish()
  await settled()

  const late = stage(t, { fake, vodUploadOn })
  await settled()
  late.add()
  late.uploader.startUpload()
  late.uploader.deleteFile(0)
  await settled()
  assert.deepEqual(early.story(), late.story())
  assert.deepEqual(late.story(), ['Canceled', 'End'])
})

test('a stop before the core is there holds', async (t) => {
  const { fake, vodUploadOn, ...core } = await slowStart()
  const { uploader, add, story } = stage(t, { fake, vodUploadOn })
  add()
  uploader.startUpload()
  uploader.stopUpload()
  uploader.cleanList()
  assert.deepEqual(uploader.listFiles(), [])
  core.finish()
  await settled()
  assert.deepEqual(story(), ['Canceled'])
  assert.equal(fake.requests.length, 0)
})

test('credentials before the core is there are refused and do no harm', async (t) => {
  const { fake, vodUploadOn, ...core } = await slowStart()
  const { uploader, add, next } = stage(t, { fake, vodUploadOn })
  add()
  assert.equal(uploader.setUploadAuthAndAddress(uploader.listFiles()[0], 'x', 'y'), false)
  assert.equal(uploader.resumeUploadWithAuth('x'), false)
  uploader.startUpload()
  core.finish()
  await next('onUploadSucceed')
})

test('the core is loaded once for all uploaders of a page', async (t) => {
  const slow = await slowStart()
  const stages = [1, 2].map(() => stage(t, slow))
  slow.finish()
  for (const { add, uploader, next } of stages) {
    add()
    uploader.startUpload()
    await next('onUploadEnd')
  }
  assert.equal(slow.loads, 1)
})

test('a core that cannot be loaded fails every file that is started, and the queue ends', async (t) => {
  const { fake, vodUploadOn, ...core } = await slowStart()
  const { uploader, add, of, story } = stage(t, { fake, vodUploadOn })
  add('a.mp4')
  add('b.mp4')
  core.refuse()
  await settled()
  assert.deepEqual(story(), [], 'nobody has started anything')
  uploader.startUpload()
  await settled()
  assert.deepEqual(story(), ['Failed', 'Failed', 'End'])
  assert.equal(of('onUploadEnd')[0].args[0].file.name, 'b.mp4')
  for (const { args: [info, code, message, error] } of of('onUploadFailed')) {
    assert.equal(info.state, 'Failure')
    assert.equal(code, 'CoreNotLoaded')
    assert.equal(message, `WebAssembly did not start: Error: CompileError: refused by a policy ${fake.host.coreHint}`)
    assert.deepEqual(fieldsOf(error), bareError(code, message, fake.host.coreHint))
    assert.ok(message.endsWith(` ${error.hint}`))
  }
})

test('without a core every call still answers', async (t) => {
  const { fake, vodUploadOn, ...core } = await slowStart()
  const { uploader, add, of, story } = stage(t, { fake, vodUploadOn })
  add('a.mp4')
  uploader.startUpload()
  core.refuse()
  await settled()
  assert.equal(of('onUploadFailed').length, 1)

  uploader.stopUpload()
  assert.equal(uploader.cancelFile(0), true)
  await settled()
  assert.equal(uploader.listFiles()[0].state, 'Canceled')
  assert.equal(uploader.resumeFile(0), true)
  assert.equal(uploader.setUploadAuthAndAddress(uploader.listFiles()[0], 'x', 'y'), false)
  assert.equal(uploader.resumeUploadWithAuth('x'), false)
  uploader.startUpload()
  await settled()
  assert.equal(of('onUploadFailed').length, 2, 'a file that is started again fails again')
  assert.equal(uploader.deleteFile(0), true)
  uploader.cleanList()
  uploader.startUpload()
  await settled()
  assert.deepEqual(story(), ['Failed', 'End', 'Canceled', 'Failed', 'End', 'Canceled'])
})

test('a new uploader tries again to load the core', async (t) => {
  const slow = await slowStart()
  const first = stage(t, slow)
  first.add()
  first.uploader.startUpload()
  slow.refuse()
  await first.next('onUploadFailed')

  const second = stage(t, slow)
  second.add()
  second.uploader.startUpload()
  assert.equal(slow.loads, 2)
  slow.finish()
  await second.next('onUploadSucceed')
})
