// @ts-check
// The sandbox keeps WeChat's rules: each limit that it plays is shown here. The library is not needed.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { brotliCompressSync } from 'node:zlib'
import { missing } from './engine.js'
import { KiB, makeFile, makeProject, makeSparseFile, MiB } from './project.js'
import { runProject } from './sandbox.js'
import { createWx } from './wx.js'

/** @typedef {import('./wx.js').WxOptions} WxOptions */
/** @typedef {import('./sandbox.js').Runtime} Runtime */

const RUNTIMES = /** @type {Runtime[]} */ (['vm', 'jsc', 'jsc-no-jit', 'quickjs'])
const skipOf = (/** @type {Runtime} */ runtime) => missing(runtime) || false

/** Calls any API as it is told to; `$size` stands for an ArrayBuffer of ones. */
const APP = `
const tasks = []
function made(value) {
  if (value === null || typeof value !== 'object') return value
  if (value.$size !== undefined) { const bytes = new Uint8Array(value.$size); bytes.fill(1); return value.view ? bytes : bytes.buffer }
  if (Array.isArray(value)) return value.map(made)
  const copy = {}
  Object.keys(value).forEach(function (key) { copy[key] = made(value[key]) })
  return copy
}
function shown(value) {
  if (value instanceof ArrayBuffer) return { bytes: Array.from(new Uint8Array(value.slice(0, 8))), length: value.byteLength }
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? value() : value
  if (Array.isArray(value)) return value.map(shown)
  const copy = {}
  Object.keys(value).forEach(function (key) { copy[key] = shown(value[key]) })
  return copy
}
App({
  call(api, options) {
    const owner = api.slice(0, 3) === 'fs.' ? wx.getFileSystemManager() : wx
    return new Promise(function (resolve) {
      const task = owner[api.replace('fs.', '')](Object.assign(made(options), {
        success(value) { resolve(Object.assign({ ok: true }, shown(value))) },
        fail(value) { resolve(Object.assign({ ok: false }, value)) },
      }))
      if (task && task.onProgressUpdate) task.onProgressUpdate(function (value) { console.log('@progress', value) })
      tasks.push(task)
    })
  },
  sync(api, args) {
    const owner = api.slice(0, 3) === 'fs.' ? wx.getFileSystemManager() : wx
    return shown(owner[api.replace('fs.', '')].apply(owner, args))
  },
  abort() { tasks.forEach(function (task) { task.abort() }) },
  has(names) { return names.filter(function (name) { return name.slice(0, 3) === 'fs.' ? name.slice(3) in wx.getFileSystemManager() : name in wx }) },
  listen(name) { wx['on' + name](function (value) { console.log('@' + name, value) }) },
  unlisten(name) { wx['off' + name]() },
  later(ms) { setTimeout(function () { console.log('@later') }, ms) },
})
`

/**
 * @param {import('node:test').TestContext} t
 * @param {WxOptions & { runtime?: Runtime, files?: Record<string, string | Uint8Array> }} [options]
 */
async function open(t, { runtime = 'vm', files = {}, ...options } = {}) {
  const wx = createWx({ domains: null, ...options })
  const program = await runProject({ root: makeProject({ 'app.js': APP, ...files }), wx, runtime })
  t.after(() => program.close())
  return { wx, program, call: (/** @type {string} */ api, /** @type {any} */ options) => program.app('call', api, options) }
}

/**
 * A server that answers what it was asked, after `hold` is let go.
 * @param {import('node:test').TestContext} t
 */
async function echo(t) {
  let waiting = 0
  /** @type {(() => void)[]} */
  const held = []
  const server = createServer(async (request, response) => {
    const chunks = []
    try {
      for await (const chunk of request) chunks.push(chunk)
    } catch {
      return
    }
    const body = Buffer.concat(chunks)
    waiting++
    if (request.url?.startsWith('/held')) await new Promise((resolve) => held.push(() => resolve(undefined)))
    const status = Number(/status=(\d+)/.exec(request.url ?? '')?.[1] ?? 200)
    response.writeHead(status, { ETag: '"tag"', 'Content-Type': 'text/plain' })
    response.end(/plain/.test(request.url ?? '') ? 'plain' : JSON.stringify({ method: request.method, url: request.url, headers: request.headers, size: body.length, body: body.toString('latin1').slice(0, 2000) }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => { server.close(); server.closeAllConnections() })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { hosts: { 'api.example.com': `http://127.0.0.1:${port}` }, release: () => held.splice(0).forEach((go) => go()), seen: () => waiting }
}

const URL = 'https://api.example.com'

// --- What an engine has ------------------------------------------------------

for (const runtime of RUNTIMES) {
  test(`${runtime} has a phone's globals and no others`, { skip: skipOf(runtime) }, async (t) => {
    const absent = ['window', 'document', 'navigator', 'performance', 'TextDecoder', 'TextEncoder', 'fetch', 'WebAssembly', 'Blob', 'File', 'URL', 'crypto',
      'XMLHttpRequest', 'BigInt', 'WeakRef', 'FinalizationRegistry', 'globalThis', 'structuredClone', 'queueMicrotask', 'AbortController', 'EventTarget',
      'Event', 'CustomEvent', 'process', 'Buffer', '__dirname', 'eval', 'SharedArrayBuffer', 'Atomics', 'atob', 'print', 'readFile', 'std', 'io', 'localStorage', 'self']
    const { program } = await open(t, {
      runtime,
      files: {
        'app.js': `${absent.map((name) => `if (typeof ${name} !== 'undefined') console.log('@extra', '${name}')`).join('\n')}
          ;['at', 'flat'].forEach(function (name) { if ([][name]) console.log('@extra', name) })
          if (Object.fromEntries || ''.replaceAll || Promise.any) console.log('@extra', 'young')
          try { Function('return 1')(); console.log('@extra', 'Function') } catch (error) { console.log('@refused') }
          try { (function () {}).constructor('return 1')(); console.log('@extra', 'constructor') } catch (error) { console.log('@refused') }
          try { window.x = 1; console.log('@extra', 'window.x') } catch (error) { console.log('@refused') }
          console.log('@wasm', typeof WXWebAssembly)
          console.log('@buffer', wx.getFileSystemManager().readFileSync('/app.js') instanceof ArrayBuffer)
          Promise.resolve().then(function () { setTimeout(function () { console.log('@end') }, 1) })`,
      },
    })
    await program.heard('end')
    assert.deepEqual(program.told('extra'), [])
    assert.equal(program.told('refused').length, 3)
    assert.deepEqual(program.told('wasm'), [runtime === 'quickjs' ? 'undefined' : 'object'])
    assert.deepEqual(program.told('buffer'), [true])
    assert.deepEqual(program.errors, [])
  })

  test(`${runtime} runs modules, the app, a page and what they ask of the phone`, { skip: skipOf(runtime) }, async (t) => {
    const { hosts } = await echo(t)
    const { program, call, wx } = await open(t, {
      runtime, hosts,
      files: {
        'pages/index/index.js': `
          const lib = require('lib')
          const near = require('../../util.js')
          Page({
            data: { list: [{ name: 'a' }] },
            onLoad(query) { this.setData({ 'list[0].name': query.name, lib: lib.name + near.name, lost: function () {} }) },
            tap() { let fired = 0; const timer = setInterval(() => { if (++fired === 3) { clearInterval(timer); console.log('@ticks', fired) } }, 1) },
            lost() { try { require('nowhere') } catch (error) { return error.message } },
          })`,
        'util.js': 'module.exports = { name: "near" }',
        'miniprogram_npm/lib/index.js': 'exports.name = require("./part").name + typeof window',
        'miniprogram_npm/lib/part.js': 'exports.name = "part"',
      },
    })
    await program.open('pages/index/index', { name: 'b' })
    assert.deepEqual(await program.data(), { list: [{ name: 'b' }], lib: 'partundefinednear' })
    assert.match(wx.complaints.splice(0).join(), /lost is function/)
    await program.page('tap')
    await program.heard('ticks')
    assert.match(await program.page('lost'), /is not defined, require args is 'nowhere'/)
    await assert.rejects(program.page('nothing'), /has no nothing/)
    const answer = await call('request', { url: `${URL}/x`, method: 'PUT', data: { $size: 100_000 } })
    assert.equal(answer.data.size, 100_000)
    assert.deepEqual(await program.app('sync', 'getStorageSync', ['none']), '')
    const file = wx.files.add({ file: await makeFile(`slice-${runtime}.bin`, 1000) })
    const { fd } = await call('fs.open', { filePath: file.path })
    const read = await call('fs.read', { fd, arrayBuffer: { $size: 10 }, offset: 2, length: 4, position: 998 })
    assert.equal(read.bytesRead, 2)
    assert.deepEqual([read.arrayBuffer.length, read.arrayBuffer.bytes[1], read.arrayBuffer.bytes[4]], [10, 1, 1])
    assert.deepEqual(program.errors, [])
  })
}

test('what is thrown in a callback is told and harms nobody', async (t) => {
  const { program } = await open(t, { files: { 'app.js': 'setTimeout(() => { throw new Error("boom") }, 1); setTimeout(() => console.log("@after"), 5); App({})' } })
  await program.heard('after')
  assert.match(program.errors.join(), /boom/)
})

// --- WXWebAssembly -----------------------------------------------------------

/** @param {string} path */
const loader = (path) => `App({ load() { return WXWebAssembly.instantiate(${path}, { './m': { said() { console.log('@said') } } })
  .then(function (result) { const exports = (result.instance || result).exports; if (exports.run) exports.run(); return [!!result.instance, Object.keys(exports)] }) } })`

test('WXWebAssembly takes paths of the package, no bytes, and .br from 2.14.0', async (t) => {
  const wasm = wasmOf()
  const files = { 'lib/a.wasm': wasm, 'lib/a.wasm.br': brotliCompressSync(wasm), 'lib/global.wasm': globalOf(), 'lib/bad.wasm': simdOf() }
  /** @param {string} path @param {WxOptions} [options] @param {Runtime} [runtime] */
  const load = async (path, options, runtime) => {
    const { program } = await open(t, { ...options, runtime, files: { ...files, 'app.js': loader(path) } })
    return program.app('load').catch((error) => error.message.split('\n')[0])
  }
  assert.deepEqual(await load('"/lib/a.wasm"'), [false, ['run']])
  assert.deepEqual(await load('"/lib/a.wasm.br"', { wasm: 'result' }), [true, ['run']])
  assert.match(await load('"lib/a.wasm"'), /no absolute path/)
  assert.match(await load('"wxfile://usr/a.wasm"'), /no absolute path/)
  assert.match(await load('"/lib/b.wasm"'), /file not found/)
  assert.match(await load('new ArrayBuffer(8)'), /no bytes/)
  assert.match(await load('"/lib/a.wasm.br"', { version: '2.13.0' }), /needs base library 2\.14\.0/)
  assert.match(await load('"/lib/a.wasm"', { version: '2.12.3' }), /WXWebAssembly is not defined/)
  assert.match(await load('"/lib/global.wasm"'), /Global is not supported on iOS/)
  assert.deepEqual(await load('"/lib/global.wasm"', { globals: true }), [false, ['g']])
  for (const runtime of RUNTIMES.slice(1, 3)) if (!missing(runtime)) assert.deepEqual(await load('"/lib/a.wasm"', {}, runtime), [false, ['run']])
  const verdict = await load('"/lib/bad.wasm"')
  assert.match(JSON.stringify(verdict), /first version|bad/, 'refused where wasm-tools is installed')
})

/** `(import "./m" "said" (func)) (func (export "run") call 0)` */
function wasmOf() {
  return Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, 12, 1, 3, 0x2e, 0x2f, 0x6d, 4, 0x73, 0x61, 0x69, 0x64, 0, 0, 3, 2, 1, 0, 7, 7, 1, 3, 0x72, 0x75, 0x6e, 0, 1, 10, 6, 1, 4, 0, 0x10, 0, 0x0b])
}

/** `(global (export "g") i32 (i32.const 1))` */
function globalOf() {
  return Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 6, 6, 1, 0x7f, 0, 0x41, 1, 0x0b, 7, 5, 1, 1, 0x67, 3, 0])
}

/** `(func (export "bad") (result i32) i32.const 1 i32.extend8_s)`, of a later version */
function simdOf() {
  return Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 7, 7, 1, 3, 0x62, 0x61, 0x64, 0, 0, 10, 7, 1, 5, 0, 0x41, 1, 0xc0, 0x0b])
}

// --- wx.request --------------------------------------------------------------

test('wx.request: methods, data, headers, and every status is a success', async (t) => {
  const { hosts } = await echo(t)
  const { call, wx } = await open(t, { hosts })
  const plain = await call('request', { url: `${URL}/a?status=503` })
  assert.deepEqual([plain.ok, plain.statusCode, plain.errMsg, plain.data.method], [true, 503, 'request:ok', 'GET'])
  assert.equal(plain.data.headers['content-type'], 'application/json', 'also where there is no body')
  assert.match(plain.data.headers.referer, /^https:\/\/servicewechat\.com\//)
  const json = await call('request', { url: URL, method: 'post', data: { a: 1 } })
  assert.equal(json.data.body, '{"a":1}')
  const query = await call('request', { url: `${URL}/?x=1`, data: { a: '&' } })
  assert.equal(query.data.url, '/?x=1&a=%26')
  const form = await call('request', { url: URL, method: 'POST', header: { 'Content-Type': 'application/x-www-form-urlencoded' }, data: { a: 1, b: 'ü' } })
  assert.equal(form.data.body, 'a=1&b=%C3%BC')
  const bytes = await call('request', { url: URL, method: 'PUT', data: { $size: 5 }, header: { Referer: 'mine', 'X-Own': '1' } })
  assert.deepEqual([bytes.data.size, bytes.data.headers['x-own'], /servicewechat/.test(bytes.data.headers.referer)], [5, '1', true])
  assert.deepEqual(wx.complaints.splice(0), ['request may not set the header Referer'])
  assert.match((await call('request', { url: URL, method: 'PATCH' })).errMsg, /invalid method "PATCH"/)
  assert.match((await call('request', { url: URL, method: 'POST', data: { $size: 5, view: true } })).errMsg, /String, Object or ArrayBuffer/)
  assert.equal((await call('request', { url: `${URL}/plain` })).data, 'plain', 'what is no JSON stays text')
  assert.equal(typeof (await call('request', { url: URL, dataType: 'text' })).data, 'string')
  assert.equal((await call('request', { url: `${URL}/plain`, responseType: 'arraybuffer' })).data.length, 5)
  const spellings = new Set()
  for (let i = 0; i < 3; i++) for (const name of Object.keys((await call('request', { url: URL })).header)) if (/^etag$/i.test(name)) spellings.add(name)
  assert.deepEqual([...spellings].sort(), ['ETag', 'Etag', 'etag'])
})

test('wx.request and wx.uploadFile have allow-lists of their own, and want https', async (t) => {
  const { hosts } = await echo(t)
  const { call, wx } = await open(t, { hosts, domains: { request: [URL] } })
  wx.pick([await makeFile('a.png', 100)])
  const [{ path: filePath }] = (await call('chooseImage', {})).tempFiles
  assert.equal((await call('request', { url: URL })).ok, true)
  assert.equal((await call('request', { url: 'https://other.example.com' })).errMsg, 'request:fail url not in domain list')
  assert.equal((await call('request', { url: 'http://api.example.com' })).errMsg, 'request:fail url not in domain list')
  assert.equal((await call('uploadFile', { url: URL, filePath, name: 'file' })).errMsg, 'uploadFile:fail url not in domain list')
  assert.match((await call('request', { url: 'blob:x' })).errMsg, /invalid url/)
  assert.match((await (await open(t)).call('request', { url: URL })).errMsg, /hostname could not be found/)
})

test('ten requests at once, the rest waits; abort and timeout fail', async (t) => {
  const { hosts, release, seen } = await echo(t)
  const { call, wx, program } = await open(t, { hosts, version: '2.30.0' })
  const all = Array.from({ length: 13 }, () => call('request', { url: `${URL}/held`, method: 'POST', data: { $size: 1000 } }))
  await program.until('ten', () => seen() === 10)
  assert.equal(wx.counts.request, 13)
  assert.equal(wx.counts.peakBytes, 13_000)
  release()
  await program.until('the rest', () => seen() === 13)
  release()
  assert.ok((await Promise.all(all)).every(({ ok }) => ok))
  assert.equal(wx.counts.bytes, 0)
  assert.deepEqual(await call('request', { url: `${URL}/held`, timeout: 20 }), { ok: false, errMsg: 'request:fail timeout', errno: 5 })
  const aborted = call('request', { url: `${URL}/held` })
  await program.app('abort')
  assert.equal((await aborted).errMsg, 'request:fail abort')
})

test('wx.uploadFile sends fields, then the whole file, and tells of progress', async (t) => {
  const { hosts } = await echo(t)
  const { call, wx, program } = await open(t, { hosts })
  wx.pick([await makeFile('a.png', 700 * KiB)])
  const [{ path: filePath }] = (await call('chooseImage', {})).tempFiles
  const answer = await call('uploadFile', { url: `${URL}/form?status=403`, filePath, name: 'file', formData: { key: 'k', policy: 'p' }, header: { 'X-A': '1' } })
  assert.deepEqual(Object.keys(answer).sort(), ['data', 'errMsg', 'ok', 'statusCode'], 'no header')
  assert.equal(answer.statusCode, 403)
  const { headers, body, method } = JSON.parse(answer.data)
  assert.equal(method, 'POST')
  assert.match(headers['content-type'], /^multipart\/form-data; boundary=/)
  assert.match(body, /name="key"\r\n\r\nk\r\n.*name="policy"\r\n\r\np\r\n.*name="file"; filename="[^"]+\.png"\r\nContent-Type: image\/png\r\n\r\n/s)
  const progress = program.told('progress')
  assert.ok(progress.length > 1)
  const last = progress[progress.length - 1]
  assert.deepEqual([last.progress, last.totalBytesSent], [100, last.totalBytesExpectedToSend])
  assert.match((await call('uploadFile', { url: URL, filePath: 'wxfile://gone.mp4', name: 'file' })).errMsg, /no such file/)
})

// --- Files -------------------------------------------------------------------

test('files are read in slices, and in whole up to 100 MB', async (t) => {
  const { call, wx, program } = await open(t)
  const file = await makeFile('a.mp4', 1000)
  wx.pick([{ file, as: 'http://tmp/abc.mp4' }])
  const { tempFiles: [{ tempFilePath, size, thumbTempFilePath, fileType }], type } = await call('chooseMedia', {})
  assert.deepEqual([tempFilePath, size, fileType, type], ['http://tmp/abc.mp4', 1000, 'video', 'video'])
  assert.equal((await call('fs.stat', { path: thumbTempFilePath })).ok, true)
  const { stats } = await call('fs.stat', { path: tempFilePath })
  assert.deepEqual([stats.size, stats.isFile, stats.isDirectory], [1000, true, false])
  assert.ok(stats.lastModifiedTime > 1.7e9 && stats.lastModifiedTime < 1e11, 'seconds')
  assert.equal((await program.app('sync', 'fs.statSync', ['/app.js'])).isFile, true)
  await assert.rejects(program.app('sync', 'fs.accessSync', ['/nothing']), /accessSync:fail no such file/)
  assert.equal((await call('fs.readFile', { filePath: tempFilePath })).data.length, 1000)
  assert.equal((await call('fs.readFile', { filePath: tempFilePath, position: 990, length: 100 })).data.length, 10)
  assert.match((await call('fs.readFile', { filePath: tempFilePath, position: 1000 })).errMsg, /out of range/)
  assert.match((await call('fs.readFile', { filePath: '/app.js', encoding: 'utf8' })).data, /^\nconst tasks/)
  const { digest } = await call('fs.getFileInfo', { filePath: tempFilePath, digestAlgorithm: 'md5' })
  assert.match(digest, /^[0-9a-f]{32}$/)
  const large = wx.files.add({ file: await makeSparseFile('large.mp4', 3 * 1024 * MiB) }).path
  assert.match((await call('fs.readFile', { filePath: large })).errMsg, /100MB/)
  assert.equal((await call('fs.readFile', { filePath: large, position: 2 ** 31, length: 10 })).data.length, 10)
  const { fd } = await call('fs.open', { filePath: large })
  assert.equal((await call('fs.fstat', { fd })).stats.size, 3 * 1024 * MiB)
  assert.equal((await call('fs.read', { fd, arrayBuffer: { $size: 10 }, position: 3 * 1024 * MiB - 4 })).bytesRead, 4)
  assert.match((await call('fs.read', { fd, arrayBuffer: { $size: 10 }, length: 20 })).errMsg, /out of range/)
  assert.equal(wx.files.open, 1)
  await call('fs.close', { fd })
  assert.match((await call('fs.read', { fd, arrayBuffer: { $size: 10 } })).errMsg, /bad file descriptor/)
  wx.files.remove(tempFilePath)
  assert.match((await call('fs.stat', { path: tempFilePath })).errMsg, /no such file/)
})

test('Android pads what is read past the end, older libraries know no slices', async (t) => {
  const { call, wx } = await open(t, { android: true })
  const { path } = wx.files.add({ file: await makeFile('b.mp4', 1000) })
  assert.equal((await call('fs.readFile', { filePath: path, position: 990, length: 100 })).data.length, 100)
  const { fd } = await call('fs.open', { filePath: path })
  const { bytesRead, arrayBuffer } = await call('fs.read', { fd, arrayBuffer: { $size: 8 }, position: 998 })
  assert.deepEqual([bytesRead, arrayBuffer.bytes.slice(2)], [8, [0, 0, 0, 0, 0, 0]])
  const old = await open(t, { version: '2.9.0' })
  const again = old.wx.files.add({ file: await makeFile('b.mp4', 1000) })
  assert.equal((await old.call('fs.readFile', { filePath: again.path, position: 990, length: 5 })).data.length, 1000)
  const strict = await open(t, { strictReadFile: true })
  const large = strict.wx.files.add({ file: await makeSparseFile('large.mp4', 101 * MiB) })
  assert.match((await strict.call('fs.readFile', { filePath: large.path, position: 0, length: 10 })).errMsg, /100MB/)
})

test('APIs are absent before their base library', async (t) => {
  const names = ['fs.open', 'fs.read', 'fs.readFile', 'offNetworkStatusChange', 'getAppBaseInfo', 'chooseMedia', 'request']
  const has = async (/** @type {string} */ version) => (await open(t, { version })).program.app('has', names)
  assert.deepEqual(await has('2.9.0'), ['fs.readFile', 'request'])
  assert.deepEqual(await has('2.9.3'), ['fs.readFile', 'offNetworkStatusChange', 'request'])
  assert.deepEqual(await has('2.16.1'), ['fs.open', 'fs.read', 'fs.readFile', 'offNetworkStatusChange', 'chooseMedia', 'request'])
  assert.deepEqual(await has('2.20.1'), names)
  const { program } = await open(t, { version: '2.16.0' })
  const can = (/** @type {string} */ schema) => program.app('sync', 'canIUse', [schema])
  assert.deepEqual(await Promise.all(['request.success', 'getFileSystemManager', 'FileSystemManager.open', 'FileSystemManager.stat', 'x'].map(can)), [true, true, false, true, false])
})

// --- Storage, network, foreground ---------------------------------------------

test('storage holds 1 MB a key and 10 MB in all, and outlives the program', async (t) => {
  const storage = {}
  const { program, wx } = await open(t, { storage })
  const sync = (/** @type {string} */ api, /** @type {any[]} */ ...args) => program.app('sync', api, args)
  await sync('setStorageSync', 'a', { list: [1] })
  assert.deepEqual(await sync('getStorageSync', 'a'), { list: [1] })
  await assert.rejects(sync('setStorageSync', 'b', 'x'.repeat(1 << 20)), /entry size limit/)
  for (let i = 0; i < 10; i++) await sync('setStorageSync', `k${i}`, 'x'.repeat(1_000_000))
  await assert.rejects(sync('setStorageSync', 'k10', 'x'.repeat(1_000_000)), /exceed storage max size/)
  for (let i = 0; i < 10; i++) await sync('removeStorageSync', `k${i}`)
  wx.fillStorage()
  await assert.rejects(sync('setStorageSync', 'c', 1), /exceed storage max size/)
  assert.deepEqual((await sync('getStorageInfoSync')).keys, ['a'])
  const again = await open(t, { storage })
  assert.deepEqual(await again.program.app('sync', 'getStorageSync', ['a']), { list: [1] })
})

test('without a network all requests fail, and the program is told', async (t) => {
  const { hosts, seen } = await echo(t)
  const { program, call, wx } = await open(t, { hosts, android: true })
  await program.app('listen', 'NetworkStatusChange')
  const under = call('request', { url: `${URL}/held` })
  await program.until('it is there', () => seen() === 1)
  wx.setNetwork({ isConnected: false })
  assert.match((await under).errMsg, /ERR_INTERNET_DISCONNECTED/)
  assert.match((await call('request', { url: URL })).errMsg, /ERR_INTERNET_DISCONNECTED/)
  assert.equal((await call('getNetworkType', {})).networkType, 'none')
  wx.setNetwork({ isConnected: true, networkType: '4g' })
  assert.equal((await call('request', { url: URL })).ok, true)
  assert.deepEqual(program.told('NetworkStatusChange').map(({ networkType }) => networkType), ['none', '4g'])
  await program.app('unlisten', 'NetworkStatusChange')
  assert.deepEqual(wx.listeners, { NetworkStatusChange: 0 })
})

test('in the background requests are interrupted and nothing runs until the program is shown', async (t) => {
  const { hosts, seen } = await echo(t)
  const { program, call, wx } = await open(t, { hosts })
  for (const name of ['AppHide', 'AppShow']) await program.app('listen', name)
  const under = call('request', { url: `${URL}/held` }).then((value) => value.errMsg)
  await program.until('it is there', () => seen() === 1)
  await program.app('later', 1)
  wx.hide({ now: true })
  assert.equal(program.told('AppHide').length, 1)
  await new Promise((resolve) => setTimeout(resolve, 30))
  assert.equal(program.told('later').length, 0)
  wx.show()
  assert.equal(await under, 'request:fail interrupted')
  await program.heard('later')
  assert.equal(program.told('AppShow').length, 1)
  wx.hide({ after: 10_000 })
  await program.app('later', 1)
  await program.heard('later', 2)
  wx.show()
})

test('a killed program never runs again, its connections are gone', async (t) => {
  const { hosts, seen } = await echo(t)
  const { program, call, wx } = await open(t, { hosts })
  const under = call('request', { url: `${URL}/held` })
  await program.until('it is there', () => seen() === 1)
  await program.app('later', 1)
  await program.kill()
  await assert.rejects(under, /was killed/)
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.deepEqual(program.told('later'), [])
  writeFileSync(`${wx.phone.root}/second.js`, 'console.log("@second")')
  const second = await runProject({ root: wx.phone.root, wx, entry: 'second.js' })
  await second.heard('second')
  await second.close()
})
