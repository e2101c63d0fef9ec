// @ts-check
// CRC-64/XZ as OSS reports it in x-oss-hash-crc64ecma: of a stream, and of joined parts.
//
// JavaScript has no fast 64-bit integers, so a value is two 32-bit halves and eight bytes are taken per step with eight
// tables each. Check value: "123456789" gives 11051210869376104954.

const POLY_LOW = 0xd7870f42
const POLY_HIGH = 0xc96c5795
const POLY = 0xc96c5795d7870f42n
const MASK = 0xffffffffffffffffn

const low = new Uint32Array(8 * 256)
const high = new Uint32Array(8 * 256)
for (let n = 0; n < 256; n++) {
  let l = n
  let h = 0
  for (let bit = 0; bit < 8; bit++) {
    const odd = l & 1
    l = (l >>> 1) | (h << 31)
    h >>>= 1
    if (odd) { l ^= POLY_LOW; h ^= POLY_HIGH }
  }
  low[n] = l
  high[n] = h
}
for (let n = 256; n < 8 * 256; n++) {
  const l = low[n - 256]
  const h = high[n - 256]
  low[n] = ((l >>> 8) | (h << 24)) ^ low[l & 255]
  high[n] = (h >>> 8) ^ high[l & 255]
}

/** A running CRC-64: `update` any number of times, then `value`. */
export const crc64 = () => {
  let l = ~0
  let h = ~0
  return {
    /** @param {Uint8Array} bytes */
    update(bytes) {
      const end = bytes.length
      const wholeSteps = end - end % 8
      let a = l
      let b = h
      let i = 0
      for (; i < wholeSteps; i += 8) {
        const x = a ^ (bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16 | bytes[i + 3] << 24)
        const y = b ^ (bytes[i + 4] | bytes[i + 5] << 8 | bytes[i + 6] << 16 | bytes[i + 7] << 24)
        const t0 = 1792 + (x & 255)
        const t1 = 1536 + (x >>> 8 & 255)
        const t2 = 1280 + (x >>> 16 & 255)
        const t3 = 1024 + (x >>> 24)
        const t4 = 768 + (y & 255)
        const t5 = 512 + (y >>> 8 & 255)
        const t6 = 256 + (y >>> 16 & 255)
        const t7 = y >>> 24
        a = low[t0] ^ low[t1] ^ low[t2] ^ low[t3] ^ low[t4] ^ low[t5] ^ low[t6] ^ low[t7]
        b = high[t0] ^ high[t1] ^ high[t2] ^ high[t3] ^ high[t4] ^ high[t5] ^ high[t6] ^ high[t7]
      }
      for (; i < end; i++) {
        const t = (a ^ bytes[i]) & 255
        a = ((a >>> 8) | (b << 24)) ^ low[t]
        b = (b >>> 8) ^ high[t]
      }
      l = a
      h = b
    },
    value: () => (BigInt(~h >>> 0) << 32n) | BigInt(~l >>> 0),
  }
}

/**
 * Product of two polynomials modulo the CRC's; bit 63 is the constant term because the CRC is reflected.
 * @param {bigint} a
 * @param {bigint} b
 */
const multiply = (a, b) => {
  let product = 0n
  for (let bit = 1n << 63n; bit; bit >>= 1n) {
    if (a & bit) product ^= b
    b = b & 1n ? (b >> 1n) ^ POLY : b >> 1n
  }
  return product & MASK
}

/**
 * The CRC of two byte runs joined, from the CRC of each.
 * @param {bigint} first
 * @param {bigint} second
 * @param {number} secondLength bytes of the second run
 */
export const joinCrc64 = (first, second, secondLength) => {
  let shift = 1n << 63n // x^0
  let power = 1n << 55n // x^8, one byte
  for (let left = secondLength; left > 0; left = Math.floor(left / 2)) {
    if (left % 2) shift = multiply(shift, power)
    power = multiply(power, power)
  }
  return multiply(shift, first) ^ second
}

/**
 * The CRC of zeros.
 * @param {number} size bytes
 */
export const zerosCrc64 = (size) => joinCrc64(MASK, 0n, size) ^ MASK
