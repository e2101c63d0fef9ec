// @ts-nocheck
// "upload SDK for WeChat mini programs", STS token.
// The code as it is printed, but for the server's addresses. It prints no import, and uses fetch, which mini programs lack.
import VODUpload from 'vodupload'
import { server } from '../../config'
import { hide, show } from './board'
import { fetch } from './fetch'

var uploader = new VODUpload({
// The ID of your Alibaba Cloud account. This parameter cannot be left empty. To view the ID of your Alibaba Cloud account, go to the Account Management page (https://account.console.aliyun.com/) by using your Alibaba Cloud account.
userId:"25346073170691****",
// The ID of the region in which the file is to be uploaded. Default value: cn-shanghai. For more information about other region IDs such as eu-central-1 and ap-southeast-1, see Media asset storage.
region:"cn-shanghai",
// The maximum number of attempts to retry the upload upon a network exception. Default value: 3.
retryCount: 3,
// The intervals at which the system retries the upload upon a network exception. Default value: 2. Unit: seconds.
retryDuration: 2,
onUploadstarted: function (uploadInfo) {
// If you use the STS token, call the uploader.setUploadAuthAndAddress method.
var stsUrl = server + '/stsUrl';
// The following sample code shows how to specify the STS token in the upload SDK.
// The methods used to obtain the AccessKey ID, AccessKey secret, and STS token differ based on the application server.
fetch(stsUrl)
.then((res) => res.json())
.then((data) => {
var info = data.SecurityTokenInfo
uploader.setSTSToken(uploadInfo, info.AccessKeyId, info.AccessKeySecret, info.SecretToken);
});
},
onUploadTokenExpired: function (uploadInfo) {
// If the STS token expires, you must obtain a new STS token to resume the upload.
// If the file to be uploaded is large in size, the STS token may expire during the upload. In this case, you must call the resumeUploadWithSTSToken method in the onUploadTokenExpired callback to resume the upload by using a new STS token.
var stsUrl = server + '/stsUrl';
// The following sample code shows how to resume the upload by using the new STS token.
// The methods used to obtain the AccessKey ID, AccessKey secret, and STS token differ based on the application server.
fetch(stsUrl)
.then((res) => res.json())
.then((data) => {
var info = data.SecurityTokenInfo
uploader.resumeUploadWithSTSToken(info.AccessKeyId, info.AccessKeySecret, info.SecretToken);
});
},
// The callback that is invoked if the upload is successful.
'onUploadSucceed': function (uploadInfo) {
},
// The callback that is invoked if the upload fails.
'onUploadFailed': function (uploadInfo, code, message) {
},
// The callback that is invoked if the default or custom upload progress is reached. The progress is measured in terms of bytes.
'onUploadProgress': function (uploadInfo, totalSize, loadedPercent) {
},
// The callback that is invoked if the entire file is uploaded.
'onUploadEnd':function(uploadInfo){
}
});

Page({
  onLoad() {
    show(this, uploader, { image: true })
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

  chooseImage() {
wx.chooseImage({
success: function (res) {
// The document has res.tempFilePath here, which wx.chooseImage does not answer.
var file = {url: res.tempFilePaths[0]};
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
