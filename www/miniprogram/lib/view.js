// @ts-check
// What the page shows of the uploads: texts and numbers, ready for WXML.
import { bytes, duration, elapsed, percent, speed } from './format'
import { isUnderWay } from './uploads'
import { advice, text } from './words'

/** So long without a byte, a speed says nothing any more. */
const STALLED_AFTER_MS = 5000
/** An error's message may hold a whole answer. */
const MESSAGE_SHOWN = 200

/** @typedef {import('./uploads').Row} Row */

/** @param {Row} row */
export const shownState = (row) => isUnderWay(row) ? 'Uploading' : row.info.state

/** @param {Row} row */
export function rowView(row) {
  const { id, info, thumb, problem } = row
  const name = info.file.name ?? '' // what is no file has none
  const state = shownState(row)
  return {
    id,
    name,
    thumb,
    kind: (/\.(\w{1,4})$/.exec(name) ?? [])[1] ?? '',
    state,
    stateText: text(`state.${state}`),
    width: `${Math.floor(ratioOf(row) * 1000) / 10}%`,
    facts: facts(row, state),
    note: note(row, state),
    problem: problem && state !== 'Uploading' ? {
      advice: advice(problem),
      detail: `${problem.code}: ${said(problem)}`,
      request: problem.requestId ? text('error.request', { id: problem.requestId }) : '',
    } : null,
    result: state === 'Success' ? {
      title: text(info.isImage ? 'result.image' : 'result.video'),
      id: (info.isImage ? info.imageId : info.videoId) ?? '',
      verified: info.verified ? text('verified') : '',
    } : null,
    acts: acts(row, state).map((act) => ({ act, text: text(`act.${act}`) })),
  }
}

/** @param {Row[]} rows @param {boolean} active */
export function queueView(rows, active) {
  const counted = rows.filter((row) => !row.refused && row.info.state !== 'Canceled')
  const total = counted.reduce((sum, { info }) => sum + (info.fileSize ?? 0), 0)
  const loaded = counted.reduce((sum, row) => sum + ratioOf(row) * (row.info.fileSize ?? 0), 0)
  const done = counted.filter(({ info }) => info.state === 'Success').length
  const ratio = total ? loaded / total : 0
  return {
    shown: rows.length > 0,
    facts: [
      rows.length === 1 ? text('queue.one') : text('queue.many', { count: rows.length }),
      bytes(total),
      done > 0 && done === counted.length ? text('queue.done', { done, count: counted.length }) : percent(ratio),
    ].join(' · '),
    width: `${Math.floor(ratio * 1000) / 10}%`,
    active,
    run: text(active ? 'queue.stop' : 'queue.start'),
    runnable: active || rows.some(({ info, refused }) => !refused && ['Ready', 'Stoped', 'Failure'].includes(info.state)),
    clearable: rows.some(({ info, refused }) => refused || info.state === 'Success' || info.state === 'Canceled'),
  }
}

/** @param {Row} row */
const ratioOf = ({ info }) => info.state === 'Success' ? 1 : info.loaded

/** @param {Row} row @param {string} state */
function facts(row, state) {
  const { info, took, waiting, movedAt, remaining, resumedAt } = row
  const size = bytes(info.fileSize ?? 0)
  const sent = join(percent(info.loaded), text('file.of', { loaded: bytes(info.loaded * (info.fileSize ?? 0)), total: size }))
  if (state === 'Success') {
    return join(size, took !== null && text('file.took', { time: elapsed(took) }), resumedAt !== null && text('file.resumed', { percent: percent(resumedAt) }))
  }
  if (state === 'Uploading') {
    const moving = !waiting && row.speed > 0 && Date.now() - movedAt < STALLED_AFTER_MS
    return join(sent, moving && speed(row.speed), moving && remaining !== null && text('file.left', { time: duration(remaining) }))
  }
  return info.loaded > 0 && state !== 'Canceled' ? sent : size
}

/** @param {Row} row @param {string} state one sentence under the facts, or nothing */
function note({ info, waiting, movedAt, retryAtEnd, problem }, state) {
  if (state === 'Failure') return retryAtEnd ? text('note.retry') : ''
  // Of an image VOD makes another one at each start.
  if (state === 'Stoped') return info.loaded > 0 && !problem && !info.isImage ? text('note.kept') : ''
  if (state !== 'Uploading') return ''
  if (waiting) return text(`note.${waiting}`)
  const still = Date.now() - movedAt
  return movedAt > 0 && still > STALLED_AFTER_MS ? text('note.stalled', { time: duration(still / 1000) }) : ''
}

/** @param {Row} row @param {string} state @returns {import('./uploads').Act[]} */
function acts({ refused, retryAtEnd }, state) {
  if (refused) return ['remove']
  switch (state) {
    case 'Uploading': return ['cancel', 'stop']
    case 'Ready': return ['cancel']
    case 'Stoped': return ['remove', 'start']
    case 'Failure': return retryAtEnd ? ['remove'] : ['remove', 'retry']
    case 'Canceled': return ['remove', 'resume']
    default: return ['remove']
  }
}

/** The advice says what to do: the library's own hint, the end of its message, would say it twice. @param {import('./uploads').Problem} problem */
function said({ message, hint = '' }) {
  const what = hint && message.endsWith(hint) ? message.slice(0, -hint.length).trim() : message
  return what.length > MESSAGE_SHOWN ? `${what.slice(0, MESSAGE_SHOWN)}…` : what
}

/** @param {(string | false)[]} words */
const join = (...words) => words.filter(Boolean).join(' · ')
