// @ts-check
// Whether the object in the local OSS is the file that was dropped: by size, and by MD5 where that takes seconds at most.
import { bytes } from './format.js'
import { text } from './words.js'

const HASHED_UP_TO = 200_000_000

/**
 * @param {{ video(id: string): Promise<any> }} app
 * @param {string} videoId
 * @param {File} file
 * @returns {Promise<{ same: boolean | null, words: () => string }>} `same` is null when nothing could be compared; `words` follow the language
 */
export async function verify(app, videoId, file) {
  const verdict = (/** @type {boolean | null} */ same, /** @type {string} */ key, values = {}) => ({ same, words: () => text(key, values) })
  try {
    const stored = await app.video(videoId)
    if (stored.state !== 'stored') return verdict(false, 'check.missing')
    if (stored.size !== file.size) return verdict(false, 'check.different', { detail: `${bytes(stored.size)} / ${bytes(file.size)}` })
    if (!stored.md5) return verdict(true, 'check.nohash')
    if (file.size > HASHED_UP_TO) return verdict(true, 'check.size', { limit: bytes(HASHED_UP_TO) })
    const md5 = await md5Of(file)
    return md5 === stored.md5.toLowerCase()
      ? verdict(true, 'check.same', { hash: `MD5 ${md5}` })
      : verdict(false, 'check.different', { detail: `MD5 ${stored.md5} / ${md5}` })
  } catch (error) {
    return verdict(null, 'check.failed', { detail: error instanceof Error ? error.message : String(error) })
  }
}

/**
 * @param {File} file
 * @returns {Promise<string>}
 */
function md5Of(file) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('md5_worker.js', import.meta.url))
    worker.onmessage = ({ data }) => {
      worker.terminate()
      if (data.md5) resolve(data.md5)
      else reject(new Error(data.problem))
    }
    worker.onerror = (event) => {
      worker.terminate()
      reject(new Error(event.message))
    }
    worker.postMessage(file)
  })
}
