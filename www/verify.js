// @ts-check
// Whether the object in the local cloud is the file that was dropped: by size, and by SHA-256 where memory holds it:
// WebCrypto digests nothing piece by piece. What is stored of a video the app server tells, an image can be fetched.
import { bytes } from './format.js'
import { text } from './words.js'

const HASHED_UP_TO = 200_000_000

/**
 * @param {{ video(id: string): Promise<any> }} app
 * @param {{ videoId?: string, imageUrl?: string }} media
 * @param {File} file
 * @returns {Promise<{ same: boolean | null, words: () => string }>} `same` is null when nothing could be compared; `words` follow the language
 */
export async function verify(app, { videoId, imageUrl }, file) {
  const verdict = (/** @type {boolean | null} */ same, /** @type {string} */ key, values = {}) => ({ same, words: () => text(key, values) })
  try {
    const stored = imageUrl ? await fetched(imageUrl) : await app.video(videoId ?? '')
    if (stored.state !== 'stored') return verdict(false, 'check.missing')
    if (stored.size !== file.size) return verdict(false, 'check.different', { detail: `${bytes(stored.size)} / ${bytes(file.size)}` })
    if (!stored.sha256) return verdict(true, 'check.nohash')
    if (file.size > HASHED_UP_TO) return verdict(true, 'check.size', { limit: bytes(HASHED_UP_TO) })
    const hash = await sha256Of(await file.arrayBuffer())
    return hash === stored.sha256
      ? verdict(true, 'check.same', { hash: `SHA-256 ${hash}` })
      : verdict(false, 'check.different', { detail: `SHA-256 ${stored.sha256} / ${hash}` })
  } catch (error) {
    return verdict(null, 'check.failed', { detail: error instanceof Error ? error.message : String(error) })
  }
}

/** @param {string} url */
async function fetched(url) {
  const response = await fetch(url)
  if (response.status === 404) return { state: 'uploading' }
  if (!response.ok) throw new Error(`GET ${response.status}`)
  const body = await response.arrayBuffer()
  return { state: 'stored', size: body.byteLength, sha256: await sha256Of(body) }
}

/**
 * @param {ArrayBuffer} body
 * @returns {Promise<string>} hex
 */
async function sha256Of(body) {
  const digest = await crypto.subtle.digest('SHA-256', body)
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
