// @ts-check
// A Tencent VOD in memory: it takes applications, lists regions and commits; what is for COS a storage of tiny_oss.js
// answers, whose XML is the same.
import { tinyOss } from './tiny_oss.js'

/** @typedef {import('./fake_host.js').FakeRequest} FakeRequest */
/** @typedef {{ action: string, host: string, [field: string]: any }} Asked what a call has said */

/** One that could be VOD's, until 2100. */
const original = 'secretId=AKID&currentTimeStamp=1700000000&expireTime=1707776000&random='

let signatures = 0
/** A signature that no other test has had. @param {string} [more] parameters that change the others */
export const sign = (more = '') => {
  const now = Math.floor(Date.now() / 1000)
  const text = more || `${original.replace('1700000000', String(now)).replace('1707776000', String(now + 3600))}${++signatures}`
  return Buffer.from(`${'m'.repeat(20)}${text}`).toString('base64')
}

/** What a request is, whichever of the two services it is for. @param {FakeRequest} request */
export const nameOf = (request) => {
  const action = request.url.searchParams.get('Action')
  if (action) return action.replace('UploadUGC', '')
  return request.method === 'HEAD' ? 'Probe' : request.operation
}

/** The call as VOD reads it. @param {FakeRequest} request @returns {Asked} */
export const askedOf = (request) => ({ ...JSON.parse(String(request.body)), action: nameOf(request), host: request.url.host })

/** @param {number} code @param {string} [message] */
export const ugcRefusal = (code, message = 'ugc upload | no') => ({ body: JSON.stringify({ code, message }) })

/** @param {{ oss?: ReturnType<typeof tinyOss>, regions?: string[], applied?: object }} [setup] */
export function tinyUgc({ oss = tinyOss(), regions = [], applied = {} } = {}) {
  let tokens = 0
  /** What each session is about. @type {Map<string, Asked>} */
  const sessions = new Map()
  /** Sessions by the id of their media. @type {Map<string, string>} */
  const medias = new Map()

  /** @type {Record<string, (asked: Asked) => object>} */
  const actions = {
    Prepare: () => ({ cosRegionList: regions.map((region) => ({ region, domain: `${region}.example.com` })) }),
    Apply(asked) {
      const session = asked.vodSessionKey ?? `SESSION${sessions.size + 1}`
      if (asked.vodSessionKey === undefined) sessions.set(session, asked)
      const about = sessions.get(session)
      if (!about) return ugcRefusal(10017, 'ugc upload | no such session')
      const now = Math.floor(Date.now() / 1000)
      return {
        ...(about.videoName !== undefined && { video: { storagePath: `/${session}/v.${about.videoType}` } }),
        ...(about.coverName !== undefined && { cover: { storagePath: `/${session}/c.${about.coverType}` } }),
        storageBucket: 'bucket', storageAppId: 1250000000, storageRegionV5: 'ap-chongqing', vodSessionKey: session, timestamp: now,
        tempCertificate: { secretId: 'AKID', secretKey: 'hush', token: `TOKEN${++tokens}`, expiredTime: now + 7200 },
        ...applied,
      }
    },
    Commit({ vodSessionKey }) {
      const about = sessions.get(vodSessionKey)
      if (!about) return ugcRefusal(10017, 'ugc upload | no such session')
      const fileId = about.fileId ?? `5285890800${medias.size}`
      medias.set(fileId, vodSessionKey)
      return {
        fileId,
        ...(about.videoName !== undefined && { video: { url: `http://v/${vodSessionKey}.mp4`, verify_content: 'PROOF' } }),
        ...(about.coverName !== undefined && { cover: { url: `http://v/${vodSessionKey}.jpg`, verify_content: 'PROOF' } }),
      }
    },
  }

  /** @type {import('./fake_host.js').Handler} */
  const answer = (request) => {
    const name = nameOf(request)
    if (name === 'Probe') return { status: 403 }
    if (!actions[name]) return oss.answer(request)
    const data = /** @type {{ body?: string }} */ (actions[name](askedOf(request)))
    return data.body ? data : { body: JSON.stringify({ code: 0, message: '', data }) }
  }
  return { answer, oss, sessions, medias }
}
