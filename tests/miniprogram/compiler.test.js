// @ts-check
// WeChat's own tools on the demo project: its npm builder, its compiler and its types take the package, and what comes out
// of them uploads.

import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { output, root } from '../../tools/env.mjs'
import { startCloud } from '../cloud/index.js'
import { KiB, makeFile, makeFolder, MiB } from './project.js'
import { compile } from './wechat_tools/compile.js'
import { demo as source, installDemo } from './wechat_tools/pack.js'
import { World } from './world.js'

/** @typedef {import('./sandbox.js').Runtime} Runtime */

/** What WeChat takes as a main package. <https://developers.weixin.qq.com/miniprogram/dev/framework/subpackages.html> */
const PACKAGE_LIMIT = 2 * MiB
const RUNTIMES = /** @type {Runtime[]} */ (['vm', 'jsc', 'jsc-no-jit', 'quickjs'])
const CORE = 'miniprogram_npm/vodupload'

/** The project, installed and with its npm packages built. */
const project = makeFolder('demo')
/** The package's folder for mini programs, as it is packed. */
const packed = join(project, 'node_modules/vodupload/dist/miniprogram')
/** What phones get of it: as project.config.json says, and with every file of the package. */
const compiled = { asConfigured: makeFolder('compiled'), whole: makeFolder('whole') }

before(async () => {
  await installDemo(project)
  const whole = edited((config) => { config.packOptions.ignore = [] })
  await Promise.all([compile(project, compiled.asConfigured), compile(whole, compiled.whole)])
})

/** A copy of the project with another project.config.json. @param {(config: any) => void} edit */
function edited(edit) {
  const folder = makeFolder('edited')
  cpSync(project, folder, { recursive: true })
  const config = JSON.parse(readFileSync(join(folder, 'project.config.json'), 'utf8'))
  edit(config)
  writeFileSync(join(folder, 'project.config.json'), JSON.stringify(config))
  return folder
}

/** @param {string} folder @returns {string[]} */
const filesOf = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(folder.length).replace(/^\//, '')).sort()

/** @param {string} folder */
const sizeOf = (folder) => filesOf(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)

// ── what the tools make of the package ──

test("the npm builder copies the package's folder byte for byte", () => {
  const built = join(project, CORE)
  assert.deepEqual(filesOf(built), filesOf(packed))
  for (const name of filesOf(packed)) assert.ok(readFileSync(join(built, name)).equals(readFileSync(join(packed, name))), `${name} is another`)
})

test('the compiler keeps both forms of the wasm, and leaves out what packOptions says', () => {
  for (const name of ['vodupload.wasm', 'vodupload.wasm.br']) {
    assert.ok(readFileSync(join(compiled.whole, CORE, name)).equals(readFileSync(join(packed, name))), `${name} is another`)
  }
  const kept = filesOf(compiled.asConfigured)
  assert.ok(kept.includes(`${CORE}/vodupload.wasm.br`) && kept.includes(`${CORE}/fallback.js`))
  assert.deepEqual(kept.filter((name) => /\.(md|d\.ts)$|vodupload\.wasm$|^(package(-lock)?|tsconfig)\.json$|^node_modules/.test(name)), [])
})

test('every page of app.json is compiled', () => {
  const { pages } = JSON.parse(readFileSync(join(source, 'app.json'), 'utf8'))
  const kept = filesOf(compiled.asConfigured)
  for (const page of pages) for (const kind of ['js', 'json', 'wxml']) assert.ok(kept.includes(`${page}.${kind}`), `${page}.${kind} is missing`)
})

test('the package stays below what WeChat takes', (t) => {
  for (const [name, folder] of Object.entries(compiled)) {
    const size = sizeOf(folder)
    t.diagnostic(`${name}: ${size.toLocaleString('en-US')} bytes, of these the library ${sizeOf(join(folder, CORE)).toLocaleString('en-US')}`)
    assert.ok(size < PACKAGE_LIMIT, `${name}: ${size} bytes`)
  }
})

// ── types ──

/** Types of WeChat and of ECMAScript 2018, none of a browser. */
const TYPES = {
  allowJs: true, checkJs: true, strict: true, noEmit: true, target: 'es2018', lib: ['es2018'], module: 'esnext', moduleResolution: 'bundler',
  skipLibCheck: false, types: ['miniprogram-api-typings'], typeRoots: [join(root, 'tests/miniprogram/wechat_tools/node_modules')],
}

const USER = `
import VODUpload, { type UploadError, type UploadInfo } from 'vodupload'

const uploader: VODUpload = new VODUpload({
  userId: 1,
  getAuth: (info, reason) => new Promise((resolve, reject) => wx.request<{ uploadAuth: string, uploadAddress: string, videoId: string }>({
    url: \`https://app.example.com/\${reason}?title=\${info.file.name}\`,
    success: ({ data }) => resolve(data),
    fail: reject,
  })),
  onUploadProgress(info: UploadInfo, total: number, ratio: number, { loadedBytes, totalBytes, speed, remaining }) {
    console.log(info.url, info.coverUrl, info.fileSize, total * ratio, loadedBytes / totalBytes, speed.toFixed(), remaining?.toFixed())
  },
  onUploadFailed(info, code: string, message: string, error: UploadError) { console.error(info.state === 'Failure', code, message, error.hint, error.requestId) },
  onUploadCanceled(info) { console.log(info.state === 'Stoped' || info.state === 'Canceled') },
})

wx.chooseVideo({ success(res: WechatMiniprogram.ChooseVideoSuccessCallbackResult & { thumbTempFilePath?: string }) {
  const added: boolean = uploader.addFile({ url: res.tempFilePath, coverUrl: res.thumbTempFilePath }, null, null, null, '{"Vod":{}}')
  console.log(added, uploader.addFile(res))
} })
wx.chooseMedia({ success: ({ tempFiles }) => { for (const file of tempFiles) uploader.addFile(file) } })
wx.chooseImage({ success: ({ tempFiles }) => { for (const file of tempFiles) uploader.addFile(file) } })
wx.chooseMessageFile({ count: 9, success: ({ tempFiles }) => { for (const file of tempFiles) uploader.addFile(file) } })

// @ts-expect-error: it takes functions
new VODUpload({ onUploadEnd: 1 })
// @ts-expect-error: no file
uploader.addFile(1)
uploader.startUpload()
`

/** @param {string} folder @param {object} config of tsc */
function check(folder, config) {
  const path = join(folder, 'tsconfig.json')
  writeFileSync(path, JSON.stringify(config))
  try {
    output('tsc', ['-p', path])
  } catch (error) {
    assert.fail(String(/** @type {any} */ (error).stdout || error))
  }
}

test("the demo's scripts have types, without a browser's", () => {
  check(edited(() => {}), { compilerOptions: TYPES, include: ['**/*.js'], exclude: ['node_modules', 'miniprogram_npm'] })
})

test("the package's types serve a mini program in TypeScript", () => {
  const folder = edited(() => {})
  writeFileSync(join(folder, 'user.ts'), USER)
  check(folder, { compilerOptions: TYPES, files: ['user.ts'] })
})

// ── what comes out of them ──

/** What the sandbox's phone lacks, which the page does not wait for; and an ear at every setData. */
const PRELUDE = `
wx.setKeepScreenOn = wx.setClipboardData = wx.setNavigationBarTitle = wx.navigateTo = function () {}
var page = Page
Page = function (options) {
  var load = options.onLoad
  options.onLoad = function (query) {
    var setData = this.setData
    this.setData = function (part, done) {
      console.log('@setData', { at: Date.now(), paths: Object.keys(part) })
      setData(part, done)
    }
    load.call(this, query)
  }
  page(options)
}
`

/**
 * A phone with a compiled project, whose servers are those of a local cloud under Aliyun's names.
 * @param {import('node:test').TestContext} t
 * @param {Runtime} runtime
 * @param {string} [from]
 */
async function install(t, runtime, from = compiled.asConfigured) {
  const folder = makeFolder('installed')
  cpSync(from, folder, { recursive: true })
  writeFileSync(join(folder, 'config.js'), "exports.server = 'https://app.example.com'\nexports.region = 'cn-shanghai'\nexports.vodEndpoint = exports.ugcEndpoint = ''\n")
  writeFileSync(join(folder, 'app.js'), PRELUDE + readFileSync(join(folder, 'app.js'), 'utf8'))
  const cloud = await startCloud({ endpoint: 'https://oss-cn-shanghai.aliyuncs.com', tencent: { names: 'real' } })
  const world = new World(cloud, runtime, folder)
  t.after(async () => {
    await world.program?.close()
    await cloud.close()
  })
  await world.launch()
  return world
}

/** @param {World} world @param {string} method @param {object} dataset of the element that is touched */
const touch = (world, method, dataset) => world.program.page(method, { currentTarget: { dataset } })

/** The rows of the page, once they are as wanted. @param {World} world @param {string} what @param {(rows: any[]) => boolean} wanted */
async function rows(world, what, wanted) {
  /** @type {any[]} */
  let shown = []
  await world.until(what, async () => wanted(shown = (await world.program.data()).rows))
  return shown
}

/** The rows, once all files are uploaded. @param {World} world @param {number} [count] */
const uploaded = (world, count = 1) => rows(world, `${count} uploaded`, (shown) => {
  const fault = shown.find(({ state }) => state === 'Failure')
  if (fault) throw new Error(`${fault.problem.detail}\n${world.program.story()}`)
  return shown.length === count && shown.every(({ state }) => state === 'Success')
})

/** @param {any} row @returns {string[]} */
const actsOf = (row) => row.acts.map((/** @type {{ act: string }} */ { act }) => act)

/** @param {World} world */
const stored = (world) => world.cloud.objects().map(({ key }) => key)

for (const runtime of RUNTIMES) {
  const scale = runtime === 'vm' || runtime === 'jsc' ? 1 : 0.2

  test(`${runtime}: the compiled page uploads a video and an image, with both authorisations`, async (t) => {
    for (const way of ['address', 'sts']) {
      const world = await install(t, runtime)
      await world.program.open('pages/upload/upload')
      await touch(world, 'chooseWay', { way })
      const video = await makeFile(`${way}-${runtime}.mp4`, Math.round(6 * MiB * scale) + 1)
      const image = await makeFile(`${way}-${runtime}.png`, 100 * KiB)
      world.wx.pick([video, image])
      await world.program.page('pickMedia')
      const [first, second] = await uploaded(world, 2)
      const { queue } = await world.program.data()

      assert.deepEqual([first.width, second.width, queue.width], ['100%', '100%', '100%'])
      assert.equal(first.result.id, world.cloud.videos()[0].videoId)
      assert.equal(second.result.id, world.cloud.images()[0].imageId)
      await world.assertSame(world.cloud.videos()[0].key, video)
      await world.assertSame(world.cloud.images()[0].key, image)
      world.assertClean()
      await world.program.close()
    }
  })
}

test("vm: the package's scripts upload without the compiler's changes, too", async (t) => {
  const world = await install(t, 'vm', compiled.whole)
  cpSync(packed, join(world.root, CORE), { recursive: true })
  await world.launch()
  await world.program.open('pages/upload/upload')
  const file = await makeFile('untouched.mp4', 3 * MiB)
  world.wx.pick([file])
  await world.program.page('pickFromChat')
  await uploaded(world)
  await world.assertSame(stored(world)[0], file)
  world.assertClean()
})

test('vm: stop, start, cancel, upload again and remove do what they say', async (t) => {
  const world = await install(t, 'vm')
  await world.program.open('pages/upload/upload')
  const stall = world.cloud.faults.add({ operation: 'UploadPart', after: 2, action: { kind: 'stall', forever: true } })
  const file = await makeFile('acts.mp4', 12 * MiB)
  world.wx.pick([file])
  await world.program.page('pickMedia')
  await world.stored(2)
  const [{ id }] = await rows(world, 'the row', ([row]) => row?.state === 'Uploading')
  await world.program.page('run')
  const [stopped] = await rows(world, 'the stop', ([row]) => row.state === 'Stoped')
  assert.deepEqual(actsOf(stopped), ['remove', 'start'])

  await touch(world, 'act', { act: 'start', id })
  await rows(world, 'the upload', ([row]) => row.state === 'Uploading')
  await touch(world, 'act', { act: 'cancel', id })
  const [canceled] = await rows(world, 'the cancel', ([row]) => row.state === 'Canceled')
  assert.deepEqual(actsOf(canceled), ['remove', 'resume'])
  world.cloud.faults.remove(stall)

  await touch(world, 'act', { act: 'resume', id })
  await uploaded(world)
  await world.assertSame(stored(world)[0], file)
  await world.program.page('clear')
  await rows(world, 'an empty list', (shown) => shown.length === 0)
  world.assertClean()
})

test('vm: the page is told what has changed, five times a second at most', async (t) => {
  const world = await install(t, 'vm')
  await world.program.open('pages/upload/upload')
  world.cloud.faults.network({ bytesPerSecond: 4 * MiB })
  world.wx.pick([await makeFile('painted-1.mp4', 4 * MiB), await makeFile('painted-2.mp4', 4 * MiB)])
  await world.program.page('pickMedia')
  await uploaded(world, 2)
  const paints = world.program.told('setData').filter(({ paths }) => paths.some((/** @type {string} */ path) => /^(rows|queue)/.test(path)))
  paints.slice(1).forEach(({ at }, i) => assert.ok(at - paints[i].at >= 195, `${at - paints[i].at} ms`)) // clocks tick in whole ms
  const [first, ...later] = paints.filter(({ paths }) => paths.some((/** @type {string} */ path) => path.startsWith('rows')))
  assert.ok(first.paths.includes('rows'))
  assert.ok(later.length > 2, `${later.length} paints`)
  for (const { paths } of later) assert.deepEqual(paths.filter((/** @type {string} */ path) => !/^(rows\[\d\]\.\w+|queue)$/.test(path)), [])
})

test('vm: a failure says what to do, and "try again" goes on', async (t) => {
  const world = await install(t, 'vm')
  await world.program.open('pages/upload/upload')
  const fault = world.cloud.faults.add({ operation: 'UploadPart', action: { kind: 'status', status: 403, code: 'AccessDenied' } })
  const file = await makeFile('refused.mp4', 3 * MiB)
  world.wx.pick([file])
  await world.program.page('pickMedia')
  const [failed] = await rows(world, 'the failure', ([row]) => row?.state === 'Failure')
  assert.match(failed.problem.advice, /\p{Script=Han}/u)
  assert.match(failed.problem.detail, /^AccessDenied: /)
  assert.match(failed.problem.request, /\w{20}/)
  assert.deepEqual(actsOf(failed), ['remove', 'retry'])
  world.cloud.faults.remove(fault)
  await touch(world, 'act', { act: 'retry', id: failed.id })
  await rows(world, 'the end', ([row]) => row.state === 'Success')
  await world.assertSame(stored(world)[0], file)
})

for (const runtime of RUNTIMES) {
  test(`${runtime}: the page of Tencent uploads a video with its cover, with a pause between`, async (t) => {
    const world = await install(t, runtime)
    await world.program.open('pages/tencent/tencent')
    const [video, cover] = [await makeFile(`tencent-${runtime}.mp4`, 3 * MiB), await makeFile('tencent.jpg', 20 * KiB)]
    world.wx.pick([video])
    await world.program.page('chooseVideo')
    await world.until('the video', async () => Boolean((await world.program.data()).video))
    world.wx.pick([cover])
    await world.program.page('chooseCover')
    await world.until('the cover', async () => Boolean((await world.program.data()).cover))
    const stall = world.cloud.faults.add({ operation: 'UploadPart', after: 1, action: { kind: 'stall', forever: true } })
    await world.program.page('start')
    await world.until('a part', () => world.cloud.uploads()[0]?.parts.length === 1)
    await world.program.page('pause')
    world.cloud.faults.remove(stall)
    await world.program.page('restart')
    await world.until('its end', async () => /Success|Failure/.test((await world.program.data()).state))
    const { state, width, fileId, detail } = await world.program.data()
    const [made] = world.cloud.medias()
    assert.deepEqual([state, width, fileId], ['Success', '100%', made?.fileId], detail)
    await world.assertSame(made.key, video)
    await world.assertSame(String(made.coverKey), cover)
    world.assertClean()
  })
}

test('on the page of Tencent another video takes the place of one that is paused', async (t) => {
  const world = await install(t, 'vm')
  await world.program.open('pages/tencent/tencent')
  const state = async () => (await world.program.data()).state
  const choose = async (/** @type {string} */ name) => {
    world.wx.pick([await makeFile(name, 3 * MiB)])
    const before = (await world.program.data()).video
    await world.program.page('chooseVideo')
    if (!before) await world.until('the video', async () => Boolean((await world.program.data()).video))
    await world.program.page('start')
  }
  const stall = world.cloud.faults.add({ operation: 'UploadPart', action: { kind: 'stall', forever: true } })
  await choose('tencent-first.mp4')
  await world.until('a part', () => world.cloud.uploads().length === 1)
  await world.program.page('pause')
  world.cloud.faults.remove(stall)
  const slow = world.cloud.faults.add({ operation: 'CommitUploadUGC', action: { kind: 'stall', forever: true } })
  await choose('tencent-second.mp4')
  await world.until('the commit', () => world.cloud.objects().length === 1)
  assert.equal(await state(), 'Uploading')
  world.cloud.faults.remove(slow)
  await world.program.page('pause')
  await world.program.page('restart')
  await world.until('its end', async () => /Success|Failure/.test(await state()))
  assert.deepEqual([await state(), world.cloud.medias().length], ['Success', 1])
})

// ── the documents' samples ──

/**
 * Opens a page with a sample, picks a file and starts.
 * @param {World} world @param {string} sample @param {string} file @param {string} [choose]
 */
async function runSample(world, sample, file, choose = 'chooseVideo') {
  await world.program.open(`pages/sample/${sample}`)
  // The page of the third document asks for its credential by itself.
  await world.until('its answer', () => !sample.startsWith('page_002') || world.wx.calls.some(({ ended }) => ended))
  world.wx.pick([file])
  await world.program.page(choose)
  const shown = async () => (await world.program.data()).board.files[0]
  await world.until('the file in the list', async () => Boolean(await shown()))
  await world.program.page('start')
  await world.until('its end', async () => /Success|Failure|Stoped/.test((await shown()).state))
  const { state, percent } = await shown()
  assert.deepEqual([sample, state, percent], [sample, 'Success', '100%'], world.program.story())
  await world.assertSame(stored(world)[0], file)
  world.assertClean()
  await world.program.close()
}

for (const runtime of RUNTIMES) {
  test(`${runtime}: the compiled samples of the documents upload as printed`, async (t) => {
    for (const sample of ['page_000_auth', 'page_000_sts', 'page_001_auth', 'page_001_sts', 'page_002_auth', 'page_002_sts']) {
      await runSample(await install(t, runtime), sample, await makeFile(`${sample}.mp4`, MiB + 1))
    }
  })
}

for (const sample of ['page_001_auth', 'page_001_sts']) {
  test(`vm: ${sample} renews what expires, as printed`, async (t) => {
    const world = await install(t, 'vm')
    // The token of STS expires, too: the page is asked for it only then.
    for (const operation of ['UploadPart', 'RefreshUploadVideo']) world.cloud.faults.add({ operation, times: 1, action: { kind: 'expire' } })
    await runSample(world, sample, await makeFile(`${sample}-renewed.mp4`, 3 * MiB))
  })
}

test('vm: page_001_sts uploads an image that wx.chooseImage gave', async (t) => {
  const world = await install(t, 'vm')
  await runSample(world, 'page_001_sts', await makeFile('chosen.png', 100 * KiB), 'chooseImage')
  assert.equal(world.cloud.images().length, 1)
})
