// @ts-check
// Tencent's part of the local cloud: COS, the UGC interface at its two hosts, and the server API, each on a port of its own.
//
// Clients name hosts that are not on this machine. They come here by `localhost` names, by the proxy form, or because
// whoever sends their requests asks `route` where they go; see README.md.

import { join } from 'node:path'
import { DEFAULT_CORS } from '../cors.js'
import { keyPath } from '../request.js'
import { createStore } from '../store.js'
import { createEndpoint } from '../transport.js'
import { createAccounts } from './accounts.js'
import { tencentRoutes } from './app.js'
import { createCos } from './cos.js'
import { bucketInHost } from './cos_request.js'
import { createSessions } from './sessions.js'
import { createUgc } from './ugc.js'
import { createTokens } from './upload_signature.js'
import { cosClient, hasCosClient } from './vendors.js'
import { createVodApi } from './vod_api.js'

/**
 * @typedef {object} TencentOptions
 * @property {number} [cosPort] 0: any free port
 * @property {number} [ugcPort] 0: any free port
 * @property {number} [ugcBackupPort] 0: any free port
 * @property {number} [vodApiPort] 0: any free port
 * @property {{ secretId: string, secretKey: string, appId?: number }[]} [accounts] the first is the app server's
 * @property {string} [bucket] without the app id
 * @property {number} [storageAppId]
 * @property {string[]} [regions] the first is where uploads go by default
 * @property {'local' | 'real'} [names] what replies name: hosts of this machine, or the vendor's
 * @property {string | null} [pseudoRegion] an acceleration's name for StorageRegionV5, e.g. vod-upload-proxy
 * @property {string | true | null} [accelerateHost] MiniProgramAccelerateHost; true: the UGC endpoint; null: the reply has none
 * @property {string} [domain] the reply's member of that name, which clients ignore
 * @property {number} [credentialLife] s
 * @property {number} [sessionLife] s
 * @property {string[]} [deny] operations that upload credentials may not do
 * @property {boolean} [commitUsesToken] whether Commit is a use of a one-time signature
 * @property {boolean} [commitIdempotent] whether a second Commit gets the first one's answer
 * @property {number} [pageSize] of COS's lists
 * @property {Partial<import('../cors.js').CorsRule> | null} [cors] of the bucket; null: it has no rule
 */

/** Invented, and no secret. */
const ACCOUNT = { secretId: 'AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE', secretKey: 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE', appId: 1400000000 }
const REGIONS = ['ap-chongqing', 'ap-shanghai', 'ap-beijing']
const UGC_HOST = 'vod2.qcloud.com'
const UGC_BACKUP_HOST = 'vod2.dnsv1.com'
const API_HOST = 'vod.tencentcloudapi.com'
/** Life of a download address, s. */
const DOWNLOAD_LIFE = 86_400

/**
 * @param {TencentOptions} options
 * @param {object} context
 * @param {import('../transport.js').Line} context.line
 * @param {string} context.root directory
 * @param {boolean} context.keep
 * @param {boolean} context.persistent
 * @param {import('../store.js').Integrity} context.integrity
 * @param {'id' | 'name'} context.keyStyle
 * @param {() => number} context.now
 */
export const createTencent = (options, { line, root, keep, persistent, integrity, keyStyle, now }) => {
  const {
    accounts: wanted = [ACCOUNT], bucket: shortBucket = 'b1d0vodcq1400000000', storageAppId = 10022853, regions = REGIONS, names = 'local',
    pseudoRegion = null, accelerateHost = '', domain = UGC_HOST, credentialLife = 172_800, sessionLife = 86_400, deny = [],
    commitUsesToken = false, commitIdempotent = true, pageSize = 1000, cors = {},
  } = options
  if (!hasCosClient()) cosClient() // say now, not at the first request, that it is missing
  if (!['local', 'real'].includes(names)) throw new TypeError(`tencent.names is ${names}, not local or real`)
  const all = wanted.map((account) => ({ appId: ACCOUNT.appId, ...account }))
  const bucket = `${shortBucket}-${storageAppId}`
  const store = createStore({ root: join(root, 'cos'), integrity, keep, persistent, encryption: () => null, now })
  const accounts = createAccounts({ accounts: all, life: credentialLife, deny, now })
  const sessions = createSessions({ accounts, store, bucket, life: sessionLife, idempotent: commitIdempotent, keyStyle, root: persistent ? root : null, now })

  const cos = createCos({
    line, bucket, regions, accelerated: pseudoRegion !== null, cors: cors && { ...DEFAULT_CORS, expose: ['ETag', 'x-cos-request-id', 'x-cos-hash-crc64ecma'], ...cors },
    accounts, store, pageSize, now,
  })
  const replyNames = () => ({
    pseudoRegion, domain, accelerateHost: accelerateHost === true ? hostOf(ugcServer) : accelerateHost,
    probes: regions.map((region) => ({ region, domain: names === 'real' ? `${bucket}.cos.${region}.myqcloud.com` : bucketHost(region), isAcc: 0, ip: '' })),
  })
  const ugc = createUgc({ line, cos, tokens: createTokens({ accounts }), sessions, bucket, regions, commitUsesToken, names: replyNames, urlOf, now })
  const cosServer = createEndpoint(line.faults, cos)
  const ugcServer = createEndpoint(line.faults, ugc)
  const ugcBackupServer = createEndpoint(line.faults, ugc)
  const apiServer = createEndpoint(line.faults, createVodApi({ line, accounts, sessions, bucket, regions, urlOf, now }))

  return {
    /** With the ports they want. */
    servers: /** @type {[import('node:http').Server, number][]} */ ([
      [cosServer, options.cosPort ?? 0], [ugcServer, options.ugcPort ?? 0], [ugcBackupServer, options.ugcBackupPort ?? 0], [apiServer, options.vodApiPort ?? 0],
    ]),
    routes: tencentRoutes({ account: all[0], sessions, store, bucket, urlOf, now }),
    medias: sessions.medias,
    expireAll: accounts.expireAll,
    /** @param {string} key */
    object: (key) => lowerEtag(store.object(bucket, key)),
    objects: () => store.objects().flatMap((object) => lowerEtag(object) ?? []),
    uploads: () => store.uploads().map((upload) => ({
      ...upload, parts: new Map([...upload.parts].map(([number, part]) => [number, { ...part, etag: part.etag.toLowerCase() }])),
    })),

    /** Addresses and means for tests; call it when the servers listen. */
    open: () => ({
      cos: addressOf(cosServer),
      ugc: addressOf(ugcServer),
      ugcBackup: addressOf(ugcBackupServer),
      vodApi: addressOf(apiServer),
      tencent: {
        account: all[0], bucket, shortBucket, storageAppId, regions, route, bucketHost,
        /** A bucket's address as a page on this machine reaches it. */
        cosTemplate: `http://{bucket}.cos.{region}.localhost:${portOf(cosServer)}`,
        issue: accounts.issue,
        expireCredentials: accounts.expireAll,
        expireSessions: sessions.expireAll,
        sessions: sessions.sessions,
      },
    }),
  }

  /** @param {string} region */
  function bucketHost(region) {
    return `${bucket}.cos.${region}.localhost:${portOf(cosServer)}`
  }

  /**
   * Where a request goes whose host is the vendor's, or a `localhost` name that no resolver knows: the same path and
   * query at an address of this machine, and the Host header it has to keep. Null: it is none of this cloud's.
   * @param {string} address
   * @returns {{ url: string, host: string } | null}
   */
  function route(address) {
    const { host, hostname, pathname, search } = new URL(address)
    const server = hostname === UGC_HOST || host === accelerateHost ? ugcServer : hostname === UGC_BACKUP_HOST ? ugcBackupServer
      : hostname === API_HOST ? apiServer : bucketInHost(host).bucket ? cosServer : null
    return server && { url: `${addressOf(server)}${pathname}${search}`, host }
  }

  /**
   * With names of this machine it can be downloaded, for a day.
   * @param {import('./sessions.js').Media} media
   * @param {string} key
   */
  function urlOf({ fileId, region }, key) {
    if (names === 'real') return `http://${all[0].appId}.vod2.myqcloud.com/${keyPath(key.replace(/^[^/]*/, fileId))}`
    const seconds = Math.floor(now() / 1000)
    const authorization = cosClient().getAuthorization({
      SecretId: all[0].secretId, SecretKey: all[0].secretKey, KeyTime: `${seconds};${seconds + DOWNLOAD_LIFE}`,
      Method: 'GET', Pathname: `/${key}`, ForceSignHost: false,
    })
    return `http://${bucketHost(region)}/${keyPath(key)}?${authorization}`
  }
}

/** @typedef {ReturnType<typeof createTencent>} Tencent */

/**
 * As COS writes it.
 * @param {import('../store.js').StoredObject | undefined} object
 */
const lowerEtag = (object) => object && { ...object, etag: object.etag.toLowerCase() }

/** @param {import('node:http').Server} server */
const portOf = (server) => /** @type {import('node:net').AddressInfo} */ (server.address()).port

/** @param {import('node:http').Server} server */
const hostOf = (server) => {
  const { address, port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}

/** @param {import('node:http').Server} server */
const addressOf = (server) => `http://${hostOf(server)}`
