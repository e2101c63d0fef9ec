// @ts-check
// One upload in a process of its own, measured: started by memory.test.js with --expose-gc, tells its parent.

import { makeApp } from './world.js'
import { runProject } from './sandbox.js'
import { createWx } from './wx.js'

/**
 * @typedef {{ hosts: Record<string, string>, domains: any, warmUp: string, file: string, options: object, version: string }} Task
 * @typedef {{ heap: number, rss: number, peakBytes: number, events: string[], succeeded: number, errors: string[] }} Report
 */

const gc = /** @type {() => void} */ (/** @type {any} */ (globalThis).gc)
/** What is in use: the second collection waits until memory that the first found free is given back. */
const measure = () => {
  gc()
  gc()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}

process.once('message', async (/** @type {Task} */ { hosts, domains, warmUp, file, options, version }) => {
  const wx = createWx({ hosts, domains, version })
  const program = await runProject({ root: makeApp(), wx })
  await program.app('create', options, 'auth')
  // Loads all code and opens the first connections.
  wx.pick([warmUp])
  await program.app('choose', 'chooseMedia')
  await program.app('do', 'startUpload')
  await program.heard('onUploadEnd')
  const before = measure()
  const peak = { heap: 0, rss: 0 }
  const sample = () => {
    const { heap, rss } = measure()
    peak.heap = Math.max(peak.heap, heap - before.heap)
    peak.rss = Math.max(peak.rss, rss - before.rss)
  }
  wx.pick([file])
  await program.app('choose', 'chooseMedia')
  await program.app('do', 'startUpload')
  const timer = setInterval(sample, 50)
  while (program.told('onUploadEnd').length < 2) await new Promise((resolve) => setTimeout(resolve, 20))
  clearInterval(timer)
  sample()
  /** @type {Report} */
  const report = {
    ...peak, peakBytes: wx.counts.peakBytes, succeeded: program.told('onUploadSucceed').length, errors: program.errors,
    events: program.events.map(({ name, value }) => `${name} ${value?.code ?? ''}`).filter((text) => !text.startsWith('onUploadProgress')),
  }
  await program.close()
  process.send?.(report, () => process.disconnect?.())
})
