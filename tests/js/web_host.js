// @ts-check
// The host of tests/web.rs: a world in a browser with VOD and a storage that do what a story says.

/** @typedef {{ method: string, url: string, headers: [string, string][], body?: string | { file: number, start: number, end: number, fields?: [string, string][] } }} WireRequest */
/** @typedef {'damage' | 'expire' | 'fail' | 'hang' | 'refuse' | 'throw'} Fault */

const XML = {
  InitiateMultipartUpload: '<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>',
  CompleteMultipartUpload: '<CompleteMultipartUploadResult><ETag>"E-1"</ETag></CompleteMultipartUploadResult>',
}
const refusal = (/** @type {string} */ code, /** @type {boolean} */ isVod) => ({
  status: 403,
  headers: { 'x-oss-request-id': 'REQUEST' },
  body: isVod
    ? JSON.stringify({ RequestId: 'REQUEST', Code: code, Message: 'No.' })
    : `<Error><Code>${code}</Code><Message>No.</Message></Error>`,
})

/** @param {object} value */
const base64 = (value) => btoa(JSON.stringify(value))

export const auth = () => base64({ AccessKeyId: 'STS.N', AccessKeySecret: 's', SecurityToken: 't' })

export const address = () =>
  base64({ Endpoint: 'https://oss-cn-shanghai.aliyuncs.com', Bucket: 'b', FileName: 'sv/a.mp4' })

/** What VOD answers. @type {Record<string, object | undefined>} */
const VOD = {
  CreateUploadImage: { ImageId: 'IMAGE', ImageURL: 'https://img/a.png', FileURL: 'https://oss/a.png' },
  CreateUploadVideo: { VideoId: 'VIDEO' },
  RefreshUploadVideo: { VideoId: 'VIDEO' },
}

export class World {
  /** @type {WireRequest[]} */
  requests = []
  /** @type {any[]} */
  events = []
  /** @type {Map<string, string>} */
  records = new Map()
  /** @type {Map<number, number>} */
  parts = new Map()
  /** What the storage tells of a part, 0 for the object: CRC-64 as decimal. @type {Map<number, string>} */
  crcs = new Map()
  /** Bytes of files that were read, as `start-end`. @type {string[]} */
  reads = []
  /** What happens to the next requests of an operation, or reads. @type {Record<string, Fault[]>} */
  faults = {}
  aborted = 0
  traps = 0
  told = () => {}
  emitThrows = false

  /** @param {WireRequest} request @param {(bytes: number) => void} sent */
  send(request, sent) {
    this.requests.push(request)
    const fault = this.faults[operation(request)]?.shift()
    if (fault === 'throw') throw new Error('a host that breaks its promise')
    let abort = () => {}
    const done = new Promise((resolve, reject) => {
      abort = () => {
        this.aborted++
        reject({ code: 'NetworkError', message: 'aborted' })
      }
      // As from a network: later.
      setTimeout(() => {
        if (fault === 'fail') return reject({ code: 'NetworkError', message: 'connection failed' })
        const isVod = operation(request) in VOD
        if (fault === 'expire') return resolve(refusal('SecurityTokenExpired', isVod))
        if (fault === 'refuse') return resolve(refusal(isVod ? 'Forbidden.RAM' : 'AccessDenied', isVod))
        if (typeof request.body === 'object' && !request.body.fields) sent((request.body.end - request.body.start) / 2)
        if (fault !== 'hang') resolve(this.answer(request, fault === 'damage'))
      })
    })
    return { done, abort }
  }

  /** @param {WireRequest} request @param {boolean} isDamaged */
  answer(request, isDamaged) {
    const name = operation(request)
    if (VOD[name]) {
      const body = { RequestId: 'REQUEST', UploadAuth: auth(), UploadAddress: address(), ...VOD[name] }
      return { status: 200, headers: {}, body: JSON.stringify(body) }
    }
    const number = Number(new URL(request.url).searchParams.get('partNumber'))
    /** @type {Record<string, string>} */
    const headers = {}
    const crc = this.crcs.get(number)
    if (typeof request.body === 'object' && crc) headers['x-oss-hash-crc64ecma'] = isDamaged ? '1' : crc
    if (name === 'UploadPart' && typeof request.body === 'object') {
      this.parts.set(number, request.body.end - request.body.start)
      Object.assign(headers, { etag: `"E${number}"` })
    }
    if (name === 'ListParts') {
      const parts = [...this.parts].sort(([a], [b]) => a - b).map(([number, size]) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>"E${number}"</ETag><Size>${size}</Size></Part>`)
      return { status: 200, headers, body: `<ListPartsResult><IsTruncated>false</IsTruncated>${parts.join('')}</ListPartsResult>` }
    }
    return { status: 200, headers, body: /** @type {Record<string, string>} */ (XML)[name] ?? '' }
  }

  /** The byte at `i` is `i % 251`. @param {number} _file @param {number} start @param {number} end */
  async read(_file, start, end) {
    this.reads.push(`${start}-${end}`)
    const fault = this.faults.read?.shift()
    // As from a disk: later.
    await new Promise((resolve) => setTimeout(resolve, fault === 'hang' ? 50 : 0))
    if (fault === 'refuse') throw { code: 'FileUnreadable', message: 'Gone.' }
    return Uint8Array.from({ length: end - start }, (_, i) => (start + i) % 251).buffer
  }

  /** @param {number} _file @param {string} key */
  async load(_file, key) {
    return this.records.get(key)
  }

  /** @param {string} key @param {string} text */
  store(key, text) {
    this.records.set(key, text)
  }

  /** @param {string} key */
  erase(key) {
    this.records.delete(key)
  }

  /** @param {any} event */
  emit(event) {
    if (this.emitThrows) throw new Error('a host that breaks its promise')
    this.events.push(event)
    this.told()
  }

  /** @param {() => void} enter */
  guard(enter) {
    try {
      enter()
    } catch {
      this.traps++
      this.told()
    }
  }

  /** @param {string} name @param {string} faults of the next requests, with spaces between */
  fault(name, faults) {
    this.faults[name] = /** @type {Fault[]} */ (faults.split(' '))
  }

  /** Resolves once `count` things were told, or that many requests were sent. @param {string} what @param {number} count */
  async until(what, count) {
    const seen = () => {
      if (what === 'trap') return this.traps
      if (what === 'read') return this.reads.length
      return this.events.filter(({ type }) => type === what).length + this.requests.filter((one) => operation(one) === what).length
    }
    const deadline = performance.now() + 10_000
    while (seen() < count) {
      if (performance.now() > deadline) throw new Error(`${what} did not come: ${this.story()}; ${this.operations()}`)
      await new Promise((resolve) => setTimeout(resolve))
    }
  }

  /** The types of the events, runs of one type as one. */
  story() {
    return this.events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]).join(' ')
  }

  operations() {
    return this.requests.map(operation).join(' ')
  }

  /** The first event of a type with the types of its fields, as `name:type`. @param {string} type */
  shape(type) {
    return shape(this.events.find((event) => event.type === type))
  }

  /** The first event of a type, as JSON. @param {string} type */
  event(type) {
    return JSON.stringify(this.events.find((event) => event.type === type))
  }

  /** A request, as JSON. @param {number} index */
  request(index) {
    return JSON.stringify(this.requests[index])
  }

  /** @param {number} part 0 for the object @param {string} crc */
  tellCrc(part, crc) {
    this.crcs.set(part, crc)
  }

  /** What is kept under a key. @param {string} key */
  record(key) {
    return this.records.get(key) ?? ''
  }

  /** What was read of files, with spaces between. */
  readings() {
    return this.reads.join(' ')
  }

  /** `x-oss-date` of all requests, with spaces between. */
  dates() {
    return this.requests.map(({ headers }) => headers.find(([name]) => name === 'x-oss-date')?.[1]).join(' ')
  }

  /** A reload: what is stored stays, all else is gone. */
  reload() {
    const next = new World()
    next.records = new Map(this.records)
    next.parts = this.parts
    return next
  }
}

/** @param {WireRequest} request */
function operation({ method, url, body }) {
  const action = new URLSearchParams(typeof body === 'string' ? body : new URL(url).search).get('Action')
  if (action) return action
  if (typeof body === 'object' && body.fields) return 'PostObject'
  const has = (/** @type {string} */ name) => new URL(url).searchParams.has(name)
  if (method === 'PUT') return has('partNumber') ? 'UploadPart' : 'PutObject'
  if (method === 'POST') return has('uploads') ? 'InitiateMultipartUpload' : 'CompleteMultipartUpload'
  if (method === 'GET') return 'ListParts'
  return method === 'DELETE' ? 'AbortMultipartUpload' : 'HeadObject'
}

/** @param {any} value @returns {string} */
export function shape(value) {
  return Object.entries(value).map(([name, field]) => {
    return `${name}:${field && typeof field === 'object' ? `{${shape(field)}}` : typeof field}`
  }).join(' ')
}

const { now } = Date

/** Sets the device's clock ahead by `offset` milliseconds, or back. @param {number} offset */
export function setClock(offset) {
  Date.now = () => now() + offset
}

/** @param {string} json */
export const object = (json) => JSON.parse(json)
