// @ts-check
// The contestants. Each takes files to the cloud and says when they are there; the bench measures from outside.

/** @typedef {{ url: string, headers: Record<string, string>, file: number, start: number, end: number }} Put */

const page = /** @type {any} */ (globalThis)

/**
 * What an application does for each video: it has its server create one and hand out a credential.
 * @param {string} app
 * @param {File} file
 */
const createVideo = async (app, { name, size }) =>
  (await fetch(`${app}/api/videos`, { method: 'POST', body: JSON.stringify({ fileName: name, fileSize: size }) })).json()

/**
 * The SDK as an application uses it: from its construction to onUploadEnd, with everything a credential and a video take.
 * @param {File[]} files
 * @param {{ app: string, options?: object }} argument
 */
async function vodupload(files, { app, options }) {
  const { default: VODUpload } = await import('/vodupload/vodupload.js')
  return new Promise((resolve, reject) => {
    const uploader = new VODUpload({
      userId: '1',
      ...options,
      async onUploadstarted(info) {
        const { uploadAuth, uploadAddress, videoId } = await createVideo(app, info.file)
        uploader.setUploadAuthAndAddress(info, uploadAuth, uploadAddress, videoId)
      },
      onUploadFailed: (_, code, message) => reject(new Error(`${code} ${message}`)),
      onUploadEnd: () => resolve({ verified: uploader.listFiles().filter(({ verified }) => verified).length }),
    })
    for (const file of files) uploader.addFile(file)
    uploader.startUpload()
  })
}

/**
 * What a browser can do: slices of files put by XMLHttpRequest, all requests signed beforehand, nothing else.
 * @param {File[]} files
 * @param {{ puts: Put[], parallel: number }} argument
 */
async function bare(files, { puts, parallel }) {
  const waiting = [...puts]
  /** @param {Put} put */
  const send = ({ url, headers, file, start, end }) => new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    xhr.open('PUT', url)
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value)
    xhr.onload = () => (xhr.status === 200 ? resolve(xhr) : reject(new Error(xhr.responseText)))
    xhr.onerror = reject
    xhr.upload.onprogress = () => {}
    xhr.send(files[file].slice(start, end))
  })
  await Promise.all(Array.from({ length: parallel }, async () => {
    for (let put = waiting.shift(); put; put = waiting.shift()) await send(put)
  }))
}

const loadVendor = () => new Promise((resolve) => {
  const script = document.createElement('script')
  script.src = '/ali-oss.js'
  script.onload = resolve
  document.head.append(script)
})

/**
 * @param {string} endpoint
 * @param {string} bucket
 * @param {any} key
 */
const vendorClient = (endpoint, bucket, { accessKeyId, accessKeySecret, securityToken }) =>
  new page.OSS({ endpoint, bucket, secure: false, accessKeyId, accessKeySecret, stsToken: securityToken })

/**
 * The vendor's browser build, the heart of Aliyun's own VODUpload.
 * @param {File[]} files
 * @param {{ credential: any, oss: string, options: object }} argument
 */
async function vendor([file], { credential, oss, options }) {
  await loadVendor()
  await vendorClient(oss, credential.bucket, credential).multipartUpload(credential.key, file, { ...options, progress() {} })
}

/**
 * File after file, each with a credential and a client of its own, as Aliyun's VODUpload does it.
 * @param {File[]} files
 * @param {{ app: string }} argument
 */
async function vendorPuts(files, { app }) {
  await loadVendor()
  for (const file of files) {
    const { uploadAuth, uploadAddress } = await createVideo(app, file)
    const { Endpoint, Bucket, FileName } = JSON.parse(atob(uploadAddress))
    const { AccessKeyId, AccessKeySecret, SecurityToken } = JSON.parse(atob(uploadAuth))
    const client = vendorClient(Endpoint, Bucket, { accessKeyId: AccessKeyId, accessKeySecret: AccessKeySecret, securityToken: SecurityToken })
    await client.put(FileName, file)
  }
}

const contestants = { vodupload, bare, vendor, vendorPuts }

/**
 * Files of zeros, whose bytes the browser has.
 * @param {{ count: number, bytes: number }} wish
 */
async function generate({ count, bytes }) {
  const zeros = new Uint8Array(bytes)
  const files = Array.from({ length: count }, (_, i) => new File([zeros], `clip-${i + 1}.mp4`, { type: 'video/mp4' }))
  await Promise.all(files.map((file) => file.slice(0, 1).arrayBuffer())) // it takes them over in the background
  return files
}

/**
 * How long nothing was under way between the end of a file, its one request to the storage, and the next request;
 * milliseconds on average. It means something when files go one at a time.
 * @param {string} oss
 */
function meanPause(oss) {
  const entries = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByType('resource'))
    .filter(({ initiatorType }) => initiatorType === 'fetch' || initiatorType === 'xmlhttprequest')
    .sort((a, b) => a.startTime - b.startTime)
  const pauses = entries.slice(1).flatMap(({ startTime }, i) => (entries[i].name.startsWith(oss) ? [startTime - entries[i].responseEnd] : []))
  return pauses.reduce((sum, pause) => sum + pause, 0) / pauses.length
}

/**
 * @param {keyof typeof contestants} name
 * @param {any} argument
 * @param {{ count: number, bytes: number, oss: string }} [generated] files to be made; else the picked one is sent
 * @returns {Promise<{ seconds: number, longTasks: number[], verified: number, pause: number | null }>}
 */
page.bench = async (name, argument, generated) => {
  /** @type {number[]} */
  const longTasks = []
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' })
  performance.setResourceTimingBufferSize(100_000)
  const picked = /** @type {HTMLInputElement} */ (document.getElementById('file')).files ?? []
  const files = generated ? await generate(generated) : [...picked]
  const started = performance.now()
  const result = await contestants[name](files, argument)
  const seconds = (performance.now() - started) / 1000
  await new Promise((resolve) => setTimeout(resolve, 100)) // long tasks are told late
  return { verified: 0, ...result, seconds, longTasks, pause: generated ? meanPause(generated.oss) : null }
}
