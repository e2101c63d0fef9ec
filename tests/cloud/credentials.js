// @ts-check
// Temporary credentials and the two opaque strings VOD wraps them in.
//
// A grant is what a credential allows: one object key of one bucket, until it expires; one of STS also calls VOD itself.
// Who asks for one is the app server's business; who checks one is signature.js and rpc_signature.js.

import { randomBytes } from 'node:crypto'

/**
 * @typedef {object} Grant
 * @property {string} accessKeyId
 * @property {string} accessKeySecret
 * @property {string} securityToken
 * @property {number} expires server time, ms since the epoch
 * @property {string} bucket
 * @property {string | null} key the only object key it is good for; null: every key of the bucket
 * @property {string[]} deny operations it may not do, e.g. `['ListParts']`
 * @property {boolean} rpc whether it may call VOD's RPC endpoint
 */

const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'

/** @param {number} length */
const randomText = (length) => [...randomBytes(length)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('')

/** @param {object} value */
const base64Json = (value) => Buffer.from(JSON.stringify(value)).toString('base64')

/** @param {number} time */
const isoSeconds = (time) => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')

/**
 * @param {object} options
 * @param {string} options.bucket
 * @param {string} options.region
 * @param {number} options.life seconds
 * @param {string[]} options.deny
 * @param {() => number} options.now server time, ms
 * @param {() => string} options.endpoint
 */
export const createCredentials = ({ bucket, region, life, deny, now, endpoint }) => {
  /** @type {Map<string, Grant>} */
  const grants = new Map()

  /**
   * @param {Partial<Grant> & { life?: number }} wish
   * @param {boolean} rpc
   */
  const grantOf = (wish, rpc) => {
    /** @type {Grant} */
    const grant = {
      accessKeyId: wish.accessKeyId ?? `STS.${randomText(24)}`,
      accessKeySecret: wish.accessKeySecret ?? randomText(44),
      // Real tokens are long and hold characters that must survive headers, forms and base64.
      securityToken: wish.securityToken ?? `CAIS${randomBytes(450).toString('base64')}+/==`,
      expires: now() + (wish.life ?? life) * 1000,
      bucket: wish.bucket ?? bucket,
      key: wish.key ?? null,
      deny: wish.deny ?? deny,
      rpc,
    }
    grants.set(grant.accessKeyId, grant)
    return grant
  }

  return {
    /**
     * A new credential, with the strings an app server would pass on.
     * @param {{ key?: string | null, bucket?: string, life?: number, deny?: string[], endpoint?: string | null }} [wish]
     *   `life` in seconds; `endpoint`: what stands in UploadAddress instead of this cloud's
     */
    issue(wish = {}) {
      const grant = grantOf(wish, false)
      return {
        ...grant,
        uploadAuth: base64Json({
          SecurityToken: grant.securityToken,
          AccessKeyId: grant.accessKeyId,
          ExpireUTCTime: isoSeconds(grant.expires),
          AccessKeySecret: grant.accessKeySecret,
          Expiration: String(wish.life ?? life),
          Region: region,
        }),
        uploadAddress: base64Json({ Endpoint: wish.endpoint ?? endpoint(), Bucket: grant.bucket, FileName: grant.key ?? '' }),
      }
    },

    /**
     * A credential of STS: it calls the RPC endpoint and writes to the whole bucket.
     * @param {{ life?: number, deny?: string[], accessKeyId?: string, accessKeySecret?: string, securityToken?: string }} [wish]
     *   `life` in seconds; id, secret and token for requests that were signed elsewhere
     */
    issueSts(wish = {}) {
      const grant = grantOf(wish, true)
      return { ...grant, expiration: isoSeconds(grant.expires) }
    },

    /** @param {string} accessKeyId */
    find: (accessKeyId) => grants.get(accessKeyId),

    /** @param {string} accessKeyId */
    expire(accessKeyId) {
      const grant = grants.get(accessKeyId)
      if (grant) grant.expires = 0
    },

    /** Every credential given out so far is too old from now on. */
    expireAll() {
      for (const grant of grants.values()) grant.expires = 0
    },
  }
}

/** @typedef {ReturnType<typeof createCredentials>} Credentials */
