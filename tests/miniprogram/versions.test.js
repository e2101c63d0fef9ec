// @ts-check
// Old base libraries and other platforms: what is absent there is done without.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KiB, makeFile, makeSparseFile, MiB } from './project.js'
import { openWorld } from './world.js'

/** What of the package was opened. @param {import('./world.js').World} world */
const loaded = (world) => world.wx.files.loaded.filter((path) => path.includes('vodupload')).map((path) => path.replace(/^.*\//, ''))

for (const [version, core] of [['2.14.0', 'vodupload.wasm.br'], ['2.13.0', 'vodupload.wasm'], ['2.12.3', 'fallback.js'], ['3.8.0', 'vodupload.wasm.br']]) {
  test(`base library ${version} loads ${core}`, async (t) => {
    const world = await openWorld(t, { wx: { version } })
    const file = await makeFile(`version-${version}.mp4`, 5 * MiB)
    await world.begin([file], { partSize: MiB })
    await world.assertUploaded(file)
    assert.deepEqual(loaded(world), ['index.js', core])
    assert.equal(world.requests('UploadPart').length, 5)
  })
}

test('base library 2.9 reads no slices: the file is one form', async (t) => {
  const world = await openWorld(t, { wx: { version: '2.9.0' } })
  const file = await makeFile('old.mp4', 5 * MiB)
  await world.begin([file], {}, { api: 'chooseVideo' })
  await world.assertUploaded(file)
  assert.deepEqual(world.cloud.log.map(({ operation }) => operation), ['PostObject'])
})

test('a large form tells how far it is', async (t) => {
  const world = await openWorld(t, { wx: { version: '2.9.0' } })
  world.cloud.faults.network({ bytesPerSecond: 40 * MiB })
  const file = await makeFile('form.mp4', 30 * MiB)
  await world.begin([file], {}, { api: 'chooseVideo' })
  await world.assertUploaded(file)
  assert.ok(world.program.told('onUploadProgress').some(({ loaded }) => loaded > 0.1 && loaded < 0.95))
})

test('between 2.10 and 2.16 slices are read by readFile', async (t) => {
  const world = await openWorld(t, { wx: { version: '2.10.0' } })
  const file = await makeFile('slices.mp4', 3 * MiB + 5)
  await world.begin([file], { partSize: MiB })
  await world.assertUploaded(file)
  assert.equal(world.requests('UploadPart').length, 4)
})

test('on Android what is read past the end does not get into the object', async (t) => {
  for (const version of ['2.10.0', '3.8.0']) {
    const world = await openWorld(t, { wx: { android: true, version } })
    const file = await makeFile(`android-${version}.mp4`, 3 * MiB + 5)
    await world.begin([file], { partSize: MiB })
    await world.assertUploaded(file)
  }
})

test('instantiate may resolve to a result in place of the instance', async (t) => {
  const world = await openWorld(t, { wx: { wasm: 'result' } })
  const file = await makeFile('result.mp4', 100 * KiB)
  await world.begin([file])
  await world.assertUploaded(file)
})

test('the folder of the wasm can be told; where there is none the fallback does it', async (t) => {
  const world = await openWorld(t)
  const file = await makeFile('elsewhere.mp4', 100 * KiB)
  await world.begin([file], { corePath: '/nowhere/' })
  await world.assertUploaded(file)
  assert.ok(loaded(world).includes('fallback.js'))
})

test('where slices of large files are refused, they are forms or fail with a reason', async (t) => {
  for (const version of ['2.15.0', '3.8.0']) {
    const world = await openWorld(t, { wx: { strictReadFile: true, version }, cloud: { integrity: 'off', keep: false } })
    await world.begin([await makeSparseFile('strict.mp4', 101 * MiB)], { partSize: 4 * MiB })
    await world.until('an end', () => world.story().some((name) => /onUpload(Succeed|Failed)/.test(name)))
    const [failure] = world.program.told('onUploadFailed')
    if (failure) assert.match(failure.code, /^File/, `${failure.code} ${failure.message}`)
  }
})
