// @ts-check
// All checks, in order, to the first failure: `npm test`; or those named: `node tools/test.mjs fmt e2e`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './env.mjs'
import { checkPackage } from './package_check.mjs'
import { checkTree, testFiles } from './tree_check.mjs'

const WASM = ['--target', 'wasm32-unknown-unknown']
const DENY = ['--', '-D', 'warnings']
/** A test file that takes longer hangs. */
const HANG_MS = 300_000

/** @type {Record<string, { title: string, go: () => Promise<void> | void }>} */
const steps = {
  tree: { title: 'short files, no leftovers, no paths of this machine', go: checkTree },
  fmt: { title: 'Rust is formatted', go: () => run('cargo', ['fmt', '--check']) },
  clippy: {
    title: 'Rust has no lint, native and wasm',
    go: async () => {
      await run('cargo', ['clippy', '--quiet', '--all-targets', '--all-features', ...DENY])
      await run('cargo', ['clippy', '--quiet', '--lib', '--all-features', ...WASM, ...DENY])
      for (const cloud of ['aliyun', 'tencent']) {
        await run('cargo', ['clippy', '--quiet', '--lib', '--no-default-features', '--features', cloud, ...WASM, ...DENY])
      }
    },
  },
  doc: {
    title: "Rust's documentation has no warning",
    go: () => run('cargo', ['doc', '--quiet', '--no-deps'], { env: { RUSTDOCFLAGS: '-Dwarnings' } }),
  },
  cargo: { title: 'the core, native, with simulated time', go: () => run('cargo', ['test', '--quiet']) },
  build: { title: 'the package builds', go: () => run('node', ['tools/build.mjs']) },
  size: { title: 'a page loads no more than its budget', go: () => run('node', ['tools/size.mjs']) },
  types: {
    title: 'types of all JS',
    go: async () => {
      await run('tsc', ['--noEmit', '-p', 'tools/tsconfig.json'])
      await run('tsc', ['--noEmit', '-p', 'tools/tsconfig.node.json'])
    },
  },
  js: { title: 'the JS on the real wasm, in Node', go: () => nodeTest('tests/js') },
  wx: { title: "the same on a mini program's host", go: () => nodeTest('tests/js', { VODUPLOAD_HOST: 'wechat' }) },
  chrome: { title: 'the wasm in Chromium', go: () => wasmPack('--chrome') },
  firefox: { title: 'the wasm in Firefox', go: () => wasmPack('--firefox') },
  e2e: { title: 'pages against the local cloud', go: () => nodeTest('tests/e2e') },
  miniprogram: { title: "the built mini program in sandboxes and engines, through WeChat's tools", go: () => nodeTest('tests/miniprogram') },
  node: { title: 'the built server entry against the local cloud', go: () => nodeTest('tests/node') },
  package: { title: 'the packed package, installed elsewhere', go: checkPackage },
}

/** @param {string} folder @param {Record<string, string>} [env] */
const nodeTest = (folder, env) =>
  run('node', ['--test', '--test-reporter=spec', `--test-timeout=${HANG_MS}`, ...testFiles(folder)], { env })

/**
 * wasm-pack compiles all of tests/ for wasm before it runs this one: the native files exclude themselves by `cfg`.
 * @param {string} browser
 */
async function wasmPack(browser) {
  readFileSync(join(root, 'tests/web.rs'))
  await run('wasm-pack', ['test', '--mode', 'no-install', '--headless', browser, '--test', 'web'])
}

const names = process.argv.slice(2)
const unknown = names.filter((name) => !(name in steps))
if (unknown.length > 0) {
  console.error(`test: no step ${unknown.join(', ')}; there are ${Object.keys(steps).join(', ')}`)
  process.exit(2)
}

let passed = 0
let failed = 0
for (const name of names.length > 0 ? names : Object.keys(steps)) {
  console.log(`\n== ${name}: ${steps[name].title}`)
  const started = Date.now()
  try {
    await steps[name].go()
    passed++
    console.log(`== ${name}: passed (${seconds(started)})`)
  } catch (error) {
    failed++
    console.error(error instanceof Error ? error.message : error)
    console.error(`== ${name}: FAILED (${seconds(started)}); run it alone with: node tools/test.mjs ${name}`)
    break
  }
}
console.log(`\nvodupload: ${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

/** @param {number} started */
function seconds(started) {
  return `${((Date.now() - started) / 1000).toFixed(1)} s`
}
