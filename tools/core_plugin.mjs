// @ts-check
// Gives esbuild the modules that only the build knows how to find: the glue and the wasm that are shipped.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { wasmTarget } from './env.mjs'
import { moduleOf } from './wasm_text.mjs'

export const glueDir = join(wasmTarget, 'glue')
export const shippedWasm = join(glueDir, 'shipped.wasm')
export const shippedGlue = join(glueDir, 'shipped.js')

/** @type {import('esbuild').Plugin} */
export const corePlugin = {
  name: 'core',
  setup(builder) {
    builder.onResolve({ filter: /^vodupload:glue$/ }, () => ({ path: shippedGlue }))
    builder.onResolve({ filter: /^vodupload:wasm$/ }, () => ({ path: 'wasm', namespace: 'vodupload' }))
    builder.onLoad({ filter: /./, namespace: 'vodupload' }, () => ({ contents: moduleOf(readFileSync(shippedWasm)) }))
  },
}

/**
 * In mini programs each file is on its own: what one entry has, the others require.
 * @type {import('esbuild').Plugin}
 */
export const miniProgramPlugin = {
  name: 'mini program',
  setup(builder) {
    builder.onResolve({ filter: /^vodupload:fallback$/ }, () => ({ path: './fallback.js', external: true }))
    builder.onResolve({ filter: /^\.\/miniprogram\.js$/ }, ({ importer }) => (importer ? { path: './index.js', external: true } : undefined))
  },
}
