// @ts-check
// What a phone offers to a mini program, played in Node: `wx`, with WeChat's limits, over the local cloud.
//
// Nothing here runs inside a program's engine. sandbox.js carries calls and answers between the two, so the same phone
// serves all engines. A phone outlives its programs: run a second one with the same phone or the same `storage`.

import { createFiles } from './wx_files.js'
import { createGate } from './wx_gate.js'
import { createNet } from './wx_net.js'
import { createStorage } from './wx_storage.js'

/**
 * @typedef {object} WxOptions
 * @property {string} [version] of the base library, 3.8.0
 * @property {string} [folder] what `wxfile://usr` is on the disk
 * @property {Record<string, string>} [storage] keys and their JSON; give it to the next phone and nothing is forgotten
 * @property {{ request?: string[], uploadFile?: string[] } | null} [domains] the allow-lists, as `https://host`; null:
 *   not checked and http is fine, as with the developer's tick box
 * @property {Record<string, string>} [hosts] stands for DNS and TLS: a host of https and the local address behind it
 * @property {boolean} [android] reading past the end gives zeros, and network failures have Cronet's texts
 * @property {boolean} [strictReadFile] a slice of a file above 100 MB is refused as well; WeChat's papers do not settle it
 * @property {boolean} [globals] whether modules may export a Global: not on iOS
 * @property {'instance' | 'result'} [wasm] what WXWebAssembly.instantiate resolves to
 */

/**
 * Ends of a call: `success` and `fail`; while it lasts: `progress`, `headers`.
 * @typedef {(kind: string, value: any) => void} Reply
 * @typedef {{ abort(): void }} Task
 * @typedef {object} Api
 * @property {'async' | 'task' | 'sync' | 'event'} kind
 * @property {string} [since] base library
 * @property {(options: any, reply: Reply) => Task | void} [call]
 * @property {(...args: any[]) => any} [ask] of a `sync` one; what it throws is thrown in the program
 */

/** An error as the program sees it. */
export class WxError extends Error {
  /** @param {string} errMsg @param {number} [errno] */
  constructor(errMsg, errno) {
    super(errMsg)
    this.errMsg = errMsg
    this.errno = errno
  }
}

/** @param {string} a @param {string} b */
export const isAtLeast = (a, b) => {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number))
  for (let i = 0; i < 3; i++) if (x[i] !== y[i]) return x[i] > y[i]
  return true
}

/** @param {WxOptions} [options] */
export function createWx({
  version = '3.8.0', folder, storage = {}, domains = { request: [], uploadFile: [] }, hosts = {}, android = false,
  strictReadFile = false, globals = false, wasm = 'instance',
} = {}) {
  const phone = {
    version, domains, hosts, android, strictReadFile, globals, wasm,
    /** Memory of the program's engine. @type {(bytes: number) => ArrayBuffer} */
    allocate: (bytes) => new ArrayBuffer(bytes),
    /** Where the program's package lies. */
    root: '',
    /** What a phone would not have said aloud, but a library should not do. @type {string[]} */
    complaints: [],
    /** @type {{ isConnected: boolean, networkType: string }} */
    network: { isConnected: true, networkType: 'wifi' },
    gate: createGate(),
  }
  /** Takes events to the program. @type {(name: string, value: any) => void} */
  let sink = () => {}
  /** How many listeners the program has on each event. @type {Record<string, number>} */
  const listeners = {}
  const files = createFiles(phone, folder)
  const net = createNet(phone, files)
  const kept = createStorage(storage)
  /** What the person will choose. @type {{ path: string, size: number, name: string, thumb: string }[]} */
  let chosen = []
  /** @type {NodeJS.Timeout | undefined} */
  let falling

  /** @param {(options: any) => any} act @returns {NonNullable<Api['call']>} */
  const simple = (act) => (options, reply) => {
    setImmediate(() => {
      try {
        reply('success', act(options ?? {}))
      } catch (error) {
        reply('fail', { errMsg: /** @type {any} */ (error).errMsg ?? String(error) })
      }
    })
  }
  const system = () => ({
    SDKVersion: version, version: '8.0.50', platform: android ? 'android' : 'ios', brand: 'sandbox', model: 'sandbox',
    system: android ? 'Android 12' : 'iOS 15.8', language: 'zh_CN', benchmarkLevel: 30, memorySize: 4096,
  })
  /** @param {string} api @param {(file: typeof chosen[0]) => object} shape @param {any} [more] */
  const choose = (api, shape, more) => simple(() => {
    if (chosen.length === 0) throw new WxError(`${api}:fail cancel`)
    const tempFiles = chosen.splice(0).map(shape)
    return { errMsg: `${api}:ok`, tempFiles, ...more?.(tempFiles) }
  })
  const isImage = (/** @type {{ name: string }} */ { name }) => /\.(png|jpe?g|gif|webp)$/i.test(name)

  /** @type {Record<string, Api>} */
  const apis = {
    ...net.apis, ...files.apis, ...kept.apis,
    getNetworkType: { kind: 'async', call: simple(() => ({ errMsg: 'getNetworkType:ok', networkType: phone.network.networkType })) },
    onNetworkStatusChange: { kind: 'event' },
    offNetworkStatusChange: { kind: 'event', since: '2.9.3' },
    onAppShow: { kind: 'event' },
    offAppShow: { kind: 'event' },
    onAppHide: { kind: 'event' },
    offAppHide: { kind: 'event' },
    getSystemInfoSync: { kind: 'sync', ask: system },
    getSystemInfo: { kind: 'async', call: simple(system) },
    getAppBaseInfo: { kind: 'sync', since: '2.20.1', ask: () => ({ SDKVersion: version, version: '8.0.50', language: 'zh_CN', host: { env: 'WeChat' } }) },
    getDeviceInfo: { kind: 'sync', since: '2.20.1', ask: () => ({ platform: system().platform, brand: 'sandbox', model: 'sandbox', system: system().system }) },
    canIUse: {
      kind: 'sync',
      ask(schema) {
        const name = String(schema).replace(/^FileSystemManager\./, 'fs.').replace(/^(fs\.\w+|\w+).*$/, '$1')
        return name === 'getFileSystemManager' || name in apis && isAtLeast(version, apis[name].since ?? '0.0.0')
      },
    },
    showToast: { kind: 'async', call: simple(() => ({ errMsg: 'showToast:ok' })) },
    showModal: { kind: 'async', call: simple(() => ({ errMsg: 'showModal:ok', confirm: true, cancel: false })) },
    chooseMedia: {
      kind: 'async', since: '2.10.0',
      call: choose('chooseMedia', (file) => ({
        tempFilePath: file.path, size: file.size, fileType: isImage(file) ? 'image' : 'video',
        ...!isImage(file) && { duration: 10.5, height: 1080, width: 1920, thumbTempFilePath: file.thumb },
      }), (/** @type {any[]} */ tempFiles) => ({ type: tempFiles.every(({ fileType }) => fileType === tempFiles[0].fileType) ? tempFiles[0].fileType : 'mix' })),
    },
    chooseVideo: {
      kind: 'async',
      call: simple(() => {
        const file = chosen.shift()
        if (!file) throw new WxError('chooseVideo:fail cancel')
        return { errMsg: 'chooseVideo:ok', tempFilePath: file.path, size: file.size, duration: 10.5, height: 1080, width: 1920, thumbTempFilePath: file.thumb }
      }),
    },
    chooseImage: {
      kind: 'async',
      call: choose('chooseImage', ({ path, size }) => ({ path, size }), (/** @type {any[]} */ list) => ({ tempFilePaths: list.map(({ path }) => path) })),
    },
    chooseMessageFile: {
      kind: 'async',
      call: choose('chooseMessageFile', (file) => ({
        path: file.path, size: file.size, name: file.name, time: 1_700_000_000, type: isImage(file) ? 'image' : /\.mp4$/.test(file.name) ? 'video' : 'file',
      })),
    },
  }

  return {
    phone,
    files,
    counts: net.counts,
    /** Every request and form that was handed over. */
    calls: net.calls,
    complaints: phone.complaints,
    storage,
    listeners,
    apis: () => Object.entries(apis).filter(([, { since = '0.0.0' }]) => isAtLeast(version, since)).map(([name, { kind }]) => ({ name, kind })),

    /** @param {string} name @param {any} options @param {Reply} reply */
    call: (name, options, reply) => apis[name]?.call?.(options, reply),
    /** @param {string} name @param {any[]} args */
    ask: (name, args) => apis[name]?.ask?.(...args),
    /** @param {typeof sink} to */
    connect(to) {
      sink = to
      for (const name of Object.keys(listeners)) delete listeners[name]
    },

    /**
     * What the person chooses next. Files of the disk get a temporary path, as each choice does on a phone.
     * @param {(string | { file: string, as?: string, name?: string })[]} list
     */
    pick(list) {
      chosen = list.map((entry) => files.add(typeof entry === 'string' ? { file: entry } : entry))
    },

    /** Every further write fails. @param {boolean} full */
    fillStorage(full = true) {
      kept.full = full
    },

    /** @param {{ isConnected: boolean, networkType?: string, silent?: boolean }} change `silent`: the program is not told */
    setNetwork({ isConnected, networkType = isConnected ? 'wifi' : 'none', silent = false }) {
      phone.network = { isConnected, networkType }
      if (!isConnected) net.cut()
      if (!silent) sink('NetworkStatusChange', { isConnected, networkType })
    },

    /**
     * The person leaves. What is under way then has five seconds; `now` skips them.
     * @param {{ now?: boolean, after?: number }} [how]
     */
    hide({ now = false, after = 5000 } = {}) {
      sink('AppHide', {})
      const fall = () => {
        phone.gate.suspend()
        net.interrupt()
      }
      if (now) fall()
      else falling = setTimeout(fall, after)
    },

    /** The person comes back. @param {{ first?: 'answers' | 'event' }} [how] what the program hears first */
    show({ first = 'answers' } = {}) {
      clearTimeout(falling)
      const tell = () => sink('AppShow', { path: 'pages/index/index', query: {}, scene: 1001 })
      if (first === 'event') phone.gate.next(tell)
      phone.gate.resume()
      if (first !== 'event') tell()
    },

    /** The program ends: nothing of it runs again, and its connections are gone. */
    kill() {
      clearTimeout(falling)
      phone.gate.close()
      sink = () => {}
      net.destroy()
      files.closeAll()
    },

    /** Makes a killed phone good for another program. */
    revive() {
      phone.gate = createGate()
    },
  }
}

/** @typedef {ReturnType<typeof createWx>} Wx */
/** @typedef {Wx['phone']} Phone */
