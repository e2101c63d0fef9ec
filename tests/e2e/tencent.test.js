// @ts-check
// TcVod in Chromium against the local COS and UGC interface: code pasted from document 004, and what networks and
// services do.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { DIST, KiB, MiB, makeFile, newContext, openCloud, until } from './harness.js'

const HTML = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><input id="media" type="file"><input id="cover" type="file">
<script src="/vodupload.script.js"></script><script src="/app.js"></script>`

/** The page: what the document shows, with what it takes for granted. */
const APP = `
var url = '/api/tencent/signature'
var axios = { post: function (url) { return fetch(url, { method: 'POST' }).then(function (r) { return r.json() }).then(function (data) { return { data: data } }) } }
var file = function (id) { return document.getElementById(id).files[0] }
var told = []
var signed = []

function getSignature(done, hint) {
signed.push(hint.purpose)
return axios.post(url).then(function (response) {
return response.data.signature;
})
};

var tcVod
function begin(options, more) {
tcVod = new TcVod.default({
getSignature: getSignature // 前文中所述的获取上传签名的函数
})
const uploader = tcVod.upload(Object.assign({
videoFile: file('media'),
coverFile: file('cover'),
}, options, more))
for (const name of ['media_progress', 'video_progress', 'cover_progress', 'media_upload', 'video_upload', 'cover_upload']) {
uploader.on(name, function (info) { told.push([name, info]) })
}
window.uploader = uploader
window.end = undefined
uploader.done().then(function (doneResult) { window.end = { doneResult: doneResult } }, function (error) {
window.end = { error: { code: error.code, message: error.message, retCode: error.retCode, stage: error.stage, isError: error instanceof Error } }
})
}`

const sha256 = (/** @type {string} */ path) => createHash('sha256').update(readFileSync(path)).digest('hex')

/**
 * @param {import('node:test').TestContext} t
 * @param {import('../cloud/tencent/index.js').TencentOptions} [options]
 */
async function open(t, options = {}) {
  const { cloud } = await openCloud({ tencent: options })
  /** @type {Record<string, string>} */
  const scripts = { '/vodupload.script.js': readFileSync(join(DIST, 'vodupload.script.js'), 'utf8'), '/app.js': APP }
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
  const address = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/`
  const page = await context.newPage()
  await page.goto(address)
  const where = { vodEndpoint: cloud.ugc, forward: true, retryDelay: 50 }
  return {
    cloud, page,
    reload: () => page.goto(address),
    /** @param {string} media @param {string} [cover] */
    async pick(media, cover) {
      await page.setInputFiles('#media', media)
      if (cover) await page.setInputFiles('#cover', cover)
    },
    /** @param {object} [more] */
    begin: (more) => page.evaluate(([where, more]) => /** @type {any} */ (globalThis).begin(where, more), [where, more]),
    /** @returns {Promise<any>} */
    async end() {
      await until('the end', () => page.evaluate(() => Boolean(/** @type {any} */ (globalThis).end)))
      return page.evaluate(() => /** @type {any} */ (globalThis).end)
    },
    /** @returns {Promise<[string, any][]>} */
    told: () => page.evaluate(() => /** @type {any} */ (globalThis).told),
    /** @returns {Promise<string[]>} */
    signed: () => page.evaluate(() => /** @type {any} */ (globalThis).signed),
    /** What became of the media is the very files. @param {string} media @param {string} [cover] */
    assertStored(media, cover) {
      const [made] = cloud.medias()
      assert.ok(made, 'there is a media')
      for (const [key, path] of [[made.key, media], [made.coverKey, cover]]) {
        if (!path) continue
        assert.ok(key)
        const object = cloud.object(key)
        assert.equal(object?.path && sha256(object.path), sha256(path))
      }
      return made
    },
  }
}

test('a video with its cover, as document 004 prints it', async (t) => {
  const { cloud, pick, begin, end, told, signed, assertStored } = await open(t)
  const [media, cover] = [await makeFile('004.mp4', 5 * MiB), await makeFile('004.jpg', 20 * KiB)]
  await pick(media, cover)
  await begin()
  const { doneResult } = await end()
  const made = assertStored(media, cover)
  assert.deepEqual([doneResult.fileId, typeof doneResult.video.url, typeof doneResult.cover.url], [made.fileId, 'string', 'string'])
  assert.equal(typeof doneResult.video.verify_content, 'string')
  assert.deepEqual([made.name, made.type, made.size], ['004', 'mp4', 5 * MiB])
  const events = await told()
  for (const name of ['media_progress', 'video_progress', 'cover_progress', 'media_upload', 'video_upload', 'cover_upload']) {
    assert.ok(events.some(([event]) => event === name), `${name} was told`)
  }
  const progress = events.filter(([event]) => event === 'video_progress').map(([, info]) => info)
  assert.deepEqual([progress[0].percent, progress.at(-1).percent, progress.at(-1).loaded, progress.at(-1).total], [0, 1, 5 * MiB, 5 * MiB])
  assert.deepEqual(await signed(), ['prepare', 'apply', 'commit'])
  assert.equal(cloud.uploads().length, 0)
})

test('an upload goes on after a reload from the parts that are stored', async (t) => {
  const { cloud, pick, begin, end, page, reload, assertStored } = await open(t)
  const media = await makeFile('resumed-004.mp4', 12 * MiB)
  const stall = cloud.faults.add({ operation: 'UploadPart', after: 5, action: { kind: 'stall', forever: true } })
  await pick(media)
  await begin({ chunkSize: MiB })
  await until('five parts', () => cloud.uploads()[0]?.parts.length === 5)
  await page.waitForTimeout(1_100) // a record is written once a second
  await reload()
  cloud.faults.remove(stall)
  const before = cloud.log.length
  await pick(media)
  await begin({ chunkSize: MiB })
  await end()
  assertStored(media)
  const parts = cloud.log.slice(before).filter(({ operation }) => operation === 'UploadPart').length
  assert.equal(parts, 7)
  assert.equal(cloud.log.filter(({ operation }) => operation === 'InitiateMultipartUpload').length, 1)
})

test('a credential that expires, a commit whose reply is lost, cut connections: one end, the same bytes', async (t) => {
  const { cloud, pick, begin, end, signed, assertStored } = await open(t)
  const media = await makeFile('faults-004.mp4', 12 * MiB)
  cloud.faults.add({ operation: 'UploadPart', after: 3, times: 1, action: { kind: 'expire' } })
  cloud.faults.add({ operation: 'UploadPart', rate: 0.05, seed: 3, action: { kind: 'cut' } })
  cloud.faults.add({ operation: 'CommitUploadUGC', times: 1, action: { kind: 'lostReply' } })
  await pick(media)
  await begin({ chunkSize: MiB })
  const { doneResult } = await end()
  assert.equal(doneResult.fileId, assertStored(media).fileId)
  // A browser may repeat the commit by itself, with the same signature.
  assert.deepEqual([...new Set(await signed())], ['prepare', 'apply', 'refresh', 'commit'])
  assert.equal(cloud.log.filter(({ operation }) => operation === 'CommitUploadUGC').length, 2)
  assert.equal(cloud.medias().length, 1)
})

test('the nearest region that answers is taken, though another fails first', async (t) => {
  const { cloud, pick, begin, end, assertStored } = await open(t, { regions: ['ap-shanghai', 'ap-chongqing'] })
  cloud.faults.add({ operation: 'HeadBucket', host: 'ap-shanghai', action: { kind: 'refuse' } })
  const media = await makeFile('race-004.mp4', 100 * KiB)
  await pick(media)
  await begin()
  await end()
  assert.equal(assertStored(media).region, 'ap-chongqing')
})

test('cancel rejects once with 1017, and nothing goes on; what is stored is kept or discarded', async (t) => {
  const { cloud, pick, begin, end, page, assertStored } = await open(t)
  const stall = cloud.faults.add({ operation: 'UploadPart', after: 2, action: { kind: 'stall', forever: true } })
  const media = await makeFile('cancel-004.mp4', 8 * MiB)
  await pick(media)
  /** @param {object} [how] */
  const cancel = async (how) => {
    await page.evaluate((how) => /** @type {any} */ (globalThis).uploader.cancel(how), how)
    const { error } = await end()
    assert.deepEqual([error.retCode, error.isError], [1017, true])
    assert.deepEqual(cloud.medias(), [])
  }
  await begin({ chunkSize: MiB })
  await until('parts', () => (cloud.uploads()[0]?.parts.length ?? 0) >= 2)
  await cancel()
  assert.equal(cloud.uploads().length, 1)
  await begin({ chunkSize: MiB })
  await until('parts under way', () => cloud.log.filter(({ operation, fault }) => operation === 'UploadPart' && fault).length > 6)
  await cancel({ discard: true })
  await until('the parts to be freed', () => cloud.uploads().length === 0)
  cloud.faults.remove(stall)
  await begin({ chunkSize: MiB })
  await end()
  assertStored(media)
})

test('a pause keeps what is stored, and resume goes on', async (t) => {
  const { cloud, pick, begin, end, page, assertStored } = await open(t)
  const stall = cloud.faults.add({ operation: 'UploadPart', after: 4, action: { kind: 'stall', forever: true } })
  const media = await makeFile('pause-004.mp4', 10 * MiB)
  await pick(media)
  await begin({ chunkSize: MiB })
  await until('parts', () => cloud.uploads()[0]?.parts.length === 4)
  await page.evaluate(() => /** @type {any} */ (globalThis).uploader.pause())
  cloud.faults.remove(stall)
  await page.evaluate(() => /** @type {any} */ (globalThis).uploader.resume())
  await end()
  assertStored(media)
  assert.equal(cloud.log.filter(({ operation, status }) => operation === 'UploadPart' && status === 200).length, 10)
})

test('a signature that is no text, and one that is wrong, fail with a number and what to do', async (t) => {
  for (const [signature, retCode, code, about] of /** @type {const} */ ([
    ['{"data":1}', 1012, 'InvalidSignature', /is JSON/], [{ signature: 'AAAA' }, 1012, 'InvalidSignature', /An object/], ['AAAA', 1001, 10001, /./],
  ])) {
    const { pick, begin, end, page } = await open(t)
    await page.evaluate((signature) => Object.assign(globalThis, { getSignature: () => Promise.resolve(signature) }), signature)
    await pick(await makeFile('signature-004.mp4', 10 * KiB))
    await begin({ enableRaceRegion: false })
    const { error } = await end()
    assert.equal(error.retCode, retCode, error.message)
    assert.match(error.message, about)
    assert.ok(error.code === code || typeof code === 'number' && typeof error.code === 'number', String(error.code))
  }
})

test('a signature that has expired is told of before VOD refuses it', async (t) => {
  const { pick, begin, end, page } = await open(t)
  /** @type {string[]} */
  const warnings = []
  page.on('console', (line) => line.type() === 'warning' && warnings.push(line.text()))
  const made = Math.floor(Date.now() / 1000) - 7200
  await page.evaluate((query) => Object.assign(globalThis, {
    getSignature: () => fetch(`/api/tencent/signature?${query}`).then((response) => response.json()).then(({ signature }) => signature),
  }), `currentTimeStamp=${made}&expireTime=${made + 3600}`)
  await pick(await makeFile('expired-004.mp4', 10 * KiB))
  await begin({ enableRaceRegion: false })
  const { error } = await end()
  assert.deepEqual([error.code, error.retCode], [10010, 1020])
  assert.match(warnings[0], /^vodupload: Expired: The token expired 36\d\d s ago/)
})
