// @ts-check
// One file in the list: what it shows in each state and which buttons that state allows.
// It decides nothing about uploads; a click is handed to the page.
import { bytes, duration, elapsed, percent, speed } from './format.js'
import { advice, fill, text } from './words.js'

/** After this long without a byte the row says so. */
const STALLED_AFTER_MS = 4000
/** A gateway may answer with a whole page; the log has all of it. */
const MESSAGE_SHOWN = 300

/**
 * @typedef {'start' | 'resume' | 'retry' | 'again' | 'stop' | 'cancel' | 'remove'} Act
 * @typedef {{ code: string, message: string, hint?: string, requestId?: string }} Problem
 * @typedef {{ same: boolean | null, words: () => string }} Verdict
 */

/** @type {Record<string, Act[]>} */
const ACTS = {
  Ready: ['remove'],
  Uploading: ['stop', 'cancel'],
  Success: ['remove'],
  Failure: ['retry', 'remove'],
  Canceled: ['again', 'remove'],
  Stoped: ['resume', 'cancel', 'remove'],
}

/** The acts that share one button, so that the keyboard focus stays on it when "stop" becomes "resume". */
const GO = /** @type {Act[]} */ (['start', 'resume', 'retry', 'again'])

const template = /** @type {HTMLTemplateElement} */ (document.getElementById('row'))

/**
 * @param {any} info the SDK's uploadInfo
 * @param {(act: Act, row: Row) => void} perform
 */
export function createRow(info, perform) {
  const node = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true))
  const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (node.querySelector(selector))
  const bar = /** @type {HTMLProgressElement} */ (part('progress'))
  const buttons = /** @type {HTMLButtonElement[]} */ ([...node.querySelectorAll('button')])

  const row = {
    node,
    info,
    /** @type {File} */
    file: info.file,
    loaded: 0,
    speed: 0,
    /** @type {number | null} */
    remaining: null,
    /** When a byte last moved, or the file started. */
    movedAt: 0,
    startedAt: 0,
    /** @type {number | null} seconds from the last start to success */
    took: null,
    /** What the page itself is busy with for this file. */
    waiting: /** @type {'credential' | 'vod' | 'renewing' | null} */ (null),
    /** How the file's last start was authorised. */
    way: /** @type {import('./credentials.js').Way} */ ('address'),
    /** What the app server told of an image; with an STS token VOD tells the SDK, and `info` has it. */
    image: /** @type {import('./app_server.js').ImageGrant | null} */ (null),
    /** The object URL of the thumbnail. */
    picture: '',
    /** The ratio at which an earlier upload went on. */
    resumedAt: /** @type {number | null} */ (null),
    /** A checkpoint was found; where it stood is known with the first progress. */
    resuming: false,
    counted: /** @type {number | null} */ (null),
    /** "Try again" was pressed while other files were running. */
    retryAtEnd: false,
    problem: /** @type {Problem | null} */ (null),
    verdict: /** @type {Verdict | 'running' | null} */ (null),
    /** The SDK refused the file: it is shown here only. */
    refused: false,
    /** @param {boolean} running whether the queue runs, so that a waiting file needs no start button */
    render(running) {
      const state = shownState(row)
      node.dataset.state = state
      say('.name', row.file.name)
      part('.name').title = row.file.name
      say('.state', text(`state.${state}`))
      bar.value = state === 'Success' ? 1 : row.loaded
      bar.setAttribute('aria-label', text('file.progress', { name: row.file.name }))
      say('.facts', facts(row))
      showButtons(state, running)
      const words = note(row)
      part('.note').hidden = !words
      say('.note', words)
      showProblem(state)
      showResult()
    },
  }

  /**
   * Writes only what changed: a rewritten text would lose the reader's selection.
   * @param {string} selector
   * @param {string} words
   */
  function say(selector, words) {
    if (part(selector).textContent !== words) part(selector).textContent = words
  }

  /** @param {string} state */
  function showProblem(state) {
    const { problem } = row
    part('.error').hidden = !problem || !['Canceled', 'Failure', 'Stoped'].includes(state)
    if (!problem) return
    say('.error-advice', advice(problem.code))
    say('.error-code', `${problem.code}: ${told(problem)}`)
    part('.error-request').hidden = !problem.requestId
    say('.error-request', text('error.request', { id: problem.requestId ?? '' }))
  }

  /** @param {string} state @param {boolean} running */
  function showButtons(state, running) {
    const acts = row.refused ? /** @type {Act[]} */ (['remove']) : [...ACTS[state] ?? []]
    if (state === 'Ready' && !running) acts.unshift('start')
    if (row.retryAtEnd) acts.shift()
    const focused = buttons.find((button) => button === document.activeElement)
    for (const button of buttons) {
      const act = acts.find((name) => name === button.dataset.act || (button.dataset.act === 'go' && GO.includes(name)))
      button.hidden = !act
      if (!act) continue
      if (button.textContent !== text(`act.${act}`)) button.textContent = text(`act.${act}`)
      button.setAttribute('aria-label', text('act.label', { act: text(`act.${act}`), name: row.file.name }))
      button.onclick = () => perform(act, row)
    }
    // A button that vanishes under the keyboard would throw the focus to the top of the page.
    if (focused?.hidden) (buttons.find((button) => !button.hidden) ?? node).focus()
  }

  function showResult() {
    const done = info.state === 'Success'
    part('.result').hidden = !done
    if (!done) return
    const { imageId, imageUrl, fileUrl } = imageOf(row)
    say('.media-title', text(info.isImage ? 'result.imageId' : 'result.video'))
    say('.media', (info.isImage ? imageId : info.videoId) ?? '')
    const address = info.isImage && (imageUrl ?? fileUrl)
    for (const shown of node.querySelectorAll('.of-image')) shown.toggleAttribute('hidden', !address)
    if (address) showImage(address)
    say('.verified', text(info.verified ? 'verified.yes' : 'verified.no'))
    say('.object', info.object ?? '')
    const { verdict } = row
    say('.check', verdict === 'running' || !verdict ? text('check.running') : verdict.words())
    part('.check').dataset.verdict = verdict === 'running' || !verdict ? 'running' : String(verdict.same)
  }

  /** @param {string} address */
  function showImage(address) {
    /** @type {HTMLAnchorElement} */ (part('.picture')).href = address
    if (row.picture) return
    const thumb = /** @type {HTMLImageElement} */ (part('.thumb'))
    row.picture = URL.createObjectURL(row.file)
    thumb.onload = () => { thumb.hidden = false } // not every browser can show every format
    thumb.src = row.picture
  }

  fill(node)
  return row
}

/** @typedef {ReturnType<typeof createRow>} Row */

/**
 * The state as a person sees it: a file that waits for a credential is `Ready` or `Failure` to the SDK, but it is under way.
 * @param {Row} row
 * @returns {string}
 */
export function shownState({ info, waiting }) {
  return waiting && info.state !== 'Success' ? 'Uploading' : info.state
}

/**
 * What VOD calls the image of a row, as far as anybody told.
 * @param {Row} row
 * @returns {{ imageId?: string, imageUrl?: string, fileUrl?: string }}
 */
export const imageOf = ({ image, info }) => image ?? info

/** @param {Problem} problem the message in short; its end is the hint, which is what people need */
export function told({ message, hint = '' }) {
  const what = hint && message.endsWith(hint) ? message.slice(0, -hint.length).trimEnd() : message
  return [what.slice(0, MESSAGE_SHOWN), hint].filter(Boolean).join(' ')
}

/** @param {Row} row */
function facts(row) {
  const { file, loaded, took } = row
  const size = bytes(file.size)
  const sent = join(percent(loaded), text('file.of', { loaded: bytes(loaded * file.size), total: size }))
  switch (shownState(row)) {
    case 'Success': {
      if (took === null) return size
      const sentNow = file.size * (1 - (row.resumedAt ?? 0))
      return join(size, text('file.took', { time: elapsed(took) }), took >= 0.5 && speed(sentNow / took), resumed(row))
    }
    case 'Uploading': {
      const moving = !row.waiting && row.speed > 0 && performance.now() - row.movedAt < STALLED_AFTER_MS
      return join(sent, moving && speed(row.speed), moving && row.remaining !== null && text('file.left', { time: duration(row.remaining) }))
    }
    case 'Canceled':
      return size
    default:
      return loaded > 0 ? sent : size
  }
}

/** @param {(string | false)[]} words */
const join = (...words) => words.filter(Boolean).join('  ·  ')

/** @param {Row} row */
const resumed = ({ resumedAt }) => resumedAt === null ? '' : text('note.resumed', { percent: percent(resumedAt) })

/** @param {Row} row one sentence under the facts, or nothing */
function note(row) {
  const { waiting, movedAt } = row
  switch (shownState(row)) {
    case 'Failure':
      return row.retryAtEnd ? text('note.retry') : ''
    case 'Stoped':
      // Of an image VOD makes another one at each start.
      return row.loaded > 0 && !row.problem && !row.info.isImage ? text('note.kept') : ''
    case 'Uploading': {
      const still = performance.now() - movedAt
      const stalled = movedAt > 0 && still > STALLED_AFTER_MS && text('note.stalled', { time: duration(still / 1000) })
      // With `vod` the SDK is asking, else the app server is asked, about which the SDK can do nothing.
      if (waiting) return (waiting === 'vod' && stalled) || text(`note.${waiting}`)
      return stalled || resumed(row)
    }
    default:
      return ''
  }
}
