// @ts-check
// The app server that the vendor's samples for mini programs talk to: its paths, its parameters, its answers.
//
// Those pages send what they have: a temporary path as title and as file name, `undefined` where they know nothing.

import { cutTitle, extensionOf, IMAGE_EXTENSIONS } from './media.js'

/**
 * @param {object} options
 * @param {import('./media.js').Media} options.media
 * @param {import('./credentials.js').Credentials} options.credentials
 * @param {() => string} options.newRequestId
 * @returns {import('./app.js').Route[]}
 */
export const sampleRoutes = ({ media, credentials, newRequestId }) => {
  /** @param {object} data */
  const answer = (data) => ({ body: { requestId: newRequestId(), data } })

  /** @param {URLSearchParams} query */
  const createVideo = (query) => media.createVideo(videoParameters(parametersOf(Object.fromEntries(query))))

  /**
   * Without an id the last one: the sample's page fetches the bare address.
   * @param {URLSearchParams} query
   */
  const refreshVideo = (query) => media.refreshVideo(query.get('videoId') ?? media.videos().at(-1)?.videoId ?? '')

  /** @param {ReturnType<import('./media.js').Media['createVideo']>} grant */
  const capitals = ({ videoId, uploadAuth, uploadAddress }) => ({
    body: { RequestId: newRequestId(), UploadAuth: uploadAuth, UploadAddress: uploadAddress, VideoId: videoId },
  })

  return [
    ['GET', /^\/demo\/getVideoUploadAuth$/, (_, __, query) => answer(createVideo(query))],
    ['GET', /^\/demo\/refreshVideoUploadAuth$/, (_, __, query) => answer(refreshVideo(query))],
    ['GET', /^\/demo\/getImageUploadAuth$/, (_, __, query) => {
      const { imageUrl: imageURL, fileUrl: fileURL, ...others } = media.createImage(imageParameters(parametersOf(Object.fromEntries(query))))
      return answer({ ...others, imageURL, fileURL })
    }],
    ['GET', /^\/demo\/getSts$/, () => {
      const { accessKeyId, accessKeySecret, securityToken, expiration } = credentials.issueSts()
      return answer({ accessKeyId, accessKeySecret, securityToken, expiration })
    }],
    ['GET', /^\/createUrl$/, (_, __, query) => capitals(createVideo(query))],
    ['GET', /^\/refreshUrl$/, (_, __, query) => capitals(refreshVideo(query))],
    ['GET', /^\/stsUrl$/, () => {
      const { accessKeyId, accessKeySecret, securityToken, expiration } = credentials.issueSts()
      const SecurityTokenInfo = {
        AccessKeyId: accessKeyId, AccessKeySecret: accessKeySecret, SecurityToken: securityToken, SecretToken: securityToken, Expiration: expiration,
      }
      return { body: { RequestId: newRequestId(), SecurityTokenInfo } }
    }],
  ]
}

/**
 * VOD's parameters in what a page sent; what it did not know is left out.
 * @param {object} wish
 * @returns {import('./media.js').Parameters}
 */
export const parametersOf = (wish) => Object.fromEntries(Object.entries(wish)
  .filter(([name, value]) => name && ![undefined, null, '', 'undefined', 'null', 'NaN'].includes(value))
  .map(([name, value]) => [name[0].toUpperCase() + name.slice(1), typeof value === 'object' ? JSON.stringify(value) : String(value)]))

/**
 * With a title that VOD takes and a file name that has an extension.
 * @param {import('./media.js').Parameters} parameters
 */
export const videoParameters = ({ Title, FileName = '', ...others }) => {
  const name = FileName.replace(/[?#].*$/, '').split(/[/\\]/).pop() ?? ''
  const fileName = extensionOf(name) ? name : `${name || 'untitled'}.mp4`
  return { Title: cutTitle(Title ?? fileName), FileName: fileName, ...others }
}

/** @param {import('./media.js').Parameters} parameters */
export const imageParameters = ({ Title, FileName = '', OriginalFileName = FileName, ImageExt = extensionOf(OriginalFileName), ...others }) => ({
  ImageType: 'default', ImageExt: IMAGE_EXTENSIONS.includes(ImageExt.toLowerCase()) ? ImageExt : 'png',
  ...(Title && { Title: cutTitle(Title) }), ...(OriginalFileName && { OriginalFileName }), ...others,
})
