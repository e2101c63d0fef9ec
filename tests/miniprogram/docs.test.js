// @ts-check
// The pages of the README and of docs/miniprogram.md, copied and pasted.
import { transformSync } from 'esbuild'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../tools/env.mjs'
import { startCloud } from '../cloud/index.js'
import { KiB, MiB, makeFile, makeProject } from './project.js'
import { PACKAGE, World } from './world.js'

const PAGE = 'pages/upload/upload'

/** The code blocks of a document that hold these words. @param {string} document @param {string} words */
function codeWith(document, words) {
  const blocks = readFileSync(join(root, document), 'utf8').matchAll(/```\w+\n([^]*?)```/g)
  for (const [, code] of blocks) if (code.includes(words)) return code
  throw new Error(`${document} shows no ${words}`)
}

/** What a page lacks whose code shows the uploader alone. */
const REST = `
Page({
  choose() {
    wx.chooseMedia({ success: ({ tempFiles }) => {
      for (const file of tempFiles) uploader.addFile(file)
      uploader.startUpload()
    } })
  },
})`

/**
 * Runs a page, picks a video and an image, and waits until both are stored as they are.
 * @param {import('node:test').TestContext} t @param {string} code
 */
async function upload(t, code) {
  const folder = makeProject({
    'app.js': 'App({})\nwx.setKeepScreenOn = wx.showToast = function () {}',
    'app.json': JSON.stringify({ pages: [PAGE] }),
    [`${PAGE}.js`]: transformSync(code, { format: 'cjs', target: 'es2015' }).code,
    [`${PAGE}.json`]: '{}',
    [`${PAGE}.wxml`]: '',
  }, { 'miniprogram_npm/vodupload': PACKAGE, 'libs/vodupload': PACKAGE })
  const cloud = await startCloud({ endpoint: 'https://oss-cn-shanghai.aliyuncs.com' })
  const world = new World(cloud, 'vm', folder)
  t.after(async () => {
    await world.program?.close()
    await cloud.close()
  })
  await world.launch()
  await world.program.open(PAGE)
  const files = [await makeFile('a.mp4', 5 * MiB), await makeFile('b.mp4', 100 * KiB)]
  world.wx.pick(files)
  await world.program.page('choose')
  await world.until('both files', () => cloud.objects().length === 2)
  const stored = cloud.objects().sort((a, b) => b.size - a.size)
  for (const [i, { key }] of stored.entries()) await world.assertSame(key, files[i])
  return world
}

for (const document of ['README.md', 'README.zh-CN.md', 'docs/miniprogram.md', 'docs/miniprogram.zh-CN.md']) {
  test(`the page of ${document}`, async (t) => { await upload(t, codeWith(document, 'wx.chooseMedia')) })
}

for (const document of ['docs/miniprogram.md', 'docs/miniprogram.zh-CN.md']) {
  for (const words of ['askForToken', 'getAuth']) {
    test(`${words} of ${document}`, async (t) => { await upload(t, codeWith(document, words) + REST) })
  }
}

test('the folder copied by hand, imported and found as the README says', async (t) => {
  const [line, path] = /import VODUpload from '(.*libs.*)'/.exec(codeWith('README.md', 'corePath')) ?? []
  const [option] = /corePath: '.*'/.exec(codeWith('README.md', 'corePath')) ?? []
  assert.ok(line && path && option)
  const page = codeWith('README.md', 'wx.chooseMedia').replace("'vodupload'", `'${path}'`).replace('new VODUpload({', `new VODUpload({ ${option},`)
  const { wx } = await upload(t, page)
  assert.deepEqual(wx.files.loaded.filter((name) => /vodupload/.test(name)), ['libs/vodupload/index.js', '/libs/vodupload/vodupload.wasm.br'])
})
