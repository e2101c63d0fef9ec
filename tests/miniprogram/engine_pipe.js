// @ts-check
// The shell's `host` in an engine that shares no memory with the phone: messages are lines of JSON in which an ArrayBuffer
// is `{"$bytes": token}`, and undefined is `{"$undefined": 1}`, for arguments that are left out. An expression, like shell.js.

/**
 * @typedef {object} Io
 * @property {(text: string) => void} post
 * @property {(text: string) => string} ask
 * @property {(buffer: ArrayBuffer) => string} save
 * @property {(token: string) => ArrayBuffer} load
 * @property {(code: string) => any} evaluate `eval`
 * @property {(listener: (promise: any, reason: any) => void) => void} [unhandled]
 */

(/** @param {Io} io @param {Function} shell @param {any} description @param {any} global */ function (io, shell, description, global) {
  'use strict'
  const { evaluate } = io
  const encode = (/** @type {any} */ value) => JSON.stringify(value, (_, part) =>
    part === undefined ? { $undefined: 1 } : part instanceof ArrayBuffer ? { $bytes: io.save(part) } : part)
  const decode = (/** @type {string} */ text) => JSON.parse(text, (_, part) => part && part.$bytes !== undefined ? io.load(part.$bytes) : part)
  const post = (/** @type {any} */ message) => io.post(encode(message))
  if (io.unhandled) io.unhandled((_, reason) => post({ type: 'error', text: `unhandled: ${reason && reason.message || reason}\n${reason && reason.stack || ''}` }))
  const ask = (/** @type {any} */ message) => decode(io.ask(encode(message)))
  const receive = shell({
    apis: description.apis,
    phone: description.phone,
    shared: false,
    own: (/** @type {any} */ value) => value,
    post,
    ask,
    compile(/** @type {string} */ path) {
      const { text } = ask({ type: 'module', path })
      if (text === undefined) return undefined
      return evaluate(`(function (${['require', 'module', 'exports', ...description.shadowed].join(', ')}) {${text}\n})\n//# sourceURL=${path}`)
    },
  }, global)
  return (/** @type {string} */ text) => receive(decode(text))
})
