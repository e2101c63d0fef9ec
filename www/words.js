// @ts-check
// Every text of the page in its two languages, and the advice for each error code.
// Names of the SDK's API and codes of the cloud are never translated.

const STORED = 'vodupload-demo-language' // must not begin with "upload_": those keys belong to the SDK

/** @type {Record<string, [english: string, chinese: string]>} */
const WORDS = {
  tagline: ['Resumable uploads to Aliyun VOD, shown against a local cloud on this computer', '向阿里云视频点播断点续传，连接本机上的本地云'],
  'tagline.tencent': ['Resumable uploads to Tencent VOD, shown against a local cloud on this computer', '向腾讯云点播断点续传，连接本机上的本地云'],
  clouds: ['Cloud', '云'],
  'cloud.aliyun': ['Aliyun', '阿里云'],
  'cloud.tencent': ['Tencent', '腾讯云'],
  'language.other': ['中文', 'English'],
  panel: ['Network, throughput and callbacks', '网络、吞吐量与回调'],

  'problem.sdk': ['The SDK could not be loaded. Build it with “npm run build”, then reload this page.', 'SDK 加载失败。请先运行 npm run build，然后刷新页面。'],
  'problem.config': ['The demo server does not answer. Start it with “npm start”, then reload this page.', '演示服务没有响应。请运行 npm start，然后刷新页面。'],
  'problem.control': ['The local cloud did not take the change. Is the server still running?', '本地云没有接受这项更改，服务是否仍在运行？'],

  'unfinished.one': ['1 unfinished upload', '有 1 个未完成的上传'],
  'unfinished.many': ['{count} unfinished uploads', '有 {count} 个未完成的上传'],
  'unfinished.advice': ['Drop the same file again to continue where it stopped.', '再次拖入同一个文件，即可从中断处继续。'],
  'unfinished.at': ['{percent} sent', '已上传 {percent}'],
  'unfinished.forget': ['Forget', '忽略'],
  'unfinished.forget.label': ['Forget {name}', '忽略 {name}'],

  'drop.title': ['Drop videos, audio or images here', '将视频、音频或图片拖到这里'],
  'drop.detail': ['One or many, any size. Nothing leaves this computer.', '一个或多个，大小不限。文件不会离开本机。'],
  'drop.choose': ['Choose files', '选择文件'],
  'drop.duplicate': ['{name} is already in the queue', '{name} 已在队列中'],
  'drop.added': ['{count} added', '已添加 {count} 个文件'],

  'tencent.title': ['A video, audio or image, with a cover', '视频、音频或图片，可带封面'],
  'tencent.detail': ['Any size. Nothing leaves this computer. The same files go on where they stopped, also after a reload.', '大小不限，文件不会离开本机。再次选择同样的文件，可从中断处继续，刷新页面后也一样。'],
  'tencent.media': ['Media', '媒体'],
  'tencent.cover': ['Cover, if any', '封面（可选）'],
  'tencent.cover.stored': ['Cover', '封面'],
  'tencent.cover.progress': ['Progress of the cover', '封面的上传进度'],
  'tencent.upload': ['Upload', '上传'],
  'tencent.fileId': ['File id', '文件 ID'],
  'tencent.check.cover': ['Local cloud, cover', '本地云中的封面'],

  settings: ['Choices for the next uploads', '后续上传的设置'],
  'way.title': ['Authorisation', '授权方式'],
  'way.address': ['Upload address and credential', '上传地址和凭证'],
  'way.sts': ['STS token', 'STS 凭证'],
  'way.address.detail': ['The app server asks VOD and passes on its answer. For files started from now on.', '由应用服务器请求点播服务并转交结果。对此后开始的文件生效。'],
  'way.sts.detail': ['The app server gives a token, the SDK asks VOD. For files started from now on.', '应用服务器只提供临时凭证，由 SDK 请求点播服务。对此后开始的文件生效。'],
  'atonce.title': ['Files at once', '同时上传的文件数'],
  'atonce.locked': ['Once all files are done', '全部完成后可更改'],

  'queue.title': ['Queue', '队列'],
  'queue.one': ['1 file', '1 个文件'],
  'queue.many': ['{count} files', '{count} 个文件'],
  'queue.progress': ['Progress of the whole queue', '整个队列的进度'],
  'queue.done': ['{done} of {count} done', '已完成 {done} / {count}'],
  'queue.start': ['Start all', '全部开始'],
  'queue.stop': ['Stop all', '全部停止'],
  'queue.clear': ['Clear finished', '清除已完成'],

  'state.Ready': ['Waiting', '等待中'],
  'state.Uploading': ['Uploading', '上传中'],
  'state.Success': ['Done', '已完成'],
  'state.Failure': ['Failed', '失败'],
  'state.Canceled': ['Canceled', '已取消'],
  'state.Stoped': ['Stopped', '已停止'],

  'file.progress': ['Progress of {name}', '{name} 的上传进度'],
  'file.of': ['{loaded} of {total}', '{loaded} / {total}'],
  'file.left': ['{time} left', '剩余 {time}'],
  'file.took': ['took {time}', '用时 {time}'],
  'note.credential': ['Asking the app server for a credential', '正在向应用服务器申请上传凭证'],
  'note.vod': ['Asking VOD for the upload address', '正在向点播服务申请上传地址'],
  'note.renewing': ['The credential expired; asking for a new one', '凭证已过期，正在申请新凭证'],
  'note.resumed': ['Resumed at {percent}', '从 {percent} 处继续'],
  'note.stalled': ['No bytes for {time}. The SDK keeps trying.', '已有 {time} 没有数据传输，SDK 仍在重试。'],
  'note.retry': ['Will be tried again when the other files are done.', '其他文件完成后将自动重试。'],
  'note.kept': ['What was sent is kept: resume continues from here.', '已上传的部分会保留，可从此处继续。'],

  'act.start': ['Start', '开始'],
  'act.resume': ['Resume', '继续'],
  'act.retry': ['Try again', '重试'],
  'act.again': ['Upload again', '重新上传'],
  'act.stop': ['Stop', '停止'],
  'act.cancel': ['Cancel', '取消'],
  'act.remove': ['Remove', '移除'],
  'act.label': ['{act}: {name}', '{act}：{name}'],

  'result.video': ['Video id', '视频 ID'],
  'result.imageId': ['Image id', '图片 ID'],
  'result.image': ['Image', '图片'],
  'result.open': ['Open what is stored', '打开已存储的图片'],
  'result.verified': ['Integrity', '完整性'],
  'verified.yes': ['Compared with the file', '已与文件比对'],
  'verified.no': ['Not all compared with the file', '未与文件全部比对'],
  'error.request': ['Request id {id}', '请求 ID {id}'],
  'result.object': ['Object key', '对象键'],
  'result.check': ['Local cloud', '本地云'],
  'check.running': ['Comparing', '正在比对'],
  'check.same': ['Identical in the local cloud: size and {hash}', '与本地云 中一致：大小与 {hash}'],
  'check.size': ['Same size in the local cloud. Content not compared above {limit}.', '与本地云 中大小一致。超过 {limit} 不比对内容。'],
  'check.nohash': ['Same size in the local cloud, which gave no hash to compare.', '与本地云 中大小一致，但它没有给出可比对的哈希值。'],
  'check.different': ['Different in the local cloud: {detail}', '与本地云 中不一致：{detail}'],
  'check.missing': ['Not in the local cloud', '本地云 中没有该对象'],
  'check.failed': ['Could not be compared: {detail}', '无法比对：{detail}'],

  'network.title': ['Network', '网络'],
  'network.normal': ['Normal', '正常'],
  'network.slow': ['Slow', '慢速'],
  'network.flaky': ['Flaky', '不稳定'],
  'network.offline': ['Offline', '断网'],
  'network.normal.detail': ['As fast as this computer.', '以本机的最高速度传输。'],
  'network.slow.detail': ['2 MB/s, shared by all requests.', '所有请求共享 2 MB/s。'],
  'network.flaky.detail': ['5% of requests are cut, 5% answer 503.', '5% 的请求被中断，5% 返回 503。'],
  'network.offline.detail': ['The local cloud drops every connection. The SDK tries again for a while; what was sent is kept.', '本地云断开所有连接。SDK 会重试一段时间，已上传的部分会保留。'],
  'network.expire': ['Expire credential', '使凭证过期'],

  'chart.title': ['Throughput', '吞吐量'],
  'chart.now': ['now {now} · peak {peak}', '当前 {now} · 峰值 {peak}'],
  'chart.idle': ['last 60 s', '最近 60 秒'],
  'chart.old': ['60 s ago', '60 秒前'],
  'chart.new': ['now', '现在'],
  'chart.label': ['Throughput of the last 60 seconds: now {now}, peak {peak}', '最近 60 秒的吞吐量：当前 {now}，峰值 {peak}'],

  'log.title': ['Callbacks', '回调'],
  'log.copy': ['Copy', '复制'],
  'log.copied': ['Copied', '已复制'],
  'log.nocopy': ['Not allowed', '无法复制'],
  'log.clear': ['Clear', '清空'],
  'log.empty': ['Every callback of the SDK and every answer to it is listed here.', 'SDK 的每个回调及页面的应答都会列在这里。'],
}

/**
 * What to do about a code that `onUploadFailed` gives, or that the page itself gives.
 * @type {Record<string, [english: string, chinese: string]>}
 */
const ADVICE = {
  AccessDenied: ['The storage refuses this credential. Check the permissions of the role that signs uploads.', '存储服务拒绝了此凭证，请检查签发上传凭证的角色权限。'],
  ConnectionTimeoutError: ['No bytes moved for too long. Check the connection, then try again: what was sent is kept.', '长时间没有数据传输。请检查网络后重试，已上传的部分会保留。'],
  CredentialUnavailable: ['The app server did not give a credential. Try again: what was sent is kept.', '应用服务器没有返回上传凭证。请重试，已上传的部分会保留。'],
  EmptyFile: ['The file has no bytes. Choose another one.', '文件为空，请选择其他文件。'],
  FileUnreadable: ['The file was changed, moved or deleted. Remove it here and add it again.', '文件已被修改、移动或删除，请移除后重新添加。'],
  'Forbidden.RAM': ['VOD refuses this token. Check the permissions of the role that it stands for.', '点播服务拒绝了此凭证，请检查其角色的权限。'],
  InconsistentChecksum: ['What the storage holds differs from the file. Try again.', '存储的数据与文件不一致，请重试。'],
  InvalidAccessKeyId: ['The service does not know this credential. Check the app server that signs uploads.', '服务端不认识此凭证，请检查签发凭证的应用服务器。'],
  InvalidParamData: ['The parameters given with the file are not valid JSON.', '随文件传入的参数不是合法的 JSON。'],
  'InvalidParameter.FileName': ['VOD does not take this file name. Give the file an extension, such as .mp4.', '点播服务不接受此文件名，请为文件加上扩展名，例如 .mp4。'],
  NetworkError: ['The service could not be reached. Check the connection, then try again: what was sent is kept.', '无法连接服务。请检查网络后重试，已上传的部分会保留。'],
  NoSuchBucket: ['The bucket of this upload address does not exist. Check the VOD region.', '上传地址中的 Bucket 不存在，请检查点播地域。'],
  RequestTimeTooSkewed: ['The clock of this device is wrong. Correct it, then try again.', '本机时间不准确，请校正后重试。'],
  SignatureDoesNotMatch: ['The service computed another signature. Check the key of the app server.', '服务端计算的签名不同，请检查应用服务器的密钥。'],
  UnexpectedResponse: ['Something else than the storage answered, such as a log-in page. Check the network, then try again.', '应答并非来自存储服务，可能是登录页。请检查网络后重试。'],
  UploadTokenExpired: ['The credential expired and no new one arrived. Try again: what was sent is kept.', '凭证已过期且没有收到新凭证。请重试，已上传的部分会保留。'],
}
const BUSY = /** @type {[string, string]} */ (['The service is busy. Try again in a moment: what was sent is kept.', '服务繁忙，请稍后重试，已上传的部分会保留。'])
const UNKNOWN = /** @type {[string, string]} */ (['The upload did not succeed. Try again; if it fails the same way, look at the code below.', '上传未成功。请重试；若再次失败，请查看下方错误码。'])

let column = /** @type {0 | 1} */ (chinesePreferred() ? 1 : 0)

function chinesePreferred() {
  const stored = localStorage.getItem(STORED)
  return (stored ?? navigator.language).toLowerCase().startsWith('zh')
}

/**
 * A text of the page, with `{name}` places filled.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function text(key, values = {}) {
  const words = WORDS[key]?.[column] ?? key
  return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''))
}

/**
 * What a person can do about an error code.
 * @param {string} code
 */
export function advice(code) {
  const busy = /^(InternalError|ServiceUnavailable|QpsLimitExceeded|.*RateLimitExceeded|Throttling.*|HTTP5\d\d)$/.test(code)
  return (ADVICE[code] ?? (busy ? BUSY : UNKNOWN))[column]
}

/** Goes to the other language. */
export function switchLanguage() {
  column = column === 0 ? 1 : 0
  localStorage.setItem(STORED, column === 0 ? 'en' : 'zh-CN')
}

/**
 * Fills `data-text` (content) and `data-label` (accessible name) below a node.
 * @param {ParentNode} root
 */
export function fill(root) {
  document.documentElement.lang = column === 0 ? 'en' : 'zh-CN'
  for (const node of root.querySelectorAll('[data-text]')) node.textContent = text(node.getAttribute('data-text') ?? '')
  for (const node of root.querySelectorAll('[data-label]')) node.setAttribute('aria-label', text(node.getAttribute('data-label') ?? ''))
}
