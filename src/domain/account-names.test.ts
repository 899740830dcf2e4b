import { expect, test } from 'vitest'
import { accountOfId, MAX_ACCOUNT_NAME, nameOfAccount, readName, withName } from './account-names.ts'

const NAMES = { ofAccounts: new Map([['111122223333', 'payments']]), ofOwn: new Map([['production', 'management']]) }

test('an account is named by its id, and `self` by whose credentials they are', () => {
  const named = (account: string, monitor = 'production') => nameOfAccount({ account, monitor }, NAMES)
  expect([named('111122223333'), named('self'), named('self', 'other'), named('444455556666')]).toEqual([
    'payments',
    'management',
    null,
    null,
  ])
  expect(nameOfAccount({ account: 'self', monitor: 'production' }, null)).toBeNull()
})

test('the name stands beside the id', () => {
  expect(withName('111122223333', 'payments')).toBe('111122223333 “payments”')
  expect(withName('111122223333', null)).toBe('111122223333')
})

test.for<[unknown, string | null]>([
  ['payments', 'payments'],
  ['  Zahlungen  & \n Löhne\u0007 ', 'Zahlungen & Löhne'],
  ['pay\u202Ements\u2066\u200B\u001B[31m', 'pay ments [31m'],
  ['\uD800 lone', '\uFFFD lone'],
  ['<b>x</b>', '<b>x</b>'],
  ['\u200B \u0000', null],
  ['', null],
  [undefined, null],
  [{ toString: () => 'x' }, null],
  ['😀'.repeat(1_000), '😀'.repeat(MAX_ACCOUNT_NAME)],
])('the name %j is read as %j', ([given, name]) => expect(readName(given)).toBe(name))

test.for<[string, ReturnType<typeof accountOfId>]>([
  ['production/111122223333/ListRegions', { monitor: 'production', account: '111122223333' }],
  ['a/b/self/dynamodb:ListTables@eu-west-1', { monitor: 'a/b', account: 'self' }],
  ['ListRegions', null],
  ['', null],
])('whose account %j asks', ([id, account]) => expect(accountOfId(id)).toEqual(account))
