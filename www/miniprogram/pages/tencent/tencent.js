// @ts-check
// Tencent VOD: a video with its cover by VodUploader.start.
import { VodUploader } from 'vodupload'
import { ugcEndpoint } from '../../config'
import { bytes, duration, percent, speed } from '../../lib/format'
import { tencentSignature } from '../../lib/server'
import { advice, text, texts } from '../../lib/words'

/** @type {ReturnType<typeof VodUploader.start> | undefined} */
let uploader

Page({
  data: {
    t: texts({
      video: 'sample.video', cover: 'tencent.cover', start: 'queue.start', pause: 'act.stop', restart: 'act.start', cancel: 'act.cancel',
    }),
    state: 'Ready',
    stateText: '',
    video: '',
    cover: '',
    facts: '',
    width: '0%',
    fileId: '',
    problem: '',
    detail: '',
  },

  /** @type {any} */
  mediaFile: undefined,
  /** @type {any} */
  coverFile: undefined,

  onLoad() {
    wx.setNavigationBarTitle({ title: text('tencent') })
  },

  onUnload() {
    uploader?.pause() // what is stored is kept; the same video goes on
  },

  chooseVideo() {
    wx.chooseVideo({
      sourceType: ['album', 'camera'],
      compressed: false,
      success: (file) => {
        this.mediaFile = file
        this.setData({ video: bytes(file.size) })
      },
    })
  },

  chooseCover() {
    wx.chooseImage({
      count: 1,
      success: (file) => {
        this.coverFile = file
        this.setData({ cover: '✓' })
      },
    })
  },

  start() {
    if (!this.mediaFile || this.data.state === 'Uploading') return
    uploader?.cancel({ discard: true })
    this.setData({ facts: '', width: '0%', fileId: '' })
    this.show('Uploading')
    const mine = VodUploader.start({
      mediaFile: this.mediaFile,
      coverFile: this.coverFile,
      mediaName: 'vodupload',
      getSignature: tencentSignature,
      vodEndpoint: ugcEndpoint || undefined,
      progress: ({ loaded, total, percent: ratio, speed: rate }) => {
        const parts = [percent(ratio), `${bytes(loaded)} / ${bytes(total)}`]
        if (rate > 0 && loaded < total) parts.push(speed(rate), text('file.left', { time: duration((total - loaded) / rate) }))
        this.setData({ facts: parts.join(' · '), width: `${ratio * 100}%` })
      },
      finish: ({ fileId }) => {
        this.setData({ fileId, width: '100%' })
        this.show('Success')
      },
      error: ({ name, code, message, retCode }) => {
        if (uploader !== mine) return // one that was given up for this one
        if (retCode === 1017) return this.show('Canceled')
        this.setData({ problem: advice({ code: name, message }), detail: `${name} (${code}): ${message}` })
        this.show('Failure')
      },
    })
    uploader = mine
  },

  pause() {
    if (this.data.state !== 'Uploading') return
    uploader?.pause()
    this.show('Stoped')
  },

  /** After a pause, or once more after a failure. */
  restart() {
    if (!['Stoped', 'Failure'].includes(this.data.state)) return
    this.show('Uploading')
    uploader?.restart()
  },

  cancel() {
    uploader?.cancel({ discard: true })
  },

  /** @param {string} state */
  show(state) {
    this.setData({ state, stateText: text(`state.${state}`), ...state !== 'Failure' && { problem: '', detail: '' } })
  },
})
