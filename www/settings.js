// @ts-check
// The two choices of an application that the page leaves to its visitor: how uploads are authorised, and how many files
// go at once.
import { text } from './words.js'

const WAY = 'vodupload-demo-way'
const AT_ONCE = 'vodupload-demo-at-once'

/**
 * @param {object} parts
 * @param {HTMLElement} parts.ways the fieldset with the radio buttons
 * @param {HTMLElement} parts.detail
 * @param {HTMLSelectElement} parts.atOnce
 * @param {HTMLElement} parts.locked says why `atOnce` cannot be changed
 * @param {(words: string) => void} parts.note writes to the log
 */
export function createSettings({ ways, detail, atOnce, locked, note }) {
  const radios = /** @type {HTMLInputElement[]} */ ([...ways.querySelectorAll('input')])
  let way = /** @type {import('./credentials.js').Way} */ (sessionStorage.getItem(WAY) === 'sts' ? 'sts' : 'address')
  const stored = sessionStorage.getItem(AT_ONCE) ?? ''
  if ([...atOnce.options].some(({ value }) => value === stored)) atOnce.value = stored

  ways.addEventListener('change', (event) => {
    way = /** @type {any} */ (event.target).value
    sessionStorage.setItem(WAY, way)
    note(text(`way.${way}`))
    showWay()
  })
  atOnce.addEventListener('change', () => sessionStorage.setItem(AT_ONCE, atOnce.value))

  function showWay() {
    for (const radio of radios) radio.checked = radio.value === way
    detail.textContent = text(`way.${way}.detail`)
  }

  /** @param {boolean} busy whether files are left that the present uploader has to finish */
  function lock(busy) {
    atOnce.disabled = busy
    locked.hidden = !busy
  }

  showWay()
  return { lock, render: showWay, way: () => way, atOnce: () => Number(atOnce.value) }
}
