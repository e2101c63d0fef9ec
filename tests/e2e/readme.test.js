// @ts-check
// The README's example, as it is printed, in both languages: bundled as an application would, uploaded from.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { build } from 'esbuild'
import { DIST, MiB, makeFile, newContext, openCloud, until } from './harness.js'

for (const name of ['README.md', 'README.zh-CN.md']) {
  test(`the example of ${name} uploads as it is printed`, async (t) => {
    const [, example] = /```js\n([^]*?)```/.exec(readFileSync(join(DIST, '..', name), 'utf8')) ?? []
    assert.ok(example)
    const { outputFiles: [bundle] } = await build({
      stdin: { contents: example, resolveDir: DIST, loader: 'js' },
      alias: { vodupload: join(DIST, 'vodupload.js') },
      bundle: true,
      format: 'iife',
      write: false,
    })
    const { cloud } = await openCloud()
    // The example asks its own server, so the local cloud's app server answers for the page's.
    const site = createServer((request, response) => {
      if (cloud.handler(request, response)) return
      if (request.url === '/app.js') response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(bundle.text)
      else response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><input type="file" multiple><script defer src="/app.js"></script>')
    })
    site.listen(0, '127.0.0.1')
    await once(site, 'listening')
    const context = await newContext()
    t.after(async () => {
      await context.close()
      site.closeAllConnections()
      site.close()
      await cloud.close()
    })

    const page = await context.newPage()
    /** @type {string[]} */
    const said = []
    page.on('console', (message) => said.push(message.text()))
    page.on('pageerror', (error) => said.push(`page error: ${error}`))
    const { port } = /** @type {import('node:net').AddressInfo} */ (site.address())
    await page.goto(`http://127.0.0.1:${port}/`)
    const path = await makeFile('readme.mp4', 5 * MiB)
    await page.setInputFiles('input', path)
    await until('the video', () => cloud.objects().some(({ size }) => size === 5 * MiB) && said.length > 0 && /readme\.mp4/.test(said[said.length - 1]))
    assert.deepEqual(said.filter((line) => /error/i.test(line)), [])
  })
}
