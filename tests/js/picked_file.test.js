// @ts-check
// What may be given to addFile in a mini program: all that its functions for picking answer, and a path.
import assert from 'node:assert/strict'
import { FakeFile, fakeProgram } from './fake_host.js'
import { pathOf } from './fake_wx.js'
import { settled, stage } from './stage.js'
import { test } from './story.js'

const FORM = 1 << 20
const SIZE = 1_234

const VIDEO = pathOf(new FakeFile('', SIZE), '.mp4')
const OTHER = pathOf(new FakeFile('', SIZE), '.mp4')
const PHOTO = pathOf(new FakeFile('', SIZE), '.jpg')
const BARE = pathOf(new FakeFile('', SIZE))
const COVER = 'wxfile://tmp/cover.jpg'

const nameOf = (/** @type {string} */ path) => path.slice(path.lastIndexOf('/') + 1)

/** What an uploader makes of what was picked. @param {import('node:test').TestContext} t @param {any} picked */
async function added(t, picked) {
  const { uploader, of } = stage(t, { fake: fakeProgram() })
  const accepted = uploader.addFile(picked)
  await settled()
  /** @type {any[]} */
  const [info] = uploader.listFiles()
  return { accepted, info, failures: of('onUploadFailed').map(({ args }) => args) }
}

/** @type {[string, any, { url: string, name: string, isImage: boolean, coverUrl?: string }][]} */
const SHAPES = [
  ['the { url } of the documents', { url: VIDEO }, { url: VIDEO, name: nameOf(VIDEO), isImage: false }],
  ['the { url, coverUrl } of the documents', { url: VIDEO, coverUrl: COVER }, { url: VIDEO, name: nameOf(VIDEO), isImage: false, coverUrl: COVER }],
  ['a path', VIDEO, { url: VIDEO, name: nameOf(VIDEO), isImage: false }],
  ['a video of chooseMedia', { tempFilePath: VIDEO, size: SIZE, duration: 3, height: 1, width: 1, thumbTempFilePath: COVER, fileType: 'video' },
    { url: VIDEO, name: nameOf(VIDEO), isImage: false, coverUrl: COVER }],
  ['an image of chooseMedia', { tempFilePath: PHOTO, size: SIZE, fileType: 'image' }, { url: PHOTO, name: nameOf(PHOTO), isImage: true }],
  ['a video of chooseMedia without an extension', { tempFilePath: BARE, size: SIZE, fileType: 'video' }, { url: BARE, name: `${nameOf(BARE)}.mp4`, isImage: false }],
  ['an image of chooseMedia without an extension', { tempFilePath: BARE, size: SIZE, fileType: 'image' }, { url: BARE, name: `${nameOf(BARE)}.jpg`, isImage: true }],
  ['the answer of chooseMedia about one file', { type: 'video', tempFiles: [{ tempFilePath: VIDEO, size: SIZE, thumbTempFilePath: COVER, fileType: 'video' }] },
    { url: VIDEO, name: nameOf(VIDEO), isImage: false, coverUrl: COVER }],
  ['the answer of chooseVideo', { tempFilePath: VIDEO, duration: 3, size: SIZE, height: 1, width: 1, errMsg: 'chooseVideo:ok' },
    { url: VIDEO, name: nameOf(VIDEO), isImage: false }],
  ['an element of chooseImage', { path: PHOTO, size: SIZE }, { url: PHOTO, name: nameOf(PHOTO), isImage: true }],
  ['the answer of chooseImage about one file', { tempFilePaths: [PHOTO], tempFiles: [{ path: PHOTO, size: SIZE }] }, { url: PHOTO, name: nameOf(PHOTO), isImage: true }],
  ['a video of chooseMessageFile', { path: BARE, size: SIZE, name: '假期 1.mov', type: 'video', time: 1 }, { url: BARE, name: '假期 1.mov', isImage: false }],
  ['an image of chooseMessageFile', { path: BARE, size: SIZE, name: 'a.PNG', type: 'image', time: 1 }, { url: BARE, name: 'a.PNG', isImage: true }],
  ['an image of chooseMessageFile without an extension', { path: BARE, size: SIZE, name: 'photo', type: 'image', time: 1 }, { url: BARE, name: 'photo.jpg', isImage: true }],
  ['a file of chooseMessageFile', { path: BARE, size: SIZE, name: 'a.mp3', type: 'file', time: 1 }, { url: BARE, name: 'a.mp3', isImage: false }],
  ['a mediaType of an application', { url: BARE, mediaType: 'image' }, { url: BARE, name: `${nameOf(BARE)}.jpg`, isImage: true }],
  ['an empty path beside a good one', { url: '', tempFilePath: VIDEO }, { url: VIDEO, name: nameOf(VIDEO), isImage: false }],
]

for (const [what, picked, { url, name, isImage, coverUrl }] of SHAPES) {
  test(`${what} is a file`, async (t) => {
    const before = JSON.stringify(picked)
    const { accepted, info, failures } = await added(t, picked)
    assert.deepEqual([accepted, failures], [true, []])
    assert.deepEqual([info.url, info.coverUrl, info.fileSize, info.isImage], [url, coverUrl, SIZE, isImage])
    assert.deepEqual([info.file.url, info.file.coverUrl, info.file.name, info.file.size], [url, coverUrl, name, SIZE])
    assert.equal(JSON.parse(JSON.stringify(info)).file.name, name)
    assert.equal(JSON.stringify(picked), before, 'what was given is left alone')
  })
}

/** @type {[string, any, RegExp][]} */
const REFUSED = [
  ['nothing', undefined, /has no path\. Give \{ url: tempFilePath \}/],
  ['null', null, /has no path/],
  ['an object without a path', { size: SIZE }, /has no path/],
  ['a url that is undefined, as of a wrong field,', { url: undefined }, /has no path/],
  ['a url that is no text', { url: { path: VIDEO } }, /has no path/],
  ['the answer of chooseMedia about several files', { type: 'video', tempFiles: [{ tempFilePath: VIDEO }, { tempFilePath: OTHER }] }, /several were picked: add them one by one/],
  ['the answer of chooseImage about several files', { tempFilePaths: [VIDEO, OTHER], tempFiles: [{ path: VIDEO }, { path: OTHER }] }, /several were picked/],
  ['an array of files', [{ tempFilePath: VIDEO }], /has no path/],
  ['a number', 7, /has no path/],
  ['a path that leads nowhere', 'wxfile://tmp/none.mp4', /no such file or directory wxfile:\/\/tmp\/none\.mp4/],
  ['a url that leads nowhere', { url: 'wxfile://tmp/none.mp4' }, /no such file or directory/],
]

for (const [what, picked, message] of REFUSED) {
  test(`${what} is refused with InvalidArgument, which says why`, async (t) => {
    const { accepted, info, failures } = await added(t, picked)
    assert.deepEqual([accepted, info, failures.length], [false, undefined, 1])
    const [{ file, state }, code, said] = failures[0]
    assert.deepEqual([file, state, code], [picked, 'Failure', 'InvalidArgument'])
    assert.match(said, /^This is no file: /)
    assert.match(said, message)
    assert.ok(!said.includes('[object Object]'), said)
  })
}

test('a failure that the platform throws as an object is told in words', async (t) => {
  const program = fakeProgram()
  program.fs.statSync = () => { throw { errMsg: 'statSync:fail permission denied' } }
  const { uploader, next } = stage(t, { fake: program })
  uploader.addFile(VIDEO)
  assert.match((await next('onUploadFailed'))[2], /^This is no file: statSync:fail permission denied/)
})

test('an empty file is refused as such', async (t) => {
  const { failures } = await added(t, pathOf(new FakeFile('', 0), '.mp4'))
  assert.deepEqual(failures.map(([, code]) => code), ['EmptyFile'])
})

test('the size is what the file has, not what the platform said when it was picked', async (t) => {
  const { info } = await added(t, { tempFilePath: VIDEO, size: 1, fileType: 'video' })
  assert.deepEqual([info.fileSize, info.file.size], [SIZE, SIZE])
})

for (const [name, type] of [
  ['a.mp4', 'video/mp4'], ['a.MOV', 'video/quicktime'], ['a.mp3', 'audio/mpeg'], ['a.JPG', 'image/jpeg'], ['a.heic', 'image/heic'],
  ['a.zip', ''], ['a.b.png', 'image/png'],
]) {
  test(`the type of ${name} is ${type || 'not known'}`, () => {
    assert.equal(fakeProgram().host.open({ url: BARE, name }).contentType, type)
  })
}

// Fingerprints.

/** A file of these bytes, picked. @param {Uint8Array} bytes */
function holding(bytes) {
  return pathOf({ size: bytes.length, bytes: (start, end) => /** @type {ArrayBuffer} */ (bytes.slice(start, end).buffer) }, '.mp4')
}

/** Bytes at random, the same ones for the same number. @param {number} size @param {number} state */
function random(size, state) {
  return Uint8Array.from({ length: size }, () => (state = Math.imul(state, 1_664_525) + 1_013_904_223 >>> 0) >>> 24)
}

const fingerprintOf = (/** @type {string} */ path) => fakeProgram().host.open(path).fingerprint

test('the same bytes have one fingerprint, under whichever path they are', () => {
  const bytes = random(2 * FORM, 1)
  const [a, b] = [holding(bytes), holding(bytes)]
  assert.notEqual(a, b)
  assert.equal(fingerprintOf(a), fingerprintOf(b))
  assert.match(fingerprintOf(a), /^upload_2097152_[0-9a-z]+$/)
})

test('other bytes of the same size have another fingerprint', () => {
  const seen = new Set(Array.from({ length: 20 }, (_, i) => fingerprintOf(holding(random(FORM + 1, i)))))
  assert.equal(seen.size, 20)
})

test('a fingerprint looks at the first bytes and the last ones, and is another for each of them', () => {
  const size = 3 * FORM
  const bytes = random(size, 1)
  const before = fingerprintOf(holding(bytes))
  for (const at of [0, 4_095, size - 1, size - 4_096]) {
    const other = bytes.slice()
    other[at] ^= 1
    const after = fingerprintOf(holding(other))
    // Of both halves: one alone is of 32 bits.
    const low = 'upload_3145728_'.length
    for (const [start, end] of [[low, low + 4], [-4]]) assert.notEqual(after.slice(start, end), before.slice(start, end), `byte ${at}`)
  }
})

test('bytes of zero, of which many files have many, have a fingerprint by their size', () => {
  assert.notEqual(fingerprintOf(holding(new Uint8Array(2 * FORM))), fingerprintOf(holding(new Uint8Array(2 * FORM + 1))))
})

/** What a fingerprint reads. @param {ReturnType<typeof fakeProgram>} program @param {number} size */
function readsOf({ host, fs }, size) {
  const { readFileSync } = fs
  /** @type {[number, number][]} */
  const reads = []
  fs.readFileSync = (path, encoding, position, length) => {
    reads.push([position, length])
    return readFileSync(path, encoding, position, length)
  }
  host.open(pathOf(new FakeFile('', size), '.mp4'))
  return reads
}

test('a large file is read in a few places only, all inside it', () => {
  for (const size of [FORM + 1, 3 * FORM + 7, 700 * FORM]) {
    const reads = readsOf(fakeProgram(), size)
    assert.equal(reads.length, 16)
    assert.deepEqual([reads[0][0], reads[15][0] + reads[15][1]], [0, size])
    assert.ok(reads.every(([position, length]) => Number.isInteger(position) && position >= 0 && length === 4_096 && position + length <= size))
  }
})

test('what leaves as a form has no record, and is not read for a fingerprint', () => {
  assert.deepEqual(readsOf(fakeProgram(), 300_000), [])
  assert.deepEqual(readsOf(fakeProgram(), FORM), [])
  assert.deepEqual(readsOf(fakeProgram({ canReadRanges: () => false }), 50 * FORM), [])
  const [a, b] = [1, 2].map(() => pathOf(new FakeFile('', 300_000), '.mp4'))
  assert.notEqual(fingerprintOf(a), fingerprintOf(b))
})
