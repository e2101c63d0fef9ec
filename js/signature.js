// @ts-check
// Client upload signatures of Tencent VOD, for app servers on Node.js: the SecretKey has no place on a client.
//
// A token holds the text it signs, so the dialect of percent-encoding is free as long as it decodes to the same values.
// <https://cloud.tencent.com/document/product/266/9221>

import { Buffer } from 'node:buffer'
import { createHmac, randomInt } from 'node:crypto'
import { MAX_LIFE, MAX_RANDOM, MAX_SECONDS } from './parse_signature.js'

export { parseUploadSignature } from './parse_signature.js'

const DAY = 86_400

/**
 * Why a value is refused, or null.
 * @typedef {(value: any) => string | null} Rule
 */

/** @type {(min: number, max: number) => Rule} */
const integer = (min, max) => (value) => {
  const range = max === Infinity ? `of ${min} or more` : `from ${min} to ${max}`
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return `has to be a number, not a string: write Number(${JSON.stringify(value)})`
  if (!Number.isInteger(value)) return `has to be an integer ${range}`
  return value < min || value > max ? `has to be an integer ${range}` : null
}

/** @type {Rule} */
const seconds = (value) => {
  if (typeof value === 'number' && value >= MAX_SECONDS) return 'has to be in seconds, not milliseconds: write Math.floor(Date.now() / 1000)'
  if (typeof value === 'number' && !Number.isInteger(value)) return 'has to be in whole seconds: write Math.floor(Date.now() / 1000)'
  return integer(1, MAX_SECONDS)(value)
}

/** @type {(max?: number) => Rule} */
const text = (max = Infinity) => (value) => {
  if (typeof value !== 'string') return 'has to be a string'
  if (!value.isWellFormed()) return 'has half of a surrogate pair, which UTF-8 cannot hold'
  const length = [...value].length
  return length > max ? `has ${length} characters, and may have ${max}` : null
}

/** @type {(pattern: RegExp, what: string) => Rule} */
const shape = (pattern, what) => (value) => text()(value) ?? (pattern.test(value) ? null : `has to be ${what}`)

/** Every parameter there is. @type {Record<string, Rule>} */
const RULES = {
  secretId: shape(/^[^\s&=]+$/, 'the SecretId of a cloud API key, without white space'),
  currentTimeStamp: seconds,
  expireTime: seconds,
  random: integer(0, MAX_RANDOM),
  classId: integer(0, Infinity),
  procedure: shape(/./, 'the name of a task flow: leave it out to start none'),
  taskPriority: integer(-10, 10),
  taskNotifyMode: shape(/^(Finish|Change|None)$/, 'Finish, Change or None'),
  sourceContext: text(250),
  oneTimeValid: integer(0, 1),
  vodSubAppId: integer(0, Infinity),
  sessionContext: text(1000),
  storageRegion: shape(/^[a-z0-9-]+$/, 'a region such as ap-chongqing'),
}

/**
 * A token that lets a client upload.
 * @param {Record<string, any>} parameters
 * @param {string} secretKey
 * @param {{ encoding?: 'strict' | 'querystring' }} [options] `querystring`: as Node's stringifier writes it, which leaves !'()* bare
 * @returns {string}
 */
export const createUploadSignature = (parameters, secretKey, { encoding = 'strict' } = {}) => {
  if (typeof parameters !== 'object' || parameters === null) throw refusal('InvalidParameter', 'parameters', 'has to be an object such as { secretId }')
  const given = Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined))
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(RULES, name))
  if (unknown !== undefined) throw refusal('UnknownParameter', unknown, `is none of the parameters ${Object.keys(RULES).join(', ')}`)
  if (given.secretId === undefined) throw refusal('MissingParameter', 'secretId', 'is missing: the SecretId of a cloud API key')
  const { currentTimeStamp = Math.floor(Date.now() / 1000), expireTime = currentTimeStamp + DAY, random = randomInt(MAX_RANDOM + 1) } = given
  // The required ones first and in this order, as in every sample of the vendor; the others as the caller has them.
  const all = { secretId: given.secretId, currentTimeStamp, expireTime, random, ...given }
  for (const [name, value] of Object.entries(all)) {
    const reason = RULES[name](value)
    if (reason) throw refusal('InvalidParameter', name, reason, value)
  }
  if (expireTime <= currentTimeStamp) throw refusal('InvalidParameter', 'expireTime', `has to be later than currentTimeStamp, ${currentTimeStamp}`, expireTime)
  if (expireTime - currentTimeStamp > MAX_LIFE) {
    throw refusal('InvalidParameter', 'expireTime', `is more than ${MAX_LIFE} s (90 days) after currentTimeStamp`, expireTime)
  }
  const idle = given.procedure === undefined && ['taskPriority', 'taskNotifyMode'].find((name) => given[name] !== undefined)
  if (idle) throw refusal('InvalidParameter', idle, 'has no effect without procedure: give both or neither')
  return signOriginal(Object.entries(all).map(([name, value]) => `${name}=${ENCODINGS[encoding](String(value))}`).join('&'), secretKey)
}

/**
 * The last step alone, for a text of one's own: nothing is checked.
 * @param {string} original
 * @param {string} secretKey
 */
export const signOriginal = (original, secretKey) => {
  if (typeof secretKey !== 'string' || !secretKey) throw refusal('MissingSecretKey', 'secretKey', 'is missing: the SecretKey that belongs to the SecretId')
  const mac = createHmac('sha1', secretKey).update(original).digest()
  return Buffer.concat([mac, Buffer.from(original)]).toString('base64')
}

const ENCODINGS = {
  querystring: encodeURIComponent,
  strict: (/** @type {string} */ value) => encodeURIComponent(value).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
}

/**
 * @param {string} code
 * @param {string} parameter
 * @param {string} reason
 * @param {unknown} [value]
 */
const refusal = (code, parameter, reason, value) =>
  Object.assign(new TypeError(`${parameter} ${reason}${value === undefined ? '' : `; it is ${show(value)}`}.`), { code, parameter })

/** Short, as it goes into a message. @param {unknown} value */
const show = (value) => {
  if (typeof value === 'string') return value.length <= 40 ? JSON.stringify(value) : `a string of ${value.length}`
  return typeof value === 'number' || value === null ? String(value) : typeof value
}
