// @ts-check
// Storage: 1 MB per key, 10 MB in all, and what is not there is ''.

import { WxError } from './wx.js'

const KEY_LIMIT = 1 << 20
const LIMIT = 10 << 20

/** @param {Record<string, string>} store keys and JSON */
export function createStorage(store) {
  const size = () => Object.entries(store).reduce((sum, [key, json]) => sum + Buffer.byteLength(key) + Buffer.byteLength(json), 0)
  const kept = {
    full: false,
    /** @type {Record<string, import('./wx.js').Api>} */
    apis: {},
  }

  /** @param {string} api @param {string} key @param {any} data */
  const set = (api, key, data) => {
    if (typeof key !== 'string' || key === '') throw new WxError(`${api}:fail parameter error: parameter.key should be String`)
    const json = JSON.stringify(data === undefined ? '' : data)
    if (json.length > KEY_LIMIT) throw new WxError(`${api}:fail entry size limit reached`)
    if (kept.full || size() + Buffer.byteLength(json) > LIMIT) throw new WxError(`${api}:fail exceed storage max size 10Mb`)
    store[key] = json
  }
  /** @param {string} key */
  const get = (key) => key in store ? JSON.parse(store[key]) : ''
  const info = () => ({ keys: Object.keys(store), currentSize: Math.ceil(size() / 1024), limitSize: LIMIT / 1024 })
  /** @param {(options: any) => any} act @returns {import('./wx.js').Api} */
  const async = (act) => ({
    kind: 'async',
    call: (options, reply) => void setImmediate(() => {
      try {
        reply('success', act(options))
      } catch (error) {
        reply('fail', { errMsg: /** @type {WxError} */ (error).errMsg })
      }
    }),
  })

  kept.apis = {
    setStorageSync: { kind: 'sync', ask: (key, data) => set('setStorageSync', key, data) },
    getStorageSync: { kind: 'sync', ask: get },
    removeStorageSync: { kind: 'sync', ask: (key) => void delete store[key] },
    getStorageInfoSync: { kind: 'sync', ask: info },
    setStorage: async(({ key, data }) => {
      set('setStorage', key, data)
      return { errMsg: 'setStorage:ok' }
    }),
    getStorage: async(({ key }) => {
      if (!(key in store)) throw new WxError('getStorage:fail data not found')
      return { errMsg: 'getStorage:ok', data: get(key) }
    }),
    removeStorage: async(({ key }) => {
      delete store[key]
      return { errMsg: 'removeStorage:ok' }
    }),
    getStorageInfo: async(info),
  }
  return kept
}
