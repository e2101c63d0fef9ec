// @ts-check
// Builds everything that is published into dist/: the wasm, lowered to what the oldest engines know, inside the
// JS bundles. `npm run build`; what has not changed is not done again.
import { build } from 'esbuild'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { corePlugin, glueDir, shippedGlue, shippedWasm } from './core_plugin.mjs'
import { dist, has, output, root, run, wasmTarget } from './env.mjs'
import { blankDeadData } from './wasm_data.mjs'
import { slimGlue } from './wasm_glue.mjs'
import { shortenNames } from './wasm_names.mjs'
import { dropSection, trapPanics } from './wasm_panics.mjs'

const built = join(wasmTarget, 'wasm32-unknown-unknown/release/vodupload.wasm')
const named = join(glueDir, 'named.wasm')
const trapping = join(glueDir, 'trapping.wasm')
const lowered = join(glueDir, 'lowered.wasm')
const stamp = join(glueDir, 'stamp')

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

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const started = Date.now()
try {
  await buildWasm()
  await bundle()
  console.log(`build: dist/ is ready (${((Date.now() - started) / 1000).toFixed(1)} s)`)
} catch (error) {
  console.error(`build: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}

async function buildWasm() {
  const cargoHome = process.env.CARGO_HOME || join(homedir(), '.cargo')
  await run('cargo', [
    'build', '--quiet', '--release', '--lib', '--target', 'wasm32-unknown-unknown', '--target-dir', wasmTarget,
  ], {
    env: {
      // Encoded, for a path may hold a space. The last two keep this machine's paths out of panic messages.
      CARGO_ENCODED_RUSTFLAGS: [
        '-Ctarget-feature=-reference-types,-multivalue',
        `--remap-path-prefix=${cargoHome}/registry/src=`, `--remap-path-prefix=${root}=`,
      ].join('\x1f'),
    },
  })

  const recipe = ['build.mjs', 'wasm_data.mjs', 'wasm_glue.mjs', 'wasm_names.mjs', 'wasm_panics.mjs', 'wasm_reader.mjs'].map((name) => readFileSync(join(root, 'tools', name)))
  const hash = createHash('sha256').update(output('wasm-bindgen', ['--version']))
  for (const part of [...recipe, readFileSync(built)]) hash.update(part)
  const digest = hash.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return

  console.log('build: lowering the wasm')
  rmSync(glueDir, { recursive: true, force: true })
  mkdirSync(glueDir, { recursive: true })
  // Told of reference types, wasm-bindgen would use tables that old engines lack.
  writeFileSync(named, dropSection(readFileSync(built), 'target_features'))
  await run('wasm-bindgen', ['--target', 'bundler', '--out-dir', glueDir, '--out-name', 'vodupload', named])
  writeFileSync(trapping, trapPanics(readFileSync(join(glueDir, 'vodupload_bg.wasm'))))
  await run('wasm-opt', [trapping, ...LOWER, '-o', lowered])
  await run('wasm-opt', [lowered, ...SHRINK, '-o', shippedWasm])

  const shorter = await shortenNames(readFileSync(shippedWasm), slimGlue(readFileSync(join(glueDir, 'vodupload_bg.js'), 'utf8')))
  writeFileSync(shippedWasm, blankDeadData(shorter.wasm))
  writeFileSync(shippedGlue, shorter.glue)
  await WebAssembly.compile(readFileSync(shippedWasm))
  if (has('wasm-tools')) await run('wasm-tools', ['validate', '--features=mvp', shippedWasm])
  writeFileSync(stamp, digest)
}

async function bundle() {
  /** @type {[string, string, import('esbuild').Format][]} */
  const bundles = [
    ['js/index.js', 'vodupload.js', 'esm'],
    ['js/script.js', 'vodupload.script.js', 'iife'],
  ]
  const types = 'vodupload.d.ts'
  const files = [types, ...bundles.flatMap(([, file]) => [file, `${file}.map`])]
  mkdirSync(dist, { recursive: true })
  for (const old of readdirSync(dist)) if (!files.includes(old)) rmSync(join(dist, old), { recursive: true })
  // So that whoever imports the bundle by its path gets the types, and not those that a checker infers from it.
  writeFileSync(join(dist, types), "export * from '../js/index.js'\nexport { default } from '../js/index.js'\n")
  await Promise.all(bundles.map(([entry, file, format]) => build({
    entryPoints: [join(root, entry)],
    outfile: join(dist, file),
    format,
    bundle: true,
    minify: true,
    target: 'es2020',
    sourcemap: true,
    sourcesContent: true,
    legalComments: 'none',
    logLevel: 'warning',
    banner: { js: `/*! ${manifest.name} ${manifest.version} | ${manifest.license} */` },
    plugins: [corePlugin],
  })))
}
