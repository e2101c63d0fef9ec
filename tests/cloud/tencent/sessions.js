// @ts-check
// Upload sessions and the media that come of them: what Apply promises and Commit keeps, for the UGC interface and the server API.
//
// One vodSessionKey stands for one video with or without a cover; asked for again it gives the same object keys and fresh credentials.

import { createHmac, randomBytes, randomInt } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @typedef {object} Item an object that is to be uploaded
 * @property {string} name
 * @property {string} type lower case
 * @property {number | null} size null: not told
 * @property {string} key
 *
 * @typedef {object} Wish what Apply was told
 * @property {Omit<Item, 'key'>} [video]
 * @property {Omit<Item, 'key'>} [cover]
 * @property {string} [fileId] of the media that gets the cover
 * @property {string} region
 * @property {string | null} expireTime of the media
 * @property {'ugc' | 'api'} via
 * @property {Record<string, string>} told by the signature or the call: classId, procedure, sourceContext, …
 * @property {string[]} unknown members of the request that VOD does not have
 *
 * @typedef {object} Session
 * @property {string} vodSessionKey
 * @property {string} secretId of the account
 * @property {number} expires ms
 * @property {Item | null} video
 * @property {Item | null} cover
 * @property {string} fileId
 * @property {boolean} committed
 * @property {number} applies how often credentials were given out for it
 * @property {Wish} wish
 *
 * @typedef {object} Media
 * @property {string} fileId digits, more than a number holds
 * @property {string} name
 * @property {string} type
 * @property {number} size of what is stored
 * @property {string} key
 * @property {string | null} coverKey
 * @property {string} region
 * @property {number} classId
 * @property {string} procedure
 * @property {string | null} expireTime
 * @property {'ugc' | 'api'} via
 * @property {string} secretId
 * @property {string} createdAt ISO 8601
 * @property {Record<string, string>} told
 * @property {string[]} unknown
 */

/** @typedef {'sessionExpired' | 'noSession' | 'finished' | 'noObject' | 'noFile'} Refusal */

/** @param {Refusal} reason @param {string} message */
const refusal = (reason, message) => Object.assign(new Error(message), { session: reason })

/** Life of what proves to an app server that a client has a fileId, s. */
const PROOF_LIFE = 3600

/**
 * @param {object} options
 * @param {import('./accounts.js').Accounts} options.accounts
 * @param {import('../store.js').Store} options.store
 * @param {string} options.bucket with the app id
 * @param {number} options.life s
 * @param {boolean} options.idempotent whether a second Commit gets the first one's answer
 * @param {'id' | 'name'} options.keyStyle
 * @param {string | null} options.root where they are remembered, if anywhere
 * @param {() => number} options.now
 */
export const createSessions = ({ accounts, store, bucket, life, idempotent, keyStyle, root, now }) => {
  const path = root && join(root, 'tencent.json')
  /** @type {{ sessions: [string, Session][], medias: [string, Media][] }} */
  const kept = path && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { sessions: [], medias: [] }
  const sessions = new Map(kept.sessions)
  const medias = new Map(kept.medias)
  const save = () => { if (path) writeFileSync(path, JSON.stringify({ sessions: [...sessions], medias: [...medias] })) }

  /** @param {Session} session */
  const grantFor = (session) => {
    session.applies++
    save()
    const keys = [session.video, session.cover].flatMap((item) => item?.key ?? [])
    return { session, grant: accounts.issue({ keys, region: session.wish.region }) }
  }

  /**
   * @param {string} secretId
   * @param {unknown} vodSessionKey
   */
  const find = (secretId, vodSessionKey) => {
    const session = sessions.get(String(vodSessionKey))
    if (session?.secretId !== secretId) throw refusal('noSession', 'unknown, or of another account')
    if (now() >= session.expires) throw refusal('sessionExpired', 'expired')
    return session
  }

  return {
    /**
     * @param {string} secretId
     * @param {Wish} wish
     */
    open(secretId, wish) {
      const media = wish.fileId === undefined ? undefined : medias.get(wish.fileId)
      if (wish.fileId !== undefined && media?.secretId !== secretId) throw refusal('noFile', wish.fileId)
      const fileId = wish.fileId ?? `5285${randomInt(1e7, 1e8)}${randomInt(1e6, 1e7)}`
      const folder = `${bucket.replace(/-\d+$/, '')}/${randomBytes(4).toString('hex')}${fileId}`
      const item = (/** @type {Omit<Item, 'key'> | undefined} */ wished) => wished
        ? { ...wished, key: `${folder}/${keyStyle === 'name' ? wished.name.replace(/[/\\]/g, '_') : randomBytes(8).toString('hex')}.${wished.type}` } : null
      /** @type {Session} */
      const session = {
        vodSessionKey: randomBytes(597).toString('base64'), secretId, expires: now() + life * 1000, fileId, video: item(wish.video), cover: item(wish.cover),
        committed: false, applies: 0, wish,
      }
      sessions.set(session.vodSessionKey, session)
      return grantFor(session)
    },

    /**
     * The same object keys, new credentials.
     * @param {string} secretId
     * @param {unknown} vodSessionKey
     */
    reopen: (secretId, vodSessionKey) => grantFor(find(secretId, vodSessionKey)),

    /**
     * @param {string} secretId
     * @param {unknown} vodSessionKey
     * @returns {{ media: Media, session: Session }}
     */
    commit(secretId, vodSessionKey) {
      const session = find(secretId, vodSessionKey)
      const { fileId, video, cover, wish } = session
      if (session.committed && !idempotent) throw refusal('finished', 'it was committed before')
      for (const item of session.committed ? [] : [video, cover]) {
        const object = item && store.object(bucket, item.key)
        if (item && !object) throw refusal('noObject', item.key)
        if (item && item.size !== null && item.size !== object?.size) throw refusal('noObject', `${item.key} has ${object?.size} bytes, not ${item.size}`)
      }
      if (video && !medias.has(fileId)) {
        medias.set(fileId, {
          fileId, name: video.name, type: video.type, size: store.object(bucket, video.key)?.size ?? 0, key: video.key, coverKey: null, region: wish.region,
          classId: Number(wish.told.classId ?? 0), procedure: wish.told.procedure ?? '', expireTime: wish.expireTime, via: wish.via, secretId,
          createdAt: new Date(now()).toISOString(), told: wish.told, unknown: wish.unknown,
        })
      }
      const media = medias.get(fileId)
      if (!media) throw refusal('noFile', fileId)
      if (cover) media.coverKey = cover.key
      session.committed = true
      save()
      return { media, session }
    },

    /** Every session so far is too old from now on. */
    expireAll() {
      for (const session of sessions.values()) session.expires = 0
      save()
    },

    medias: () => [...medias.values()],
    sessions: () => [...sessions.values()],

    /**
     * What lets an app server check that a client really has got this fileId.
     * @param {import('./accounts.js').Account} account
     * @param {string} fileId
     */
    proofOf({ secretKey }, fileId) {
      const text = `ExpTime=${Math.floor(now() / 1000) + PROOF_LIFE}&FileId=${fileId}`
      return Buffer.concat([createHmac('sha1', secretKey).update(text).digest(), Buffer.from(text)]).toString('base64')
    },
  }
}

/** @typedef {ReturnType<typeof createSessions>} Sessions */
