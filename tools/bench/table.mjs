// @ts-check
// Results as text, and what all scenarios make of them.

/** @typedef {import('./measure.mjs').Result} Result */
/** @typedef {[heading: string, cell: (results: Result[], title: string) => string]} Column */

export const MB = 1e6
export const MiB = 1 << 20

/** @param {number[]} numbers */
export const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * The median of one property.
 * @param {Result[] | undefined} results
 * @param {'seconds' | 'rendererCpu' | 'mainThread' | 'browserCpu' | 'serverCpu' | 'heapPeak' | 'heapGrowth'} name
 */
export const typical = (results, name) => median((results ?? []).map((result) => result[name]))

/**
 * How many times as fast as others.
 * @param {Result[] | undefined} results
 * @param {Result[] | undefined} others
 */
export const timesAsFast = (results, others) => typical(others, 'seconds') / typical(results, 'seconds')

/**
 * `-` where something did not run.
 * @param {number | null | undefined} number
 * @param {number} digits
 */
export const fixed = (number, digits) => (Number.isFinite(number ?? NaN) ? Number(number).toFixed(digits) : '-')

/** @type {Record<string, Column>} */
export const COLUMNS = {
  seconds: ['s, median (min-max)', (results) => spread(results.map(({ seconds }) => seconds), 2)],
  rendererCpu: ['renderer CPU s', (results) => spread(results.map(({ rendererCpu }) => rendererCpu), 2)],
  mainThread: ['main thread s', (results) => typical(results, 'mainThread').toFixed(2)],
  browserCpu: ['browser CPU s', (results) => typical(results, 'browserCpu').toFixed(1)],
  serverCpu: ['server CPU s', (results) => typical(results, 'serverCpu').toFixed(1)],
  heapPeak: ['heap peak MB', (results) => spread(results.map(({ heapPeak }) => heapPeak / MB), 1)],
  heapKept: ['heap kept MB', (results) => (typical(results, 'heapGrowth') / MB).toFixed(2)],
  memoryPeak: ['RSS peak MiB', (results) => spread(results.map(({ memoryPeak }) => memoryPeak / MiB), 0)],
  longTask: ['long task ms', (results) => { const most = Math.max(...results.map(({ longTask }) => longTask)); return most ? most.toFixed(0) : 'none' }],
  requests: ['requests', (results) => spread(results.map(({ requests }) => requests), 0)],
  runs: ['runs', (results) => String(results.length)],
}

/**
 * @param {number[]} numbers
 * @param {number} digits
 */
export function spread(numbers, digits) {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)].map((number) => number.toFixed(digits))
  return low === high ? low : `${median(numbers).toFixed(digits)} (${low}-${high})`
}

/**
 * @param {Map<string, Result[]>} results
 * @param {Column[]} columns
 */
export function table(results, columns) {
  const rows = [...results].map(([title, each]) => [title, ...columns.map(([, cell]) => cell(each, title))])
  const lines = [['', ...columns.map(([heading]) => heading)], ...rows]
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)))
  return lines.map((line) => line.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ')).join('\n')
}
