// @ts-check
// Numbers as people read them. Decimal units, because network speeds are decimal too; no line breaks before a unit.

/** @param {string} words */
const bound = (words) => words.replace(/ /g, '\u00a0')

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB']

/**
 * Three significant digits: "312 MB", "1.02 GB".
 * @param {number} count
 */
export function bytes(count) {
  let unit = 0
  while (count >= 999.5 && unit < UNITS.length - 1) {
    count /= 1000
    unit += 1
  }
  const digits = unit === 0 || count >= 99.95 ? 0 : count >= 9.995 ? 1 : 2
  return bound(`${count.toFixed(digits)} ${UNITS[unit]}`)
}

/** @param {number} bytesPerSecond */
export const speed = (bytesPerSecond) => `${bytes(bytesPerSecond)}/s`

/**
 * One decimal, rounded down: only a finished file shows 100%.
 * @param {number} ratio 0..1
 */
export const percent = (ratio) => ratio >= 1 ? '100%' : `${(Math.floor(ratio * 1000) / 10).toFixed(1)}%`

/**
 * "8 s", "3 min 05 s", "1 h 04 min".
 * @param {number} seconds
 */
export function duration(seconds) {
  const whole = Math.max(1, Math.ceil(seconds))
  const pad = (/** @type {number} */ n) => String(n).padStart(2, '0')
  if (whole < 60) return bound(`${whole} s`)
  if (whole < 3600) return bound(`${Math.floor(whole / 60)} min ${pad(whole % 60)} s`)
  return bound(`${Math.floor(whole / 3600)} h ${pad(Math.floor(whole / 60) % 60)} min`)
}

/**
 * Like `duration`, for what has been measured: "0.7 s".
 * @param {number} seconds
 */
export const elapsed = (seconds) => seconds < 9.95 ? bound(`${seconds.toFixed(1)} s`) : duration(seconds)
