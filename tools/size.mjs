// @ts-check
// What the built files weigh against the budgets in package.json: bytes after brotli of everything that a page loads,
// and raw bytes, which count in a mini program's package. `npm run size`; fails above a budget.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { root, wasmTarget } from './env.mjs'

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

const { budgets, packageBudgets } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).vodupload
const shipped = ['dist', 'dist/miniprogram'].flatMap((folder) =>
  readdirSync(join(root, folder)).filter((name) => /\.(js|wasm|br)$/.test(name)).map((name) => weigh(`${folder}/${name}`, join(root, folder, name))))
const inside = weigh('  the wasm inside', join(wasmTarget, 'glue/shipped.wasm'))

const columns = [7, 7, 7, 7]
/** @param {string} name @param {...(number | string)} cells */
const line = (name, ...cells) =>
  console.log(name.padEnd(38) + cells.map((cell, i) => cell.toLocaleString('en-US').padStart(columns[i] + 2)).join(''))

line('bytes', 'raw', 'gzip -9', 'br -11')
for (const row of [...shipped, inside]) line(row.name, row.raw, row.gzip, row.brotli)

let over = 0
check('a page that loads', 'brotli', budgets)
check('a mini program that ships (raw counts)', 'raw', packageBudgets)
if (over > 0) {
  console.error(`size: ${over} above the budget`)
  process.exitCode = 1
}

/**
 * @param {string} title
 * @param {'raw' | 'brotli'} measure what the budget is of
 * @param {Record<string, number>} limits bytes by files, joined with ' + '
 */
function check(title, measure, limits) {
  console.log()
  line(title, 'raw', 'gzip -9', 'br -11', 'budget')
  for (const [files, budget] of Object.entries(limits)) {
    const rows = files.split(' + ').map((name) => {
      const row = shipped.find((file) => file.name === name)
      if (!row) throw new Error(`there is a budget for ${name}, but it was not built`)
      return row
    })
    const sum = (/** @type {'raw' | 'gzip' | 'brotli'} */ key) => rows.reduce((total, row) => total + row[key], 0)
    line(rows.map(({ name }) => name.replace(/.*\//, '')).join(' + '), sum('raw'), sum('gzip'), sum('brotli'), budget)
    if (sum(measure) > budget) over++
  }
}
