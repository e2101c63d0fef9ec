// @ts-check
// The app server a customer would run: creates videos, hands out their upload address and credential.
//
// It answers JSON to any origin. Beside /api it offers /control, so that a page or another process can set faults and
// read the log of the cloud it talks to.

import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { signedUrl } from './signature.js'

/**
 * @typedef {object} Video
 * @property {string} videoId
 * @property {string} title
 * @property {string} fileName
 * @property {number | null} fileSize bytes, as announced
 * @property {string} key
 * @property {string} createdAt ISO 8601
 *
 * @typedef {{ status?: number, body: unknown }} Answer
 */

/** Requests are small JSON objects, bytes. */
const MAX_BODY = 1 << 20

/** Life of a download address, s. */
const DOWNLOAD_LIFE = 86_400

/**
 * @param {object} options
 * @param {string} options.bucket
 * @param {import('./credentials.js').Credentials} options.credentials
 * @param {import('./faults.js').Faults} options.faults
 * @param {import('./store.js').Store} options.store
 * @param {import('./oss.js').LogEntry[]} options.log
 * @param {'id' | 'name'} options.keyStyle `name` puts the file's own name, however it is written, into the object key
 * @param {string | null} options.root where videos are remembered, if anywhere
 * @param {() => string} options.endpoint
 * @param {() => number} options.now
 */
export const createApp = ({ bucket, credentials, faults, store, log, keyStyle, root, endpoint, now }) => {
  const path = root && join(root, 'videos.json')
  /** @type {Map<string, Video>} */
  const videos = new Map(path && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : [])
  const save = () => { if (path) writeFileSync(path, JSON.stringify([...videos])) }
  const issueReader = () => credentials.issue({ life: DOWNLOAD_LIFE, deny: [] })
  /** @type {ReturnType<typeof issueReader> | undefined} */
  let reader

  /** @type {[string, RegExp, (match: string[], body: any, query: URLSearchParams) => Answer | Promise<Answer>][]} */
  const routes = [
    ['POST', /^\/api\/videos$/, (_, { title, fileName, fileSize }) => create(title, fileName, fileSize)],
    ['GET', /^\/api\/videos$/, async () => ({ body: await Promise.all([...videos.values()].map(describe)) })],
    ['GET', /^\/api\/videos\/([^/]+)$/, async ([, id]) => ({ body: await describe(find(id)) })],
    ['POST', /^\/api\/videos\/([^/]+)\/refresh$/, ([, id]) => ({ body: grantFor(find(id)) })],
    ['DELETE', /^\/api\/videos\/([^/]+)$/, ([, id]) => remove(find(id))],
    ['GET', /^\/control\/faults$/, () => ({ body: faults.list() })],
    ['POST', /^\/control\/faults$/, (_, fault) => ({ body: { id: faults.add(fault) } })],
    ['DELETE', /^\/control\/faults$/, () => done(faults.clear)],
    ['DELETE', /^\/control\/faults\/([^/]+)$/, ([, id]) => done(() => faults.remove(id))],
    ['GET', /^\/control\/network$/, () => ({ body: faults.network() })],
    ['POST', /^\/control\/network$/, (_, change) => ({ body: faults.network(change) })],
    ['DELETE', /^\/control\/network$/, () => ({ body: faults.network(null) })],
    ['POST', /^\/control\/expire$/, () => done(credentials.expireAll)],
    ['GET', /^\/control\/log$/, (_, __, query) => ({ body: log.slice(Number(query.get('since') ?? 0)) })],
    ['DELETE', /^\/control\/log$/, () => done(() => log.splice(0))],
  ]

  /**
   * Answers the request if it is the app's; otherwise leaves it alone and says so.
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   * @returns {boolean}
   */
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://app')
    if (!/^\/(api|control)\//.test(url.pathname)) return false
    void answer(request, url)
      .catch((error) => error.answer ?? { status: 400, body: { code: 'InvalidParameter', message: error.message } })
      .then((/** @type {Answer} */ { status = 200, body }) => {
        const text = status === 204 ? '' : JSON.stringify(body)
        response.writeHead(status, {
          'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...(text && { 'Content-Length': Buffer.byteLength(text) }),
          'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Methods': 'GET, POST, DELETE',
          'Access-Control-Allow-Headers': 'content-type', 'Access-Control-Max-Age': '600',
        }).end(text)
      })
    return true
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {URL} url
   * @returns {Promise<Answer>}
   */
  async function answer(request, url) {
    if (request.method === 'OPTIONS') return { status: 204, body: null }
    const text = await readText(request)
    for (const [method, pattern, handler] of routes) {
      const match = request.method === method && pattern.exec(decodeURI(url.pathname))
      if (match) return handler([...match], text ? JSON.parse(text) : {}, url.searchParams)
    }
    throw refusal(404, 'InvalidAction.NotFound', `There is no ${request.method} ${url.pathname}.`)
  }

  /**
   * CreateUploadVideo.
   * @param {unknown} title
   * @param {unknown} fileName
   * @param {unknown} fileSize
   */
  function create(title, fileName, fileSize) {
    if (typeof fileName !== 'string' || !fileName) throw refusal(400, 'MissingParameter', 'fileName is missing.')
    const extension = /\.(\w{1,16})$/.exec(fileName)?.[1]
    if (!extension) throw refusal(400, 'InvalidParameter.FileName', 'fileName has no extension.')
    const videoId = randomBytes(16).toString('hex')
    const name = keyStyle === 'name' ? fileName.replace(/[/\\]/g, '_') : `${videoId}.${extension}`
    /** @type {Video} */
    const video = {
      videoId, fileName, title: typeof title === 'string' && title ? title : fileName, key: `sv/${videoId}/${name}`,
      fileSize: typeof fileSize === 'number' ? fileSize : null, createdAt: new Date(now()).toISOString(),
    }
    videos.set(videoId, video)
    save()
    return { body: grantFor(video) }
  }

  /** @param {Video} video */
  function grantFor({ videoId, key }) {
    const { uploadAuth, uploadAddress } = credentials.issue({ key })
    return { requestId: requestId(), videoId, uploadAddress, uploadAuth }
  }

  /** @param {Video} video */
  async function remove({ videoId, key }) {
    videos.delete(videoId)
    save()
    for (const upload of store.uploads().filter((upload) => upload.bucket === bucket && upload.key === key)) await store.abort(upload)
    await store.remove(bucket, key)
    return { status: 204, body: null }
  }

  /** @param {Video} video */
  async function describe(video) {
    const object = store.object(bucket, video.key)
    if (!object) return { ...video, state: 'uploading' }
    if (!reader || reader.expires < now() + DOWNLOAD_LIFE * 500) reader = issueReader()
    return {
      ...video, state: 'stored', size: object.size, etag: object.etag, sha256: await store.sha256(object),
      url: object.path && signedUrl(reader, endpoint(), video.key),
    }
  }

  /** @param {string} videoId */
  function find(videoId) {
    const video = videos.get(videoId)
    if (!video) throw refusal(404, 'InvalidVideo.NotFound', 'The video does not exist.')
    return video
  }
}

/**
 * @param {() => unknown} act
 * @returns {Answer}
 */
const done = (act) => {
  act()
  return { status: 204, body: null }
}

const requestId = () => randomBytes(16).toString('hex').toUpperCase().replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')

/**
 * @param {number} status
 * @param {string} code
 * @param {string} message
 */
const refusal = (status, code, message) => Object.assign(new Error(message), { answer: { status, body: { requestId: requestId(), code, message } } })

/** @param {import('node:http').IncomingMessage} request */
const readText = async (request) => {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > MAX_BODY) throw refusal(413, 'InvalidParameter', 'The request is too large.')
  }
  return text
}
