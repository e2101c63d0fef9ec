// @ts-check
// TcVod and VodUploader do what the vendor's SDKs did in the captured runs of tests/vectors/tencent.json, request by request
// and callback by callback, but for what the table names. Each row says what is otherwise and who asks for it: a defect of
// the vendor's by its number, or a chapter of the project's specification.
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { describe, test } from './story.js'
import { MiB, VECTORS, collapseParts, programRun, webRun } from './trace_backend.js'
import { PROGRAM, WEB, playProgram, playWeb } from './trace_stories.js'

/** @typedef {import('./trace_backend.js').Run} Run */
/** @typedef {import('./trace_backend.js').Sent} Sent */
/** @typedef {{ what: string, why: string, runs: string[], edit: (run: Run, name: string) => void }} Difference `edit` makes theirs ours */

const ALL_WEB = Object.keys(WEB)
const ALL_PROGRAM = Object.keys(PROGRAM)
const OLD_PROGRAM = ALL_PROGRAM.filter((name) => PROGRAM[name].isOld)
const SMALL = ALL_WEB.filter((name) => WEB[name].cover || WEB[name].media?.[1] === 1000)
  .filter((name) => !/^(apply|cancel)/.test(name))
const WITHOUT_STORAGE = [
  'apply_network_error_swaps_host', 'cancel_before_apply_is_lost', 'apply_code_10004', 'apply_network_failure', 'expired_session_key',
]
/** Runs in which ours gets to the storage. */
const STORING = [...ALL_WEB, ...ALL_PROGRAM].filter((name) => !WITHOUT_STORAGE.includes(name))
const IN_PARTS = STORING.filter((name) => !SMALL.includes(name) && !OLD_PROGRAM.includes(name))
const STRANGE_UPLOAD = ['resume_remote_uploadid_good_part', 'resume_remote_uploadid_bad_part', 'list_parts_404_is_fatal']
const FINISHED_WEB = ALL_WEB.filter((name) => /^(happy|race|resume|cover|dynamic)/.test(name))
const FINISHED_PROGRAM = ALL_PROGRAM.filter((name) => /^(happy|old)/.test(name))

/** @param {Run} run @param {string} call */
const of = (run, call) => run.requests.filter((request) => request.call === call)
/** @param {Run} run @param {(request: Sent) => boolean} isLeft */
const leave = (run, isLeft) => { run.requests = run.requests.filter(isLeft) }
/** @param {Run} run */
const signed = (run) => run.requests.filter(({ id }) => id)
/** What a form becomes that was refused. @param {Sent} form @returns {Sent} */
const putOf = ({ fields, authorized, path, ...rest }) =>
  ({ ...rest, call: 'PutObject', path: `/${fields.key}`, token: fields['x-cos-security-token'], type: fields['Content-Type'] })

const isUgc = (/** @type {Sent} */ { call }) => call.endsWith('UGC')

/** What is sent in place of parts. @param {Sent} model @param {object} fields @returns {Sent} */
function formOf({ to, path, window, id, signs, forward, token }, fields) {
  const own = { key: path.slice(1), success_action_status: '201', 'x-cos-security-token': VECTORS.trace_web.inputs.applyResponse.data.tempCertificate.token }
  const authorization = forward ? { forward, token } : { authorized: 'in its fields' }
  return { call: 'PostObject', to, path: '/', query: {}, ...authorization, id, window, signs, fields: { ...own, ...fields } }
}

/** Part requests of a whole file, made of the model. @param {Run} run @param {Sent} model @param {string} uploadId @returns {Sent[]} */
const wholeOf = (run, model, uploadId) => {
  const { type, body, md5, ...rest } = model
  const upload = (/** @type {string} */ parameters, /** @type {object} */ query, /** @type {object} */ more) =>
    ({ ...rest, query: { ...query, uploadId }, parameters, ...more })
  const part = (/** @type {number} */ number) =>
    upload('partnumber;uploadid', { partNumber: String(number) }, { call: 'UploadPart', body: `<${(number < 3 ? 8 : 4) * MiB} bytes>` })
  const list = VECTORS.complete_body[2].xml.match(/[0-9a-f]{32}/g).map((/** @type {string} */ etag, /** @type {number} */ i) => [i + 1, `"${etag}"`])
  return [part(1), part(2), part(3), upload('uploadid', {}, { call: 'CompleteMultipartUpload', type: 'application/xml', md5: 'of the body', body: list })]
}

const COMMITTED = VECTORS.trace_web.inputs.commitResponse.data
const ADVICE = "The credential does not allow this; check the endpoint, the bucket and the credential's policy."
const CANCELED = { name: 'UploadError', code: 'Canceled', message: 'The upload was cancelled.', hint: '', retryable: false, retCode: 1017 }
const UNANSWERED = { name: 'UploadError', code: 'NetworkError', message: 'connection failed', hint: '', retryable: true }

/** As VodUploader tells an error. @param {any} error */
const programError = ({ code, ...error }) => [{ error: { ...error, code, data: { code, message: error.message } } }]

/** @type {Difference[]} */
const DIFFERENCES = [
  // The calls to VOD.
  {
    what: 'sizes are told', why: '2.3: version 5.1 and vod-js-sdk-v6 send videoSize and coverSize',
    runs: ALL_PROGRAM.filter((name) => name !== 'expired_session_key'),
    edit: (run) => of(run, 'ApplyUploadUGC').forEach(({ body }) => Object.assign(body, { videoSize: 20 * MiB }, body.coverName && { coverSize: 1000 })),
  },
  {
    what: 'a cover has its own name', why: '2.3: vod-js-sdk-v6 sends the own name of the cover', runs: ['happy_with_cover'],
    edit: (run) => of(run, 'ApplyUploadUGC').forEach(({ body }) => { body.coverName = 'aaaabbbbccccddddaaaabbbbccccdddd' }),
  },
  {
    what: 'each call has a signature of its own', why: '1.3: call getSignature once per UGC request, never send a token twice',
    runs: FINISHED_PROGRAM,
    edit: (run) => { run.signatures = run.requests.filter(isUgc).length },
  },
  {
    what: 'a region that fails does not win', why: 'B15', runs: ['race_two_regions_failing_one_wins'],
    edit: (run) => { of(run, 'ApplyUploadUGC')[0].body.storageRegion = 'ap-a' },
  },
  {
    what: 'a wrong signature is not sent again',
    why: 'B9, 2.8: 10004 is permanent until there is a new signature', runs: ['apply_code_10004'],
    edit(run) {
      run.requests.length = run.signatures = 1
      const message = 'ugc upload | invalid signature The signature is wrong: check the SecretKey, and that its times are whole seconds.'
      run.ends = programError({
        name: '10004', code: 10004, message, hint: message.slice(31), retryable: false, status: 200, retCode: 1001, stage: 'apply',
      })
    },
  },
  {
    what: 'what is not answered is sent again', why: 'B8, B9', runs: ['apply_network_failure'],
    edit(run) {
      run.requests = Array.from({ length: 4 }, () => run.requests[0])
      run.signatures = 4
      run.ends = programError({
        name: 'NetworkError', code: 1001, hint: 'Check the network and the endpoint.', retryable: true, retCode: 1001, stage: 'apply',
        message: 'https://vod2.qcloud.com did not answer: request:fail connection failed. Check the network and the endpoint.',
      })
    },
  },
  {
    what: 'no answer is no 500', why: 'B20', runs: ['apply_network_error_swaps_host'],
    edit: (run) => { run.ends = [{ rejected: { ...UNANSWERED, retCode: 1001, stage: 'apply' } }] },
  },

  // What is sent to the storage.
  {
    what: 'what this device has not begun is not looked for', why: '3.5: keep our own record; one request instead of two on resume',
    runs: IN_PARTS.filter((name) => !STRANGE_UPLOAD.includes(name)),
    edit: (run) => leave(run, ({ call }) => call !== 'ListMultipartUploads'),
  },
  {
    what: 'what this device has not begun is not gone on with',
    why: '3.5: keep our own record; B27 for a failing list', runs: STRANGE_UPLOAD,
    edit(run) {
      const [list] = of(run, 'ListParts')
      const initiate = { ...list, call: 'InitiateMultipartUpload', type: 'video/mp4', query: { uploads: '' }, parameters: 'uploads' }
      const commit = { call: 'CommitUploadUGC', to: 'vod2.qcloud.com', body: { signature: 'SIG2', vodSessionKey: 'SESSIONKEY==' } }
      run.requests = [run.requests[0], initiate, ...wholeOf(run, list, 'UP1'), commit]
      if (run.stored.media) run.stored.media.UploadId = 'UP1'
    },
  },
  {
    what: 'a failing list of parts does not fail the upload', why: 'B19, B27', runs: ['list_parts_404_is_fatal'],
    edit(run) {
      const happy = webRun(VECTORS.trace_web.resume_remote_uploadid_bad_part)
      Object.assign(run, happy, { requests: run.requests, ends: [{ resolved: { ...COMMITTED, verified: true } }] })
      run.stored.media = withoutReceipt(run.stored.media)
    },
  },
  {
    what: 'parts that are not what was sent are sent again', why: 'B26', runs: ['resume_local_cache_trusts_wrong_part'],
    edit(run) {
      const list = of(run, 'ListParts')[0]
      run.requests.splice(2, 3, ...wholeOf(run, list, 'UP1'))
    },
  },
  {
    what: 'a list of parts has its paging said', why: '3.3: part-number-marker, max-parts', runs: ['resume_local_cache_trusts_wrong_part'],
    edit: (run) => of(run, 'ListParts').forEach((request) => {
      Object.assign(request, { query: { 'max-parts': '1000', 'part-number-marker': '0', ...request.query }, parameters: 'max-parts;part-number-marker;uploadid' })
    }),
  },
  {
    what: 'parts are as large as the link allows', why: '3.4: prefer parts of 1 or 2 MiB; 7, number 14: adaptive parts',
    runs: ['happy_20MiB_default_options', 'happy_video_only'], edit: collapseParts,
  },
  {
    what: 'parts have no digest ahead', why: '3.9: compare with the ETag',
    runs: IN_PARTS.filter((name) => name in PROGRAM),
    edit: (run) => of(run, 'UploadPart').forEach((request) => { delete request.md5 }),
  },
  {
    what: 'what fits into one part is one request', why: '3.4: one Put Object or Post Object when size ≤ one part', runs: SMALL,
    edit(run) {
      const { type, ...first } = of(run, 'InitiateMultipartUpload')[0]
      const [{ body }] = of(run, 'UploadPart')
      leave(run, (request) => isUgc(request) || request.call === 'HEAD')
      const at = run.requests.findIndex(({ call }) => call === 'ApplyUploadUGC') + 1
      run.requests.splice(at, 0, { ...formOf(first, { 'Content-Type': type }), body })
    },
  },
  {
    what: 'and so is the cover of a mini program, after the media',
    why: '3.4, B6, B24: nothing is under way beside what may fail', runs: ['happy_with_cover'],
    edit(run) {
      const isCover = (/** @type {Sent} */ { path }) => path?.endsWith('.jpg')
      const { type, ...first } = run.requests.filter(isCover)[0]
      leave(run, (request) => !isCover(request))
      run.requests.splice(-1, 0, { ...formOf(first, { 'Content-Type': type }), body: '<1000 bytes>' })
    },
  },
  {
    what: 'a form is answered with its ETag, and its object has a type',
    why: '3.9: compare with the ETag; 3.3: Content-Type from the extension',
    runs: OLD_PROGRAM,
    edit: (run) => of(run, 'PostObject').forEach(({ fields }) => Object.assign(fields, { success_action_status: '201', 'Content-Type': 'video/mp4' })),
  },
  {
    what: 'a signature lasts for an hour', why: '3.2: sign serverNow−60 ; min(serverNow+900…3600, expiredTime)', runs: STORING,
    edit: (run) => signed(run).forEach((request) => { request.window = 'an hour, from a minute ago' }),
  },
  {
    what: 'a signature is of the host, and of no other header',
    why: '3.2: sign host with the real bucket host; fewer headers are always legal',
    runs: STORING.filter((name) => !OLD_PROGRAM.includes(name)),
    edit: (run) => signed(run).forEach((request) => { request.signs = 'host' }),
  },
  {
    what: 'a pseudo-region is a region like others', why: '2.6: rotation only if a customer asks', runs: ['dynamic_accelerate'],
    edit: (run) => signed(run).forEach((request) => {
      request.to = request.to.replace(/vod-(quic|upload-accelerate2)/, 'vod-upload-proxy')
      delete request.forward
    }),
  },

  // Failures of the storage, and their ends.
  {
    what: 'what is refused is not sent again, and is told for what it is',
    why: 'B1, B8, B29', runs: ['cos_403_on_upload_part', 'cos_403_on_post_object'],
    edit(run) {
      const parts = of(run, 'UploadPart')
      leave(run, (request) => parts.indexOf(request) < 3)
      const message = `Access Denied. ${ADVICE}`
      const partNumber = parts.length > 0 ? { partNumber: 1 } : {}
      run.ends = programError({
        name: 'AccessDenied', code: 1003, message, hint: ADVICE, retryable: false, status: 403, requestId: 'RID1', ...partNumber,
        retCode: 1003, stage: 'media',
      })
    },
  },
  {
    what: 'what is not answered is tried four times, by pauses',
    why: 'B18, B19, B29; 3.8: back-off with jitter', runs: ['cos_network_error_on_part'],
    edit(run) {
      const put = putOf(of(run, 'PostObject')[0])
      run.requests.push(put, put, put)
      run.ends = [{ rejected: { ...UNANSWERED, retCode: 1003, stage: 'media' } }]
    },
  },
  {
    what: 'an error after 200 is one', why: 'B25', runs: ['complete_200_with_error_body_is_accepted'],
    edit(run) {
      const put = putOf(of(run, 'PostObject')[0])
      run.requests.splice(2, 1, put)
      run.progress.media.length = run.signatures = 1
      run.stored = {}
      run.ends = [{ rejected: {
        name: 'UploadError', code: 'InternalError', message: 'm', hint: '', retryable: true, status: 200, requestId: 'RID1',
        retCode: 1003, stage: 'media',
      } }]
    },
  },
  {
    what: 'a repetition tells no beginning again', why: '4.6: progress never decreases, a retried part may not lower it',
    runs: ['cos_403_on_upload_part', 'cos_network_error_on_part'],
    edit: (run) => { run.progress.media.length = 1 },
  },
  {
    what: 'an expired session is forgotten', why: 'B3', runs: ['expired_session_key'],
    edit(run) {
      const happy = programRun(VECTORS.trace_mini_program.happy_video_only)
      const [apply, list, , , , , , commit] = happy.requests
      apply.body.videoSize = 20 * MiB
      const ours = { ...list, call: 'ListParts', path: '/b1d0vodcq1400000000/aa11/bb22.mp4', window: 'an hour, from a minute ago' }
      const paging = { query: { 'max-parts': '1000', 'part-number-marker': '0', uploadId: 'UPLOADID1' }, parameters: 'max-parts;part-number-marker;uploadid' }
      run.requests = [run.requests[0], apply, { ...ours, ...paging }, ...wholeOf(run, ours, 'UPLOADID1'), commit]
      Object.assign(run, { progress: happy.progress, ends: happy.ends, signatures: 3, remembers: false })
      run.ends[0].finish.verified = true
    },
  },
  {
    what: 'cancelling before VOD answers is cancelling', why: 'B13', runs: ['cancel_before_apply_is_lost'],
    edit(run) {
      run.requests.length = run.signatures = 1
      Object.assign(run, { progress: {}, stored: {}, ends: [{ rejected: { ...CANCELED, stage: 'apply' } }] })
    },
  },
  {
    what: 'cancelling is told', why: 'B13', runs: ['cancel_while_uploading'],
    edit: (run) => { run.ends = [{ rejected: { ...CANCELED, stage: 'media' } }] },
  },
  {
    what: 'a form leaves nothing to go on with', why: '3.6: there is no resume', runs: ['cos_403_on_post_object'],
    edit: (run) => { run.remembers = false },
  },

  // What else is told.
  {
    what: 'the progress of a form has a total', why: '4.1: total comes from the file system', runs: OLD_PROGRAM,
    edit: (run) => { run.progress.media[0].total = 20 * MiB },
  },
  {
    what: 'and an end', why: '4.1: the last with 1', runs: ['old_base_library_2_9_0_post_object'],
    edit: (run) => run.progress.media.push({ loaded: 20 * MiB, total: 20 * MiB, percent: 1 }),
  },
  {
    what: 'whether the file is proven to be stored is told',
    why: '3.9: compare; absence is not an error', runs: [...FINISHED_WEB, ...FINISHED_PROGRAM],
    // An old base library reads nothing that could be compared.
    edit: ({ ends: [{ resolved, finish }] }, name) => Object.assign(resolved ?? finish, { verified: !OLD_PROGRAM.includes(name) }),
  },
  {
    what: 'what the storage has answered is not told',
    why: 'documents: 003 and 004 promise no field of this event', runs: FINISHED_WEB,
    edit: (run) => { for (const name of Object.keys(run.stored)) run.stored[name] = withoutReceipt(run.stored[name]) },
  },
]

/** @param {any} stored */
function withoutReceipt({ UploadId, ETag, headers, ...rest }) {
  return rest
}

/** @param {string} name @param {() => Run} theirs @param {Difference[]} rows */
function edited(name, theirs, rows) {
  const run = structuredClone(theirs())
  for (const { edit } of rows) edit(run, name)
  // As it was told: what is missing is missing.
  return JSON.parse(JSON.stringify(run))
}

/** @param {string} name @param {() => Run} theirs @param {(t: any) => Promise<Run>} play */
function compare(name, theirs, play) {
  const rows = DIFFERENCES.filter(({ runs }) => runs.includes(name))
  test(`${name}: as the vendor's, but ${rows.map(({ what }) => what).join('; ')}`, async (t) => {
    const ours = JSON.parse(JSON.stringify(await play(t)))
    assert.deepEqual(ours, edited(name, theirs, rows))
    for (const row of rows) {
      const others = rows.filter((other) => other !== row)
      const isNeeded = () => {
        try {
          return !isDeepStrictEqual(ours, edited(name, theirs, others))
        } catch {
          return true
        }
      }
      assert.ok(isNeeded(), `the table names a difference that is none: ${row.what}`)
    }
  })
}

describe('pages: the runs of vod-js-sdk-v6', () => {
  for (const name of ALL_WEB) compare(name, () => webRun(VECTORS.trace_web[name]), (t) => playWeb(t, WEB[name]))
})

describe('mini programs: the runs of vod-wx-sdk-v2', () => {
  for (const name of ALL_PROGRAM) compare(name, () => programRun(VECTORS.trace_mini_program[name]), (t) => playProgram(t, PROGRAM[name]))
})

test('every captured run is played, and every row of the table is about one', () => {
  assert.deepEqual(['inputs', ...ALL_WEB].sort(), Object.keys(VECTORS.trace_web).sort())
  assert.deepEqual(['inputs', ...ALL_PROGRAM].sort(), Object.keys(VECTORS.trace_mini_program).sort())
  const names = [...ALL_WEB, ...ALL_PROGRAM]
  for (const { what, why, runs } of DIFFERENCES) {
    assert.ok(runs.length > 0 && runs.every((run) => names.includes(run)), what)
    assert.match(why, /^(B\d|\d\.\d|documents: )/, what)
  }
})
