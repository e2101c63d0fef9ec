// @ts-check
// Uploads that an earlier page left unfinished, read from the checkpoints the SDK keeps in localStorage.
// The SDK resumes by itself when the file comes back; this only tells people that it would.
import { percent } from './format.js'
import { text } from './words.js'

const PREFIX = 'upload_'

/** @typedef {{ key: string, name: string, loaded: number | null }} Unfinished */

/**
 * @returns {Unfinished[]}
 */
function read() {
  const found = []
  for (let i = 0; i < localStorage.length; i += 1) {
    const key = localStorage.key(i) ?? ''
    if (key.startsWith(PREFIX)) found.push(describe(key, localStorage.getItem(key) ?? ''))
  }
  return found.sort((a, b) => a.name.localeCompare(b.name))
}

/**
 * The key is `upload_<mtime>_<name>_<size>`; the record may be of any version, so nothing in it is relied on.
 * @param {string} key
 * @param {string} record
 * @returns {Unfinished}
 */
function describe(key, record) {
  const fromKey = /^upload_\d*_(.*)_\d+$/.exec(key)?.[1]
  try {
    const { fileName, loaded } = JSON.parse(record)
    return { key, name: fromKey ?? fileName ?? key, loaded: typeof loaded === 'number' ? Math.min(loaded, 1) : null }
  } catch {
    return { key, name: fromKey ?? key, loaded: null }
  }
}

/**
 * @param {HTMLElement} section
 * @param {() => File[]} queued files that are in the list already, whose checkpoints are not "left over"
 */
export function createUnfinished(section, queued) {
  const title = /** @type {HTMLElement} */ (section.querySelector('h2'))
  const list = /** @type {HTMLElement} */ (section.querySelector('ul'))
  // Only what was there before this page: its own checkpoints show in the queue.
  const before = new Set(read().map(({ key }) => key))

  function render() {
    const inQueue = queued()
    const left = read().filter(({ key }) => before.has(key) && !inQueue.some((file) => key === keyOf(file)))
    section.hidden = left.length === 0
    title.textContent = left.length === 1 ? text('unfinished.one') : text('unfinished.many', { count: left.length })
    list.replaceChildren(...left.map(item))
  }

  /** @param {Unfinished} unfinished */
  function item({ key, name, loaded }) {
    const node = document.createElement('li')
    const words = Object.assign(document.createElement('span'), { className: 'name', textContent: name })
    const facts = Object.assign(document.createElement('span'), { className: 'facts' })
    if (loaded !== null) facts.textContent = text('unfinished.at', { percent: percent(loaded) })
    const forget = Object.assign(document.createElement('button'), { type: 'button', className: 'button quiet', textContent: text('unfinished.forget') })
    forget.setAttribute('aria-label', text('unfinished.forget.label', { name }))
    forget.addEventListener('click', () => {
      localStorage.removeItem(key)
      render()
    })
    node.append(words, facts, forget)
    return node
  }

  render()
  return { render }
}

/** @param {File} file */
const keyOf = (file) => `${PREFIX}${file.lastModified}_${file.name}_${file.size}`
