// @ts-check
// Client upload signatures of Tencent VOD: how they are made, and what a token without its key tells.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import { createUploadSignature, parseUploadSignature, signOriginal } from '../../js/signature.js'
import { describe, test } from './story.js'

const VECTORS = JSON.parse(readFileSync(new URL('../vectors/tencent.json', import.meta.url), 'utf8'))
const ID = 'AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE'
const KEY = 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE'
const NOW = 1_700_000_000
const PARAMETERS = { secretId: ID, currentTimeStamp: NOW, expireTime: NOW + 86_400, random: 1 }

/** @param {string} token */
const originalOf = (token) => Buffer.from(token, 'base64').subarray(20).toString()

/** @param {unknown} token @param {number} [seconds] */
const codesOf = (token, seconds = NOW) => parseUploadSignature(token, seconds * 1000).warnings.map(({ code }) => code)

/** @param {object} change */
const tokenWith = (change) => signOriginal(String(new URLSearchParams(/** @type {any} */ ({ ...PARAMETERS, ...change }))), KEY)

describe('making a signature', () => {
  for (const { name, secretKey, args, original, signature } of VECTORS.client_signature) {
    test(`the vendor's vector ${name}`, () => {
      assert.equal(signOriginal(original, secretKey), signature)
      if (args.random > 0xffff_ffff) assert.throws(() => createUploadSignature(args, secretKey), { code: 'InvalidParameter', parameter: 'random' })
      else assert.equal(createUploadSignature(args, secretKey, { encoding: 'querystring' }), signature)
    })
  }

  test('what is not given has a good default', () => {
    const before = Math.floor(Date.now() / 1000)
    const tokens = Array.from({ length: 50 }, () => createUploadSignature({ secretId: ID }, KEY))
    for (const token of tokens) {
      const { currentTimeStamp = 0, expireTime = 0, random = -1, warnings } = parseUploadSignature(token)
      assert.ok(currentTimeStamp >= before && currentTimeStamp <= before + 5)
      assert.equal(expireTime - currentTimeStamp, 86_400)
      assert.ok(Number.isInteger(random) && random >= 0 && random <= 0xffff_ffff)
      assert.deepEqual(warnings, [])
    }
    assert.equal(new Set(tokens).size, tokens.length)
    assert.ok(tokens.some((token) => (parseUploadSignature(token).random ?? 0) > 0x7fff_ffff), 'the upper half of the numbers is used too')
    assert.equal(parseUploadSignature(createUploadSignature({ secretId: ID, currentTimeStamp: NOW }, KEY)).expireTime, NOW + 86_400)
  })

  test('everything that could end a parameter is percent-encoded', () => {
    const sourceContext = '用户=1&a b+c%~!*\'()"<>'
    const token = createUploadSignature({ ...PARAMETERS, sourceContext, classId: undefined }, KEY)
    assert.match(originalOf(token), /^[A-Za-z0-9\-_.~%&=]+$/)
    assert.equal(parseUploadSignature(token).sourceContext, sourceContext)
    const mac = createHmac('sha1', KEY).update(originalOf(token)).digest()
    assert.deepEqual(Buffer.from(token, 'base64').subarray(0, 20), mac)
  })

  test('parameters come in the order of the samples, further ones in that of the caller', () => {
    const token = createUploadSignature({ storageRegion: 'ap-chongqing', random: 1, secretId: ID, classId: 2, expireTime: NOW + 1, currentTimeStamp: NOW }, KEY)
    assert.deepEqual([...new URLSearchParams(originalOf(token)).keys()], ['secretId', 'currentTimeStamp', 'expireTime', 'random', 'storageRegion', 'classId'])
  })

  /** @type {[what: string, change: object, parameter: string, message: RegExp][]} */
  const WRONG = [
    ['a fractional time', { currentTimeStamp: 1_700_000_000.5 }, 'currentTimeStamp', /whole seconds.*Math\.floor/],
    ['milliseconds', { currentTimeStamp: 1_700_000_000_000 }, 'currentTimeStamp', /seconds, not milliseconds/],
    ['a time as text', { expireTime: '1700086400' }, 'expireTime', /Number\("1700086400"\)/],
    ['an end before the beginning', { expireTime: NOW }, 'expireTime', /later than currentTimeStamp/],
    ['more than 90 days', { expireTime: NOW + 7_776_001 }, 'expireTime', /90 days/],
    ['33 bits', { random: 2 ** 32 }, 'random', /0 to 4294967295/],
    ['a negative number', { random: -1 }, 'random', /0 to 4294967295/],
    ['a class that is no integer', { classId: 1.5 }, 'classId', /integer/],
    ['an empty procedure', { procedure: '' }, 'procedure', /leave it out/],
    ['a priority beyond ten', { procedure: 'p', taskPriority: 11 }, 'taskPriority', /-10 to 10/],
    ['an unknown mode', { procedure: 'p', taskNotifyMode: 'finish' }, 'taskNotifyMode', /Finish, Change or None/],
    ['a priority for nothing', { taskPriority: 1 }, 'taskPriority', /without procedure/],
    ['251 characters', { sourceContext: '😀'.repeat(251) }, 'sourceContext', /251 characters.*250/],
    ['1001 characters', { sessionContext: 'x'.repeat(1001) }, 'sessionContext', /1000/],
    ['half a character', { sourceContext: '\ud83d' }, 'sourceContext', /surrogate/],
    ['a flag that is true', { oneTimeValid: true }, 'oneTimeValid', /0 to 1/],
    ['an application as text', { vodSubAppId: '1500000123' }, 'vodSubAppId', /Number\("1500000123"\)/],
    ['a region in capitals', { storageRegion: 'AP-Chongqing' }, 'storageRegion', /ap-chongqing/],
    ['an id with a line feed', { secretId: `${ID}\n` }, 'secretId', /white space/],
    ['null', { classId: null }, 'classId', /it is null/],
  ]
  for (const [what, change, parameter, message] of WRONG) {
    test(`${what} is refused`, () => {
      assert.throws(() => createUploadSignature({ ...PARAMETERS, ...change }, KEY), { name: 'TypeError', code: 'InvalidParameter', parameter, message })
    })
  }

  test('the largest that is allowed', () => {
    const most = { expireTime: NOW + 7_776_000, random: 0xffff_ffff, procedure: 'p', taskPriority: -10, sourceContext: '😀'.repeat(250), sessionContext: 'x'.repeat(1000), vodSubAppId: 0 }
    assert.deepEqual(codesOf(createUploadSignature({ ...PARAMETERS, ...most }, KEY)), [])
  })

  test('a misspelt name, no id and no key are told apart', () => {
    assert.throws(() => createUploadSignature(/** @type {any} */ ({ ...PARAMETERS, currentTimestamp: 1 }), KEY), { code: 'UnknownParameter', parameter: 'currentTimestamp' })
    assert.throws(() => createUploadSignature(/** @type {any} */ ({ ...PARAMETERS, toString: 1 }), KEY), { code: 'UnknownParameter' })
    assert.throws(() => createUploadSignature(/** @type {any} */ ({}), KEY), { code: 'MissingParameter', parameter: 'secretId' })
    assert.throws(() => createUploadSignature(PARAMETERS, ''), { code: 'MissingSecretKey' })
    assert.throws(() => createUploadSignature(PARAMETERS, /** @type {any} */ (undefined)), { code: 'MissingSecretKey' })
    assert.throws(() => createUploadSignature(/** @type {any} */ (null), KEY), { code: 'InvalidParameter' })
  })
})

describe('reading a token', () => {
  for (const { name, args, original, signature } of VECTORS.client_signature) {
    test(`the vendor's vector ${name}`, () => {
      const parsed = parseUploadSignature(signature, NOW * 1000)
      for (const [parameter, value] of Object.entries(args)) assert.equal(parsed[parameter], value)
      assert.equal(parsed.original, original)
      assert.deepEqual(parsed.warnings.map(({ code }) => code), args.random > 0xffff_ffff ? ['RandomOutOfRange'] : [])
    })
  }

  test('its end, by any clock', () => {
    const parsed = parseUploadSignature(tokenWith({}))
    assert.equal(parsed.expiresAt, (NOW + 86_400) * 1000)
    assert.equal(parsed.isExpired((NOW + 86_399) * 1000), false)
    assert.equal(parsed.isExpired((NOW + 86_400) * 1000), true)
    assert.equal(parsed.isExpired(), true)
    assert.deepEqual([parseUploadSignature('').expiresAt, parseUploadSignature('').isExpired()], [null, false])
  })

  /** @type {[what: string, token: unknown, codes: string[]][]} */
  const FAULTY = [
    ['not a string', undefined, ['NotString']],
    ['null', null, ['NotString']],
    ['empty', ' ', ['Empty']],
    ['white space around it', `${tokenWith({})}\n`, ['WhiteSpace']],
    ['not Base64', 'sig nature!', ['NotBase64']],
    ['the Base64 of addresses', '_-__', ['NotBase64']],
    ['a plus that became a blank', tokenWith({ random: 7 }).replace(/.$/, ' '), ['NotBase64', 'WhiteSpace']],
    ['percent-encoded', encodeURIComponent(tokenWith({ random: 11 })).replace(/=*$/, '%3D'), ['NotBase64']],
    ['no parameters', Buffer.alloc(60, 7).toString('base64'), ['NoParameters']],
    ['shorter than a MAC', 'AAAA', ['NoParameters']],
    ['the MAC in hexadecimal', Buffer.from('b7776a4e459539d1cdc9dddedaee6687ae53c18c' + 'secretId=x&random=1').toString('base64'), ['NoParameters']],
    ['a missing parameter', signOriginal(`secretId=${ID}&random=1`, KEY), ['MissingParameter']],
    ['a fractional time', tokenWith({ currentTimeStamp: 1_700_000_000.5 }), ['NotInteger']],
    ['a fractional random', tokenWith({ random: 123.5 }), ['NotInteger']],
    ['a time that is no number', tokenWith({ currentTimeStamp: 'NaN' }), ['NotInteger']],
    ['a random of 33 bits', tokenWith({ random: 2 ** 32 }), ['RandomOutOfRange']],
    ['milliseconds', tokenWith({ currentTimeStamp: NOW * 1000, expireTime: NOW * 1000 + 1 }), ['Milliseconds']],
    ['more than 90 days', tokenWith({ expireTime: NOW + 7_776_001 }), ['LifeTooLong']],
    ['no life at all', tokenWith({ currentTimeStamp: NOW + 10, expireTime: NOW + 10 }), ['LifeTooShort']],
    ['expired', tokenWith({ currentTimeStamp: NOW - 100, expireTime: NOW }), ['Expired']],
    ['from the future', tokenWith({ currentTimeStamp: NOW + 301 }), ['NotYetValid']],
    ['JSON around it', JSON.stringify({ signature: tokenWith({}) }), ['WholeResponse']],
    ['quotes around it', JSON.stringify(tokenWith({})), ['Quoted']],
    ['single quotes around it', `'${tokenWith({})}'`, ['Quoted']],
    ['the object of wx.request', { data: { signature: tokenWith({}) }, statusCode: 200 }, ['WholeResponse']],
    ['an object without a token', { errMsg: 'request:fail' }, ['WholeResponse']],
    ['a whole response', `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"signature":"${tokenWith({})}"}`, ['WholeResponse']],
    ['a page', '<html>404</html>', ['WholeResponse']],
    ['a list', '[1,2]', ['WholeResponse']],
    ['broken JSON', '{"signature":', ['WholeResponse']],
  ]
  for (const [what, token, codes] of FAULTY) {
    test(`${what}: ${codes[0]}`, () => {
      const { warnings } = parseUploadSignature(token, NOW * 1000)
      assert.deepEqual(warnings.map(({ code }) => code).sort(), codes.sort())
      for (const { message } of warnings) assert.match(message, /^\S.{10,}\.$/s)
    })
  }

  test('a wrapped token is read all the same', () => {
    const token = tokenWith({ classId: 7 })
    for (const wrapped of [JSON.stringify(token), JSON.stringify({ data: { signature: token } }), { data: token }, ` ${token} `]) {
      assert.equal(parseUploadSignature(wrapped).classId, 7)
    }
  })

  test('other dialects of percent-encoding, and none', () => {
    assert.equal(parseUploadSignature(tokenWith({ sourceContext: 'a b+c' })).sourceContext, 'a b+c')
    const { original, sourceContext, procedure } = parseUploadSignature(signOriginal('secretId=x&sourceContext=用户%&procedure=a=b', KEY))
    assert.deepEqual([original, sourceContext, procedure], ['secretId=x&sourceContext=用户%&procedure=a=b', '用户%', 'a=b'])
  })

  test('names in a token touch nothing but the answer', () => {
    const parsed = parseUploadSignature(signOriginal('secretId=x&__proto__=y&warnings=z&isExpired=1', KEY))
    assert.ok(Array.isArray(parsed.warnings))
    assert.equal(typeof parsed.isExpired, 'function')
    assert.equal(Object.getPrototypeOf(parsed), Object.prototype)
  })

  test('it needs nothing but the language', () => {
    const source = readFileSync(new URL('../../js/parse_signature.js', import.meta.url), 'utf8').replace(/^export /gm, '')
    assert.doesNotMatch(source, /^import /m)
    const parsed = runInNewContext(`${source}; parseUploadSignature(${JSON.stringify(tokenWith({ sourceContext: '用户' }))}, 0)`, {})
    assert.equal(parsed.sourceContext, '用户')
  })
})
