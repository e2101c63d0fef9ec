// @ts-check
// What another engine may do otherwise: the strict policy, progress of XHR, slices of files, storage, CORS.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { KiB, MiB, World, makeFile, openCloud, until } from './harness.js'
import { startFirefox } from './webdriver.js'

/** @type {Awaited<ReturnType<typeof startFirefox>>} */
let firefox
before(async () => { firefox = await startFirefox() })
after(() => firefox?.close())

/**
 * @param {import('node:test').TestContext} t
 * @param {import('../cloud/index.js').CloudOptions} [options]
 */
async function openWorld(t, options) {
  const { cloud, underWay } = await openCloud(options)
  /** @type {import('./page.js').Call[]} */
  const calls = []
  const page = await firefox.openPage(calls)
  t.after(async () => {
    page.close()
    await cloud.close()
  })
  return new World({ cloud, underWay, page, calls, problems: [] })
}

test('Firefox uploads a small file and parts, byte for byte, with progress', async (t) => {
  const world = await openWorld(t)
  const paths = [await makeFile('火狐 small.mp4', MiB / 2), await makeFile('火狐 large.mp4', 24 * MiB)]
  await world.begin(paths)
  await world.heard('onUploadEnd')
  for (const path of paths) await world.assertUploaded(path)
})

test('Firefox goes on after a reload, and through cuts, refusals and an expired credential', async (t) => {
  const world = await openWorld(t)
  const path = await makeFile('firefox.mp4', 40 * MiB)
  world.cloud.faults.network({ bytesPerSecond: 12 * MiB })
  world.cloud.faults.add({ operation: 'UploadPart', rate: 0.05, seed: 1, action: { kind: 'cut' } })
  world.cloud.faults.add({ operation: 'UploadPart', rate: 0.05, seed: 2, action: { kind: 'status', status: 503 } })
  await world.begin([path])
  await world.reached(0.4)
  await world.reload()
  world.cloud.faults.add({ operation: 'UploadPart', after: 3, times: 1, action: { kind: 'expire' } })
  await world.begin([path])
  await world.heard('onUploadEnd')
  await world.assertUploaded(path, { resumed: true, expiries: 1 })
  assert.equal(world.requests('InitiateMultipartUpload').filter(({ status }) => status === 200).length, 1)
})

test('Firefox uploads with an STS token, through an expiry, and what changed on its way is sent again', async (t) => {
  const world = await openWorld(t, { integrity: 'full' })
  const paths = [await makeFile('火狐 sts.png', 20 * KiB), await makeFile('火狐 sts.mp4', 6 * MiB)]
  world.cloud.faults.add({ operation: 'UploadPart', partNumber: 2, times: 1, action: { kind: 'corrupt' } })
  world.cloud.faults.add({ operation: 'UploadPart', after: 3, times: 1, action: { kind: 'expire' } })
  await world.begin(paths, { partSize: MiB, integrity: true }, 'sts')
  await world.heard('onUploadEnd')
  for (const path of paths) await world.assertUploaded(path)
  assert.deepEqual(world.calls.filter(({ on }) => on === 'onUploadSucceed').map(({ verified }) => verified), [true, true])
})

test('Firefox uploads a video with its cover to Tencent, and goes on after a reload', async (t) => {
  const { cloud } = await openCloud({ tencent: {} })
  const page = await firefox.openPage([])
  t.after(async () => {
    page.close()
    await cloud.close()
  })
  const [media, cover] = [await makeFile('火狐 tencent.mp4', 24 * MiB), await makeFile('火狐 tencent.jpg', 20 * KiB)]
  const begin = async () => {
    await page.setInputFiles('#files', [media, cover])
    await page.evaluate(async (/** @type {any} */ { app, ugc }) => {
      // @ts-ignore: it is the page's
      const { TcVod } = await import('/vodupload/tencent.js')
      const getSignature = () => fetch(`${app}/api/tencent/signature`, { method: 'POST' }).then((response) => response.json()).then(({ signature }) => signature)
      const { files } = /** @type {any} */ (document.getElementById('files'))
      const tcVod = new TcVod({ getSignature, vodEndpoint: ugc, forward: true, retryDelay: 50 })
      const uploader = tcVod.upload({ mediaFile: files[0], coverFile: files[1], chunkSize: 1 << 20 })
      // What WebDriver's scripts make global is theirs alone.
      const { dataset } = document.documentElement
      uploader.done().then((/** @type {any} */ end) => { dataset.end = JSON.stringify(end) }, (/** @type {any} */ error) => { dataset.end = JSON.stringify(String(error)) })
    }, { app: cloud.app, ugc: cloud.ugc })
  }
  cloud.faults.network({ bytesPerSecond: 6 * MiB })
  cloud.faults.add({ operation: 'UploadPart', rate: 0.05, seed: 3, action: { kind: 'cut' } })
  await begin()
  await until('parts', () => (cloud.uploads()[0]?.parts.length ?? 0) >= 10)
  await new Promise((resolve) => setTimeout(resolve, 1_100)) // a record is written once a second
  const stored = cloud.uploads()[0].parts.length
  await page.reload()
  cloud.log.length = 0
  await begin()
  const told = () => page.evaluate(() => document.documentElement.dataset.end)
  await until('the end', async () => Boolean(await told()))
  const end = JSON.parse(await told())
  const [made] = cloud.medias()
  assert.deepEqual([end.fileId, Boolean(end.video.url), Boolean(end.cover.url)], [made?.fileId, true, true], JSON.stringify(end))
  const sha256 = (/** @type {any} */ path) => createHash('sha256').update(readFileSync(path)).digest('hex')
  assert.deepEqual([made.key, made.coverKey ?? ''].map((key) => sha256(cloud.object(key)?.path)), [media, cover].map(sha256))
  const sent = cloud.log.filter(({ operation, status }) => operation === 'UploadPart' && status === 200).length
  assert.ok(sent <= 24 - stored + 1, `${sent} parts were sent after ${stored}`)
})
