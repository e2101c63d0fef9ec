// @ts-check
// Every method in every state of a file: what it answers, what becomes of the file, what is told, and that it is no dead end.
import assert from 'node:assert/strict'
import { FakeFile } from './fake_host.js'
import { ADDRESS, AUTH, PART, SECRET, TOKEN, authOf, deferred, settled, stage } from './stage.js'
import { test } from './story.js'
import { refusal, tinyOss } from './tiny_oss.js'
import { tinyVod } from './tiny_vod.js'

/** @typedef {'Ready' | 'Uploading' | 'Success' | 'Failure' | 'Canceled' | 'Stoped'} State */
/** @typedef {ReturnType<typeof open>} Scene */

const KEYS = /** @type {const} */ (['STS.ID', SECRET, TOKEN])
const OLD = authOf({ AccessKeyId: 'STS.OLD' })

/** A file in a list, on a service that a test can hold up. @param {import('node:test').TestContext} t */
function open(t) {
  const vod = tinyVod(tinyOss())
  /** What does not answer, or not well. @type {{ hold?: string, expire?: string, refuse?: string, slow?: ReturnType<typeof deferred> }} */
  const world = {}
  const scene = stage(t, { authorize: false, options: { refreshTimeout: 0 } })
  const { host } = scene.fake
  const { get } = host.storage
  host.storage.get = (key) => (world.slow ? world.slow.promise.then(() => get(key)) : get(key))
  scene.fake.serve((request) => {
    const isOld = JSON.stringify(request.headers).includes('STS.OLD')
    if (request.operation === world.hold && request.part !== 1) return undefined
    if (request.operation === world.expire && isOld) return refusal('SecurityTokenExpired')
    if (request.operation === world.refuse) return refusal('AccessDenied')
    return vod.answer(request)
  })
  const file = new FakeFile('a.mp4', 3 * PART)
  return { ...scene, vod, world, file, info: /** @type {any} */ (undefined) }
}

/** @param {Scene} scene */
function add(scene) {
  scene.uploader.addFile(/** @type {any} */ (scene.file))
  scene.info = scene.uploader.listFiles()[0]
}

/** @param {Scene} scene */
async function start(scene) {
  add(scene)
  scene.uploader.startUpload()
  await scene.next('onUploadstarted')
}

/** @param {Scene} scene @param {{ hold?: string, expire?: string, refuse?: string }} world @param {string} [auth] */
async function upload(scene, world, auth = AUTH) {
  Object.assign(scene.world, world)
  await start(scene)
  scene.uploader.setUploadAuthAndAddress(scene.info, auth, ADDRESS, 'VID')
  await settled()
  await settled()
}

/** How a file gets there, and what it then says it is. @type {Record<string, [State | undefined, (scene: Scene) => unknown]>} */
const STATES = {
  'no file': [undefined, () => {}],
  'queued': ['Ready', add],
  'loading': ['Ready', async (scene) => {
    scene.world.slow = deferred()
    add(scene)
    scene.uploader.startUpload()
  }],
  'waiting for a credential': ['Ready', start],
  'waiting for VOD': ['Ready', async (scene) => {
    scene.world.hold = 'CreateUploadVideo'
    await start(scene)
    assert.equal(scene.uploader.setSTSToken(scene.info, ...KEYS), true)
    await settled()
  }],
  'uploading': ['Uploading', (scene) => upload(scene, { hold: 'UploadPart' })],
  'completing': ['Uploading', (scene) => upload(scene, { hold: 'CompleteMultipartUpload' })],
  'waiting for a renewal': ['Uploading', (scene) => upload(scene, { expire: 'UploadPart' }, OLD)],
  'stopped': ['Stoped', async (scene) => {
    await upload(scene, { hold: 'UploadPart' })
    scene.uploader.stopUpload()
  }],
  'failed': ['Failure', (scene) => upload(scene, { refuse: 'UploadPart' })],
  'cancelled': ['Canceled', async (scene) => {
    await upload(scene, { hold: 'UploadPart' })
    scene.uploader.cancelFile(0)
  }],
  'succeeded': ['Success', (scene) => upload(scene, {})],
}
const ACTIVE = ['loading', 'waiting for a credential', 'waiting for VOD', 'uploading', 'completing', 'waiting for a renewal']
const ALL = Object.keys(STATES)

/**
 * A method: what it answers, what the file is then (`undefined`: as before), and which callbacks it leads to.
 * @typedef {object} Method
 * @property {(scene: Scene) => unknown} call
 * @property {(was: string) => unknown} answer
 * @property {(was: string) => State | 'gone' | undefined} becomes
 * @property {(was: string) => string[]} tells
 */

/** @param {string[]} states @param {unknown} value @param {unknown} [other] @returns {(was: string) => any} */
const when = (states, value, other) => (was) => (states.includes(was) ? value : other)

const unchanged = () => undefined
const nothing = () => []
const some = ALL.slice(1)

/** @type {(was: string) => string[]} */
const endTold = (was) => {
  if (ACTIVE.includes(was)) return ['Canceled', 'End']
  return ['queued', 'stopped', 'failed'].includes(was) ? ['Canceled'] : []
}

/** A question answered in the state that has asked, and in no other. */
const resumed = {
  answer: when(['waiting for a renewal'], true, false),
  becomes: when(['waiting for a renewal'], 'Success'),
  tells: when(['waiting for a renewal'], ['Progress', 'Succeed', 'End'], []),
}

/** @type {Record<string, Method>} */
const METHODS = {
  'addFile of another': {
    call: ({ uploader }) => uploader.addFile(/** @type {any} */ (new FakeFile('b.mp4', 10))),
    answer: () => true, becomes: unchanged, tells: nothing,
  },
  'addFile again': {
    call: ({ uploader, file }) => uploader.addFile(/** @type {any} */ (file)),
    answer: when(['no file'], true, false), becomes: unchanged, tells: nothing,
  },
  'deleteFile': {
    call: ({ uploader }) => uploader.deleteFile(0),
    answer: when(some, true, false), becomes: when(some, 'gone'), tells: endTold,
  },
  'cancelFile': {
    call: ({ uploader }) => uploader.cancelFile(0),
    answer: when(some, true, false), becomes: when(some.filter((was) => was !== 'succeeded'), 'Canceled'), tells: endTold,
  },
  'resumeFile': {
    call: ({ uploader }) => uploader.resumeFile(0),
    answer: when(['cancelled'], true, false), becomes: when(['cancelled'], 'Ready'), tells: nothing,
  },
  'startUpload': {
    call: ({ uploader }) => uploader.startUpload(),
    answer: unchanged, becomes: when(['stopped', 'failed'], 'Ready'), tells: when(['queued', 'stopped', 'failed'], ['started'], []),
  },
  'stopUpload': {
    call: ({ uploader }) => uploader.stopUpload(),
    answer: unchanged, becomes: when(ACTIVE, 'Stoped'), tells: when(ACTIVE, ['Canceled'], []),
  },
  'cleanList': {
    call: ({ uploader }) => uploader.cleanList(),
    answer: unchanged, becomes: when(some, 'gone'), tells: when(ACTIVE, ['Canceled'], []),
  },
  'setUploadAuthAndAddress': {
    call: ({ uploader, info }) => uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS, 'VID'),
    answer: when(['waiting for a credential', 'waiting for a renewal'], true, false),
    becomes: when(['waiting for a credential', 'waiting for a renewal'], 'Success'),
    tells: when(['waiting for a credential', 'waiting for a renewal'], ['Progress', 'Succeed', 'End'], []),
  },
  'setSTSToken': {
    call: ({ uploader, info }) => uploader.setSTSToken(info, ...KEYS),
    answer: when(['waiting for a credential', 'waiting for a renewal'], true, false),
    becomes: when(['waiting for a credential', 'waiting for a renewal'], 'Success'),
    tells: when(['waiting for a credential', 'waiting for a renewal'], ['Progress', 'Succeed', 'End'], []),
  },
  'resumeUploadWithAuth': { call: ({ uploader }) => uploader.resumeUploadWithAuth(AUTH), ...resumed },
  'resumeUploadWithAuth of the file': {
    call: ({ uploader, info }) => uploader.resumeUploadWithAuth(AUTH, info),
    // With the file it also answers the first question, but a new upload needs an address: the file fails with a clear code.
    answer: when(['waiting for a credential', 'waiting for a renewal'], true, false),
    becomes: (was) => (was === 'waiting for a credential' ? 'Failure' : resumed.becomes(was)),
    tells: (was) => (was === 'waiting for a credential' ? ['Failed', 'End'] : resumed.tells(was)),
  },
  'resumeUploadWithSTSToken': { call: ({ uploader }) => uploader.resumeUploadWithSTSToken(...KEYS), ...resumed },
  'getCheckpoint': {
    call: ({ uploader, file }) => Boolean(uploader.getCheckpoint(/** @type {any} */ (file))),
    answer: when(['uploading', 'completing', 'waiting for a renewal', 'stopped', 'failed'], true, false),
    becomes: unchanged, tells: nothing,
  },
  'init': { call: ({ uploader }) => uploader.init(...KEYS, 3_600), answer: () => true, becomes: unchanged, tells: nothing },
  'listFiles': {
    call: ({ uploader, info }) => uploader.listFiles().indexOf(info),
    answer: when(some, 0, -1), becomes: unchanged, tells: nothing,
  },
}

/** Brings whatever is in the list to its end. @param {Scene} scene */
async function finish(scene) {
  const { uploader, vod, fake, calls, world } = scene
  world.slow?.resolve()
  fake.serve(vod.answer)
  for (const request of fake.requests) if (!request.ended) request.respond(/** @type {any} */ (vod.answer(request)))
  let answered = 0
  uploader.listFiles().forEach((_, i) => uploader.resumeFile(i))
  uploader.startUpload()
  for (let turn = 0; turn < 12; turn++) {
    await settled()
    for (const info of uploader.listFiles()) {
      if (calls.some(({ name, args }, i) => name === 'onUploadstarted' && args[0] === info && i >= answered)) {
        uploader.setUploadAuthAndAddress(info, AUTH, ADDRESS, 'VID')
      }
    }
    answered = calls.length
    if (scene.of('onUploadTokenExpired').length > 0) uploader.resumeUploadWithAuth(AUTH)
  }
}

/** Parts that nobody can free: the only key is over. @param {string} was @param {string} name */
const keyless = (was, name) => Number(was === 'waiting for a renewal' && ['deleteFile', 'cancelFile'].includes(name))

/** What became of a file after a story, by its own callbacks. */
const ENDINGS = /^onUpload(Succeed|Failed|Canceled)$/

for (const [was, [before, reach]] of Object.entries(STATES)) {
  for (const [name, method] of Object.entries(METHODS)) {
    test(`${name} with ${was === 'no file' ? was : `a file that is ${was}`}`, async (t) => {
      const scene = open(t)
      await reach(scene)
      await settled()
      assert.equal(scene.info?.state, before)
      const told = scene.calls.length
      assert.equal(method.call(scene), method.answer(was))
      for (let turn = 0; turn < 4; turn++) await settled()

      const after = scene.calls.slice(told)
      const becomes = method.becomes(was)
      if (becomes === 'gone') assert.deepEqual(scene.uploader.listFiles(), [])
      else assert.equal(scene.info?.state, becomes ?? before)
      const names = after.map((call) => call.name.replace('onUpload', '')).filter((one, i, all) => one !== all[i - 1])
      assert.deepEqual(names, method.tells(was))
      assert.ok(after.filter((call) => ENDINGS.test(call.name)).length <= 1, 'one end')
      assert.deepEqual(scene.log.filter(({ code }) => !['UploadNotStart', 'UploadNotExpire', 'FileAlreadyExist'].includes(code)), [])

      // It is no dead end: all that is in the list can still be brought to its end, told once.
      const ends = scene.of('onUploadEnd').length
      const open_ = scene.uploader.listFiles().some(({ state }) => state !== 'Success')
      await finish(scene)
      const states = scene.uploader.listFiles().map(({ state }) => state)
      assert.deepEqual(states, states.map(() => 'Success'), scene.calls.map((call) => call.name).join())
      assert.equal(scene.of('onUploadEnd').length, ends + Number(open_))
      for (const info of scene.uploader.listFiles()) {
        assert.equal(scene.of('onUploadSucceed').filter(({ args }) => args[0] === info).length, 1)
      }
      if (name !== 'cleanList') assert.equal(scene.vod.oss.uploads.size, keyless(was, name))
    })
  }
}

for (const [was, [, reach]] of Object.entries(STATES)) {
  test(`a ${was === 'no file' ? 'deleted file that never was' : `file that is ${was} and is deleted`} leaves nothing at the service`, async (t) => {
    const scene = open(t)
    await reach(scene)
    await settled()
    scene.uploader.deleteFile(0)
    await settled()
    assert.deepEqual([scene.vod.oss.uploads.size, scene.fake.storage.records.size], [keyless(was, 'deleteFile'), 0])
  })
}
