// @ts-check
// What a real product has too: a server of one's own that creates videos and hands out credentials.
import * as config from '../config'

const STORED = 'vodupload-demo-server'
const PAUSES_MS = [0, 500, 1500, 3000]

/** An answer that will not get better by asking again, or no answer. */
export class ServerError extends Error {
  /** @param {string} message @param {{ status?: number, code?: string, requestId?: string }} [fields] */
  constructor(message, { status = 0, code, requestId } = {}) {
    super(message)
    this.status = status
    this.code = code
    this.requestId = requestId
  }
}

export const address = () => String(wx.getStorageSync(STORED) || config.server)

/** @param {string} text empty: that of config.js again @returns {boolean} whether it is one */
export function setAddress(text) {
  const wanted = text.trim().replace(/\/+$/, '')
  if (wanted && !/^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/.test(wanted)) return false
  if (wanted) wx.setStorageSync(STORED, wanted)
  else wx.removeStorageSync(STORED)
  return true
}

/** @param {string} path @param {object} data @returns {Promise<any>} */
const once = (path, data) => new Promise((resolve, reject) => {
  wx.request({
    url: address() + path,
    method: 'POST',
    header: { 'content-type': 'application/json' },
    data,
    timeout: 15_000,
    success({ statusCode, data: answer }) {
      const { code, message, requestId } = Object(answer)
      if (statusCode === 200 && typeof answer === 'object') resolve(answer)
      else reject(new ServerError(message || `${path}: HTTP ${statusCode}`, { status: statusCode, code, requestId }))
    },
    fail: ({ errMsg }) => reject(new ServerError(`${address()}${path}: ${errMsg}`)),
  })
})

/** @param {string} path @param {object} [data] */
async function ask(path, data = {}) {
  for (let attempt = 0; ; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, PAUSES_MS[attempt]))
    try {
      return await once(path, data)
    } catch (error) {
      const { status } = /** @type {ServerError} */ (error)
      const passing = status === 0 || status === 429 || status >= 500
      if (!passing || attempt === PAUSES_MS.length - 1) throw error
    }
  }
}

/** @typedef {{ name: string, size?: number }} Described */

/** @param {Described} file @returns {Promise<{ videoId: string, uploadAddress: string, uploadAuth: string }>} */
export const createVideo = ({ name, size }) => ask('/api/videos', { title: name, fileName: name, fileSize: size })

/** @param {string} videoId @returns {ReturnType<typeof createVideo>} */
export const refreshVideo = (videoId) => ask(`/api/videos/${encodeURIComponent(videoId)}/refresh`)

/** @param {Described} file @returns {Promise<{ imageId: string, imageUrl: string, fileUrl: string, uploadAddress: string, uploadAuth: string }>} */
export const createImage = ({ name }) => ask('/api/images', { title: name, fileName: name, imageType: 'default' })

/** @returns {Promise<{ accessKeyId: string, accessKeySecret: string, securityToken: string, expiration: string }>} */
export const issueToken = () => ask('/api/sts')

/** @returns {Promise<string>} */
export const tencentSignature = async () => (await ask('/api/tencent/signature')).signature
