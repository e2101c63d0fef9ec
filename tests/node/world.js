// @ts-check
// The built server entry against the local cloud, whose ports stand for the vendor's hosts.

import { createCipheriv, createHash } from 'node:crypto'
import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import https from 'node:https'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { startCloud } from '../cloud/index.js'

export const KiB = 1 << 10
export const MiB = 1 << 20
export const REGION = 'ap-guangzhou'

/** As Tencent's samples load it. @type {typeof import('../../js/node.cjs')} */
export const vodupload = createRequire(import.meta.url)('../../dist/node.cjs')

export const folder = mkdtempSync(join(tmpdir(), 'vodupload-node-'))
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))

/**
 * Connections to the vendor's hosts, which end at this machine: what is sent is as it would be, without TLS.
 * @param {{ api: number, cos: number }} ports
 */
export function agentTo({ api, cos }) {
  const agent = new https.Agent({ keepAlive: true })
  return Object.assign(agent, {
    createConnection: (/** @type {{ host: string }} */ { host }) => {
      if (host === 'vod.tencentcloudapi.com') return connect(api, '127.0.0.1')
      if (/^[\w-]+\.cos\.[\w-]+\.myqcloud\.com$/.test(host)) return connect(cos, '127.0.0.1')
      throw new Error(`nothing is to be sent to ${host}`)
    },
  })
}

/** @param {import('node:test').TestContext} t @param {import('../cloud/index.js').CloudOptions} [options] */
export async function openWorld(t, options = {}) {
  const cloud = await startCloud({ appPort: null, vodPort: null, tencent: true, ...options })
  const { tencent } = cloud
  if (!tencent) throw new Error('the cloud has no part of Tencent')
  const ports = { api: Number(new URL(cloud.vodApi ?? '').port), cos: Number(new URL(cloud.cos ?? '').port) }
  const agent = agentTo(ports)
  const checkpointFolder = mkdtempSync(join(folder, 'records-'))
  t.after(async () => {
    agent.destroy()
    await cloud.close()
  })
  const { secretId, secretKey } = tencent.account
  return {
    cloud, ports, agent, checkpointFolder, secretId, secretKey,
    client: new vodupload.VodUploadClient(secretId, secretKey, { agent, checkpointFolder, retryDelay: 50 }),
    requests: () => cloud.log.map(({ operation, status }) => `${operation} ${status}`),
  }
}

/**
 * A file whose bytes never repeat, the same for the same name.
 * @param {string} name @param {number} size bytes
 */
export async function makeFile(name, size) {
  const path = join(mkdtempSync(join(folder, 'file-')), name)
  const cipher = createCipheriv('aes-128-ctr', createHash('md5').update(name).digest(), Buffer.alloc(16))
  const zeros = Buffer.alloc(Math.min(size, MiB))
  const file = await open(path, 'w')
  for (let left = size; left > 0; left -= zeros.length) await file.write(cipher.update(zeros.subarray(0, left)))
  await file.close()
  return path
}

/** @param {string | null | undefined} path */
export async function sha256(path) {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path ?? '')) hash.update(chunk)
  return hash.digest('hex')
}
