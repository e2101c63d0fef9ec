// @ts-check
// A browser with a profile on disk that can be killed, as a power cut or an impatient user would.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { ARGS, executablePath, until } from './harness.js'

/**
 * Playwright keeps the processes of its browsers to itself, so this one is started here.
 * @param {string} profile folder
 */
export async function startBrowser(profile) {
  const child = spawn(/** @type {string} */ (executablePath), [
    '--headless=new', '--no-sandbox', '--no-first-run', '--remote-debugging-port=0', `--user-data-dir=${profile}`, ...ARGS, 'about:blank',
  ], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text) => { said += text })
  await until('the browser', () => /DevTools listening on ws:/.test(said))
  const browser = await chromium.connectOverCDP(/ws:\S+/.exec(said)?.[0] ?? '')
  return {
    context: browser.contexts()[0],
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/**
 * Whether a browser has put a text into its local storage's files; it takes seconds to do so.
 * @param {string} profile
 * @param {string} text
 */
export function isOnDisk(profile, text) {
  const folder = join(profile, 'Default/Local Storage/leveldb')
  return existsSync(folder) && readdirSync(folder).filter((name) => name.endsWith('.log')).some((name) => readFileSync(join(folder, name)).includes(text))
}

/**
 * Picks a file of any size; Playwright sends large ones through its connection.
 * @param {import('playwright-core').Page} page
 * @param {string} path
 */
export async function pickLocal(page, path) {
  const session = await page.context().newCDPSession(page)
  const { result } = await session.send('Runtime.evaluate', { expression: 'document.getElementById("files")' })
  await session.send('DOM.setFileInputFiles', { files: [path], objectId: result.objectId })
  await session.detach()
}
