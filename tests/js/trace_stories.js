// @ts-check
// What the captured runs of tests/vectors/tencent.json were of, and how ours is made to do the same: the files, the options,
// what goes wrong, and when the application cancels.
import { browser, tcVodOn, vodUploaderOn } from './bundle.js'
import { fakeHost, fakeProgram } from './fake_host.js'
import { files } from './fake_wx.js'
import { DENIED, LATE, MiB, NO_UPLOAD, VECTORS, backend, collapseParts, hearing, refused, requestsOf } from './trace_backend.js'

/** @typedef {import('./trace_backend.js').Run} Run */
/** @typedef {import('./trace_backend.js').Script} Script */

/**
 * What a run is played with.
 * @typedef {object} Story
 * @property {[name: string, size: number]} [media]
 * @property {boolean} [cover]
 * @property {any} [options]
 * @property {Script} [script]
 * @property {Script} [before] of an upload that was left unfinished
 * @property {string} [cancelAt] the call that is cancelled by the application
 * @property {boolean} [adapts] whether the application leaves the size of the parts to the library
 * @property {boolean} [isOld] whether the base library cannot read parts of files
 */

const VIDEO = /** @type {[string, number]} */ (['a.mp4', 20 * MiB])
/** What both of the vendor's take by themselves. */
const PARTS = { chunkSize: 8 * MiB }
const NO_RACE = { ...PARTS, enableRaceRegion: false }
const partOne = (/** @type {string} */ etag, /** @type {number} */ size) =>
  `<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber><ETag>"${etag}"</ETag><Size>${size}</Size></Part></ListPartsResult>`

/** How far the clock of a run was set ahead, and since when. */
const passed = { failures: 0, ms: 0 }

/** @type {Record<string, Story>} */
export const WEB = {
  happy_20MiB_default_options: { media: ['a.b.mp4', 20 * MiB], adapts: true },
  happy_1000B_no_race: { media: ['a.mp4', 1000], options: NO_RACE },
  race_two_regions_failing_one_wins: {
    media: ['a.mp4', 1000], options: PARTS,
    script: {
      regions: [['ap-a', 'a.example.invalid'], ['ap-b', 'b.example.invalid']],
      fault: ({ url }) => (url.host === 'b.example.invalid' ? 'fail' : undefined),
    },
  },
  resume_remote_uploadid_good_part: { media: VIDEO, options: NO_RACE },
  resume_remote_uploadid_bad_part: { media: VIDEO, options: NO_RACE },
  cancel_while_uploading: {
    media: ['z.mp4', 20 * MiB], options: NO_RACE, cancelAt: 'UploadPart3',
    script: { fault: (_, call) => (call === 'UploadPart' ? 'hang' : undefined) },
  },
  resume_local_cache_trusts_wrong_part: {
    media: VIDEO, options: NO_RACE,
    before: { fault: (request, call) => (call === 'UploadPart' && request.part > 1 ? DENIED : undefined) },
    script: { listed: partOne('00000000000000000000000000000000', 5) },
  },
  list_parts_404_is_fatal: { media: ['q.mp4', 20 * MiB], options: NO_RACE, script: { fault: (_, call) => (call === 'ListParts' ? NO_UPLOAD : undefined) } },
  cos_network_error_on_part: {
    media: ['a.mp4', 1000], options: NO_RACE,
    script: {
      fault(_, call) {
        if (!/^(UploadPart|P(os|u)tObject)$/.test(call)) return undefined
        // What is away for so long is not waited for.
        if (++passed.failures === 4) passed.ms = 3_600_000
        return 'fail'
      },
    },
  },
  complete_200_with_error_body_is_accepted: {
    media: ['q.mp4', 1000], options: { ...NO_RACE, chunkRetryTimes: 1 },
    script: { fault: (_, call) => (/^(CompleteMultipartUpload|P(os|u)tObject)$/.test(call) ? LATE : undefined) },
  },
  apply_network_error_swaps_host: { media: ['a.mp4', 1000], options: NO_RACE, script: { fault: () => 'fail' } },
  cancel_before_apply_is_lost: { media: ['a.mp4', 1000], options: NO_RACE, cancelAt: 'ApplyUploadUGC' },
  cover_only: { cover: true, options: { ...NO_RACE, fileId: '528' } },
  dynamic_accelerate: {
    media: ['q.mp4', 20 * MiB], options: { ...NO_RACE, dynamicAccelerate: true },
    script: { apply: { storageRegionV5: 'vod-upload-proxy', StorageRegionV5: 'vod-upload-proxy' } },
  },
}


const VIDEO_PATH = 'wxfile://tmp_abc/0123456789abcdef0123456789abcdef.mp4'
const COVER_PATH = 'http://tmp/aaaabbbbccccddddaaaabbbbccccdddd.jpg'

/** @type {Record<string, Story>} */
export const PROGRAM = {
  happy_video_only: { adapts: true },
  happy_accelerate_host: { options: PARTS, script: { apply: { MiniProgramAccelerateHost: 'mini.example.invalid' } } },
  happy_with_cover: { options: PARTS, cover: true },
  old_base_library_2_9_0_post_object: { isOld: true },
  cos_403_on_upload_part: { options: PARTS, script: { fault: (_, call) => (call === 'UploadPart' ? DENIED : undefined) } },
  cos_403_on_post_object: { isOld: true, script: { fault: (_, call) => (call === 'PostObject' ? DENIED : undefined) } },
  apply_code_10004: { script: { fault: () => refused(10004, 'ugc upload | invalid signature') } },
  apply_network_failure: { script: { fault: () => 'fail' } },
  expired_session_key: {
    options: PARTS,
    before: { apply: { vodSessionKey: 'EXPIRED' }, fault: (request, call) => (call === 'UploadPart' && request.part > 1 ? DENIED : undefined) },
    script: { fault: ({ body }) => (String(body).includes('EXPIRED') ? refused(10018, '(made-up code for the mock)') : undefined) },
  },
}

/** The device's clock goes on from an instant. @param {import('node:test').TestContext} t @param {number} clock */
function setClock(t, clock) {
  const { now } = Date
  const ahead = clock - now()
  Object.assign(passed, { failures: 0, ms: 0 })
  t.mock.method(Date, 'now', () => now() + ahead + passed.ms)
  // The signatures of the captures are not such that VOD would take.
  t.mock.method(console, 'warn', () => {})
}

/** @param {import('node:test').TestContext} t @param {Story} story @returns {Promise<Run>} */
export async function playWeb(t, story) {
  const clock = VECTORS.trace_web.inputs.applyResponse.data.timestamp * 1000
  setClock(t, clock)
  const records = new Map()
  const file = (/** @type {[string, number]} */ [name, size]) =>
    new File([Buffer.alloc(size, 1)], name, { type: 'video/mp4', lastModified: 1_700_000_000_000 })
  const play = async (/** @type {Script} */ script, /** @type {string | undefined} */ cancelAt) => {
    const hear = hearing()
    const fake = fakeHost({ records, limits: browser.limits, open: browser.open, read: browser.read })
    const service = backend(script)
    let signatures = 0
    const tcVod = new (tcVodOn(fake.host))({ getSignature: async () => `SIG${++signatures}` })
    const uploader = tcVod.upload({
      ...story.options, retryDelay: 1, progressInterval: 1e9,
      mediaFile: story.media && file(story.media), coverFile: story.cover ? file(['c.jpg', 100]) : undefined,
    })
    fake.serve((request) => {
      const answer = service.serve(request)
      const { call, query } = requestsOf([request], clock)[0]
      if (cancelAt === call + (query?.partNumber ?? '')) uploader.cancel()
      return answer
    })
    for (const of of /** @type {const} */ (['media', 'cover'])) {
      uploader.on(`${of}_progress`, (info) => hear.moved(of, info))
      uploader.on(`${of}_upload`, (info) => { hear.stored[of] = info })
    }
    uploader.done().then((resolved) => hear.over({ resolved }), (rejected) => hear.over({ rejected: { ...rejected, message: rejected.message } }))
    const told = await hear.whole(service.requests)
    return { requests: requestsOf(service.requests, clock), ...told, signatures, remembers: records.size > 0 }
  }
  if (story.before) await play(story.before, undefined)
  const run = await play(story.script ?? {}, story.cancelAt)
  if (story.adapts) collapseParts(run)
  return run
}

/** @param {import('node:test').TestContext} t @param {Story} story @returns {Promise<Run>} */
export async function playProgram(t, story) {
  const clock = 1_700_000_100_000
  setClock(t, clock)
  const records = new Map()
  const filled = (/** @type {number} */ size, /** @type {number} */ fill) =>
    ({ size, fill, bytes: (/** @type {number} */ start, /** @type {number} */ end) => new Uint8Array(end - start).fill(fill).buffer })
  files.set(VIDEO_PATH, filled(20 * MiB, 1))
  files.set(COVER_PATH, filled(1000, 2))
  const play = async (/** @type {Script} */ script) => {
    const hear = hearing()
    const fake = fakeProgram(story.isOld ? { canReadRanges: () => false } : {})
    fake.storage.records = records
    const service = backend({ uploadId: 'UPLOADID1', ...script })
    fake.serve(service.serve)
    let signatures = 0
    vodUploaderOn(fake.host).start({
      getSignature: (callback) => {
        signatures++
        callback('SIG==')
      },
      mediaFile: { tempFilePath: VIDEO_PATH, size: 20 * MiB }, mediaName: 'demo',
      coverFile: story.cover ? { tempFilePaths: [COVER_PATH], tempFiles: [{ path: COVER_PATH, size: 1000 }] } : undefined,
      ...story.options, retryDelay: 1, progressInterval: 1e9,
      progress: (info) => hear.moved('media', info),
      finish: (finish) => hear.over({ finish }),
      error: (error) => hear.over({ error }),
    })
    const told = await hear.whole(service.requests)
    return { requests: requestsOf(service.requests, clock), ...told, stored: {}, signatures, remembers: records.size > 0 }
  }
  if (story.before) await play(story.before)
  const run = await play(story.script ?? {})
  if (story.adapts) collapseParts(run)
  return run
}
