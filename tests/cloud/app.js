// @ts-check
// The app server a customer would run: creates videos, hands out their upload address and credential.
//
// It answers JSON to any origin. Beside /api and the paths of the vendor's samples it offers /control, so that a page or another process can set faults and
// read the log of the cloud it talks to.

import { cutTitle } from './media.js'
import { newRequestId } from './rpc_errors.js'
import { imageParameters, parametersOf, sampleRoutes } from './samples.js'

/**
 * @typedef {import('./media.js').Video} Video
 * @typedef {{ status?: number, body: unknown }} Answer
 * @typedef {[method: string, path: RegExp, act: (match: string[], body: any, query: URLSearchParams) => Answer | Promise<Answer>]} Route
 */

/** Requests are small JSON objects, bytes. */
const MAX_BODY = 1 << 20

/**
 * @param {object} options
 * @param {string} options.bucket
 * @param {import('./credentials.js').Credentials} options.credentials
 * @param {import('./faults.js').Faults} options.faults
 * @param {import('./store.js').Store} options.store
 * @param {import('./oss.js').LogEntry[]} options.log
 * @param {import('./media.js').Media} options.media
 * @param {() => void} options.expireAll ends every credential given out so far
 * @param {Route[]} [options.moreRoutes]
 */
export const createApp = ({ bucket, credentials, faults, store, log, media, expireAll, moreRoutes = [] }) => {
  /** @type {Route[]} */
  const routes = [
    ['POST', /^\/api\/videos$/, (_, wish) => createVideo(wish)],
    ['GET', /^\/api\/videos$/, async () => ({ body: await Promise.all(media.videos().map(describe)) })],
    ['GET', /^\/api\/videos\/([^/]+)$/, async ([, id]) => ({ body: await describe(media.findVideo(id)) })],
    ['POST', /^\/api\/videos\/([^/]+)\/refresh$/, ([, id]) => answerWith(media.refreshVideo(id))],
    ['DELETE', /^\/api\/videos\/([^/]+)$/, async ([, id]) => {
      await media.removeVideo(id)
      return { status: 204, body: null }
    }],
    ['POST', /^\/api\/images$/, (_, wish) => answerWith(media.createImage(imageParameters(parametersOf(wish))))],
    ['GET', /^\/api\/sts$/, issueSts],
    ['POST', /^\/api\/sts$/, issueSts],
    ...sampleRoutes({ media, credentials, newRequestId }),
    ...moreRoutes,
    ['GET', /^\/control\/faults$/, () => ({ body: faults.list() })],
    ['POST', /^\/control\/faults$/, (_, fault) => ({ body: { id: faults.add(fault) } })],
    ['DELETE', /^\/control\/faults$/, () => done(faults.clear)],
    ['DELETE', /^\/control\/faults\/([^/]+)$/, ([, id]) => done(() => faults.remove(id))],
    ['GET', /^\/control\/network$/, () => ({ body: faults.network() })],
    ['POST', /^\/control\/network$/, (_, change) => ({ body: faults.network(change) })],
    ['DELETE', /^\/control\/network$/, () => ({ body: faults.network(null) })],
    ['POST', /^\/control\/expire$/, () => done(expireAll)],
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
    if (!/^\/(api|control)\//.test(url.pathname) && !routes.some(([, path]) => path.test(url.pathname))) return false
    void answer(request, url)
      .catch(({ status = 400, code = 'InvalidParameter', message }) => ({ status, body: { requestId: newRequestId(), code, message } }))
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
    for (const [method, path, act] of routes) {
      const match = request.method === method && path.exec(decodeURI(url.pathname))
      if (match) return act([...match], text ? JSON.parse(text) : {}, url.searchParams)
    }
    throw refusal(404, 'InvalidAction.NotFound', `There is no ${request.method} ${url.pathname}.`)
  }

  /** @param {object} wish */
  function createVideo(wish) {
    const { FileName, FileSize, Title = FileName, ...others } = parametersOf(wish)
    if (!FileName) throw refusal(400, 'MissingParameter', 'fileName is missing.')
    return answerWith(media.createVideo({ Title: cutTitle(Title), FileName, ...(/^\d+$/.test(FileSize) && { FileSize }), ...others }))
  }

  function issueSts() {
    const { accessKeyId, accessKeySecret, securityToken, expiration } = credentials.issueSts()
    return answerWith({ accessKeyId, accessKeySecret, securityToken, expiration })
  }

  /** @param {Video} video */
  async function describe(video) {
    const object = store.object(bucket, video.key)
    if (!object) return { ...video, state: 'uploading' }
    return {
      ...video, state: 'stored', size: object.size, etag: object.etag, sha256: await store.sha256(object),
      url: object.path && media.downloadUrl(video.key),
    }
  }
}

/** @param {object} body */
const answerWith = (body) => ({ body: { requestId: newRequestId(), ...body } })

/**
 * @param {() => unknown} act
 * @returns {Answer}
 */
const done = (act) => {
  act()
  return { status: 204, body: null }
}

/**
 * @param {number} status
 * @param {string} code
 * @param {string} message
 */
const refusal = (status, code, message) => Object.assign(new Error(message), { status, code })

/** @param {import('node:http').IncomingMessage} request */
const readText = async (request) => {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > MAX_BODY) throw refusal(413, 'InvalidParameter', 'The request is too large.')
  }
  return text
}
