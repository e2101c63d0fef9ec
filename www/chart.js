// @ts-check
// The throughput of the last minute: bytes per second in bins, drawn on a canvas.
// It only knows when bytes moved; which file they belong to does not matter here.
import { speed } from './format.js'
import { text } from './words.js'

const BIN_MS = 500
const BINS = 120 // one minute
const SHOWN_MS = BIN_MS * BINS
/** Bytes arrive in lumps, a part at a time: each drawn value is the mean of this many bins. */
const WINDOW = 4

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} caption where the current and highest values are written
 */
export function createChart(canvas, caption) {
  /** @type {Map<number, number>} bytes by bin number */
  const bins = new Map()
  const calm = matchMedia('(prefers-reduced-motion: reduce)')
  const dark = matchMedia('(prefers-color-scheme: dark)')
  let busyUntil = 0
  let frame = 0
  let top = 1_000_000

  /** @param {number} count bytes that were sent just now */
  function add(count) {
    const bin = Math.floor(performance.now() / BIN_MS)
    bins.set(bin, (bins.get(bin) ?? 0) + count)
    busyUntil = performance.now() + SHOWN_MS + WINDOW * BIN_MS
    if (!frame && !calm.matches) frame = requestAnimationFrame(animate)
  }

  function animate() {
    draw()
    frame = performance.now() < busyUntil && !calm.matches ? requestAnimationFrame(animate) : 0
  }

  /** @param {number} bin */
  const rate = (bin) => {
    let sum = 0
    for (let i = 0; i < WINDOW; i += 1) sum += bins.get(bin - i) ?? 0
    return (sum * 1000) / (BIN_MS * WINDOW)
  }

  function draw() {
    const ratio = devicePixelRatio || 1
    const width = canvas.clientWidth
    const height = canvas.clientHeight
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio)
      canvas.height = Math.round(height * ratio)
    }
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'))
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, width, height)

    const style = getComputedStyle(canvas)
    const color = (/** @type {string} */ name) => style.getPropertyValue(name).trim()
    const last = Math.floor(performance.now() / BIN_MS) - 1 // the running bin is not full yet
    const slide = (performance.now() % BIN_MS) / BIN_MS
    const rates = Array.from({ length: BINS + 1 }, (_, i) => rate(last - BINS + i))
    const peak = Math.max(...rates)
    top = niceTop(peak)

    const foot = 18
    const head = 14
    const floor = height - foot
    const y = (/** @type {number} */ value) => floor - (value / top) * (floor - head)
    const x = (/** @type {number} */ i) => ((i - slide) / (BINS - 1)) * width

    pen.font = `11px ${style.fontFamily}`
    pen.lineWidth = 1
    for (const share of [0, 0.5, 1]) {
      pen.strokeStyle = color(share === 0 ? '--line-strong' : '--line')
      const line = Math.round(y(top * share)) + 0.5
      pen.beginPath()
      pen.moveTo(0, line)
      pen.lineTo(width, line)
      pen.stroke()
    }

    if (peak > 0) {
      pen.save()
      pen.beginPath()
      pen.rect(0, 0, width, floor)
      pen.clip()
      pen.beginPath()
      rates.forEach((value, i) => pen.lineTo(x(i), y(value)))
      pen.strokeStyle = color('--accent')
      pen.lineWidth = 1.5
      pen.lineJoin = 'round'
      pen.stroke()
      pen.lineTo(x(BINS), floor)
      pen.lineTo(x(0), floor)
      pen.fillStyle = color('--accent')
      pen.globalAlpha = 0.12
      pen.fill()
      pen.restore()
    }

    pen.fillStyle = color('--ink-3')
    pen.textBaseline = 'alphabetic'
    pen.textAlign = 'left'
    pen.fillText(speed(top), 0, y(top) - 4)
    pen.fillText(text('chart.old'), 0, height - 3)
    pen.textAlign = 'right'
    pen.fillText(text('chart.new'), width, height - 3)
  }

  /** Words beside the picture; once a second is enough to read. */
  function describe() {
    const last = Math.floor(performance.now() / BIN_MS) - 1
    for (const bin of bins.keys()) if (bin < last - BINS - WINDOW) bins.delete(bin)
    const values = { now: speed(rate(last)), peak: speed(Math.max(0, ...Array.from({ length: BINS }, (_, i) => rate(last - i)))) }
    caption.textContent = bins.size ? text('chart.now', values) : text('chart.idle')
    canvas.setAttribute('aria-label', text('chart.label', values))
    if (!frame) draw()
  }

  new ResizeObserver(draw).observe(canvas)
  dark.addEventListener('change', draw)
  setInterval(describe, 1000)
  describe()
  return { add, redraw: describe }
}

/**
 * The next of 1, 2, 5 times a power of ten: a scale that does not jump with each sample.
 * @param {number} peak
 */
function niceTop(peak) {
  const least = 1_000_000
  if (peak <= least) return least
  const power = 10 ** Math.floor(Math.log10(peak))
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= peak) ?? 10 * power
}
