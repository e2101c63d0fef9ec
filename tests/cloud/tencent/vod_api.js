// @ts-check
// The server API, vod.tencentcloudapi.com: how an app server that has the key uploads a file itself.
//
// Every answer has status 200, errors too. <https://cloud.tencent.com/document/api/266/31767>

import { randomUUID } from 'node:crypto'
import { API_OPERATIONS } from '../faults.js'
import { Disconnected, drain, meetFaults, openWire, PORTAL_PAGE, readBody, stall } from '../transport.js'
import { authenticateApi } from './api_signature.js'
import { apiError } from './errors.js'
import { COVER_TYPES, isIsoTime, MEDIA_TYPES } from './ugc.js'

/** @typedef {import('./accounts.js').Account} Account */

const MAX_BODY = 1 << 20
const VERSION = '2018-07-17'

/** @type {Record<string, Record<string, 'string' | 'integer'>>} */
const PARAMETERS = {
  ApplyUpload: {
    MediaType: 'string', SubAppId: 'integer', MediaName: 'string', CoverType: 'string', Procedure: 'string', ExpireTime: 'string', StorageRegion: 'string',
    ClassId: 'integer', SourceContext: 'string', SessionContext: 'string', ExtInfo: 'string', MediaStoragePath: 'string',
  },
  CommitUpload: { VodSessionKey: 'string', SubAppId: 'integer' },
  ParseStreamingManifest: { MediaManifestContent: 'string', ManifestType: 'string' },
}
const REQUIRED = { ApplyUpload: 'MediaType', CommitUpload: 'VodSessionKey', ParseStreamingManifest: 'MediaManifestContent' }

/** @type {Record<string, [code: string, message: string]>} */
const REFUSALS = {
  sessionExpired: ['InvalidParameterValue.VodSessionKey', 'VodSessionKey has expired.'],
  noSession: ['InvalidParameterValue.VodSessionKey', 'VodSessionKey is unknown, or of another account.'],
  finished: ['InvalidParameterValue.VodSessionKey', 'VodSessionKey was committed before.'],
  noObject: ['ResourceNotFound', 'The object has not been uploaded:'],
  noFile: ['ResourceNotFound', 'There is no such media:'],
}

/**
 * @param {object} options
 * @param {import('../transport.js').Line} options.line
 * @param {import('./accounts.js').Accounts} options.accounts
 * @param {import('./sessions.js').Sessions} options.sessions
 * @param {string} options.bucket with the app id
 * @param {string[]} options.regions
 * @param {(media: import('./sessions.js').Media, key: string) => string} options.urlOf
 * @param {() => number} options.now
 */
export const createVodApi = ({ line, accounts, sessions, bucket, regions, urlOf, now }) => {
  /** @type {Record<string, (account: Account, parameters: Record<string, any>) => object>} */
  const actions = {
    ApplyUpload({ secretId }, { MediaType, MediaName = '', CoverType, StorageRegion = regions[0], ExpireTime, ...others }) {
      if (!MEDIA_TYPES.includes(MediaType.toLowerCase())) throw apiError('InvalidParameterValue.MediaType', `MediaType ${MediaType} is not supported.`)
      if (CoverType && !COVER_TYPES.includes(CoverType.toLowerCase())) throw apiError('InvalidParameterValue.CoverType', `CoverType ${CoverType} is not supported.`)
      if (ExpireTime && !isIsoTime(ExpireTime)) throw apiError('InvalidParameter.ExpireTime', 'ExpireTime is not of ISO 8601.')
      if (!regions.includes(StorageRegion)) throw apiError('InvalidParameterValue.StorageRegion', `StorageRegion ${StorageRegion} is not one of this account.`)
      const told = Object.fromEntries(Object.entries(others).map(([name, value]) => [name[0].toLowerCase() + name.slice(1), String(value)]))
      const { session, grant } = sessions.open(secretId, {
        video: { name: MediaName, type: MediaType.toLowerCase(), size: null }, region: StorageRegion, expireTime: ExpireTime ?? null, via: 'api', told, unknown: [],
        ...(CoverType && { cover: { name: MediaName, type: CoverType.toLowerCase(), size: null } }),
      })
      return {
        StorageBucket: bucket, StorageRegion: session.wish.region, VodSessionKey: session.vodSessionKey,
        MediaStoragePath: session.video?.key ?? '', CoverStoragePath: session.cover?.key ?? '',
        TempCertificate: { SecretId: grant.secretId, SecretKey: grant.secretKey, Token: grant.token, ExpiredTime: grant.expires },
      }
    },

    CommitUpload({ secretId }, { VodSessionKey }) {
      const { media, session } = sessions.commit(secretId, VodSessionKey)
      return { FileId: media.fileId, MediaUrl: urlOf(media, media.key), CoverUrl: session.cover ? urlOf(media, session.cover.key) : '' }
    },

    ParseStreamingManifest() {
      throw apiError('UnsupportedOperation', 'This cloud reads no manifests.')
    },
  }

  return serve

  /**
   * @param {import('node:http').IncomingMessage} message
   * @param {import('node:http').ServerResponse} response
   */
  async function serve(message, response) {
    const requestId = randomUUID()
    const wire = openWire(line, message, response, requestId)
    const { entry } = wire
    entry.host = message.headers.host ?? ''
    /** @type {object | null} */
    let answer
    let status = 200
    try {
      answer = await act(wire)
      if (wire.fault?.kind === 'lostReply') throw new Disconnected()
    } catch (error) {
      const thrown = /** @type {any} */ (error)
      if (thrown instanceof Disconnected) return void message.socket.resetAndDestroy()
      const [code, reason] = thrown.api ? [thrown.code, thrown.message] : REFUSALS[thrown.session] ?? ['InternalError', thrown.message]
      if (code === 'InternalError' && !thrown.api) console.error('vodupload-cloud:', thrown)
      entry.code = code
      status = thrown.status ?? 200
      answer = { Error: { Code: code, Message: reason.endsWith(':') ? `${reason} ${thrown.message}` : reason } }
    }
    if (wire.gone.aborted) return
    if (!message.complete) void drain(line, wire)
    entry.status = answer ? status : wire.fault?.status ?? 200
    const body = answer ? JSON.stringify({ Response: { ...answer, RequestId: requestId } }) : PORTAL_PAGE
    response.writeHead(entry.status, { 'Content-Type': answer ? 'application/json' : 'text/html', 'Content-Length': Buffer.byteLength(body), Date: new Date(now()).toUTCString() }).end(body)
  }

  /**
   * @param {import('../transport.js').Wire} wire
   * @returns {Promise<object | null>} null: a captive portal answers
   */
  async function act(wire) {
    const { message, entry } = wire
    const body = await readAll(wire)
    const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]))
    const { method = '', url: path = '/' } = message
    const named = headers['x-tc-action'] ?? new URLSearchParams(method === 'POST' ? body.toString() : path.replace(/^[^?]*\?/, '')).get('Action') ?? ''
    entry.operation = API_OPERATIONS.includes(named) ? named : 'unknown'
    await meetFaults(line, wire, { ...entry, vendor: 'tencent' })
    const { fault } = wire
    switch (fault?.kind) {
      case 'refuse': case 'cut': throw new Disconnected()
      case 'html': return null
      case 'stall': await stall(wire); break
      case 'status': throw Object.assign(apiError(fault.code ?? 'InternalError', fault.message ?? 'An internal error has occurred.'), { status: fault.status ?? 500 })
      case 'errorIn200': throw apiError(fault.code ?? 'InternalError', fault.message ?? 'An internal error has occurred.')
      case 'expire': throw apiError('AuthFailure.SignatureExpire', 'The provided credentials have expired.')
    }
    if (method !== 'POST' && method !== 'GET') throw apiError('UnsupportedProtocol', 'The method is neither GET nor POST.')
    if (!/^\/(\?|$)/.test(path)) throw apiError('InvalidAction', 'The path has to be /.')
    const skew = fault?.kind === 'skew' ? fault.ms ?? 0 : 0
    const { account, action, version, parameters } = authenticateApi({ method, host: message.headers.host ?? '', path, headers, body }, { accounts, now: now() + skew })
    if (version !== VERSION) throw apiError('NoSuchVersion', `There is no version ${version}, but ${VERSION}.`)
    if (!API_OPERATIONS.includes(action)) throw apiError('InvalidAction', `There is no action ${action} in this cloud.`)
    return actions[action](account, check(action, parameters))
  }

  /** @param {import('../transport.js').Wire} wire */
  async function readAll(wire) {
    /** @type {Buffer[]} */
    const chunks = []
    for await (const chunk of readBody(line, wire)) {
      if (wire.entry.bytes > MAX_BODY) throw apiError('RequestSizeLimitExceeded', 'The request is too large.')
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }
}

/**
 * @param {string} action
 * @param {Record<string, any>} parameters a form's numbers are text
 */
const check = (action, parameters) => {
  const known = PARAMETERS[action]
  const unknown = Object.keys(parameters).find((name) => !(name in known))
  if (unknown) throw apiError('UnknownParameter', `The parameter ${unknown} is not recognized.`)
  const required = REQUIRED[/** @type {keyof typeof REQUIRED} */ (action)]
  if (!parameters[required]) throw apiError('MissingParameter', `The request is missing the parameter ${required}.`)
  const wrong = Object.keys(parameters).find((name) => known[name] === 'string' ? typeof parameters[name] !== 'string' : !/^\d+$/.test(String(parameters[name])))
  if (wrong) throw apiError('InvalidParameter', `The value type of parameter ${wrong} is not ${known[wrong]}.`)
  return parameters
}
