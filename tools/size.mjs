// @ts-check
// What the built files weigh, on disk and on the wire, against the budgets in package.json (bytes after brotli of
// everything that a page loads). `npm run size`; fails above a budget.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { dist, root, wasmTarget } from './env.mjs'

/** @typedef {{ name: string, raw: number, gzip: number, brotli: number }} Row */

/**
 * @param {string} name
 * @param {string} path
 * @returns {Row}
 */
const weigh = (name, path) => {
  const bytes = readFileSync(path)
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
  return { name, raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes, { params }).length }
}

/** @type {{ loads: string[], brotli: number }[]} */
const budgets = Object.entries(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).vodupload.budgets)
  .map(([loads, brotli]) => ({ loads: loads.split(' + '), brotli: Number(brotli) }))
const shipped = readdirSync(dist).filter((name) => /\.(js|wasm)$/.test(name)).map((name) => weigh(`dist/${name}`, join(dist, name)))
const inside = weigh('  the wasm inside', join(wasmTarget, 'glue/shipped.wasm'))

const columns = [7, 7, 7, 7]
/** @param {string} name @param {...(number | string)} cells */
const line = (name, ...cells) =>
  console.log(name.padEnd(34) + cells.map((cell, i) => cell.toLocaleString('en-US').padStart(columns[i] + 2)).join(''))

line('bytes', 'raw', 'gzip -9', 'br -11')
for (const row of [...shipped, inside]) line(row.name, row.raw, row.gzip, row.brotli)

let over = 0
console.log()
line('a page that loads', 'raw', 'gzip -9', 'br -11', 'budget')
for (const { loads, brotli } of budgets) {
  const rows = loads.map((name) => {
    const row = shipped.find((file) => file.name === name)
    if (!row) throw new Error(`there is a budget for ${name}, but it was not built`)
    return row
  })
  const sum = (/** @type {'raw' | 'gzip' | 'brotli'} */ key) => rows.reduce((total, row) => total + row[key], 0)
  line(loads.join(' + '), sum('raw'), sum('gzip'), sum('brotli'), brotli)
  if (sum('brotli') > brotli) over++
}
if (over > 0) {
  console.error(`size: ${over} above the budget`)
  process.exitCode = 1
}
