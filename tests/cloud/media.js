// @ts-check
// Videos and images as VOD keeps them: created with what the caller told, each with an object key and upload credentials.
// <https://www.alibabacloud.com/help/en/vod/developer-reference/api-vod-2017-03-21-createuploadvideo>

import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { keyPath } from './request.js'
import { invalid, missing, rpcError } from './rpc_errors.js'
import { COMMON } from './rpc_signature.js'
import { signedUrl } from './signature.js'

/**
 * @typedef {import('./rpc_signature.js').Parameters} Parameters
 *
 * @typedef {object} Told what a call told, and what became of it
 * @property {string} title
 * @property {string} key
 * @property {string | null} endpoint the acceleration address that UserData asked for
 * @property {string} createdAt ISO 8601
 * @property {Parameters} parameters of the call, by VOD's names, the common ones left out
 * @property {string[]} unknown names among them that VOD does not have
 *
 * @typedef {Told & { videoId: string, fileName: string, fileSize: number | null, refreshes: number }} Video
 * @typedef {Told & { imageId: string, imageType: string }} Image
 */

/** Life of a download address, s. */
const DOWNLOAD_LIFE = 86_400

export const IMAGE_EXTENSIONS = ['png', 'jpg', 'jpeg', 'gif', 'heic', 'webp']
const MAX_TITLE = 128
const MAX_DESCRIPTION = 1024
const MAX_TAGS = 16
const MAX_TAG = 32

const BOTH = ['Title', 'Description', 'CateId', 'Tags', 'StorageLocation', 'UserData', 'AppId', 'ReferenceId']
const VIDEO = [...BOTH, 'FileName', 'FileSize', 'CoverURL', 'TemplateGroupId', 'WorkflowId', 'TransCodeMode', 'EnableFirstFrameCover', 'GenerateThumbnail']
const IMAGE = [...BOTH, 'ImageType', 'ImageExt', 'OriginalFileName']

/**
 * Characters, as a person counts them.
 * @param {string} text
 */
const lengthOf = (text) => [...text].length

/** @type {Record<string, (value: string) => boolean>} */
const RULES = {
  Title: (text) => lengthOf(text) <= MAX_TITLE,
  Description: (text) => lengthOf(text) <= MAX_DESCRIPTION,
  Tags: (text) => text.split(',').length <= MAX_TAGS && text.split(',').every((tag) => lengthOf(tag) <= MAX_TAG),
  CateId: (text) => /^-?\d+$/.test(text),
  FileSize: (text) => /^\d+$/.test(text),
  ImageType: (text) => ['default', 'cover'].includes(text),
  ImageExt: (text) => IMAGE_EXTENSIONS.includes(text.toLowerCase()),
  UserData: (text) => parseJson(text) !== undefined,
}

/** @param {string} text */
export const cutTitle = (text) => [...text].slice(0, MAX_TITLE).join('')

/**
 * @param {object} options
 * @param {string} options.bucket
 * @param {import('./credentials.js').Credentials} options.credentials
 * @param {import('./store.js').Store} options.store
 * @param {'id' | 'name'} options.keyStyle `name` puts the file's own name, however it is written, into the object key
 * @param {string | null} options.root where media are remembered, if anywhere
 * @param {() => string} options.endpoint
 * @param {() => number} options.now
 */
export const createMedia = ({ bucket, credentials, store, keyStyle, root, endpoint, now }) => {
  /** @type {Map<string, Video>} */
  const videos = recall('videos')
  /** @type {Map<string, Image>} */
  const images = recall('images')
  const issueReader = () => credentials.issue({ life: DOWNLOAD_LIFE, deny: [] })
  /** @type {ReturnType<typeof issueReader> | undefined} */
  let reader

  return {
    /** @param {Parameters} parameters */
    createVideo(parameters) {
      const told = check(parameters, VIDEO, ['Title', 'FileName'])
      const { Title: title, FileName: fileName, FileSize } = told.parameters
      const extension = /\.(\w{1,16})$/.exec(fileName)?.[1]
      if (!extension) throw rpcError('InvalidParameter.FileName')
      const videoId = newId()
      const name = keyStyle === 'name' ? fileName.replace(/[/\\]/g, '_') : `${videoId}.${extension}`
      /** @type {Video} */
      const video = { videoId, fileName, title, key: `sv/${videoId}/${name}`, fileSize: FileSize ? Number(FileSize) : null, refreshes: 0, ...told }
      videos.set(videoId, video)
      save('videos', videos)
      return grantFor(video)
    },

    /** @param {Parameters} parameters */
    createImage(parameters) {
      const told = check(parameters, IMAGE, ['ImageType'])
      const { ImageType: imageType, ImageExt = 'png', Title = '', OriginalFileName = '' } = told.parameters
      const imageId = newId()
      const name = keyStyle === 'name' && OriginalFileName ? OriginalFileName.replace(/[/\\]/g, '_') : `${imageId}.${ImageExt.toLowerCase()}`
      /** @type {Image} */
      const image = { imageId, imageType, title: Title, key: `image/${imageType}/${keyStyle === 'name' ? `${imageId}/` : ''}${name}`, ...told }
      images.set(imageId, image)
      save('images', images)
      return { imageId, imageUrl: downloadUrl(image.key), fileUrl: `${endpoint()}/${keyPath(image.key)}`, ...credentialsFor(image) }
    },

    /**
     * A new credential for the same object.
     * @param {string} videoId
     */
    refreshVideo(videoId) {
      const video = findVideo(videoId)
      video.refreshes++
      save('videos', videos)
      return grantFor(video)
    },

    /** @param {string} videoId */
    async removeVideo(videoId) {
      const { key } = findVideo(videoId)
      videos.delete(videoId)
      save('videos', videos)
      for (const upload of store.uploads().filter((upload) => upload.bucket === bucket && upload.key === key)) await store.abort(upload)
      await store.remove(bucket, key)
    },

    findVideo,
    downloadUrl,
    videos: () => [...videos.values()],
    images: () => [...images.values()],
  }

  /** @param {Video} video */
  function grantFor(video) {
    return { videoId: video.videoId, ...credentialsFor(video) }
  }

  /** @param {Told} media */
  function credentialsFor(media) {
    const { uploadAuth, uploadAddress } = credentials.issue({ key: media.key, endpoint: media.endpoint })
    return { uploadAddress, uploadAuth }
  }

  /** @param {string} videoId */
  function findVideo(videoId) {
    const video = videos.get(videoId)
    if (!video) throw rpcError('InvalidVideo.NotFound')
    return video
  }

  /**
   * An address that needs no signing client, for a day.
   * @param {string} key
   */
  function downloadUrl(key) {
    if (!reader || reader.expires < now() + DOWNLOAD_LIFE * 500) reader = issueReader()
    return signedUrl(reader, endpoint(), key)
  }

  /**
   * @param {Parameters} all
   * @param {string[]} known
   * @param {string[]} required
   * @returns {Omit<Told, 'title' | 'key'>}
   */
  function check(all, known, required) {
    const parameters = Object.fromEntries(Object.entries(all).filter(([name]) => !COMMON.includes(name)))
    const absent = required.find((name) => !parameters[name])
    if (absent) throw missing(absent)
    const wrong = Object.keys(parameters).find((name) => known.includes(name) && RULES[name] && !RULES[name](parameters[name]))
    if (wrong) throw invalid(wrong)
    return {
      endpoint: acceleration(parameters.UserData), createdAt: new Date(now()).toISOString(), parameters,
      unknown: Object.keys(parameters).filter((name) => !known.includes(name)),
    }
  }

  /** @param {string} name */
  function recall(name) {
    const path = root && join(root, `${name}.json`)
    /** @type {[string, any][]} */
    const kept = path && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : []
    // Clouds before the RPC endpoint kept less.
    return new Map(kept.map(([id, media]) => [id, { refreshes: 0, endpoint: null, parameters: {}, unknown: [], ...media }]))
  }

  /**
   * @param {string} name
   * @param {Map<string, Told>} media
   */
  function save(name, media) {
    if (root) writeFileSync(join(root, `${name}.json`), JSON.stringify([...media]))
  }
}

/** @typedef {ReturnType<typeof createMedia>} Media */

/**
 * The extension of a name, an address or a path, in lower case and without the dot; '' if it has none.
 * @param {string} text
 */
export const extensionOf = (text) => /^\.(\w{1,16})$/.exec(extname(text.replace(/[?#].*$/, '')))?.[1].toLowerCase() ?? ''

const newId = () => randomBytes(16).toString('hex')

/**
 * @param {string} text
 * @returns {any} undefined when it is no JSON
 */
const parseJson = (text) => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @param {string | undefined} userData */
const acceleration = (userData) => {
  const { Type, Domain } = parseJson(userData ?? '')?.AccelerateConfig ?? {}
  return Type === 'oss' && typeof Domain === 'string' && Domain ? Domain : null
}
