// @ts-check
// Every text in its two languages, and the advice for each error code. Names of the library's and codes of the cloud
// are never translated.

/** @type {Record<string, [english: string, chinese: string]>} */
const WORDS = {
  'pick.media': ['Photos and videos', '照片和视频'],
  'pick.chat': ['Files from a chat', '聊天中的文件'],
  'pick.failed': ['WeChat did not open the picker: {detail}', '微信未能打开选择器：{detail}'],

  settings: ['Settings', '设置'],
  'way.title': ['Authorisation', '授权方式'],
  'way.address': ['UploadAuth', '上传凭证'],
  'way.sts': ['STS token', 'STS 凭证'],
  'way.address.detail': ['The app server asks VOD and passes on its answer. For files started from now on.', '由应用服务器请求点播服务并转交结果。对此后开始的文件生效。'],
  'way.sts.detail': ['The app server gives a token, the library asks VOD. For files started from now on.', '应用服务器只提供临时凭证，由 SDK 请求点播服务。对此后开始的文件生效。'],
  'server.title': ['App server', '应用服务器'],
  'server.bad': ['An address begins with https:// (or http:// while developing).', '地址须以 https:// 开头（开发时可用 http://）。'],
  tencent: ['Tencent VOD', '腾讯云点播'],
  'tencent.cover': ['Choose a cover', '选择封面'],
  samples: ['Samples of Aliyun’s documents', '阿里云文档中的示例'],

  'queue.one': ['1 file', '1 个文件'],
  'queue.many': ['{count} files', '{count} 个文件'],
  'queue.done': ['{done} of {count} done', '已完成 {done} / {count}'],
  'queue.start': ['Start', '开始'],
  'queue.stop': ['Stop', '停止'],
  'queue.clear': ['Clear', '清除'],
  empty: ['Nothing to upload yet', '还没有要上传的文件'],
  'empty.detail': ['Pick videos, photos or files. What has been sent is kept when an upload is interrupted.', '请选择视频、照片或文件。上传中断时，已上传的部分会保留。'],

  'state.Ready': ['Waiting', '等待中'],
  'state.Uploading': ['Uploading', '上传中'],
  'state.Success': ['Done', '已完成'],
  'state.Failure': ['Failed', '失败'],
  'state.Canceled': ['Canceled', '已取消'],
  'state.Stoped': ['Stopped', '已停止'],

  'file.of': ['{loaded} of {total}', '{loaded} / {total}'],
  'file.left': ['{time} left', '剩余 {time}'],
  'file.took': ['took {time}', '用时 {time}'],
  'file.resumed': ['resumed at {percent}', '从 {percent} 处继续'],
  'note.credential': ['Asking the app server for a credential', '正在向应用服务器申请上传凭证'],
  'note.renewing': ['The credential expired; asking for a new one', '凭证已过期，正在申请新凭证'],
  'note.stalled': ['No bytes for {time}. The library keeps trying.', '已有 {time} 没有数据传输，SDK 仍在重试。'],
  'note.retry': ['Will be tried again when the other files are done.', '其他文件完成后将自动重试。'],
  'note.kept': ['What was sent is kept: it goes on from here.', '已上传的部分会保留，将从此处继续。'],

  'act.start': ['Continue', '继续'],
  'act.resume': ['Upload again', '重新上传'],
  'act.retry': ['Try again', '重试'],
  'act.stop': ['Stop', '停止'],
  'act.cancel': ['Cancel', '取消'],
  'act.remove': ['Remove', '移除'],

  'result.video': ['Video id', '视频 ID'],
  'result.image': ['Image id', '图片 ID'],
  verified: ['Compared with the file', '已与文件比对'],
  copied: ['Copied', '已复制'],
  'error.request': ['Request id {id}', '请求 ID {id}'],

  'sample.title': ['Samples', '文档示例'],
  'sample.detail': ['Code as Aliyun’s documents print it; only the addresses of the app server are this project’s.', '代码与阿里云文档一致，仅替换了应用服务器地址。'],
  'sample.video': ['Choose a video', '选择视频'],
  'sample.image': ['Choose an image', '选择图片'],
  'sample.start': ['startUpload()', 'startUpload()'],
  'sample.stop': ['stopUpload()', 'stopUpload()'],
  'sample.none': ['listFiles() is empty.', 'listFiles() 为空。'],
}

/**
 * What to do about a code that `onUploadFailed` gives.
 * @type {Record<string, [english: string, chinese: string]>}
 */
const ADVICE = {
  AccessDenied: ['The storage refuses this credential. Check the permissions of the role that signs uploads.', '存储服务拒绝了此凭证，请检查签发上传凭证的角色权限。'],
  ConnectionTimeoutError: ['No bytes moved for too long. Check the connection, then try again: what was sent is kept.', '长时间没有数据传输。请检查网络后重试，已上传的部分会保留。'],
  CoreNotLoaded: ['A part of the library is missing. Build npm again in the developer tools.', 'SDK 的文件不完整，请在开发者工具中重新构建 npm。'],
  DomainNotAllowed: [
    'WeChat blocks this host. Add it to the domains of the mini program, request and uploadFile.',
    '微信拦截了此域名，请在小程序后台将其加入 request 与 uploadFile 合法域名。',
  ],
  EmptyFile: ['The file has no bytes. Choose another one.', '文件为空，请选择其他文件。'],
  FileUnreadable: ['WeChat has removed its temporary copy of the file. Remove it here and pick it again.', '微信已清除该文件的临时副本，请移除后重新选择。'],
  'Forbidden.RAM': ['VOD refuses this token. Check the permissions of the role that it stands for.', '点播服务拒绝了此凭证，请检查其角色的权限。'],
  GetUploadAuthFailed: ['The app server gave no credential. Check its address in the settings, then try again.', '应用服务器没有返回上传凭证。请检查设置中的地址后重试。'],
  InconsistentChecksum: ['What the storage holds differs from the file. Try again.', '存储的数据与文件不一致，请重试。'],
  InvalidAccessKeyId: ['The service does not know this credential. Check the app server that signs uploads.', '服务端不认识此凭证，请检查签发凭证的应用服务器。'],
  'InvalidParameter.FileName': ['VOD does not take this file name. Give the file an extension, such as .mp4.', '点播服务不接受此文件名，请为文件加上扩展名，例如 .mp4。'],
  NetworkError: ['The service could not be reached. Check the connection, then try again: what was sent is kept.', '无法连接服务。请检查网络后重试，已上传的部分会保留。'],
  NoSuchBucket: ['The bucket of this upload address does not exist. Check the VOD region.', '上传地址中的 Bucket 不存在，请检查点播地域。'],
  RequestTimeTooSkewed: ['The clock of this device is wrong. Correct it, then try again.', '本机时间不准确，请校正后重试。'],
  SignatureDoesNotMatch: ['The service computed another signature. Check the key of the app server.', '服务端计算的签名不同，请检查应用服务器的密钥。'],
  UnexpectedResponse: ['Something else than the storage answered, such as a log-in page. Check the network, then try again.', '应答并非来自存储服务，可能是登录页。请检查网络后重试。'],
  UploadTokenExpired: ['The credential expired and no new one arrived. Try again: what was sent is kept.', '凭证已过期且没有收到新凭证。请重试，已上传的部分会保留。'],
}
/** @type {[string, string]} */
const BUSY = ['The service is busy. Try again in a moment: what was sent is kept.', '服务繁忙，请稍后重试，已上传的部分会保留。']
/** @type {[string, string]} */
const UNKNOWN = ['The upload did not succeed. Try again; if it fails the same way, look at the code below.', '上传未成功。请重试；若再次失败，请查看下方错误码。']

const column = /^zh/i.test(language()) ? 1 : 0

function language() {
  const { language = '' } = wx.getAppBaseInfo ? wx.getAppBaseInfo() : wx.getSystemInfoSync() // the former since 2.20.1
  return language
}

/**
 * @param {string} key
 * @param {Record<string, string | number>} [values] of the `{name}` places
 */
export function text(key, values = {}) {
  const words = WORDS[key] ? WORDS[key][column] : key
  return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''))
}

/**
 * Texts that never change, under names that WXML can write.
 * @param {Record<string, string>} keys
 */
export function texts(keys) {
  /** @type {Record<string, string>} */
  const found = {}
  for (const name of Object.keys(keys)) found[name] = text(keys[name])
  return found
}

/**
 * What a person can do about an error.
 * @param {{ code: string, message: string, hint?: string }} problem
 */
export function advice({ code, message, hint }) {
  // What wx.request says of our own server is only in the message.
  if (/domain list|合法域名/.test(message)) return ADVICE.DomainNotAllowed[column]
  if (ADVICE[code]) return ADVICE[code][column]
  if (/^(InternalError|ServiceUnavailable|QpsLimitExceeded|.*RateLimitExceeded|Throttling.*|HTTP5\d\d)$/.test(code)) return BUSY[column]
  return hint || UNKNOWN[column]
}
