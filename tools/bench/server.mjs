// @ts-check
// The bench's other end, a process of its own: the local cloud, which here only counts bytes, and the page's site.
// run.mjs calls it by messages.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
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

const cloud = await startCloud({ integrity: 'off', keep: false })
const site = createServer(({ url }, response) => {
  const [type, body] = FILES[/** @type {'/'} */ (url)] ?? ['text/plain', '']
  response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src http://127.0.0.1:*" }).end(body)
})
await new Promise((resolve) => site.listen(0, '127.0.0.1', () => resolve(undefined)))

const calls = {
  addresses: () => ({ app: cloud.app, oss: cloud.oss, bucket: cloud.bucket, site: `http://127.0.0.1:${/** @type {any} */ (site.address()).port}/` }),

  /** What ali-oss needs. */
  credential: () => ({ ...cloud.credentials.issue({ key: KEY }), key: KEY }),

  /**
   * Requests for all parts of an upload, signed beforehand as vodupload signs them.
   * @param {number[]} sizes bytes of the parts, in order
   */
  async plan(sizes) {
    const grant = cloud.credentials.issue({ key: KEY })
    const { text } = await signedRequest(cloud, grant, { method: 'POST', query: { uploads: '' } })
    const uploadId = element(text, 'UploadId')
    let end = 0
    return sizes.map((size, i) => {
      const queries = { partNumber: String(i + 1), uploadId }
      const headers = {
        'content-type': 'application/octet-stream', 'x-oss-security-token': grant.securityToken, 'x-oss-content-sha256': 'UNSIGNED-PAYLOAD',
        'x-oss-date': new Date().toISOString().replace(/[-:]|\.\d+/g, ''),
      }
      const authorization = signer().authorizationV4(grant.accessKeyId, grant.accessKeySecret, cloud.region, 'PUT', { headers, queries }, cloud.bucket, KEY)
      return {
        url: `${cloud.oss}/${keyPath(KEY)}?${new URLSearchParams(queries)}`, headers: { ...headers, authorization }, start: end, end: (end += size),
      }
    })
  },

  /** What was received since the last call, and what that cost this process. */
  received() {
    const parts = cloud.log.filter(({ operation, status }) => operation === 'UploadPart' && status === 200)
    const { user, system } = process.cpuUsage()
    const sizes = parts.sort((a, b) => Number(a.partNumber) - Number(b.partNumber)).map(({ bytes }) => bytes)
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
  site.close()
  site.closeAllConnections()
  await cloud.close()
})
