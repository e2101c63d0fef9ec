// @ts-check
// The bench's other end, a process of its own: the local cloud, which here only counts bytes, and the page's site.
// run.mjs calls it by messages.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCloud } from '../../tests/cloud/index.js'
import { keyPath } from '../../tests/cloud/request.js'
import { signer } from '../../tests/cloud/signature.js'
import { element, signedRequest } from '../../tests/cloud/signed_request.js'

const KEY = 'bench/file.mp4'
const FILES = {
  '/': ['text/html', '<!doctype html><link rel="icon" href="data:,"><input id="file" type="file"><script type="module" src="/page.js"></script>'],
  '/page.js': ['text/javascript', readFileSync(new URL('page.js', import.meta.url))],
  '/vodupload/vodupload.js': ['text/javascript', readFileSync(new URL('../../dist/vodupload.js', import.meta.url))],
  '/ali-oss.js': ['text/javascript', readFileSync(new URL('../../node_modules/ali-oss/dist/aliyun-oss-sdk.min.js', import.meta.url))],
}

const cloud = await startCloud({ integrity: 'zeros', keep: false, appPort: null })
const site = createServer(({ url }, response) => {
  const [type, body] = FILES[/** @type {'/'} */ (url)] ?? ['text/plain', '']
  response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src http://127.0.0.1:*" }).end(body)
})
// Who hands out credentials is as far away as the storage: so it is in life, and whoever needs one for each file pays
// for it as he pays for preflights. Were it near, vodupload would be credited with a round trip for each file.
const app = createServer(async (request, response) => {
  if (cloud.faults.latency()) await sleep(cloud.faults.latency())
  if (!cloud.handler(request, response)) response.writeHead(404).end()
})

/** @param {import('node:http').Server} server */
const listen = async (server) => {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`
}
const addresses = { app: await listen(app), oss: cloud.oss, site: `${await listen(site)}/` }

/**
 * A PUT signed as vodupload signs it.
 * @param {import('../../tests/cloud/credentials.js').Grant} grant
 * @param {string} key
 * @param {Record<string, string>} [queries]
 */
function signedPut(grant, key, queries = {}) {
  const headers = {
    'content-type': 'application/octet-stream', 'x-oss-security-token': grant.securityToken, 'x-oss-content-sha256': 'UNSIGNED-PAYLOAD',
    'x-oss-date': new Date().toISOString().replace(/[-:]|\.\d+/g, ''),
  }
  const authorization = signer().authorizationV4(grant.accessKeyId, grant.accessKeySecret, cloud.region, 'PUT', { headers, queries }, cloud.bucket, key)
  return { url: `${cloud.oss}/${keyPath(key)}?${new URLSearchParams(queries)}`, headers: { ...headers, authorization } }
}

const calls = {
  addresses: () => addresses,

  /** @param {Partial<import('../../tests/cloud/faults.js').NetworkState> | null} state null: no limits */
  network(state) {
    cloud.faults.network(null)
    if (state) cloud.faults.network(state)
  },

  /** What ali-oss needs. */
  credential: () => ({ ...cloud.credentials.issue({ key: KEY }), key: KEY }),

  /**
   * Requests for all parts of an upload, signed beforehand.
   * @param {number[]} sizes bytes of the parts, in order
   */
  async planParts(sizes) {
    const grant = cloud.credentials.issue({ key: KEY })
    const { text } = await signedRequest(cloud, grant, { method: 'POST', query: { uploads: '' } })
    const uploadId = element(text, 'UploadId')
    let end = 0
    return sizes.map((size, i) => ({ ...signedPut(grant, KEY, { partNumber: String(i + 1), uploadId }), file: 0, start: end, end: (end += size) }))
  },

  /**
   * One request for each of several files, signed beforehand with one credential for all.
   * @param {{ count: number, bytes: number }} files
   */
  planFiles({ count, bytes }) {
    const grant = cloud.credentials.issue({ key: null })
    return Array.from({ length: count }, (_, file) => ({ ...signedPut(grant, `bench/${file}.mp4`), file, start: 0, end: bytes }))
  },

  /** What was received since the last call, and what that cost this process. */
  received() {
    const bodies = cloud.log.filter(({ operation, status }) => /^(UploadPart|PutObject|PostObject)$/.test(operation) && status >= 200 && status < 300)
    const { user, system } = process.cpuUsage()
    // The body of a form is more than its file.
    const sizes = bodies.sort((a, b) => Number(a.partNumber) - Number(b.partNumber))
      .map(({ operation, key, bytes }) => (operation === 'UploadPart' ? bytes : cloud.object(key)?.size ?? 0))
    return { requests: cloud.log.splice(0).length, sizes, cpu: (user + system) / 1e6 }
  },
}

process.on('message', async (/** @type {{ id: number, name: keyof typeof calls, argument: any }} */ { id, name, argument }) => {
  try {
    process.send?.({ id, result: await calls[name](argument) })
  } catch (error) {
    process.send?.({ id, error: String(error) })
  }
})
process.on('disconnect', async () => {
  for (const server of [site, app]) {
    server.close()
    server.closeAllConnections()
  }
  await cloud.close()
})
