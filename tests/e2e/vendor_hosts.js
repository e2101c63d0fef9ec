// @ts-check
// Tencent's hosts as a browser meets them: by their names, with TLS, each an origin of its own. Behind them is the local
// cloud.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { executablePath, makeFolder, openCloud } from './harness.js'

const HOSTS = ['*.myqcloud.com', '*.qcloud.com', '*.dnsv1.com', 'app.example']

/** A key and a certificate that nobody vouches for, made for this run. */
function certificate() {
  const folder = makeFolder()
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name))
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=vodupload',
    '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { key: readFileSync(key), cert: readFileSync(cert) }
}

/**
 * A cloud behind the vendor's names, and a page of `https://app.example`.
 * @param {import('node:test').TestContext} t
 * @param {(url: string) => { type: string, text: string } | undefined} serve what `app.example` has
 * @param {import('../cloud/tencent/index.js').TencentOptions} [options]
 */
export async function openVendorHosts(t, serve, options = {}) {
  const { cloud } = await openCloud({ tencent: { names: 'real', ...options } })
  const front = createServer(certificate(), (message, response) => {
    const { host = '', ...headers } = message.headers
    if (host === 'app.example') {
      const own = serve(message.url ?? '/')
      if (own) return void response.writeHead(200, { 'Content-Type': `${own.type}; charset=utf-8` }).end(own.text)
      return void (cloud.handler(message, response) || response.writeHead(404).end())
    }
    const to = cloud.tencent?.route(`https://${host}${message.url}`)
    if (!to) return void response.writeHead(421).end()
    const passed = request(to.url, { method: message.method, headers: { ...headers, host: to.host } }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    passed.on('error', () => response.destroy())
    message.on('error', () => passed.destroy()).pipe(passed)
  })
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (front.address())
  const rules = HOSTS.map((host) => `MAP ${host} 127.0.0.1:${port}`).join(', ')
  const browser = await chromium.launch({
    executablePath, chromiumSandbox: false, args: ['--disable-dev-shm-usage', '--ignore-certificate-errors', `--host-resolver-rules=${rules}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`],
  })
  t.after(async () => {
    await browser.close()
    front.closeAllConnections()
    front.close()
    await cloud.close()
  })
  const page = await browser.newPage()
  await page.goto('https://app.example/')
  return { cloud, page }
}
