// @ts-check
// The list of samples.
import { text, texts } from '../../lib/words'

Page({
  data: {
    t: texts({ detail: 'sample.detail' }),
    samples: [
      { page: 'page_000_auth', title: '使用微信小程式SDK上傳檔案', way: 'UploadAuth' },
      { page: 'page_000_sts', title: '使用微信小程式SDK上傳檔案', way: 'STS' },
      { page: 'page_001_auth', title: 'Use the upload SDK for WeChat mini programs', way: 'UploadAuth' },
      { page: 'page_001_sts', title: 'Use the upload SDK for WeChat mini programs', way: 'STS' },
      { page: 'page_002_auth', title: '微信小程序上传', way: 'UploadAuth' },
      { page: 'page_002_sts', title: '微信小程序上传', way: 'STS' },
    ],
  },

  onLoad() {
    wx.setNavigationBarTitle({ title: text('sample.title') })
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  open({ currentTarget: { dataset } }) {
    wx.navigateTo({ url: `/pages/sample/${dataset.page}` })
  },
})
