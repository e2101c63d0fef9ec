// @ts-check
// The addresses. These are the local cloud's, `npx vodupload-cloud`; a phone needs your computer's, or your own server's.

/** Your application's server: it creates videos and hands out credentials. The page can change it, for this device. */
export const server = 'http://127.0.0.1:9001'

/** Where VOD lives. */
export const region = 'cn-shanghai'

/** With an STS token the library asks VOD itself. Empty: VOD's own address of the region, https://vod.<region>.aliyuncs.com. */
export const vodEndpoint = 'http://127.0.0.1:9002'

/** Tencent VOD. Empty: its own address, https://vod2.qcloud.com. */
export const ugcEndpoint = 'http://127.0.0.1:9004'
