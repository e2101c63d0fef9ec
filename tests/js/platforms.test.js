// @ts-check
// WeChat and Douyin: where the core comes from, and what each does otherwise.
import assert from 'node:assert/strict'
import { crc64 } from '../cloud/crc64.js'
import { freshModule, wasm } from './bundle.js'
import { FakeFile, fakeProgram } from './fake_host.js'
import { pathOf } from './fake_wx.js'
import { settled, stage } from './stage.js'
import { test } from './story.js'
import { tinyOss } from './tiny_oss.js'

/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {(path: string, imports: any) => unknown} Instantiate */

const FORM = 1 << 20
const FOLDER = '/miniprogram_npm/vodupload/'

/** Sets globals for the time of a test. @param {TestContext} t @param {Record<string, unknown>} values */
function globals(t, values) {
  const all = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (globalThis))
  for (const [name, value] of Object.entries(values)) {
    assert.ok(!(name in all), `there is a ${name}`)
    all[name] = value
    t.after(() => { delete all[name] })
  }
}

/** A program on this version, with these files in its package. @param {string} SDKVersion @param {Instantiate} [instantiate] */
function wechatOf(SDKVersion, instantiate) {
  const program = fakeProgram()
  program.wx.getAppBaseInfo = () => ({ SDKVersion })
  /** @type {string[]} */
  const paths = []
  const WXWebAssembly = instantiate && {
    instantiate: async (/** @type {string} */ path, /** @type {any} */ imports) => {
      paths.push(path)
      return instantiate(path, imports)
    },
  }
  return { program, paths, globals: { wx: program.wx, ...(WXWebAssembly && { WXWebAssembly }) } }
}

const missing = () => { throw new Error('file not found') }

/** An upload on a core that this module has yet to load. @param {TestContext} t @param {any} program @param {any} faces @param {object} [options] @param {number} [size] @param {any} [oss] */
async function uploaded(t, program, { host, vodUploadOn }, options = {}, size = 2 * FORM, oss = tinyOss()) {
  const scene = stage(t, { fake: Object.assign(program, { host }), vodUploadOn, oss, options: { partSize: undefined, ...options } })
  assert.equal(scene.uploader.addFile(/** @type {any} */ (pathOf(new FakeFile('a.mp4', size), '.mp4'))), true)
  scene.uploader.startUpload()
  const [info] = await scene.next('onUploadSucceed')
  assert.equal(oss.objects.get('sv/a.mp4'), size)
  return { ...scene, info }
}

for (const [version, answered, paths] of /** @type {[string, string, string[]][]} */ ([
  ['2.14.0', '.br', [`${FOLDER}vodupload.wasm.br`]],
  ['3.8.0', '.br', [`${FOLDER}vodupload.wasm.br`]],
  ['3.8.0', '.wasm', [`${FOLDER}vodupload.wasm.br`, `${FOLDER}vodupload.wasm`]],
  ['2.13.0', '.wasm', [`${FOLDER}vodupload.wasm`]],
  ['2.13.9', '.wasm', [`${FOLDER}vodupload.wasm`]],
])) {
  test(`WeChat ${version} with a ${answered} looks for ${paths.length} files`, async (t) => {
    const world = wechatOf(version, (path) => (path.endsWith(answered) ? { exports: path } : missing()))
    globals(t, world.globals)
    const warn = t.mock.method(console, 'warn', () => {})
    const { wechat } = await freshModule()
    assert.deepEqual(await wechat.loadCore({}), { exports: paths.at(-1) })
    assert.deepEqual([world.paths, warn.mock.callCount()], [paths, 0])
  })
}

for (const [corePath, folder] of [['/lib/core', '/lib/core/'], ['/lib/core/', '/lib/core/'], ['lib', 'lib/'], [undefined, FOLDER]]) {
  test(`with the corePath ${corePath} the core is in ${folder}`, async (t) => {
    const world = wechatOf('3.8.0', (_, imports) => WebAssembly.instantiate(wasm, imports))
    globals(t, world.globals)
    const { wechat, vodUploadOn } = await freshModule()
    const { lines } = await uploaded(t, world.program, { host: wechat, vodUploadOn }, { corePath })
    assert.deepEqual([world.paths, lines], [[`${folder}vodupload.wasm.br`], []])
  })
}

for (const kind of ['its instance', 'an object with the instance']) {
  test(`WXWebAssembly may answer with ${kind}`, async (t) => {
    const world = wechatOf('3.8.0', async (_, imports) => {
      const instance = await WebAssembly.instantiate(wasm, imports)
      return kind === 'its instance' ? instance : { instance }
    })
    globals(t, world.globals)
    const { wechat, vodUploadOn } = await freshModule()
    await uploaded(t, world.program, { host: wechat, vodUploadOn })
    assert.equal(wechat.limits.digestRate, 8e6)
  })
}

test('without a file of the core uploads work on the one in JavaScript, and that is told once', async (t) => {
  const world = wechatOf('3.8.0', missing)
  globals(t, world.globals)
  const { wechat, vodUploadOn } = await freshModule()
  const { lines } = await uploaded(t, world.program, { host: wechat, vodUploadOn }, { corePath: '/lib' })
  assert.equal(lines.length, 1)
  assert.match(lines[0], /^vodupload: there is no \/lib\/vodupload\.wasm\.br \(Error: file not found\); .*corePath/)
  assert.equal(wechat.limits.digestRate, 1e6, 'it digests slowly')
  await uploaded(t, world.program, { host: wechat, vodUploadOn })
  assert.equal(world.paths.length, 2, 'it is looked for once')
})

test('where there is no WXWebAssembly nobody is told, for nothing can be done', async (t) => {
  const world = wechatOf('2.10.0')
  globals(t, world.globals)
  const { wechat, vodUploadOn } = await freshModule()
  const { lines } = await uploaded(t, world.program, { host: wechat, vodUploadOn })
  assert.deepEqual([lines, wechat.limits.digestRate], [[], 1e6])
})

test('the core in JavaScript compares what is stored as the wasm does', async (t) => {
  const world = wechatOf('2.10.0')
  globals(t, world.globals)
  const { wechat, vodUploadOn } = await freshModule()
  const oss = tinyOss()
  let damages = 1
  const answer = (/** @type {any} */ request) => {
    const response = /** @type {any} */ (oss.answer(request))
    if (!request.part) return response
    const crc = crc64()
    crc.update(new Uint8Array(request.source.file.bytes(request.slice.start, request.slice.end)))
    return { ...response, headers: { ...response.headers, 'x-oss-hash-crc64ecma': damages-- > 0 ? '1' : String(crc.value()) } }
  }
  const { info, fake } = await uploaded(t, world.program, { host: wechat, vodUploadOn }, { integrity: true }, 2 * FORM, { ...oss, answer })
  assert.equal(info.verified, true)
  assert.equal(fake.operations().filter((name) => name === 'UploadPart').length, 3)
})

for (const [version, form] of /** @type {[string, number][]} */ ([['2.9.5', Infinity], ['2.10.0', FORM], ['3.8.0', FORM]])) {
  test(`WeChat ${version} sends forms of up to ${form} bytes`, async (t) => {
    globals(t, wechatOf(version).globals)
    assert.equal((await freshModule()).wechat.limits.form, form)
  })
}

// Douyin.

/** @param {TestContext} t @param {string} SDKVersion */
async function douyinOf(t, SDKVersion) {
  const program = fakeProgram()
  program.wx.getAppBaseInfo = () => ({ SDKVersion })
  globals(t, { tt: program.wx })
  const { douyin: host, vodUploadOn } = await freshModule()
  return { program, host, vodUploadOn }
}

test('Douyin takes no text, and waits no longer than a minute', async (t) => {
  const { program, host } = await douyinOf(t, '3.0.0')
  const text = '<Part>题 😀</Part>'
  host.send({ method: 'POST', url: 'https://a.example.com/', headers: [['content-type', 'application/xml']], body: text }, undefined, () => {})
  host.send({ method: 'GET', url: 'https://a.example.com/', headers: [] }, undefined, () => {})
  const [{ data, timeout }, get] = program.calls
  assert.ok(data instanceof ArrayBuffer)
  assert.deepEqual([Buffer.from(data).toString(), timeout, get.data, get.timeout], [text, 60_000, undefined, 60_000])
})

for (const [version, form] of /** @type {[string, number][]} */ ([['2.59.9', Infinity], ['2.60.0', FORM], ['3.1.0', FORM]])) {
  test(`Douyin ${version} sends forms of up to ${form} bytes`, async (t) => {
    const { host } = await douyinOf(t, version)
    assert.equal(host.limits.form, form)
  })
}

test('an upload to Douyin goes in parts on the core in JavaScript, without a word', async (t) => {
  const { program, ...faces } = await douyinOf(t, '3.0.0')
  const { lines } = await uploaded(t, program, faces, {}, 3 * FORM)
  assert.deepEqual([program.operations().at(-1), lines], ['CompleteMultipartUpload', []])
})

test('an old Douyin gets a file of 3 MB in one form', async (t) => {
  const { program, ...faces } = await douyinOf(t, '2.59.0')
  await uploaded(t, program, faces, {}, 3 * FORM)
  await settled()
  assert.deepEqual(program.operations(), ['PostObject'])
})
