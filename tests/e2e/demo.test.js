// @ts-check
// The demo page does what a visitor expects, on a phone's width and a desktop's. Its pictures are left in the
// temporary folder `vodupload-screenshots`, for people to look at.

import assert from 'node:assert/strict'
import { cpSync, mkdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
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
 * @param {string} [path] of a page
 */
async function openDemo(t, path = '') {
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
  await page.goto(demo.url + path)
  await page.waitForSelector('.drop h2:not(:empty)')
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
 * A picture that a browser can show.
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
async function makeImage(page, name) {
  const path = join(makeFolder(), name)
  await writeFile(path, await page.locator('.masthead').screenshot())
  return path
}

/**
 * Pictures in both widths and both colour schemes, in which nothing may stick out.
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
async function look(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true })
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 900 })
    for (const colorScheme of /** @type {const} */ (['dark', 'light'])) {
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: join(SCREENSHOTS, `${name}-${width}-${colorScheme}.png`), fullPage: true })
    }
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
  const row = rowIn(page, refused, 'Failure')
  await row.locator('.error-code', { hasText: 'AccessDenied' }).waitFor()
  const failed = cloud.log.find(({ code }) => code === 'AccessDenied')
  assert.match(await row.locator('.error-code').innerText(), /^AccessDenied: .+; check the endpoint, the bucket/)
  assert.equal(await row.locator('.error-request').innerText(), `Request id ${failed?.requestId}`)
  await look(page, 'failed')

  await page.click('#language')
  await row.locator('.state', { hasText: '失败' }).waitFor()
  assert.match(await row.locator('.error-advice').innerText(), /^存储服务拒绝了此凭证/)
  assert.equal(await page.locator('label[for="way-sts"]').innerText(), 'STS 凭证')
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN')
  await look(page, 'chinese')
  cloud.faults.clear()
  await page.click('#language')
  await row.locator('[data-act="go"]').click()
  await rowIn(page, refused, 'Success').locator('.check[data-verdict="true"]').waitFor()
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

test('a visitor uploads an image by upload address, then an image, a video and audio by STS token, several at once', async (t) => {
  const { cloud, page, problems } = await openDemo(t)
  const first = await makeImage(page, 'cover.png')
  await page.setInputFiles('#files', first)
  await assertImage(first, 0)
  assert.equal(cloud.log.filter(({ operation }) => operation === 'CreateUploadImage').length, 0, 'the app server asked')

  await page.selectOption('#at-once', '3')
  await page.locator('label[for="way-sts"]').click()
  const files = [await makeImage(page, 'second.png'), await makeFile('clip.mp4', 12 * MiB), await makeFile('song.mp3', 9 * MiB)]
  cloud.faults.network(SLOW)
  await page.setInputFiles('#files', files)
  for (const file of files.slice(1)) await rowIn(page, file, 'Uploading').locator('.facts', { hasText: /[1-9]/ }).waitFor()
  assert.ok(await page.locator('#at-once').isDisabled())
  await assertImage(files[0], 1)
  await page.click('#expire') // the credentials of the files and the STS token
  await look(page, 'several')
  cloud.faults.network(null)
  for (const file of files.slice(1)) {
    await rowIn(page, file, 'Success').locator('.check[data-verdict="true"]').waitFor()
    assert.equal(await rowIn(page, file, 'Success').locator('.verified').innerText(), 'Compared with the file')
  }
  assert.equal(cloud.log.filter(({ operation, status }) => operation === 'CreateUploadVideo' && status === 200).length, 2)
  assert.deepEqual(cloud.videos().map(({ fileName }) => fileName).sort(), ['clip.mp4', 'song.mp3'])
  const calls = await page.locator('#log').innerText()
  for (const call of ['setUploadAuthAndAddress', 'setSTSToken', 'onUploadTokenExpired', 'resumeUploadWithSTSToken']) assert.ok(calls.includes(call), call)
  await look(page, 'media')
  assert.ok(await page.locator('#at-once').isEnabled())
  // The browser itself writes a line about each refused request.
  assert.deepEqual(problems.filter((text) => !/Failed to load resource.*40[03]/.test(text)), [])

  /** @param {string} file @param {number} index */
  async function assertImage(file, index) {
    const row = rowIn(page, file, 'Success')
    await row.locator('.check[data-verdict="true"]').waitFor()
    const { imageId, key } = cloud.images()[index]
    assert.equal(await row.locator('.media').innerText(), imageId)
    assert.equal(await row.locator('.object').innerText(), key)
    assert.ok((await row.locator('.picture').getAttribute('href'))?.includes(`/${key}?`))
    assert.ok(await row.locator('.thumb').isVisible())
    assert.equal(await row.locator('.verified').innerText(), 'Compared with the file')
  }
})

test('what VOD refuses of an STS upload is shown with its code, and the next way of authorisation is for the next start', async (t) => {
  const { cloud, page, problems } = await openDemo(t)
  await page.locator('label[for="way-sts"]').click()
  cloud.faults.add({ operation: 'CreateUploadVideo', action: { kind: 'status', status: 403, code: 'Forbidden.RAM', message: 'User not authorized.' } })
  const file = await makeFile('talk.mp4', MiB)
  await page.setInputFiles('#files', file)
  const row = rowIn(page, file, 'Failure')
  await row.locator('.error-code', { hasText: 'Forbidden.RAM' }).waitFor()
  assert.match(await row.locator('.error-advice').innerText(), /^VOD refuses this token/)
  assert.match(await row.locator('.error-request').innerText(), /^Request id \S+$/)
  await page.locator('label[for="way-address"]').click()
  await row.locator('[data-act="go"]').click()
  await rowIn(page, file, 'Success').locator('.check[data-verdict="true"]').waitFor()
  assert.deepEqual(problems.filter((text) => !/Failed to load resource.*403/.test(text)), [])
})

test('the buttons of a row stop, resume, cancel, begin again and remove an upload by STS token', async (t) => {
  const { cloud, page, problems } = await openDemo(t)
  await page.locator('label[for="way-sts"]').click()
  await page.locator('label[for="network-slow"]').click()
  const file = await makeFile('lecture.mp4', 12 * MiB)
  await page.setInputFiles('#files', file)
  const press = (/** @type {string} */ state, /** @type {string} */ act) => rowIn(page, file, state).locator(`[data-act="${act}"]`).click()
  await rowIn(page, file, 'Uploading').locator('.facts', { hasText: /^[1-9]/ }).waitFor()
  await press('Uploading', 'stop')
  await rowIn(page, file, 'Stoped').locator('.note', { hasText: 'What was sent is kept' }).waitFor()
  await press('Stoped', 'go')
  await rowIn(page, file, 'Uploading').locator('.note', { hasText: 'Resumed at' }).waitFor()
  assert.equal(cloud.log.filter(({ operation }) => operation === 'RefreshUploadVideo').length, 1)
  await press('Uploading', 'cancel')
  await rowIn(page, file, 'Canceled').waitFor()
  await until('the stored parts are freed', () => cloud.uploads().length === 0)
  await page.locator('label[for="network-normal"]').click()
  await press('Canceled', 'go')
  await rowIn(page, file, 'Success').locator('.check[data-verdict="true"]').waitFor()
  await press('Success', 'remove')
  await page.locator('.row').waitFor({ state: 'detached' })
  assert.deepEqual(problems, [])
})

test("Tencent's page: a media with its cover is paused, resumed and compared; a refusal is told; the switch leads there", async (t) => {
  const { cloud, page, problems } = await openDemo(t)
  await page.locator('.clouds a', { hasText: 'Tencent' }).click()
  await page.waitForSelector('#pick h2:not(:empty)')
  await page.locator('label[for="network-slow"]').click()
  await page.setInputFiles('#media', await makeFile('concert.mp4', 8 * MiB))
  await page.setInputFiles('#cover', await makeFile('concert.jpg', 60_000))
  await page.locator('#upload').click()
  await page.locator('#row .facts', { hasText: /^[1-9].*MB\/s.*left/ }).waitFor()
  await page.locator('#go').click()
  await page.locator('#row[data-state="Stoped"]').waitFor()
  await page.locator('label[for="network-normal"]').click()
  await page.locator('#go').click()
  await page.locator('#check[data-verdict="true"]').waitFor()
  await page.locator('#check-cover[data-verdict="true"]').waitFor()
  mkdirSync(SCREENSHOTS, { recursive: true })
  await page.screenshot({ path: join(SCREENSHOTS, 'tencent-done.png'), fullPage: true })
  assert.equal(await page.locator('#file-id').innerText(), cloud.medias()[0].fileId)
  // The nearest region is found by asking without a key, which is refused, and the browser says so.
  assert.deepEqual(problems.filter((text) => !/Failed to load resource.*403/.test(text)), [])

  cloud.faults.add({ operation: ['PostObject', 'PutObject'], action: { kind: 'status', status: 403, code: 'AccessDenied' } })
  await page.setViewportSize({ width: 390, height: 800 })
  await page.setInputFiles('#media', await makeFile('refused.mp4', 10_000))
  await page.locator('#upload').click()
  await page.locator('#row .error-code', { hasText: 'AccessDenied (retCode 1003, media)' }).waitFor()
  await page.screenshot({ path: join(SCREENSHOTS, 'tencent-refused-390.png'), fullPage: true })
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390)
})
