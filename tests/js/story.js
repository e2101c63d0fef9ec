// @ts-check
// `test` for stories that run on every host, and the table of those that a mini program has no use for.
import { after, describe as declareSuite, test as declareTest } from 'node:test'
import assert from 'node:assert/strict'
import { basename } from 'node:path'

/** For the progress of forms see mini_program.test.js. */
const PROGRESS = 'wx.request tells no progress'
const CLOUD = 'the cloud of the tests is no matter of a host'

/** Why a file's tests are skipped in a mini program, or those of its tests whose name matches. @type {Record<string, string | [RegExp, string][]>} */
const BROWSERS_ONLY = {
  'add_file.test.js': [[/^a request that stands still for the timeout /, PROGRESS]],
  'browser_host.test.js': "it is the browser's host",
  'callbacks.test.js': [[/^progress goes from 0 to exactly one 1/, PROGRESS]],
  'cloud.test.js': CLOUD,
  'cloud_faults.test.js': CLOUD,
  'cloud_tencent.test.js': CLOUD,
  'cloud_tencent_api.test.js': CLOUD,
  'cloud_tencent_ugc.test.js': CLOUD,
  'cloud_vod.test.js': CLOUD,
  'compatibility.test.js': 'it is about documents',
  'entry.test.js': 'it is about the files that pages load',
  'integrity.test.js': [[/^by default a link of 500 MB\/s /, 'its parts of 512 MB would be read into memory']],
  'signature.test.js': 'it is for app servers',
  'storage.test.js': [[/^a file that cannot be read any more /, 'there it is a read that fails, not a request: mini_program.test.js']],
  'tabs.test.js': 'a mini program has one page, and no locks',
  'tencent_traces.test.js': [[/^pages: /, 'they are of pages']],
  'tencent_vectors.test.js': 'it asks for parts of any size, which would be read into memory, and for progress',
  'tencent_session.test.js': [[/^1008: the file cannot be read any more/, 'there it is a read that fails, not a request']],
  'trap.test.js': [[/^a trap in progress /, PROGRESS]],
  'uploader.test.js': 'Uploader is an EventTarget, which mini programs do not have',
}

const file = basename(process.argv[1] ?? '')
const reasons = process.env.VODUPLOAD_HOST === 'wechat' ? BROWSERS_ONLY[file] ?? [] : []
/** Reasons that some test has asked for. @type {Set<unknown>} */
const used = new Set()

/** @param {string} name */
function whyNot(name) {
  if (typeof reasons === 'string') return reasons
  const found = reasons.find(([pattern]) => pattern.test(name))
  used.add(found)
  return found?.[1]
}

/** @type {(name: string, ...rest: any) => unknown} */
const tell = (name, ...rest) => {
  const skip = whyNot(name)
  return skip ? declareTest(name, { skip }) : declareTest(name, ...rest)
}
export const test = /** @type {typeof declareTest} */ (tell)

/** @type {(name: string, ...rest: any) => unknown} */
const gather = (name, ...rest) => {
  const skip = whyNot(name)
  return skip ? declareSuite(name, { skip }) : declareSuite(name, ...rest)
}
export const describe = /** @type {typeof declareSuite} */ (gather)

after(() => {
  if (typeof reasons === 'string') return
  assert.deepEqual(reasons.filter((reason) => !used.has(reason)), [], 'the table names a test that is not there')
})
