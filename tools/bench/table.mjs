// @ts-check
// The bench's results as text.

/** @typedef {import('./run.mjs').Result} Result */

const MB = 1e6
const MiB = 1 << 20

/** @param {number[]} numbers */
const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** @type {[heading: string, cell: (results: Result[], size: number, reference: Result[]) => string][]} */
const COLUMNS = [
  ['s, median (min-max)', (results) => spread(results.map(({ seconds }) => seconds), 2)],
  ['MiB/s', (results, size) => (size / MiB / median(results.map(({ seconds }) => seconds))).toFixed(0)],
  ['of bare', (results, size, reference) => (size ? (speed(results) / speed(reference)).toFixed(2) : '')],
  ['renderer CPU s', (results) => spread(results.map(({ rendererCpu }) => rendererCpu), 2)],
  ['main thread s', (results) => median(results.map(({ mainThread }) => mainThread)).toFixed(2)],
  ['browser CPU s', (results) => median(results.map(({ browserCpu }) => browserCpu)).toFixed(1)],
  ['server CPU s', (results) => median(results.map(({ serverCpu }) => serverCpu)).toFixed(1)],
  ['heap peak MB', (results) => spread(results.map(({ heapPeak }) => heapPeak / MB), 1)],
  ['heap kept MB', (results) => median(results.map(({ heapGrowth }) => heapGrowth / MB)).toFixed(2)],
  ['RSS peak MiB', (results) => spread(results.map(({ memoryPeak }) => memoryPeak / MiB), 0)],
  ['long task ms', (results) => { const most = Math.max(...results.map(({ longTask }) => longTask)); return most ? most.toFixed(0) : 'none' }],
  ['requests', (results) => spread(results.map(({ requests }) => requests), 0)],
]

/** Files that are sent in one second. @param {Result[]} results */
const speed = (results) => 1 / median(results.map(({ seconds }) => seconds))

/**
 * @param {number[]} numbers
 * @param {number} digits
 */
function spread(numbers, digits) {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)].map((number) => number.toFixed(digits))
  return low === high ? low : `${median(numbers).toFixed(digits)} (${low}-${high})`
}

/** @param {{ results: Map<string, Result[]>, large: number, small: number, runs: number, trace: { longest: number, longestCpu: number, tasks: number } }} outcome */
export function report({ results, large, small, runs, trace }) {
  const reference = results.get('bare, 8 MiB x 6') ?? [...results.values()][0]
  const rows = [...results].map(([title, each]) => {
    const isSmall = title.endsWith(`${small / MiB} MiB`)
    return [title, ...COLUMNS.map(([heading, cell]) => (isSmall && heading === 'of bare' ? '' : cell(each, isSmall ? small : large, reference)))]
  })
  const lines = [['', ...COLUMNS.map(([heading]) => heading)], ...rows]
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)))
  const table = lines.map((line) => line.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  '))
  const [own, tiny] = ['vodupload', `vodupload, ${small / MiB} MiB`].map((title) => results.get(title))
  const peak = (/** @type {Result[] | undefined} */ each) => median((each ?? own ?? []).map(({ heapPeak }) => heapPeak)) / MB
  return [
    `${large / MiB} MiB, ${runs} runs each; long task: above 50 ms, the longest of all runs`,
    '', ...table, '',
    `speed of vodupload / bare 8 MiB x 6: ${(speed(own ?? []) / speed(reference)).toFixed(2)} (goal: at least 0.9)`,
    `JS heap of vodupload: ${peak(tiny).toFixed(1)} MB at ${small / MiB} MiB, ${peak(own).toFixed(1)} MB at ${large / MiB} MiB (goal: below 10, flat)`,
    `longest main-thread task of vodupload, traced: ${trace.longest.toFixed(1)} ms, of which the processor worked at most ${trace.longestCpu.toFixed(1)}; ${trace.tasks} tasks (goal: below 50)`,
    `parts of vodupload's last run, MiB: ${runsOf((own?.at(-1)?.sizes ?? []).map((bytes) => +(bytes / MiB).toFixed(2)))}`,
  ].join('\n')
}

/**
 * Equal neighbours are counted: `1 x 5, 2 x 4`.
 * @param {number[]} numbers
 */
function runsOf(numbers) {
  /** @type {[number, number][]} */
  const groups = []
  for (const number of numbers) {
    const last = groups.at(-1)
    if (last?.[0] === number) last[1]++
    else groups.push([number, 1])
  }
  return groups.map(([number, count]) => `${number} x ${count}`).join(', ')
}
