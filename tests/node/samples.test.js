// @ts-check
// The samples of document 004 for Node.js, as printed but for the paths of the files.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { KiB, makeFile, openWorld, sha256, vodupload } from './world.js'

const SAMPLES = readFileSync(new URL('fixtures/document_004.txt', import.meta.url), 'utf8').split(/^=== /m).slice(1)

/** @type {Record<string, (media: import('../cloud/tencent/sessions.js').Media) => unknown>} */
const SHOWS = {
  'simple upload': ({ name, type, told }) => ({ name, type, told }),
  cover: ({ coverKey }) => ({ coverKey: /\.png$/.test(coverKey ?? '') }),
  procedure: ({ procedure }) => ({ procedure }),
  'sub-application': ({ told }) => ({ told }),
}
const SHOWN = {
  'simple upload': { name: 'Wildlife', type: 'mp4', told: {} },
  cover: { coverKey: true },
  procedure: { procedure: 'QCVB_SimpleProcessFile(1, 1)' },
  'sub-application': { told: { subAppId: '101' } },
}

for (const sample of SAMPLES) {
  const [title, ...lines] = sample.split('\n')
  test(`document 004, ${title}: as printed`, async (t) => {
    const { cloud, agent, checkpointFolder } = await openWorld(t, { tencent: { accounts: [{ secretId: 'your secretId', secretKey: 'your secretKey' }] } })
    const files = { media: await makeFile('Wildlife.mp4', 300 * KiB), cover: await makeFile('Wildlife-cover.png', 9 * KiB) }
    const code = lines.join('\n').replaceAll('/data/file/Wildlife.mp4', files.media).replaceAll('/data/file/Wildlife-cover.png', files.cover)
    // A sample names no agent and no folder: it gets those of the process.
    const { globalAgent } = https
    const { XDG_CACHE_HOME } = process.env
    https.globalAgent = agent
    process.env.XDG_CACHE_HOME = checkpointFolder
    t.after(() => {
      https.globalAgent = globalAgent
      if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME
      else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME
    })
    /** @type {string[]} */
    const printed = []
    const ended = new Promise((resolve) => {
      const console = { log: (/** @type {any} */ value) => { if (printed.push(value) === (title === 'cover' ? 3 : 2) || value instanceof Error) resolve(value) } }
      const require = (/** @type {string} */ name) => {
        assert.equal(name, 'vod-node-sdk')
        return vodupload
      }
      runInNewContext(code, { console, require })
    })
    const last = await ended
    assert.ok(!(last instanceof Error), String(last))
    const [media] = cloud.medias()
    assert.equal(printed[0], media.fileId)
    assert.match(printed[1], /^http/)
    if (title === 'cover') assert.match(printed[2], /^http/)
    assert.equal(await sha256(cloud.object(media.key)?.path), await sha256(files.media))
    if (media.coverKey) assert.equal(await sha256(cloud.object(media.coverKey)?.path), await sha256(files.cover))
    const name = /** @type {keyof typeof SHOWN} */ (title)
    assert.deepEqual(SHOWS[name](media), SHOWN[name])
  })
}
