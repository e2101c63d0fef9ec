// @ts-check
// The list of callbacks. Progress comes ten times a second, so a run of it for one file is one line that counts.
import { clock } from './format.js'
import { text } from './words.js'

const KEPT = 300

/**
 * @typedef {object} Entry
 * @property {HTMLElement} node
 * @property {string} name
 * @property {string} file
 * @property {number} count
 */

/**
 * @param {object} parts
 * @param {HTMLElement} parts.list
 * @param {HTMLElement} parts.empty
 * @param {HTMLElement} parts.copy
 * @param {HTMLElement} parts.clear
 */
export function createLog({ list, empty, copy, clear }) {
  /** @type {Entry[]} newest last */
  let entries = []

  /**
   * @param {string} name the callback or the method
   * @param {string} file
   * @param {string} [args] what it came with, in short
   * @param {'callback' | 'call'} [kind] `call` is the page calling the SDK
   */
  function write(name, file, args = '', kind = 'callback') {
    const pinned = list.scrollHeight - list.scrollTop - list.clientHeight < 24
    const last = entries.at(-1)
    if (last && name === 'onUploadProgress' && last.name === name && last.file === file) {
      last.count += 1
      show(last, args)
    } else {
      const node = document.createElement('p')
      node.className = kind
      for (const part of ['time', 'what', 'count', 'file', 'args']) {
        node.append(Object.assign(document.createElement('span'), { className: part }), ' ')
      }
      const entry = { node, name, file, count: 1 }
      show(entry, args)
      entries.push(entry)
      list.append(node)
      if (entries.length > KEPT) entries.shift()?.node.remove()
    }
    empty.hidden = true
    // Follow the end, unless the reader has scrolled up.
    if (pinned) list.scrollTop = list.scrollHeight
  }

  /** @param {Entry} entry @param {string} args */
  function show({ node, name, file, count }, args) {
    const set = (/** @type {string} */ part, /** @type {string} */ words) => {
      /** @type {HTMLElement} */ (node.querySelector(`.${part}`)).textContent = words
    }
    set('time', clock(new Date()))
    set('what', name)
    set('count', count > 1 ? `×${count}` : '')
    set('file', file)
    set('args', args)
  }

  clear.addEventListener('click', () => {
    entries = []
    list.replaceChildren()
    empty.hidden = false
  })

  copy.addEventListener('click', async () => {
    const lines = entries.map(({ node }) => (node.textContent ?? '').replace(/ +/g, ' ').trim())
    try {
      await navigator.clipboard.writeText(lines.join('\n'))
      flash('log.copied')
    } catch {
      flash('log.nocopy')
    }
  })

  /** @param {string} key */
  function flash(key) {
    copy.textContent = text(key)
    setTimeout(() => { copy.textContent = text('log.copy') }, 1500)
  }

  return { write }
}
