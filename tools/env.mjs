// @ts-check
// Paths, PATH and child processes for every tool.
import { execFileSync, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const dist = join(root, 'dist')
/** The cargo target directory of the published wasm: its flags must not thrash the cache of the tests. */
export const wasmTarget = join(root, 'target/wasm-release')

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'vodupload')
/** The environment of every child process: tools that set-up installed come first on PATH. */
export const env = {
  ...process.env,
  PATH: [join(root, 'node_modules/.bin'), join(cache, 'bin'), process.env.PATH].join(delimiter),
}

/** @typedef {{ cwd?: string, env?: Record<string, string | undefined> }} Options */

/**
 * Runs a command in the root with its output shown; rejects unless it succeeds.
 * @param {string} command
 * @param {string[]} args
 * @param {Options} [options]
 * @returns {Promise<void>}
 */
export const run = (command, args, options = {}) => new Promise((resolve, reject) => {
  const child = spawn(command, args, {
    cwd: options.cwd ?? root, env: { ...env, ...options.env }, stdio: ['ignore', 'inherit', 'inherit'],
  })
  child.on('error', reject)
  child.on('close', (code, signal) => {
    if (code === 0) return resolve()
    reject(new Error(`${command} ${signal ? `was ended by ${signal}` : `exited with ${code}`}`))
  })
})

/**
 * Runs a command and returns what it printed.
 * @param {string} command
 * @param {string[]} args
 * @param {Options} [options]
 */
export const output = (command, args, options = {}) => execFileSync(command, args, {
  cwd: options.cwd ?? root, env: { ...env, ...options.env }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'],
})

/**
 * Whether PATH has the command.
 * @param {string} command
 */
export const has = (command) => {
  try {
    execFileSync(command, ['--version'], { env, stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/**
 * A port of the loopback interface that was free a moment ago.
 * @returns {Promise<number>}
 */
export const freePort = () => new Promise((resolve, reject) => {
  const server = createServer()
  server.on('error', reject)
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    server.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))))
  })
})
