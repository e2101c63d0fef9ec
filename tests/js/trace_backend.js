// @ts-check
// The services of the captured runs in tests/vectors/tencent.json, and what the vendor's SDKs and ours do with them, both
// written down in one form, so that they can be compared.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { cosClient } from '../cloud/tencent/vendors.js'
import { within } from './bundle.js'
import { settled } from './stage.js'

/** @typedef {import('./fake_host.js').FakeRequest} FakeRequest */
/** @typedef {import('../../js/core.js').WireResponse} WireResponse */
/** @typedef {{ method: string, url: string, headers: Record<string, any>, body?: any, fields?: Record<string, unknown> }} Wire */
/** @typedef {Record<string, any>} Sent a request in the common form */
/**
 * A run in the common form.
 * @typedef {object} Run
 * @property {Sent[]} requests
 * @property {Record<string, any[]>} progress the first and the last of each file
 * @property {Record<string, any>} stored
 * @property {any[]} ends all that was told of the end; nothing for a run that stands still
 * @property {number} signatures how many were asked for
 * @property {boolean} remembers whether something is kept that a later upload goes on with
 */
/**
 * What the services say where it is not what `inputs` says.
 * @typedef {object} Script
 * @property {object} [apply] members of the answer to ApplyUploadUGC
 * @property {[region: string, domain: string][]} [regions]
 * @property {string} [uploadId]
 * @property {string} [listed] answer to a list of parts
 * @property {(request: FakeRequest, call: string) => Partial<WireResponse> | 'fail' | 'hang' | undefined} [fault]
 */

export const VECTORS = JSON.parse(readFileSync(new URL('../vectors/tencent.json', import.meta.url), 'utf8'))
const { applyResponse, commitResponse } = VECTORS.trace_web.inputs
assert.deepEqual(VECTORS.trace_mini_program.inputs.applyResponse, applyResponse)
assert.deepEqual(VECTORS.trace_mini_program.inputs.commitResponse, commitResponse)
const { tempCertificate, storageBucket, storageAppId, timestamp } = applyResponse.data

export const MiB = 1 << 20
const BUCKET = `${storageBucket}-${storageAppId}`

/** The service's name for a request. @param {FakeRequest} request */
export const callOf = (request) => nameOf(wireOf(request))

/** @param {Wire} wire */
function nameOf({ method, url, fields }) {
  const { pathname, searchParams } = new URL(url)
  if (pathname === '/v3/index.php') return searchParams.get('Action') ?? ''
  if (fields) return 'PostObject'
  const has = (/** @type {string} */ name) => searchParams.has(name)
  if (method === 'GET') return has('uploads') ? 'ListMultipartUploads' : 'ListParts'
  if (method === 'PUT') return has('partNumber') ? 'UploadPart' : 'PutObject'
  if (method === 'POST') return has('uploads') ? 'InitiateMultipartUpload' : 'CompleteMultipartUpload'
  return method === 'DELETE' ? 'AbortMultipartUpload' : 'HEAD'
}

/** @param {FakeRequest} request @returns {Wire} */
const wireOf = ({ method, url, headers, body }) => ({
  method, url: String(url), headers, body: typeof body === 'object' ? `<${body.end - body.start} bytes>` : body,
  fields: typeof body === 'object' && body.fields ? Object.fromEntries(body.fields) : undefined,
})

/** All bytes of a file are the same. @param {FakeRequest} request */
const md5Of = ({ slice, source }) => createHash('md5').update(Buffer.alloc(slice.end - slice.start, source.file?.fill ?? 1)).digest('hex')

const refusal = (/** @type {number} */ status, /** @type {string} */ code, /** @type {string} */ message) =>
  ({ status, headers: { 'x-cos-request-id': 'RID1' }, body: `<Error><Code>${code}</Code><Message>${message}</Message><RequestId>RID1</RequestId></Error>` })
export const DENIED = refusal(403, 'AccessDenied', 'Access Denied.')
export const NO_UPLOAD = refusal(404, 'NoSuchUpload', 'm')
/** What a COS says that fails after it has begun to answer. */
export const LATE = refusal(200, 'InternalError', 'm')

/** @param {Script} script */
export function backend({ apply = {}, regions = [], uploadId = 'UP1', listed, fault = () => undefined }) {
  /** @type {FakeRequest[]} */
  const requests = []
  let uploads = 0
  const xml = (/** @type {string} */ body) => ({ status: 200, body: `<?xml version="1.0"?>${body}` })
  /** @type {Record<string, (request: FakeRequest) => Partial<WireResponse>>} */
  const answers = {
    PrepareUploadUGC: () => json({ code: 0, data: { cosRegionList: regions.map(([region, domain]) => ({ region, domain, isAcc: 0, ip: '' })) } }),
    ApplyUploadUGC: () => json({ ...applyResponse, data: { ...applyResponse.data, ...apply } }),
    CommitUploadUGC: () => json(commitResponse),
    HEAD: () => ({ status: 403 }),
    InitiateMultipartUpload() {
      const id = uploadId.replace(/\d$/, () => String(++uploads))
      return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
    },
    UploadPart: (request) => ({ status: 200, headers: { ETag: `"${md5Of(request)}"`, 'x-cos-request-id': 'RID1' } }),
    ListParts: () => xml(listed ?? '<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>'),
    CompleteMultipartUpload: () =>
      xml('<CompleteMultipartUploadResult><Location>l</Location><Bucket>b</Bucket><Key>k</Key><ETag>"e-2"</ETag></CompleteMultipartUploadResult>'),
    // As COS does when it is asked for 201.
    PostObject: (request) => ({ status: 201, body: `<PostResponse><ETag>"${md5Of(request)}"</ETag></PostResponse>` }),
    PutObject: (request) => ({ status: 200, headers: { ETag: `"${md5Of(request)}"` } }),
    AbortMultipartUpload: () => ({ status: 204 }),
  }
  /** @param {FakeRequest} request */
  const serve = (request) => {
    requests.push(request)
    const call = callOf(request)
    const failure = fault(request, call)
    if (failure === 'fail') return void request.fail()
    if (failure !== 'hang') return lowered(failure ?? answers[call](request))
  }
  return { requests, serve }
}

/** @param {Partial<WireResponse>} response */
const lowered = (response) =>
  ({ ...response, headers: Object.fromEntries(Object.entries(response.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])) })

/** @param {object} value */
const json = (value) => ({ status: 200, body: JSON.stringify(value) })

/** Answers a call to VOD with a code. @param {number} code @param {string} message */
export const refused = (code, message) => json({ code, message })

/** @param {object} fields */
const present = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ''))

/**
 * A request in the common form: what a service looks at, without what is only spelt otherwise.
 * @param {Wire} wire @param {number} [clock] of the device, ms @returns {Sent}
 */
export function sentOf(wire, clock = NaN) {
  const { host, pathname, searchParams } = new URL(wire.url)
  const call = nameOf(wire)
  if (call === 'HEAD') return { call, to: host }
  const body = wire.body === null ? undefined : wire.body
  if (pathname === '/v3/index.php') return { call, to: host, body: typeof body === 'string' ? JSON.parse(body) : body }
  const headers = Object.fromEntries(Object.entries(wire.headers).map(([name, value]) => [name.toLowerCase(), value]))
  const fields = wire.fields && Object.fromEntries(Object.entries(wire.fields).map(([name, value]) => [name, String(value)]))
  const authorization = headers.authorization ?? fields?.Signature ?? ''
  const sign = Object.fromEntries(authorization.split('&').map((/** @type {string} */ pair) => pair.split('=')))
  // The type of a part or of an empty body is nobody's business.
  const hasType = call === 'InitiateMultipartUpload' || call === 'CompleteMultipartUpload' || call === 'PutObject'
  return present({
    call, to: host, path: decodeURIComponent(pathname), query: Object.fromEntries([...searchParams].sort()),
    forward: headers['vod-forward-cos'], token: headers['x-cos-security-token'], md5: digestOf(headers['content-md5'], body),
    type: hasType ? headers['content-type'] : undefined,
    authorized: headers.authorization ? undefined : call !== 'PostObject' ? 'not at all' : 'in its fields',
    id: sign['q-ak'], window: windowOf(sign['q-sign-time'], clock), signs: sign['q-header-list'], parameters: sign['q-url-param-list'],
    fields: fields && present({ ...fields, Signature: undefined }),
    body: call === 'CompleteMultipartUpload' ? partsOf(body) : body,
  })
}

/** A digest of a text is that of its spelling. @param {string | undefined} digest @param {unknown} body */
const digestOf = (digest, body) =>
  (digest && createHash('md5').update(String(body)).digest('base64') === digest ? 'of the body' : digest)

/** When a signature is good, by what VOD said of its clock and its key. @param {string} text @param {number} clock */
function windowOf(text, clock) {
  const [from, to] = text.split(';').map(Number)
  if (from === timestamp && to === tempCertificate.expiredTime) return 'the whole life of the key'
  const early = Math.floor(clock / 1000) - from
  return early >= 30 && early <= 60 && to - from === 3660 ? 'an hour, from a minute ago' : text
}

/** The parts that a list names, whatever its spelling. @param {string} xml @returns {[number: number, etag: string][]} */
export const partsOf = (xml) => {
  assert.match(xml, /^(<\?xml[^>]*\?>)?\s*<CompleteMultipartUpload>[^]*<\/CompleteMultipartUpload>\s*$/)
  return [...xml.matchAll(/<Part>\s*<PartNumber>(\d+)<\/PartNumber>\s*<ETag>(.*?)<\/ETag>\s*<\/Part>/g)]
    .map(([, number, etag]) => [Number(number), etag.replaceAll('&quot;', '"')])
}

/** The vendor's client makes the same signature of a request as ours. @param {FakeRequest} request */
export function checkSignature(request) {
  const wire = wireOf(request)
  const { host, pathname, searchParams } = new URL(wire.url)
  if (pathname === '/v3/index.php' || wire.method === 'HEAD') return
  const given = request.headers.authorization ?? wire.fields?.Signature
  const expected = cosClient().getAuthorization({
    SecretId: tempCertificate.secretId, SecretKey: tempCertificate.secretKey, KeyTime: /q-sign-time=([\d;]+)/.exec(given)?.[1],
    Method: wire.method, Pathname: decodeURIComponent(pathname), UseRawKey: true, Query: Object.fromEntries(searchParams),
    Headers: { host: request.headers['vod-forward-cos'] ?? host },
  })
  assert.equal(given, expected)
}

/** Two decimals, cut off: what both promise. @param {{ loaded: number, total: number, percent: number }[]} told */
function checkProgress(told) {
  let last = 0
  for (const { loaded, total, percent } of told) {
    assert.ok(loaded >= last, `progress falls from ${last} to ${loaded}`)
    assert.equal(percent, Math.floor(loaded / total * 100) / 100)
    last = loaded
  }
}

/** @param {any[]} told */
const outer = (told) => {
  checkProgress(told.filter(({ total }) => total !== undefined))
  const ends = told.length > 1 ? [told[0], told[told.length - 1]] : told
  return ends.map(({ loaded, total, percent }) => present({ loaded, total, percent }))
}

/** A captured run of vod-js-sdk-v6. @param {any} trace @returns {Run} */
export function webRun(trace) {
  /** @type {Record<string, any[]>} */
  const told = {}
  for (const event of trace.events) for (const [name, info] of Object.entries(event)) (told[name] ??= []).push(info)
  const end = trace.done === 'pending' ? [] : [trace.done]
  return {
    requests: trace.requests.map(sentOf),
    progress: Object.fromEntries(Object.entries(told).filter(([name]) => name.endsWith('_progress')).map(([name, all]) => [name.slice(0, -9), outer(all)])),
    // The services of the captures gave the bucket and the key invented names.
    stored: Object.fromEntries(Object.entries(told).filter(([name]) => name.endsWith('_upload')).map(([name, [info]]) =>
      [name.slice(0, -7), { ...info, Bucket: BUCKET, Key: info.Location.replace(/^.*?\//, '') }])),
    ends: end,
    signatures: trace.getSignatureCalls,
    remembers: trace.storage.some((/** @type {string[]} */ [key]) => key.startsWith('webugc_')),
  }
}

/** A captured run of vod-wx-sdk-v2. @param {any} trace @returns {Run} */
export function programRun(trace) {
  const told = (/** @type {string} */ name) => trace.callbacks.filter((/** @type {object} */ one) => name in one).map((/** @type {any} */ one) => one[name])
  const requests = trace.requests.map((/** @type {any} */ { api, method, url, header, data, formData }) =>
    sentOf({ method, url, headers: header, body: api === 'uploadFile' ? `<${20 * MiB} bytes>` : data, fields: formData }))
  const progress = told('progress')
  return {
    requests,
    progress: progress.length > 0 ? { media: outer(progress) } : {},
    stored: {},
    ends: [...told('finish').map((/** @type {any} */ finish) => ({ finish })), ...told('error').map((/** @type {any} */ error) => ({ error }))],
    // It signs for each ApplyUploadUGC and keeps that for the rest.
    signatures: requests.filter((/** @type {Sent} */ { call }) => call === 'ApplyUploadUGC').length,
    remembers: trace.storage.some((/** @type {string[]} */ [key]) => key.startsWith('wp_ugc_')),
  }
}

/** Our run, as far as requests tell. @param {FakeRequest[]} requests @param {number} clock of the device, ms */
export function requestsOf(requests, clock) {
  requests.forEach(checkSignature)
  return requests.map((request) => sentOf(wireOf(request), clock))
}

/** Makes one request of all parts, once they are found to be the whole file in order. @param {Run} run */
export function collapseParts(run) {
  const parts = run.requests.filter(({ call }) => call === 'UploadPart')
  const numbers = parts.map(({ query }) => Number(query.partNumber))
  assert.deepEqual(numbers, numbers.map((_, i) => i + 1))
  const complete = run.requests.find(({ call }) => call === 'CompleteMultipartUpload') ?? {}
  assert.deepEqual(complete.body.map((/** @type {[number, string]} */ [number]) => number), numbers)
  complete.body = 'of all parts'
  const bytes = parts.reduce((sum, { body }) => sum + Number(/\d+/.exec(body)), 0)
  const one = { ...parts[0], query: { ...parts[0].query, partNumber: 'each' }, body: `<${bytes} bytes>` }
  run.requests = run.requests.flatMap((request) => (request === parts[0] ? [one] : request.call === 'UploadPart' ? [] : [request]))
}

/** Hears of everything that ours tells. */
export function hearing() {
  /** @type {Record<string, any[]>} */
  const progress = {}
  /** @type {Record<string, any>} */
  const stored = {}
  /** @type {any[]} */
  const ends = []
  let ended = () => {}
  const end = new Promise((resolve) => { ended = () => resolve(undefined) })
  return {
    progress, stored, ends,
    /** @param {string} of @param {any} info */
    moved: (of, info) => { (progress[of] ??= []).push(info) },
    /** @param {any} told */
    over(told) {
      ends.push(told)
      ended()
    },
    /** All that comes, and nothing behind it. @param {FakeRequest[]} requests */
    async whole(requests) {
      await within(end, () => `no end after ${requests.map(callOf)}`)
      await settled()
      return { progress: Object.fromEntries(Object.entries(progress).map(([of, all]) => [of, outer(all)])), stored, ends }
    },
  }
}
