// @ts-check
// The page. It keeps nothing but what is shown: objects of the library's must not be in `data`, which setData copies.
import { createPainter } from '../../lib/painter'
import * as server from '../../lib/server'
import * as uploads from '../../lib/uploads'
import { queueView, rowView } from '../../lib/view'
import { text, texts } from '../../lib/words'

/** How many files the pickers give at most: what WeChat allows. */
const AT_ONCE = { media: 20, chat: 100 }

/** @type {ReturnType<typeof createPainter> | undefined} */
let painter
let clock = 0
let awake = false

/** A screen that goes dark ends an upload within five seconds. @param {boolean} active */
function stayAwake(active) {
  if (active === awake) return
  awake = active
  wx.setKeepScreenOn({ keepScreenOn: active })
}

Page({
  data: {
    t: texts({
      media: 'pick.media', chat: 'pick.chat', settings: 'settings', way: 'way.title', address: 'way.address', sts: 'way.sts',
      server: 'server.title', samples: 'samples', tencent: 'tencent', empty: 'empty', emptyDetail: 'empty.detail', clear: 'queue.clear',
    }),
    way: '',
    wayDetail: '',
    server: '',
    serverProblem: '',
    problem: '',
    settingsOpen: false,
    queue: { shown: false },
    /** @type {ReturnType<typeof rowView>[]} */
    rows: [],
  },

  onLoad() {
    painter = createPainter(this, () => {
      const active = uploads.isActive()
      stayAwake(active)
      return { queue: queueView(uploads.rows, active), rows: uploads.rows.map(rowView) }
    })
    uploads.listen(painter.paint)
    painter.paint()
    // Time passes without callbacks, too: "no bytes for 8 s".
    clock = setInterval(() => uploads.isActive() && painter?.paint(), 1000)
    this.showSettings()
  },

  onUnload() {
    uploads.listen(() => {})
    painter?.stop()
    clearInterval(clock)
  },

  showSettings() {
    const way = uploads.currentWay()
    this.setData({ way, wayDetail: text(`way.${way}.detail`), server: server.address(), serverProblem: '' })
  },

  pickMedia() {
    wx.chooseMedia({
      count: AT_ONCE.media,
      mediaType: ['video', 'image'],
      sourceType: ['album', 'camera'],
      sizeType: ['original'],
      maxDuration: 60,
      success: ({ tempFiles }) => this.take(tempFiles),
      fail: (error) => this.notTaken(error),
    })
  },

  pickFromChat() {
    wx.chooseMessageFile({
      count: AT_ONCE.chat,
      type: 'all',
      success: ({ tempFiles }) => this.take(tempFiles),
      fail: (error) => this.notTaken(error),
    })
  },

  /** @param {object[]} files */
  take(files) {
    this.setData({ problem: '' })
    uploads.add(files)
  },

  /** @param {{ errMsg: string }} error */
  notTaken({ errMsg }) {
    // Whoever closes the picker has made no mistake.
    if (!/cancel/.test(errMsg)) this.setData({ problem: text('pick.failed', { detail: errMsg }) })
  },

  run() {
    if (uploads.isActive()) uploads.stop()
    else uploads.start()
  },

  clear() {
    uploads.clear()
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  act({ currentTarget: { dataset } }) {
    uploads.perform(dataset.act, dataset.id)
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  copy({ currentTarget: { dataset } }) {
    wx.setClipboardData({ data: dataset.text, success: () => wx.showToast({ title: text('copied'), icon: 'none' }) })
  },

  toggleSettings() {
    this.setData({ settingsOpen: !this.data.settingsOpen })
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  chooseWay({ currentTarget: { dataset } }) {
    uploads.setWay(dataset.way)
    this.showSettings()
  },

  /** @param {WechatMiniprogram.Input} event */
  changeServer({ detail: { value } }) {
    if (server.setAddress(value)) this.showSettings()
    else this.setData({ serverProblem: text('server.bad') })
  },

  openTencent() {
    wx.navigateTo({ url: '/pages/tencent/tencent' })
  },

  openSamples() {
    wx.navigateTo({ url: '/pages/sample/sample' })
  },
})
