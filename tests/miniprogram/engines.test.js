// @ts-check
// The same stories in the engines of phones: JavaScriptCore with its compilers and, as in iOS apps, without; QuickJS, which
// has no wasm and runs the fallback.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missing } from './engine.js'
import { makeFile, MiB } from './project.js'
import { stories } from './stories.js'
import { openWorld } from './world.js'

const ENGINES = /** @type {import('./stories.js').Engine[]} */ ([
  { runtime: 'jsc', scale: 1 / 2 }, { runtime: 'jsc-no-jit', scale: 1 / 8 }, { runtime: 'quickjs', scale: 1 / 20 },
])

for (const engine of ENGINES) {
  const { runtime } = engine
  const skip = missing(runtime) || false
  for (const [name, story] of Object.entries(stories)) test(`${runtime}: ${name}`, { skip }, (t) => story(t, engine))
}

test('jsc runs the wasm and, before base library 2.13, the fallback', { skip: missing('jsc') || false }, async (t) => {
  for (const [version, core] of [['3.8.0', 'vodupload.wasm.br'], ['2.12.3', 'fallback.js']]) {
    const world = await openWorld(t, { runtime: 'jsc', wx: { version } })
    const file = await makeFile(`jsc-${version}.mp4`, 3 * MiB)
    await world.begin([file], { partSize: MiB })
    await world.assertUploaded(file)
    assert.ok(world.wx.files.loaded.some((path) => path.endsWith(core)), `${world.wx.files.loaded}`)
  }
})
