// @ts-check
// A phone has little memory: a file of any size takes no more of it than the parts under way.

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startCloud } from '../cloud/index.js'
import { makeSparseFile, MiB } from './project.js'
import { DOMAINS, hostsOf } from './world.js'

const CHILD = fileURLToPath(new URL('memory_child.js', import.meta.url))
const SLACK = 20 * MiB

for (const [size, version, how] of /** @type {const} */ ([[1024, '3.8.0', 'fs.read'], [256, '2.14.0', 'fs.readFile']])) {
  test(`${size} MiB through ${how} take the memory of the parts under way`, async (t) => {
    const cloud = await startCloud({ endpoint: 'https://oss-cn-shanghai.aliyuncs.com', integrity: 'zeros', keep: false })
    t.after(() => cloud.close())
    const [parallel, partSize] = [3, 4 * MiB]
    // Freed buffers go back to the system at once, so that the process's size tells what is in use (glibc).
    const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '131072' }
    const child = fork(CHILD, { execArgv: ['--expose-gc'], env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    t.after(() => child.kill())
    child.send({
      hosts: hostsOf(cloud), domains: DOMAINS, version, options: { parallel, partSize },
      warmUp: await makeSparseFile('warm-up.mp4', 2 * partSize), file: await makeSparseFile('large.mp4', size * MiB),
    })
    const [report] = /** @type {[import('./memory_child.js').Report]} */ (await once(child, 'message'))
    assert.deepEqual([report.succeeded, report.errors], [2, []], report.events.join('\n'))
    const limit = parallel * partSize
    t.diagnostic(`MiB: in requests ${report.peakBytes / MiB}, heap ${(report.heap / MiB).toFixed(1)}, process ${(report.rss / MiB).toFixed(1)}`)
    assert.ok(report.peakBytes <= limit, `${report.peakBytes} bytes were in requests at once`)
    assert.ok(report.heap <= limit + SLACK, `the heap grew by ${report.heap}`)
    assert.ok(report.rss <= limit + SLACK, `the process grew by ${report.rss}`)
  })
}
