// @ts-check
// Files arrive, whatever their size, name and number, however the package is loaded.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KiB, MiB, makeFile, makeSparseFile, openWorld } from './harness.js'

test('the ES module uploads under a strict policy', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('module.mp4', 20 * MiB)
  await world.begin([file])
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
  assert.equal(world.requests('CompleteMultipartUpload').length, 1)
})

test('the script-tag build gives the global names of Aliyun\'s pages', async (t) => {
  const world = await openWorld(t, { path: '/script' })
  const names = await world.page.evaluate(() => {
    const { VODUpload, AliyunUpload } = /** @type {any} */ (globalThis)
    return [typeof VODUpload, AliyunUpload.Vod === VODUpload]
  })
  assert.deepEqual(names, ['function', true])
  const file = await makeFile('script.mp4', 3 * MiB)
  await world.begin([file])
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
})

test('a file of up to 256 KiB is one request, a form that needs no preflight', async (t) => {
  const world = await openWorld(t)
  const files = [await makeFile('one-byte.mp4', 1), await makeFile('form.mp4', 256 * KiB), await makeFile('form.png', 100 * KiB)]
  await world.begin(files)
  await world.heard('onUploadEnd')
  for (const file of files) await world.assertUploaded(file)
  assert.deepEqual(world.cloud.log.map(({ operation }) => operation), Array(3).fill('PostObject'))
})

test('a larger file of up to 1 MiB is one request', async (t) => {
  const world = await openWorld(t)
  const files = [await makeFile('put.mp4', 256 * KiB + 1), await makeFile('mebibyte.mp4', MiB)]
  await world.begin(files)
  await world.heard('onUploadEnd')
  for (const file of files) await world.assertUploaded(file)
  assert.deepEqual(world.cloud.log.filter(({ operation }) => operation !== 'preflight').map(({ operation }) => operation), Array(2).fill('PutObject'))
})

test('one byte more than 1 MiB is sent as parts', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('two-parts.mp4', MiB + 1)
  await world.begin([file])
  await world.heard('onUploadEnd')
  await world.assertUploaded(file)
  assert.deepEqual(world.requests('UploadPart').map(({ bytes }) => bytes).sort(), [1, MiB])
})

test('an empty file is refused with a reason and the others go on', async (t) => {
  const world = await openWorld(t)
  const files = [await makeFile('empty.mp4', 0), await makeFile('full.mp4', 1000)]
  await world.pick(...files)
  const uploader = await world.create()
  assert.deepEqual(await world.add(uploader), [false, true])
  await world.do(uploader, 'startUpload')
  await world.heard('onUploadEnd')
  await world.assertUploaded(files[1])
  assert.equal(world.calls.find(({ on }) => on === 'onUploadFailed')?.code, 'EmptyFile')
})

for (const grant of /** @type {const} */ ([1, 4, 'sts'])) {
  test(`names in any script go into object keys, ${grant === 'sts' ? 'with an STS token' : `signed with V${grant}`}`, async (t) => {
    const world = await openWorld(t, { cloud: { keyStyle: 'name' } })
    /** @type {string[]} */
    const schemes = []
    world.page.on('request', (request) => {
      const { authorization } = request.headers()
      if (authorization) schemes.push(authorization.split(' ')[0])
    })
    const files = [await makeFile(`视频 1+2 ${grant}.mp4`, 2 * MiB), await makeFile(`né 🎬 (a)!'&=%20#~*.mp4`, 100)]
    await world.begin(files, {}, grant)
    await world.heard('onUploadEnd')
    for (const file of files) await world.assertUploaded(file)
    assert.match(world.cloud.objects()[0].key, /视频 1\+2 \w+\.mp4$/)
    assert.deepEqual([...new Set(schemes)], [grant === 1 ? 'OSS' : 'OSS4-HMAC-SHA256'])
  })
}

test('two uploaders with twenty files each upload all of them', async (t) => {
  const world = await openWorld(t)
  const sizes = [1, 2 * MiB, 100 * KiB, MiB, 3 * MiB + 3]
  const files = await Promise.all(Array.from({ length: 40 }, (_, i) => makeFile(`queue-${i}.mp4`, sizes[i % sizes.length] + i)))
  await world.pick(...files)
  for (const uploader of [0, 1]) {
    await world.create({ parallel: 3 })
    await world.add(uploader, uploader * 20, uploader * 20 + 20)
  }
  for (const uploader of [0, 1]) await world.do(uploader, 'startUpload')
  await world.heard('onUploadEnd', 2)
  for (const file of files) await world.assertUploaded(file)
  assert.deepEqual(world.calls.filter(({ on }) => on === 'onUploadEnd').map(({ uploader }) => uploader).sort(), [0, 1])
  assert.equal(world.cloud.objects().length, 40)
  // One after the other, in the order they were added.
  for (const uploader of [0, 1]) {
    const turns = world.calls.filter((call) => call.uploader === uploader && /started|Succeed/.test(call.on)).map(({ file }) => file)
    assert.deepEqual(turns, files.slice(uploader * 20, uploader * 20 + 20).flatMap((file) => Array(2).fill(file.slice(file.lastIndexOf('/') + 1))))
  }
})

test('the same file on two uploaders at once arrives for both', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('twice.mp4', 12 * MiB)
  await world.pick(file)
  for (const uploader of [0, 1]) {
    await world.create({ partSize: MiB })
    await world.add(uploader)
    await world.do(uploader, 'startUpload')
  }
  await world.heard('onUploadEnd', 2)
  const ends = world.calls.filter(({ on }) => on === 'onUploadSucceed')
  assert.deepEqual(ends.map(({ uploader }) => uploader).sort(), [0, 1])
  for (const { object } of ends) await world.assertSame(object ?? '', file)
})

test('without WebAssembly the file fails with advice about the policy', async (t) => {
  const world = await openWorld(t, { path: '/no-wasm' })
  await world.begin([await makeFile('no-wasm.mp4', 1000)])
  await world.heard('onUploadFailed')
  const { code, message = '' } = world.calls[0]
  assert.equal(code, 'CoreNotLoaded')
  assert.match(message, /Content-Security-Policy.*wasm-unsafe-eval/)
  assert.match(world.problems.splice(0).join(), /script-src wasm-eval/)
})

test('30 GB begin with parts that fit into ten thousand', async (t) => {
  const world = await openWorld(t, { cloud: { integrity: 'off', keep: false } })
  const path = await makeSparseFile('30 GB.mp4', 30 * 1024 * MiB)
  const uploader = await world.begin([path])
  await world.until('some parts', () => world.requests('UploadPart').filter(({ status }) => status === 200).length >= 10)
  await world.do(uploader, 'stopUpload')
  await world.heard('onUploadCanceled')
  const parts = world.requests('UploadPart').filter(({ status }) => status === 200)
  const sizes = parts.sort((a, b) => (a.partNumber ?? 0) - (b.partNumber ?? 0)).map(({ bytes }) => bytes)
  assert.equal(sizes[0], 4 * MiB, 'the least power of two of which ten thousand suffice')
  assert.ok(sizes.every((size) => size >= 4 * MiB && size <= 32 * MiB && Number.isInteger(Math.log2(size))), `${sizes}`)
  assert.equal(world.calls.find(({ on }) => on === 'onUploadProgress')?.total, 30 * 1024 * MiB)
})
