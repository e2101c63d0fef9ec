// @ts-nocheck
// "upload SDK for WeChat mini programs", upload URL and credential.
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
// The callback that is invoked if the upload starts.
// The uploadInfo object specifies the information about the file that you want to upload.
// {
// videoId: '', // The video or audio ID that is returned by the server.
// Endpoint: '', // The Object Storage Service (OSS) endpoint for access from the Internet.
// Bucket: '', // The OSS bucket.
// Object: '' // The basic storage unit in OSS.
// }
'onUploadstarted': function (uploadInfo) {
// The upload method. You must call different methods to obtain the upload URL and credential, depending on whether the uploadInfo.videoId parameter has a value. The upload SDK obtains the value of the uploadInfo.videoId parameter from the local storage.
// If the uploadInfo.videoId parameter has a value, call the RefreshUploadVideo operation. Otherwise, call the CreateUploadVideo operation.
// If the video that is being uploaded is deleted from the ApsaraVideo VOD console, a conflict occurs. Specifically, the ApsaraVideo VOD console does not contain the video ID but the browser contains the video ID. In this case, the InvalidVideo.NotFound error message is reported. You must clear the local storage.
var url = '';
if (uploadInfo.videoId) {
// If the uploadInfo.videoId parameter has a value, call the RefreshUploadVideo operation.
url = server + '/refreshUrl'; // The endpoint of the application server.
}
else{
// If the uploadInfo.videoId parameter does not have a value, call the CreateUploadVideo operation.
url = server + '/createUrl'; // The endpoint of the application server.
}
// The following sample code shows how to specify the upload URL and credential in the upload SDK.
// The methods used to obtain the upload credential, upload URL, and video ID differ based on the application server.
fetch(url)
.then((res) => res.json())
.then((data) => {
uploader.setUploadAuthAndAddress(uploadInfo, data.UploadAuth, data.UploadAddress, data.VideoId);
});
},
// The callback that invoked if the upload credential expires.
'onUploadTokenExpired': function (uploadInfo) {
// During implementation, call the RefreshUploadVideo operation to obtain a new upload credential based on the uploadInfo.videoId parameter.
// Set the uploadAuth parameter to the new upload credential obtained from ApsaraVideo VOD in the SDK.
var url = server + '/refreshUrl'; // The endpoint of the application server.
// The following sample code shows how to resume the upload by using the new upload credential.
// The methods used to obtain the upload credential, upload URL, and video ID differ based on the application server.
fetch(url)
.then((res) => res.json())
.then((data) => {
uploader.resumeUploadWithAuth(data.UploadAuth);
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
