// @ts-check
// A VOD in memory: it creates videos and images and refreshes credentials, and answers in JSON.
import { addressOf, authOf } from './stage.js'
import { tinyOss } from './tiny_oss.js'

/** @typedef {import('./fake_host.js').FakeRequest} FakeRequest */

/** @param {string} code @param {number} [status] */
export const vodRefusal = (code, status = 403) =>
  ({ status, body: JSON.stringify({ RequestId: 'RPC-REQUEST', HostId: 'vod', Code: code, Message: 'No.' }) })

export function tinyVod(oss = tinyOss()) {
  let ids = 0
  const credential = (/** @type {string} */ name) => ({
    UploadAuth: authOf({ AccessKeyId: `STS.${++ids}` }), UploadAddress: addressOf({ FileName: name }),
  })
  /** @type {Record<string, (parameters: Record<string, string>) => object>} */
  const actions = {
    CreateUploadVideo: () => ({ VideoId: 'VIDEO', ...credential('sv/a.mp4') }),
    RefreshUploadVideo: ({ VideoId }) => ({ VideoId, ...credential('sv/a.mp4') }),
    CreateUploadImage: () => ({
      ImageId: 'IMAGE', ImageURL: 'https://img/a.png?auth=1', FileURL: 'https://oss/a.png', ...credential('image/a.png'),
    }),
  }
  /** @param {FakeRequest} request */
  const answer = (request) => {
    const action = actions[request.operation]
    if (!action) return oss.answer(request)
    return { body: JSON.stringify({ RequestId: 'R', ...action(request.parameters) }) }
  }
  return { answer, oss }
}
