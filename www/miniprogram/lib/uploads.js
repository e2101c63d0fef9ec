// @ts-check
// The application side of VODUpload: the list of rows, the answers to its questions, what people do. Everything about
// sending bytes is the library's. It outlives its page: whoever looks at a sample meanwhile finds the uploads running.
import VODUpload from 'vodupload'
import { region, vodEndpoint } from '../config'
import * as server from './server'

/**
 * @typedef {import('vodupload').UploadInfo} UploadInfo
 * @typedef {'address' | 'sts'} Way
 * @typedef {{ code: string, message: string, hint?: string, requestId?: string }} Problem
 * @typedef {object} Row
 * @property {number} id
 * @property {UploadInfo} info
 * @property {string} thumb a picture of it, '' when there is none
 * @property {boolean} refused the library did not take it into its list
 * @property {Way} way that it began with
 * @property {'' | 'credential' | 'renewing'} waiting for whom
 * @property {Problem | null} problem
 * @property {boolean} retryAtEnd
 * @property {number} speed bytes per second
 * @property {number | null} remaining seconds
 * @property {number} startedAt ms
 * @property {number} movedAt ms, 0: not yet
 * @property {number | null} sent bytes at the last progress
 * @property {boolean} resuming an earlier upload of it goes on
 * @property {number | null} resumedAt how much of it was there already, 0..1
 * @property {number | null} took seconds
 */

/** With an STS token the library tells VOD this; an image has to have a type, the rest the file tells. */
const PARAM_DATA = '{"Vod":{"ImageType":"default"}}'

/** @type {Row[]} */
export let rows = []
/** The queue was started and has not ended. */
let running = false
/** A person stopped the queue: what is added waits for "start". */
let held = false
let lastId = 0
/** @type {Way} */
let way = 'address'
let listener = () => {}

/** @param {() => void} changed called whenever a row has changed; there is one page */
export function listen(changed) {
  listener = changed
}

export const isActive = () => running || rows.some((row) => isUnderWay(row))

/** A file that waits for a credential is `Ready` or `Failure` to the library, but to a person it is under way. @param {Row} row */
export const isUnderWay = ({ info, waiting }) => info.state === 'Uploading' || waiting !== '' && info.state !== 'Success'

const uploader = new VODUpload({
  userId: 'demo',
  region,
  vodEndpoint: vodEndpoint || undefined,
  fileParallel: 2,
  getAuth,
  onUploadstarted: started,
  onUploadProgress: progressed,
  onUploadTokenExpired: expired,
  onUploadSucceed: succeeded,
  onUploadFailed: failed,
  onUploadCanceled: canceled,
  onUploadEnd: ended,
})

// ── callbacks, in the order of an upload ──

/** @param {UploadInfo} info */
function started(info) {
  change(info, {
    way, waiting: 'credential', problem: null, retryAtEnd: false, speed: 0, remaining: null, startedAt: Date.now(), movedAt: 0,
    sent: null, resuming: Boolean(info.videoId), resumedAt: null, took: null,
  })
}

/**
 * The library asks for a credential: the first one, or another for one that is over.
 * @param {UploadInfo} info
 * @param {import('vodupload').AuthReason} reason
 * @returns {Promise<import('vodupload').Authorization>}
 */
async function getAuth(info, reason) {
  try {
    if ((rowOf(info)?.way ?? way) === 'sts') return await server.issueToken()
    const file = { name: info.file.name, size: info.fileSize }
    if (reason === 'create-image') return await server.createImage(file)
    if (reason === 'create-video' || !info.videoId) return await server.createVideo(file)
    return await server.refreshVideo(info.videoId).catch((error) => {
      // The video of an unfinished upload may be gone by now: then this is a new one.
      if (error instanceof server.ServerError && error.status === 404) return server.createVideo(file)
      throw error
    })
  } finally {
    change(info, { waiting: '', movedAt: Date.now() })
  }
}

/** @param {UploadInfo} info @param {number} total @param {number} ratio @param {import('vodupload').ProgressDetail} detail */
function progressed(info, total, ratio, { loadedBytes, speed, remaining }) {
  const row = rowOf(info)
  if (!row) return
  change(info, {
    waiting: '', speed, remaining, sent: loadedBytes, resuming: false,
    // The first progress tells what an earlier attempt has left there.
    ...row.resuming && ratio > 0 && ratio < 1 && { resumedAt: ratio },
    ...loadedBytes !== row.sent && { movedAt: Date.now() },
  })
}

/** @param {UploadInfo} info */
function expired(info) {
  change(info, { waiting: 'renewing' })
}

/** @param {UploadInfo} info */
function succeeded(info) {
  const row = rowOf(info)
  change(info, { waiting: '', problem: null, took: row ? (Date.now() - row.startedAt) / 1000 : null })
}

/** @param {UploadInfo} info @param {string} code @param {string} message @param {import('vodupload').UploadError} error */
function failed(info, code, message, error) {
  if (!rowOf(info)) rows.push({ ...newRow(info), refused: true }) // such as an empty file
  change(info, { waiting: '', problem: { code, message, hint: error?.hint, requestId: error?.requestId } })
}

/** Stopped, or cancelled: the state tells. @param {UploadInfo} info */
function canceled(info) {
  change(info, { waiting: '' })
}

function ended() {
  running = false
  if (rows.some((row) => row.retryAtEnd && row.info.state === 'Failure')) start()
  listener()
}

// ── what people do ──

/** @param {any[]} files elements of `tempFiles`, as wx.chooseMedia or wx.chooseMessageFile gives them */
export function add(files) {
  for (const file of files) {
    uploader.addFile(file, null, null, null, PARAM_DATA)
    for (const info of uploader.listFiles()) {
      if (!rowOf(info)) rows.push(newRow(info, file))
    }
  }
  if (!held && files.length > 0) start()
  listener()
}

export function start() {
  held = false
  running = true
  uploader.startUpload()
  listener()
}

export function stop() {
  held = true
  running = false
  for (const row of rows) row.waiting = ''
  uploader.stopUpload()
  listener()
}

/** Removes what is done. */
export function clear() {
  for (const { id, info, refused } of rows) if (refused || info.state === 'Success' || info.state === 'Canceled') perform('remove', id)
}

/** @typedef {'start' | 'stop' | 'retry' | 'cancel' | 'resume' | 'remove'} Act */

/** @param {Act} act @param {number} id of the row */
export function perform(act, id) {
  const row = rows.find((other) => other.id === id)
  if (!row) return
  const index = uploader.listFiles().indexOf(row.info)
  switch (act) {
    case 'start':
      start()
      break
    case 'retry':
      // A running queue does not take failed files up again, the next run does.
      if (running) row.retryAtEnd = true
      else start()
      break
    case 'stop':
      stop()
      break
    case 'cancel':
      row.waiting = ''
      uploader.cancelFile(index)
      break
    case 'resume':
      uploader.resumeFile(index)
      start()
      break
    case 'remove':
      if (index >= 0) uploader.deleteFile(index)
      rows = rows.filter((other) => other !== row)
  }
  listener()
}

export const currentWay = () => way

/** @param {Way} wanted for files that ask from now on */
export function setWay(wanted) {
  way = wanted
}

// ── rows ──

/** @param {UploadInfo} info @param {any} [picked] @returns {Row} */
const newRow = (info, picked = info.file) => ({
  id: ++lastId, info, thumb: picked.thumbTempFilePath || info.isImage && (picked.tempFilePath || picked.path) || '', refused: false, way,
  waiting: '', problem: null, retryAtEnd: false, speed: 0, remaining: null, startedAt: 0, movedAt: 0, sent: null, resuming: false,
  resumedAt: null, took: null,
})

/** @param {UploadInfo} info */
const rowOf = (info) => rows.find((row) => row.info === info)

/** @param {UploadInfo} info @param {Partial<Row>} fields */
function change(info, fields) {
  Object.assign(rowOf(info) ?? {}, fields)
  listener()
}
