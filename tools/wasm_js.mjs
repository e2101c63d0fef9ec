// @ts-check
// Makes a CommonJS module of what wasm2js writes, which starts at once and exports what cannot be exported twice:
// `module.exports = (imports) => exports`, as WebAssembly would instantiate it.

/** @param {string} code */
export function factoryOf(code) {
  const imports = code.match(/^import \* as (\S+) from '([^']+)';\n/)
  const start = code.indexOf('var retasmFunc = asmFunc({')
  if (!imports || start < 0 || code.indexOf('import ', 1) === 1) throw new Error('wasm2js writes otherwise than it did')
  return `module.exports = function (imports) {\n${code.slice(imports[0].length, start)}\nreturn asmFunc(imports)\n}\n`
}
