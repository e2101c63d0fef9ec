// @ts-check
// The browser's host as far as Node has what it stands on: fetch, forms, blobs and locks. Parts by XHR are in tests/e2e.
import assert from 'node:assert/strict'
import { browser } from './bundle.js'
import { test } from './story.js'

const FILE = new File(['0123456789'], 'a.mp4', { type: 'video/mp4', lastModified: 1_700_000_000_000 })
const FORM = { file: 1, start: 0, end: 10, fields: /** @type {[string, string][]} */ ([['key', 'sv/a.mp4'], ['policy', 'P']]) }

/** What fetch is given, and the answer. @param {import('node:test').TestContext} t @param {() => any} [answer] */
function fetching(t, answer = async () => new Response('body', { status: 201, headers: { ETag: '"E"', 'X-OSS-Request-Id': 'R' } })) {
  /** @type {any[][]} */
  const calls = []
  t.mock.method(globalThis, 'fetch', (/** @type {any[]} */ ...args) => { calls.push(args); return answer() })
  return calls
}

test('a form has its fields in order and the file last, and no header', async (t) => {
  const calls = fetching(t)
  const { done } = browser.send({ method: 'POST', url: 'https://b.example.com/', headers: [], body: FORM }, browser.open(FILE), () => {})
  await done
  const [[url, { method, headers, body, credentials }]] = calls
  assert.deepEqual([url, method, headers, credentials], ['https://b.example.com/', 'POST', [], 'omit'])
  assert.deepEqual([...body.keys()], ['key', 'policy', 'file'])
  assert.equal(await body.get('file').text(), '0123456789')
})

test('an answer has its status, its body and its headers in lower case', async (t) => {
  fetching(t)
  const answer = await browser.send({ method: 'GET', url: 'https://b.example.com/', headers: [] }, undefined, () => {}).done
  assert.deepEqual([answer.status, answer.body, answer.headers.etag, answer.headers['x-oss-request-id']], [201, 'body', '"E"', 'R'])
})

test('what is not answered is a NetworkError that names the host and no secret of the URL', async (t) => {
  fetching(t, () => Promise.reject(new TypeError('Failed to fetch')))
  const { done } = browser.send({ method: 'GET', url: 'https://b.example.com/?Signature=S', headers: [] }, undefined, () => {})
  const reason = /** @type {any} */ (await done.catch((error) => error))
  assert.equal(reason.code, 'NetworkError')
  assert.match(reason.message, /^b\.example\.com .*Failed to fetch/)
})

test('an abort ends the request', async (t) => {
  const calls = fetching(t, () => new Promise(() => {}))
  browser.send({ method: 'GET', url: 'https://b.example.com/', headers: [] }, undefined, () => {}).abort()
  assert.equal(calls[0][1].signal.aborted, true)
})

test('read gives the bytes of a range', async () => {
  assert.equal(Buffer.from(await browser.read(browser.open(FILE), 2, 5)).toString(), '234')
})

test('a file that cannot be read is FileUnreadable', async () => {
  class Broken extends Blob {
    /** @returns {any} */
    slice() { return { arrayBuffer: async () => { throw new Error('NotReadableError') } } }
  }
  const source = { ...browser.open(new Blob(['abc'])), file: new Broken() }
  await assert.rejects(browser.read(source, 0, 3), { code: 'FileUnreadable' })
})

test('a file is what the page picked, and its key that of Aliyun', () => {
  const { name, size, lastModified, contentType, fingerprint, file } = browser.open(FILE)
  assert.deepEqual([name, size, lastModified, contentType, fingerprint, file],
    ['a.mp4', 10, 1_700_000_000_000, 'video/mp4', 'upload_1700000000000_a.mp4_10', FILE])
})

for (const [type, name] of [['video/webm;codecs=vp9', 'blob.webm'], ['audio/mp4', 'blob.mp4'], ['', 'blob.bin']]) {
  test(`a Blob of type ${JSON.stringify(type)} is called ${name}`, () => {
    assert.equal(browser.open(new Blob(['a'], { type })).name, name)
  })
}

for (const what of [undefined, null, 'a.mp4', {}, { name: 'a.mp4', size: 1 }, new ArrayBuffer(1)]) {
  test(`${JSON.stringify(what)} is no file`, () => {
    assert.throws(() => browser.open(what), TypeError)
  })
}

/** @param {import('node:test').TestContext} t @param {any} locks */
function withLocks(t, locks) {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  Object.defineProperty(globalThis, 'navigator', { value: locks && { locks }, configurable: true })
  t.after(() => {
    if (own) Object.defineProperty(globalThis, 'navigator', own)
    else delete (/** @type {any} */ (globalThis)).navigator
  })
  return /** @type {NonNullable<typeof browser.lock>} */ (browser.lock)
}

test('a lock is held until it is given back, and asked for without waiting', async (t) => {
  /** @type {any[]} */
  const asked = []
  let over = false
  const lock = withLocks(t, {
    request: async (/** @type {string} */ key, /** @type {any} */ options, /** @type {any} */ hold) => {
      asked.push([key, options])
      await hold({})
      over = true
    },
  })
  const free = await lock('upload_1')
  assert.deepEqual([asked, over], [[['upload_1', { ifAvailable: true }]], false])
  free?.()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(over, true)
})

test("another page's lock is told", async (t) => {
  const lock = withLocks(t, { request: async (/** @type {any} */ _, /** @type {any} */ __, /** @type {any} */ hold) => hold(null) })
  assert.equal(await lock('upload_1'), undefined)
})

for (const [what, locks] of /** @type {[string, any][]} */ ([
  ['no locks', undefined], ['locks that are forbidden', { request: () => Promise.reject(new Error('SecurityError')) }],
])) {
  test(`where there are ${what} every page counts as alone`, async (t) => {
    assert.equal(typeof await withLocks(t, locks)('upload_1'), 'function')
  })
}

test('the limits are those of browsers', () => {
  assert.deepEqual(browser.limits, { parallel: 6, form: 262_144, digestRate: 110e6 })
})
