// @ts-check
// UTF-8 for engines without it: as Node has it, for all that the core passes.
import assert from 'node:assert/strict'
import { TextDecoder, TextEncoder } from './bundle.js'
import { test } from './story.js'

const PLANE = 0x10000
const { TextDecoder: NodeDecoder, TextEncoder: NodeEncoder } = globalThis

const mine = { encode: (/** @type {string} */ text) => new TextEncoder().encode(text), decode: (/** @type {Uint8Array} */ bytes) => new TextDecoder().decode(bytes) }
// A byte order mark is a character like others, as the glue asks its decoder.
const nodes = { encode: (/** @type {string} */ text) => new NodeEncoder().encode(text), decode: (/** @type {Uint8Array} */ bytes) => new NodeDecoder('utf-8', { ignoreBOM: true }).decode(bytes) }

/** @param {string} text @param {string} [what] */
function same(text, what) {
  const bytes = mine.encode(text)
  // Buffers compare faster than deepEqual.
  assert.ok(Buffer.from(nodes.encode(text)).equals(bytes), `${what ?? JSON.stringify(text)} is written otherwise`)
  assert.equal(mine.decode(bytes), nodes.decode(bytes), what ?? text)
}

test('it is not that of Node', () => {
  assert.ok(TextEncoder !== NodeEncoder && TextDecoder !== NodeDecoder)
})

for (let plane = 0; plane <= 16; plane++) {
  test(`every code point of plane ${plane} is written and read`, () => {
    const all = Array.from({ length: PLANE }, (_, i) => plane * PLANE + i)
    same(String.fromCodePoint(...all.slice(0, PLANE / 2)), `the first half of plane ${plane}`)
    same(String.fromCodePoint(...all.slice(PLANE / 2)), `the second half of plane ${plane}`)
    for (const code of all.filter((one) => one % 64 === 0 || one % 64 === 63)) same(String.fromCodePoint(code))
  })
}

test('the borders of the lengths are written and read alone', () => {
  for (const code of [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfeff, 0xfffd, 0xffff, 0x10000, 0x10ffff]) same(String.fromCodePoint(code))
})

test('lone surrogates become U+FFFD wherever they stand', () => {
  const units = ['\ud800', '\udbff', '\udc00', '\udfff', 'a', 'ü', '题', '\ud83d\ude00']
  for (const a of units) {
    same(a)
    for (const b of units) {
      same(a + b)
      for (const c of units) same(a + b + c)
    }
  }
  assert.deepEqual([...mine.encode('\ud800')], [0xef, 0xbf, 0xbd])
})

test('texts at random are written and read', () => {
  // A generator of its own, so that a failure comes again.
  let state = 1
  const next = (/** @type {number} */ below) => (state = Math.imul(state, 1_664_525) + 1_013_904_223 >>> 0) % below
  const ranges = [0x80, 0x800, 0x10000]
  for (let round = 0; round < 20_000; round++) {
    same(String.fromCharCode(...Array.from({ length: next(12) }, () => next(ranges[next(3)]))))
  }
})

test('an empty text has no bytes, and no bytes are an empty text', () => {
  assert.equal(mine.encode('').length, 0)
  assert.equal(mine.decode(new Uint8Array()), '')
})

test('what is written is as long as it says, and no view of anything else', () => {
  const bytes = mine.encode('aü题')
  assert.deepEqual([bytes instanceof Uint8Array, bytes.length, bytes.slice().buffer.byteLength], [true, 6, 6])
})

test('a view into a larger buffer is read from where it begins to where it ends', () => {
  assert.equal(mine.decode(nodes.encode('<题目>').subarray(1, 7)), '题目')
})

test('a long text is read whole', () => {
  same('视频 1+2/a b(c)!.mp4 😀'.repeat(50_000), 'a megabyte')
})
