// @ts-check
// Who calls the UGC interface? The client upload signature, checked with Node's own crypto as the vendor's document describes it.
//
// Nothing of the library's js/signature.js runs here, or a shared mistake would agree with itself.
// <https://cloud.tencent.com/document/product/266/9221>

import { createHmac, timingSafeEqual } from 'node:crypto'
import { ugcError } from './errors.js'

/** @typedef {Record<string, string>} Told the parameters of a signature, as text */

const MAC_SIZE = 20
const MAX_LIFE = 7_776_000

/** @type {(min: number, max: number) => (text: string) => boolean} */
const integer = (min, max) => (text) => /^-?\d+$/.test(text) && Number(text) >= min && Number(text) <= max

/** @type {Record<string, (text: string) => boolean>} */
const RULES = {
  currentTimeStamp: integer(1, 1e11),
  expireTime: integer(1, 1e11),
  random: integer(0, 2 ** 32 - 1),
  classId: integer(0, Infinity),
  taskPriority: integer(-10, 10),
  taskNotifyMode: (text) => ['Finish', 'Change', 'None'].includes(text),
  sourceContext: (text) => [...text].length <= 250,
  sessionContext: (text) => [...text].length <= 1000,
  oneTimeValid: (text) => text === '0' || text === '1',
  vodSubAppId: (text) => text === '' || integer(0, Infinity)(text),
}
const REQUIRED = ['secretId', 'currentTimeStamp', 'expireTime', 'random']

/**
 * @param {object} options
 * @param {import('./accounts.js').Accounts} options.accounts
 */
export const createTokens = ({ accounts }) => {
  /** One-time tokens that were used. @type {Set<string>} */
  const used = new Set()
  /** Tokens that a fault has ended. @type {Set<string>} */
  const expired = new Set()

  /**
   * The account behind a token and what the token tells, or an error.
   * @param {unknown} token
   * @param {{ now: number, counts: boolean, expire: boolean }} how `now`: server time, ms; `counts`: whether this is a use of a
   *   one-time token; `expire`: a fault, the token dies now
   * @returns {{ account: import('./accounts.js').Account, told: Told }}
   */
  return (token, { now, counts, expire }) => {
    if (typeof token !== 'string' || !token) throw ugcError('invalidRequest', 'no signature')
    if (token.length % 4 || !/^[A-Za-z0-9+/]+={0,2}$/.test(token)) throw ugcError('invalidSignature', 'it is no Base64')
    const bytes = Buffer.from(token, 'base64')
    const original = bytes.subarray(MAC_SIZE)
    const told = parse(original.toString())
    const account = accounts.account(told.secretId ?? '')
    if (!account) throw ugcError('invalidSignature', 'unknown secretId')
    const mac = createHmac('sha1', account.secretKey).update(original).digest()
    if (!timingSafeEqual(mac, bytes.subarray(0, MAC_SIZE))) throw ugcError('invalidSignature', 'wrong MAC')
    const missing = REQUIRED.find((name) => !told[name])
    if (missing) throw ugcError('invalidSignature', `no ${missing}`)
    const wrong = Object.keys(RULES).find((name) => told[name] !== undefined && !RULES[name](told[name]))
    if (wrong) throw ugcError('invalidSignature', `${wrong} is ${told[wrong].slice(0, 40)}`)
    const life = Number(told.expireTime) - Number(told.currentTimeStamp)
    if (life <= 0 || life > MAX_LIFE) throw ugcError('invalidSignature', `it lives for ${life} s`)
    if (expire) expired.add(token)
    if (now / 1000 >= Number(told.expireTime) || expired.has(token)) throw ugcError('signatureExpired')
    if (told.oneTimeValid === '1' && counts) {
      if (used.has(token)) throw ugcError('duplicateSignature')
      used.add(token)
    }
    return { account, told }
  }
}

/** @param {string} text */
const parse = (text) => {
  try {
    return Object.fromEntries(text.split('&').map((pair) => {
      const [name, ...rest] = pair.split('=')
      return [name, decodeURIComponent(rest.join('=').replace(/\+/g, '%20'))]
    }))
  } catch {
    throw ugcError('invalidSignature', 'its text is not percent-encoded')
  }
}
