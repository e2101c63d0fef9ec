// @ts-check
// The browser: XMLHttpRequest for parts, because only it tells how many bytes have left; fetch for all else.
import bytes from 'vodupload:wasm'

/** @typedef {import('../core.js').Host} Host */
/** @typedef {import('../core.js').Sending} Sending */
/** @typedef {import('../core.js').WireRequest} WireRequest */
/** @typedef {import('../core.js').WireResponse} WireResponse */

/** Some engines tell of progress for each packet. Milliseconds. */
const PROGRESS_EVERY = 100

/** @type {Host} */
export const browser = {
  // Browsers open six connections to a host.
  limits: { parallel: 6 },

  async loadCore(imports) {
    const { instance } = await WebAssembly.instantiate(await bytes(), imports)
    return instance
  },

  open(file) {
    if (!(file instanceof Blob)) throw new TypeError('a File or Blob is needed')
    const { name = 'blob', lastModified = 0 } = /** @type {Partial<File>} */ (file)
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
    if (body === undefined || typeof body === 'string') return sendText(request, body)
    return sendSlice(request, /** @type {Blob} */ (source?.file).slice(body.start, body.end), sent)
  },

  storage: {
    get: (key) => localStorage.getItem(key),
    set: (key, text) => localStorage.setItem(key, text),
    remove: (key) => localStorage.removeItem(key),
  },

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
 * @param {string | undefined} body
 * @returns {Sending}
 */
function sendText({ method, url, headers }, body) {
  const controller = new AbortController()
  const done = fetch(url, {
    method,
    headers,
    body,
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
    xhr.onerror = () => canBeRead(slice).then(
      () => reject(unanswered(url, 'connection failed')),
      (error) => reject({
        code: 'FileUnreadable',
        message: `The file was changed, moved or locked since it was picked; pick it again: ${error}`,
      }),
    )
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

/** An XHR does not tell a lost network from a lost file. @param {Blob} slice */
const canBeRead = (slice) => new Response(slice.slice(0, 1)).arrayBuffer()

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
  message: `${new URL(url).host} did not answer; check the network, the endpoint and the bucket's CORS rule: ${reason}`,
})
