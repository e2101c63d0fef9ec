// @ts-check
// The network switch: it tells the local cloud how badly to behave. The SDK and the page know nothing of it.
import { text } from './words.js'

/**
 * What each position asks of the cloud, by control path. The seeds are ones whose first
 * hits come early and apart: a short upload shall meet both faults.
 * @type {Record<string, [path: string, body: object][]>}
 */
const POSITIONS = {
  normal: [],
  slow: [['network', { bytesPerSecond: 2_000_000 }]],
  flaky: [
    ['faults', { rate: 0.05, seed: 14, action: { kind: 'cut', fraction: 0.5 } }],
    ['faults', { rate: 0.05, seed: 12, action: { kind: 'status', status: 503, code: 'ServiceUnavailable' } }],
  ],
  offline: [['network', { down: true }]],
}
const STORED = 'vodupload-demo-network'

/**
 * @param {object} parts
 * @param {HTMLElement} parts.switch_ the fieldset with the radio buttons
 * @param {HTMLElement} parts.detail
 * @param {HTMLElement} parts.expire
 * @param {string} parts.app base URL of the app server
 * @param {(words: string) => void} parts.note writes to the log
 * @param {(problem: boolean) => void} parts.report whether the cloud took the last change
 */
export function createNetwork({ switch_, detail, expire, app, note, report }) {
  const radios = /** @type {HTMLInputElement[]} */ ([...switch_.querySelectorAll('input')])
  let position = sessionStorage.getItem(STORED) ?? 'normal'
  if (!(position in POSITIONS)) position = 'normal'

  // One after the other: two quick clicks must arrive in their order.
  let last = Promise.resolve()
  /** @param {string} method @param {string} path @param {object} [body] */
  const control = (method, path, body) => {
    last = last.then(async () => {
      const response = await fetch(`${app}/control/${path}`, {
        method,
        ...body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) },
      })
      if (!response.ok) throw new Error(String(response.status))
    }).then(() => report(false), () => report(true))
  }

  function apply() {
    sessionStorage.setItem(STORED, position)
    control('DELETE', 'faults')
    control('DELETE', 'network')
    for (const [path, body] of POSITIONS[position]) control('POST', path, body)
    render()
  }

  function render() {
    for (const radio of radios) radio.checked = radio.value === position
    detail.textContent = text(`network.${position}.detail`)
  }

  switch_.addEventListener('change', (event) => {
    position = /** @type {HTMLInputElement} */ (event.target).value
    note(position)
    apply()
  })
  expire.addEventListener('click', () => {
    note('every credential given out so far is expired')
    control('POST', 'expire')
  })

  // The cloud may still be as another tab left it; a reload keeps the position of this one.
  apply()
  return { render }
}
