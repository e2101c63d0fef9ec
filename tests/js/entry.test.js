// @ts-check
// The files that are published, where there is no page.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { dist } from '../../tools/env.mjs'
import { test } from './story.js'

const MODULE = pathToFileURL(join(dist, 'vodupload.js')).href
const TENCENT = pathToFileURL(join(dist, 'tencent.js')).href
const SCRIPT = readFileSync(join(dist, 'vodupload.script.js'), 'utf8')

test('the module can be imported on a server, where there is no window', async () => {
  assert.ok(!('window' in globalThis) && !('document' in globalThis))
  const before = Object.getOwnPropertyNames(globalThis)
  const api = await import(MODULE)
  assert.deepEqual(Object.keys(api).sort(), ['TcVod', 'UploadError', 'Uploader', 'VODUpload', 'default'])
  assert.equal(api.default, api.VODUpload)
  assert.deepEqual(Object.getOwnPropertyNames(globalThis), before)
})

test('the entry for Tencent can be imported on a server and in a worker, and its uploads need no window (B23)', async () => {
  const { TcVod, UploadError, default: main } = await import(TENCENT)
  assert.deepEqual([main, TcVod.default], [TcVod, TcVod])
  const worker = new Worker(`
    const { parentPort } = require('node:worker_threads')
    globalThis.navigator ??= { onLine: true }
    globalThis.addEventListener = globalThis.removeEventListener = () => {}
    import(${JSON.stringify(TENCENT)}).then(async ({ TcVod, UploadError }) => {
      const uploader = new TcVod({ getSignature: async () => { throw new Error('logged out') } }).upload({ mediaFile: new Blob(['abc']) })
      const error = await uploader.done().catch((error) => error)
      parentPort.postMessage([error instanceof UploadError, error.retCode, typeof localStorage, typeof window])
    }).catch((error) => parentPort.postMessage(String(error)))`, { eval: true })
  try {
    const answer = await new Promise((resolve, reject) => {
      worker.on('message', resolve)
      worker.on('error', reject)
    })
    assert.deepEqual(answer, [true, 1012, 'undefined', 'undefined'])
  } finally {
    await worker.terminate()
  }
  assert.equal(typeof UploadError, 'function')
})

test('nothing is measured with marks of the page, and nothing names a telemetry host (B11, B32)', () => {
  for (const bundle of [readFileSync(join(dist, 'tencent.js'), 'utf8'), SCRIPT]) assert.ok(!/performance\.mark|vodreport/.test(bundle))
})

test('the script runs where there is no EventTarget, and VODUpload works there', () => {
  const { window, added } = page({ TextDecoder, TextEncoder, EventTarget: undefined })
  assert.deepEqual(added.sort(), ['AliyunUpload', 'TcVod', 'VODUpload'])
  assert.equal(typeof window.VODUpload, 'function')
})

test('an Uploader works in a worker without localStorage, and rejects with an UploadError', async () => {
  const worker = new Worker(`
    const { parentPort } = require('node:worker_threads')
    // Workers of browsers have them, those of Node 20 do not.
    globalThis.navigator ??= { onLine: true }
    globalThis.addEventListener = globalThis.removeEventListener = () => {}
    import(${JSON.stringify(MODULE)}).then(async ({ Uploader, UploadError }) => {
      const uploader = new Uploader({ getAuth: async () => { throw new Error('logged out') } })
      const events = []
      uploader.addEventListener('failed', ({ detail }) => events.push(detail.error.code))
      const error = await uploader.upload(new Blob(['abc'])).catch((error) => error)
      parentPort.postMessage([error instanceof UploadError, error.code, events, typeof localStorage, typeof window])
    }).catch((error) => parentPort.postMessage(String(error)))`, { eval: true })
  try {
    const answer = await new Promise((resolve, reject) => {
      worker.on('message', resolve)
      worker.on('error', reject)
    })
    assert.deepEqual(answer, [true, 'GetUploadAuthFailed', ['GetUploadAuthFailed'], 'undefined', 'undefined'])
  } finally {
    await worker.terminate()
  }
})

test('an uploader can be made on a server, and takes a Blob', async () => {
  const { VODUpload } = await import(MODULE)
  const failed = new Promise((resolve) => {
    const uploader = new VODUpload({ userId: 1, onUploadFailed: (/** @type {any} */ _, /** @type {string} */ code) => resolve(code) })
    assert.equal(uploader.addFile(new Blob(['abc'])), true)
    assert.equal(uploader.listFiles()[0].fileSize, 3)
    assert.equal(uploader.addFile(new Blob([])), false)
  })
  assert.equal(await failed, 'EmptyFile')
})

test('the module can be imported in a worker', async () => {
  const worker = new Worker(`
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(MODULE)}).then(
      ({ default: VODUpload }) => parentPort.postMessage(new VODUpload({ userId: 1 }).listFiles()),
      (error) => parentPort.postMessage(String(error)),
    )`, { eval: true })
  try {
    const answer = await new Promise((resolve, reject) => {
      worker.on('message', resolve)
      worker.on('error', reject)
    })
    assert.deepEqual(answer, [])
  } finally {
    await worker.terminate()
  }
})

/** A page with nothing but `window`. @param {object} [more] */
function page(more) {
  const window = createContext({ ...more })
  window.window = window
  const before = Object.getOwnPropertyNames(window)
  runInContext(SCRIPT, window)
  return { window, added: Object.getOwnPropertyNames(window).filter((name) => !before.includes(name)) }
}

test('the script sets the names that pages use and nothing else', () => {
  const { window, added } = page({ TextDecoder, TextEncoder })
  assert.deepEqual(added.sort(), ['AliyunUpload', 'TcVod', 'VODUpload'])
  assert.equal(typeof window.VODUpload, 'function')
  assert.deepEqual({ ...window.AliyunUpload }, { Vod: window.VODUpload, Uploader: window.AliyunUpload.Uploader, UploadError: window.AliyunUpload.UploadError })
})

test('the script keeps what a page has under AliyunUpload', () => {
  const { window, added } = page({ TextDecoder, TextEncoder, AliyunUpload: { Other: 1 } })
  assert.deepEqual(added.sort(), ['TcVod', 'VODUpload'])
  assert.deepEqual(Object.keys(window.AliyunUpload), ['Other', 'Vod', 'Uploader', 'UploadError'])
})

/** What runs text as code, what is more than ES2020, and what only modules know. `wasm-unsafe-eval` is a word of a message. */
const FORBIDDEN = [
  /(?<!-)\beval\b/, /\bnew Function\b/, /\bFunction\(/, /\.constructor\(/, /\bset(Timeout|Interval)\(["'`]/,
  /\bimport\.meta\b/, /\bimport\(/,
  /\?\?=/, /\|\|=/, /&&=/, /\bstatic\s*\{/, /\bthis\.#/, /\.at\(/, /\.replaceAll\(/, /\bObject\.hasOwn\b/, /\bstructuredClone\b/,
]

for (const file of ['vodupload.js', 'vodupload.script.js', 'aliyun.js', 'tencent.js']) {
  test(`${file} has nothing that a strict policy or an old engine refuses`, () => {
    const text = readFileSync(join(dist, file), 'utf8')
    // The text of the wasm may hold anything. No `match`: a failure must not print the whole bundle.
    const code = text.replace(/"[^"\n]{10000,}"/, '""')
    assert.ok(code.length < text.length / 2)
    const found = FORBIDDEN.flatMap((pattern) => code.match(pattern)?.[0] ?? [])
    assert.deepEqual(found, [])
    // The text of the wasm is printable, so that no charset of a page can spoil it.
    assert.equal(text.match(/[^\t\n\x20-\x7e]/)?.index, undefined)
  })
}
