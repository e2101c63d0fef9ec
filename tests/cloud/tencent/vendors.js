// @ts-check
// The vendor's own packages, which sign what this cloud checks: no signing code of this project decides whether a request is good.

import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** @type {Map<string, any>} */
const loaded = new Map()

/**
 * Loaded at the first use: one of them takes a tenth of a second.
 * @param {string} path
 * @param {string} install
 */
const load = (path, install) => {
  if (!loaded.has(path)) {
    try {
      loaded.set(path, require(path))
    } catch (cause) {
      throw new Error(`Tencent's part of the local cloud checks signatures with ${path.split('/')[0]}, an optional peer dependency of `
        + `vodupload that is not installed here. Install it with: npm install --save-dev ${install}`, { cause })
    }
  }
  return loaded.get(path)
}

/** COS's client class; `getAuthorization` signs. */
export const cosClient = () => load('cos-nodejs-sdk-v5', 'cos-nodejs-sdk-v5@3')

/** Signs calls of the server API: `sign3` is TC3-HMAC-SHA256, `sign` the older way. */
export const apiSigner = () => load('tencentcloud-sdk-nodejs-common/tencentcloud/common/sign', 'tencentcloud-sdk-nodejs-common@4').default

/** The class of a client for any call of the server API. */
export const apiClient = () => load('tencentcloud-sdk-nodejs-common', 'tencentcloud-sdk-nodejs-common@4').CommonClient

/** Whether COS's client is installed, without loading it. */
export const hasCosClient = () => {
  try {
    return Boolean(require.resolve('cos-nodejs-sdk-v5'))
  } catch {
    return false
  }
}
