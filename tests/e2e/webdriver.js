// @ts-check
// Firefox through WebDriver, with as much of Playwright's page as a World uses: Playwright drives no stock Firefox.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { env } from '../../tools/env.mjs'
import { site, until } from './harness.js'

/** The key under which WebDriver names an element. */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'

/**
 * A script that calls a function of the test in the page; it ends by calling its last argument.
 * @param {(arg: any) => any} act
 */
const scriptOf = (act) => `
  const [arg, done] = arguments
  Promise.resolve(arg).then(${act}).then((value) => done({ value }), (error) => done({ error: String(error) }))`

/** @typedef {import('./page.js').Call} Call */

/** @returns {Promise<{ openPage(calls: Call[]): Promise<any>, close(): Promise<void> }>} */
export async function startFirefox() {
  const driver = spawn('geckodriver', ['--port', '0', '--log', 'info'], { env, stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = new Promise((resolve) => driver.once('exit', resolve))
  let said = ''
  driver.stdout.setEncoding('utf8').on('data', (text) => { said += text })
  await until('geckodriver', () => /Listening on \S+/.test(said))
  const base = `http://${/Listening on (\S+)/.exec(said)?.[1]}/session`

  /** @param {string} path @param {object} [body] @param {string} [method] */
  const call = async (path, body, method = body ? 'POST' : 'GET') => {
    const response = await fetch(base + path, {
      method, body: body && JSON.stringify(body), headers: { 'Content-Type': 'application/json' },
    })
    const { value } = /** @type {any} */ (await response.json())
    assert.ok(response.ok, `${path}: ${value?.error} ${value?.message}`)
    return value
  }
  const { sessionId } = await call('', {
    capabilities: { alwaysMatch: { browserName: 'firefox', 'moz:firefoxOptions': { args: ['-headless'] } } },
  })

  /** @param {(arg: any) => any} act @param {unknown} [arg] */
  const evaluate = async (act, arg = null) => {
    const { value, error } = await call(`/${sessionId}/execute/async`, { script: scriptOf(act), args: [arg] })
    assert.equal(error ?? undefined, undefined)
    return value
  }

  return {
    async openPage(calls) {
      /** Firefox has no bindings: what the page would tell is fetched. */
      const listen = async () => {
        // As text, for WebDriver turns what is undefined into null.
        const told = await evaluate(() => JSON.stringify(/** @type {any} */ (globalThis).told?.splice(0) ?? []))
        calls.push(...JSON.parse(told))
      }
      let listening = Promise.resolve()
      const timer = setInterval(() => { listening = listening.then(listen).then(() => {}, () => {}) }, 50)
      const page = {
        evaluate,
        /** @param {string} css @param {string[]} paths */
        async setInputFiles(css, paths) {
          const element = await call(`/${sessionId}/element`, { using: 'css selector', value: css })
          await call(`/${sessionId}/element/${element[ELEMENT]}/value`, { text: paths.join('\n') })
        },
        async reload() {
          await listen()
          await call(`/${sessionId}/refresh`, {})
        },
        /** @param {() => boolean} condition */
        waitForFunction: (condition) => until(String(condition), () => evaluate(condition)),
        close: () => clearInterval(timer),
      }
      await call(`/${sessionId}/url`, { url: site.url })
      await page.waitForFunction(() => 'vod' in globalThis)
      return page
    },
    async close() {
      await call(`/${sessionId}`, undefined, 'DELETE')
      driver.kill()
      await ended
    },
  }
}
