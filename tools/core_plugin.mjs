// @ts-check
// Gives esbuild the modules that only the build knows how to find: the glue and the wasm that are shipped.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { wasmTarget } from './env.mjs'
import { moduleOf } from './wasm_text.mjs'

/** The builds of the core, by what they know. */
export const FLAVOURS = { both: 'aliyun,tencent', aliyun: 'aliyun', tencent: 'tencent', server: 'server' }

/** @typedef {keyof typeof FLAVOURS} Flavour */

/** @param {Flavour} flavour */
export const glueDirOf = (flavour) => join(wasmTarget, flavour === 'both' ? 'glue' : `glue-${flavour}`)
/** @param {Flavour} [flavour] */
export const shippedWasmOf = (flavour = 'both') => join(glueDirOf(flavour), 'shipped.wasm')
/** @param {Flavour} [flavour] */
export const shippedGlueOf = (flavour = 'both') => join(glueDirOf(flavour), 'shipped.js')
export const shippedWasm = shippedWasmOf()

/**
 * @param {Flavour} flavour
 * @returns {import('esbuild').Plugin}
 */
export const corePluginOf = (flavour) => ({
  name: 'core',
  setup(builder) {
    builder.onResolve({ filter: /^vodupload:glue$/ }, () => ({ path: shippedGlueOf(flavour) }))
    builder.onResolve({ filter: /^vodupload:wasm$/ }, () => ({ path: 'wasm', namespace: 'vodupload' }))
    builder.onLoad({ filter: /./, namespace: 'vodupload' }, () => ({ contents: moduleOf(readFileSync(shippedWasmOf(flavour))) }))
  },
})
export const corePlugin = corePluginOf('both')

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
