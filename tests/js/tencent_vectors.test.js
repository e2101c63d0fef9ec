// @ts-check
// The vendor's arithmetic in tests/vectors/tencent.json, asked of ours through what a page hears and sends: progress, the
// cutting of files, encodings, lists of parts, check sums, and how long a signature is good.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { createAccounts } from '../cloud/tencent/accounts.js'
import { authenticateCos } from '../cloud/tencent/cos_signature.js'
import { crc64 } from '../cloud/crc64.js'
import { browser, tcVodOn } from './bundle.js'
import { FakeFile, fakeHost } from './fake_host.js'
import { describe, test } from './story.js'
import { MiB, VECTORS, backend, callOf, partsOf } from './trace_backend.js'

/** @typedef {import('./trace_backend.js').Script} Script */

const { timestamp, tempCertificate } = VECTORS.trace_web.inputs.applyResponse.data

/**
 * An upload on a host that sends no forms, so that files are put or sent in parts.
 * @param {import('node:test').TestContext} t @param {any} mediaFile @param {Script} script @param {object} [options]
 */
function begin(t, mediaFile, script, options) {
  t.mock.method(console, 'warn', () => {})
  const fake = fakeHost({ limits: { ...browser.limits, form: 0 }, ...(mediaFile instanceof Blob && { open: browser.open, read: browser.read }) })
  const service = backend(script)
  fake.serve(service.serve)
  const uploader = new (tcVodOn(fake.host))({ getSignature: async () => 'SIG' })
    .upload({ mediaFile, enableRaceRegion: false, progressInterval: 0, retryDelay: 1, integrity: false, ...options })
  const sent = (/** @type {string} */ call) => service.requests.filter((request) => callOf(request) === call)
  return { uploader, sent }
}

/** Requests that nobody answers. @param {RegExp} calls @returns {Script} */
const hanging = (calls) => ({ fault: (_, call) => (calls.test(call) ? 'hang' : undefined) })

/** @param {() => boolean} isSo */
async function until(isSo) {
  const began = performance.now()
  while (!isSo()) {
    assert.ok(performance.now() - began < 5_000, 'it does not come')
    await new Promise((resolve) => { setTimeout(resolve, 5) })
  }
}

/** Text in XML. @param {string} text */
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

describe('progress is cut off to two decimals', () => {
  for (const { loaded, total, percent } of VECTORS.progress) {
    // Where the vendor's tells 1 of nothing, ours does not begin.
    if (total === 0) {
      test('an empty file has none, for it is no upload', (t) => {
        assert.throws(() => begin(t, new FakeFile('a.mp4', 0), {}), { code: 'EmptyFile', retCode: 1014 })
      })
      continue
    }
    test(`${loaded} of ${total} is ${percent}`, async (t) => {
      const isWhole = loaded === total
      const { uploader, sent } = begin(t, new FakeFile('a.mp4', total), isWhole ? {} : hanging(/PutObject/))
      /** @type {any[]} */
      const told = []
      uploader.on('media_progress', (info) => { told.push(info) })
      if (isWhole) await uploader.done()
      else {
        await until(() => sent('PutObject').length > 0)
        sent('PutObject')[0].progress(loaded)
      }
      const isTold = () => told.at(-1)?.loaded === loaded
      await until(isTold)
      assert.deepEqual([told.at(-1).loaded, told.at(-1).total, told.at(-1).percent], [loaded, total, percent])
      uploader.cancel()
    })
  }
})

describe('a file is cut by the given size', () => {
  /** Parts that a size is rounded up to, when there would be too many. Bytes. */
  const STEP = 64 << 10
  for (const { fileSize, configuredChunk, chunk, parts, lastPart } of VECTORS.chunk_size) {
    test(`${fileSize} bytes by ${configuredChunk}`, async (t) => {
      const { uploader, sent } = begin(t, new FakeFile('a.mp4', fileSize), hanging(/PutObject|UploadPart/), { chunkSize: configuredChunk })
      const isOne = parts === 1
      await until(() => sent(isOne ? 'PutObject' : 'UploadPart').length >= Math.min(parts, 2))
      const [first, second] = sent(isOne ? 'PutObject' : 'UploadPart').map(({ slice }) => [slice.start, slice.end])
      const size = first[1]
      if (isOne) assert.deepEqual([first, lastPart], [[0, fileSize], fileSize])
      else assert.deepEqual([first, second], [[0, size], [size, Math.min(2 * size, fileSize)]])
      if (chunk === configuredChunk && !isOne) {
        assert.deepEqual([size, Math.ceil(fileSize / size), fileSize - (parts - 1) * size], [chunk, parts, lastPart])
      } else if (!isOne) {
        // The vendor's doubles the size until there are no more than 10000; ours takes the smallest that will do.
        assert.equal(size, Math.ceil(Math.ceil(fileSize / 10_000) / STEP) * STEP)
        assert.ok(size > configuredChunk && size < chunk)
      }
      uploader.cancel()
    })
  }

  test('below one MiB it is one MiB', async (t) => {
    const { uploader, sent } = begin(t, new FakeFile('a.mp4', 3 * MiB), hanging(/UploadPart/), { chunkSize: 1000 })
    await until(() => sent('UploadPart').length === 3)
    assert.equal(sent('UploadPart')[0].slice.end, MiB)
    uploader.cancel()
  })
})

describe('an address is encoded', () => {
  for (const { in: text, out } of VECTORS.url_encode) {
    test(`with ${JSON.stringify(text)} in it`, async (t) => {
      // What surrounds it in XML is not white space.
      const script = { ...hanging(/UploadPart/), apply: { video: { storagePath: `/a${text}` } }, uploadId: `a${escaped(text)}b` }
      const { uploader, sent } = begin(t, new FakeFile('a.mp4', 2 * MiB), script, { chunkSize: MiB })
      await until(() => sent('UploadPart').length === 2)
      const [{ url }] = sent('UploadPart')
      // Paths keep their slashes.
      assert.equal(url.pathname, `/a${out.replaceAll('%2F', '/')}`)
      assert.equal(url.search, `?partNumber=1&uploadId=a${out}b`)
      uploader.cancel()
    })
  }
})

describe('a list of parts means what theirs do', () => {
  for (const { by, xml } of VECTORS.complete_body) {
    test(by, async (t) => {
      const parts = partsOf(xml)
      const { uploader, sent } = begin(t, new FakeFile('a.mp4', parts.length * MiB), {
        fault: (request, call) => (call === 'UploadPart' ? { status: 200, headers: { ETag: parts[request.part - 1][1] } } : undefined),
      }, { chunkSize: MiB })
      await uploader.done()
      assert.deepEqual(partsOf(String(sent('CompleteMultipartUpload')[0].body)), parts)
      assert.deepEqual(parts.map(([number]) => number), parts.map((_, i) => i + 1))
    })
  }
})

describe('CRC-64', () => {
  for (const { of, crc64: expected } of VECTORS.crc64) {
    const bytes = of.startsWith('1048576 bytes of') ? Buffer.alloc(MiB, 1) : Buffer.from(of)

    test(`the local cloud's of ${JSON.stringify(of)}`, () => {
      const sum = crc64()
      sum.update(bytes)
      assert.equal(String(sum.value()), expected)
    })

    if (bytes.length === 0) continue
    /** @param {import('node:test').TestContext} t @param {string} crc */
    const upload = (t, crc) => begin(t, new File([bytes], 'a.mp4'), {
      fault: (_, call) => (call === 'PutObject' ? { status: 200, headers: { 'x-cos-hash-crc64ecma': crc } } : undefined),
    }, { integrity: true, chunkRetryTimes: 0 })

    test(`ours of ${JSON.stringify(of)}, by which a stored file is proven`, async (t) => {
      assert.equal((await upload(t, expected).uploader.done()).verified, true)
    })

    test(`another than that of ${JSON.stringify(of)} is a damaged file`, async (t) => {
      await assert.rejects(upload(t, expected.replace(/.$/, (/** @type {string} */ last) => (last === '1' ? '2' : '1'))).uploader.done())
    })
  }
})

describe('the time of a signature', () => {
  const windowOf = (/** @type {string} */ authorization) => (/q-sign-time=(\d+);(\d+)/.exec(authorization) ?? []).slice(1).map(Number)
  const host = /host=([^&\n]+)/.exec(VECTORS.cos_signature[0].steps.httpString)?.[1] ?? ''

  for (const { name, nowMs, Expires = 900, SystemClockOffset = 0, authorization } of VECTORS.cos_signature_time) {
    const theirs = windowOf(authorization)
    const service = Math.floor((nowMs + SystemClockOffset) / 1000)

    test(`${name}: the local cloud takes the vendor's for so long`, () => {
      assert.deepEqual(theirs, [service - 1, service - 1 + Expires])
      const accounts = createAccounts({ accounts: [], life: 1000, deny: [], now: () => nowMs })
      accounts.issue({ secretId: tempCertificate.secretId, secretKey: tempCertificate.secretKey, token: 't', life: 172_800 })
      const verify = (/** @type {number} */ second) => authenticateCos({
        method: 'GET', key: '', query: {}, host, bucket: host.split('.')[0], region: 'ap-chongqing', headers: { host, authorization, 'x-cos-security-token': 't' },
        operation: '', forwarded: false, uploadId: null, partNumber: null, contentLength: null,
      }, { accounts, now: second * 1000, issuerNow: second * 1000, expire: false })
      assert.equal(verify(theirs[1] - 1).secretId, tempCertificate.secretId)
      assert.throws(() => verify(theirs[1]), { code: 'AccessDenied', message: 'Request has expired' })
      assert.throws(() => verify(theirs[0] - 61), { code: 'RequestTimeTooSkewed' })
    })

    // Theirs is for requests without VOD's times; with them it is as long as the key, see tencent_traces.test.js.
    for (const life of [Expires, tempCertificate.expiredTime - timestamp]) {
      test(`${name}: ours begins a minute ago and is good for an hour, or for the ${life} s of its key`, async (t) => {
        const { now } = Date
        const ahead = nowMs - now()
        t.mock.method(Date, 'now', () => now() + ahead)
        const { uploader, sent } = begin(t, new FakeFile('a.mp4', 10), {
          ...hanging(/PutObject/), apply: { timestamp: service, tempCertificate: { ...tempCertificate, expiredTime: service + life } },
        })
        await until(() => sent('PutObject').length > 0)
        const [from, to] = windowOf(sent('PutObject')[0].headers.authorization)
        // The test itself takes time.
        const begun = from - (nowMs / 1000 - 60)
        assert.ok(begun >= 0 && begun <= 20, `it begins at ${from}`)
        assert.ok(Math.abs(to - from - 60 - Math.min(life, 3600)) <= 20, `it ends at ${to}`)
        assert.ok(from <= theirs[0] && service < to, 'it holds the time of the service, as theirs')
        uploader.cancel()
      })
    }
  }
})

test('every group of the vectors is used by a test', () => {
  const folders = ['..', '.'].map((folder) => new URL(`${folder}/`, import.meta.url))
  const sources = folders.flatMap((folder) => readdirSync(folder).filter((name) => /\.test\.js$|\.rs$/.test(name))
    .map((name) => readFileSync(new URL(name, folder), 'utf8')))
    .filter((text) => /tencent\.json|trace_backend/.test(text))
  const isUsed = (/** @type {string} */ group) => sources.some((text) => new RegExp(`VECTORS\\.${group}\\b|vectors\\("${group}"\\)`).test(text))
  const groups = Object.keys(VECTORS).filter((group) => !['about', 'versions', 'checked'].includes(group))
  assert.ok(groups.length >= 15)
  assert.deepEqual(groups.filter((group) => !isUsed(group)), [])
})
