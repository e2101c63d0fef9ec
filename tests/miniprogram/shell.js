// @ts-check
// What surrounds a mini program inside its engine: `wx` and its callbacks, timers, modules, App and Page. One text for
// all engines, evaluated there as an expression; an engine brings `host`, its line to sandbox.js.
//
// A phone's engine has little more than ECMAScript 2018, so this takes everything else away before the program runs.

/**
 * @typedef {object} Host
 * @property {(message: any) => void} post tells the phone
 * @property {(message: any) => any} ask tells it and waits
 * @property {(path: string) => Function | undefined} compile a module of the package; undefined: there is none
 * @property {<T>(value: T) => T} own what came from outside, made of this engine's own objects
 * @property {boolean} shared whether the phone writes into the program's ArrayBuffers itself
 * @property {{ name: string, kind: string }[]} apis
 * @property {{ wasm: 'instance' | 'result' | false, globals: boolean, env: string }} phone
 */

(/** @param {Host} host @param {any} global */ function (host, global) {
  'use strict'
  const engineWasm = global.WebAssembly
  const KEPT = ['Object', 'Function', 'Array', 'Number', 'parseFloat', 'parseInt', 'Infinity', 'NaN', 'undefined', 'Boolean', 'String', 'Symbol',
    'Date', 'Promise', 'RegExp', 'Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError', 'JSON', 'Math',
    'Map', 'Set', 'WeakMap', 'WeakSet', 'ArrayBuffer', 'DataView', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array',
    'Int32Array', 'Uint32Array', 'Float32Array', 'Float64Array', 'Proxy', 'Reflect', 'isFinite', 'isNaN', 'decodeURI', 'decodeURIComponent',
    'encodeURI', 'encodeURIComponent', 'escape', 'unescape']
  /** Younger than ECMAScript 2018. @type {[any, string[]][]} */
  const YOUNG = [
    [Object, ['fromEntries', 'hasOwn', 'groupBy']],
    [Promise, ['allSettled', 'any', 'withResolvers', 'try']],
    [Array, ['fromAsync']],
    [Array.prototype, ['flat', 'flatMap', 'at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'toSpliced', 'with', 'group']],
    [Object.getPrototypeOf(Uint8Array.prototype), ['at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'with']],
    [Uint8Array, ['fromBase64', 'fromHex']],
    [Uint8Array.prototype, ['toBase64', 'toHex', 'setFromBase64', 'setFromHex']],
    [String.prototype, ['matchAll', 'replaceAll', 'at', 'trimStart', 'trimEnd', 'isWellFormed', 'toWellFormed']],
    [ArrayBuffer.prototype, ['resize', 'transfer', 'transferToFixedLength', 'detached', 'resizable', 'maxByteLength']],
    [Map, ['groupBy']],
    [Set.prototype, ['union', 'intersection', 'difference', 'symmetricDifference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom']],
    [Error, ['captureStackTrace', 'isError']],
  ]
  const kept = new Set(KEPT)
  for (const name of Object.getOwnPropertyNames(global)) {
    if (kept.has(name)) continue
    try {
      delete global[name]
    } catch (_) { /* not configurable: it is written over */ }
    if (name in global) global[name] = undefined
  }
  for (const [holder, names] of YOUNG) for (const name of names) delete holder[name]
  const NoEval = /** @type {any} */ (function Function() { throw new EvalError('Code generation from strings disallowed for this context') })
  NoEval.prototype = Function.prototype
  Object.defineProperty(Function.prototype, 'constructor', { value: NoEval })
  global.Function = NoEval

  /** @param {unknown} error */
  const textOf = (error) => {
    const { message, stack } = /** @type {any} */ (error) ?? {}
    if (message === undefined) return String(error)
    return stack && String(stack).startsWith(String(error)) ? String(stack) : `${error}\n${stack ?? ''}`
  }
  /** @param {unknown} error */
  const report = (error) => host.post({ type: 'error', text: textOf(error) })
  /** The program's code never throws into the phone. @param {Function | undefined} code @param {any[]} args */
  const enter = (code, ...args) => {
    if (typeof code !== 'function') return undefined
    try {
      return code(...args)
    } catch (error) {
      report(error)
    }
  }
  let last = 0

  // --- Console and timers ---------------------------------------------------

  /** Objects for the log, errors with their stacks. @param {any} value */
  const written = (value) => {
    if (typeof value === 'string') return value
    if (value instanceof Error) return textOf(value)
    try {
      return JSON.stringify(value) ?? String(value)
    } catch (_) {
      return String(value)
    }
  }
  /** @type {Record<string, Function>} */
  const console = {}
  for (const level of ['log', 'info', 'warn', 'error', 'debug', 'group', 'groupEnd', 'time', 'timeEnd']) {
    // `console.log('@name', value)` tells a test of an event.
    console[level] = (/** @type {any[]} */ ...args) => {
      if (typeof args[0] === 'string' && args[0][0] === '@') host.post({ type: 'tell', name: args[0].slice(1), value: JSON.parse(JSON.stringify(args[1] ?? null)) })
      else host.post({ type: 'log', level, text: args.map(written).join(' ') })
    }
  }
  global.console = console

  /** @type {Map<number, { code: Function, args: any[], repeat: boolean }>} */
  const timers = new Map()
  const setTimer = (/** @type {boolean} */ repeat) => (/** @type {Function} */ code, ms = 0, /** @type {any[]} */ ...args) => {
    const id = ++last
    timers.set(id, { code, args, repeat })
    host.post({ type: 'timer', id, ms: Number(ms) || 0, repeat })
    return id
  }
  const clearTimer = (/** @type {number} */ id) => { if (timers.delete(id)) host.post({ type: 'clear', id }) }
  Object.assign(global, { setTimeout: setTimer(false), setInterval: setTimer(true), clearTimeout: clearTimer, clearInterval: clearTimer })

  // --- wx -------------------------------------------------------------------

  /** @type {Map<number, { options: any, progress: Function[], headers: Function[] }>} */
  const calls = new Map()
  /** @type {Map<string, Set<Function>>} */
  const listeners = new Map()
  /** @type {any} */
  const wx = { env: { USER_DATA_PATH: host.phone.env } }
  /** @type {any} */
  const fileSystem = {}
  wx.getFileSystemManager = () => fileSystem

  /** `isFile()` cannot travel. @param {any} value */
  const finish = (value) => {
    const stats = value && (value.stats || value)
    if (stats && typeof stats === 'object' && 'directory' in stats) {
      const { file, directory } = stats
      delete stats.file
      delete stats.directory
      stats.isFile = () => file
      stats.isDirectory = () => directory
    }
    return value
  }
  /** @param {string} api @param {any} options */
  const begin = (api, options) => {
    const id = ++last
    /** @type {any} */
    const plain = {}
    for (const name of Object.keys(options)) if (typeof options[name] !== 'function') plain[name] = options[name]
    if (plain.arrayBuffer && !host.shared) {
      plain.capacity = plain.arrayBuffer.byteLength
      delete plain.arrayBuffer
    }
    calls.set(id, { options, progress: [], headers: [] })
    host.post({ type: 'call', id, api, options: plain })
    return id
  }
  /** @type {Record<string, (api: string) => Function>} */
  const makers = {
    async: (api) => (/** @type {any} */ options = {}) => {
      if (options.success || options.fail || options.complete || api.startsWith('fs.')) return void begin(api, options)
      return new Promise((success, fail) => begin(api, Object.assign({}, options, { success, fail })))
    },
    task: (api) => (/** @type {any} */ options = {}) => {
      const id = begin(api, options)
      const call = /** @type {NonNullable<ReturnType<typeof calls.get>>} */ (calls.get(id))
      const on = (/** @type {Function[]} */ list) => (/** @type {Function} */ code) => void list.push(code)
      const off = (/** @type {Function[]} */ list) => (/** @type {Function | undefined} */ code) => void list.splice(0, list.length, ...list.filter((other) => code && other !== code))
      return {
        abort: () => host.post({ type: 'abort', id }),
        onProgressUpdate: api === 'uploadFile' ? on(call.progress) : () => {}, // a request's is of what it downloads
        offProgressUpdate: off(call.progress),
        onHeadersReceived: on(call.headers),
        offHeadersReceived: off(call.headers),
      }
    },
    sync: (api) => (/** @type {any[]} */ ...args) => {
      const answer = host.own(host.ask({ type: 'sync', api, args }))
      if (answer.error === undefined) return finish(answer.value)
      throw Object.assign(new Error(answer.error), { errMsg: answer.error, errno: answer.errno })
    },
    event: (api) => {
      const name = api.replace(/^(on|off)/, '')
      const of = listeners.get(name) ?? new Set()
      listeners.set(name, of)
      return (/** @type {Function | undefined} */ code) => {
        if (api[1] === 'n' && code) of.add(code)
        else if (code) of.delete(code)
        else of.clear()
        host.post({ type: 'listen', name, count: of.size })
      }
    },
  }
  for (const { name, kind } of host.apis) {
    if (name.startsWith('fs.')) fileSystem[name.slice(3)] = makers[kind](name)
    else wx[name] = makers[kind](name)
  }
  global.wx = wx

  if (host.phone.wasm && engineWasm) {
    const shape = host.phone.wasm
    /** @param {string} path @param {any} imports */
    const start = (path, imports) => {
      const answer = host.ask({ type: 'wasm', path })
      if (answer.error !== undefined) throw new Error(answer.error)
      const module = new engineWasm.Module(answer.bytes)
      if (!host.phone.globals && engineWasm.Module.exports(module).some((/** @type {{ kind: string }} */ { kind }) => kind === 'global')) {
        throw new Error('WXWebAssembly.instantiate:fail exporting a Global is not supported on iOS')
      }
      const instance = new engineWasm.Instance(module, imports)
      return shape === 'instance' ? instance : { instance, module }
    }
    global.WXWebAssembly = {
      instantiate: (/** @type {string} */ path, /** @type {any} */ imports) => new Promise((resolve, reject) => {
        const ready = () => {
          try {
            resolve(start(path, imports))
          } catch (error) {
            reject(error)
          }
        }
        global.setTimeout(ready, 0)
      }),
    }
  }

  // --- Modules --------------------------------------------------------------

  /** @type {Map<string, { exports: any }>} */
  const modules = new Map()
  /** @param {string} path */
  const normal = (path) => path.split('/').reduce((/** @type {string[]} */ list, part) => {
    if (part === '..') list.pop()
    else if (part !== '.' && part !== '') list.push(part)
    return list
  }, []).join('/')
  /** @param {string} path @returns {{ exports: any } | undefined} */
  const load = (path) => {
    const known = modules.get(path)
    if (known) return known
    const code = host.compile(path)
    if (!code) return undefined
    const module = { exports: {} }
    modules.set(path, module)
    // WeChat names these in every module's parameters, so that `typeof window` is safe and window.x is not.
    code.call(module.exports, requirer(path), module, module.exports)
    return module
  }
  /** Where a require may point. @param {string} from @param {string} request */
  const places = (from, request) => {
    const folder = from.split('/').slice(0, -1)
    if (/^\.?\.?\//.test(request)) return [normal(request[0] === '/' ? request : `${folder.join('/')}/${request}`)]
    const list = []
    for (let depth = folder.length; depth >= 0; depth--) list.push(normal(`${folder.slice(0, depth).join('/')}/miniprogram_npm/${request}`))
    list.push(normal(`${folder.join('/')}/${request}`))
    return list
  }
  /** @param {string} from */
  const requirer = (from) => (/** @type {string} */ request) => {
    for (const place of places(from, request)) {
      for (const path of /\.js$/.test(place) ? [place, `${place}.js`] : [`${place}.js`, `${place}/index.js`]) {
        const module = load(path)
        if (module) return module.exports
      }
    }
    throw new Error(`module '${places(from, request)[0]}.js' is not defined, require args is '${request}'`)
  }

  // --- App and Page ---------------------------------------------------------

  /** @type {any} */
  let app = {}
  /** @type {any} */
  let page
  /** @param {any} target @param {any} part */
  const assign = (target, part) => {
    for (const path of Object.keys(part)) {
      const keys = path.replace(/\[(\d+)\]/g, '.$1').split('.')
      const holder = keys.slice(0, -1).reduce((/** @type {any} */ at, key) => at[key] ?? (at[key] = {}), target)
      holder[keys[keys.length - 1]] = part[path]
    }
  }
  /** What WeChat's bridge does to data: JSON there and back. @param {any} part */
  const bridged = (part) => {
    const check = (/** @type {any} */ value, /** @type {string} */ path) => {
      if (value === undefined || typeof value === 'function') host.post({ type: 'complaint', text: `setData: ${path} is ${typeof value} and is lost` })
      else if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) host.post({ type: 'complaint', text: `setData: ${path} is binary` })
      else if (value && typeof value === 'object') for (const key of Object.keys(value)) check(value[key], `${path}.${key}`)
    }
    const json = JSON.stringify(part)
    if (json.length > 1 << 20) host.post({ type: 'complaint', text: `setData: ${json.length} bytes, above 1 MB` })
    for (const key of Object.keys(part)) check(part[key], key)
    return JSON.parse(json)
  }
  global.App = (/** @type {any} */ options) => { app = options }
  global.getApp = () => app
  global.getCurrentPages = () => page ? [page] : []
  let opening = ''
  /** @type {Record<string, any>} */
  const registered = {}
  global.Page = (/** @type {any} */ options) => { registered[opening] = options }
  /** @param {string} path @param {any} query */
  const openPage = (path, query) => {
    enter(page?.onUnload?.bind(page))
    opening = path
    if (!load(`${path}.js`)) throw new Error(`there is no page ${path}`)
    const options = registered[path]
    if (!options) throw new Error(`${path}.js does not call Page`)
    page = Object.assign({}, options, { data: JSON.parse(JSON.stringify(options.data ?? {})), route: path, options: query })
    const here = page
    page.setData = (/** @type {any} */ part, /** @type {Function | undefined} */ done) => {
      assign(here.data, bridged(part))
      if (done) global.setTimeout(done.bind(here), 0)
    }
    for (const [name, value] of [['onLoad', query], ['onShow'], ['onReady']]) enter(page[name]?.bind(page), value)
  }

  // --- What the phone says --------------------------------------------------

  /** @type {Record<string, (message: any) => void>} */
  const hear = {
    reply({ id, kind, value }) {
      const call = calls.get(id)
      if (!call) return
      if (kind === 'progress' || kind === 'headers') return call[/** @type {'progress'} */ (kind)].forEach((code) => enter(code, value))
      calls.delete(id)
      const { options } = call
      if (value.bytes) {
        new Uint8Array(options.arrayBuffer).set(new Uint8Array(value.bytes), options.offset ?? 0)
        delete value.bytes
      }
      if ('bytesRead' in value) value.arrayBuffer = options.arrayBuffer
      enter(options[kind], finish(value))
      enter(options.complete, value)
    },
    ring({ id }) {
      const timer = timers.get(id)
      if (!timer) return
      if (!timer.repeat) timers.delete(id)
      enter(timer.code, ...timer.args)
    },
    event({ name, value }) {
      for (const code of [...listeners.get(name) ?? []]) enter(code, value)
      const method = { AppShow: 'onShow', AppHide: 'onHide' }[/** @type {'AppShow'} */ (name)]
      if (method) for (const owner of [app, page]) enter(owner?.[method]?.bind(owner), value)
    },
    start({ entry }) {
      if (!load(entry)) throw new Error(`there is no ${entry}`)
      const launch = { path: 'pages/index/index', query: {}, scene: 1001 }
      enter(app.onLaunch?.bind(app), launch)
      enter(app.onShow?.bind(app), launch)
    },
    /** Commands of the test, each with one answer. */
    command({ id, verb, name, args }) {
      const owner = verb === 'page' ? page : app
      const work = () => {
        if (verb === 'open') return openPage(name, args[0] ?? {})
        if (verb === 'data') return page?.data
        if (typeof owner?.[name] !== 'function') throw new Error(`the ${verb} has no ${name}`)
        return owner[name](...args)
      }
      new Promise((resolve) => resolve(work())).then(
        (value) => host.post({ type: 'done', id, value: JSON.parse(JSON.stringify(value ?? null)) }),
        (error) => host.post({ type: 'done', id, error: textOf(error) }),
      )
    },
  }
  return (/** @type {any} */ message) => {
    try {
      hear[message.type](message.type === 'start' ? message : host.own(message))
    } catch (error) {
      report(error)
    }
  }
})
