// @ts-check
// Shortens the names by which the wasm and its glue know each other: they are long and most are half hash.

import { HEADER, readerOf } from './wasm_reader.mjs'

const IMPORTS = 2
const EXPORTS = 7
const FUNCTION = 0

/**
 * @param {Uint8Array<ArrayBuffer>} wasm
 * @param {string} glue
 * @returns {Promise<{ wasm: Uint8Array, glue: string }>}
 */
export async function shortenNames(wasm, glue) {
  const module = await WebAssembly.compile(wasm)
  const names = new Map()
  for (const { name } of WebAssembly.Module.imports(module)) {
    if (new RegExp(`export function ${name}\\b`).test(glue)) names.set(name, `_${names.size.toString(36)}`)
  }
  const imported = names.size
  for (const { name } of WebAssembly.Module.exports(module)) {
    if (name !== 'memory' && new RegExp(`\\bwasm\\.${name}\\b`).test(glue)) {
      names.set(name, `$${(names.size - imported).toString(36)}`)
    }
  }
  const text = glue
    .replace(/(?<=export function )\w+/g, (name) => names.get(name) ?? name)
    .replace(/(?<=\bwasm\.)\w+/g, (name) => names.get(name) ?? name)
  return { wasm: rewrite(wasm, (name) => names.get(name) ?? name), glue: text }
}

/**
 * @param {Uint8Array} wasm
 * @param {(name: string) => string} rename
 */
function rewrite(wasm, rename) {
  const reader = readerOf(wasm, HEADER)
  const out = [...wasm.subarray(0, HEADER)]
  while (reader.at < wasm.length) {
    const id = reader.byte()
    const end = reader.number() + reader.at
    /** @type {number[]} */
    const body = []
    if (id === IMPORTS || id === EXPORTS) {
      const count = reader.number()
      body.push(...leb(count))
      for (let i = 0; i < count; i++) {
        if (id === IMPORTS) body.push(...bytes(reader.string()))
        body.push(...bytes(rename(reader.string())))
        const kind = reader.byte()
        if (id === IMPORTS && kind !== FUNCTION) throw new Error('wasm-bindgen imports more than functions')
        body.push(kind, ...leb(reader.number()))
      }
    } else {
      while (reader.at < end) body.push(reader.byte())
    }
    out.push(id, ...leb(body.length))
    for (const byte of body) out.push(byte)
  }
  return Uint8Array.from(out)
}

/** @param {number} value */
function leb(value) {
  const out = []
  for (; value > 127; value >>>= 7) out.push((value & 127) | 128)
  return [...out, value]
}

/** @param {string} text */
const bytes = (text) => {
  const encoded = Buffer.from(text)
  return [...leb(encoded.length), ...encoded]
}
