// @ts-check
// The browser: XMLHttpRequest for parts, because only it tells how many bytes have left; fetch for all else.
import bytes from 'vodupload:wasm'

/** @typedef {import('../core.js').Host} Host */
/** @typedef {import('../core.js').Sending} Sending */
/** @typedef {import('../core.js').WireRequest} WireRequest */
/** @typedef {import('../core.js').WireResponse} WireResponse */

/** Some engines tell of progress for each packet. Milliseconds. */
const PROGRESS_EVERY = 100

/**
 * A form without progress events needs no CORS preflight, half of a small file's time; but a form that stands still is
 * not seen, so it must be small enough for any link. Bytes.
 */
const LARGEST_FORM = 256 << 10

/**
 * Up to here comparing what is stored with the file costs next to no time, `npm run bench`; on a faster link it is left
 * out unless it is asked for. Bytes per second.
 */
const COSTLESS_RATE = 110e6

/** @type {Host} */
export const browser = {
  networkHint: "Check the network, the endpoint and the bucket's CORS rule.",
  coreHint: "A Content-Security-Policy must allow 'wasm-unsafe-eval'.",

  // Browsers open six connections to a host.
  limits: { parallel: 6, form: LARGEST_FORM, digestRate: COSTLESS_RATE },

  async loadCore(imports) {
    const { instance } = await WebAssembly.instantiate(await bytes(), imports)
    return instance
  },

  open(file) {
    if (!(file instanceof Blob)) throw new TypeError('a File or Blob is needed')
    // VOD wants an extension: what a MediaRecorder made has no name, but a type such as video/webm;codecs=vp9.
    const { name = `blob.${/\w+\/(\w+)/.exec(file.type)?.[1] ?? 'bin'}`, lastModified = 0 } = /** @type {Partial<File>} */ (file)
    return {
      name,
      size: file.size,
      lastModified,
      contentType: file.type,
      // The key of Aliyun's web SDK: what it left unfinished goes on here.
      fingerprint: `upload_${lastModified}_${name}_${file.size}`,
      file,
    }
  },

  send(request, source, sent) {
    const { body } = request
    if (body === undefined || typeof body === 'string') return sendPlain(request, body)
    const slice = /** @type {Blob} */ (source?.file).slice(body.start, body.end)
    if (!body.fields) return sendSlice(request, slice, sent)
    const form = new FormData()
    for (const [name, value] of body.fields) form.append(name, value)
    form.append('file', slice)
    return sendPlain(request, form)
  },

  read: (source, start, end) => bytesOf(source.file.slice(start, end)),

  storage: {
    get: (key) => localStorage.getItem(key),
    set: (key, text) => localStorage.setItem(key, text),
    remove: (key) => localStorage.removeItem(key),
  },

  lock: (key) => new Promise((resolve) => {
    // Only pages of https and localhost have locks.
    if (!globalThis.navigator?.locks) return resolve(() => {})
    navigator.locks.request(key, { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(undefined)
      return new Promise((/** @type {(free?: any) => void} */ free) => resolve(free))
    }).catch(() => resolve(() => {}))
  }),

  watchNetwork(listener) {
    const tell = () => listener(navigator.onLine !== false)
    const events = ['online', 'offline']
    for (const event of events) addEventListener(event, tell)
    tell()
    return () => events.forEach((event) => removeEventListener(event, tell))
  },
}

/**
 * @param {WireRequest} request
 * @param {string | FormData | undefined} body
 * @returns {Sending}
 */
function sendPlain({ method, url, headers }, body) {
  const controller = new AbortController()
  const done = fetch(url, {
    method,
    headers,
    body,
    // What needs no authorisation is only to be answered, by hosts that know no CORS.
    mode: method === 'HEAD' && headers.length === 0 ? 'no-cors' : 'cors',
    credentials: 'omit',
    cache: 'no-store',
    signal: controller.signal,
  }).then(
    async (response) => {
      /** @type {Record<string, string>} */
      const readable = {}
      response.headers.forEach((value, name) => (readable[name] = value))
      return { status: response.status, headers: readable, body: await response.text() }
    },
  ).catch((error) => Promise.reject(unanswered(url, error)))
  return { done, abort: () => controller.abort() }
}

/**
 * @param {WireRequest} request
 * @param {Blob} slice
 * @param {(bytes: number) => void} sent
 * @returns {Sending}
 */
function sendSlice({ method, url, headers }, slice, sent) {
  const xhr = new XMLHttpRequest()
  /** @type {Promise<WireResponse>} */
  const done = new Promise((resolve, reject) => {
    xhr.open(method, url)
    for (const [name, value] of headers) xhr.setRequestHeader(name, value)
    xhr.onload = () => resolve({ status: xhr.status, headers: readable(xhr), body: xhr.responseText })
    xhr.onabort = () => reject(unanswered(url, 'aborted'))
    // An XHR does not tell a lost network from a lost file.
    xhr.onerror = () => bytesOf(slice.slice(0, 1)).then(() => reject(unanswered(url, 'connection failed')), reject)
    let told = 0
    xhr.upload.onload = ({ loaded }) => sent(loaded)
    xhr.upload.onprogress = ({ loaded, timeStamp }) => {
      if (timeStamp - told < PROGRESS_EVERY) return
      told = timeStamp
      sent(loaded)
    }
    xhr.send(slice)
  })
  return { done, abort: () => xhr.abort() }
}

/** @param {Blob} slice */
const bytesOf = (slice) => slice.arrayBuffer().catch((error) => {
  throw { code: 'FileUnreadable', message: `The file cannot be read: ${error}` }
})

/** @param {XMLHttpRequest} xhr */
function readable(xhr) {
  /** @type {Record<string, string>} */
  const headers = {}
  for (const line of xhr.getAllResponseHeaders().split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  return headers
}

/**
 * Browsers hide why: it may be the network, a name that does not resolve, or CORS.
 * @param {string} url
 * @param {unknown} reason
 */
const unanswered = (url, reason) => ({
  code: 'NetworkError',
  message: `${new URL(url).host} did not answer: ${reason}.`,
})
