// @ts-check
// What a real product has too: a server of one's own that creates videos and hands out credentials.

const PAUSES_MS = [0, 500, 1500, 3000]

/** @typedef {{ videoId: string, uploadAddress: string, uploadAuth: string }} Grant */
/** @typedef {{ imageId: string, imageUrl: string, fileUrl: string, uploadAddress: string, uploadAuth: string }} ImageGrant */
/** @typedef {{ accessKeyId: string, accessKeySecret: string, securityToken: string, expiration: string }} Token */

/** An answer that will not get better by asking again. */
export class Refused extends Error {
  /** @param {number} status @param {string} message @param {string} [code] @param {string} [requestId] */
  constructor(status, message, code, requestId) {
    super(message)
    this.status = status
    this.code = code
    this.requestId = requestId
  }
}

/** @param {string} base */
export function createAppServer(base) {
  return {
    /** @param {File} file @returns {Promise<Grant>} */
    create: (file) => ask('POST', '/api/videos', { title: file.name, fileName: file.name, fileSize: file.size }),
    /** @param {string} videoId @returns {Promise<Grant>} */
    refresh: (videoId) => ask('POST', `/api/videos/${encodeURIComponent(videoId)}/refresh`, {}),
    /** @param {File} file @returns {Promise<ImageGrant>} */
    createImage: (file) => ask('POST', '/api/images', { title: file.name, fileName: file.name, imageType: 'default' }),
    /** @returns {Promise<Token>} */
    sts: () => ask('POST', '/api/sts', {}),
    /** @param {string} videoId what the cloud stores of it: state, size, sha256 */
    video: (videoId) => ask('GET', `/api/videos/${encodeURIComponent(videoId)}`),
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async function ask(method, path, body) {
    let problem = new Error(`${path} was not asked`)
    for (const pause of PAUSES_MS) {
      if (pause) await new Promise((resolve) => setTimeout(resolve, pause))
      try {
        const response = await fetch(base + path, {
          method,
          ...body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) },
        })
        if (response.ok) return await response.json()
        const { code, message, requestId } = await response.json().catch(() => ({}))
        problem = new Refused(response.status, message ?? `${path} answered ${response.status}`, code, requestId)
        if (response.status < 500 && response.status !== 429) break
      } catch (error) {
        problem = /** @type {Error} */ (error)
      }
    }
    throw problem
  }
}
