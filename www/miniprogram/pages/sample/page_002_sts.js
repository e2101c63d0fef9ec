// @ts-nocheck
// 《微信小程序上传》, STS方式.
// The code as it is printed, but for the package's name and a comma behind onUploadstarted, without which it is no JavaScript.
import VODUpload from 'vodupload'
import { server } from '../../config'
import { hide, show } from './board'

// Its free variables, filled before a file can be picked.
const log = console.log
let accessKeyId, accessKeySecret, secretToken

var uploader = new VODUpload({
       //网络原因失败时，重新上传次数，默认为3
       retryCount: 3,
       //网络原因失败时，重新上传间隔时间，默认为2秒
       retryDuration: 2,
      //开始上传
      'onUploadstarted': function (uploadInfo) {
        log("onUploadStarted:" + uploadInfo.file.name + ", endpoint:" + uploadInfo.endpoint + ", bucket:" + uploadInfo.bucket + ", object:" + uploadInfo.object);
        //获取STS Token，设置到SDK
         uploader.setSTSToken(uploadInfo, accessKeyId, accessKeySecret, secretToken);
      },
      //文件上传成功
      'onUploadSucceed': function (uploadInfo) {
        log("onUploadSucceed: " + uploadInfo.file.name + ", endpoint:" + uploadInfo.endpoint + ", bucket:" + uploadInfo.bucket + ", object:" + uploadInfo.object);
      },
      //文件上传失败
      'onUploadFailed': function (uploadInfo, code, message) {
        log("onUploadFailed: file:" + uploadInfo.file.name + ",code:" + code + ", message:" + message);
      },
      //文件上传进度，单位：字节
      'onUploadProgress': function (uploadInfo, totalSize, loadedPercent) {
          log("onUploadProgress:file:" + uploadInfo.file.name + ", fileSize:" + totalSize + ", percent:" + Math.ceil(loadedPercent * 100) + "%");
      },
      //上传凭证超时
      'onUploadTokenExpired': function (uploadInfo) {
          console.log("onUploadTokenExpired");
          //重新获取STS token，恢复上传
          uploader.resumeUploadWithSTSToken(accessKeyId, accessKeySecret, secretToken);
      },
      //全部文件上传结束
      'onUploadEnd':function(uploadInfo){
           console.log("onUploadEnd: uploaded all the files");
       }
  });

Page({
  onLoad() {
    wx.request({ url: server + '/demo/getSts', success: ({ data }) => { ({ accessKeyId, accessKeySecret, securityToken: secretToken } = data.data) } })
    show(this, uploader)
  },

  onUnload() {
    hide(this)
  },

  chooseVideo() {
wx.chooseVideo({
    success: function (res) {
        var file = {url: res.tempFilePath, coverUrl: res.thumbTempFilePath};
        var userData = '{"Vod":{}}';
        uploader.addFile(file, null, null, null, userData)
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
