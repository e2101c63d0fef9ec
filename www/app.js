// @ts-check
// The demo page: the application side of VODUpload. It owns the list of rows and answers the callbacks.
// Everything about sending bytes is the SDK's.
import { Refused, createAppServer } from './app_server.js'
import { createChart } from './chart.js'
import { createCredentials } from './credentials.js'
import { bytes, percent, speed } from './format.js'
import { createLog } from './log.js'
import { createNetwork } from './network.js'
import { createRow, imageOf, shownState } from './row.js'
import { createSettings } from './settings.js'
import { createUnfinished } from './unfinished.js'
import { verify } from './verify.js'
import { fill, switchLanguage, text } from './words.js'

/** @typedef {import('./row.js').Row} Row */

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
const element = (id) => /** @type {T} */ (document.getElementById(id))

/** With an STS token the SDK tells VOD this; an image has to have a type, what else VOD needs the file tells. */
const PARAM_DATA = '{"Vod":{"ImageType":"default"}}'

/** @type {Row[]} */
let rows = []
/** The queue was started and has not ended; files added now join it. */
let running = false
/** The user stopped the queue: what is added waits for "start". */
let held = false
/** @type {string | null} key of the text in the red notice */
let problem = null
let frame = 0

fill(document)
const log = createLog({ list: element('log'), empty: element('log-empty'), copy: element('log-copy'), clear: element('log-clear') })
const chart = createChart(element('chart'), element('chart-now'))
const unfinished = createUnfinished(element('unfinished'), () => rows.map(({ file }) => file))
const settings = createSettings({
  ways: element('way'),
  detail: element('way-detail'),
  atOnce: element('at-once'),
  locked: element('at-once-locked'),
  note: (words) => log.write('page', '', words, 'call'),
})
render()

const config = await fetch('config.json').then((response) => response.json()).catch(() => fail('problem.config'))
// Not a static import: a missing build should be a sentence on the page, not a blank one.
const { default: VODUpload } = await import('/vodupload/vodupload.js').catch(() => fail('problem.sdk'))
const app = createAppServer(config.app)
const credentials = createCredentials(app)
const network = createNetwork({
  switch_: element('network'),
  detail: element('network-detail'),
  expire: element('expire'),
  app: config.app,
  note: (words) => log.write('local cloud', '', words, 'call'),
  report: (failed) => {
    problem = failed ? 'problem.control' : null
    render()
  },
})

let uploader = createUploader()
element('at-once').addEventListener('change', () => {
  log.write('new VODUpload', '', `fileParallel ${settings.atOnce()}`, 'call')
  uploader = createUploader()
})

/** Files at once cannot be changed later: another number takes another uploader, once the last has nothing left to do. */
function createUploader() {
  return new VODUpload({
    userId: '1',
    region: 'cn-shanghai',
    vodEndpoint: config.vod,
    fileParallel: settings.atOnce(),
    parallel: 5,
    retryCount: 3,
    retryDuration: 2,
    timeout: 60_000,
    onUploadstarted: started,
    onUploadProgress: progressed,
    onUploadTokenExpired: expired,
    onUploadSucceed: succeeded,
    onUploadFailed: failed,
    onUploadCanceled: canceled,
    onUploadEnd: ended,
  })
}

// ── callbacks, in the order of an upload ──

/** @param {any} info */
async function started(info) {
  log.write('onUploadstarted', info.file.name, info.videoId ? `videoId ${info.videoId}` : '')
  const row = rowOf(info)
  if (!row) return
  Object.assign(row, {
    waiting: 'credential', way: settings.way(), image: null, problem: null, verdict: null, retryAtEnd: false,
    resuming: Boolean(info.videoId), resumedAt: null, counted: null, took: null, startedAt: performance.now(),
  })
  draw()

  const answer = await credentials.first(uploader, info, row.way).catch((error) => withoutCredential(row, error))
  if (!answer || row.waiting !== 'credential') return
  give(answer, row)
  if (row.way === 'sts' && info.state === 'Ready') row.waiting = 'vod' // the SDK asks it now, and tells with the first progress
}

/** @param {import('./credentials.js').Answer} answer @param {Row} row */
function give({ call, detail, image, give }, row) {
  row.waiting = null
  row.image = image
  row.movedAt = performance.now()
  log.write(call, row.file.name, detail, 'call')
  if (give() === false) log.write(call, row.file.name, 'refused', 'call')
  draw()
}

/** @param {any} info @param {number} total @param {number} ratio @param {any} [more] */
function progressed(info, total, ratio, more) {
  const row = rowOf(info)
  const loadedBytes = more?.loadedBytes ?? ratio * total
  const rate = more?.speed ?? 0
  log.write('onUploadProgress', info.file.name, `${percent(ratio)} · ${bytes(loadedBytes)}${rate > 0 ? ` · ${speed(rate)}` : ''}`)
  if (!row) return
  if (row.resuming && ratio > 0) {
    row.resumedAt = ratio
    row.counted = loadedBytes
  }
  row.resuming = false
  if (row.waiting === 'vod') row.waiting = null
  const moved = loadedBytes - (row.counted ?? 0)
  if (moved > 0) {
    chart.add(moved)
    row.movedAt = performance.now()
  }
  row.counted = loadedBytes
  row.loaded = ratio
  row.speed = rate
  row.remaining = more?.remaining ?? null
  draw()
}

/** @param {any} info */
async function expired(info) {
  log.write('onUploadTokenExpired', info.file.name)
  const row = rowOf(info)
  if (!row) return
  row.waiting = 'renewing'
  draw()
  const answer = await credentials.renewed(uploader, info, row.way).catch((error) => withoutCredential(row, error))
  if (answer && row.waiting === 'renewing') give(answer, row)
}

/** @param {any} info */
async function succeeded(info) {
  log.write('onUploadSucceed', info.file.name, info.object ?? '')
  const row = rowOf(info)
  if (!row) return
  Object.assign(row, { loaded: 1, waiting: null, problem: null, verdict: 'running', took: (performance.now() - row.startedAt) / 1000 })
  announce(row)
  draw()
  row.verdict = await verify(app, info.isImage ? imageOf(row) : info, row.file)
  draw()
}

/** @param {any} info @param {string} code @param {string} message @param {any} [error] */
function failed(info, code, message, error) {
  log.write('onUploadFailed', info.file.name, `${code}: ${message}`)
  const row = rowOf(info) ?? refusedRow(info)
  row.waiting = null
  row.problem = { code, message, hint: error?.hint, requestId: error?.requestId }
  announce(row)
  draw()
}

/** @param {any} info */
function canceled(info) {
  log.write('onUploadCanceled', info.file.name, info.state)
  const row = rowOf(info)
  if (row) row.waiting = null
  draw()
}

/** @param {any} info */
function ended(info) {
  log.write('onUploadEnd', info?.file?.name ?? '')
  running = false
  if (rows.some((row) => row.retryAtEnd && row.info.state === 'Failure')) start()
  draw()
}

// ── what people do ──

/** @param {File[]} files */
function add(files) {
  const duplicates = files.filter((file) => rows.some((row) => sameFile(row.file, file) && !['Success', 'Canceled'].includes(row.info.state)))
  for (const file of files) {
    if (duplicates.includes(file)) continue
    log.write('addFile', file.name, bytes(file.size), 'call')
    if (uploader.addFile(file, null, null, null, PARAM_DATA) === false) log.write('addFile', file.name, 'refused', 'call')
    for (const info of uploader.listFiles()) {
      if (!rowOf(info)) rows.push(createRow(info, perform))
    }
  }
  say(duplicates.length ? text('drop.duplicate', { name: duplicates[0].name }) : text('drop.added', { count: files.length }))
  // The one already in the list is what the user means: show it.
  const known = duplicates[0] && rows.find((row) => sameFile(row.file, duplicates[0]))
  if (!held && files.length > duplicates.length) start()
  draw()
  if (known) known.node.focus()
}

function start() {
  held = false
  running = true
  log.write('startUpload', '', '', 'call')
  uploader.startUpload()
  draw()
}

function stop() {
  held = true
  running = false
  log.write('stopUpload', '', '', 'call')
  for (const row of rows) row.waiting = null
  uploader.stopUpload()
  draw()
}

/** @param {import('./row.js').Act} act @param {Row} row */
function perform(act, row) {
  const index = uploader.listFiles().indexOf(row.info)
  const { name } = row.file
  switch (act) {
    case 'start':
    case 'resume':
      start()
      break
    case 'retry':
      // A running queue does not take failed files up again, the next run does.
      if (running) row.retryAtEnd = true
      else start()
      break
    case 'again':
      log.write('resumeFile', name, String(index), 'call')
      row.loaded = 0
      uploader.resumeFile(index)
      start()
      break
    case 'stop':
      stop()
      break
    case 'cancel':
      log.write('cancelFile', name, String(index), 'call')
      row.waiting = null
      uploader.cancelFile(index)
      break
    case 'remove':
      remove(row, index)
      break
  }
  draw()
}

/** @param {Row} row @param {number} index */
function remove(row, index) {
  if (index >= 0) {
    log.write('deleteFile', row.file.name, String(index), 'call')
    uploader.deleteFile(index)
  }
  URL.revokeObjectURL(row.picture)
  const at = rows.indexOf(row)
  rows = rows.filter((other) => other !== row)
  const next = rows[Math.min(at, rows.length - 1)]
  ;(next?.node ?? element('files')).focus()
}

/**
 * A credential could not be had: the file stops, so that what was sent is kept and "resume" works.
 * Only what the app server will never accept is cancelled, and the queue goes on without it.
 * @param {Row} row
 * @param {Error} error
 */
function withoutCredential(row, error) {
  if (!row.waiting) return null // stopped or cancelled meanwhile
  row.waiting = null
  if (error instanceof Refused && error.status === 400) uploader.cancelFile(uploader.listFiles().indexOf(row.info))
  else stop()
  const { code, requestId } = error instanceof Refused ? error : /** @type {Partial<Refused>} */ ({})
  row.problem = { code: code || 'CredentialUnavailable', message: error.message, requestId }
  draw()
  return null
}

// ── rows ──

/** @param {any} info */
const rowOf = (info) => rows.find((row) => row.info === info)

/** @param {any} info a file that the SDK did not queue, such as an empty one */
function refusedRow(info) {
  const row = createRow({ ...info, state: 'Failure' }, perform)
  row.refused = true
  rows.push(row)
  return row
}

/** @param {File} a @param {File} b */
const sameFile = (a, b) => a.name === b.name && a.size === b.size && a.lastModified === b.lastModified

/** @param {string} words */
function say(words) {
  element('announcement').textContent = words
}

/** @param {Row} row */
const announce = (row) => say(`${row.file.name}: ${text(`state.${row.info.state}`)}`)

/** @param {string} key @returns {never} */
function fail(key) {
  problem = key
  render()
  for (const id of ['drop', 'settings', 'language', 'panel']) element(id).hidden = true // nothing behind them works
  throw new Error(text(key))
}

// ── drawing ──

function draw() {
  frame ||= requestAnimationFrame(render)
}

function render() {
  frame = 0
  element('problem').hidden = !problem
  if (problem) element('problem').textContent = text(problem)
  element('language').textContent = text('language.other')
  element('language').lang = document.documentElement.lang === 'en' ? 'zh-CN' : 'en'

  const list = element('rows')
  if (rows.length !== list.children.length || rows.some((row, i) => list.children[i] !== row.node)) {
    list.replaceChildren(...rows.map(({ node }) => node))
    unfinished.render()
  }
  const active = running || rows.some((row) => shownState(row) === 'Uploading')
  for (const row of rows) row.render(active)
  settings.lock(active || rows.some(({ info, refused }) => !refused && info.state !== 'Success'))
  renderQueue(active)
}

/** @param {boolean} active */
function renderQueue(active) {
  element('queue').hidden = rows.length === 0
  element('drop').toggleAttribute('data-compact', rows.length > 0)
  const counted = rows.filter((row) => !row.refused && row.info.state !== 'Canceled')
  const total = counted.reduce((sum, { file }) => sum + file.size, 0)
  const loaded = counted.reduce((sum, row) => sum + (row.info.state === 'Success' ? 1 : row.loaded) * row.file.size, 0)
  const done = counted.filter(({ info }) => info.state === 'Success').length
  const ratio = total ? loaded / total : 0

  element('queue-facts').textContent = [
    rows.length === 1 ? text('queue.one') : text('queue.many', { count: rows.length }),
    bytes(total),
    done > 0 && done === counted.length ? text('queue.done', { done, count: counted.length }) : percent(ratio),
  ].join('  ·  ')
  const bar = /** @type {HTMLProgressElement} */ (element('queue-bar'))
  bar.value = ratio
  const startable = rows.some(({ info, refused }) => !refused && ['Ready', 'Stoped', 'Failure'].includes(info.state))
  const run = element('run')
  run.textContent = text(active ? 'queue.stop' : 'queue.start')
  run.toggleAttribute('disabled', !active && !startable)
  element('clear').hidden = !rows.some(({ info }) => info.state === 'Success')
  document.title = active && total ? `${percent(ratio)} · vodupload` : 'vodupload'
}

// ── events of the page ──

const input = /** @type {HTMLInputElement} */ (element('files'))
input.addEventListener('change', () => {
  add([...input.files ?? []])
  input.value = '' // the same file may be chosen again
})
element('run').addEventListener('click', () => (element('run').textContent === text('queue.stop') ? stop() : start()))
element('clear').addEventListener('click', () => {
  for (const row of rows.filter(({ info }) => info.state === 'Success')) remove(row, uploader.listFiles().indexOf(row.info))
  draw()
})
element('language').addEventListener('click', () => {
  switchLanguage()
  fill(document)
  chart.redraw()
  network.render()
  settings.render()
  unfinished.render()
  render()
})

// The whole window takes a drop: a file that misses the zone would otherwise replace the page.
addEventListener('dragover', (event) => {
  event.preventDefault()
  element('drop').toggleAttribute('data-over', true)
})
addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) element('drop').removeAttribute('data-over')
})
addEventListener('drop', (event) => {
  event.preventDefault()
  element('drop').removeAttribute('data-over')
  const items = [...event.dataTransfer?.items ?? []]
  const files = items.filter((item) => item.kind === 'file' && !item.webkitGetAsEntry?.()?.isDirectory).map((item) => item.getAsFile())
  add(files.filter((file) => file !== null))
})

// Times that pass without callbacks ("no bytes for 5 s"), and the title while the tab is in the background.
setInterval(render, 1000)
