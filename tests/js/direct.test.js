// @ts-check
// STS tokens that go to the storage itself, without VOD: setSTSTokenDirectlyUpload, resumeUploadWithToken and init.
import assert from 'node:assert/strict'
import { FakeFile } from './fake_host.js'
import { PART, SECRET, TOKEN, settled, stage } from './stage.js'
import { test } from './story.js'
import { refusal } from './tiny_oss.js'

const KEYS = /** @type {const} */ (['STS.ID', SECRET, TOKEN])
const PLACE = /** @type {const} */ (['https://oss-cn-beijing.aliyuncs.com', 'mine', 'there/b.mp4'])

/** A started file that waits, added with `place`. @param {import('node:test').TestContext} t @param {any[]} [place] */
async function waiting(t, place = [...PLACE]) {
  const scene = stage(t, { authorize: false })
  scene.uploader.addFile(new FakeFile('a.mp4', 4 * PART), ...place)
  scene.uploader.startUpload()
  const [info] = await scene.next('onUploadstarted')
  return { ...scene, info }
}

test('setSTSTokenDirectlyUpload sends the file where addFile said, and asks VOD nothing', async (t) => {
  const { uploader, next, fake, info, oss } = await waiting(t)
  assert.equal(uploader.setSTSTokenDirectlyUpload(info, ...KEYS, '2100-01-01T00:00:00Z'), true)
  await next('onUploadSucceed')
  assert.deepEqual([...new Set(fake.requests.map(({ url }) => url.hostname + url.pathname))], ['mine.oss-cn-beijing.aliyuncs.com/there/b.mp4'])
  assert.equal(oss.objects.get('there/b.mp4'), 4 * PART)
  const { endpoint, bucket, object, region, videoId } = info
  assert.deepEqual([endpoint, bucket, object, region, videoId], [...PLACE, 'cn-beijing', undefined])
})

for (const [i, name] of ['endpoint', 'bucket', 'object'].entries()) {
  test(`setSTSTokenDirectlyUpload of a file without ${name} fails it with MissingArgument, once`, async (t) => {
    const { uploader, of, next, info, log, fake } = await waiting(t, PLACE.map((value, j) => (i === j ? null : value)))
    assert.equal(uploader.setSTSTokenDirectlyUpload(info, ...KEYS), false)
    await next('onUploadEnd')
    assert.deepEqual(of('onUploadFailed').map(({ args }) => args[1]), ['MissingArgument'])
    assert.match(of('onUploadFailed')[0].args[2], /endpoint, bucket and object.*addFile/)
    assert.deepEqual([log, fake.requests], [[], []])
  })
}

test('setSTSTokenDirectlyUpload of a file that nobody asked for fails nothing and is told of, whether it has a place or not', async (t) => {
  for (const place of [[...PLACE], []]) {
    const { uploader, of, log } = stage(t, { authorize: false })
    uploader.addFile(new FakeFile('a.mp4', 10), .../** @type {any} */ (place))
    const [info] = uploader.listFiles()
    await settled()
    assert.equal(uploader.setSTSTokenDirectlyUpload(info, ...KEYS), false)
    assert.equal(uploader.setSTSTokenDirectlyUpload(/** @type {any} */ ({}), ...KEYS), false)
    await settled()
    assert.equal(of('onUploadFailed').length, 0)
    assert.deepEqual(log.map(({ code }) => code), ['UploadNotStart', 'UploadNotStart'])
  }
})

/** One whose key expires with two parts stored. @param {import('node:test').TestContext} t */
async function expired(t) {
  const scene = await waiting(t)
  scene.fake.serve((request) => (
    request.part > 2 && JSON.stringify(request.headers).includes('STS.ID') ? refusal('SecurityTokenExpired') : scene.oss.answer(request)))
  scene.uploader.setSTSTokenDirectlyUpload(scene.info, ...KEYS)
  await scene.next('onUploadTokenExpired')
  return scene
}

test('resumeUploadWithToken goes on with the same upload', async (t) => {
  const { uploader, next, fake, oss } = await expired(t)
  assert.equal(uploader.resumeUploadWithToken('STS.NEW', SECRET, TOKEN, 3_600), true)
  await next('onUploadSucceed')
  assert.equal(oss.objects.get('there/b.mp4'), 4 * PART)
  assert.equal(fake.operations().filter((name) => name === 'InitiateMultipartUpload').length, 1)
})

for (let i = 0; i < 4; i++) {
  test(`resumeUploadWithToken without its argument ${i + 1} of four changes nothing`, async (t) => {
    const { uploader, of, info, next } = await expired(t)
    const args = ['STS.NEW', SECRET, TOKEN, 3_600].map((arg, j) => (i === j ? undefined : arg))
    assert.equal(uploader.resumeUploadWithToken(.../** @type {[any, any, any, any]} */ (args)), false)
    await settled()
    assert.deepEqual([of('onUploadFailed').length, info.state], [0, 'Uploading'])
    assert.equal(uploader.resumeUploadWithToken('STS.NEW', SECRET, TOKEN, 3_600, info), true)
    await next('onUploadSucceed')
  })
}

test('resumeUploadWithToken that nobody asked for is told of', async (t) => {
  const { uploader, log } = await waiting(t)
  assert.equal(uploader.resumeUploadWithToken(...KEYS, 3_600), false)
  await settled()
  assert.deepEqual(log.map(({ code }) => code), ['UploadNotExpire'])
})

/** What each set of arguments is. @type {[any[], boolean][]} */
const PAIRS = [
  [[], true],
  [['STS.ID', SECRET], true],
  [['STS.ID', SECRET, TOKEN, 3_600], true],
  [[undefined, undefined, TOKEN, 3_600], true],
  [['STS.ID'], false],
  [[undefined, SECRET], false],
  [['STS.ID', SECRET, TOKEN], false],
  [['STS.ID', SECRET, undefined, 3_600], false],
  [['STS.ID', undefined, TOKEN, 3_600], false],
]
for (const [args, good] of PAIRS) {
  const given = ['accessKeyId', 'accessKeySecret', 'securityToken', 'expireTime'].filter((_, i) => args[i]).join() || 'nothing'
  test(`init with ${given} answers ${good}`, (t) => {
    assert.equal(stage(t).uploader.init(...args), good)
  })
}

test('with the token of init a file that has a place goes there unasked', async (t) => {
  const { uploader, next, oss, log } = stage(t, { authorize: false })
  uploader.init(...KEYS, 3_600)
  uploader.addFile(new FakeFile('a.mp4', 10), ...PLACE)
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.deepEqual([...oss.objects.keys(), ...log], ['there/b.mp4'])
})

test('with the token of init nobody has to hear onUploadstarted', async (t) => {
  const { uploader, next, log } = stage(t, { authorize: false, options: { onUploadstarted: undefined } })
  uploader.init(...KEYS, 3_600)
  uploader.addFile(new FakeFile('a.mp4', 10), ...PLACE)
  uploader.startUpload()
  await next('onUploadSucceed')
  assert.deepEqual(log, [])
})

for (const [what, args] of /** @type {[string, any[]][]} */ ([['nothing', []], ['a half', ['STS.ID', SECRET]]])) {
  test(`after init with ${what} files are asked for again`, async (t) => {
    const { uploader, next, fake } = stage(t, { authorize: false })
    uploader.init(...KEYS, 3_600)
    assert.equal(uploader.init(...args), true)
    uploader.addFile(new FakeFile('a.mp4', 10), ...PLACE)
    uploader.startUpload()
    await next('onUploadstarted')
    await settled()
    assert.deepEqual(fake.requests, [])
  })
}

test('an init that is refused leaves the last token in force', async (t) => {
  const { uploader, next } = stage(t, { authorize: false })
  uploader.init(...KEYS, 3_600)
  assert.equal(uploader.init('STS.ID'), false)
  uploader.addFile(new FakeFile('a.mp4', 10), ...PLACE)
  uploader.startUpload()
  await next('onUploadSucceed')
})

test('the token of init is not used for a file without a place', async (t) => {
  const { uploader, next, fake, of } = stage(t, { authorize: false })
  uploader.init(...KEYS, 3_600)
  uploader.addFile(new FakeFile('a.mp4', 10))
  uploader.startUpload()
  await next('onUploadstarted')
  await settled()
  assert.deepEqual([fake.requests, of('onUploadFailed')], [[], []])
})
