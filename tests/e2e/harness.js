// @ts-check
// What every end-to-end test stands on: a browser, a page with a strict policy that runs the built package, a cloud,
// and files on disk. Waiting is always for something that happens; no test measures time.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createCipheriv, createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync } from 'node:fs'
import { open, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { startCloud } from '../cloud/index.js'

/** @typedef {import('./page.js').Call} Call */
/** @typedef {import('./page.js').PageConfig} PageConfig */

export const KiB = 1 << 10
export const MiB = 1 << 20

/** Whoever waits longer waits for ever. */
const HANG_MS = 60_000

/** Playwright runs pages in Chromium, whichever of its two packages the machine has. */
export const executablePath = process.env.CHROMIUM || ['chromium', 'google-chrome'].map((name) => {
  try {
    return execFileSync('which', [name], { encoding: 'utf8' }).trim()
  } catch {
    return ''
  }
}).find(Boolean)

/** Chromium phones home, and /dev/shm is small in containers. */
export const ARGS = ['--disable-dev-shm-usage', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost']

const HERE = fileURLToPath(new URL('.', import.meta.url))
/** The built package. */
export const DIST = fileURLToPath(new URL('../../dist/', import.meta.url))

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' http://127.0.0.1:*"
const HEAD = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><input id="files" type="file" multiple>'
const APP = '<script type="module" src="/page.js"></script>'

/** The pages that can be opened. @type {Record<string, { policy: string, html: string }>} */
const PAGES = {
  '/': { policy: POLICY, html: HEAD + APP },
  '/script': { policy: POLICY, html: `${HEAD}<script src="/vodupload/vodupload.script.js"></script>${APP}` },
  '/no-wasm': { policy: POLICY.replace(" 'wasm-unsafe-eval'", ''), html: HEAD + APP },
}

/** Files of this test process; removed when it ends. */
const folder = mkdtempSync(join(tmpdir(), 'vodupload-e2e-'))
/** Serves the pages and the built package. */
export const site = await startSite()
const browser = await chromium.launch({ executablePath, chromiumSandbox: false, args: ARGS })

after(async () => {
  await browser.close()
  site.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 10 }) // a killed browser's last processes still write
})

async function startSite() {
  // Read once: a build that runs meanwhile must not change what is tested.
  const scripts = new Map(readdirSync(DIST).filter((name) => name.endsWith('.js'))
    .map((name) => [`/vodupload/${name}`, readFileSync(join(DIST, name))]))
  for (const name of ['page.js', 'worker.js']) scripts.set(`/${name}`, readFileSync(join(HERE, name)))
  const server = createServer(({ url = '/' }, response) => {
    const { pathname } = new URL(url, 'http://site')
    const page = PAGES[pathname]
    const script = scripts.get(pathname)
    if (page) response.writeHead(200, { 'Content-Type': 'text/html', 'Content-Security-Policy': page.policy }).end(page.html)
    else if (script) response.writeHead(200, { 'Content-Type': 'text/javascript', 'Content-Security-Policy': POLICY }).end(script)
    else response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { url: `http://127.0.0.1:${port}`, close: () => { server.close(); server.closeAllConnections() } }
}

/**
 * A file with bytes that never repeat, the same for the same name.
 * @param {string} name
 * @param {number} size bytes
 */
export async function makeFile(name, size) {
  const path = join(folder, name)
  const key = createHash('md5').update(name).digest()
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(Math.min(size, MiB))
  const file = await open(path, 'w')
  for (let left = size; left > 0; left -= zeros.length) await file.write(cipher.update(zeros.subarray(0, left)))
  await file.close()
  return path
}

/**
 * A file of zeros that takes no room on disk.
 * @param {string} name
 * @param {number} size bytes
 */
export async function makeSparseFile(name, size) {
  const path = join(folder, name)
  await writeFile(path, '')
  await truncate(path, size)
  return path
}

/** A browser context of its own: no storage is shared with other tests. */
export const newContext = () => browser.newContext()

/** A folder that is removed when the test process ends. */
export const makeFolder = () => mkdtempSync(join(folder, 'folder-'))

/**
 * @typedef {object} WorldOptions
 * @property {import('../cloud/index.js').CloudOptions} [cloud]
 * @property {keyof typeof PAGES} [path]
 * @property {(() => void) | string} [before] runs in the page before its scripts
 * @property {import('playwright-core').BrowserContext} [context] default: a fresh one of the common browser
 */

/**
 * A cloud and an open page, gone when the test ends. A page error or a violated policy fails the test.
 * @param {import('node:test').TestContext} t
 * @param {WorldOptions} [options]
 */
export async function openWorld(t, { cloud: cloudOptions, path = '/', before, context = undefined } = {}) {
  const { cloud, underWay } = await openCloud(cloudOptions)
  const own = context ? undefined : await newContext()
  /** @type {Call[]} */
  const calls = []
  /** @type {string[]} */
  const problems = []
  const page = await openPage(context ?? /** @type {import('playwright-core').BrowserContext} */ (own), { path, before, calls, problems })
  t.after(async () => {
    await own?.close()
    await cloud.close()
    assert.deepEqual(problems, [])
  })
  return new World({ cloud, underWay, page, calls, problems })
}

/** @param {import('../cloud/index.js').CloudOptions} [options] */
export async function openCloud(options) {
  /** @type {Set<import('../cloud/oss.js').LogEntry>} */
  const ended = new Set()
  const cloud = await startCloud({
    integrity: 'etag', // the tests compare bytes
    ...options,
    onRequest(entry) {
      ended.add(entry)
      options?.onRequest?.(entry)
    },
  })
  return { cloud, underWay: () => cloud.log.filter((entry) => !ended.has(entry)).length }
}

/**
 * @param {import('playwright-core').BrowserContext} context
 * @param {{ path?: string, before?: (() => void) | string, calls: Call[], problems: string[] }} options
 */
export async function openPage(context, { path = '/', before, calls, problems }) {
  const page = await context.newPage()
  await page.exposeBinding('tell', (_, /** @type {Call} */ call) => {
    if (call.on === 'CSP') problems.push(call.message ?? '')
    else calls.push(call)
  })
  if (before) await page.addInitScript(before)
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && message.text().startsWith('vodupload')) problems.push(message.text())
  })
  await page.goto(site.url + path)
  await page.waitForFunction(() => 'vod' in globalThis)
  return page
}

/** One application and the cloud it uploads to. */
export class World {
  /**
   * @param {object} parts
   * @param {import('../cloud/index.js').Cloud} parts.cloud
   * @param {() => number} parts.underWay
   * @param {import('playwright-core').Page} parts.page
   * @param {Call[]} parts.calls
   * @param {string[]} parts.problems
   */
  constructor({ cloud, underWay, page, calls, problems }) {
    this.cloud = cloud
    /** Requests that the cloud has not answered and whose connections are open. */
    this.underWay = underWay
    this.page = page
    /** What the page was called back with, over all reloads. */
    this.calls = calls
    /** Page errors, violated policies and what the package complained about; none is expected at the end. */
    this.problems = problems
    this.loadedAt = 0
  }

  /** @param {string[]} paths */
  pick(...paths) {
    return this.page.setInputFiles('#files', paths)
  }

  /**
   * Makes an uploader; tests need not wait as long for repetitions as people.
   * @param {PageConfig['options']} [options]
   * @param {PageConfig['grant']} [grant]
   * @returns {Promise<number>}
   */
  create(options, grant) {
    const config = { app: /** @type {string} */ (this.cloud.app), grant, options: { retryDuration: 0.1, vodEndpoint: this.cloud.vod, ...options } }
    return this.page.evaluate((config) => /** @type {any} */ (globalThis).vod.create(config), config)
  }

  /**
   * Queues picked files: all, or those from `start` to before `end`.
   * @param {number} uploader
   * @param {number} [start]
   * @param {number} [end]
   * @param {string} [endpoint]
   * @returns {Promise<boolean[]>}
   */
  add(uploader, start, end, endpoint) {
    return this.page.evaluate(([uploader, start, end, endpoint]) => /** @type {any} */ (globalThis).vod.add(uploader, start, end, endpoint), [uploader, start, end, endpoint])
  }

  /**
   * Calls a method of an uploader.
   * @param {number} uploader
   * @param {string} method
   * @param {...unknown} args
   * @returns {Promise<any>}
   */
  do(uploader, method, ...args) {
    return this.page.evaluate(([uploader, method, args]) =>
      /** @type {any} */ (globalThis).vod.uploaders[/** @type {number} */ (uploader)][/** @type {string} */ (method)](...args),
    /** @type {[number, string, any]} */ ([uploader, method, args]))
  }

  /**
   * Picks files, queues them on a new uploader and starts it.
   * @param {string[]} paths
   * @param {PageConfig['options']} [options]
   * @param {PageConfig['grant']} [grant]
   * @returns {Promise<number>} the uploader
   */
  async begin(paths, options, grant) {
    await this.pick(...paths)
    const uploader = await this.create(options, grant)
    await this.add(uploader)
    await this.do(uploader, 'startUpload')
    return uploader
  }

  /** Loads the page again, as a person would who then picks the file again. */
  async reload() {
    await this.page.reload()
    await this.page.waitForFunction(() => 'vod' in globalThis)
    this.loadedAt = this.calls.length
  }

  /**
   * Waits for so many callbacks of a name.
   * @param {string} on
   * @param {number} [count]
   */
  heard(on, count = 1) {
    return this.until(`${count} ${on}`, () => this.count(on) >= count)
  }

  /**
   * Waits for a share of a file, told since the page was loaded.
   * @param {number} share 0..1
   */
  reached(share) {
    return this.until(`progress ${share}`, () => this.calls.slice(this.loadedAt).some((call) => (call.loaded ?? 0) >= share))
  }

  /**
   * @param {string} what
   * @param {() => boolean | Promise<boolean>} condition
   */
  async until(what, condition) {
    try {
      await until(what, condition)
    } catch (error) {
      throw new Error(`${error}\ncallbacks: ${this.story().join('\n  ')}\nrequests: ${this.cloud.log.slice(-30)
        .map((entry) => [entry.operation, entry.partNumber, entry.bytes, entry.status, entry.code, entry.fault].join(' ')).join('\n  ')}`)
    }
  }

  /** The callbacks but progress, as short texts. */
  story() {
    return this.calls.filter(({ on }) => on !== 'onUploadProgress').map(({ on, file, code, message }) => [on, file, code, message].filter(Boolean).join(' '))
  }

  /**
   * How many callbacks of a name came.
   * @param {string} on
   */
  count(on) {
    return this.calls.filter((call) => call.on === on).length
  }

  /** @param {string} operation */
  requests(operation) {
    return this.cloud.log.filter((entry) => entry.operation === operation)
  }

  /**
   * The file arrived byte for byte and everything was told as documented: started once, progress that never falls
   * and reaches 1 once at the end, the credential asked for as often as it expired, success once.
   * @param {string} path
   * @param {{ expiries?: number, resumed?: boolean }} [expected]
   */
  async assertUploaded(path, { expiries = 0, resumed = false } = {}) {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const all = this.calls.filter((call) => call.file === name && call.on !== 'onUploadEnd')
    const story = all.slice(all.findLastIndex((call) => call.on === 'onUploadstarted'))
    assert.deepEqual(
      story.filter(({ on }) => on !== 'onUploadProgress').map(({ on }) => on),
      ['onUploadstarted', ...Array(expiries).fill('onUploadTokenExpired'), 'onUploadSucceed'],
    )
    const { videoId, object = '', state } = story[story.length - 1]
    assert.equal(state, 'Success')
    assert.equal(story[0].videoId, resumed ? videoId : undefined)
    assertProgress(story.filter(({ on }) => on === 'onUploadProgress'))
    await this.assertSame(object, path)
  }

  /**
   * @param {string} key of the object
   * @param {string} path of the file
   */
  async assertSame(key, path) {
    const object = this.cloud.object(key)
    assert.ok(object?.path, `${key} is not stored`)
    const files = [await open(object.path), await open(path)]
    try {
      const sizes = await Promise.all(files.map(async (file) => (await file.stat()).size))
      assert.equal(sizes[0], sizes[1])
      const [ours, theirs] = [Buffer.alloc(4 * MiB), Buffer.alloc(4 * MiB)]
      for (let at = 0; at < sizes[0]; at += 4 * MiB) {
        const { bytesRead } = await files[0].read(ours, 0, 4 * MiB, at)
        await files[1].read(theirs, 0, 4 * MiB, at)
        assert.ok(ours.subarray(0, bytesRead).equals(theirs.subarray(0, bytesRead)), `${key} differs from ${path} behind byte ${at}`)
      }
    } finally {
      for (const file of files) await file.close()
    }
  }
}

/** @param {Call[]} reports */
function assertProgress(reports) {
  const shares = reports.map(({ loaded }) => /** @type {number} */ (loaded))
  assert.equal(shares.filter((share) => share === 1).length, 1, `1 exactly once: ${shares}`)
  assert.equal(shares[shares.length - 1], 1)
  shares.forEach((share, i) => assert.ok(share >= 0 && share <= 1 && share >= (shares[i - 1] ?? 0), `rises: ${shares}`))
  assert.equal(new Set(reports.map(({ total }) => total)).size, 1)
}

/**
 * @param {string} what
 * @param {() => boolean | Promise<boolean>} condition
 */
export async function until(what, condition) {
  const started = Date.now()
  while (!await condition()) {
    if (Date.now() - started > HANG_MS) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
