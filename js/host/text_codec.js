// @ts-check
// UTF-8, for engines that have neither TextEncoder nor TextDecoder. What the core passes is well-formed one way and
// may hold lone surrogates the other, which become U+FFFD as in the standard.

export class TextEncoder {
  /** @param {string} text */
  encode(text) {
    const bytes = new Uint8Array(text.length * 3)
    let at = 0
    for (let i = 0; i < text.length; i++) {
      let code = text.charCodeAt(i)
      if (code >= 0xd800 && code < 0xe000) {
        const low = text.charCodeAt(i + 1)
        const isPair = code < 0xdc00 && low >= 0xdc00 && low < 0xe000
        code = isPair ? 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff) : 0xfffd
        if (isPair) i++
      }
      if (code < 0x80) {
        bytes[at++] = code
        continue
      }
      // The first byte tells how many follow, each with six bits.
      let shift = code < 0x800 ? 6 : code < 0x10000 ? 12 : 18
      bytes[at++] = [0xc0, 0xe0, 0xf0][shift / 6 - 1] | (code >> shift)
      while (shift > 0) bytes[at++] = 0x80 | ((code >> (shift -= 6)) & 0x3f)
    }
    return bytes.subarray(0, at)
  }
}

export class TextDecoder {
  /** @param {Uint8Array} bytes well-formed UTF-8 */
  decode(bytes) {
    let text = ''
    for (let i = 0; i < bytes.length;) {
      let code = bytes[i++]
      const more = code < 0x80 ? 0 : code < 0xe0 ? 1 : code < 0xf0 ? 2 : 3
      if (more > 0) code &= 0x3f >> more
      for (let k = 0; k < more; k++) code = (code << 6) | (bytes[i++] & 0x3f)
      text += code < 0x10000
        ? String.fromCharCode(code)
        : String.fromCharCode(0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff))
    }
    return text
  }
}
