// @ts-check
// How fast one large file leaves a page, and what that costs it: `npm run bench -- [--runs 5] [--size 1024] [--json FILE]`.
//
// All contestants send the same file to the same server process, which checks every signature and counts the bytes
// (no hashes, no disk), across origins with an Authorization header, so that each part costs a preflight. Every run
// has a browser of its own; contestants take turns, beginning with another each time. The clock runs in the page:
//   vodupload   from `new VODUpload` to onUploadEnd: loading the wasm, the credential, initiate, parts, complete
//   bare        only the parts, all signed beforehand: no SDK, no initiate, no complete; the most a browser can do
//   ali-oss     from `new OSS` to the end of multipartUpload (V1 signatures, its default)
// Nothing is asserted: the machine may be busy.

import { fork } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cpuSeconds, launch, longestTask, openPage, peakMemory } from './browser.mjs'
import { report } from './table.mjs'

const MiB = 1 << 20
const SAMPLE_EVERY_MS = 50

const { values } = parseArgs({ options: {
  runs: { type: 'string', default: '5' }, size: { type: 'string', default: '1024' }, json: { type: 'string' }, only: { type: 'string', default: '' },
} })
const runs = Number(values.runs)
const large = Number(values.size) * MiB
const small = Math.min(64 * MiB, large / 2)
if (!(runs >= 1) || !(large >= 2 * MiB)) throw new Error('--runs wants a count, --size MiB, at least 2')

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

/** @param {string} name @param {any} [argument] @returns {Promise<any>} */
const ask = (name, argument) => new Promise((resolve, reject) => {
  waiting.set(++lastId, { resolve, reject })
  server.send({ id: lastId, name, argument })
})

/**
 * @typedef {object} Contestant
 * @property {string} title
 * @property {string} code name of a function of page.js
 * @property {number} size bytes of the file
 * @property {() => Promise<object>} argument
 *
 * @typedef {object} Result
 * @property {number} seconds
 * @property {number} rendererCpu s
 * @property {number} mainThread s of processor time of the page's main thread
 * @property {number} browserCpu s, all processes of the browser
 * @property {number} serverCpu s
 * @property {number} heapPeak bytes, garbage included
 * @property {number} heapGrowth bytes that are still in use at the end, less those before
 * @property {number} memoryPeak bytes, of the renderer
 * @property {number} longTask ms, 0: none above 50 ms
 * @property {number} requests
 * @property {number[]} sizes bytes of the parts
 */

/** Part sizes of vodupload's last run. @type {number[]} */
let adapted = []
/** @param {number} part */
const equal = (part) => Array.from({ length: Math.ceil(large / part) }, (_, i) => Math.min(part, large - i * part))

try {
  const addresses = await ask('addresses')
  /** @param {object} options */
  const vendor = async (options) => ({ credential: await ask('credential'), oss: addresses.oss, options })
  /** @param {number} size */
  const sdk = (size) => ({ code: 'vodupload', size, argument: async () => ({ app: addresses.app }) })
  /** @type {Contestant[]} */
  const contestants = [
    { title: 'vodupload', ...sdk(large) },
    { title: 'bare, 8 MiB x 6', code: 'bare', size: large, argument: async () => ({ parts: await ask('plan', equal(8 * MiB)), parallel: 6 }) },
    { title: "bare, vodupload's parts x 5", code: 'bare', size: large, argument: async () => ({ parts: await ask('plan', adapted), parallel: 5 }) },
    { title: 'ali-oss, defaults', code: 'vendor', size: large, argument: () => vendor({}) },
    { title: 'ali-oss, 8 MiB x 6', code: 'vendor', size: large, argument: () => vendor({ partSize: 8 * MiB, parallel: 6 }) },
    { title: `vodupload, ${small / MiB} MiB`, ...sdk(small) },
  ].filter(({ title }) => title === 'vodupload' || title.includes(values.only))
  for (const size of [large, small]) {
    writeFileSync(fileOf(size), '')
    truncateSync(fileOf(size), size)
  }

  /** @type {Map<string, Result[]>} */
  const results = new Map(contestants.map(({ title }) => [title, []]))
  // Not counted: the first to send would meet a server that is not yet compiled, and find the disk's cache cold.
  adapted = (await measure(addresses.site, contestants[0])).sizes
  for (let run = 1; run <= runs; run++) {
    const turn = run % contestants.length
    for (const contestant of [...contestants.slice(turn), ...contestants.slice(0, turn)]) {
      const result = await measure(addresses.site, contestant)
      if (contestant.title === 'vodupload') adapted = result.sizes
      results.get(contestant.title)?.push(result)
      process.stderr.write(`bench: run ${run}/${runs}  ${contestant.title}  ${result.seconds.toFixed(2)} s\n`)
    }
  }
  const trace = await traceTasks(addresses.site, contestants[0])
  console.log(report({ results, large, small, runs, trace }))
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ large, small, runs, trace, results: Object.fromEntries(results) }, null, 1)}\n`)
} finally {
  server.disconnect()
  rmSync(folder, { recursive: true, force: true })
}

/** @param {number} size */
function fileOf(size) {
  return join(folder, `${size}.mp4`)
}

/**
 * @param {string} site
 * @param {Contestant} contestant
 * @returns {Promise<Result>}
 */
async function measure(site, { code, size, argument }) {
  const browser = await launch()
  try {
    const page = await openPage(browser, site, fileOf(size))
    const expression = `bench(${JSON.stringify(code)}, ${JSON.stringify(await argument())})`
    const processes = await browser.processes()
    const before = new Map(processes.map(({ id }) => [id, cpuSeconds(id)]))
    await page.collectGarbage()
    const at = await page.metrics()
    const serverBefore = (await ask('received')).cpu

    let heapPeak = at.heap
    const sampler = setInterval(async () => {
      const { heap } = await page.metrics().catch(() => at)
      heapPeak = Math.max(heapPeak, heap)
    }, SAMPLE_EVERY_MS)
    const { seconds, longTasks } = await page.evaluate(expression).finally(() => clearInterval(sampler))
    const { requests, sizes, cpu } = await ask('received')
    const sent = sizes.reduce((/** @type {number} */ sum, /** @type {number} */ bytes) => sum + bytes, 0)
    if (sent !== size) throw new Error(`${code} sent ${sent} bytes of ${size}`)

    const after = await page.metrics()
    const memoryPeak = peakMemory(await page.pid())
    const browserCpu = (await browser.processes()).reduce((sum, { id }) => sum + cpuSeconds(id) - (before.get(id) ?? 0), 0)
    await page.collectGarbage()
    const { heap } = await page.metrics()
    return {
      seconds, requests, sizes, heapPeak, memoryPeak, browserCpu, rendererCpu: after.cpu - at.cpu, mainThread: after.mainThread - at.mainThread,
      serverCpu: cpu - serverBefore, heapGrowth: heap - at.heap, longTask: Math.max(0, ...longTasks),
    }
  } finally {
    await browser.close()
  }
}

/**
 * Tasks below 50 ms are seen by a trace only, which slows the page down: a run of its own.
 * @param {string} site
 * @param {Contestant} contestant
 */
async function traceTasks(site, { code, size, argument }) {
  const browser = await launch()
  try {
    const page = await openPage(browser, site, fileOf(size))
    const expression = `bench(${JSON.stringify(code)}, ${JSON.stringify(await argument())})`
    return await longestTask(browser, () => page.evaluate(expression), () => page.pid())
  } finally {
    await browser.close()
  }
}
