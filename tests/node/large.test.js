// @ts-check
// 1 GiB with its cover, by a process that is killed and one that goes on: in the memory of the parts' buffers.

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { KiB, MiB, makeFile, openWorld, sha256 } from './world.js'

const CHILD = fileURLToPath(new URL('large_child.js', import.meta.url))
const SIZE = 1024 * MiB
/** Six requests with a few buffers each, the parts that are compared, and what an allocator keeps. */
const LIMIT = 64 * MiB

test('1 GiB with a cover takes constant memory, is killed and goes on', async (t) => {
  const { cloud, ports, secretId, secretKey, checkpointFolder } = await openWorld(t)
  const [warmUp, media, cover] = [await makeFile('warm-up.mp4', 20 * MiB), await makeFile('large.mp4', SIZE), await makeFile('large.jpg', 300 * KiB)]
  /** @param {(child: import('node:child_process').ChildProcess, told: any) => void} hear */
  const run = async (hear) => {
    // Freed buffers go back to the system at once, so that the process's size tells what is in use (glibc).
    const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' }
    const child = fork(CHILD, { execArgv: ['--expose-gc'], env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    t.after(() => child.kill('SIGKILL'))
    child.on('message', (told) => hear(child, told))
    child.send({ ports, secretId, secretKey, checkpointFolder, warmUp, media, cover })
    await once(child, 'exit')
    return child.signalCode
  }

  const signal = await run((child, told) => {
    if (told.of === 'media' && told.loaded > 0.4 * SIZE) child.kill('SIGKILL')
    assert.ok(!told.response, 'it was to be killed')
  })
  assert.equal(signal, 'SIGKILL')
  const [{ parts }] = cloud.uploads()
  const stored = parts.reduce((sum, { size }) => sum + size, 0)
  assert.ok(stored > 0.3 * SIZE, `${stored} bytes are stored`)
  cloud.log.length = 0

  /** @type {any} */
  let report
  let first = -1
  await run((_, told) => {
    if (told.response) report = told
    else if (first < 0 && told.of === 'media') first = told.loaded
  })
  assert.ok(report, 'it has not ended')
  const sent = cloud.log.reduce((sum, { operation, bytes }) => sum + (operation === 'UploadPart' ? bytes : 0), 0)
  // The warm-up, what was missing, and what was under way when the process was killed.
  assert.ok(sent <= 20 * MiB + SIZE - stored + 6 * 8 * MiB, `${sent / MiB} MiB were sent again, ${stored / MiB} were stored`)
  assert.ok(first >= stored - 6 * 8 * MiB, `progress begins at ${first}`)
  const media1 = cloud.medias().find(({ fileId }) => fileId === report.response.FileId)
  assert.equal(await sha256(cloud.object(media1?.key ?? '')?.path), await sha256(media))
  assert.equal(await sha256(cloud.object(media1?.coverKey ?? '')?.path), await sha256(cover))
  assert.deepEqual(cloud.uploads(), [])
  t.diagnostic(`MiB: heap +${(report.heap / MiB).toFixed(1)}, process +${(report.rss / MiB).toFixed(1)}`)
  assert.ok(report.heap < LIMIT, `the heap grew by ${report.heap}`)
  assert.ok(report.rss < LIMIT, `the process grew by ${report.rss}`)
})
