// @ts-check
// The demo page does what a visitor expects, on a phone's width and a desktop's. Its pictures are left in the
// temporary folder `vodupload-screenshots`, for people to look at.

import assert from 'node:assert/strict'
import { cpSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { startDemo } from '../../www/server.mjs'
import { DIST, MiB, makeFile, makeFolder, newContext, until } from './harness.js'

const SCREENSHOTS = join(tmpdir(), 'vodupload-screenshots')
const SLOW = { bytesPerSecond: 10 * MiB }

/**
 * The demo in a browser, gone when the test ends.
 * @param {import('node:test').TestContext} t
 */
async function openDemo(t) {
  const sdk = makeFolder()
  cpSync(DIST, sdk, { recursive: true }) // a build that runs meanwhile must not change what is tested
  const demo = await startDemo({ sdk })
  const context = await newContext()
  const page = await context.newPage()
  /** Console errors, page errors and violated policies. @type {string[]} */
  const problems = []
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) problems.push(message.text()) })
  page.on('pageerror', (error) => problems.push(String(error)))
  t.after(async () => {
    await context.close()
    await demo.close()
  })
  await page.goto(demo.url)
  await page.waitForSelector('#drop h2:not(:empty)')
  return { cloud: demo.cloud, page, problems }
}

/**
 * Drops files onto the page as a mouse does.
 * @param {import('playwright-core').Page} page
 * @param {string[]} files
 */
async function drop(page, files) {
  const session = await page.context().newCDPSession(page)
  const box = await page.locator('#drop').boundingBox()
  const at = { x: (box?.x ?? 0) + 20, y: (box?.y ?? 0) + 20, data: { items: [], files, dragOperationsMask: 1 } }
  for (const type of /** @type {const} */ (['dragEnter', 'dragOver', 'drop'])) await session.send('Input.dispatchDragEvent', { type, ...at })
  await session.detach()
}

/**
 * The row of a file in a state.
 * @param {import('playwright-core').Page} page
 * @param {string} file
 * @param {string} state
 */
const rowIn = (page, file, state) => page.locator(`.row[data-state="${state}"]`, { hasText: basename(file) })

/**
 * Pictures in both widths, in which nothing may stick out.
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
async function look(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true })
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 900 })
    await page.screenshot({ path: join(SCREENSHOTS, `${name}-${width}.png`), fullPage: true })
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} fits ${width} px`)
  }
}

test('a visitor drops two files and sees them arrive; a refused one says why', async (t) => {
  const { cloud, page, problems } = await openDemo(t)
  const files = [await makeFile('holiday.mp4', 24 * MiB), await makeFile('采访 interview.mov', 3 * MiB)]
  await look(page, 'idle')

  cloud.faults.network(SLOW)
  await drop(page, files)
  await rowIn(page, files[0], 'Uploading').waitFor()
  await until('a third', () => page.evaluate(() => (document.querySelector('progress')?.value ?? 0) > 0.3))
  await look(page, 'uploading')

  cloud.faults.network(null)
  for (const file of files) await rowIn(page, file, 'Success').locator('.check[data-verdict="true"]').waitFor()
  await look(page, 'done')
  assert.deepEqual(cloud.objects().map(({ size }) => size), [24 * MiB, 3 * MiB])
  assert.deepEqual(problems, [])

  cloud.faults.add({ operation: 'InitiateMultipartUpload', action: { kind: 'status', status: 403, code: 'AccessDenied' } })
  const refused = await makeFile('refused.mp4', 2 * MiB)
  await page.setInputFiles('#files', refused)
  await rowIn(page, refused, 'Failure').locator('.error-code', { hasText: 'AccessDenied' }).waitFor()
  await look(page, 'failed')
  // The browser itself writes a line about each refused request.
  assert.deepEqual(problems.filter((text) => !/Failed to load resource.*403/.test(text)), [])
})

test('a visitor who reloads in mid-upload drops the same file again and it goes on', async (t) => {
  const { cloud, page, problems } = await openDemo(t)
  const file = await makeFile('long.mp4', 40 * MiB)
  cloud.faults.network(SLOW)
  await drop(page, [file])
  await until('a third', () => page.evaluate(() => (document.querySelector('progress')?.value ?? 0) > 0.3))
  await page.reload()
  await page.locator('#unfinished', { hasText: 'long.mp4' }).waitFor()
  await look(page, 'unfinished')
  cloud.faults.network(null)
  await drop(page, [file])
  await rowIn(page, file, 'Success').locator('.check[data-verdict="true"]').waitFor()
  assert.equal(cloud.log.filter(({ operation }) => operation === 'InitiateMultipartUpload').length, 1)
  assert.deepEqual(problems, [])
})
