// @ts-check
// The samples' callbacks are empty: this shows what listFiles() says of their files.
import { percent } from '../../lib/format'
import { text, texts } from '../../lib/words'

/** @type {WeakMap<object, number>} */
const clocks = new WeakMap()

/** @typedef {{ setData(part: object): void }} Page */

/**
 * @param {Page} page
 * @param {import('vodupload').VODUpload} uploader
 * @param {{ image?: boolean }} [has]
 */
export function show(page, uploader, { image = false } = {}) {
  let shown = ''
  const look = () => {
    const files = uploader.listFiles().map(({ file, state, loaded, videoId }, i) => ({
      id: i, name: file.name, state, stateText: text(`state.${state}`), percent: percent(loaded), videoId: videoId ?? '',
    }))
    const now = JSON.stringify(files)
    if (now !== shown) page.setData({ 'board.files': files })
    shown = now
  }
  page.setData({
    board: { image, files: [], t: texts({ video: 'sample.video', image: 'sample.image', start: 'sample.start', stop: 'sample.stop', none: 'sample.none' }) },
  })
  clocks.set(page, setInterval(look, 500))
}

/** @param {Page} page */
export function hide(page) {
  clearInterval(clocks.get(page) ?? 0)
}
