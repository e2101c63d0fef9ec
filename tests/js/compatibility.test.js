// @ts-check
// The tests that the pages of compatibility name are there.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../tools/env.mjs'
import { test } from './story.js'

/** Where a name begins that a test of a page has, and what is a test in each language. */
const NAMED = /`([\w/]+\.(?:test\.js|rs)|miniprogram\/stories\.js): ([^`]+)`/g
const DECLARED = /\b(?:test|tell|describe)\(|^\s*(?:async )?['"`[]|: async|: \(/

/** @param {string} name */
const pathOf = (name) => join(root, name.startsWith('src/') ? name : `tests/${name}`)

/** Whether a file declares a test whose title has these words in this order; what a test fills in is `…`. @param {string} file @param {string} title */
function declares(file, title) {
  const lines = readFileSync(pathOf(file), 'utf8').split('\n')
  if (file.endsWith('.rs')) return lines.some((line, i) => line.includes(`fn ${title}(`) && lines.slice(Math.max(0, i - 4), i).some((above) => /#\[(wasm_bindgen_)?test/.test(above)))
  // Of titles that are in a table the number before it is elsewhere.
  const pieces = title.split('…').map((piece) => piece.replace(/^[:,]/, '').trim()).filter(Boolean)
  return lines.some((line) => {
    if (!DECLARED.test(line)) return false
    let at = 0
    return pieces.every((piece) => {
      const found = line.replace(/\\(['"`])/g, '$1').indexOf(piece, at)
      at = found + piece.length
      return found >= 0
    })
  })
}

for (const page of ['compatibility.md', 'tencent-compatibility.md']) {
  test(`every test that ${page} names is there`, () => {
    const text = readFileSync(join(root, 'docs', page), 'utf8')
    const named = [...text.matchAll(NAMED)]
    assert.ok(named.length > 50, `${named.length} were found`)
    const missing = named.filter(([, file, title]) => !existsSync(pathOf(file)) || !declares(file, title.trim())).map(([all]) => all)
    assert.deepEqual([...new Set(missing)], [])
  })
}
