// @ts-check
// What it costs to compare what is stored with the file: always, by default, and never; on a link of the speed up to
// which the default does so, and on one without limit, where it does not.

import { COLUMNS, fixed, MiB, table, typical } from './table.mjs'

/** @typedef {import('./measure.mjs').Result} Result */

/** Bytes per second. */
const RATE = 100e6
const LIMITED = `${RATE / 1e6} MB/s`
const FREE = 'no limit'
const CHOICES = { true: { integrity: true }, default: {}, false: { integrity: false } }

/** @type {import('./run.mjs').Scenario} */
export const integrity = {
  contestants: ({ addresses }, { large, runs }) => [FREE, LIMITED].flatMap((link) => Object.entries(CHOICES).map(([name, options]) => ({
    title: titleOf(link, name), code: 'vodupload', size: large, argument: async () => ({ app: addresses.app, options }),
    // The link's pace leaves little to chance, and 1 GiB takes it eleven seconds.
    ...(link === LIMITED ? { network: { bytesPerSecond: RATE }, runs: Math.ceil(runs / 3) } : { runs: Math.ceil(runs / 2) }),
  }))),

  report(results, { large }) {
    const { seconds, rendererCpu, mainThread, browserCpu, serverCpu, heapPeak, longTask, runs } = COLUMNS
    const without = (/** @type {string} */ title) => results.get(title.replace(/\w+$/, 'false'))
    /** @param {Result[]} each @param {string} title */
    const time = (each, title) => typical(each, 'seconds') / typical(without(title), 'seconds')
    /** @param {Result[]} each @param {string} title */
    const extra = (each, title) => typical(each, 'browserCpu') - typical(without(title), 'browserCpu')
    const text = table(results, [
      runs, seconds,
      ['MiB/s', (each) => (large / MiB / typical(each, 'seconds')).toFixed(0)],
      ['time of false', (each, title) => fixed(time(each, title), 3)],
      ['extra CPU s', (each, title) => fixed(extra(each, title), 2)],
      browserCpu, rendererCpu, mainThread, serverCpu, heapPeak, longTask,
      ['verified', (each) => `${each.filter(({ verified }) => verified).length} of ${each.length}`],
    ])
    const cost = [LIMITED, FREE].flatMap((link) => ['true', 'default'].map((name) => {
      const title = titleOf(link, name)
      const each = results.get(title)
      return `${title}: ${fixed((time(each ?? [], title) - 1) * 100, 1)} % of time, ${fixed(extra(each ?? [], title), 1)} s of processors`
    }))
    return [
      `What comparing costs, one file of ${large / MiB} MiB; extra CPU: of all processes of the browser, more than with integrity: false`,
      '', text, '',
      `cost: ${cost.join('; ')} (goal: below 5 % of time at ${LIMITED})`,
    ].join('\n')
  },
}

/** @param {string} link @param {string} choice */
function titleOf(link, choice) {
  return `${link}, integrity ${choice}`
}
