// @ts-check
// Turns Rust's panics into traps. A shipped module has no panic hook, so nobody could read the messages; without
// them Rust's formatting code goes too: no shipped code prints for any other purpose.
import binaryen from 'binaryen'
import { HEADER, readerOf } from './wasm_reader.mjs'

const CUSTOM = 0

/** Functions that end in a panic or serve its message, by their demangled names without hashes. */
const PANICS = new RegExp([
  'core::panicking::', 'std::panicking::', 'rust_panic', 'rust_start_panic', '::panic_(already|access|poisoned)',
  '::(unwrap|expect|assert)_failed', 'slice_(error|index)\\w*_fail', 'len_mismatch_fail',
  'raw_vec::(handle_error|capacity_overflow)', 'handle_alloc_error',
  '(core|alloc)::fmt::', 'escape_debug', 'str::count::',
].join('|'))

/** @param {Uint8Array} wasm with its names */
export function trapPanics(wasm) {
  const module = binaryen.readBinary(wasm)
  let count = 0
  for (let i = module.getNumFunctions() - 1; i >= 0; i--) {
    const { name, base, params, results } = binaryen.getFunctionInfo(module.getFunctionByIndex(i))
    if (base || !PANICS.test(name.replace(/\[[0-9a-f]{16}\]/g, ''))) continue
    module.removeFunction(name)
    module.addFunction(name, params, results, [], module.unreachable())
    count++
  }
  if (count === 0) throw new Error('the wasm has no names, or the names of its panics have changed')
  const trapping = module.emitBinary()
  module.dispose()
  return trapping
}

/**
 * The module without its custom section of this name.
 * @param {Uint8Array} wasm
 * @param {string} unwanted
 */
export function dropSection(wasm, unwanted) {
  const kept = [wasm.subarray(0, HEADER)]
  const reader = readerOf(wasm, HEADER)
  while (reader.at < wasm.length) {
    const start = reader.at
    const id = reader.byte()
    const end = reader.number() + reader.at
    if (id !== CUSTOM || reader.string() !== unwanted) kept.push(wasm.subarray(start, end))
    reader.at = end
  }
  return Buffer.concat(kept)
}
