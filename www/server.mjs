#!/usr/bin/env node
// @ts-check
// The demo server: it starts the local cloud and serves the page and the built SDK, on loopback only.
// It never reads a path from a request: every file it can send is found by walking the two folders first.
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { existsSync, readdirSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startCloud } from '../tests/cloud/index.js'

const PAGE = fileURLToPath(new URL('.', import.meta.url))
const SDK = fileURLToPath(new URL('../dist/', import.meta.url))

const TYPES = /** @type {Record<string, string>} */ ({
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
})

// Any port: those of the cloud (OSS, COS, VOD, app server) are not known before it has started. `*.localhost` because a bucket is
// a host name in front of the OSS endpoint. `blob:` for the thumbnails of picked images.
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self' http://127.0.0.1:* http://localhost:* http://*.localhost:*",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * Starts the local cloud and the demo page.
 * @param {object} [options]
 * @param {number} [options.port] 0 or nothing takes any free port
 * @param {string} [options.dir] where the cloud keeps its objects; without it a temporary folder that `close` removes
 * @param {string} [options.sdk] the folder served as /vodupload/, `dist/` unless told
 * @param {import('../tests/cloud/index.js').CloudOptions} [options.cloudOptions] passed on to `startCloud`
 * @returns {Promise<{ url: string, cloud: import('../tests/cloud/index.js').Cloud, close: () => Promise<void> }>}
 */
export async function startDemo({ port = 0, dir, sdk = SDK, cloudOptions = {} } = {}) {
  let config = '{}'
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'text/plain', 'Method not allowed')
    if (path === '/config.json') return send(response, 200, TYPES['.json'], config)
    const file = findFile(path, sdk)
    if (!file) return send(response, 404, 'text/plain', 'Not found')
    try {
      send(response, 200, TYPES[extname(file)], await readFile(file))
    } catch {
      send(response, 404, 'text/plain', 'Not found') // a build may be replacing it just now
    }
  })
  // The port first: it is what fails, and nothing is left behind then.
  await listen(server, port)
  const cloud = await startCloud({ tencent: {}, ...cloudOptions, ...dir && { root: dir } })
  config = JSON.stringify({ app: cloud.app, oss: cloud.oss, vod: cloud.vod, ugc: cloud.ugc })

  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `http://127.0.0.1:${address.port}/`,
    cloud,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      await cloud.close()
    },
  }
}

/**
 * The file behind a URL path. Only names that a folder listing gave are ever opened.
 * @param {string} path
 * @param {string} sdk
 */
function findFile(path, sdk) {
  const [folder, name] = path.startsWith('/vodupload/')
    ? [sdk, path.slice('/vodupload/'.length)]
    : [PAGE, path === '/' ? 'index.html' : path.slice(1)]
  if (!(extname(name) in TYPES) || !existsSync(folder)) return null
  return readdirSync(folder).includes(name) ? join(folder, name) : null
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {string} type
 * @param {string | Buffer} body
 */
function send(response, status, type, body) {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store', // a rebuilt SDK must not meet an old page
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

/**
 * @param {import('node:http').Server} server
 * @param {number} port
 * @returns {Promise<void>}
 */
function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
}

async function main() {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, dir: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    console.log('node www/server.mjs [--port 8080] [--dir folder-for-uploaded-files]')
    return
  }
  const port = values.port === undefined ? undefined : Number(values.port)
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65_536)) {
    throw new Error(`--port wants a number from 0 to 65535, not "${values.port}"`)
  }
  const demo = await startDemo({ port: port ?? 8080, dir: values.dir }).catch((error) => {
    // A port that was asked for by name is not swapped silently.
    if (error.code === 'EADDRINUSE' && port === undefined) return startDemo({ dir: values.dir })
    throw error
  })

  console.log(`vodupload demo   ${demo.url}`)
  console.log(`local OSS        ${demo.cloud.oss}`)
  console.log(`local VOD        ${demo.cloud.vod}`)
  console.log(`local UGC        ${demo.cloud.ugc}`)
  console.log(`app server       ${demo.cloud.app}`)
  console.log(values.dir ? `uploaded files stay in ${values.dir}` : 'uploaded files are removed when the server stops')
  if (!existsSync(join(SDK, 'vodupload.js'))) console.log('The SDK is not built yet: run "npm run build", then reload the page.')
  console.log('Stop with Ctrl-C.')

  let stopping = false
  const stop = async () => {
    if (stopping) process.exit(1) // a second Ctrl-C does not wait
    stopping = true
    await demo.close()
    process.exit(0)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(error.code === 'EADDRINUSE' ? `Port ${error.port} is taken: choose another with --port.` : error.message)
    process.exit(1)
  })
}
