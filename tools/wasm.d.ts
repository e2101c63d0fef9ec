// The wasm, written into the bundle by wasm_text.mjs.
export default function bytes(): Promise<Uint8Array<ArrayBuffer>>
