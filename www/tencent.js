// @ts-check
// The demo page of Tencent VOD: the application side of TcVod, for one media and its cover at a time.
import { Refused } from './app_server.js'
import { bytes, duration, elapsed, percent, speed } from './format.js'
import { createNetwork } from './network.js'
import { told } from './row.js'
import { verify } from './verify.js'
import { advice, fill, switchLanguage, text } from './words.js'

/** @typedef {'Uploading' | 'Stoped' | 'Success' | 'Failure' | 'Canceled'} State */
/** @typedef {import('./row.js').Verdict} Verdict */

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
const element = (id) => /** @type {T} */ (document.getElementById(id))
/** @param {string} selector */
const part = (selector) => /** @type {HTMLElement} */ (element('row').querySelector(selector))

/**
 * The upload that the row shows.
 * @type {null | { file: File, cover?: File, uploader: any, state: State, loaded: number, coverLoaded: number, speed: number,
 *   startedAt: number, took: number, error?: any, result?: any, verdicts: { media?: Verdict, cover?: Verdict } }}
 */
let upload = null
/** @type {string | null} key of the text in the red notice */
let problem = null

fill(document)
render()
const config = await fetch('config.json').then((response) => response.json()).catch(() => fail('problem.config'))
// Not a static import: a missing build should be a sentence on the page, not a blank one.
const { default: TcVod } = await import('/vodupload/tencent.js').catch(() => fail('problem.sdk'))
const network = createNetwork({
  switch_: element('network'),
  detail: element('network-detail'),
  expire: element('expire'),
  app: config.app,
  note: () => {},
  report: (failed) => {
    problem = failed ? 'problem.control' : null
    render()
  },
})
// The local cloud has one host for all, as in mini programs.
const tcVod = new TcVod({ getSignature, vodEndpoint: config.ugc, forward: true, progressInterval: 200 })

/** Signatures are made by the app server, which alone has the key. */
async function getSignature() {
  const response = await fetch(`${config.app}/api/tencent/signature`, { method: 'POST' })
  if (!response.ok) throw new Refused(response.status, `the app server answered ${response.status}`)
  return (await response.json()).signature
}

element('pick').addEventListener('submit', (event) => {
  event.preventDefault()
  const [file, cover] = ['media', 'cover'].map((id) => /** @type {HTMLInputElement} */ (element(id)).files?.[0])
  if (file) begin(file, cover)
})

/** @param {File} file @param {File} [cover] */
function begin(file, cover) {
  const own = upload = {
    file, cover, uploader: /** @type {any} */ (null), state: /** @type {State} */ ('Uploading'), loaded: 0, coverLoaded: 0, speed: 0,
    startedAt: performance.now(), took: 0, verdicts: /** @type {{ media?: Verdict, cover?: Verdict }} */ ({}),
    error: undefined, result: undefined,
  }
  try {
    own.uploader = tcVod.upload({ mediaFile: file, coverFile: cover })
  } catch (error) {
    return end(own, 'Failure', { error })
  }
  own.uploader.on('media_progress', (/** @type {any} */ { loaded, speed }) => {
    Object.assign(own, { loaded, speed })
    render()
  })
  own.uploader.on('cover_progress', (/** @type {any} */ { percent }) => {
    own.coverLoaded = percent
    render()
  })
  own.uploader.done().then(async (/** @type {any} */ result) => {
    end(own, 'Success', { result, took: (performance.now() - own.startedAt) / 1000 })
    const media = await fetch(`${config.app}/api/tencent/medias/${result.fileId}`).then((response) => response.json()).catch(() => ({}))
    const stored = (/** @type {any} */ facts) => ({ video: async () => ({ ...facts, state: facts.sha256 ? 'stored' : 'uploading' }) })
    own.verdicts.media = await verify(stored(media), {}, file)
    if (cover) own.verdicts.cover = await verify(stored({ size: media.coverSize, sha256: media.coverSha256 }), {}, cover)
    render()
  }, (/** @type {any} */ error) => end(own, error.retCode === 1017 ? 'Canceled' : 'Failure', { error }))
  render()
  element('row').focus()
}

/** @param {NonNullable<typeof upload>} own @param {State} state @param {object} facts */
function end(own, state, facts) {
  Object.assign(own, { state, ...facts })
  render()
}

element('go').addEventListener('click', () => {
  if (!upload) return
  if (upload.state === 'Uploading') {
    upload.state = 'Stoped'
    upload.uploader.pause()
  } else if (upload.state === 'Stoped') {
    upload.state = 'Uploading'
    upload.uploader.resume()
  } else {
    begin(upload.file, upload.cover) // from the parts that are stored
  }
  render()
})
element('cancel').addEventListener('click', () => upload?.uploader.cancel({ discard: true }))
element('language').addEventListener('click', () => {
  switchLanguage()
  fill(document)
  network.render()
  render()
})

/** @param {string} key @returns {never} */
function fail(key) {
  problem = key
  for (const id of ['pick', 'network', 'expire', 'language']) element(id).hidden = true // nothing behind them works
  render()
  throw new Error(text(key))
}

function render() {
  element('language').textContent = text('language.other')
  element('language').lang = document.documentElement.lang === 'en' ? 'zh-CN' : 'en'
  element('problem').hidden = !problem
  element('problem').textContent = problem && text(problem)
  element('row').hidden = !upload
  const isBusy = upload?.state === 'Uploading' || upload?.state === 'Stoped'
  for (const id of ['media', 'cover', 'upload']) /** @type {HTMLInputElement} */ (element(id)).disabled = Boolean(isBusy)
  if (!upload) return
  const { file, cover, state, loaded, coverLoaded, error, result, verdicts } = upload
  element('row').dataset.state = state
  part('.name').textContent = file.name
  part('.state').textContent = text(`state.${state}`)
  const bar = /** @type {HTMLProgressElement} */ (element('bar'))
  bar.value = state === 'Success' ? 1 : loaded / file.size
  bar.setAttribute('aria-label', text('file.progress', { name: file.name }))
  const coverBar = /** @type {HTMLProgressElement} */ (element('cover-bar'))
  coverBar.hidden = !cover
  coverBar.value = state === 'Success' ? 1 : coverLoaded
  part('.facts').textContent = facts(upload)
  const act = { Uploading: 'stop', Stoped: 'resume', Failure: 'retry', Canceled: 'again', Success: '' }[state]
  element('go').hidden = !act
  element('go').textContent = act && text(`act.${act}`)
  element('cancel').hidden = !isBusy

  part('.error').hidden = state !== 'Failure'
  if (state === 'Failure') {
    part('.error-advice').textContent = error.hint || advice(String(error.code))
    part('.error-code').textContent = `${error.code} (retCode ${error.retCode}, ${error.stage}): ${told(error)}`
    part('.error-request').hidden = !error.requestId
    part('.error-request').textContent = text('error.request', { id: error.requestId ?? '' })
  }
  part('.result').hidden = state !== 'Success'
  if (state !== 'Success') return
  for (const node of element('row').querySelectorAll('.of-cover')) node.toggleAttribute('hidden', !cover)
  element('file-id').textContent = result.fileId
  element('media-url').textContent = withoutKey(result.video.url)
  element('cover-url').textContent = withoutKey(result.cover?.url ?? '')
  element('verified').textContent = text(result.verified ? 'verified.yes' : 'verified.no')
  for (const [id, verdict] of /** @type {const} */ ([['check', verdicts.media], ['check-cover', verdicts.cover]])) {
    element(id).textContent = verdict ? verdict.words() : text('check.running')
    element(id).dataset.verdict = verdict ? String(verdict.same) : 'running'
  }
}

/** @param {string} url of the local cloud, which signs it */
const withoutKey = (url) => url.split('?')[0]

/** @param {NonNullable<typeof upload>} upload */
function facts({ file, state, loaded, speed: rate, took }) {
  const size = bytes(file.size)
  if (state === 'Success') return [size, text('file.took', { time: elapsed(took) })].join('  ·  ')
  const sent = [percent(loaded / file.size), text('file.of', { loaded: bytes(loaded), total: size })]
  const isMoving = state === 'Uploading' && rate > 0 && loaded < file.size
  return [...sent, ...isMoving ? [speed(rate), text('file.left', { time: duration((file.size - loaded) / rate) })] : []].join('  ·  ')
}
