// @ts-check
// The contestants. Each takes the picked file to the cloud and says when it is there; the bench measures from outside.

/** @typedef {{ url: string, headers: Record<string, string>, start: number, end: number }} Part */

const page = /** @type {any} */ (globalThis)

/**
 * The SDK as an application uses it: from its construction to onUploadEnd, with everything a credential and a video take.
 * @param {File} file
 * @param {{ app: string }} argument
 */
async function vodupload(file, { app }) {
  const { default: VODUpload } = await import('/vodupload/vodupload.js')
  await /** @type {Promise<void>} */ (new Promise((resolve, reject) => {
    /** @param {string} path @param {object} body */
    const ask = async (path, body) => (await fetch(app + path, { method: 'POST', body: JSON.stringify(body) })).json()
    const uploader = new VODUpload({
      userId: '1',
      async onUploadstarted(info) {
        const { uploadAuth, uploadAddress, videoId } = await ask('/api/videos', { fileName: file.name, fileSize: file.size })
        uploader.setUploadAuthAndAddress(info, uploadAuth, uploadAddress, videoId)
      },
      onUploadFailed: (_, code, message) => reject(new Error(`${code} ${message}`)),
      onUploadEnd: () => resolve(),
    })
    uploader.addFile(file)
    uploader.startUpload()
  }))
}

/**
 * What a browser can do: slices of the file put by XMLHttpRequest, all requests signed beforehand, nothing else.
 * @param {File} file
 * @param {{ parts: Part[], parallel: number }} argument
 */
async function bare(file, { parts, parallel }) {
  const waiting = [...parts]
  /** @param {Part} part */
  const put = ({ url, headers, start, end }) => new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    xhr.open('PUT', url)
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value)
    xhr.onload = () => (xhr.status === 200 ? resolve(xhr) : reject(new Error(xhr.responseText)))
    xhr.onerror = reject
    xhr.upload.onprogress = () => {}
    xhr.send(file.slice(start, end))
  })
  await Promise.all(Array.from({ length: parallel }, async () => {
    for (let part = waiting.shift(); part; part = waiting.shift()) await put(part)
  }))
}

/**
 * The vendor's browser build, the heart of Aliyun's own VODUpload.
 * @param {File} file
 * @param {{ credential: any, oss: string, options: object }} argument
 */
async function vendor(file, { credential, oss, options }) {
  const script = document.createElement('script')
  script.src = '/ali-oss.js'
  await new Promise((resolve) => {
    script.onload = resolve
    document.head.append(script)
  })
  const client = new page.OSS({
    endpoint: oss, bucket: credential.bucket, secure: false,
    accessKeyId: credential.accessKeyId, accessKeySecret: credential.accessKeySecret, stsToken: credential.securityToken,
  })
  await client.multipartUpload(credential.key, file, { ...options, progress() {} })
}

const contestants = { vodupload, bare, vendor }

/**
 * @param {keyof typeof contestants} name
 * @param {any} argument
 * @returns {Promise<{ seconds: number, longTasks: number[] }>}
 */
page.bench = async (name, argument) => {
  /** @type {number[]} */
  const longTasks = []
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' })
  const file = /** @type {File} */ (/** @type {HTMLInputElement} */ (document.getElementById('file')).files?.[0])
  const started = performance.now()
  await contestants[name](file, argument)
  const seconds = (performance.now() - started) / 1000
  await new Promise((resolve) => setTimeout(resolve, 100)) // long tasks are told late
  return { seconds, longTasks }
}
