// @ts-check
// Who may do what: the account's own key, and the temporary ones that VOD hands out for one upload.

import { randomBytes } from 'node:crypto'

/**
 * @typedef {object} Account
 * @property {string} secretId
 * @property {string} secretKey
 * @property {number} appId
 *
 * @typedef {object} CosGrant what a COS key is good for
 * @property {string} secretId
 * @property {string} secretKey
 * @property {string | null} token null: the account's own key
 * @property {number} start Unix seconds
 * @property {number} expires Unix seconds
 * @property {string[] | null} keys object keys; null: every key of every bucket
 * @property {string | null} region the only one it is good in; null: every one
 * @property {string[]} deny operations it may not do, e.g. `['ListParts']`
 */

/** @param {number} size bytes */
const randomText = (size) => randomBytes(size).toString('base64url').replace(/[-_]/g, 'x')

/**
 * @param {object} options
 * @param {Account[]} options.accounts
 * @param {number} options.life s
 * @param {string[]} options.deny
 * @param {() => number} options.now ms
 */
export const createAccounts = ({ accounts, life, deny, now }) => {
  const seconds = () => Math.floor(now() / 1000)
  /** @type {Map<string, CosGrant>} */
  const grants = new Map(accounts.map(({ secretId, secretKey }) =>
    [secretId, { secretId, secretKey, token: null, start: 0, expires: Infinity, keys: null, region: null, deny: [] }]))

  return {
    /** @param {string} secretId */
    account: (secretId) => accounts.find((account) => account.secretId === secretId),

    /**
     * A temporary COS key.
     * @param {{ keys?: string[] | null, region?: string | null, life?: number, deny?: string[], secretId?: string, secretKey?: string, token?: string }} [wish]
     *   `life` in seconds; id, key and token for requests that were signed elsewhere
     */
    issue(wish = {}) {
      /** @type {CosGrant} */
      const grant = {
        // Real tokens are long and hold characters that must survive headers and forms.
        secretId: wish.secretId ?? `AKID${randomText(24)}`, secretKey: wish.secretKey ?? randomText(24),
        token: wish.token ?? `${randomBytes(300).toString('base64')}+/==`,
        start: seconds(), expires: seconds() + (wish.life ?? life),
        keys: wish.keys ?? null, region: wish.region ?? null, deny: wish.deny ?? deny,
      }
      grants.set(grant.secretId, grant)
      return grant
    },

    /** @param {string} secretId */
    grant: (secretId) => grants.get(secretId),

    /** @param {string} secretId */
    expire(secretId) {
      const grant = grants.get(secretId)
      if (grant?.token) grant.expires = 0
    },

    /** Every temporary key given out so far is too old from now on. */
    expireAll() {
      for (const grant of grants.values()) if (grant.token) grant.expires = 0
    },
  }
}

/** @typedef {ReturnType<typeof createAccounts>} Accounts */
