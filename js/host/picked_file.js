// @ts-check
// What a mini program gets when its user picks a file, whichever function it asked: a path, and seldom more.

/** @typedef {import('../core.js').Source} Source */

/** What VOD takes, as the storage should call it. */
const TYPES = new Map([
  ['mp4', 'video/mp4'], ['m4v', 'video/x-m4v'], ['mov', 'video/quicktime'], ['avi', 'video/x-msvideo'],
  ['mkv', 'video/x-matroska'], ['flv', 'video/x-flv'], ['mp3', 'audio/mpeg'], ['m4a', 'audio/mp4'],
  ['aac', 'audio/aac'], ['wav', 'audio/wav'], ['jpg', 'image/jpeg'], ['jpeg', 'image/jpeg'], ['png', 'image/png'],
  ['gif', 'image/gif'], ['webp', 'image/webp'], ['heic', 'image/heic'],
])

/** Bytes that are looked at to tell a file from others, spread evenly over it. */
const SAMPLES = 16
const SAMPLE = 4 << 10

/**
 * @param {any} fs the platform's FileSystemManager
 * @param {any} picked a path; an element of what `chooseMedia` and its like answer, or an answer that is about one file;
 *   or the `{ url, coverUrl }` of Aliyun's documents
 * @param {number} smallest bytes of the smallest file that leaves a checkpoint
 * @returns {Source}
 */
export function describe(fs, picked, smallest) {
  const one = picked?.tempFiles?.length === 1 ? picked.tempFiles[0] : picked
  const file = typeof one === 'string' ? { url: one } : one
  const url = file?.url || file?.tempFilePath || file?.path
  if (!url || typeof url !== 'string') {
    throw new TypeError(file?.tempFiles || file?.tempFilePaths
      ? 'several were picked: add them one by one, each element of tempFiles.'
      : 'it has no path. Give { url: tempFilePath }, or an element of tempFiles.')
  }
  const size = sizeOf(fs, url)
  // The extension decides what VOD makes of it, and some platforms' temporary files have none.
  let name = file.name || url.slice(url.lastIndexOf('/') + 1)
  const mediaType = file.mediaType || file.fileType
  if (!/\.\w+([?#][^.]*)?$/.test(name)) name += (mediaType || file.type) === 'image' ? '.jpg' : '.mp4'
  const [, extension] = /\.(\w+)([?#][^.]*)?$/.exec(name.toLowerCase()) ?? []
  const coverUrl = file.coverUrl || file.thumbTempFilePath
  return {
    name,
    size,
    lastModified: 0,
    contentType: TYPES.get(extension) ?? '',
    // Files without a checkpoint need not be read.
    fingerprint: size < smallest ? `upload_${url}` : `upload_${size}_${sampled(fs, url, size)}`,
    file: url,
    info: { url, coverUrl, file: { ...file, url, coverUrl, name, size } },
  }
}

/** Bytes of a file; throws when it is not there. @param {any} fs @param {string} path @returns {number} */
export function sizeOf(fs, path) {
  const answer = fs.statSync(path)
  // Some platforms wrap it as `stat` does.
  const { size } = answer.stats ?? answer
  if (!(size >= 0)) throw new TypeError('its size cannot be told.')
  return size
}

/**
 * A number that equal files have in common, however often they are picked: each time they get another path and time.
 * Two runs of FNV-1a, 64 bits in all.
 * @param {any} fs @param {string} path @param {number} size
 */
function sampled(fs, path, size) {
  let [low, high] = [0x811c9dc5, 0xc9dc5118]
  /** @type {ReturnType<typeof reader> | undefined} */
  let read
  try {
    read = reader(fs, path)
    for (let i = 0; i < SAMPLES; i++) {
      for (const byte of new Uint8Array(read(Math.floor((size - SAMPLE) * i / (SAMPLES - 1))))) {
        low = Math.imul(low ^ byte, 0x01000193)
        high = Math.imul(high ^ byte, 0x85ebca6b)
      }
    }
  } catch {
    // Some platforms refuse to read of large files: this one goes on only under the same path.
    return path
  } finally {
    read?.close?.()
  }
  return [low, high].map((half) => (half >>> 0).toString(36)).join('')
}

/**
 * Reads a sample at a position; of open files where it can, for these may be of any size.
 * @param {any} fs @param {string} filePath
 * @returns {((position: number) => ArrayBuffer) & { close?: () => void }}
 */
function reader(fs, filePath) {
  if (!fs.openSync || !fs.readSync) return (position) => fs.readFileSync(filePath, undefined, position, SAMPLE)
  const fd = fs.openSync({ filePath, flag: 'r' })
  const arrayBuffer = new ArrayBuffer(SAMPLE)
  const read = (/** @type {number} */ position) => {
    fs.readSync({ fd, arrayBuffer, offset: 0, length: SAMPLE, position })
    return arrayBuffer
  }
  return Object.assign(read, { close: () => fs.closeSync({ fd }) })
}
