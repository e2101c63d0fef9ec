// @ts-check
// Reads the parts that all sections of a wasm module are made of.

/** Bytes of magic number and version, before the first section. */
export const HEADER = 8

/**
 * @param {Uint8Array} wasm
 * @param {number} at where to begin
 */
export function readerOf(wasm, at) {
  return {
    at,
    byte() {
      return wasm[this.at++]
    },
    /** LEB128, as sizes and counts are. */
    number() {
      let value = 0
      for (let shift = 0; ; shift += 7) {
        const byte = this.byte()
        value |= (byte & 127) << shift
        if (byte < 128) return value
      }
    },
    string() {
      const end = this.number() + this.at
      const text = Buffer.from(wasm.subarray(this.at, end)).toString()
      this.at = end
      return text
    },
  }
}
