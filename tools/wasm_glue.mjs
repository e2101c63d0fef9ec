// @ts-check
// Rewrites what wasm-bindgen generates for engines of all ages into what ours need: no caches of views, which a memory
// that is no WebAssembly.Memory does not tell when it grows; no way around the faults of engines that cannot load the
// module anyhow; no finalizers, since the core drops each closure itself. A third of the glue.

/** What is found, once each, and what it becomes. @type {[string, RegExp, string][]} */
const REWRITES = [
  ['the encoder', /function passStringToWasm0\([^]*?\n}\n/, `function passStringToWasm0(text, malloc) {
    const bytes = new TextEncoder().encode(text);
    const ptr = malloc(bytes.length, 1) >>> 0;
    getUint8ArrayMemory0().set(bytes, ptr);
    WASM_VECTOR_LEN = bytes.length;
    return ptr;
}
`],
  ['its polyfill', /const cachedTextEncoder[^]*?\n}\n/, ''],
  ['the decoder', /let cachedTextDecoder [^]*?\n}\n/, `function decodeText(bytes) {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}
`],
  ['the view of bytes', /let cachedUint8ArrayMemory0[^]*?\n}\n/, `function getUint8ArrayMemory0() {
    return new Uint8Array(wasm.memory.buffer);
}
`],
  ['the view of numbers', /let cachedDataViewMemory0[^]*?\n}\n/, `function getDataViewMemory0() {
    return new DataView(wasm.memory.buffer);
}
`],
  ['the finalizers', /const CLOSURE_DTORS [^]*?;\n\n/, ''],
  ['a finalizer that ends', / *CLOSURE_DTORS\.unregister\(state\);\n/, ''],
  ['a finalizer that begins', / *CLOSURE_DTORS\.register\([^;]*;\n/, ''],
]

/** @param {string} glue */
export function slimGlue(glue) {
  for (const [what, pattern, replacement] of REWRITES) {
    if (glue.split(new RegExp(pattern, 'g')).length !== 2) throw new Error(`wasm-bindgen's glue has changed: ${what}`)
    glue = glue.replace(pattern, () => replacement)
  }
  return glue.replace(/, wasm\.__wbindgen_realloc\)/g, ')')
}
