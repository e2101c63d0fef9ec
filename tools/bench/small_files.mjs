// @ts-check
// How fast many small files leave a page over a long way, where round trips are all that counts.
//   vodupload   from `new VODUpload` to onUploadEnd; for each file a credential is asked for when its turn comes
//   bare        one PUT for each file, signed beforehand: no credentials, but a CORS preflight for each
//   ali-oss     a credential, a client and `put` for each file, one after the other, as Aliyun's VODUpload does it
// Every request takes one round trip more than its bytes; setting up connections does not, nor does loading scripts.

import { COLUMNS, fixed, table, timesAsFast, typical } from './table.mjs'

/** @typedef {import('./measure.mjs').Result} Result */

const FILES = 200
const BYTES = 100 << 10
/** ms for each request. */
const ROUND_TRIP = 30
const PARALLEL = 6

const MANY = `x ${PARALLEL}`
const SINGLE = 'x 1'

/** @type {import('./run.mjs').Scenario} */
export const smallFiles = {
  contestants({ ask, addresses }, { runs }) {
    /** @param {number} fileParallel */
    const sdk = (fileParallel) => ({ code: 'vodupload', argument: async () => ({ app: addresses.app, options: { fileParallel } }) })
    /** @param {number} parallel */
    const bare = (parallel) => ({ code: 'bare', argument: async () => ({ puts: await ask('planFiles', { count: FILES, bytes: BYTES }), parallel }) })
    const common = { size: FILES * BYTES, files: FILES, network: { latency: ROUND_TRIP } }
    return [
      { title: `vodupload ${MANY}`, ...sdk(PARALLEL), runs },
      { title: `bare ${MANY}`, ...bare(PARALLEL), runs },
      // Slow, and one run has all the pauses between its files.
      { title: `vodupload ${SINGLE}`, ...sdk(1), runs: 1 },
      { title: `bare ${SINGLE}`, ...bare(1), runs: 1 },
      { title: `ali-oss ${SINGLE}`, code: 'vendorPuts', argument: async () => ({ app: addresses.app }), runs: 1 },
    ].map((contestant) => ({ ...common, ...contestant }))
  },

  report(results) {
    const { seconds, rendererCpu, mainThread, browserCpu, serverCpu, heapPeak, longTask, requests, runs } = COLUMNS
    const single = (/** @type {string} */ title) => title.endsWith(SINGLE)
    const pause = (/** @type {string} */ name) => fixed(results.get(`${name} ${SINGLE}`)?.[0].pause, 1)
    const text = table(results, [
      runs, seconds,
      ['files/s', (each) => (FILES / typical(each, 'seconds')).toFixed(1)],
      ['of bare', (each, title) => fixed(timesAsFast(each, results.get(`bare ${single(title) ? SINGLE : MANY}`)), 2)],
      ['pause ms', (each, title) => (single(title) ? fixed(each[0].pause, 1) : '')],
      rendererCpu, mainThread, browserCpu, serverCpu, heapPeak, longTask, requests,
    ])
    return [
      `${FILES} files of ${BYTES >> 10} KiB, ${ROUND_TRIP} ms round trip to the storage and to whoever hands out credentials; pause: from the end of a file's last request to the next file's first`,
      '', text, '',
      `speed of vodupload ${MANY} / bare ${MANY}: ${fixed(timesAsFast(results.get(`vodupload ${MANY}`), results.get(`bare ${MANY}`)), 2)} (goal: at least 1)`,
      `pause between two files, one at a time: vodupload ${pause('vodupload')} ms, bare ${pause('bare')} ms, ali-oss ${pause('ali-oss')} ms (goal: none, what the bare page has is the browser's)`,
    ].join('\n')
  },
}
