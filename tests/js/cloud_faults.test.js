// @ts-check
// Tests of the faults, the slow network, CORS and the app server.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { fileURLToPath } from 'node:url'
import { after, before, beforeEach } from 'node:test'
import { startCloud } from '../cloud/index.js'
import { element, send, signedRequest } from '../cloud/signed_request.js'
import { describe, test } from './story.js'

const KEY = 'sv/1/1.mp4'
const SIZE = 300_000

/** @type {import('../cloud/index.js').Cloud} */
let cloud
/** @type {ReturnType<typeof cloud.credentials.issue>} */
let grant
before(async () => { cloud = await startCloud() })
after(() => cloud.close())
beforeEach(() => {
  cloud.faults.clear()
  cloud.faults.network(null)
  cloud.log.length = 0
  grant = cloud.credentials.issue({ key: KEY })
})

const put = (body = Buffer.alloc(SIZE)) => signedRequest(cloud, grant, { method: 'PUT', body })

const initiate = async () => element((await signedRequest(cloud, grant, { method: 'POST', query: { uploads: '' } })).text, 'UploadId')

/**
 * @param {string} uploadId
 * @param {number} number
 */
const putPart = (uploadId, number) => signedRequest(cloud, grant, { method: 'PUT', query: { partNumber: String(number), uploadId }, body: 'part' })

/** @param {() => Promise<unknown>} act */
const timed = async (act) => {
  const start = performance.now()
  await act()
  return performance.now() - start
}

const broken = { code: 'ECONNRESET' }

describe('faults', () => {
  test('cut: the connection breaks in mid-body and nothing is stored', async () => {
    grant = cloud.credentials.issue({ key: 'cut.mp4' })
    cloud.faults.add({ operation: 'PutObject', action: { kind: 'cut', fraction: 0.5 } })
    await assert.rejects(put(), { code: /ECONNRESET|EPIPE/ })
    const [{ bytes, status, fault }] = cloud.log
    assert.ok(bytes >= SIZE / 2 && bytes < SIZE, `${bytes} bytes were read`)
    assert.deepEqual([status, fault, cloud.object('cut.mp4')], [0, 'cut', undefined])
  })

  test('status: an OSS error with Retry-After, after which the connection still works', async () => {
    cloud.faults.add({ action: { kind: 'status', status: 429, retryAfter: 2 }, times: 1 })
    cloud.faults.add({ action: { kind: 'status', status: 403, code: 'AccessDenied', fields: { Endpoint: 'oss-cn-beijing.aliyuncs.com' } }, times: 1 })
    const answer = await put(Buffer.alloc(8 << 20))
    assert.deepEqual([answer.status, answer.code, answer.headers['retry-after']], [429, 'RequestRateLimitExceeded', '2'])
    const denied = await put()
    assert.deepEqual([denied.code, element(denied.text, 'Endpoint')], ['AccessDenied', 'oss-cn-beijing.aliyuncs.com'])
    assert.equal((await put()).status, 200)
  })

  test('stall: for a while, or until the client gives up', async () => {
    cloud.faults.add({ times: 1, action: { kind: 'stall', ms: 150 } })
    assert.ok(await timed(put) >= 145)
    cloud.faults.add({ times: 1, action: { kind: 'stall', ms: 150, fraction: 1 } })
    assert.ok(await timed(put) >= 145)
    cloud.faults.add({ times: 1, action: { kind: 'stall', forever: true, afterBytes: 1000 } })
    const pending = put()
    pending.catch(() => {})
    const winner = await Promise.race([pending, new Promise((resolve) => setTimeout(resolve, 200, 'still waiting'))])
    assert.equal(winner, 'still waiting')
    cloud.faults.network({ down: true })
    await assert.rejects(pending, broken)
  })

  test('expire: this credential dies, a new one lives', async () => {
    cloud.faults.add({ times: 1, action: { kind: 'expire' } })
    for (let i = 0; i < 2; i++) assert.equal((await put()).code, 'SecurityTokenExpired')
    grant = cloud.credentials.issue({ key: KEY })
    assert.equal((await put()).status, 200)
  })

  test('lostReply: the work is done, the answer never comes', async () => {
    grant = cloud.credentials.issue({ key: 'lost.mp4' })
    cloud.faults.add({ action: { kind: 'lostReply' } })
    await assert.rejects(put(), broken)
    assert.equal(cloud.object('lost.mp4')?.size, SIZE)
  })

  test('refuse: the connection is reset at once', async () => {
    cloud.faults.add({ action: { kind: 'refuse' } })
    await assert.rejects(signedRequest(cloud, grant, {}), broken)
  })

  test('html: a captive portal answers, without CORS', async () => {
    cloud.faults.add({ action: { kind: 'html', status: 200 } })
    const { status, text, headers } = await signedRequest(cloud, grant, { unsigned: { origin: 'http://page' } })
    assert.deepEqual([status, headers['content-type'], headers['access-control-allow-origin']], [200, 'text/html', undefined])
    assert.match(text, /sign in/)
  })

  test('errorIn200: a completion fails with status 200 and keeps the upload', async () => {
    const uploadId = await initiate()
    await putPart(uploadId, 1)
    const finish = () => signedRequest(cloud, grant, { method: 'POST', query: { uploadId }, headers: { 'x-oss-complete-all': 'yes' } })
    cloud.faults.add({ operation: 'CompleteMultipartUpload', times: 1, action: { kind: 'errorIn200' } })
    const answer = await finish()
    assert.deepEqual([answer.status, answer.code], [200, 'InternalError'])
    assert.equal(element((await finish()).text, 'Key'), KEY)
  })

  test('skew: this server has another time, and says so', async () => {
    cloud.faults.add({ action: { kind: 'skew', ms: 3_600_000 } })
    const answer = await put()
    assert.equal(answer.code, 'RequestTimeTooSkewed')
    const serverTime = Date.parse(element(answer.text, 'ServerTime'))
    assert.ok(Math.abs(serverTime - Date.now() - 3_600_000) < 5000)
    assert.equal((await signedRequest(cloud, grant, { method: 'PUT', time: serverTime })).status, 200)
  })

  test('matchers: part, after, every, times, perPart', async () => {
    const uploadId = await initiate()
    const statuses = async (/** @type {number[]} */ numbers) => {
      const list = []
      for (const number of numbers) list.push((await putPart(uploadId, number)).status)
      return list
    }
    /** @type {[object, number[], number[]][]} */
    const cases = [
      [{ partNumber: 2 }, [1, 2, 2], [200, 500, 500]],
      [{ partNumber: [1, 3], times: 1 }, [1, 2, 3], [500, 200, 200]],
      [{ after: 2 }, [1, 1, 1, 1], [200, 200, 500, 500]],
      [{ every: 3 }, [1, 1, 1, 1, 1, 1], [200, 200, 500, 200, 200, 500]],
      [{ after: 1, every: 2, times: 1 }, [1, 1, 1, 1, 1], [200, 200, 500, 200, 200]],
      [{ perPart: 1 }, [1, 2, 1, 2], [500, 500, 200, 200]],
      [{ operation: ['PutObject', 'UploadPart'], key: KEY }, [1], [500]],
      [{ operation: 'PutObject' }, [1], [200]],
      [{ key: 'other' }, [1], [200]],
    ]
    for (const [matcher, numbers, expected] of cases) {
      cloud.faults.clear()
      cloud.faults.add({ ...matcher, action: { kind: 'status', status: 500 } })
      assert.deepEqual(await statuses(numbers), expected, JSON.stringify(matcher))
    }
  })

  test('rate: the same seed hits the same requests, at about the rate', () => {
    const play = (/** @type {number} */ seed) => {
      cloud.faults.clear()
      cloud.faults.add({ rate: 0.3, seed, action: { kind: 'refuse' } })
      return Array.from({ length: 1000 }, () => Number(cloud.faults.match({ operation: 'UploadPart', partNumber: 1, uploadId: 'x', key: KEY }) !== null))
    }
    assert.deepEqual(play(7), play(7))
    assert.notDeepEqual(play(7), play(8))
    const sum = play(7).reduce((a, b) => a + b)
    assert.ok(sum > 250 && sum < 350, `${sum} of 1000`)
  })

  test('a fault with a misspelt name is refused', () => {
    const add = (/** @type {any} */ fault) => () => cloud.faults.add(fault)
    assert.throws(add({ operations: 'PutObject', action: { kind: 'cut' } }), /no "operations"/)
    assert.throws(add({ kind: 'cut' }), /no "kind"/)
    assert.throws(add({ action: { kind: 'explode' } }), /explode/)
    assert.throws(add({ action: { kind: 'cut', ms: 1 } }), /no "ms"/)
    assert.throws(add({ action: { kind: 'stall' } }), /needs ms/)
  })
})

describe('the network', () => {
  test('bytesPerSecond is shared by all connections', async () => {
    cloud.faults.network({ bytesPerSecond: 1_000_000 })
    const duration = await timed(() => Promise.all([put(), put()]))
    assert.ok(duration > 500, `600 KB took ${duration} ms`)
  })

  test('a refusal on a slow network does not block the connection for the next request', async () => {
    cloud.faults.network({ bytesPerSecond: 20_000_000 })
    cloud.faults.add({ times: 1, action: { kind: 'status', status: 403, code: 'AccessDenied' } })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const signal = AbortSignal.timeout(20_000)
    /** @param {Buffer} body */
    const put = (body) => signedRequest(cloud, grant, { method: 'PUT', body, agent, signal })
    assert.equal((await put(Buffer.alloc(4 << 20))).status, 403)
    assert.equal((await put(Buffer.alloc(1000))).status, 200)
    agent.destroy()
  })

  test('latency comes before every answer', async () => {
    cloud.faults.network({ latency: 120 })
    assert.ok(await timed(put) >= 115)
  })

  test('down: running requests break, new ones too, until it is up again', async () => {
    cloud.faults.network({ bytesPerSecond: 10_000 })
    const running = put()
    running.catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 50))
    cloud.faults.network({ down: true })
    await assert.rejects(running, broken)
    await assert.rejects(put(), { code: /ECONNRESET|EPIPE/ })
    cloud.faults.network(null)
    assert.equal((await put()).status, 200)
  })
})

describe('CORS', () => {
  const preflight = (/** @type {string} */ url, method = 'PUT', names = 'authorization,x-oss-date') => send(`${url}/${KEY}?partNumber=1&uploadId=x`, 'OPTIONS', {
    origin: 'http://page.example', 'access-control-request-method': method, 'access-control-request-headers': names,
  })

  test('a preflight is answered by the rule and logged', async () => {
    const { status, headers } = await preflight(cloud.oss)
    assert.equal(status, 200)
    assert.equal(headers['access-control-allow-origin'], '*')
    assert.equal(headers['access-control-allow-headers'], 'authorization,x-oss-date')
    assert.equal(headers['access-control-max-age'], '600')
    assert.deepEqual([cloud.log[0].operation, cloud.log[0].partNumber], ['preflight', 1])
    assert.equal((await preflight(cloud.oss, 'PATCH')).code, 'AccessForbidden')
  })

  test('errors can be read by the page too', async () => {
    const { status, headers } = await send(`${cloud.oss}/${KEY}`, 'PUT', { origin: 'http://page.example' }, 'x')
    assert.deepEqual([status, headers['access-control-allow-origin']], [403, '*'])
    assert.match(String(headers['access-control-expose-headers']), /ETag/)
  })

  test('a narrow rule, hidden headers, no rule', async () => {
    const narrow = await startCloud({ cors: { origins: ['http://*.example'], headers: ['x-oss-*', 'authorization'], expose: [] } })
    const one = narrow.credentials.issue({ key: KEY })
    const { headers } = await signedRequest(narrow, one, { method: 'PUT', unsigned: { origin: 'http://page.example' } })
    assert.deepEqual([headers['access-control-allow-origin'], headers['access-control-expose-headers'], headers.vary], ['http://page.example', undefined, 'Origin'])
    const other = await signedRequest(narrow, one, { method: 'PUT', unsigned: { origin: 'http://page.test' } })
    assert.equal(other.headers['access-control-allow-origin'], undefined)
    assert.equal((await preflight(narrow.oss)).status, 200)
    assert.equal((await preflight(narrow.oss, 'PUT', 'authorization,content-type')).code, 'AccessForbidden')
    await narrow.close()
    const none = await startCloud({ cors: null, appPort: null })
    assert.deepEqual([(await preflight(none.oss)).code, none.app], ['AccessForbidden', null])
    await none.close()
  })
})

describe('the app server', () => {
  /**
   * @param {string} path
   * @param {{ method?: string, body?: unknown }} [options]
   */
  const call = async (path, { method, body } = {}) => {
    const response = await fetch(cloud.app + path, { method: method ?? (body ? 'POST' : 'GET'), body: body ? JSON.stringify(body) : undefined })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text && JSON.parse(text) }
  }
  const decode = (/** @type {string} */ text) => JSON.parse(Buffer.from(text, 'base64').toString())

  test('a video from creation to removal', async () => {
    const { body: created } = await call('/api/videos', { body: { title: 'T', fileName: '片.mov', fileSize: 4 } })
    assert.deepEqual(Object.keys(created).sort(), ['requestId', 'uploadAddress', 'uploadAuth', 'videoId'])
    const { FileName } = decode(created.uploadAddress)
    assert.equal(FileName, `sv/${created.videoId}/${created.videoId}.mov`)
    const { body: refreshed } = await call(`/api/videos/${created.videoId}/refresh`, { method: 'POST' })
    assert.equal(refreshed.uploadAddress, created.uploadAddress)
    assert.notEqual(refreshed.uploadAuth, created.uploadAuth)

    assert.equal((await call(`/api/videos/${created.videoId}`)).body.state, 'uploading')
    const { AccessKeyId: accessKeyId, AccessKeySecret: accessKeySecret, SecurityToken: securityToken } = decode(refreshed.uploadAuth)
    grant = { ...grant, accessKeyId, accessKeySecret, securityToken, key: FileName }
    await put(Buffer.from('film'))
    const { body: video } = await call(`/api/videos/${created.videoId}`)
    const sha256 = createHash('sha256').update('film').digest('hex')
    assert.deepEqual([video.state, video.size, video.title, video.sha256], ['stored', 4, 'T', sha256])
    assert.equal(await (await fetch(video.url)).text(), 'film')
    assert.equal((await fetch(video.url.replace('Expires=1', 'Expires=2'))).status, 403)
    assert.ok((await call('/api/videos')).body.some((/** @type {any} */ one) => one.videoId === created.videoId))

    assert.equal((await call(`/api/videos/${created.videoId}`, { method: 'DELETE' })).status, 204)
    const gone = await call(`/api/videos/${created.videoId}/refresh`, { method: 'POST' })
    assert.deepEqual([gone.status, gone.body.code], [404, 'InvalidVideo.NotFound'])
    assert.equal(cloud.object(FileName), undefined)
  })

  test('bad requests are told what is wrong, and pages of any origin may ask', async () => {
    assert.equal((await call('/api/videos', { body: { title: 'T' } })).body.code, 'MissingParameter')
    assert.equal((await call('/api/videos', { body: { fileName: 'none' } })).body.code, 'InvalidParameter.FileName')
    assert.equal((await call('/api/other')).status, 404)
    const { status, headers } = await call('/api/videos', { method: 'OPTIONS' })
    assert.deepEqual([status, headers.get('access-control-allow-origin')], [204, '*'])
  })

  test('keyStyle name puts the file name into the key', async () => {
    const named = await startCloud({ keyStyle: 'name' })
    const created = await (await fetch(`${named.app}/api/videos`, { method: 'POST', body: JSON.stringify({ fileName: '我的 1+1.mp4' }) })).json()
    assert.equal(decode(created.uploadAddress).FileName, `sv/${created.videoId}/我的 1+1.mp4`)
    await named.close()
  })

  test('/control sets faults and network and tells the log', async () => {
    const { body: { id } } = await call('/control/faults', { body: { times: 1, action: { kind: 'status', status: 503 } } })
    assert.equal((await put()).status, 503)
    const { body: [listed] } = await call('/control/faults')
    assert.deepEqual([listed.id, listed.hits, listed.action.status], [id, 1, 503])
    assert.equal((await call(`/control/faults/${id}`, { method: 'DELETE' })).status, 204)
    assert.deepEqual((await call('/control/faults')).body, [])
    assert.equal((await call('/control/faults', { body: { kind: 'cut' } })).status, 400)
    await call('/control/network', { body: { latency: 5 } })
    assert.equal(cloud.faults.network().latency, 5)
    assert.equal((await call('/control/log')).body[0].code, 'ServiceUnavailable')
    await call('/control/expire', { method: 'POST' })
    assert.equal((await put()).code, 'SecurityTokenExpired')
  })
})

describe('the command', () => {
  const cli = fileURLToPath(new URL('../cloud/cli.js', import.meta.url))

  test('prints where it listens, serves, and stops on SIGTERM', async () => {
    const child = spawn(process.execPath, [cli, '--oss-port', '0', '--app-port', '0', '--vod-port', '0'])
    let output = ''
    for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      output += chunk
      if (output.includes('/control/faults')) break
    }
    const app = /App server\s+(\S+)/.exec(output)?.[1]
    assert.equal((await fetch(`${app}/api/videos`)).status, 200)
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })

  test('--help explains, an unknown option fails', async () => {
    assert.deepEqual(await once(spawn(process.execPath, [cli, '--help']), 'exit'), [0, null])
    assert.deepEqual(await once(spawn(process.execPath, [cli, '--nonsense']), 'exit'), [2, null])
  })
})
