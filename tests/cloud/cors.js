// @ts-check
// The bucket's CORS rule: what a browser on another origin may send and read.
// <https://help.aliyun.com/zh/oss/developer-reference/options>

import { ossError } from './errors.js'

/**
 * @typedef {object} CorsRule
 * @property {string[]} origins exact, or with one `*`
 * @property {string[]} methods
 * @property {string[]} headers request headers, with `*`
 * @property {string[]} expose response headers that scripts may read
 * @property {number} maxAge seconds
 */

/** @type {CorsRule} */
export const DEFAULT_CORS = {
  origins: ['*'],
  methods: ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'],
  headers: ['*'],
  expose: ['ETag', 'x-oss-request-id', 'x-oss-hash-crc64ecma'],
  maxAge: 600,
}

/**
 * @param {string[]} patterns
 * @param {string} text
 */
const allows = (patterns, text) => patterns.some((pattern) => {
  const [head, tail] = pattern.toLowerCase().split('*')
  if (tail === undefined) return head === text
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail)
})

/**
 * Headers for an ordinary answer, errors included: a page must be able to read why it was refused.
 * @param {CorsRule | null} rule
 * @param {{ origin?: string, method: string }} request
 * @returns {Record<string, string>}
 */
export const corsHeaders = (rule, { origin, method }) => {
  if (!rule || !origin || !allows(rule.origins, origin.toLowerCase()) || !rule.methods.includes(method)) return {}
  return {
    'Access-Control-Allow-Origin': rule.origins.includes('*') ? '*' : origin,
    ...(rule.expose.length && { 'Access-Control-Expose-Headers': rule.expose.join(', ') }),
    ...(!rule.origins.includes('*') && { Vary: 'Origin' }),
  }
}

/**
 * Headers that answer a preflight.
 * @param {CorsRule | null} rule
 * @param {Record<string, string>} headers
 * @returns {Record<string, string>}
 */
export const preflightHeaders = (rule, headers) => {
  const { origin, 'access-control-request-method': method, 'access-control-request-headers': names = '' } = headers
  if (!origin || !method) throw ossError('InvalidArgument', { message: 'Insufficient information. Origin and Access-Control-Request-Method request headers needed.' })
  if (!rule) throw ossError('AccessForbidden', { message: 'CORSResponse: CORS is not enabled for this bucket.' })
  const wanted = names.split(',').map((name) => name.trim().toLowerCase()).filter(Boolean)
  const allowed = allows(rule.origins, origin.toLowerCase()) && rule.methods.includes(method) && wanted.every((name) => allows(rule.headers, name))
  if (!allowed) throw ossError('AccessForbidden')
  return {
    ...corsHeaders(rule, { origin, method }),
    'Access-Control-Allow-Methods': method,
    ...(names && { 'Access-Control-Allow-Headers': names }),
    'Access-Control-Max-Age': String(rule.maxAge),
  }
}
