// @ts-check
// Uploads by a server: what the promise and the callback tell, what networks and VOD do, and what is left behind.

import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { KiB, MiB, REGION, folder, makeFile, openWorld, sha256, vodupload } from './world.js'

const { UploadError, VodUploadClient, VodUploadRequest } = vodupload

/** @param {import('../cloud/index.js').Cloud} cloud @param {string} media @param {string} [cover] */
async function assertStored(cloud, media, cover) {
  assert.equal(cloud.medias().length, 1)
  const { key, coverKey } = cloud.medias()[0]
  assert.equal(await sha256(cloud.object(key)?.path), await sha256(media))
  if (cover) assert.equal(await sha256(cloud.object(coverKey ?? '')?.path), await sha256(cover))
  assert.deepEqual(cloud.uploads(), [])
}

test('a media with its cover is stored and told, and nothing is left behind', async (t) => {
  const { cloud, client, checkpointFolder } = await openWorld(t)
  const [media, cover] = [await makeFile('我的 video (1).MP4', 10 * MiB), await makeFile('cover.JPG', 30 * KiB)]
  /** @type {import('../../js/node.cjs').VodUploadProgress[]} */
  const told = []
  const request = new VodUploadRequest()
  Object.assign(request, { MediaFilePath: media, CoverFilePath: cover, ClassId: 7, Procedure: 'LongVideoPreset', SourceContext: '来源', ExpireTime: '2030-01-01T00:00:00Z' })
  const response = await client.upload(REGION, request, { onProgress: (progress) => told.push(progress), chunkSize: 2 * MiB })
  const [{ fileId, name, type, told: parameters, procedure, classId, expireTime, via }] = cloud.medias()
  assert.deepEqual({ name, type, procedure, classId, expireTime, via }, {
    name: '我的 video (1)', type: 'mp4', procedure: 'LongVideoPreset', classId: 7, expireTime: '2030-01-01T00:00:00Z', via: 'api',
  })
  assert.equal(parameters.sourceContext, '来源')
  assert.equal(response.FileId, fileId)
  assert.match(response.MediaUrl, /^http/)
  assert.match(response.CoverUrl ?? '', /^http/)
  assert.match(response.RequestId, /^[0-9a-f-]{36}$/)
  assert.equal(response.RequestId, cloud.log.findLast(({ operation }) => operation === 'CommitUpload')?.requestId)
  assert.equal(response.verified, true)
  await assertStored(cloud, media, cover)
  for (const [of, size] of /** @type {const} */ ([['media', 10 * MiB], ['cover', 30 * KiB]])) {
    const own = told.filter((progress) => progress.of === of)
    assert.ok(own.length > 1)
    assert.deepEqual([own.at(-1)?.loaded, own.at(-1)?.total, own.at(-1)?.percent], [size, size, 1])
    assert.ok(own.every(({ loaded }, index) => index === 0 || loaded >= own[index - 1].loaded), `${of} goes back`)
  }
  assert.deepEqual(readdirSync(checkpointFolder), [])
})

test('a callback is called once, also when it throws, and its error is not lost', async (t) => {
  const { cloud, client } = await openWorld(t)
  const media = await makeFile('a.mp4', KiB)
  const thrown = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve))
  t.after(() => process.setUncaughtExceptionCaptureCallback(null))
  /** @type {unknown[]} */
  const calls = []
  await client.upload(REGION, { MediaFilePath: media }, (...all) => {
    calls.push(all)
    throw new Error('of the application')
  })
  assert.equal(/** @type {Error} */ (await thrown).message, 'of the application')
  assert.equal(calls.length, 1)
  assert.equal(/** @type {any} */ (calls[0])[0], null)
  assert.equal(/** @type {any} */ (calls[0])[1].FileId, cloud.medias()[0].fileId)
})

test('a name and a type that are given win over the file\'s', async (t) => {
  const { cloud, client } = await openWorld(t)
  await client.upload(REGION, { MediaFilePath: await makeFile('no-ending', KiB), MediaType: 'flv', MediaName: '名 "1"' })
  const [{ name, type }] = cloud.medias()
  assert.deepEqual({ name, type }, { name: '名 "1"', type: 'flv' })
})

test('what cannot be uploaded is told before VOD is asked', async (t) => {
  const { cloud, client } = await openWorld(t)
  const media = await makeFile('a.mp4', KiB)
  const empty = await makeFile('empty.mp4', 0)
  const bare = await makeFile('bare', KiB)
  /** @type {[string, any, any, RegExp][]} */
  const wrong = [
    ['InvalidArgument', '', { MediaFilePath: media }, /region/],
    ['NoMediaFile', REGION, {}, /MediaFilePath/],
    ['NoMediaFile', REGION, undefined, /MediaFilePath/],
    ['NoMediaFile', REGION, { MediaFilePath: join(folder, 'missing.mp4') }, /MediaFilePath cannot be read: ENOENT/],
    ['NoMediaFile', REGION, { MediaFilePath: folder }, /is no file/],
    ['EmptyFile', REGION, { MediaFilePath: empty }, /MediaFilePath is empty/],
    ['InvalidArgument', REGION, { MediaFilePath: bare }, /give a MediaType/],
    ['NoCoverFile', REGION, { MediaFilePath: media, CoverFilePath: join(folder, 'missing.jpg') }, /CoverFilePath/],
    ['InvalidArgument', REGION, { MediaFilePath: media, CoverFilePath: bare }, /give a CoverType/],
    ['InvalidArgument', REGION, { MediaFilePath: media, ClassId: 'seven' }, /ClassId must be an integer/],
    ['InvalidArgument', REGION, { MediaFilePath: media, Procedure: 7 }, /Procedure must be a text/],
    ['InvalidArgument', REGION, { MediaFilePath: media, SourceContext: 'x'.repeat(251) }, /250/],
  ]
  for (const [code, region, request, message] of wrong) {
    await assert.rejects(client.upload(region, request), (/** @type {any} */ error) => {
      assert.ok(error instanceof UploadError)
      assert.equal(error.code, code, error.message)
      assert.match(error.message, message)
      return true
    })
    const told = await new Promise((resolve) => client.upload(region, request, resolve).catch(() => {}))
    assert.equal(/** @type {any} */ (told).code, code)
  }
  assert.equal(cloud.log.length, 0)
  assert.throws(() => new VodUploadClient('', 'key'), { code: 'InvalidArgument' })
  assert.throws(() => new VodUploadClient('id', /** @type {any} */ (undefined)), { code: 'InvalidArgument' })
})

test('a refusal of VOD\'s is told with its code, its request and what to do', async (t) => {
  const { client, agent, checkpointFolder, secretId } = await openWorld(t)
  const media = await makeFile('a.mp4', KiB)
  const stranger = new VodUploadClient(secretId, 'another key', { agent, checkpointFolder })
  await assert.rejects(stranger.upload(REGION, { MediaFilePath: media }), (/** @type {any} */ error) => {
    assert.equal(error.code, 'AuthFailure.SignatureFailure')
    assert.match(error.requestId, /^[0-9a-f-]{36}$/)
    assert.match(error.hint, /SecretKey/)
    assert.equal(error.retryable, false)
    assert.ok(!JSON.stringify(error).includes('another key'))
    return true
  })
  await assert.rejects(client.upload(REGION, { MediaFilePath: media, MediaType: 'exe' }), { code: 'InvalidParameterValue.MediaType' })
  await assert.rejects(client.upload(REGION, { MediaFilePath: media, ExpireTime: 'tomorrow' }), { code: 'InvalidParameter.ExpireTime' })
})

test('another address of VOD is asked, and signed for', async (t) => {
  const { cloud, secretId, secretKey, checkpointFolder } = await openWorld(t)
  const client = new VodUploadClient(secretId, secretKey, { checkpointFolder, vodEndpoint: cloud.vodApi ?? '' })
  const media = await makeFile('a.mp4', KiB)
  // It is VOD that refuses this, so the signature was good.
  await assert.rejects(client.upload(REGION, { MediaFilePath: media, MediaType: 'exe' }), { code: 'InvalidParameterValue.MediaType' })
})

test('a signal ends an upload and frees what is stored', async (t) => {
  const { cloud, client, checkpointFolder } = await openWorld(t)
  cloud.faults.network({ bytesPerSecond: 8 * MiB })
  const media = await makeFile('a.mp4', 12 * MiB)
  const control = new AbortController()
  const reason = new Error('no longer wanted')
  const done = client.upload(REGION, { MediaFilePath: media }, {
    signal: control.signal, chunkSize: MiB, onProgress: ({ loaded }) => { if (loaded > 3 * MiB) control.abort(reason) },
  })
  await assert.rejects(done, reason)
  await until(() => cloud.uploads().length === 0)
  assert.deepEqual(readdirSync(checkpointFolder), [])
  assert.equal(cloud.medias().length, 0)
  await assert.rejects(client.upload(REGION, { MediaFilePath: media }, { signal: control.signal }), reason)
})

for (const days of [-1, 1]) {
  test(`a machine's clock that is ${days < 0 ? 'ahead' : 'behind'} by a day is corrected by VOD's answers`, async (t) => {
    const { cloud, client } = await openWorld(t, { clockSkew: days * 86_400_000 })
    const media = await makeFile('a.mp4', 3 * MiB)
    await client.upload(REGION, { MediaFilePath: media }, { chunkSize: MiB })
    await assertStored(cloud, media)
    const refused = cloud.log.filter(({ status, code }) => status >= 300 || code)
    assert.deepEqual(refused.map(({ operation, code }) => `${operation} ${code}`), ['ApplyUpload AuthFailure.SignatureExpire'])
  })
}

test('5 % cut connections, lost answers and a busy service: the object is the file', async (t) => {
  const { cloud, client } = await openWorld(t)
  cloud.faults.add({ operation: ['UploadPart', 'PutObject', 'ListParts', 'InitiateMultipartUpload'], rate: 0.05, seed: 7, action: { kind: 'cut' } })
  cloud.faults.add({ operation: 'CommitUpload', times: 1, action: { kind: 'lostReply' } })
  cloud.faults.add({ operation: 'CompleteMultipartUpload', times: 1, action: { kind: 'lostReply' } })
  cloud.faults.add({ operation: 'ApplyUpload', times: 2, action: { kind: 'errorIn200', code: 'InternalError' } })
  cloud.faults.add({ operation: 'UploadPart', after: 5, times: 1, action: { kind: 'corrupt' } })
  const [media, cover] = [await makeFile('a.mp4', 40 * MiB), await makeFile('c.png', 2 * MiB)]
  const { verified } = await client.upload(REGION, { MediaFilePath: media, CoverFilePath: cover }, { chunkSize: MiB })
  assert.equal(verified, true)
  await assertStored(cloud, media, cover)
})

test('a key that is over in mid-upload is followed by another upload', async (t) => {
  const { cloud, client } = await openWorld(t)
  const media = await makeFile('a.mp4', 8 * MiB)
  cloud.faults.add({ operation: 'UploadPart', after: 3, times: 1, action: { kind: 'expire' } })
  const { FileId } = await client.upload(REGION, { MediaFilePath: media }, { chunkSize: MiB })
  assert.equal(FileId, cloud.medias()[0].fileId)
  assert.equal(cloud.log.filter(({ operation }) => operation === 'ApplyUpload').length, 2)
  const { key } = cloud.medias()[0]
  assert.equal(await sha256(cloud.object(key)?.path), await sha256(media))
})

test('a file that changes or goes while it is sent is no upload', async (t) => {
  const { cloud, client } = await openWorld(t)
  cloud.faults.network({ bytesPerSecond: 8 * MiB })
  const media = await makeFile('a.mp4', 12 * MiB)
  let isCut = false
  const done = client.upload(REGION, { MediaFilePath: media }, {
    chunkSize: MiB, chunkParallelLimit: 1, onProgress: () => { if (!isCut) { truncateSync(media, 2 * MiB); isCut = true } },
  })
  await assert.rejects(done, { code: 'FileUnreadable' })
  assert.equal(cloud.medias().length, 0)
})

test('files share a client, and each gets its own answer', async (t) => {
  const { cloud, client } = await openWorld(t)
  const files = await Promise.all(Array.from({ length: 7 }, (_, index) => makeFile(`${index}.mp4`, (index + 1) * 300 * KiB)))
  const responses = await Promise.all(files.map((MediaFilePath) => client.upload(REGION, { MediaFilePath })))
  for (const [index, { FileId }] of responses.entries()) {
    const media = cloud.medias().find(({ fileId }) => fileId === FileId)
    assert.equal(media?.name, String(index))
    assert.equal(await sha256(cloud.object(media?.key ?? '')?.path), await sha256(files[index]))
  }
})

test('clients that come and go share what there is, but neither keys nor records', async (t) => {
  const { cloud, agent, checkpointFolder, secretId, secretKey } = await openWorld(t, { tencent: { accounts: [
    { secretId: 'first id', secretKey: 'first key' }, { secretId: 'second id', secretKey: 'second key' },
  ] } })
  assert.equal(secretId + secretKey, 'first idfirst key')
  const media = await makeFile('shared.mp4', 3 * MiB)
  const ids = ['first', 'second', 'first', 'second']
  // The very same file: its records have names of their own.
  await Promise.all(ids.map((name) => new VodUploadClient(`${name} id`, `${name} key`, { agent, checkpointFolder, chunkSize: MiB }).upload(REGION, { MediaFilePath: media })))
  assert.deepEqual(cloud.medias().map((made) => made.secretId).sort(), ids.map((name) => `${name} id`).sort())
  for (const { key } of cloud.medias()) assert.equal(await sha256(cloud.object(key)?.path), await sha256(media))
  assert.deepEqual(readdirSync(checkpointFolder), [])
})

// ── records ──

/** An upload of 12 MiB that fails once 4 parts of 1 MiB are stored. @param {Awaited<ReturnType<typeof openWorld>>} world @param {string} media */
async function interrupted({ cloud, client }, media) {
  const fault = cloud.faults.add({ operation: 'UploadPart', after: 4, action: { kind: 'status', status: 403, code: 'AccessDenied' } })
  await assert.rejects(client.upload(REGION, { MediaFilePath: media }, { chunkSize: MiB, chunkParallelLimit: 1 }), { code: 'AccessDenied' })
  cloud.faults.remove(fault)
  cloud.log.length = 0
}

test('a record is for its owner alone, and tells nothing to who has not the key', async (t) => {
  const world = await openWorld(t)
  const { cloud, checkpointFolder, agent, secretId } = world
  const media = await makeFile('a.mp4', 12 * MiB)
  await interrupted(world, media)
  const [name, ...others] = readdirSync(checkpointFolder)
  assert.deepEqual(others, [])
  const path = join(checkpointFolder, name)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const text = readFileSync(path, 'latin1')
  for (const word of ['a.mp4', 'uploadId', cloud.tencent?.bucket ?? '', ...cloud.uploads().map(({ uploadId }) => uploadId)]) {
    assert.ok(!text.includes(word), `the record tells ${word}`)
  }
  // Who has another key cannot even tell that it is a record, and leaves it alone.
  const stranger = new VodUploadClient(secretId, 'another key', { agent, checkpointFolder })
  await assert.rejects(stranger.upload(REGION, { MediaFilePath: media }), { code: 'AuthFailure.SignatureFailure' })
  assert.equal(readFileSync(path, 'latin1'), text)
})

test('an upload goes on from its record, with the key that it has', async (t) => {
  const world = await openWorld(t)
  const { cloud, client } = world
  const media = await makeFile('a.mp4', 12 * MiB)
  await interrupted(world, media)
  await client.upload(REGION, { MediaFilePath: media }, { chunkSize: MiB })
  const count = (/** @type {string} */ name) => cloud.log.filter(({ operation }) => operation === name).length
  assert.deepEqual([count('ApplyUpload'), count('ListParts'), count('UploadPart')], [0, 1, 8])
  await assertStored(cloud, media)
})

for (const [what, change] of /** @type {[string, (world: any, media: string) => object | void][]} */ ([
  ['the file has changed', (_, media) => { utimesSync(media, 1, 1) }],
  ['another name is wanted', () => ({ MediaName: 'other' })],
  ['the record is damaged', ({ checkpointFolder }) => {
    const [name] = readdirSync(checkpointFolder)
    const path = join(checkpointFolder, name)
    const bytes = readFileSync(path)
    bytes[40] ^= 1
    writeFileSync(path, bytes)
  }],
])) {
  test(`an upload begins anew when ${what}`, async (t) => {
    const world = await openWorld(t)
    const { cloud, client } = world
    const media = await makeFile('a.mp4', 12 * MiB)
    await interrupted(world, media)
    const more = change(world, media)
    await client.upload(REGION, { MediaFilePath: media, ...more }, { chunkSize: MiB })
    const count = (/** @type {string} */ name) => cloud.log.filter(({ operation }) => operation === name).length
    assert.deepEqual([count('ApplyUpload'), count('ListParts'), count('UploadPart')], [1, 0, 12])
  })
}

test('with enableResume: false there is no record', async (t) => {
  const { cloud, client, checkpointFolder } = await openWorld(t)
  cloud.faults.add({ operation: 'UploadPart', after: 2, action: { kind: 'status', status: 403, code: 'AccessDenied' } })
  const media = await makeFile('a.mp4', 6 * MiB)
  await assert.rejects(client.upload(REGION, { MediaFilePath: media }, { chunkSize: MiB, enableResume: false }), { code: 'AccessDenied' })
  assert.deepEqual(readdirSync(checkpointFolder), [])
})

test('records that cannot be kept are warned of, and the upload goes on', async (t) => {
  const { cloud, client } = await openWorld(t)
  const media = await makeFile('a.mp4', 4 * MiB)
  const warned = new Promise((resolve) => process.once('warning', resolve))
  await client.upload(REGION, { MediaFilePath: media }, { chunkSize: MiB, checkpointFolder: join(media, 'in a file') })
  assert.equal(/** @type {any} */ (await warned).code, 'CheckpointNotSaved')
  await assertStored(cloud, media)
})

/** @param {() => boolean} is */
async function until(is) {
  for (let left = 200; !is(); left--) {
    assert.ok(left > 0, 'it does not come about')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
