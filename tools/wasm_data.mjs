// @ts-check
// Blanks what only panics would print. Their code is gone (wasm_panics.mjs), but no tool removes data; zeros take no
// room on the wire. Everything is found by its exact content: what another compiler spells otherwise just stays.
import { createHash } from 'node:crypto'

/** Where the code stood that panics. */
const PATHS = /(?:\/rustc\/[0-9a-f]{40}\/|index\.crates\.io-[0-9a-f]+\/|\/rust\/deps\/|src\/)[\w/.-]+\.rs/g

/** What the standard library and wasm-bindgen say when they panic, between the values. */
const MESSAGES = [
  'begin > end (', ') when slicing `', 'start byte index ', 'end byte index ', ' is out of bounds of `',
  ' is not a char boundary; it is inside ', ' (bytes ', ') of `', 'slice index starts at ', ' but ends at ',
  'index out of bounds: the len is ', ' but the index is ', 'range start index ', 'range end index ',
  ' out of range for slice of length ', 'min > max. min = ', ', max = ',
  'assertion `left ', ' right` failed', '  left: ', ' right: ',
  'copy_from_slice: source slice length (', ') does not match destination slice length (',
  'insertion index (is ', ') should be <= len (is ', 'removal index (is ', ') should be < len (is ',
  'cannot access a Thread Local Storage value during or after destruction: ', 'internal error: entered unreachable code',
  'overflow in Duration::new', 'overflow when multiplying duration by scalar', 'overflow when adding durations',
  'capacity overflow', 'attempt to divide by zero', 'mid > len', '`async fn` resumed after completion',
  'RefCell already mutably borrowed', 'RefCell already borrowed', 'LazyCell instance has previously been poisoned',
  'called `Option::unwrap()` on a `None` value', 'called `Option::unwrap_throw()` on a `None` value',
  'called `Result::unwrap_throw()` on an `Err` value', 'finish: callbacks should be Some', 'finish: result should be None',
  'FnOnce called more than once', 'closure invoked recursively or after being dropped',
]

/**
 * Which characters can be printed, which messages would escape by: how the table begins, its length, and its SHA-256.
 * Of `core::unicode::printable` in Rust 1.95.
 */
const TABLE = {
  start: '060101030104020507070208',
  length: 1459,
  sha256: '60d02311aff6de04044f86e66d7a0a44fecea372053ddc9c8e215e251512783a',
}

/** @param {Uint8Array} wasm */
export function blankDeadData(wasm) {
  let text = Buffer.from(wasm).toString('latin1')
  const blank = (/** @type {string} */ found) => '\0'.repeat(found.length)
  text = text.replace(PATHS, blank)
  for (const message of MESSAGES) text = text.replaceAll(message, blank)
  const at = text.indexOf(Buffer.from(TABLE.start, 'hex').toString('latin1'))
  const table = text.slice(at, at + TABLE.length)
  if (createHash('sha256').update(table, 'latin1').digest('hex') === TABLE.sha256) {
    text = text.slice(0, at) + blank(table) + text.slice(at + TABLE.length)
  } else {
    console.warn('build: this compiler has another table of printable characters; the wasm is 1 KB larger')
  }
  return Buffer.from(text, 'latin1')
}
