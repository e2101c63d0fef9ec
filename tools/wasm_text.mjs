// @ts-check
// Writes wasm as ASCII text that compresses nearly as well as the bytes themselves.
//
// Base64 cuts bytes at every sixth bit, which hides their repetitions from brotli and costs a third more after
// it. Here the 91 most frequent bytes are one character each and the others two, so a pattern of bytes stays a
// pattern of characters: about 4 % more than the raw file after brotli, with no second request, no asset rule in
// a bundler and nothing that a page of another charset could spoil.

/** Printable ASCII but `"` and `\`: no character needs an escape in a JS string. */
const alphabet = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).filter((c) => c !== '"' && c !== '\\')
/** The last two characters announce the second half of a pair. */
const SINGLES = alphabet.length - 2

/**
 * The source of a module whose default export gives the bytes.
 * @param {Uint8Array} bytes
 */
export function moduleOf(bytes) {
  const order = byteOrder(bytes)
  /** @type {string[]} */
  const code = []
  order.forEach((byte, i) => {
    const rest = i - SINGLES
    code[byte] = rest < 0
      ? alphabet[i]
      : alphabet[SINGLES + Math.floor(rest / alphabet.length)] + alphabet[rest % alphabet.length]
  })
  const text = Array.from(bytes, (byte) => code[byte]).join('')
  return `
const singles = [${order.slice(0, SINGLES)}]
const text = "${text}"
export default async () => {
  const order = singles.slice()
  for (let byte = 0; byte < 256; byte++) if (singles.indexOf(byte) < 0) order.push(byte)
  const digit = (at) => {
    const code = text.charCodeAt(at)
    return code - 32 - (code > 34) - (code > 92)
  }
  const bytes = new Uint8Array(${bytes.length})
  for (let from = 0, to = 0; from < text.length; ) {
    let index = digit(from++)
    if (index >= ${SINGLES}) index = ${SINGLES} + (index - ${SINGLES}) * ${alphabet.length} + digit(from++)
    bytes[to++] = order[index]
  }
  return bytes
}
`
}

/**
 * The bytes in the order of their codes: first those with one character. Of these, printable ones keep their own
 * character, so that brotli knows the words; all others ascend, so that near bytes have near characters.
 * @param {Uint8Array} bytes
 */
function byteOrder(bytes) {
  const counts = new Array(256).fill(0)
  for (const byte of bytes) counts[byte]++
  const ranked = [...counts.keys()].sort((a, b) => counts[b] - counts[a] || a - b)
  const frequent = ranked.slice(0, SINGLES).sort((a, b) => a - b)
  const own = (/** @type {number} */ byte) => {
    const index = alphabet.indexOf(String.fromCharCode(byte))
    return index < SINGLES ? index : -1
  }
  /** @type {number[]} */
  const order = []
  for (const byte of frequent) if (own(byte) >= 0) order[own(byte)] = byte
  // To brotli's model of text, most of these bytes are punctuation rather than letters.
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /./]
  const kind = (/** @type {number} */ index) => kinds.findIndex((it) => it.test(alphabet[index]))
  const free = [...alphabet.keys()].slice(0, SINGLES).filter((index) => order[index] === undefined)
  free.sort((a, b) => kind(b) - kind(a) || a - b)
  for (const byte of frequent) if (own(byte) < 0) order[/** @type {number} */ (free.shift())] = byte
  return [...order, ...ranked.slice(SINGLES).sort((a, b) => a - b)]
}
