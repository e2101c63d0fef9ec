// @ts-check
// The UGC interface: what clients call with an upload signature. Its host is also the proxy through which mini programs reach COS.
//
// Requests are small: a fault meets them when their body has been read, wherever in it a cut or a stall would act.

import { randomBytes } from 'node:crypto'
import { UGC_OPERATIONS } from '../faults.js'
import { Disconnected, drain, meetFaults, openWire, PORTAL_PAGE, readBody, stall } from '../transport.js'
import { UGC, ugcError } from './errors.js'

/**
 * @typedef {import('../transport.js').Wire} Wire
 * @typedef {import('./accounts.js').Account} Account
 * @typedef {import('./upload_signature.js').Told} Told
 * @typedef {{ status: number, body: string, type?: string }} Answer
 */

/** Requests are small, bytes. */
const MAX_BODY = 1 << 20
const MAX_FILE = 60 * 2 ** 30

/** What VOD takes; newer documents have images among media. */
export const COVER_TYPES = ['jpg', 'jpeg', 'png', 'gif', 'bmp', 'tiff', 'ai', 'cdr', 'eps']
export const MEDIA_TYPES = ['mp4', 'ts', 'flv', 'wmv', 'asf', 'rm', 'rmvb', 'mpg', 'mpeg', '3gp', 'mov', 'webm', 'mkv', 'avi',
  'mp3', 'm4a', 'flac', 'ogg', 'wav', ...COVER_TYPES]

const APPLY = ['signature', 'vodSessionKey', 'videoName', 'videoType', 'videoSize', 'coverName', 'coverType', 'coverSize', 'fileId', 'uploadFromWeb',
  'storageRegion', 'ExpireTime']

/** @type {Record<string, keyof typeof UGC>} */
const REFUSALS = { sessionExpired: 'invalidSession', noSession: 'invalidSession', finished: 'sessionFinished', noObject: 'objectNotFound', noFile: 'fileNotFound' }

/**
 * @param {object} options
 * @param {import('../transport.js').Line} options.line
 * @param {(message: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => Promise<void>} options.cos
 * @param {ReturnType<typeof import('./upload_signature.js').createTokens>} options.tokens
 * @param {import('./sessions.js').Sessions} options.sessions
 * @param {string} options.bucket with the app id
 * @param {string[]} options.regions the first is where uploads go by default
 * @param {boolean} options.commitUsesToken whether Commit is a use of a one-time signature
 * @param {() => { pseudoRegion: string | null, accelerateHost: string | null, domain: string, probes: object[] }} options.names
 * @param {(media: import('./sessions.js').Media, key: string) => string} options.urlOf
 * @param {() => number} options.now
 */
export const createUgc = ({ line, cos, tokens, sessions, bucket, regions, commitUsesToken, names, urlOf, now }) => {
  /** @type {Record<string, (account: Account, told: Told, request: any) => object>} */
  const actions = {
    PrepareUploadUGC: ({ appId }) => ({ appId, cosRegionList: names().probes }),

    ApplyUploadUGC(account, told, request) {
      const { session, grant } = request.vodSessionKey === undefined
        ? sessions.open(account.secretId, wishOf(request, told, regions)) : sessions.reopen(account.secretId, request.vodSessionKey)
      const { pseudoRegion, accelerateHost, domain } = names()
      const [, storageBucket, storageAppId] = /^(.*)-(\d+)$/.exec(bucket) ?? []
      const { region } = session.wish
      return {
        ...Object.fromEntries(Object.entries({ video: session.video, cover: session.cover }).filter(([, item]) => item).map(([name, item]) =>
          [name, { storageSignature: randomBytes(90).toString('base64'), storagePath: `/${item?.key}` }])),
        storageAppId: Number(storageAppId), storageBucket, storageRegion: shortRegion(region), storageRegionV5: region, domain,
        vodSessionKey: session.vodSessionKey,
        tempCertificate: { secretId: grant.secretId, secretKey: grant.secretKey, token: grant.token, expiredTime: grant.expires },
        appId: account.appId, timestamp: grant.start, StorageRegionV5: pseudoRegion ?? region,
        ...(accelerateHost !== null && { MiniProgramAccelerateHost: accelerateHost }),
      }
    },

    CommitUploadUGC(account, _, { vodSessionKey }) {
      if (typeof vodSessionKey !== 'string' || !vodSessionKey) throw ugcError('invalidRequest', 'no vodSessionKey')
      const { media, session } = sessions.commit(account.secretId, vodSessionKey)
      const described = (/** @type {string} */ key) => ({ url: urlOf(media, key), verify_content: sessions.proofOf(account, media.fileId) })
      return {
        ...(session.video && { video: described(media.key) }),
        ...(session.cover && { cover: described(session.cover.key) }),
        fileId: media.fileId,
      }
    },
  }

  return serve

  /**
   * @param {import('node:http').IncomingMessage} message
   * @param {import('node:http').ServerResponse} response
   */
  async function serve(message, response) {
    const url = new URL(message.url ?? '/', 'http://ugc')
    if (url.pathname !== '/v3/index.php') return cos(message, response)
    const wire = openWire(line, message, response, randomBytes(12).toString('hex'))
    const { entry } = wire
    entry.host = message.headers.host ?? ''
    /** @type {Answer} */
    let answer
    try {
      answer = await act(wire, url.searchParams.get('Action') ?? '')
      if (wire.fault?.kind === 'lostReply') throw new Disconnected()
    } catch (error) {
      const thrown = /** @type {any} */ (error)
      if (thrown instanceof Disconnected) return void message.socket.resetAndDestroy()
      const refusal = thrown.ugc ? thrown : thrown.session ? ugcError(REFUSALS[thrown.session], thrown.message) : null
      if (!refusal) console.error('vodupload-cloud:', thrown)
      entry.code = String(refusal?.code ?? UGC.internalError.code)
      answer = json({ code: refusal?.code ?? UGC.internalError.code, message: refusal?.message ?? String(thrown.message), data: {} })
    }
    if (wire.gone.aborted) return
    if (!message.complete) void drain(line, wire)
    entry.status = answer.status
    response.writeHead(answer.status, {
      'Content-Type': answer.type ?? 'application/json', 'Content-Length': Buffer.byteLength(answer.body),
      ...(answer.body !== PORTAL_PAGE && { 'Access-Control-Allow-Origin': '*' }),
      ...(message.method === 'OPTIONS' && { 'Access-Control-Allow-Methods': 'POST', 'Access-Control-Allow-Headers': 'content-type', 'Access-Control-Max-Age': '600' }),
    }).end(answer.body)
  }

  /**
   * @param {Wire} wire
   * @param {string} action
   * @returns {Promise<Answer>}
   */
  async function act(wire, action) {
    const { message: { method, headers }, entry } = wire
    const text = await readText(wire)
    entry.operation = method === 'OPTIONS' ? 'preflight' : UGC_OPERATIONS.includes(action) ? action : 'unknown'
    await meetFaults(line, wire, { ...entry, vendor: 'tencent' })
    const { fault } = wire
    switch (fault?.kind) {
      case 'refuse': case 'cut': throw new Disconnected()
      case 'html': return { status: fault.status ?? 200, type: 'text/html', body: PORTAL_PAGE }
      case 'stall': await stall(wire); break
      case 'status': {
        const status = fault.status ?? 500
        entry.code = fault.code ?? String(status)
        return fault.code === undefined ? { status, type: 'text/html', body: `<html><body>${status}</body></html>` }
          : { ...json({ code: Number(fault.code), message: fault.message ?? messageOf(fault.code), data: {} }), status }
      }
      case 'errorIn200':
        entry.code = fault.code ?? String(UGC.internalError.code)
        return json({ code: Number(entry.code), message: fault.message ?? messageOf(entry.code), data: {} })
    }
    if (method === 'OPTIONS') return { status: 200, body: '' }
    if (method !== 'POST' || entry.operation === 'unknown') throw ugcError('invalidRequest', 'no such action')
    if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) throw ugcError('invalidRequest', 'Content-Type is not application/json')
    const request = parseObject(text)
    const skew = fault?.kind === 'skew' ? fault.ms ?? 0 : 0
    const counts = action !== 'CommitUploadUGC' || commitUsesToken
    const { account, told } = tokens(request.signature, { now: now() + skew, counts, expire: fault?.kind === 'expire' })
    return json({ code: 0, message: 'ok', data: actions[action](account, told, request) })
  }

  /** @param {Wire} wire */
  async function readText(wire) {
    /** @type {Buffer[]} */
    const chunks = []
    for await (const chunk of readBody(line, wire)) {
      if (wire.entry.bytes > MAX_BODY) throw ugcError('invalidRequest', 'too large')
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString()
  }
}

/** @param {string} text a code */
const messageOf = (text) => Object.values(UGC).find(({ code }) => String(code) === text)?.message ?? 'ugc upload'

/** @param {object} body @returns {Answer} */
const json = (body) => ({ status: 200, body: JSON.stringify(body) })

/** @param {string} text */
const parseObject = (text) => {
  try {
    const value = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // answered below, like JSON of another kind
  }
  throw ugcError('invalidRequest', 'the body is no JSON object')
}

/**
 * @param {any} request
 * @param {Told} told
 * @param {string[]} regions
 * @returns {import('./sessions.js').Wish}
 */
const wishOf = (request, told, regions) => {
  const video = itemOf(request, 'video', MEDIA_TYPES)
  const cover = itemOf(request, 'cover', COVER_TYPES)
  const { fileId, ExpireTime, storageRegion, uploadFromWeb } = request
  if (fileId !== undefined && !/^\d+$/.test(fileId)) throw ugcError('invalidRequest', 'fileId')
  if (fileId === undefined ? !video : video || !cover) throw ugcError('invalidRequest', 'neither a video nor a cover for a fileId')
  if (ExpireTime !== undefined && !isIsoTime(ExpireTime)) throw ugcError('invalidRequest', 'ExpireTime')
  if (uploadFromWeb !== undefined && typeof uploadFromWeb !== 'boolean') throw ugcError('invalidRequest', 'uploadFromWeb')
  // The app server's choice in the signature is stronger than the client's.
  const region = told.storageRegion || storageRegion || regions[0]
  if (!regions.includes(region)) throw ugcError('invalidRequest', 'storageRegion')
  return {
    video, cover, fileId, region, expireTime: ExpireTime ?? null, via: 'ugc', told, unknown: Object.keys(request).filter((name) => !APPLY.includes(name)),
  }
}

/**
 * @param {any} request
 * @param {'video' | 'cover'} what
 * @param {string[]} types
 */
const itemOf = (request, what, types) => {
  const [name, type, size] = [request[`${what}Name`], request[`${what}Type`], request[`${what}Size`]]
  if (name === undefined && type === undefined) return undefined
  if (typeof name !== 'string' || !name) throw ugcError('invalidRequest', `${what}Name`)
  if (typeof type !== 'string' || !types.includes(type.toLowerCase())) throw ugcError('invalidRequest', `${what}Type`)
  if (size !== undefined && !(Number.isInteger(size) && size > 0 && size <= MAX_FILE)) throw ugcError('invalidRequest', `${what}Size`)
  return { name, type: type.toLowerCase(), size: size ?? null }
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$/

/** @param {unknown} value */
export const isIsoTime = (value) => typeof value === 'string' && ISO_TIME.test(value) && !Number.isNaN(Date.parse(value))

/** The old short name that clients ignore. @param {string} region */
const shortRegion = (region) => region.replace(/^\w+-/, '').split('-').map((part) => part.slice(0, 2)).join('').slice(0, 2)
