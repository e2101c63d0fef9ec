// @ts-nocheck
// 「使用微信小程式SDK上傳檔案」, STS Token方式.
// The code as it is printed, but for the package's name and the server's address.
import VODUpload from 'vodupload'
import { server } from '../../config'
import { hide, show } from './board'

// Its free variable.
const onError = console.error

var uploader = new VODUpload({
  //阿里雲的帳號ID,不可為空,您可以使用阿里雲帳號訪問帳號中心(https://account-console.alibabacloud.com/),即可查看帳號ID。
  userId: "25346073170691****",
  //上傳到點播的地區,預設值為'cn-shanghai',//eu-central-1,ap-southeast-1,更多資訊請參見媒體上傳概述
  region: "cn-shanghai",
  //網路原因失敗時,重新上傳次數,預設為3
  retryCount: 3,
  //網路原因失敗時,重新上傳間隔時間,預設為2秒
  retryDuration: 2,
 /*回調方法-開始上傳*/
onUploadstarted: function (uploadInfo) {
    console.log('檔案開始上傳...');
    console.log("onUploadStarted:" + JSON.stringify(uploadInfo))
    wx.request({
        url: server + "/demo/getSts",
        // data: data,
        // header: header,
        // method: method,
        success: (res => {
            if (res.statusCode === 200) {
                var akInfo = res.data.data;
                uploader.setSTSToken(uploadInfo, akInfo.accessKeyId, akInfo.accessKeySecret, akInfo.securityToken);
            } else {
                console.log(res)
            }
        }),
        fail: (res => {
            onError(res);
        })
    });

},
// 上傳憑證逾時
onUploadTokenExpired: function (uploadInfo) {
    const url = server + "/demo/getSts";
    
    wx.request({
      'url': url,
      success: (res => {
          if (res.statusCode === 200) {
              var akInfo = res.data.data;
              uploader.resumeUploadWithSTSToken(akInfo.uploadAuth);
          } else {
              console.log(res)
              uploader.stopUpload();
          }
      }),
      fail: (res => {
          uploader.stopUpload();
          console.log(res)
    })
  });
},
  //檔案上傳成功
  onUploadSucceed: function (uploadInfo) {},
  //檔案上傳失敗
  onUploadFailed: function (uploadInfo, code, message) {},
  //檔案上傳進度,單位:位元組
  onUploadProgress: function (uploadInfo, totalSize, loadedPercent) {},
  //全部檔案上傳結束
  onUploadEnd: function (uploadInfo) {},
});

Page({
  onLoad() {
    // Not with setData, nor in `data: {…}`: both copy.
    this.data.uploader = uploader
    show(this, uploader)
  },

  onUnload() {
    hide(this)
  },

// 選擇視頻
chooseVideo: function (e) {
    var that = this;
    wx.chooseVideo({
        sourceType: ['album', 'camera'],
        maxDuration: 60,
        compressed: false,
        camera: 'back',
        success: function (res) {
            var file = {url: res.tempFilePath, coverUrl: res.thumbTempFilePath};
            var uploader = that.data.uploader;
            var paramData = '{"Vod":{}}';
            uploader.addFile(file, null, null, null, paramData);
        }
    })
},

  start() {
    uploader.startUpload();
  },

  stop() {
    uploader.stopUpload();
  },
})
