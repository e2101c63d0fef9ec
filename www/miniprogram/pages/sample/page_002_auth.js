// @ts-nocheck
// 《微信小程序上传》, 上传地址和凭证方式.
// The code as it is printed, but for the package's name.
import VODUpload from 'vodupload'
import { server } from '../../config'
import { hide, show } from './board'

// Its free variables, filled before a file can be picked.
const log = console.log
let uploadAuth, uploadAddress, videoId

var uploader = new VODUpload({
       //阿里账号ID，必须有值
       userId:"0",
       //网络原因失败时，重新上传次数，默认为3
       retryCount: 3,
       //网络原因失败时，重新上传间隔时间，默认为2秒
       retryDuration: 2,
      //开始上传
      'onUploadstarted': function (uploadInfo) {
        log("onUploadStarted:" + uploadInfo.file.name + ", endpoint:" + uploadInfo.endpoint + ", bucket:" + uploadInfo.bucket + ", object:" + uploadInfo.object);
        //上传方式1，需要根据uploadInfo.videoId是否有值，调用点播的不同接口获取uploadauth和uploadAddress，如果videoId有值，调用刷新视频上传凭证接口，否则调用创建视频上传凭证接口
        if (uploadInfo.videoId) {
            //如果uploadInfo.videoId存在，调用刷新视频上传凭证接口
         }
         else{
            //如果uploadInfo.videoId不存在，调用获取视频上传地址和凭证接口
         }
        //从点播服务获取的uploadAuth、uploadAddress和videoId，设置SDK
         uploader.setUploadAuthAndAddress(uploadInfo, uploadAuth, uploadAddress,videoId);
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
          //实现时，根据uploadInfo.videoId调用刷新视频上传凭证接口重新获取UploadAuth
          //从点播服务刷新的uploadAuth，设置到SDK里
          uploader.resumeUploadWithAuth(uploadAuth);
      },
      //全部文件上传结束
      'onUploadEnd':function(uploadInfo){
           console.log("onUploadEnd: uploaded all the files");
       }
  });

Page({
  onLoad() {
    wx.request({ url: server + '/demo/getVideoUploadAuth?title=sample&fileName=sample.mp4', success: ({ data }) => { ({ uploadAuth, uploadAddress, videoId } = data.data) } })
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
