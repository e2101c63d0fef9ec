#!/usr/bin/env node
// @ts-check
// The command vodupload-cloud: the local cloud in a terminal, until Ctrl-C.

import { parseArgs } from 'node:util'
import { startCloud } from './index.js'
import { hasCosClient } from './tencent/vendors.js'

const HELP = `vodupload-cloud - Aliyun VOD and OSS, Tencent VOD and COS on this machine, for developing uploads offline

  vodupload-cloud [options]

  --oss-port N         OSS endpoint (default 9000; 0: any free port)
  --app-port N         app server (default 9001; 0: any free port)
  --vod-port N         VOD's RPC endpoint (default 9002; 0: any free port)
  --tencent-port N     Tencent's COS at N, UGC interface at N+1, its backup at N+2, server API at N+3
                       (default 9003, with --oss-port 0: any free ports)
  --dir D              keep objects and unfinished uploads in D and go on with them next time
                       (default: a temporary directory, removed at the end)
  --bucket NAME        (default outin-local)
  --region ID          (default cn-shanghai)
  --credential-life S  seconds (default 3000)
  --key-style STYLE    id, or name: the file's own name in the object key (default id)
  --hide-etag          the bucket's CORS rule exposes no headers
  --no-cors            the bucket has no CORS rule
  --integrity LEVEL    full: MD5 and CRC-64, etag: MD5, off: neither,
                       zeros: CRC-64 as if all bytes were zero (default full)
  --no-keep            do not write bytes to disk
  --clock-skew S       this cloud's clock is S seconds ahead
  --quiet              do not print requests
  --help

Needs the vendors' packages that check signatures: npm install --save-dev ali-oss@6 @alicloud/pop-core@1
(pop-core for the RPC endpoint only); for Tencent's endpoints cos-nodejs-sdk-v5@3, for the server API
among them tencentcloud-sdk-nodejs-common@4
`

/** @param {string} message */
const fail = (message) => {
  console.error(`vodupload-cloud: ${message}\nSee vodupload-cloud --help.`)
  process.exit(2)
}

const readArguments = () => {
  const text = /** @type {const} */ ({ type: 'string' })
  const flag = /** @type {const} */ ({ type: 'boolean' })
  try {
    return parseArgs({
      options: {
        'oss-port': text, 'app-port': text, 'vod-port': text, 'tencent-port': text, dir: text, bucket: text, region: text, 'credential-life': text, 'key-style': text,
        'hide-etag': flag, 'no-cors': flag, integrity: text, 'no-keep': flag, 'clock-skew': text, quiet: flag, help: flag,
      },
    }).values
  } catch (error) {
    return fail(/** @type {Error} */ (error).message)
  }
}

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} fallback
 */
const number = (name, text, fallback) => {
  const value = Number(text ?? fallback)
  return Number.isFinite(value) ? value : fail(`--${name} needs a number, not ${text}`)
}

const values = readArguments()
if (values.help) {
  console.log(HELP)
  process.exit(0)
}

const ossPort = number('oss-port', values['oss-port'], 9000)
const tencentPort = number('tencent-port', values['tencent-port'], ossPort === 0 ? 0 : 9003)
const [cosPort, ugcPort, ugcBackupPort, vodApiPort] = [0, 1, 2, 3].map((n) => tencentPort && tencentPort + n)

const cloud = await startCloud({
  root: values.dir,
  ossPort,
  appPort: number('app-port', values['app-port'], 9001),
  vodPort: number('vod-port', values['vod-port'], 9002),
  bucket: values.bucket,
  region: values.region,
  credentialLife: number('credential-life', values['credential-life'], 3000),
  keyStyle: /** @type {any} */ (values['key-style']),
  integrity: /** @type {any} */ (values.integrity),
  keep: !values['no-keep'],
  clockSkew: number('clock-skew', values['clock-skew'], 0) * 1000,
  cors: values['no-cors'] ? null : values['hide-etag'] ? { expose: [] } : {},
  ...hasCosClient() && { tencent: { cosPort, ugcPort, ugcBackupPort, vodApiPort, cors: values['no-cors'] ? null : values['hide-etag'] ? { expose: [] } : {} } },
  onRequest: values.quiet ? undefined : (entry) => {
    const part = entry.partNumber === null ? '' : ` part ${entry.partNumber}`
    const fault = entry.fault && ` [fault: ${entry.fault}]`
    console.log(`${new Date(entry.time).toISOString().slice(11, 23)} ${entry.status || '---'} ${entry.operation}${part} ${entry.key} ${entry.bytes} B ${entry.code}${fault}`)
  },
}).catch((error) => fail(error.message))

console.log(`OSS endpoint  ${cloud.oss}   bucket ${cloud.bucket}, region ${cloud.region}
App server    ${cloud.app}
RPC endpoint  ${cloud.vod}
${cloud.tencent ? `COS           ${cloud.tencent.cosTemplate}   bucket ${cloud.tencent.bucket}, regions ${cloud.tencent.regions.join(', ')}
UGC           ${cloud.ugc}   backup ${cloud.ugcBackup}; signatures: ${cloud.app}/api/tencent/signature
Server API    ${cloud.vodApi}` : 'Tencent       not here: cos-nodejs-sdk-v5 is not installed'}
Objects in    ${cloud.root}

Get an upload address and credential:
  curl -s ${cloud.app}/api/videos -d '{"title":"Demo","fileName":"demo.mp4"}'
In a page:
  const { videoId, uploadAuth, uploadAddress } = await (await fetch('${cloud.app}/api/videos',
    { method: 'POST', body: JSON.stringify({ title: 'Demo', fileName: file.name, fileSize: file.size }) })).json()
  uploader.setUploadAuthAndAddress(uploadInfo, uploadAuth, uploadAddress, videoId)
Slow the network down, then drop every tenth part:
  curl -s ${cloud.app}/control/network -d '{"bytesPerSecond":500000,"latency":200}'
  curl -s ${cloud.app}/control/faults -d '{"operation":"UploadPart","every":10,"action":{"kind":"cut"}}'
`)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void cloud.close().then(() => process.exit(0)))
