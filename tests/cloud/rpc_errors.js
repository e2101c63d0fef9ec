// @ts-check
// The errors VOD's RPC API answers: code, HTTP status, message.

import { randomUUID } from 'node:crypto'

/** @type {Record<string, { status: number, message: string }>} */
const ERRORS = {
  'Forbidden.RAM': { status: 403, message: 'User not authorized to operate on the specified resource, or this API doesn\'t support RAM.' },
  InternalError: { status: 500, message: 'The request processing has failed due to some unknown error, exception or failure.' },
  'InvalidAccessKeyId.NotFound': { status: 404, message: 'Specified access key is not found.' },
  'InvalidAction.NotFound': { status: 404, message: 'Specified api is not found, please check your url and method.' },
  'InvalidParameter.FileName': { status: 400, message: 'The specified parameter FileName is not valid: it has no extension.' },
  'InvalidSecurityToken.Expired': { status: 403, message: 'Specified SecurityToken is expired.' },
  'InvalidSecurityToken.MismatchWithAccessKey': { status: 400, message: 'Specified SecurityToken does not match the AccessKeyId.' },
  'InvalidTimeStamp.Expired': { status: 400, message: 'Specified time stamp or date value is expired.' },
  'InvalidTimeStamp.Format': { status: 400, message: 'Specified time stamp or date value is not well formatted.' },
  InvalidVersion: { status: 400, message: 'Specified parameter Version is not valid.' },
  'InvalidVideo.NotFound': { status: 404, message: 'The video does not exist.' },
  ServiceUnavailable: { status: 503, message: 'The request has failed due to a temporary failure of the server.' },
  SignatureNonceUsed: { status: 400, message: 'Specified signature nonce was used already.' },
  'Throttling.User': { status: 429, message: 'Request was denied due to user flow control.' },
  UnsupportedHTTPMethod: { status: 403, message: 'This http method is not supported.' },
}

/**
 * @typedef {Error & { rpc: true, code: string, status: number, fields: Record<string, string>, headers: Record<string, string> }} RpcError
 */

/**
 * @param {string} code
 * @param {{ message?: string, status?: number, fields?: Record<string, string>, headers?: Record<string, string> }} [more]
 *   `fields` become members beside Code and Message
 * @returns {RpcError}
 */
export const rpcError = (code, { message, status, fields = {}, headers = {} } = {}) =>
  Object.assign(new Error(message ?? ERRORS[code]?.message ?? code), {
    rpc: /** @type {const} */ (true), code, status: status ?? ERRORS[code]?.status ?? 400, fields, headers,
  })

/** @param {string} name */
export const missing = (name) => rpcError(`Missing${name}`, { message: `${name} is mandatory for this action.` })

/** @param {string} name */
export const invalid = (name) => rpcError('InvalidParameter', { message: `The specified parameter ${name} is not valid.` })

/**
 * @param {RpcError} error
 * @param {string} requestId
 * @param {string} hostId
 */
export const errorBody = (error, requestId, hostId) => ({
  RequestId: requestId, HostId: hostId, Code: error.code, Message: error.message,
  Recommend: `https://api.aliyun.com/troubleshoot?q=${error.code}&product=vod&requestId=${requestId}`, ...error.fields,
})

export const newRequestId = () => randomUUID().toUpperCase()
