// @ts-check
// Chromium by its bare protocol, over a pipe. A test driver watches every request, and what it costs there would be
// measured too: bodies of ArrayBuffers crawl at 10 MiB/s under one.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Ticks of /proc in a second. */
const HERTZ = 100

const executable = process.env.CHROMIUM || execFileSync('sh', ['-c', 'command -v chromium || command -v google-chrome'], { encoding: 'utf8' }).trim()

/** A browser with an empty profile. */
export async function launch() {
  const profile = mkdtempSync(join(tmpdir(), 'vodupload-bench-'))
  const child = spawn(executable, [
    '--headless=new', '--no-sandbox', '--no-first-run', '--disable-dev-shm-usage', '--remote-debugging-pipe', `--user-data-dir=${profile}`,
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', 'about:blank',
  ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  const [, , , input, output] = /** @type {any[]} */ (child.stdio)
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
  const waiting = new Map()
  /** @type {(message: any) => void} */
  let listen = () => {}
  let lastId = 0
  /** @type {Buffer[]} */
  let chunks = []
  output.on('data', (/** @type {Buffer} */ data) => {
    for (let end = data.indexOf(0); end >= 0; end = data.indexOf(0)) {
      receive(JSON.parse(Buffer.concat([...chunks, data.subarray(0, end)]).toString()))
      chunks = []
      data = data.subarray(end + 1)
    }
    chunks.push(data)
  })

  /** @param {any} message */
  function receive(message) {
    const call = waiting.get(message.id)
    if (!call) return listen(message)
    waiting.delete(message.id)
    if (message.error) call.reject(new Error(message.error.message))
    else call.resolve(message.result)
  }

  /** @param {string} method @param {object} [params] @param {string} [sessionId] @returns {Promise<any>} */
  const send = (method, params = {}, sessionId = undefined) => new Promise((resolve, reject) => {
    waiting.set(++lastId, { resolve, reject })
    input.write(`${JSON.stringify({ id: lastId, method, params, sessionId })}\0`)
  })

  return {
    send,
    /** @param {(message: any) => void} listener of events */
    onEvent(listener) { listen = listener },
    /** @returns {Promise<{ type: string, id: number }[]>} */
    processes: async () => (await send('SystemInfo.getProcessInfo')).processInfo,
    async close() {
      send('Browser.close').catch(() => {})
      await ended
      await rm(profile, { recursive: true, force: true, maxRetries: 10 }) // its last processes still write
    },
  }
}

/** @typedef {Awaited<ReturnType<typeof launch>>} Browser */

/**
 * An open page whose file input holds the file, if there is one.
 * @param {Browser} browser
 * @param {string} url
 * @param {string} [file]
 */
export async function openPage(browser, url, file) {
  const { targetId } = await browser.send('Target.createTarget', { url })
  const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true })
  /** @param {string} method @param {object} [params] */
  const send = (method, params) => browser.send(method, params, sessionId)
  /** @param {string} expression @returns {Promise<any>} */
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }
  while (!await evaluate('"bench" in globalThis')) await new Promise((resolve) => setTimeout(resolve, 20))
  if (file) {
    const { result } = await send('Runtime.evaluate', { expression: 'document.getElementById("file")' })
    await send('DOM.setFileInputFiles', { files: [file], objectId: result.objectId })
  }
  await send('Performance.enable')
  return {
    evaluate,
    /** `heap`: bytes of the page's objects, garbage included; `cpu` of its process and `mainThread`: s. */
    async metrics() {
      const { metrics } = await send('Performance.getMetrics')
      /** @param {string} wanted @returns {number} */
      const value = (wanted) => metrics.find((/** @type {any} */ { name }) => name === wanted).value
      return { heap: value('JSHeapUsedSize'), cpu: value('ProcessTime'), mainThread: value('ThreadTime') }
    },
    /** The page's process. The browser has others of the kind, for its own windows, and does not tell which is whose. */
    async pid() {
      const renderers = (await browser.processes()).filter(({ type }) => type === 'renderer')
      const { cpu } = await this.metrics()
      const distance = (/** @type {number} */ pid) => Math.abs(cpuSeconds(pid) - cpu)
      return renderers.map(({ id }) => id).sort((a, b) => distance(a) - distance(b))[0]
    },
    collectGarbage: () => send('HeapProfiler.collectGarbage'),
  }
}

/**
 * Seconds of processor time that a process has used.
 * @param {number} pid
 */
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / HERTZ
}

/**
 * The most memory that a process has had, bytes.
 * @param {number} pid
 */
export const peakMemory = (pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

/**
 * The longest task of a page's main thread while `act` runs, ms; told by the browser's own trace.
 * @param {Browser} browser
 * @param {() => Promise<unknown>} act
 * @param {() => Promise<number>} findPid asked after it
 */
export async function longestTask(browser, act, findPid) {
  /** @type {any[]} */
  const events = []
  const complete = new Promise((resolve) => browser.onEvent(({ method, params }) => {
    if (method === 'Tracing.dataCollected') events.push(...params.value)
    if (method === 'Tracing.tracingComplete') resolve(undefined)
  }))
  await browser.send('Tracing.start', { traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline', '__metadata'] } })
  await act()
  await browser.send('Tracing.end')
  await complete
  const page = await findPid()
  const { tid } = events.find(({ name, pid, args }) => name === 'thread_name' && pid === page && args.name === 'CrRendererMain')
  const tasks = events.filter((event) => /RunTask$/.test(event.name) && event.pid === page && event.tid === tid)
  /** @param {'dur' | 'tdur'} key µs by the clock, and of the processor */
  const most = (key) => Math.max(0, ...tasks.map((task) => (task[key] ?? 0) / 1000))
  return { longest: most('dur'), longestCpu: most('tdur'), tasks: tasks.length }
}
