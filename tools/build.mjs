// @ts-check
// Builds everything that is published into dist/: the wasm, lowered to what the oldest engines know, inside the
// JS bundles. `npm run build`; what has not changed is not done again.
import { build, transform } from 'esbuild'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { FLAVOURS, corePlugin, corePluginOf, glueDirOf, miniProgramPlugin, shippedGlueOf, shippedWasm, shippedWasmOf } from './core_plugin.mjs'
import { dist, has, output, root, run, wasmTarget } from './env.mjs'
import { blankDeadData } from './wasm_data.mjs'
import { slimGlue } from './wasm_glue.mjs'
import { shortenNames } from './wasm_names.mjs'
import { factoryOf } from './wasm_js.mjs'
import { dropSection, trapPanics } from './wasm_panics.mjs'

const built = join(wasmTarget, 'wasm32-unknown-unknown/release/vodupload.wasm')

/** What rustc 1.95 may emit, and its replacement by MVP instructions. MVP costs neither size nor speed. */
const LOWER = [
  '--mvp-features', '--enable-mutable-globals', '--enable-sign-ext', '--enable-nontrapping-float-to-int',
  '--enable-bulk-memory', '--enable-bulk-memory-opt',
  '--signext-lowering', '--llvm-nontrapping-fptoint-lowering', '--llvm-memory-copy-fill-lowering',
  // Two are Globals, which some engines cannot export; the third is for a way of passing texts that the glue has not.
  '--remove-exports=__abort_handler,__instance_terminated,__wbindgen_realloc',
]
/** Inlining makes the file smaller, but 4 % larger after brotli (measured), which is what travels. */
const SHRINK = [
  '--mvp-features', '--low-memory-unused', '-Oz', '--converge', '--skip-pass=inlining-optimizing', '--skip-pass=local-cse',
  '--strip-debug', '--strip-producers', '--strip-target-features',
]

/** The core in plain JavaScript, for engines without WebAssembly. */
const fallback = join(glueDirOf('both'), 'fallback.js')

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  banner: { js: `/*! ${manifest.name} ${manifest.version} | ${manifest.license} */` },
}
const started = Date.now()
try {
  for (const flavour of /** @type {import('./core_plugin.mjs').Flavour[]} */ (Object.keys(FLAVOURS))) await buildWasm(flavour)
  await bundle()
  await bundleMiniProgram()
  console.log(`build: dist/ is ready (${((Date.now() - started) / 1000).toFixed(1)} s)`)
} catch (error) {
  console.error(`build: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}

/** @param {import('./core_plugin.mjs').Flavour} flavour */
async function buildWasm(flavour) {
  const glueDir = glueDirOf(flavour)
  const [named, trapping, lowered, stamp] = ['named.wasm', 'trapping.wasm', 'lowered.wasm', 'stamp'].map((name) => join(glueDir, name))
  const [wasm, glue] = [shippedWasmOf(flavour), shippedGlueOf(flavour)]
  const cargoHome = process.env.CARGO_HOME || join(homedir(), '.cargo')
  await run('cargo', [
    'build', '--quiet', '--release', '--lib', '--target', 'wasm32-unknown-unknown', '--target-dir', wasmTarget,
    '--no-default-features', '--features', FLAVOURS[flavour],
  ], {
    env: {
      // Encoded, for a path may hold a space. The last two keep this machine's paths out of panic messages.
      CARGO_ENCODED_RUSTFLAGS: [
        '-Ctarget-feature=-reference-types,-multivalue',
        `--remap-path-prefix=${cargoHome}/registry/src=`, `--remap-path-prefix=${root}=`,
      ].join('\x1f'),
    },
  })

  const recipe = ['build.mjs', 'wasm_data.mjs', 'wasm_glue.mjs', 'wasm_js.mjs', 'wasm_names.mjs', 'wasm_panics.mjs', 'wasm_reader.mjs'].map((name) => readFileSync(join(root, 'tools', name)))
  const hash = createHash('sha256').update(output('wasm-bindgen', ['--version']))
  for (const part of [...recipe, readFileSync(built)]) hash.update(part)
  const digest = hash.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return

  console.log(`build: lowering the wasm (${FLAVOURS[flavour]})`)
  rmSync(glueDir, { recursive: true, force: true })
  mkdirSync(glueDir, { recursive: true })
  // Told of reference types, wasm-bindgen would use tables that old engines lack.
  writeFileSync(named, dropSection(readFileSync(built), 'target_features'))
  await run('wasm-bindgen', ['--target', 'bundler', '--out-dir', glueDir, '--out-name', 'vodupload', named])
  writeFileSync(trapping, trapPanics(readFileSync(join(glueDir, 'vodupload_bg.wasm'))))
  await run('wasm-opt', [trapping, ...LOWER, '-o', lowered])
  await run('wasm-opt', [lowered, ...SHRINK, '-o', wasm])

  const shorter = await shortenNames(readFileSync(wasm), slimGlue(readFileSync(join(glueDir, 'vodupload_bg.js'), 'utf8')))
  writeFileSync(wasm, blankDeadData(shorter.wasm))
  writeFileSync(glue, shorter.glue)
  await WebAssembly.compile(readFileSync(wasm))
  if (has('wasm-tools')) await run('wasm-tools', ['validate', '--features=mvp', wasm])
  if (flavour === 'both') {
    await run('wasm2js', [wasm, '--mvp-features', '-Oz', '-o', fallback])
    const { code } = await transform(factoryOf(readFileSync(fallback, 'utf8')), { minify: true, target: 'es2015' })
    writeFileSync(fallback, code)
  }
  writeFileSync(stamp, digest)
}

async function bundle() {
  /** @type {[string, string, import('esbuild').Format, import('./core_plugin.mjs').Flavour][]} */
  const bundles = [
    ['js/index.js', 'vodupload.js', 'esm', 'both'],
    ['js/script.js', 'vodupload.script.js', 'iife', 'both'],
    ['js/aliyun.js', 'aliyun.js', 'esm', 'aliyun'],
    ['js/tencent.js', 'tencent.js', 'esm', 'tencent'],
    // One file for import and for the require of Tencent's samples.
    ['js/node.js', 'node.cjs', 'cjs', 'server'],
  ]
  const types = 'vodupload.d.ts'
  const files = [types, 'miniprogram', ...bundles.flatMap(([, file]) => [file, `${file}.map`])]
  mkdirSync(dist, { recursive: true })
  for (const old of readdirSync(dist)) if (!files.includes(old)) rmSync(join(dist, old), { recursive: true })
  // So that whoever imports the bundle by its path gets the types, and not those that a checker infers from it.
  writeFileSync(join(dist, types), "export * from '../js/index.js'\nexport { default } from '../js/index.js'\n")
  await Promise.all(bundles.map(([entry, file, format, flavour]) => build({
    ...common,
    entryPoints: [join(root, entry)],
    outfile: join(dist, file),
    format,
    ...(format === 'cjs' ? { platform: 'node', target: 'node20', inject: [join(root, 'js/host/node_timers.js')] } : { target: 'es2020' }),
    sourcemap: true,
    sourcesContent: true,
    plugins: [corePluginOf(flavour)],
    logOverride: { 'import-is-undefined': 'error' },
  })))
}

/** The folder that WeChat's npm builder copies, and that may be copied by hand: CommonJS for engines of all ages. */
async function bundleMiniProgram() {
  const folder = join(dist, 'miniprogram')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  await build({
    ...common,
    entryPoints: { index: join(root, 'js/miniprogram.js'), douyin: join(root, 'js/douyin.js') },
    outdir: folder,
    format: 'cjs',
    // So that Node's importers are told the names of what minified CommonJS exports.
    platform: 'node',
    target: 'es2015',
    supported: { 'dynamic-import': false },
    // Phones have neither; the glue asks for the latter.
    inject: [join(root, 'js/host/text_codec.js')],
    define: { globalThis: '{}' },
    plugins: [miniProgramPlugin, corePlugin],
  })
  const wasm = readFileSync(shippedWasm)
  writeFileSync(join(folder, 'vodupload.wasm'), wasm)
  writeFileSync(join(folder, 'vodupload.wasm.br'), brotliCompressSync(wasm, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: wasm.length },
  }))
  writeFileSync(join(folder, 'fallback.js'), readFileSync(fallback))
  // Whole, since the folder may be copied by hand.
  const types = readFileSync(join(root, 'js/index.d.ts'), 'utf8')
  const ofPages = [/\/\*\* [^\n]* \*\/\nexport class Uploader [^]*?\n}\n/, /\/\*\* [^\n]* \*\/\nexport { TcVod } [^\n]*\n/]
  const own = ofPages.reduce((text, part) => {
    if (!part.test(text)) throw new Error(`js/index.d.ts has no longer ${part}`)
    return text.replace(part, '')
  }, types)
  writeFileSync(join(folder, 'index.d.ts'), own)
  copyFileSync(join(root, 'js/tencent.d.ts'), join(folder, 'tencent.d.ts'))
  writeFileSync(join(folder, 'douyin.d.ts'),
    "export { UploadError, VODUpload, VODUpload as default } from './index'\n"
    + "export type { Authorization, AuthReason, PickedFile, ProgressDetail, UploadInfo, VODUploadOptions } from './index'\n")
  // For bundlers, to which all else in this package is ES modules.
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n')
}
