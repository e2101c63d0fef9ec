// @ts-check
// What uploads to Tencent VOD want of a platform besides: one upload for one record, sessions that the vendor's SDKs have
// left, and a way around a host that is not allowed.

/** @typedef {import('./core.js').Host} Host */
/** @typedef {import('./core.js').Source} Source */
/** @typedef {(media: Source, cover?: Source) => string | undefined | Promise<string | undefined>} VendorKey */

const VOD = 'https://vod2.qcloud.com'

/** Records that an upload of this very program uses. @type {WeakMap<object, Set<string>>} */
const inUse = new WeakMap()

/**
 * @param {Host} host
 * @param {{ vodEndpoint?: string, enableResume?: boolean }} options
 * @param {Source} media
 * @param {Source} [cover]
 * @param {VendorKey} [vendorKey] where the vendor's SDK keeps the session of these files, if they can be told from others
 * @returns {Host}
 */
export function sessionHost(host, { vodEndpoint = VOD, enableResume }, media, cover, vendorKey) {
  const send = throughAnAllowedHost(host, vodEndpoint)
  if (enableResume === false) return { ...host, send, storage: { get: () => null, set() {}, remove() {} } }
  const { storage } = host
  /** @param {string} key */
  const get = async (key) => await storage.get(key) || await handedOver(key)
  /** Of what the vendor's SDK knew only the session is of use: its parts are looked for, and compared. @param {string} key */
  async function handedOver(key) {
    const name = await vendorKey?.(media, cover)
    const session = name && await storage.get(name)
    if (!session || !name) return null
    const text = JSON.stringify({ handedOver: session })
    await storage.set(key, text)
    await storage.remove(name)
    return text
  }
  return { ...host, send, lock: lockOf(host), storage: { get, set: (key, text) => storage.set(key, text), remove: (key) => storage.remove(key) } }
}

/**
 * Of two uploads of a file at a time one leaves the record alone: with it both would store and commit the same media.
 * @param {Host} host @returns {NonNullable<Host['lock']>}
 */
function lockOf({ storage, lock }) {
  const keys = inUse.get(storage) ?? new Set()
  inUse.set(storage, keys)
  return async (key) => {
    if (keys.has(key)) return undefined
    keys.add(key)
    const free = await (lock ? lock(key) : () => {})
    if (!free) keys.delete(key)
    return free && (() => {
      keys.delete(key)
      free()
    })
  }
}

/**
 * The host that VOD names to pass requests on may not be among those of the mini program, which has VOD's own.
 * @param {Host} host @param {string} address @returns {Host['send']}
 */
function throughAnAllowedHost(host, address) {
  const own = (/^http/.test(address) ? address : `https://${address}`).replace(/\/+$/, '')
  let isRefused = false
  return (request, source, sent) => {
    const isForwarded = request.headers.some(([name]) => name === 'vod-forward-cos')
    const instead = () => host.send({ ...request, url: request.url.replace(/^\w+:\/\/[^/]+/, own) }, source, sent)
    if (!isForwarded || request.url.startsWith(`${own}/`)) return host.send(request, source, sent)
    if (isRefused) return instead()
    let sending = host.send(request, source, sent)
    const done = sending.done.catch((error) => {
      if (error?.code !== 'DomainNotAllowed') throw error
      isRefused = true
      sending = instead()
      return sending.done
    })
    return { done, abort: () => sending.abort() }
  }
}
