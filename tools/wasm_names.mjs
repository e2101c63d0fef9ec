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
  /** What the glue gives to the wasm. */
  const given = new Map()
  for (const { name } of WebAssembly.Module.imports(module)) {
    if (new RegExp(`export function ${name}\\b`).test(glue)) given.set(name, `_${given.size.toString(36)}`)
  }
  /** What it takes from it; its own functions for these keep their names. */
  const taken = new Map()
  for (const { name } of WebAssembly.Module.exports(module)) {
    if (name !== 'memory' && new RegExp(`\\bwasm\\.${name}\\b`).test(glue)) taken.set(name, `$${taken.size.toString(36)}`)
  }
  const text = glue
    .replace(/(?<=export function )\w+/g, (name) => given.get(name) ?? name)
    .replace(/(?<=\bwasm\.)\w+/g, (name) => taken.get(name) ?? name)
  return { wasm: rewrite(wasm, (name) => given.get(name) ?? taken.get(name) ?? name), glue: text }
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
