// @ts-check
// TcVod in Chromium with nothing but what documents tell: VOD and the bucket at their own names, by HTTPS, under the
// bucket's CORS rule; and with what vod-js-sdk-v6 has left there.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { callUgc, signedCosRequest } from '../cloud/tencent/signed_request.js'
import { createUploadSignature } from '../../js/signature.js'
import { DIST, KiB, MiB, makeFile, until } from './harness.js'
import { openVendorHosts } from './vendor_hosts.js'

const SCRIPT = readFileSync(join(DIST, 'tencent.js'), 'utf8')
const POLICY = "script-src 'self' 'wasm-unsafe-eval' 'unsafe-inline'; connect-src 'self' https://vod2.qcloud.com https://*.myqcloud.com"
const HTML = `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><link rel="icon" href="data:,">
<input id="media" type="file"><input id="cover" type="file"><script type="module">
import TcVod from '/tencent.js'
const getSignature = () => fetch('/api/tencent/signature', { method: 'POST' }).then((response) => response.json()).then(({ signature }) => signature)
window.tcVod = new TcVod({ getSignature, logger: (entry) => { (window.log ??= []).push(entry) } })
const file = (id) => document.getElementById(id).files[0]
window.upload = (options) => tcVod.upload({ mediaFile: file('media'), coverFile: file('cover'), ...options }).done()
</script>`

const serve = (/** @type {string} */ url) => (url === '/' ? { type: 'text/html', text: HTML } : url === '/tencent.js' ? { type: 'text/javascript', text: SCRIPT } : undefined)
const sha256 = (/** @type {string | null | undefined} */ path) => createHash('sha256').update(readFileSync(path ?? '')).digest('hex')

test('a video with its cover goes to the bucket by its own name', async (t) => {
  const { cloud, page } = await openVendorHosts(t, serve)
  const [media, cover] = [await makeFile('bucket-004.mp4', 9 * MiB), await makeFile('bucket-004.jpg', 20 * KiB)]
  await page.setInputFiles('#media', media)
  await page.setInputFiles('#cover', cover)
  const done = await page.evaluate(() => /** @type {any} */ (globalThis).upload({ chunkSize: 1 << 20 }))
  const [made] = cloud.medias()
  assert.equal(done.fileId, made.fileId)
  assert.equal(done.verified, true)
  assert.deepEqual([sha256(cloud.object(made.key)?.path), sha256(cloud.object(made.coverKey ?? '')?.path)], [sha256(media), sha256(cover)])
  const hosts = new Set(cloud.log.filter(({ operation }) => operation === 'UploadPart').map(({ host }) => host))
  assert.deepEqual([...hosts], [`${cloud.tencent?.bucket}.cos.${made.region}.myqcloud.com`])
  assert.equal(await page.evaluate(() => /** @type {any} */ (globalThis).log), undefined)
})

test('prepare finds the nearest region, and the upload begins there', async (t) => {
  const { cloud, page } = await openVendorHosts(t, serve)
  // All but one are slow.
  const [, near, far] = cloud.tencent?.regions ?? []
  for (const region of [cloud.tencent?.regions[0], far]) cloud.faults.add({ operation: 'HeadBucket', host: `.cos.${region}.`, action: { kind: 'stall', ms: 2_000 } })
  const { region } = await page.evaluate(() => /** @type {any} */ (globalThis).tcVod.prepare())
  assert.equal(region, near)
  await page.setInputFiles('#media', await makeFile('near-004.mp4', 2 * MiB))
  await page.evaluate(() => /** @type {any} */ (globalThis).upload())
  assert.equal(cloud.medias()[0].region, near)
  assert.equal(cloud.log.filter(({ operation }) => operation === 'PrepareUploadUGC').length, 1)
})

test('what vod-js-sdk-v6 has left goes on, and what is not of this file is sent again', async (t) => {
  const { cloud, page } = await openVendorHosts(t, serve)
  const { tencent } = cloud
  assert.ok(tencent)
  const name = 'left-004.mp4'
  const media = await makeFile(name, 20 * MiB)
  const bytes = readFileSync(media)
  // As that SDK does: a session, and parts of 8 MiB. One of them is of a file with the same name and size.
  const { secretId, secretKey } = tencent.account
  const { data } = await callUgc(cloud.ugc, 'ApplyUploadUGC', {
    signature: createUploadSignature({ secretId }, secretKey), videoName: 'left-004', videoType: 'mp4', videoSize: bytes.length, uploadFromWeb: true,
  })
  const { tempCertificate: given, vodSessionKey, video } = data
  const key = video.storagePath.slice(1)
  const grant = { secretId: given.secretId, secretKey: given.secretKey, token: given.token, start: 0, expires: given.expiredTime, keys: [key], region: null, deny: [] }
  const begun = await signedCosRequest(cloud, grant, { method: 'POST', query: { uploads: '' } })
  const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(begun.text)?.[1] ?? ''
  for (const [number, body] of /** @type {const} */ ([['1', bytes.subarray(0, 8 * MiB)], ['2', Buffer.alloc(8 * MiB, 1)]])) {
    const { status } = await signedCosRequest(cloud, grant, { method: 'PUT', query: { partNumber: number, uploadId }, body })
    assert.equal(status, 200)
  }
  const record = `webugc_${createHash('sha1').update(`${name}_${bytes.length};`).digest('hex')}`
  await page.evaluate(([record, session]) => localStorage.setItem(record, session), [record, vodSessionKey])
  cloud.log.length = 0
  await page.setInputFiles('#media', media)
  const done = await page.evaluate(() => /** @type {any} */ (globalThis).upload())
  assert.deepEqual(cloud.log.filter(({ operation }) => operation === 'UploadPart').map(({ partNumber }) => partNumber).sort(), [2, 3])
  assert.equal(cloud.log.filter(({ operation }) => operation === 'InitiateMultipartUpload').length, 0)
  const [made] = cloud.medias()
  assert.deepEqual([made.fileId, made.key], [done.fileId, key])
  assert.equal(sha256(cloud.object(key)?.path), sha256(media))
  await until('the record is gone', () => page.evaluate(() => localStorage.length === 0))
})
