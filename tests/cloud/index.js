// @ts-check
// The local cloud: OSS and VOD endpoints with the real rules, Tencent's COS and VOD (tencent/), and an app server that hands out upload
// credentials and signatures.
//
// For tests and for development without a network. It listens on loopback only, because anybody who reaches its app
// server may write to the disk.

import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from './app.js'
import { DEFAULT_CORS } from './cors.js'
import { createCredentials } from './credentials.js'
import { createFaults } from './faults.js'
import { createMedia } from './media.js'
import { createOss } from './oss.js'
import { signer } from './signature.js'
import { createStore } from './store.js'
import { createTencent } from './tencent/index.js'
import { hasCosClient } from './tencent/vendors.js'
import { createVod } from './vod.js'

/**
 * @typedef {object} CloudOptions
 * @property {string} [root] directory for objects, kept at close and continued by the next cloud; default: a temporary
 *   one, removed at close
 * @property {string} [host] a loopback address
 * @property {number} [ossPort] 0: any free port
 * @property {number | null} [appPort] 0: any free port; null: no app server of its own, mount `handler` instead
 * @property {number | null} [vodPort] of VOD's RPC endpoint; 0: any free port; null: there is none
 * @property {string} [bucket]
 * @property {string} [region]
 * @property {number} [credentialLife] s
 * @property {string[]} [deny] operations that upload credentials may not do, e.g. `['ListParts']`
 * @property {Partial<import('./cors.js').CorsRule> | null} [cors] null: the bucket has no CORS rule
 * @property {import('./store.js').Integrity} [integrity]
 * @property {import('./store.js').Encryption} [encryption] of what is stored; can be set later, `cloud.encryption = 'KMS'`
 * @property {boolean} [keep] false: bytes are counted and hashed, not written
 * @property {number} [clockSkew] ms by which this cloud's clock is ahead of the machine's
 * @property {'id' | 'name'} [keyStyle] `name`: the file's own name is in the object key
 * @property {string} [endpoint] what UploadAddress names in place of this cloud's, for clients that bring such hosts here
 * @property {boolean | import('./tencent/index.js').TencentOptions} [tencent] Tencent's endpoints; default: if cos-nodejs-sdk-v5 is installed
 * @property {(entry: import('./oss.js').LogEntry) => void} [onRequest] told of every request but the app server's when it has ended
 */

/** @param {CloudOptions} [options] */
export const startCloud = async (options = {}) => {
  const {
    host = '127.0.0.1', ossPort = 0, appPort = 0, vodPort = 0, bucket = 'outin-local', region = 'cn-shanghai', credentialLife = 3000,
    deny = [], cors = {}, integrity = 'full', keep = true, clockSkew = 0, keyStyle = 'id', tencent: tencentOptions = hasCosClient(), onRequest = () => {},
  } = options
  if (!/^(127(\.\d{1,3}){3}|localhost|::1)$/.test(host)) throw new TypeError(`host ${host} is not a loopback address`)
  if (!['full', 'etag', 'off', 'zeros'].includes(integrity)) throw new TypeError(`integrity is ${integrity}, not full, etag, off or zeros`)
  if (!['id', 'name'].includes(keyStyle)) throw new TypeError(`keyStyle is ${keyStyle}, not id or name`)
  let encryption = checkEncryption(options.encryption ?? null)
  signer() // say now, not at the first request, that ali-oss is missing

  const temporary = options.root === undefined
  const root = options.root ?? mkdtempSync(join(tmpdir(), 'vodupload-cloud-'))
  mkdirSync(root, { recursive: true })
  const now = () => Date.now() + clockSkew
  const endpoint = () => addressOf(ossServer, host)
  /** @type {import('./oss.js').LogEntry[]} */
  const log = []

  const faults = createFaults({ onDown: () => { for (const server of endpoints) server.closeAllConnections() } })
  const store = createStore({ root, integrity, keep, persistent: keep && !temporary, encryption: () => encryption, now })
  const credentials = createCredentials({ bucket, region, life: credentialLife, deny, now, endpoint: () => options.endpoint ?? endpoint() })
  const media = createMedia({ bucket, credentials, store, keyStyle, root: keep && !temporary ? root : null, endpoint, now })
  const oss = { buckets: new Set([bucket]), region, cors: cors && { ...DEFAULT_CORS, ...cors }, credentials, faults, store, log, onRequest, now, endpoint }
  const ossServer = createOss(oss)
  const elsewhereServer = createOss({ ...oss, elsewhere: true })
  const vodServer = createVod({ credentials, faults, media, log, onRequest, now })
  const endpoints = [ossServer, elsewhereServer, vodServer]
  const persistent = keep && !temporary
  const tencent = tencentOptions === false ? null
    : createTencent(tencentOptions === true ? {} : tencentOptions, { line: { faults, log, onRequest }, root, keep, persistent, integrity, keyStyle, now })
  for (const [server] of tencent?.servers ?? []) endpoints.push(server)
  const expireAll = () => {
    credentials.expireAll()
    tencent?.expireAll()
  }
  const handler = createApp({ bucket, credentials, faults, store, log, media, expireAll, moreRoutes: tencent?.routes })
  const appServer = createServer((request, response) => {
    if (!handler(request, response)) response.writeHead(404, { 'Content-Type': 'text/plain' }).end('This is the app server of vodupload-cloud; see /api/videos.\n')
  })

  const close = async () => {
    for (const server of [...endpoints, appServer]) {
      if (!server.listening) continue
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    }
    if (temporary) rmSync(root, { recursive: true, force: true, maxRetries: 3 })
  }

  try {
    await listen(ossServer, ossPort, host)
    await listen(elsewhereServer, 0, host)
    if (vodPort !== null) await listen(vodServer, vodPort, host)
    for (const [server, port] of tencent?.servers ?? []) await listen(server, port, host)
    if (appPort !== null) await listen(appServer, appPort, host)
  } catch (error) {
    await close() // half a cloud would hold its port and keep the process alive
    throw error
  }

  return {
    /** Goes into UploadAddress. */
    oss: endpoint(),
    /** Another region's endpoint: it sends everything to `oss`. */
    ossElsewhere: addressOf(elsewhereServer, host),
    /** Where RPC calls go. */
    vod: vodPort === null ? null : addressOf(vodServer, host),
    app: appPort === null ? null : addressOf(appServer, host),
    /** Tencent's endpoints, and what its tests need; all null without them. */
    ...tencent?.open() ?? { cos: null, ugc: null, ugcBackup: null, vodApi: null, tencent: null },
    root,
    bucket,
    region,
    faults,
    log,
    credentials,
    handler,
    /** @param {string} key */
    object: (key) => store.object(bucket, key) ?? tencent?.object(key),
    objects: () => [...store.objects(), ...tencent?.objects() ?? []],
    /** What was committed to Tencent's VOD. */
    medias: () => tencent?.medias() ?? [],
    /** With what their creators told of them. */
    videos: media.videos,
    images: media.images,
    get encryption() { return encryption },
    set encryption(value) { encryption = checkEncryption(value) },
    /** Unfinished multipart uploads. */
    uploads: () => [...store.uploads(), ...tencent?.uploads() ?? []]
      .map((upload) => ({ ...upload, parts: [...upload.parts.values()].sort((a, b) => a.number - b.number) })),
    close,
  }
}

/** @typedef {Awaited<ReturnType<typeof startCloud>>} Cloud */

/** @param {import('./store.js').Encryption} value */
const checkEncryption = (value) => {
  if (value !== null && value !== 'KMS') throw new TypeError(`encryption is ${value}, not KMS or null`)
  return value
}

/**
 * @param {import('node:http').Server} server
 * @param {number} port
 * @param {string} host
 */
const listen = async (server, port, host) => {
  server.listen(port, host)
  await once(server, 'listening')
}

/**
 * @param {import('node:http').Server} server
 * @param {string} host
 */
const addressOf = (server, host) => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}
