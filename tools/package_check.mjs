// @ts-check
// Installs the packed package in a project outside the tree and uses it as an application would.
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { output, root, run } from './env.mjs'

const IN_NODE = `
import * as api from 'vodupload'
if ('window' in globalThis) throw new Error('this must run without a window')
if (typeof api.VODUpload !== 'function') throw new Error('no VODUpload among ' + Object.keys(api))
if (api.default !== api.VODUpload) throw new Error('VODUpload is not the default export')
await import('vodupload/cloud')
const { VODUpload } = await import('vodupload/aliyun')
const { default: TcVod } = await import('vodupload/tencent')
if (typeof new VODUpload({}).addFile !== 'function' || typeof TcVod !== 'function' || typeof api.TcVod !== 'function') throw new Error('an entry lacks its class')
const { createUploadSignature, parseUploadSignature } = await import('vodupload/signature')
const { secretId, warnings } = parseUploadSignature(createUploadSignature({ secretId: 'id' }, 'key'))
if (secretId !== 'id' || warnings.length > 0) throw new Error('a signature is not what was signed: ' + JSON.stringify(warnings))
const { VodUploadClient, VodUploadRequest } = await import('vodupload/node')
const { createRequire } = await import('node:module')
if (createRequire(import.meta.url)('vodupload/node').VodUploadClient !== VodUploadClient) throw new Error('required and imported are two')
const client = new VodUploadClient('id', 'key')
const refused = await client.upload('ap-guangzhou', new VodUploadRequest({ MediaFilePath: 'none.mp4' })).then(() => '', ({ code }) => code)
if (refused !== 'NoMediaFile') throw new Error('no file was no ' + refused)
console.log('imports in Node: ' + Object.keys(api).join(', '))
`
const IN_PAGE = `
import VODUpload from 'vodupload'
import TcVod from 'vodupload/tencent'
window.uploaders = [new VODUpload({}), new TcVod({ getSignature: () => '' })]
`
const IN_TYPESCRIPT = `
import VODUpload, { TcVod } from 'vodupload'
import { Uploader } from 'vodupload/aliyun'
import { startCloud } from 'vodupload/cloud'
import { createUploadSignature } from 'vodupload/signature'
import Tencent from 'vodupload/tencent'
export const uploaders: [VODUpload, Uploader] = [new VODUpload({}), new Uploader({ getAuth: async () => ({ uploadAuth: '' }) })]
export const cloud = startCloud()
export const signature: string = createUploadSignature({ secretId: '' }, '')
const tcVod: TcVod = new Tencent({ getSignature: async () => signature })
const uploader = tcVod.upload({ mediaFile: new File([], 'a.mp4'), enableResume: false })
export const end: Promise<string> = uploader.on('media_progress', ({ percent }) => percent).done().then(({ fileId }) => fileId)
// @ts-expect-error: a signature is needed
new Tencent({})
`

const IN_TYPESCRIPT_OF_A_SERVER = `
import { VodUploadClient, VodUploadRequest } from 'vodupload/node'
const request = new VodUploadRequest()
request.MediaFilePath = 'a.mp4'
const client = new VodUploadClient('', '', { onProgress: ({ of, percent }) => console.log(of, percent.toFixed(2)) })
export const id: Promise<string> = client.upload('ap-guangzhou', request, (error, data) => console.log(error?.code, data?.FileId)).then(({ FileId }) => FileId)
// @ts-expect-error: a field that VOD does not have
client.upload('ap-guangzhou', { MediaPath: 'a.mp4' })
`

export async function checkPackage() {
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'vodupload-')))
  try {
    await run('publint', ['--strict'])
    const [packed] = JSON.parse(output('npm', ['pack', '--ignore-scripts', '--json', '--silent', '--pack-destination', scratch]))
    /** @type {{ path: string, size: number }[]} */
    const files = packed.files
    console.log(`packs ${files.length} files, ${files.reduce((sum, file) => sum + file.size, 0).toLocaleString('en-US')} bytes`)
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    for (const path of exported(manifest.exports)) {
      if (!files.some((file) => `./${file.path}` === path)) throw new Error(`package.json exports ${path}, which is not packed`)
    }

    // An ES module is what it is meant to be: no require, no resolution of ten years ago.
    await run('attw', [join(scratch, packed.filename), '--profile', 'esm-only'])

    writeFileSync(join(scratch, 'package.json'), '{ "name": "scratch", "private": true, "type": "module" }')
    writeFileSync(join(scratch, 'node.js'), IN_NODE)
    writeFileSync(join(scratch, 'page.js'), IN_PAGE)
    writeFileSync(join(scratch, 'app.ts'), IN_TYPESCRIPT)
    writeFileSync(join(scratch, 'server.ts'), IN_TYPESCRIPT_OF_A_SERVER)
    const here = { cwd: scratch }
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error', `./${packed.filename}`], here)
    await run('node', ['node.js'], here)
    await run('esbuild', ['page.js', '--bundle', '--format=iife', '--outfile=bundle.js', '--log-level=warning'], here)
    await run('tsc', ['--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2020', '--module', 'esnext',
      '--moduleResolution', 'bundler', '--types', '', 'app.ts'], here)
    await run('tsc', ['--noEmit', '--strict', '--skipLibCheck', 'true', '--target', 'es2022', '--module', 'nodenext',
      '--types', 'node', '--typeRoots', join(root, 'node_modules/@types'), 'server.ts'], here)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/**
 * All paths in an exports map.
 * @param {unknown} value
 * @returns {string[]}
 */
function exported(value) {
  if (typeof value === 'string') return [value]
  return value && typeof value === 'object' ? Object.values(value).flatMap(exported) : []
}
