// @ts-check
// wx.request and wx.uploadFile: WeChat's checks, queues and failures, over real HTTP to the local cloud.

import { createReadStream, statSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { basename } from 'node:path'
import { types } from 'node:util'
import { isAtLeast, WxError } from './wx.js'

/** At once; what is more waits. */
const LIMIT = 10
const TIMEOUT = 60_000
const METHODS = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT']
/** WeChat sets these itself, whatever a program says. */
const ITS_OWN = ['referer', 'host', 'content-length', 'user-agent']

/**
 * @typedef {object} Call what a program handed over
 * @property {string} api
 * @property {string} url
 * @property {string} method
 * @property {Record<string, string>} header
 * @property {number} size bytes of the data, or of the file
 * @property {string} [ended] errMsg
 *
 * @typedef {object} Job
 * @property {Call} call
 * @property {number} held bytes of the program's memory
 * @property {() => void} start
 * @property {import('node:http').ClientRequest} [wire]
 * @property {(kind: 'success' | 'fail', value: any) => void} end
 */

/**
 * @param {Pick<import('./wx.js').Phone, 'version' | 'domains' | 'hosts' | 'android' | 'allocate' | 'complaints' | 'network'>} phone
 * @param {ReturnType<typeof import('./wx_files.js').createFiles>} files
 */
export function createNet(phone, files) {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity })
  /** @type {Record<string, { running: Set<Job>, waiting: Job[] }>} */
  const lanes = { request: { running: new Set(), waiting: [] }, uploadFile: { running: new Set(), waiting: [] } }
  /** @type {Call[]} */
  const calls = []
  const counts = {
    /** Of the program's ArrayBuffers, held by requests that have not ended; and the most of it so far. */
    bytes: 0, peakBytes: 0,
    /** The most that were handed over and not ended, with those that WeChat made wait. */
    request: 0, uploadFile: 0,
  }
  let answers = 0

  /** @param {string} api @param {string} android @param {string} ios @param {number} errno */
  const failure = (api, android, ios, errno) => ({
    errMsg: `${api}:fail ${phone.android ? android : ios}`,
    ...isAtLeast(phone.version, '2.24.0') && { errno },
  })
  /** @param {string} api */
  const broken = (api) => failure(api, 'errcode:-101 cronet_error_code:-101 error_msg:net::ERR_CONNECTION_RESET', 'socket: The network connection was lost.', 600001)
  /** @param {string} api */
  const offline = (api) => failure(api, 'errcode:-106 cronet_error_code:-106 error_msg:net::ERR_INTERNET_DISCONNECTED', 'The Internet connection appears to be offline.', 600001)

  /**
   * The address of the machine that stands for the URL's.
   * @param {'request' | 'uploadFile'} api
   * @param {string} url
   */
  const route = (api, url) => {
    /** @type {URL} */
    let parsed
    try {
      parsed = new URL(url)
      if (!/^https?:$/.test(parsed.protocol)) throw new Error()
    } catch {
      throw new WxError(`${api}:fail invalid url "${url}"`, 600009)
    }
    const allowed = phone.domains?.[api] ?? []
    if (phone.domains && (parsed.protocol !== 'https:' || !allowed.includes(parsed.origin))) throw new WxError(`${api}:fail url not in domain list`, 600002)
    const local = phone.hosts[parsed.host] ?? (parsed.protocol === 'http:' ? parsed.origin : '')
    return { parsed, local: local && new URL(local) }
  }

  /** @param {Job} job */
  const run = (job) => {
    lanes[job.call.api].running.add(job)
    if (phone.network.isConnected) job.start()
    else setImmediate(() => job.end('fail', offline(job.call.api)))
  }

  /**
   * @param {Call} call
   * @param {number} held
   * @param {number} timeout
   * @param {import('./wx.js').Reply} reply
   * @param {(job: Job) => void} start
   */
  const enter = (call, held, timeout, reply, start) => {
    const lane = lanes[call.api]
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    let ended = false
    /** @type {Job} */
    const job = {
      call,
      held,
      start() {
        timer = setTimeout(() => job.end('fail', { errMsg: `${call.api}:fail timeout`, ...isAtLeast(phone.version, '2.24.0') && { errno: 5 } }), timeout)
        start(job)
      },
      end(kind, value) {
        if (ended) return
        ended = true
        clearTimeout(timer)
        job.wire?.destroy()
        counts.bytes -= held
        lane.running.delete(job)
        lane.waiting = lane.waiting.filter((other) => other !== job)
        call.ended = value.errMsg
        const next = lane.running.size < LIMIT ? lane.waiting.shift() : undefined
        if (next) run(next)
        reply(kind, value)
      },
    }
    calls.push(call)
    counts.bytes += held
    counts.peakBytes = Math.max(counts.peakBytes, counts.bytes)
    if (lane.running.size < LIMIT) run(job)
    else lane.waiting.push(job)
    const api = /** @type {'request' | 'uploadFile'} */ (call.api)
    counts[api] = Math.max(counts[api], lane.running.size + lane.waiting.length)
    return { abort: () => void setImmediate(() => job.end('fail', { errMsg: `${api}:fail abort` })) }
  }

  /**
   * Opens the connection; `wire` is yet to be written to.
   * @param {Job} job
   * @param {Record<string, string>} headers
   * @param {(answer: { status: number, header: Record<string, string>, body: Buffer }) => void} done
   */
  const dial = (job, headers, done) => {
    const { api, url, method } = job.call
    const { parsed, local } = route(/** @type {any} */ (api), url)
    if (!local) return void setImmediate(() => job.end('fail', failure(api, 'errcode:-105 cronet_error_code:-105 error_msg:net::ERR_NAME_NOT_RESOLVED', 'A server with the specified hostname could not be found.', 600001)))
    const referer = 'https://servicewechat.com/wx0000000000000000/0/page-frame.html'
    const wire = httpRequest({
      agent, method, host: local.hostname, port: local.port, path: parsed.pathname + parsed.search,
      headers: { ...headers, Host: parsed.host, Referer: referer, 'User-Agent': 'MicroMessenger sandbox' },
    })
    job.wire = wire
    wire.on('error', () => job.end('fail', broken(api)))
    wire.on('response', async (response) => {
      const style = answers++
      /** @type {Buffer[]} */
      const chunks = []
      try {
        for await (const chunk of response) chunks.push(chunk)
      } catch {
        return job.end('fail', broken(api))
      }
      /** @type {Record<string, string>} */
      const header = {}
      for (let i = 0; i < response.rawHeaders.length; i += 2) header[spell(response.rawHeaders[i], style)] = response.rawHeaders[i + 1]
      // Only what was not sent in full is worth closing the connection.
      if (wire.writableFinished) job.wire = undefined
      done({ status: response.statusCode ?? 0, header, body: Buffer.concat(chunks) })
    })
    return wire
  }

  /** @param {any} options @returns {{ body: Buffer, held: number, url: string }} */
  const bodyOf = ({ url, data, method }, /** @type {string} */ type) => {
    if (data === undefined || data === null) return { body: Buffer.alloc(0), held: 0, url }
    if (typeof data === 'string') return { body: Buffer.from(data), held: 0, url }
    // No copy: a program that writes into a buffer before its request has ended is found out by the bytes that arrive.
    if (types.isAnyArrayBuffer(data)) return { body: Buffer.from(data), held: data.byteLength, url }
    if (typeof data !== 'object' || ArrayBuffer.isView(data)) throw new WxError('request:fail parameter error: parameter.data should be String, Object or ArrayBuffer', 600010)
    const form = Object.entries(data).map((pair) => pair.map((text) => encodeURIComponent(String(text))).join('=')).join('&')
    if (method === 'GET') return { body: Buffer.alloc(0), held: 0, url: form ? `${url}${url.includes('?') ? '&' : '?'}${form}` : url }
    return { body: Buffer.from(/form-urlencoded/.test(type) ? form : JSON.stringify(data)), held: 0, url }
  }

  /** @param {any} header @param {string} api @returns {Record<string, string>} */
  const cleaned = (header, api) => Object.fromEntries(Object.entries(header ?? {}).filter(([name]) => {
    if (ITS_OWN.includes(name.toLowerCase())) phone.complaints.push(`${api} may not set the header ${name}`)
    return !ITS_OWN.includes(name.toLowerCase())
  }).map(([name, value]) => [name, String(value)]))

  /** @param {string} api @param {any} options @param {import('./wx.js').Reply} reply @param {any} error */
  const refuse = (api, { url, method = 'GET', header = {} }, reply, { errMsg, message, errno }) => {
    calls.push({ api, url, method, header, size: 0, ended: errMsg ?? message })
    setImmediate(() => reply('fail', { errMsg: errMsg ?? message, ...errno && isAtLeast(phone.version, '2.24.0') && { errno } }))
  }

  /** @type {NonNullable<import('./wx.js').Api['call']>} */
  const request = (options, reply) => {
    try {
      const { header, method: said = 'GET', timeout = TIMEOUT, dataType = 'json', responseType = 'text' } = options
      const method = String(said).toUpperCase()
      if (!METHODS.includes(method)) throw new WxError(`request:fail parameter error: invalid method "${method}"`, 600010)
      const headers = cleaned(header, 'request')
      const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1]
      if (type === undefined) headers['content-type'] = 'application/json'
      const { body, held, url } = bodyOf({ ...options, method }, type ?? '')
      route('request', url)
      return enter({ api: 'request', url, method, header: headers, size: body.length }, held, timeout, reply, (job) => {
        const more = body.length > 0 || method === 'POST' || method === 'PUT' ? { 'Content-Length': String(body.length) } : undefined
        dial(job, { ...headers, ...more }, (answer) => {
          /** @type {any} */
          let data
          if (responseType === 'arraybuffer') {
            data = phone.allocate(answer.body.length)
            new Uint8Array(data).set(answer.body)
          } else {
            data = answer.body.toString()
            if (dataType === 'json') try { data = JSON.parse(data) } catch { /* stays text, as on a phone */ }
          }
          job.end('success', { data, statusCode: answer.status, header: answer.header, cookies: [], errMsg: 'request:ok' })
        })?.end(body)
      })
    } catch (error) {
      refuse('request', options, reply, error)
    }
  }

  /** @type {NonNullable<import('./wx.js').Api['call']>} */
  const uploadFile = (options, reply) => {
    try {
      const { url, filePath, name, formData = {}, header, timeout = TIMEOUT } = options
      if (typeof name !== 'string' || name === '') throw new WxError('uploadFile:fail parameter error: parameter.name should be String')
      const path = files.find('uploadFile', filePath)
      const headers = cleaned(header, 'uploadFile')
      for (const key of Object.keys(headers)) if (key.toLowerCase() === 'content-type') delete headers[key]
      route('uploadFile', url)
      const { size } = statSync(path)
      const boundary = `----sandbox${Math.random().toString(16).slice(2)}`
      const fields = Object.entries(formData).map(([field, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`).join('')
      const mime = /\.(png|gif|webp)$/i.exec(filePath) ? `image/${filePath.split('.').pop()}` : /\.jpe?g$/i.test(filePath) ? 'image/jpeg' : 'video/mp4'
      const head = Buffer.from(`${fields}--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${basename(filePath)}"\r\nContent-Type: ${mime}\r\n\r\n`)
      const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
      const total = head.length + size + tail.length
      return enter({ api: 'uploadFile', url, method: 'POST', header: headers, size }, 0, timeout, reply, (job) => {
        const wire = dial(job, { ...headers, 'Content-Type': `multipart/form-data; boundary=${boundary}`, 'Content-Length': String(total) }, (answer) => {
          job.end('success', { data: answer.body.toString(), statusCode: answer.status, errMsg: 'uploadFile:ok' })
        })
        if (!wire) return
        let sent = 0
        let told = -1
        /** @param {number} bytes */
        const tell = (bytes) => {
          sent += bytes
          const progress = Math.floor(sent / total * 100)
          if (progress === told || job.call.ended) return
          told = progress
          reply('progress', { progress, totalBytesSent: sent, totalBytesExpectedToSend: total })
        }
        wire.write(head, () => tell(head.length))
        const stream = createReadStream(path, { highWaterMark: 1 << 18 })
        stream.on('error', () => job.end('fail', { errMsg: 'uploadFile:fail file not found' }))
        stream.on('data', (chunk) => {
          if (wire.destroyed) return void stream.destroy()
          if (!wire.write(chunk, (error) => { if (!error) tell(chunk.length) })) {
            stream.pause()
            wire.once('drain', () => stream.resume())
          }
        })
        wire.once('close', () => stream.destroy())
        stream.on('end', () => wire.end(tail, () => tell(tail.length)))
      })
    } catch (error) {
      refuse('uploadFile', options, reply, error)
    }
  }

  /** @param {(api: string) => any} value */
  const failAll = (value) => {
    for (const [api, { running, waiting }] of Object.entries(lanes)) {
      for (const job of [...waiting, ...running]) job.end('fail', value(api))
    }
  }

  return {
    /** @type {Record<string, import('./wx.js').Api>} */
    apis: { request: { kind: 'task', call: request }, uploadFile: { kind: 'task', call: uploadFile } },
    calls,
    counts,
    /** The connection is gone. */
    cut: () => failAll(offline),
    /** The program sleeps. */
    interrupt: () => failAll((api) => ({ errMsg: `${api}:fail interrupted`, ...isAtLeast(phone.version, '2.24.0') && { errno: 600003 } })),
    destroy() {
      failAll((api) => ({ errMsg: `${api}:fail abort` }))
      agent.destroy()
    },
  }
}

/**
 * One header has many spellings, by platform and protocol.
 * @param {string} name
 * @param {number} style
 */
const spell = (name, style) => {
  if (style % 3 === 0) return name
  if (style % 3 === 1) return name.toLowerCase()
  return name.toLowerCase().replace(/(^|-)\w/g, (letter) => letter.toUpperCase())
}
