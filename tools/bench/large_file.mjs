// @ts-check
// How fast one large file leaves a page, and what that costs it.
//   vodupload   from `new VODUpload` to onUploadEnd: loading the wasm, the credential, initiate, parts, complete
//   bare        only the parts, all signed beforehand: no SDK, no initiate, no complete; the most a browser can do
//   ali-oss     from `new OSS` to the end of multipartUpload (V1 signatures, its default)

import { traceTasks } from './measure.mjs'
import { COLUMNS, fixed, MB, MiB, table, timesAsFast, typical } from './table.mjs'

/** @typedef {import('./measure.mjs').Result} Result */
/** @typedef {import('./measure.mjs').Contestant} Contestant */

const OWN = 'vodupload'
const BARE = 'bare, 8 MiB x 6'

/** @type {import('./run.mjs').Scenario} */
export const largeFile = {
  always: OWN,

  contestants({ ask, addresses }, { large, runs }) {
    const small = smallOf(large)
    const equal = (/** @type {number} */ part) => Array.from({ length: Math.ceil(large / part) }, (_, i) => Math.min(part, large - i * part))
    /** @param {(last: Map<string, Result>) => number[]} sizes @param {number} parallel */
    const bare = (sizes, parallel) => ({ code: 'bare', argument: async (/** @type {Map<string, Result>} */ last) => ({ puts: await ask('planParts', sizes(last)), parallel }) })
    /** @param {object} options */
    const vendor = (options) => ({ code: 'vendor', argument: async () => ({ credential: await ask('credential'), oss: addresses.oss, options }) })
    const sdk = { code: 'vodupload', argument: async () => ({ app: addresses.app }) }
    return [
      { title: OWN, ...sdk },
      { title: BARE, ...bare(() => equal(8 * MiB), 6) },
      { title: "bare, vodupload's parts x 5", ...bare((last) => last.get(OWN)?.sizes ?? [], 5) },
      { title: 'ali-oss, defaults', ...vendor({}) },
      { title: 'ali-oss, 8 MiB x 6', ...vendor({ partSize: 8 * MiB, parallel: 6 }) },
      { title: `vodupload, ${small / MiB} MiB`, ...sdk, size: small },
    ].map((contestant) => ({ size: large, runs, ...contestant }))
  },

  finish: async (stage, contestants) => ({ trace: await traceTasks(stage, contestants[0]) }),

  report(results, { large, runs }, { trace }) {
    const small = smallOf(large)
    const tinyTitle = `vodupload, ${small / MiB} MiB`
    const [own, bare, tiny] = [OWN, BARE, tinyTitle].map((title) => results.get(title))
    const { seconds, rendererCpu, mainThread, browserCpu, serverCpu, heapPeak, heapKept, memoryPeak, longTask, requests } = COLUMNS
    const text = table(results, [
      seconds,
      ['MiB/s', (each, title) => ((title === tinyTitle ? small : large) / MiB / typical(each, 'seconds')).toFixed(0)],
      ['of bare', (each, title) => (title === tinyTitle ? '' : fixed(timesAsFast(each, bare), 2))],
      rendererCpu, mainThread, browserCpu, serverCpu, heapPeak, heapKept, memoryPeak, longTask, requests,
    ])
    return [
      `One file of ${large / MiB} MiB, ${runs} runs each; long task: above 50 ms, the longest of all runs`,
      '', text, '',
      `speed of vodupload / ${BARE}: ${fixed(timesAsFast(own, bare), 2)} (goal: at least 0.9)`,
      `JS heap of vodupload: ${fixed(typical(tiny, 'heapPeak') / MB, 1)} MB at ${small / MiB} MiB, ${fixed(typical(own, 'heapPeak') / MB, 1)} MB at ${large / MiB} MiB (goal: below 10, flat)`,
      `longest main-thread task of vodupload, traced: ${trace.longest.toFixed(1)} ms, of which the processor worked at most ${trace.longestCpu.toFixed(1)}; ${trace.tasks} tasks (goal: below 50)`,
      `parts of vodupload's last run, MiB: ${runsOf((own?.at(-1)?.sizes ?? []).map((bytes) => +(bytes / MiB).toFixed(2)))}`,
    ].join('\n')
  },
}

/** @param {number} large */
function smallOf(large) {
  return Math.min(64 * MiB, large / 2)
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
