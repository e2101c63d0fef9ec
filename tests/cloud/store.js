// @ts-check
// Objects and unfinished multipart uploads: bytes on disk, the rest in memory.
//
// Nothing appears here before all of its bytes have arrived, and an object appears at once or not at all. Names on disk
// are hashes: an object key may be longer than a file name and may contain "..".

import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { crc64, joinCrc64, zerosCrc64 } from './crc64.js'
import { ossError } from './errors.js'

/**
 * @typedef {'full' | 'etag' | 'off' | 'zeros'} Integrity `full`: MD5 and CRC-64; `etag`: MD5 only; `off`: an ETag of the
 *   right shape that depends on the length only; `zeros`: the same, and the CRC-64 of as many zeros, which costs nothing
 *
 * @typedef {'KMS' | null} Encryption with KMS an ETag is not the MD5
 *
 * @typedef {object} Content bytes that have arrived
 * @property {string | null} path null when bytes are not kept
 * @property {number} size
 * @property {string} etag upper-case hex, no quotes
 * @property {string | null} md5 hex, of these bytes
 * @property {string | null} crc64 decimal
 * @property {Encryption} encryption
 *
 * @typedef {Content & { number: number, lastModified: number }} Part
 *
 * @typedef {object} Upload
 * @property {string} uploadId
 * @property {string} bucket
 * @property {string} key
 * @property {number} initiated ms
 * @property {Record<string, string>} headers what GetObject gives back: content-type, x-oss-meta-*
 * @property {Map<number, Part>} parts
 *
 * @typedef {Content & { bucket: string, key: string, type: 'Normal' | 'Multipart', lastModified: number, headers: Record<string, string>, sha256?: string }} StoredObject
 */

/** Bytes gathered before a write: fewer, larger writes leave the event loop to the network. */
const WRITE_SIZE = 1 << 20

/** @param {unknown} value */
const digest = (value) => createHash('md5').update(String(value)).digest('hex')

/**
 * @param {object} options
 * @param {string} options.root directory
 * @param {Integrity} options.integrity
 * @param {boolean} options.keep whether bytes are written to disk
 * @param {boolean} options.persistent whether another server may continue with this root
 * @param {() => Encryption} options.encryption of what arrives now
 * @param {() => number} options.now
 */
export const createStore = ({ root, integrity, keep, persistent, encryption, now }) => {
  const folders = { incoming: join(root, 'incoming'), objects: join(root, 'objects'), uploads: join(root, 'uploads') }
  rmSync(folders.incoming, { recursive: true, force: true })
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true })

  /** @type {Map<string, StoredObject>} */
  const objects = new Map()
  /** @type {Map<string, Upload>} */
  const uploads = new Map()

  /**
   * @param {string} path
   * @param {object} value
   */
  const record = (path, value) => { if (persistent) writeFileSync(path, JSON.stringify(value)) }

  /** @param {string} uploadId */
  const folderOf = (uploadId) => join(folders.uploads, uploadId)

  /**
   * @param {string} bucket
   * @param {string} key
   */
  const nameOf = (bucket, key) => join(folders.objects, digest(`${bucket}/${key}`) + extname(key).replace(/[^.\w]/g, ''))

  /** @param {StoredObject} object */
  const publish = (object) => {
    objects.set(`${object.bucket}/${object.key}`, object)
    record(`${nameOf(object.bucket, object.key)}.json`, object)
  }

  if (persistent) restore()

  /**
   * @param {number} size
   * @param {ReturnType<typeof crc64> | null} crc
   */
  const checksum = (size, crc) => {
    if (integrity === 'zeros') return String(zerosCrc64(size))
    return crc ? String(crc.value()) : null
  }

  return {
    /**
     * Takes a body in. Throws what the body throws, and then nothing is left of it.
     * @param {AsyncIterable<Buffer>} body
     * @param {{ md5?: boolean, salt?: unknown }} [options] `md5`: wanted whatever the integrity; `salt` goes into a cheap ETag
     * @returns {Promise<Content>}
     */
    async receive(body, { md5: md5Wanted = false, salt = '' } = {}) {
      const md5 = integrity === 'full' || integrity === 'etag' || md5Wanted ? createHash('md5') : null
      const crc = integrity === 'full' ? crc64() : null
      const path = keep ? join(folders.incoming, randomUUID()) : null
      const file = path ? await open(path, 'w') : null
      let size = 0
      try {
        /** @type {Buffer[]} */
        let gathered = []
        let gatheredSize = 0
        const flush = async () => {
          if (gathered.length) await file?.writev(gathered)
          gathered = []
          gatheredSize = 0
        }
        for await (const chunk of body) {
          size += chunk.length
          md5?.update(chunk)
          crc?.update(chunk)
          if (!file) continue
          gathered.push(chunk)
          gatheredSize += chunk.length
          if (gatheredSize >= WRITE_SIZE) await flush()
        }
        await flush()
        await file?.close()
      } catch (error) {
        await file?.close().catch(() => {})
        if (path) await rm(path, { force: true })
        throw error
      }
      const hex = md5?.digest('hex') ?? null
      const encrypted = encryption()
      const etag = encrypted ? randomBytes(16).toString('hex') : hex ?? digest(`${salt}:${size}`)
      return { path, size, md5: hex, etag: etag.toUpperCase(), crc64: checksum(size, crc), encryption: encrypted }
    },

    /** @param {Content} content */
    discard: async ({ path }) => { if (path) await rm(path, { force: true }) },

    /**
     * @param {{ bucket: string, key: string, headers: Record<string, string> }} target
     * @param {Content} content
     */
    async put({ bucket, key, headers }, content) {
      let { path } = content
      if (path) {
        path = nameOf(bucket, key)
        await rename(/** @type {string} */ (content.path), path)
      }
      /** @type {StoredObject} */
      const object = { ...content, path, bucket, key, headers, type: 'Normal', lastModified: now() }
      publish(object)
      return object
    },

    /** @param {{ bucket: string, key: string, headers: Record<string, string> }} target */
    initiate({ bucket, key, headers }) {
      const uploadId = randomBytes(16).toString('hex').toUpperCase()
      /** @type {Upload} */
      const upload = { uploadId, bucket, key, headers, initiated: now(), parts: new Map() }
      uploads.set(uploadId, upload)
      if (keep) mkdirSync(folderOf(uploadId))
      if (keep) record(join(folderOf(uploadId), 'upload.json'), { ...upload, parts: undefined })
      return upload
    },

    /**
     * @param {Upload} upload
     * @param {number} number
     * @param {Content} content
     */
    async addPart(upload, number, content) {
      // The upload may have been completed or aborted while the body was on its way.
      if (!uploads.has(upload.uploadId)) {
        await this.discard(content)
        throw ossError('NoSuchUpload', { fields: { UploadId: upload.uploadId } })
      }
      const path = content.path && join(folderOf(upload.uploadId), String(number))
      // Synchronous, so that no abort or completion comes between the check above and the new name.
      if (path) renameSync(/** @type {string} */ (content.path), path)
      /** @type {Part} */
      const part = { ...content, path, number, lastModified: now() }
      upload.parts.set(number, part)
      if (path) record(`${path}.json`, part)
      return part
    },

    /**
     * Joins the parts given, in that order; parts not given are dropped.
     * @param {Upload} upload
     * @param {Part[]} parts
     */
    async complete(upload, parts) {
      uploads.delete(upload.uploadId) // from here on no part and no second completion can come in
      const { bucket, key, headers } = upload
      const path = keep ? nameOf(bucket, key) : null
      if (path) await joinFiles(parts, join(folders.incoming, randomUUID()), path)
      const md5s = Buffer.concat(parts.map((part) => Buffer.from(part.etag, 'hex')))
      /** @type {StoredObject} */
      const object = {
        bucket, key, headers, path, type: 'Multipart', lastModified: now(), md5: null,
        encryption: parts.find((part) => part.encryption)?.encryption ?? null,
        size: parts.reduce((sum, part) => sum + part.size, 0),
        etag: `${createHash('md5').update(md5s).digest('hex').toUpperCase()}-${parts.length}`,
        crc64: parts.every((part) => part.crc64 !== null)
          ? String(parts.reduce((crc, part) => joinCrc64(crc, BigInt(part.crc64 ?? 0), part.size), 0n)) : null,
      }
      publish(object)
      await rm(folderOf(upload.uploadId), { recursive: true, force: true })
      return object
    },

    /** @param {Upload} upload */
    async abort(upload) {
      uploads.delete(upload.uploadId)
      await rm(folderOf(upload.uploadId), { recursive: true, force: true })
    },

    /**
     * @param {string} bucket
     * @param {string} key
     */
    async remove(bucket, key) {
      objects.delete(`${bucket}/${key}`)
      await Promise.all([nameOf(bucket, key), `${nameOf(bucket, key)}.json`].map((path) => rm(path, { force: true })))
    },

    /**
     * SHA-256 of the whole object in hex, as a page can compute it too; null when its bytes were not kept.
     * @param {StoredObject} object
     */
    async sha256(object) {
      if (object.sha256 || !object.path) return object.sha256 ?? null
      const hash = createHash('sha256')
      const file = await open(object.path)
      for await (const chunk of file.createReadStream({ highWaterMark: WRITE_SIZE })) hash.update(chunk)
      return (object.sha256 = hash.digest('hex'))
    },

    /**
     * @param {string} bucket
     * @param {string} key
     */
    object: (bucket, key) => objects.get(`${bucket}/${key}`),
    objects: () => [...objects.values()],
    /** @param {string} uploadId */
    upload: (uploadId) => uploads.get(uploadId),
    uploads: () => [...uploads.values()],
  }

  function restore() {
    /** @param {string} path */
    const read = (path) => JSON.parse(readFileSync(path, 'utf8'))
    for (const name of readdirSync(folders.objects).filter((name) => name.endsWith('.json'))) {
      const object = read(join(folders.objects, name))
      objects.set(`${object.bucket}/${object.key}`, object)
    }
    for (const uploadId of readdirSync(folders.uploads)) {
      if (!existsSync(join(folderOf(uploadId), 'upload.json'))) continue
      const names = readdirSync(folderOf(uploadId)).filter((name) => /^\d+\.json$/.test(name))
      /** @type {Part[]} */
      const parts = names.map((name) => read(join(folderOf(uploadId), name)))
      uploads.set(uploadId, { ...read(join(folderOf(uploadId), 'upload.json')), parts: new Map(parts.map((part) => [part.number, part])) })
    }
  }
}

/** @typedef {ReturnType<typeof createStore>} Store */

/**
 * @param {Part[]} parts
 * @param {string} temporary
 * @param {string} path
 */
const joinFiles = async (parts, temporary, path) => {
  const [first, ...others] = parts
  await rename(/** @type {string} */ (first.path), temporary)
  const target = await open(temporary, 'a')
  const buffer = Buffer.allocUnsafe(4 * WRITE_SIZE)
  for (const part of others) {
    const source = await open(/** @type {string} */ (part.path))
    for (;;) {
      const { bytesRead } = await source.read(buffer, 0, buffer.length)
      if (!bytesRead) break
      await target.write(buffer, 0, bytesRead)
    }
    await source.close()
  }
  await target.close()
  await rename(temporary, path)
}
