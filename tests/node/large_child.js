// @ts-check
// One upload in a process of its own, which is measured and may be killed: started by large.test.js with --expose-gc.

import { agentTo, REGION, vodupload } from './world.js'

/**
 * @typedef {{ ports: { api: number, cos: number }, secretId: string, secretKey: string, checkpointFolder: string, warmUp: string, media: string, cover: string }} Task
 * @typedef {{ of: 'media' | 'cover', loaded: number } | { response: import('../../js/node.cjs').VodUploadResponse, rss: number, heap: number }} Told
 */

const gc = /** @type {() => void} */ (/** @type {any} */ (globalThis).gc)
/** What is in use: the second collection waits until memory that the first found free is given back. */
const measure = () => {
  gc()
  gc()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}
/** @param {Told} told */
const tell = (told) => process.send?.(told)

process.once('message', async (/** @type {Task} */ { ports, secretId, secretKey, checkpointFolder, warmUp, media, cover }) => {
  const agent = agentTo(ports)
  const client = new vodupload.VodUploadClient(secretId, secretKey, { agent, checkpointFolder, chunkSize: 8 << 20 })
  // Loads all code and opens the first connections.
  await client.upload(REGION, { MediaFilePath: warmUp })
  const before = measure()
  const peak = { heap: 0, rss: 0 }
  const timer = setInterval(() => {
    const { heap, rss } = measure()
    peak.heap = Math.max(peak.heap, heap - before.heap)
    peak.rss = Math.max(peak.rss, rss - before.rss)
  }, 200)
  const response = await client.upload(REGION, { MediaFilePath: media, CoverFilePath: cover }, { onProgress: ({ of, loaded }) => tell({ of, loaded }) })
  clearInterval(timer)
  tell({ response, ...peak })
  agent.destroy()
  process.disconnect?.()
})
