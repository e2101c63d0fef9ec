// @ts-check
// Each setData crosses from the thread of the scripts to that of the page, and progress comes far more often than a
// person can read. So a page is painted at most five times a second, and is told only what has changed.

const PAUSE_MS = 200

/** @typedef {Record<string, any>} Fields */

/**
 * @param {{ setData(part: Fields): void }} page
 * @param {() => Fields & { rows: (Fields & { id: number })[] }} look what the page should show now
 */
export function createPainter(page, look) {
  /** @type {any} */
  let shown = { rows: [] }
  let painted = 0
  /** @type {number | null} */
  let timer = null

  function paint() {
    timer = null
    painted = Date.now()
    const wanted = look()
    const part = difference(shown, wanted)
    shown = wanted
    if (Object.keys(part).length > 0) page.setData(part)
  }

  return {
    /** Something has changed. */
    paint() {
      if (timer === null) timer = setTimeout(paint, Math.max(0, painted + PAUSE_MS - Date.now()))
    },
    stop() {
      if (timer !== null) clearTimeout(timer)
      timer = null
    },
  }
}

/**
 * What setData has to be given; rows of the same ids are changed member by member.
 * @param {any} before
 * @param {any} after
 */
function difference(before, after) {
  /** @type {Fields} */
  const part = {}
  for (const name of Object.keys(after)) {
    if (name !== 'rows' && !same(before[name], after[name])) part[name] = after[name]
  }
  const ids = (/** @type {any} */ { rows }) => rows.map((/** @type {any} */ { id }) => id).join()
  if (ids(before) !== ids(after)) return { ...part, rows: after.rows }
  after.rows.forEach((/** @type {Fields} */ row, /** @type {number} */ i) => {
    for (const name of Object.keys(row)) {
      if (!same(before.rows[i][name], row[name])) part[`rows[${i}].${name}`] = row[name]
    }
  })
  return part
}

/** @param {unknown} a @param {unknown} b */
const same = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b)
