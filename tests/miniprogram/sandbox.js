// @ts-check
// Runs a mini program against a phone of wx.js.
//
//   const wx = createWx({ domains: null })
//   const program = await runProject({ root: 'a/mini/program', runtime: 'vm', wx })
//   await program.open('pages/index/index')     // its Page: onLoad, onShow, onReady
//   await program.page('tapUpload', { … })      // calls a method of the page; program.app(…): of the App
//   await program.heard('done')                 // console.log('@done', value) in the program
//   console.log(await program.data(), program.events, program.errors)
//   await program.close()
//
// `root` is what a phone has after installing: app.js, pages/…, miniprogram_npm/<name>/…, all CommonJS, whether written by
// hand or by WeChat's compiler. `runtime` is `vm` (V8, a bare context), `jsc`, `jsc-no-jit` or `quickjs`, see engine.js.
// The engine has ECMAScript 2018, console, timers, wx, WXWebAssembly, App, Page, getApp, getCurrentPages, and in modules
// require, module and exports; nothing else. Only WXWebAssembly needs an engine with wasm: QuickJS has none.
// What goes wrong inside is in `errors` (what was thrown), `complaints` of wx (what a phone would swallow) and `logs`.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { brotliDecompressSync } from 'node:zlib'
import { env } from '../../tools/env.mjs'
import { startEngine } from './engine.js'
import { isAtLeast, WxError } from './wx.js'

/** Whoever waits longer waits for ever. */
const HANG_MS = 60_000

/** What every module of WeChat's has among its parameters, always undefined. */
export const SHADOWED = ['window', 'document', 'frames', 'self', 'location', 'navigator', 'localStorage', 'history', 'Caches', 'screen', 'alert', 'confirm', 'prompt', 'fetch', 'XMLHttpRequest', 'WebSocket', 'webkit', 'WeixinJSCore', 'Reporter']

/** @typedef {'vm' | 'jsc' | 'jsc-no-jit' | 'quickjs'} Runtime */
/** @typedef {import('./wx.js').Wx} Wx */

/**
 * @param {object} options
 * @param {string} options.root
 * @param {Wx} options.wx
 * @param {Runtime} [options.runtime]
 * @param {string} [options.entry]
 */
export async function runProject({ root, wx, runtime = 'vm', entry = 'app.js' }) {
  const program = new Program(wx, root)
  program.engine = await startEngine(runtime, program.description(), program)
  program.tell({ type: 'start', entry })
  return program
}

export class Program {
  /** @param {Wx} wx @param {string} root */
  constructor(wx, root) {
    if (wx.phone.gate.state === 'closed') wx.revive()
    this.wx = wx
    this.gate = wx.phone.gate
    wx.phone.root = root
    wx.connect((name, value) => this.tell({ type: 'event', name, value }))
    /** What the program told with `console.log('@name', value)`. @type {{ name: string, value: any }[]} */
    this.events = []
    /** @type {{ level: string, text: string }[]} */
    this.logs = []
    /** Thrown and caught by nobody. @type {string[]} */
    this.errors = []
    /** @type {import('./engine.js').Engine | undefined} */
    this.engine = undefined
    this.ended = false
    /** @type {Map<number, import('./wx.js').Task>} */
    this.tasks = new Map()
    /** @type {Map<number, () => void>} */
    this.timers = new Map()
    /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
    this.commands = new Map()
    this.last = 0
  }

  /** What the shell has to know. */
  description() {
    const { version, wasm, globals } = this.wx.phone
    return { apis: this.wx.apis(), phone: { wasm: isAtLeast(version, '2.13.0') && wasm, globals, env: 'wxfile://usr' } }
  }

  /** @param {any} message */
  tell(message) {
    this.gate.pass(() => {
      if (!this.ended) this.engine?.deliver(message)
    })
  }

  /** From the program. @param {any} message */
  receive(message) {
    if (this.ended || this.gate.state === 'closed') return
    const { type, id } = message
    switch (type) {
      case 'call': {
        const task = this.wx.call(message.api, message.options, (kind, value) => {
          if (kind === 'success' || kind === 'fail') this.tasks.delete(id)
          this.tell({ type: 'reply', id, kind, value })
        })
        if (task) this.tasks.set(id, task)
        break
      }
      case 'abort': this.tasks.get(id)?.abort(); break
      case 'timer': this.ring(id, message.ms, message.repeat); break
      case 'clear':
        this.timers.get(id)?.()
        this.timers.delete(id)
        break
      case 'listen': this.wx.listeners[message.name] = message.count; break
      case 'tell': this.events.push({ name: message.name, value: structuredClone(message.value) }); break
      case 'log': this.logs.push({ level: message.level, text: message.text }); break
      case 'error': this.errors.push(message.text); break
      case 'complaint': this.wx.complaints.push(message.text); break
      case 'done': {
        const command = this.commands.get(id)
        this.commands.delete(id)
        if (message.error === undefined) command?.resolve(structuredClone(message.value)) // of this realm, so that it can be compared
        else command?.reject(new Error([message.error, ...this.errors].join('\n')))
      }
    }
  }

  /** @param {number} id @param {number} ms @param {boolean} repeat */
  ring(id, ms, repeat) {
    this.timers.set(id, this.gate.timer(ms, () => {
      this.timers.delete(id)
      if (repeat) this.ring(id, ms, repeat)
      this.tell({ type: 'ring', id })
    }))
  }

  /** From the program, which waits. @param {any} message @returns {any} */
  answer({ type, api, args, path }) {
    try {
      if (type === 'wasm') return { bytes: readWasm(this.wx, path) }
      if (type === 'module') return { text: this.wx.files.readPackage(path)?.toString() }
      return { value: this.wx.ask(api, args) }
    } catch (error) {
      const { errMsg, message, errno } = /** @type {WxError} */ (error)
      return { error: errMsg ?? message, errno }
    }
  }

  /** @param {string} verb @param {string} name @param {any[]} args @returns {Promise<any>} */
  command(verb, name, args) {
    const id = ++this.last
    return new Promise((resolve, reject) => {
      this.commands.set(id, { resolve, reject })
      this.tell({ type: 'command', id, verb, name, args })
    })
  }

  /** @param {string} method @param {...any} args */
  app(method, ...args) { return this.command('app', method, args) }

  /** @param {string} method @param {...any} args */
  page(method, ...args) { return this.command('page', method, args) }

  /** @param {string} path @param {any} [query] */
  open(path, query) { return this.command('open', path, [query]) }

  /** The page's data, as it would be shown. */
  data() { return this.command('data', '', []) }

  /** @param {string} name @returns {any[]} */
  told(name) { return this.events.filter((event) => event.name === name).map(({ value }) => value) }

  /**
   * Waits for an event; gives its latest value.
   * @param {string} name
   * @param {number | ((value: any) => boolean)} [wanted] how many of them, or one like this
   */
  async heard(name, wanted = 1) {
    const found = () => typeof wanted === 'number' ? this.told(name).slice(wanted - 1) : this.told(name).filter(wanted)
    await this.until(`@${name}`, () => found().length > 0)
    return found().pop()
  }

  /** @param {string} what @param {() => boolean | Promise<boolean>} condition */
  async until(what, condition) {
    const started = Date.now()
    while (!await condition()) {
      if (Date.now() - started > HANG_MS) throw new Error(`waited in vain for ${what}\n${this.story()}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** For the message of a failed test. */
  story() {
    return [
      ...this.events.slice(-20).map(({ name, value }) => `@${name} ${JSON.stringify(value).slice(0, 300)}`),
      ...this.logs.slice(-20).map(({ level, text }) => `${level}: ${text}`), ...this.errors.map((text) => `thrown: ${text}`),
      ...this.wx.calls.slice(-10).map(({ api, method, url, size, ended = 'under way' }) => `${api} ${method} ${url.slice(0, 120)} ${size} ${ended}`),
    ].join('\n')
  }

  /** The phone ends the program. */
  async kill() {
    if (this.ended) return
    this.ended = true
    if (this.wx.phone.gate === this.gate) this.wx.kill()
    else this.gate.close()
    for (const { reject } of this.commands.values()) reject(new Error('the program was killed'))
    this.commands.clear()
    await this.engine?.kill()
  }

  /** Same: a mini program has no other end. */
  close() { return this.kill() }
}

/** @type {Map<string, string>} */
const checked = new Map()

/** @param {Wx} wx @param {unknown} path */
function readWasm(wx, path) {
  const refuse = (/** @type {string} */ why) => { throw new WxError(`WXWebAssembly.instantiate:fail ${why}`) }
  if (typeof path !== 'string') throw new WxError('WXWebAssembly.instantiate:fail a path is needed, no bytes')
  if (!path.startsWith('/') || path.includes('..')) refuse(`${path} is no absolute path of the package`)
  if (!/\.wasm(\.br)?$/.test(path)) refuse(`${path} does not end in .wasm or .wasm.br`)
  const packed = path.endsWith('.br')
  if (packed && !isAtLeast(wx.phone.version, '2.14.0')) refuse('.wasm.br needs base library 2.14.0')
  const file = wx.files.readPackage(path)
  if (!file) throw new WxError(`WXWebAssembly.instantiate:fail file not found ${path}`)
  const bytes = packed ? brotliDecompressSync(file) : file
  const hash = createHash('sha1').update(bytes).digest('hex')
  const verdict = checked.get(hash) ?? beyondMvp(bytes)
  checked.set(hash, verdict)
  if (verdict) refuse(`not of WebAssembly's first version: ${verdict}`)
  return new Uint8Array(bytes).buffer
}

/** What old engines would not take; '' also where wasm-tools is not installed. @param {Uint8Array} bytes */
function beyondMvp(bytes) {
  try {
    execFileSync('wasm-tools', ['validate', '--features=mvp'], { env, input: bytes, stdio: ['pipe', 'ignore', 'pipe'] })
    return ''
  } catch (error) {
    const { code, stderr } = /** @type {any} */ (error)
    return code === 'ENOENT' ? '' : String(stderr)
  }
}
