// @ts-check
// What the app server does for Tencent: it makes upload signatures, and tells of the media.

import { createUploadSignature } from '../../../js/signature.js'

/** Parameters that are numbers, and come as text in an address. */
const NUMBERS = ['currentTimeStamp', 'expireTime', 'random', 'classId', 'taskPriority', 'oneTimeValid', 'vodSubAppId']

/**
 * @param {object} options
 * @param {import('./accounts.js').Account} options.account
 * @param {import('./sessions.js').Sessions} options.sessions
 * @param {import('../store.js').Store} options.store
 * @param {string} options.bucket
 * @param {(media: import('./sessions.js').Media, key: string) => string} options.urlOf
 * @param {() => number} options.now
 * @returns {import('../app.js').Route[]}
 */
export const tencentRoutes = ({ account, sessions, store, bucket, urlOf, now }) => {
  /** @param {object} wish */
  const sign = (wish) => {
    const given = Object.entries(wish).map(([name, value]) => [name, NUMBERS.includes(name) && /^-?\d+$/.test(value) ? Number(value) : value])
    const { currentTimeStamp = Math.floor(now() / 1000), ...others } = Object.fromEntries(given)
    return { body: { signature: createUploadSignature({ secretId: account.secretId, currentTimeStamp, ...others }, account.secretKey) } }
  }

  /** @param {import('./sessions.js').Media} media */
  const describe = async (media) => {
    const object = store.object(bucket, media.key)
    const cover = media.coverKey === null ? undefined : store.object(bucket, media.coverKey)
    return {
      ...media, url: urlOf(media, media.key), sha256: object ? await store.sha256(object) : null,
      ...(cover && { coverUrl: urlOf(media, cover.key), coverSize: cover.size, coverSha256: await store.sha256(cover) }),
    }
  }

  return [
    ['GET', /^\/api\/tencent\/signature$/, (_, __, query) => sign(Object.fromEntries(query))],
    ['POST', /^\/api\/tencent\/signature$/, (_, wish) => sign(wish)],
    ['GET', /^\/api\/tencent\/medias$/, async () => ({ body: await Promise.all(sessions.medias().map(describe)) })],
    ['GET', /^\/api\/tencent\/medias\/(\d+)$/, async ([, fileId]) => {
      const media = sessions.medias().find((media) => media.fileId === fileId)
      if (!media) throw Object.assign(new Error(`There is no media ${fileId}.`), { status: 404, code: 'ResourceNotFound' })
      return { body: await describe(media) }
    }],
  ]
}
