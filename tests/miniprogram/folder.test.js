// @ts-check
// What the folder that is copied into mini programs must not ask of a phone.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { dist } from '../../tools/env.mjs'

const folder = join(dist, 'miniprogram')

/** What phones do not have, or forbid; `typeof` may ask for any. */
const ABSENT = [
  'TextDecoder', 'TextEncoder', 'URL', 'Blob', 'crypto', 'BigInt', 'WeakRef', 'FinalizationRegistry', 'globalThis', 'eval', 'Function',
  'document', 'navigator', 'performance', 'structuredClone', 'AbortController', 'EventTarget', 'CustomEvent', 'fetch', 'XMLHttpRequest',
  'WebAssembly', 'localStorage', 'process', 'Buffer',
]

for (const name of ['index.js', 'douyin.js', 'fallback.js']) {
  test(`${name} uses nothing that a phone lacks, in the syntax of 2015`, () => {
    // Texts may hold anything.
    const code = readFileSync(join(folder, name), 'utf8').replace(/"[^"\n]*"/g, '""')
    for (const absent of ABSENT) assert.doesNotMatch(code, new RegExp(`(?<![.\\w$"'])(new )?\\b${absent}\\s*[.(]`), absent)
    assert.doesNotMatch(code, /\bimport\s*\(|\basync\b(?! )|\?\?|\?\.[a-z[(]|\.\.\.[a-z]+\}|\d+n\b/i)
  })
}

test('the folder has what a copy needs, and nothing else', () => {
  assert.deepEqual(readdirSync(folder).sort(), [
    'douyin.d.ts', 'douyin.js', 'fallback.js', 'index.d.ts', 'index.js', 'package.json', 'tencent.d.ts', 'vodupload.wasm', 'vodupload.wasm.br',
  ])
})
