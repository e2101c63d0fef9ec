// @ts-check
// How fast files leave a page, and what that costs it: `npm run bench -- [--scenario large,small,integrity]
// [--only TITLE] [--runs 5] [--size 1024] [--json FILE]`.
//
// All contestants send the same files to the same server process, which checks every signature and counts the bytes
// (no hashes, no disk), across origins with an Authorization header, so that each part costs a preflight. Every run
// has a browser of its own; contestants take turns, beginning with another each time. The clock runs in the page.
// Nothing is asserted: the machine may be busy.

import { fork } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { integrity } from './integrity.mjs'
import { largeFile } from './large_file.mjs'
import { measure } from './measure.mjs'
import { smallFiles } from './small_files.mjs'
import { MiB } from './table.mjs'

/**
 * @typedef {import('./measure.mjs').Contestant} Contestant
 * @typedef {import('./measure.mjs').Result} Result
 * @typedef {import('./measure.mjs').Stage} Stage
 * @typedef {{ runs: number, large: number }} Wishes `large`: bytes of the large file
 *
 * @typedef {object} Scenario
 * @property {string} [always] the contestant that --only does not leave out
 * @property {(stage: Stage, wishes: Wishes) => Contestant[]} contestants
 * @property {(stage: Stage, contestants: Contestant[]) => Promise<any>} [finish] what is measured once, after all runs
 * @property {(results: Map<string, Result[]>, wishes: Wishes, finished: any) => string} report
 */

/** @type {Record<string, Scenario>} */
const SCENARIOS = { large: largeFile, small: smallFiles, integrity }

const { values } = parseArgs({ options: {
  runs: { type: 'string', default: '5' }, size: { type: 'string', default: '1024' }, json: { type: 'string' }, only: { type: 'string', default: '' },
  scenario: { type: 'string', default: Object.keys(SCENARIOS).join(',') },
} })
const wishes = { runs: Number(values.runs), large: Number(values.size) * MiB }
const chosen = values.scenario.split(',')
if (!(wishes.runs >= 1) || !(wishes.large >= 2 * MiB)) throw new Error('--runs wants a count, --size MiB, at least 2')
if (!chosen.every((name) => name in SCENARIOS)) throw new Error(`--scenario wants some of ${Object.keys(SCENARIOS).join(',')}`)

const folder = mkdtempSync(join(tmpdir(), 'vodupload-bench-'))
const server = fork(new URL('server.mjs', import.meta.url), { env: { ...process.env, NODE_NO_WARNINGS: '1' } })
/** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
const waiting = new Map()
let lastId = 0
server.on('message', (/** @type {any} */ { id, result, error }) => {
  if (error) waiting.get(id)?.reject(new Error(error))
  else waiting.get(id)?.resolve(result)
  waiting.delete(id)
})

/** @type {import('./measure.mjs').Ask} */
const ask = (name, argument) => new Promise((resolve, reject) => {
  waiting.set(++lastId, { resolve, reject })
  server.send({ id: lastId, name, argument })
})

try {
  /** @type {Stage} */
  const stage = { ask, addresses: await ask('addresses'), fileOf }
  /** @type {Record<string, object>} */
  const outcome = {}
  for (const name of chosen) {
    const scenario = SCENARIOS[name]
    const all = scenario.contestants(stage, wishes)
    if (!all.some(({ title }) => title.includes(values.only))) continue
    const contestants = all.filter(({ title }) => title === scenario.always || title.includes(values.only))
    const results = await compete(stage, name, contestants)
    const finished = await scenario.finish?.(stage, contestants)
    console.log(`${scenario.report(results, wishes, finished)}\n`)
    outcome[name] = { ...finished, results: Object.fromEntries(results) }
  }
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ runs: wishes.runs, size: wishes.large, ...outcome }, null, 1)}\n`)
} finally {
  server.disconnect()
  rmSync(folder, { recursive: true, force: true })
}

/**
 * @param {Stage} stage
 * @param {string} name of the scenario
 * @param {Contestant[]} contestants
 */
async function compete(stage, name, contestants) {
  /** @type {Map<string, Result[]>} */
  const results = new Map(contestants.map(({ title }) => [title, []]))
  /** @type {Map<string, Result>} */
  const last = new Map()
  // Not counted: the first to send would meet a server that is not yet compiled, and find the disk's cache cold.
  last.set(contestants[0].title, await measure(stage, contestants[0], last))
  for (let run = 1; run <= wishes.runs; run++) {
    const running = contestants.filter(({ runs }) => run <= runs)
    const turn = run % Math.max(1, running.length)
    for (const contestant of [...running.slice(turn), ...running.slice(0, turn)]) {
      const { title, runs } = contestant
      const result = await measure(stage, contestant, last)
      last.set(title, result)
      results.get(title)?.push(result)
      process.stderr.write(`bench: ${name} ${run}/${runs}  ${title}  ${result.seconds.toFixed(2)} s\n`)
    }
  }
  return results
}

/** @param {number} bytes */
function fileOf(bytes) {
  const path = join(folder, `${bytes}.mp4`)
  writeFileSync(path, '')
  truncateSync(path, bytes)
  return path
}
