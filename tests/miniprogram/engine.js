// @ts-check
// The engines that run a mini program: V8 in a bare context of this process; JavaScriptCore's shell `jsc`, with and without
// its compilers, as on iOS, where a program is only interpreted; QuickJS, which has no wasm.
//
// jsc is a child that talks in lines of JSON. It waits in readline, so timers and all else that comes from outside are
// this process's. ArrayBuffers cross as files. QuickJS is called like a function.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { types } from 'node:util'
import vm from 'node:vm'
import { has } from '../../tools/env.mjs'
import { SHADOWED } from './sandbox.js'

/**
 * @typedef {object} Engine
 * @property {(message: any) => void} deliver
 * @property {() => void | Promise<void>} kill
 *
 * @typedef {import('./sandbox.js').Program} Program
 * @typedef {ReturnType<Program['description']>} Description
 */

const textOf = (/** @type {string} */ name) => readFileSync(new URL(name, import.meta.url), 'utf8')
/** Without the line that only the type checker reads, these are expressions. */
const SHELL = textOf('shell.js')
const PIPE = textOf('engine_pipe.js')

/** Why an engine cannot run here; '' when it can. @param {import('./sandbox.js').Runtime} runtime */
export const missing = (runtime) => {
  if (runtime.startsWith('jsc') && !has('jsc')) return 'there is no jsc: sh tools/setup.sh'
  return ''
}

/**
 * @param {import('./sandbox.js').Runtime} runtime
 * @param {Description} description
 * @param {Program} program
 * @returns {Promise<Engine>}
 */
export const startEngine = async (runtime, description, program) => {
  switch (runtime) {
    case 'vm': return startVm(description, program)
    case 'jsc': return startJsc(description, program, [])
    case 'jsc-no-jit': return startJsc(description, program, ['--useJIT=0'])
    case 'quickjs': return startQuickJs(description, program)
    default: throw new TypeError(`there is no runtime ${runtime}`)
  }
}

/** @param {Description} description @param {Program} program @returns {Engine} */
function startVm(description, program) {
  const context = vm.createContext({}, { codeGeneration: { strings: false, wasm: true } })
  const run = (/** @type {string} */ code, filename = 'shell.js') => vm.runInContext(code, context, { filename })
  const { allocate, own } = run(`({
    allocate: (bytes) => new ArrayBuffer(bytes),
    own: (isBuffer) => function own(value) {
      if (value === null || typeof value !== 'object' || isBuffer(value)) return value
      if (Array.isArray(value)) return Array.from(value, own)
      const copy = {}
      for (const key of Object.keys(value)) copy[key] = own(value[key])
      return copy
    },
  })`)
  program.wx.phone.allocate = allocate
  const host = {
    ...description,
    shared: true,
    own: own(types.isAnyArrayBuffer),
    post: (/** @type {any} */ message) => program.receive(message),
    ask: (/** @type {any} */ message) => program.answer(message),
    /** @param {string} path */
    compile(path) {
      const text = program.wx.files.readPackage(path)?.toString()
      if (text === undefined) return undefined
      return vm.compileFunction(text, ['require', 'module', 'exports', ...SHADOWED], { parsingContext: context, filename: path })
    },
  }
  const deliver = run(SHELL)(host, run('this'))
  return { deliver, kill() {} }
}

/** What jsc has beside ECMAScript; it does not list these among its global's names. */
const JSC_OWN = `$262 atob btoa createGlobalObject describe drainMicrotasks edenGC fullGC gc load loadString openFile performance preciseTime print printErr
  quit readFile readline run runString setTimeout setUnhandledRejectionCallback sleepSeconds transferArrayBuffer write writeFile`.split(/\s+/)

/** @param {Description} description @param {Program} program @param {string[]} flags @returns {Engine} */
function startJsc(description, program, flags) {
  const folder = mkdtempSync(join(tmpdir(), 'vodupload-jsc-'))
  const main = join(folder, 'main.js')
  writeFileSync(main, `(function (global, pipe, shell) {
  const { print, readline, readFile, writeFile, drainMicrotasks, setUnhandledRejectionCallback } = global
  const queue = []
  let files = 0
  const io = {
    post: (text) => print('P' + text),
    ask(text) {
      print('A' + text)
      for (;;) {
        const line = readline()
        if (line[0] === 'A') return line.slice(1)
        queue.push(line)
      }
    },
    save(buffer) {
      const path = ${JSON.stringify(`${folder}/out`)} + ++files
      writeFile(path, buffer)
      return path
    },
    load: (path) => readFile(path, 'binary').buffer,
    evaluate: global.eval,
    unhandled: setUnhandledRejectionCallback,
  }
  for (const name of ${JSON.stringify(JSC_OWN)}) delete global[name]
  const receive = pipe(io, shell, ${JSON.stringify({ ...description, shadowed: SHADOWED })}, global)
  for (;;) {
    const line = queue.length > 0 ? queue.shift() : readline()
    if (!line) break
    receive(line.slice(1))
    drainMicrotasks()
  }
})(this, ${PIPE.trimEnd()}, ${SHELL.trimEnd()})
`)
  const child = spawn('jsc', [...flags, main], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = new Promise((resolve) => child.once('close', resolve))
  let files = 0
  const codec = createCodec({
    save(buffer) {
      const path = join(folder, `in${++files}`)
      writeFileSync(path, buffer)
      return path
    },
    load(path) {
      const bytes = readFileSync(path)
      unlinkSync(path)
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
    },
  })
  const say = (/** @type {string} */ line) => { if (child.stdin.writable) child.stdin.write(`${line}\n`) }
  createInterface({ input: child.stdout }).on('line', (line) => {
    const kind = line[0]
    if (kind !== 'P' && kind !== 'A') return void program.errors.push(`jsc says: ${line}`)
    const message = codec.decode(line.slice(1))
    if (kind === 'P') program.receive(message)
    else say(`A${codec.encode(program.answer(message))}`)
  })
  child.stderr.on('data', (chunk) => program.errors.push(`jsc: ${chunk}`))
  child.stdin.on('error', () => {}) // it was killed
  child.on('error', (error) => program.errors.push(`jsc: ${error.message}`))
  return {
    deliver: (message) => say(`M${codec.encode(message)}`),
    async kill() {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** @param {Description} description @param {Program} program @returns {Promise<Engine>} */
async function startQuickJs(description, program) {
  const { newQuickJSWASMModuleFromVariant } = await import('quickjs-emscripten-core')
  const { default: variant } = await import('@jitl/quickjs-wasmfile-release-sync')
  const quickjs = await newQuickJSWASMModuleFromVariant(/** @type {any} */ (variant))
  const runtime = quickjs.newRuntime()
  const context = runtime.newContext()
  let ended = false
  /** @type {Map<string, ArrayBuffer>} */
  const crossing = new Map()
  let last = 0
  const codec = createCodec({
    save(buffer) {
      crossing.set(`${++last}`, buffer)
      return `${last}`
    },
    load(token) {
      const buffer = /** @type {ArrayBuffer} */ (crossing.get(token))
      crossing.delete(token)
      return buffer
    },
  })
  /** @param {string} code @param {string} name */
  const evaluate = (code, name) => context.unwrapResult(context.evalCode(code, name))
  const io = context.newObject()
  /** @type {Record<string, (handle: import('quickjs-emscripten-core').QuickJSHandle) => any>} */
  const functions = {
    post: (text) => program.receive(codec.decode(context.getString(text))),
    ask: (text) => context.newString(codec.encode(program.answer(codec.decode(context.getString(text))))),
    save: (handle) => {
      const lifetime = context.getArrayBuffer(handle)
      const bytes = lifetime.value
      const token = context.newString(`${++last}`)
      crossing.set(`${last}`, new Uint8Array(bytes).buffer)
      lifetime.dispose()
      return token
    },
    load: (token) => {
      const name = context.getString(token)
      const buffer = /** @type {ArrayBuffer} */ (crossing.get(name))
      crossing.delete(name)
      return context.newArrayBuffer(buffer)
    },
  }
  for (const [name, work] of Object.entries(functions)) context.newFunction(name, work).consume((handle) => context.setProp(io, name, handle))
  context.setProp(context.global, 'io', io)
  const start = `(function (global, pipe, shell) {
    const { io } = global
    io.evaluate = global.eval
    return pipe(io, shell, ${JSON.stringify({ ...description, shadowed: SHADOWED })}, global)
  })(globalThis, ${PIPE.trimEnd()}, ${SHELL.trimEnd()})`
  const receive = evaluate(start, 'shell.js')
  io.dispose()
  const deliver = (/** @type {any} */ message) => {
    if (ended) return
    const text = context.newString(codec.encode(message))
    const result = context.callFunction(receive, context.undefined, text)
    text.dispose()
    if (result.error) program.errors.push(JSON.stringify(context.dump(result.error)))
    result.dispose()
    const jobs = runtime.executePendingJobs()
    if (jobs.error) program.errors.push(JSON.stringify(context.dump(jobs.error)))
    jobs.dispose()
  }
  return {
    deliver,
    kill() {
      ended = true
      // Later: the program may have asked for its own end.
      setImmediate(() => {
        try {
          receive.dispose()
          context.dispose()
          runtime.dispose()
        } catch {
          // It asserts that a program has left nothing behind; one that was killed has.
        }
      })
    },
  }
}

/**
 * JSON in which an ArrayBuffer is `{"$bytes": token}`.
 * @param {{ save: (buffer: any) => string, load: (token: string) => ArrayBuffer }} store
 */
function createCodec({ save, load }) {
  return {
    /** @param {any} value */
    encode: (value) => JSON.stringify(value, (_, part) => types.isAnyArrayBuffer(part) ? { $bytes: save(Buffer.from(part)) } : part),
    /** @param {string} text */
    decode: (text) => JSON.parse(text, (_, part) => part?.$undefined ? undefined : part?.$bytes !== undefined ? load(part.$bytes) : part),
  }
}
