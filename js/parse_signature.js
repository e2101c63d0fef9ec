// @ts-check
// Reads a client upload signature of Tencent VOD without any key: most faults of an app server show in the token itself.
//
// Plain JavaScript: browsers and mini programs have neither Buffer nor, all of them, atob and TextDecoder.
// <https://cloud.tencent.com/document/product/266/9221>

/** A token begins with this many bytes of HMAC-SHA1. */
const MAC_SIZE = 20
/** The longest life the server accepts, s: 90 days. */
export const MAX_LIFE = 7_776_000
export const MAX_RANDOM = 0xffff_ffff
/** Seconds since 1970 stay below this for three thousand years; milliseconds have passed it. */
export const MAX_SECONDS = 100_000_000_000
/** A clock that is further ahead is worth a warning, s. */
const CLOCK_TOLERANCE = 300

export const REQUIRED = ['secretId', 'currentTimeStamp', 'expireTime', 'random']
const INTEGERS = ['currentTimeStamp', 'expireTime', 'random', 'classId', 'taskPriority', 'oneTimeValid', 'vodSubAppId']

/** @typedef {{ code: string, message: string }} Warning */

/**
 * What a token says, and what is wrong with it. Never throws; whether the MAC is right only the server knows.
 * @param {unknown} token
 * @param {number} [now] ms since the epoch
 */
export const parseUploadSignature = (token, now = Date.now()) => {
  /** @type {Warning[]} */
  const warnings = []
  /** @param {string} code @param {string} message */
  const warn = (code, message) => void warnings.push({ code, message })
  const text = bareToken(token, warn)
  const bytes = text === null ? null : decodeBase64(text)
  if (text && !bytes) warn('NotBase64', notBase64(text))
  const original = bytes && bytes.length > MAC_SIZE ? textOf(bytes.slice(MAC_SIZE)) : ''
  const parameters = parseQuery(original)
  if (bytes && parameters.secretId === undefined) {
    warn('NoParameters', 'The token is Base64, but holds no parameters: it has to be the Base64 of the 20 bytes of HMAC-SHA1, not of their '
      + 'hexadecimal form, followed by the text that was signed.')
  } else if (bytes) checkParameters(parameters, now, warn)
  const { expireTime } = parameters
  const expiresAt = typeof expireTime === 'number' ? expireTime * 1000 : null
  return {
    ...parameters,
    /** The text that was signed. */
    original,
    /** ms since the epoch, null when the token does not say. */
    expiresAt,
    /** @param {number} [at] ms since the epoch, by the server's clock */
    isExpired: (at = Date.now()) => expiresAt !== null && at >= expiresAt,
    warnings,
  }
}

/**
 * @param {Record<string, string | number>} parameters
 * @param {number} now
 * @param {(code: string, message: string) => void} warn
 */
const checkParameters = (parameters, now, warn) => {
  const missing = REQUIRED.filter((name) => parameters[name] === undefined || parameters[name] === '')
  if (missing.length) warn('MissingParameter', `The token lacks ${missing.join(', ')}.`)
  for (const name of INTEGERS) {
    const value = parameters[name]
    if (value === undefined || value === '' || Number.isInteger(value)) continue
    warn('NotInteger', typeof value === 'number' ? `${name} is ${value}: the server refuses a decimal point. Round it down, e.g. Math.floor(Date.now() / 1000).`
      : `${name} is ${JSON.stringify(value)}, which is no integer.`)
  }
  const { currentTimeStamp: current, expireTime: expire, random } = parameters
  if (typeof random === 'number' && (random < 0 || random > MAX_RANDOM)) {
    warn('RandomOutOfRange', `random is ${random}, and has to be 0…${MAX_RANDOM}: rounding random() * 2 ** 32 can give one too many.`)
  }
  if (typeof current !== 'number' || typeof expire !== 'number') return
  if (current >= MAX_SECONDS || expire >= MAX_SECONDS) return warn('Milliseconds', 'currentTimeStamp and expireTime are Unix seconds; these look like milliseconds.')
  if (expire <= current) warn('LifeTooShort', 'expireTime has to be later than currentTimeStamp.')
  if (expire - current > MAX_LIFE) warn('LifeTooLong', `The token lives for ${expire - current} s, and may for ${MAX_LIFE} (90 days).`)
  const seconds = now / 1000
  if (seconds >= expire) warn('Expired', `The token expired ${Math.floor(seconds - expire)} s ago by this device's clock: fetch a new one for every upload.`)
  if (current - seconds > CLOCK_TOLERANCE) {
    warn('NotYetValid', `The token's currentTimeStamp is ${Math.floor(current - seconds)} s ahead of this device's clock: one of the two clocks is wrong.`)
  }
}

/**
 * The token out of what an app handed over by mistake: a whole reply, JSON, quotes, white space.
 * @param {unknown} value
 * @param {(code: string, message: string) => void} warn
 * @returns {string | null} null when there is none
 */
const bareToken = (value, warn) => {
  if (typeof value === 'object' && value !== null) {
    warn('WholeResponse', 'An object was given in place of the token: pass the text of the signature alone, such as response.data.signature.')
    return memberToken(value)
  }
  if (typeof value !== 'string') {
    warn('NotString', `The token is ${value === null ? 'null' : typeof value}, and has to be a string.`)
    return null
  }
  const text = value.trim()
  if (!text) {
    warn('Empty', 'The token is empty.')
    return null
  }
  if (text !== value) warn('WhiteSpace', 'There is white space around the token: trim it.')
  if (/^HTTP\/\d/.test(text)) {
    warn('WholeResponse', 'The token is a whole HTTP response: pass the text of the signature alone.')
    const body = text.split(/\r?\n\r?\n/).slice(1).join('\n\n')
    return body.trim() ? bareToken(body, () => {}) : null
  }
  if (/^</.test(text)) {
    warn('WholeResponse', 'The token is a page of HTML or XML: look at what the address of the signatures answers.')
    return null
  }
  if (/^["'{[]/.test(text)) {
    const parsed = parseJson(text)
    if (typeof parsed === 'string' || /^(["']).*\1$/.test(text)) {
      warn('Quoted', 'The token is in quotes: pass the text without them, such as JSON.parse(text).')
      return typeof parsed === 'string' ? parsed.trim() : text.slice(1, -1)
    }
    warn('WholeResponse', 'The token is JSON: pass the text of the signature alone, such as JSON.parse(text).signature.')
    return memberToken(parsed)
  }
  return text
}

/**
 * @param {unknown} value
 * @returns {string | null}
 */
const memberToken = (value) => {
  const { signature, sign, data } = /** @type {any} */ (value ?? {})
  for (const text of [signature, sign, data]) if (typeof text === 'string') return text.trim()
  return typeof data === 'object' && data !== null ? memberToken(data) : null
}

/** @param {string} text */
const notBase64 = (text) => {
  if (/%[0-9a-f]{2}/i.test(text)) return 'The token is percent-encoded: decode it once, or do not encode it.'
  if (/ /.test(text)) return 'The token has blanks, where Base64 had a plus sign: it was decoded as part of an address. Send it in a body, or percent-encode it.'
  if (/[-_]/.test(text)) return 'The token is in the Base64 of addresses (- and _): the server takes the standard alphabet (+ and /).'
  return 'The token is not Base64 of the standard alphabet with padding.'
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/**
 * @param {string} text
 * @returns {number[] | null} null when it is not standard Base64 with padding
 */
const decodeBase64 = (text) => {
  if (text.length % 4 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null
  const digits = text.replace(/=+$/, '')
  const bytes = []
  let bits = 0
  let held = 0
  for (let i = 0; i < digits.length; i++) {
    bits = (bits << 6) | ALPHABET.indexOf(digits[i])
    held += 6
    if (held < 8) continue
    held -= 8
    bytes.push((bits >> held) & 255)
    bits &= (1 << held) - 1
  }
  return bytes
}

/**
 * UTF-8 by way of decodeURIComponent, which every engine has; Latin-1 when it is no UTF-8.
 * @param {number[]} bytes
 */
const textOf = (bytes) => {
  let latin = ''
  for (const byte of bytes) latin += String.fromCharCode(byte)
  return decoded(latin.replace(/[^\x20-\x7e]|%/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`)) ?? latin
}

/**
 * @param {string} text
 * @returns {string | null}
 */
const decoded = (text) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** @param {string} text */
const parseJson = (text) => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/**
 * @param {string} text
 * @returns {Record<string, string | number>} numbers where the server reads numbers
 */
const parseQuery = (text) => {
  /** @type {Record<string, string | number>} */
  const parameters = {}
  for (const pair of text.split('&')) {
    const at = pair.indexOf('=')
    if (at <= 0) continue
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)].map((part) => decoded(part.replace(/\+/g, '%20')) ?? part)
    parameters[name] = INTEGERS.includes(name) && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value
  }
  return parameters
}
