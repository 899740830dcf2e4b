import { expect, test } from 'vitest'
import { answerKey, type Grant, openAnswerKey } from './answer-key.ts'

const TOKEN = 'hunter-hunter-hunter-22'
const NOW = Date.UTC(2026, 10, 27, 3)
const GRANT: Grant = { incident: 'a3f9c0de51b27764', recipient: 'on call ☎', until: NOW + 3_600_000 }
const KEY = answerKey(TOKEN, GRANT)

test('a key opens its incident for its recipient until it expires, and is the same whenever it is made', () => {
  expect(openAnswerKey(TOKEN, GRANT.incident, KEY, NOW)).toEqual({ ok: true, grant: GRANT })
  expect(openAnswerKey(TOKEN, GRANT.incident, KEY, GRANT.until)).toMatchObject({ ok: true })
  expect(openAnswerKey(TOKEN, GRANT.incident, KEY, GRANT.until + 1)).toEqual({ ok: false, why: 'expired' })
  expect(answerKey(TOKEN, GRANT)).toBe(KEY)
  expect(KEY).toMatch(/^[\w.-]+$/)
  expect(KEY).not.toContain(TOKEN)
})

const [expiry = '', name = '', sign = ''] = KEY.split('.')
test.for<[string, string, string, string]>([
  ['another token', `${TOKEN}x`, GRANT.incident, KEY],
  ['another incident', TOKEN, 'b3f9c0de51b27764', KEY],
  ['a later expiry', TOKEN, GRANT.incident, `z${expiry}.${name}.${sign}`],
  ['another recipient', TOKEN, GRANT.incident, `${expiry}.${Buffer.from('boss').toString('base64url')}.${sign}`],
  ['another signature', TOKEN, GRANT.incident, `${expiry}.${name}.${'A'.repeat(43)}`],
  ['no signature', TOKEN, GRANT.incident, `${expiry}.${name}.`],
  ['nothing', TOKEN, GRANT.incident, ''],
  ['noise', TOKEN, GRANT.incident, '\0'.repeat(100_000)],
])('%s opens nothing', ([, token, incident, key]) => {
  expect(openAnswerKey(token, incident, key, NOW)).toEqual({ ok: false, why: 'unknown' })
})
