// @ts-check
// The entry for Tencent alone: `import TcVod from 'vodupload/tencent'`.
import { browser } from './host/browser.js'
import { tcVodOn } from './tc_vod.js'

export { UploadError } from './core.js'
export const TcVod = tcVodOn(browser)
export default TcVod
