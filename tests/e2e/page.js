// @ts-check
// The application that the tests drive: it answers the callbacks as Aliyun's documents show, and tells the test of
// every one. /script loads the script-tag build before this module, all other paths import the ES module.

/**
 * @typedef {object} PageConfig
 * @property {string} app the app server
 * @property {1 | 4 | 'sts'} [grant] 1: an UploadAuth that names no region, as old ones do; 4, the default: one that does;
 *   sts: a token with which VOD is asked
 * @property {Record<string, unknown>} [options] for VODUpload
 *
 * @typedef {object} Call a callback, or `CSP` for a violated policy, or `grant` for a credential that could not be had
 * @property {string} on
 * @property {number} uploader
 * @property {string} file its name
 * @property {string} state of uploadInfo
 * @property {string} [videoId]
 * @property {string} [object]
 * @property {string} [imageUrl]
 * @property {boolean} [verified]
 * @property {string} [code]
 * @property {string} [message]
 * @property {number} [partNumber]
 * @property {number} [total] bytes
 * @property {number} [loaded] 0..1
 */

const page = /** @type {any} */ (globalThis)
/** What was told when there is no binding to tell it through: WebDriver has none, and asks. @type {Call[]} */
page.told = []
/** @type {(call: Call) => Promise<unknown>} */
const tell = page.tell ?? (async (call) => page.told.push(call))

addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
  void tell({ on: 'CSP', uploader: 0, file: '', state: '', message: `${effectiveDirective} ${blockedURI}` })
})

/** @type {typeof import('../../js/index.js').VODUpload} */
const VODUpload = page.AliyunUpload?.Vod ?? (await import('/vodupload/vodupload.js')).default

/** @type {InstanceType<typeof VODUpload>[]} */
const uploaders = []

/** @param {PageConfig} config */
function create({ app, grant: kind = 4, options = {} }) {
  const uploader = uploaders.length

  /** @param {string} on @param {any} info @param {Partial<Call>} [more] */
  const note = (on, info, more) => tell({
    on, uploader, file: info.file.name, state: info.state, videoId: info.videoId, object: info.object, imageUrl: info.imageUrl,
    verified: info.verified, ...more,
  })

  /** @param {any} info @param {string} path @param {object} [body] */
  const grant = async (info, path, body = {}) => {
    const response = await fetch(app + path, { method: 'POST', body: JSON.stringify(body) })
    const answer = await response.json()
    if (!response.ok) await note('grant', info, { code: answer.code })
    if (kind === 1) {
      const { Region, ...rest } = JSON.parse(atob(answer.uploadAuth))
      answer.uploadAuth = btoa(JSON.stringify(rest))
    }
    return answer
  }

  uploaders.push(new VODUpload({
    userId: '1',
    ...options,
    async onUploadstarted(info) {
      await note('onUploadstarted', info)
      const { name: fileName, size: fileSize } = info.file
      if (kind === 'sts') {
        const { accessKeyId, accessKeySecret, securityToken } = await grant(info, '/api/sts')
        return void uploaders[uploader].setSTSToken(info, accessKeyId, accessKeySecret, securityToken)
      }
      const answer = info.isImage
        ? await grant(info, '/api/images', { title: fileName, fileName })
        : info.videoId
          ? await grant(info, `/api/videos/${info.videoId}/refresh`)
          : await grant(info, '/api/videos', { title: fileName, fileName, fileSize })
      uploaders[uploader].setUploadAuthAndAddress(info, answer.uploadAuth, answer.uploadAddress, answer.videoId)
    },
    async onUploadTokenExpired(info) {
      await note('onUploadTokenExpired', info)
      if (kind === 'sts') {
        const { accessKeyId, accessKeySecret, securityToken, expiration } = await grant(info, '/api/sts')
        return void uploaders[uploader].resumeUploadWithSTSToken(accessKeyId, accessKeySecret, securityToken, expiration)
      }
      const answer = await grant(info, `/api/videos/${info.videoId}/refresh`)
      uploaders[uploader].resumeUploadWithAuth(answer.uploadAuth)
    },
    onUploadProgress: (info, total, loaded) => note('onUploadProgress', info, { total, loaded }),
    onUploadSucceed: (info) => note('onUploadSucceed', info),
    onUploadFailed: (info, code, message, { partNumber }) => note('onUploadFailed', info, { code, message, partNumber }),
    onUploadCanceled: (info) => note('onUploadCanceled', info),
    onUploadEnd: (info) => note('onUploadEnd', info),
  }))
  return uploader
}

/**
 * Queues picked files.
 * @param {number} uploader
 * @param {number} [start] index of the first
 * @param {number} [end] index after the last
 * @param {string | null} [endpoint]
 */
function add(uploader, start, end, endpoint = null) {
  const input = /** @type {HTMLInputElement} */ (document.getElementById('files'))
  // WebDriver turns what is undefined into null.
  return [...input.files ?? []].slice(start ?? 0, end ?? undefined).map((file) => uploaders[uploader].addFile(file, endpoint, null, null, '{"Vod":{}}'))
}

Object.assign(page, { vod: { uploaders, create, add } })
