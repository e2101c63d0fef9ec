// @ts-check
// Code that is pasted from Aliyun's documents works. The pages are in fixtures/, as they are printed; only the
// addresses of the application's server are the local cloud's.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DIST, KiB, MiB, World, makeFile, newContext, openCloud, until } from './harness.js'

const FIXTURES = fileURLToPath(new URL('fixtures/', import.meta.url))
const HTML = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><input id="video" type="file"><input id="image" type="file">
<script type="importmap">{"imports":{"aliyun-upload-sdk-1.0.0.min.js":"/wx.js","aliyun-upload-sdk-1.0.3.min.js":"/wx.js"}}</script>
<script type="module" src="/sample.js"></script>`

/**
 * A page of the documents in a browser.
 * @param {import('node:test').TestContext} t
 * @param {string} sample
 * @param {(code: string) => string} [edit]
 */
async function openSample(t, sample, edit = (code) => code) {
  const { cloud, underWay } = await openCloud()
  /** @type {Record<string, string>} */
  const scripts = {
    '/vodupload/vodupload.js': readFileSync(join(DIST, 'vodupload.js'), 'utf8'),
    '/wx.js': readFileSync(join(FIXTURES, 'wx.js'), 'utf8'),
    '/sample.js': edit(readFileSync(join(FIXTURES, `${sample}.js`), 'utf8').replaceAll('https://alivc-demo.aliyuncs.com', '')),
  }
  // The page asks the address that it comes from, as createUrl without a host does.
  const server = createServer((request, response) => {
    const script = scripts[request.url ?? '']
    if (script) response.writeHead(200, { 'Content-Type': 'text/javascript; charset=utf-8' }).end(script)
    else if (!cloud.handler(request, response)) response.writeHead(200, { 'Content-Type': 'text/html' }).end(HTML)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const context = await newContext()
  t.after(async () => {
    await context.close()
    server.closeAllConnections()
    server.close()
    await cloud.close()
  })
  // The samples know nothing of a local VOD.
  await context.route('https://vod.cn-shanghai.aliyuncs.com/**', async (route) => {
    await route.fulfill({ response: await route.fetch({ url: cloud.vod + new URL(route.request().url()).search }) })
  })
  const page = await context.newPage()
  /** @type {string[]} */
  const problems = []
  page.on('pageerror', (error) => problems.push(String(error)))
  await page.goto(`http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/`)
  await page.waitForFunction(() => 'uploader' in globalThis)
  const world = new World({ cloud, underWay, page, calls: [], problems })
  /** @returns {Promise<{ on: string, uploadInfo: any, code?: string, message: string }[]>} */
  const told = () => page.evaluate(() => /** @type {any} */ (globalThis).told)

  return {
    cloud, page, world, told,
    /** @param {string} path @param {'video' | 'image'} [input] */
    choose: (path, input = 'video') => page.setInputFiles(`#${input}`, path),
    start: () => page.evaluate(() => /** @type {any} */ (globalThis).uploader.startUpload()),
    /**
     * The file has arrived, nothing went wrong; answers what the page was told at the end.
     * @param {string} path
     * @param {string[]} [between]
     */
    async assertUploaded(path, between = []) {
      await until(`the end of ${basename(path)}`, async () => (await told()).at(-1)?.on === 'onUploadEnd')
      const all = await told()
      assert.deepEqual(all.map(({ on, code }) => code ?? on), ['onUploadstarted', ...between, 'onUploadSucceed', 'onUploadEnd'])
      const { uploadInfo } = all[all.length - 2]
      await world.assertSame(uploadInfo.object, path)
      assert.deepEqual(problems, [])
      return uploadInfo
    },
  }
}

for (const page of ['page_000', 'page_001', 'page_002']) {
  test(`${page}: a video with upload address and credential`, async (t) => {
    const { cloud, choose, start, assertUploaded } = await openSample(t, `${page}_auth`)
    const file = await makeFile('sample.mp4', 3 * MiB)
    await choose(file)
    await start()
    const { videoId } = await assertUploaded(file)
    // The first page hands over an imageId where a videoId belongs.
    assert.equal(videoId, page === 'page_000' ? undefined : cloud.videos()[0].videoId)
  })

  test(`${page}: a video with an STS token`, async (t) => {
    const { cloud, choose, start, assertUploaded } = await openSample(t, `${page}_sts`)
    const file = await makeFile('sample-sts.mp4', 3 * MiB)
    await choose(file)
    await start()
    const { videoId } = await assertUploaded(file)
    assert.deepEqual(cloud.videos().map((video) => video.videoId), [videoId])
  })

  test(`${page}: an image with upload address and credential`, async (t) => {
    // Its server asks for an image then.
    const { choose, start, assertUploaded } = await openSample(t, `${page}_auth`, (code) => code.replace('getVideoUploadAuth', 'getImageUploadAuth'))
    const file = await makeFile('sample.png', 100 * KiB)
    await choose(file, page === 'page_001' ? 'image' : 'video')
    await start()
    assert.equal((await assertUploaded(file)).isImage, true)
  })

  test(`${page}: an image with an STS token`, async (t) => {
    const { cloud, choose, start, assertUploaded } = await openSample(t, `${page}_sts`)
    const file = await makeFile('sample-sts.png', 100 * KiB)
    await choose(file, page === 'page_001' ? 'image' : 'video')
    await start()
    const { imageUrl } = await assertUploaded(file)
    assert.match(imageUrl, /^http/)
    assert.equal(cloud.images().length, 1)
  })
}

for (const authorisation of ['auth', 'sts']) {
  test(`page_001_${authorisation}: what expires is renewed as printed`, async (t) => {
    const { cloud, choose, start, assertUploaded } = await openSample(t, `page_001_${authorisation}`)
    // The token of STS expires, too: the page is asked for it only then.
    for (const operation of ['UploadPart', 'RefreshUploadVideo']) cloud.faults.add({ operation, times: 1, action: { kind: 'expire' } })
    const file = await makeFile('sample-expired.mp4', 3 * MiB)
    await choose(file)
    await start()
    await assertUploaded(file, ['onUploadTokenExpired'])
  })
}

test('page_000_sts: its renewal hands over what the server does not give, and the file fails with a reason', async (t) => {
  const { cloud, choose, start, told } = await openSample(t, 'page_000_sts')
  for (const operation of ['UploadPart', 'RefreshUploadVideo']) cloud.faults.add({ operation, times: 1, action: { kind: 'expire' } })
  await choose(await makeFile('sample-renewal.mp4', 3 * MiB))
  await start()
  await until('the end', async () => (await told()).at(-1)?.on === 'onUploadEnd')
  const all = await told()
  assert.deepEqual(all.map(({ on }) => on), ['onUploadstarted', 'onUploadTokenExpired', 'onUploadFailed', 'onUploadEnd'])
  assert.equal(all[2].code, 'InvalidUploadAuth')
})

test('page_000_auth: a server that refuses leads to stopUpload, and a new start goes on', async (t) => {
  const { page, choose, start, told, assertUploaded } = await openSample(t, 'page_000_auth')
  let refused = 0
  await page.route('**/demo/getVideoUploadAuth*', (route) => refused++ ? route.continue() : route.fulfill({ status: 500, json: {} }))
  const file = await makeFile('sample-refused.mp4', 3 * MiB)
  await choose(file)
  await start()
  await until('the stop', () => page.evaluate(() => /** @type {any} */ (globalThis).uploader.listFiles()[0].state === 'Stoped'))
  assert.deepEqual((await told()).map(({ on }) => on), ['onUploadstarted'])
  await start()
  await assertUploaded(file, ['onUploadstarted'])
})

test('the printed paramData that is no JSON is refused with the right form, and that form is told to VOD', async (t) => {
  const { cloud, page, choose, told } = await openSample(t, 'page_001_sts')
  const file = await makeFile('sample-param.mp4', 3 * MiB)
  const paste = (/** @type {string} */ userData) => page.evaluate((userData) => {
    const { uploader, wx } = /** @type {any} */ (globalThis)
    uploader.cleanList()
    wx.chooseVideo({ success: (/** @type {any} */ res) => uploader.addFile({ url: res.tempFilePath }, null, null, null, userData) })
  }, userData)
  await paste('{"Vod":{"Title":"test","CateId":"234"}"}')
  await choose(file)
  await until('the refusal', async () => (await told()).length > 0)
  const [{ on, code, message }] = await told()
  assert.deepEqual([on, code], ['onUploadFailed', 'InvalidParamData'])
  const [right = ''] = /\{"Vod":\{[^{}]*\}\}/.exec(message) ?? []
  assert.doesNotThrow(() => JSON.parse(right), message)

  const again = await openSample(t, 'page_001_sts', (code) => code.replace(`'{"Vod":{}}'`, `'${right}'`))
  await again.choose(file)
  await again.start()
  await again.assertUploaded(file)
  const { Title, CateId } = again.cloud.videos()[0].parameters
  assert.deepEqual([Title, CateId], ['test', '234'])
  assert.equal(cloud.objects().length, 0)
})
