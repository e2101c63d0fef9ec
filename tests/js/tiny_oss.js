// @ts-check
// An OSS in memory for stories that are not about OSS: it counts ranges, and answers in XML.

/** @typedef {import('./fake_host.js').FakeRequest} FakeRequest */
/** @typedef {import('./fake_host.js').Handler} Handler */

/** @param {string} code @param {number} [status] */
export const refusal = (code, status = 403) => ({
  status,
  headers: { 'x-oss-request-id': 'REQUEST' },
  body: `<Error><Code>${code}</Code><Message>No.</Message><RequestId>REQUEST</RequestId></Error>`,
})

/** @param {string} uploadId */
export const initiated = (uploadId) =>
  ({ body: `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>` })

export const completed = { body: '<CompleteMultipartUploadResult><ETag>"E-1"</ETag></CompleteMultipartUploadResult>' }

/** @param {FakeRequest} request */
export const stored = (request) => ({ headers: { etag: `"E${request.part}"` } })

export function tinyOss() {
  /** Upload ids with the sizes of their parts. @type {Map<string, Map<number, number>>} */
  const uploads = new Map()
  /** Sizes by key. @type {Map<string, number>} */
  const objects = new Map()
  let ids = 0

  /** @type {Record<string, (request: FakeRequest, parts: Map<number, number> | undefined) => object>} */
  const operations = {
    PutObject(request) {
      objects.set(keyOf(request), request.slice.end - request.slice.start)
      return {}
    },
    PostObject(request) {
      objects.set(Object.fromEntries(request.slice.fields ?? []).key, request.slice.end - request.slice.start)
      return { status: 204 }
    },
    InitiateMultipartUpload() {
      const id = `U${++ids}`
      uploads.set(id, new Map())
      return initiated(id)
    },
    UploadPart(request, parts) {
      parts?.set(request.part, request.slice.end - request.slice.start)
      return stored(request)
    },
    ListParts(_, parts) {
      const items = [...parts ?? []].sort(([a], [b]) => a - b)
        .map(([number, size]) => `<Part><PartNumber>${number}</PartNumber><ETag>"E${number}"</ETag><Size>${size}</Size></Part>`)
      return { body: `<ListPartsResult><IsTruncated>false</IsTruncated>${items.join('')}</ListPartsResult>` }
    },
    CompleteMultipartUpload(request, parts) {
      const named = String(request.body).match(/<PartNumber>/g)?.length
      if (named !== parts?.size) return refusal('InvalidPart', 400)
      objects.set(keyOf(request), [...parts?.values() ?? []].reduce((sum, size) => sum + size, 0))
      uploads.delete(request.url.searchParams.get('uploadId') ?? '')
      return completed
    },
    AbortMultipartUpload(request) {
      uploads.delete(request.url.searchParams.get('uploadId') ?? '')
      return { status: 204 }
    },
  }

  /** @type {Handler} */
  const answer = (request) => {
    const id = request.url.searchParams.get('uploadId')
    const parts = uploads.get(id ?? '')
    if (id !== null && !parts) return refusal('NoSuchUpload', 404)
    return operations[request.operation](request, parts)
  }
  return { answer, uploads, objects }
}

/** @param {FakeRequest} request */
const keyOf = (request) => decodeURIComponent(request.url.pathname.slice(1))
