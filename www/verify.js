// @ts-check
// Whether the object in the local OSS is the file that was dropped: by size, and by SHA-256 where memory holds it:
// WebCrypto digests nothing piece by piece.
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
    if (!stored.sha256) return verdict(true, 'check.nohash')
    if (file.size > HASHED_UP_TO) return verdict(true, 'check.size', { limit: bytes(HASHED_UP_TO) })
    const hash = await sha256Of(file)
    return hash === stored.sha256
      ? verdict(true, 'check.same', { hash: `SHA-256 ${hash}` })
      : verdict(false, 'check.different', { detail: `SHA-256 ${stored.sha256} / ${hash}` })
  } catch (error) {
    return verdict(null, 'check.failed', { detail: error instanceof Error ? error.message : String(error) })
  }
}

/**
 * @param {File} file
 * @returns {Promise<string>} hex
 */
async function sha256Of(file) {
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer())
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
