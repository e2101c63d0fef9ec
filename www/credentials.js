// @ts-check
// The answers to the SDK's two questions, in the two ways that VOD knows: an upload address with its credential, which
// the app server gets from VOD, or an STS token, with which the SDK asks VOD itself.
import { Refused } from './app_server.js'

/**
 * @typedef {'address' | 'sts'} Way
 * @typedef {import('./app_server.js').ImageGrant} ImageGrant
 * @typedef {{ call: string, detail: string, image: ImageGrant | null, give: () => boolean }} Answer `call` is the method that `give` calls
 */

/** @param {ReturnType<typeof import('./app_server.js').createAppServer>} app */
export function createCredentials(app) {
  return { first, renewed }

  /**
   * The answer to `onUploadstarted`.
   * @param {import('../js/index.js').VODUpload} uploader
   * @param {any} info
   * @param {Way} way
   * @returns {Promise<Answer>}
   */
  async function first(uploader, info, way) {
    if (way === 'sts') {
      const { accessKeyId, accessKeySecret, securityToken } = await app.sts()
      return { call: 'setSTSToken', detail: '', image: null, give: () => uploader.setSTSToken(info, accessKeyId, accessKeySecret, securityToken) }
    }
    const call = 'setUploadAuthAndAddress'
    if (info.isImage) {
      const image = await app.createImage(info.file)
      return { call, detail: `imageId ${image.imageId}`, image, give: () => uploader[call](info, image.uploadAuth, image.uploadAddress) }
    }
    const { videoId, uploadAuth, uploadAddress } = await grantFor(info)
    return { call, detail: `videoId ${videoId}`, image: null, give: () => uploader[call](info, uploadAuth, uploadAddress, videoId) }
  }

  /**
   * The answer to `onUploadTokenExpired`.
   * @param {import('../js/index.js').VODUpload} uploader
   * @param {any} info
   * @param {Way} way that the file began with
   * @returns {Promise<Answer>}
   */
  async function renewed(uploader, info, way) {
    if (way === 'sts') {
      const { accessKeyId, accessKeySecret, securityToken, expiration } = await app.sts()
      const call = 'resumeUploadWithSTSToken'
      return { call, detail: '', image: null, give: () => uploader[call](accessKeyId, accessKeySecret, securityToken, expiration, info) }
    }
    if (info.isImage) return first(uploader, info, way) // VOD refreshes no image: another one is made
    const { uploadAuth } = await app.refresh(info.videoId)
    return { call: 'resumeUploadWithAuth', detail: '', image: null, give: () => uploader.resumeUploadWithAuth(uploadAuth, info) }
  }

  /** @param {any} info */
  async function grantFor(info) {
    if (!info.videoId) return app.create(info.file)
    try {
      return await app.refresh(info.videoId)
    } catch (error) {
      // The video of an old checkpoint may be gone: then this is a new upload.
      if (error instanceof Refused && error.status === 404) return app.create(info.file)
      throw error
    }
  }
}
