// @ts-check
// Uploads what it is sent, in a worker: there is neither `window` nor `localStorage`.

// @ts-ignore: served beside this file
import { Uploader } from '/vodupload/vodupload.js'

addEventListener('message', async ({ data: { file, app, options } }) => {
  const tell = /** @type {(message: object) => void} */ (postMessage)
  /** @type {number[]} */
  const progress = []
  /** @type {string[]} */
  const logged = []
  const post = async (/** @type {string} */ path, body = {}) => (await fetch(app + path, { method: 'POST', body: JSON.stringify(body) })).json()
  try {
    const uploader = new Uploader({
      userId: '1', ...options,
      logger: ({ code }) => logged.push(code),
      getAuth: (info) => info.videoId ? post(`/api/videos/${info.videoId}/refresh`) : post('/api/videos', { fileName: file.name }),
    })
    const result = await uploader.upload(file, { onProgress: ({ loadedBytes }) => progress.push(loadedBytes) })
    tell({ result, progress, logged, window: typeof window, localStorage: typeof localStorage })
  } catch (error) {
    tell({ error: String(error) })
  }
})
