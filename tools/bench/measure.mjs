// @ts-check
// One contestant in a browser of its own: what it takes and what that costs.

import { cpuSeconds, launch, longestTask, openPage, peakMemory } from './browser.mjs'

const SAMPLE_EVERY_MS = 50

/**
 * @typedef {(name: string, argument?: any) => Promise<any>} Ask calls the server process
 * @typedef {{ app: string, oss: string, site: string }} Addresses
 *
 * @typedef {object} Stage
 * @property {Ask} ask
 * @property {Addresses} addresses
 * @property {(bytes: number) => string} fileOf a file of zeros
 *
 * @typedef {object} Contestant
 * @property {string} title
 * @property {string} code name of a function of page.js
 * @property {number} size bytes in all
 * @property {number} [files] so many are made in the page, equal ones; else one of the disk is picked
 * @property {Partial<import('../../tests/cloud/faults.js').NetworkState>} [network] default: no limits
 * @property {number} runs
 * @property {(last: Map<string, Result>) => Promise<object>} argument told the last result of each title
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
 * @property {number} requests to the storage, preflights included
 * @property {number[]} sizes bytes of the parts or files
 * @property {number} verified files of which vodupload says that it compared what is stored
 * @property {number | null} pause ms between two files on average, of files made in the page
 */

/**
 * @param {Stage} stage
 * @param {Contestant} contestant
 * @param {Map<string, Result>} last
 * @returns {Promise<Result>}
 */
export async function measure({ ask, ...stage }, contestant, last) {
  const { code, size } = contestant
  const browser = await launch()
  try {
    const { page, expression } = await prepare({ ask, ...stage }, browser, contestant, last)
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
    const { seconds, longTasks, verified, pause } = await page.evaluate(expression).finally(() => clearInterval(sampler))
    const { requests, sizes, cpu } = await ask('received')
    const sent = sizes.reduce((/** @type {number} */ sum, /** @type {number} */ bytes) => sum + bytes, 0)
    if (sent !== size) throw new Error(`${code} sent ${sent} bytes of ${size}`)

    const after = await page.metrics()
    const memoryPeak = peakMemory(await page.pid())
    const browserCpu = (await browser.processes()).reduce((sum, { id }) => sum + cpuSeconds(id) - (before.get(id) ?? 0), 0)
    await page.collectGarbage()
    const { heap } = await page.metrics()
    return {
      seconds, requests, sizes, verified, pause, heapPeak, memoryPeak, browserCpu, rendererCpu: after.cpu - at.cpu,
      mainThread: after.mainThread - at.mainThread, serverCpu: cpu - serverBefore, heapGrowth: heap - at.heap, longTask: Math.max(0, ...longTasks),
    }
  } finally {
    await browser.close()
  }
}

/**
 * Tasks below 50 ms are seen by a trace only, which slows the page down: a run of its own.
 * @param {Stage} stage
 * @param {Contestant} contestant
 */
export async function traceTasks(stage, contestant) {
  const browser = await launch()
  try {
    const { page, expression } = await prepare(stage, browser, contestant, new Map())
    return await longestTask(browser, () => page.evaluate(expression), () => page.pid())
  } finally {
    await browser.close()
  }
}

/**
 * @param {Stage} stage
 * @param {import('./browser.mjs').Browser} browser
 * @param {Contestant} contestant
 * @param {Map<string, Result>} last
 */
async function prepare({ ask, addresses, fileOf }, browser, { code, size, files, network, argument }, last) {
  await ask('network', network ?? null)
  const page = await openPage(browser, addresses.site, files ? undefined : fileOf(size))
  const generated = files && { count: files, bytes: size / files, oss: addresses.oss }
  const values = [code, await argument(last), ...(generated ? [generated] : [])]
  return { page, expression: `bench(${values.map((value) => JSON.stringify(value)).join(', ')})` }
}
