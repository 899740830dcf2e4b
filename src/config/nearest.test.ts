import { expect, test } from 'vitest'
import { nearest } from './nearest.ts'

const keys = ['schedule', 'timezone', 'to', 'of', 'retryInterval', 'recheckEvery', 'recover']

test.for<[string, string | null]>([
  ['schedul', 'schedule'],
  ['shcedule', 'schedule'],
  ['Timezone', 'timezone'],
  ['retry_interval', 'retryInterval'],
  ['off', 'of'],
  ['tp', 'to'],
  ['recovery', 'recover'],
  ['banana', null],
  ['retryInt', 'retryInterval'],
  ['rec', null],
  ['x'.repeat(10_000), null],
])('%j probably means %j', ([word, meant]) => expect(nearest(word, keys)).toBe(meant))

test('a beginning that several have means none of them', () => {
  expect(nearest('GetAcc', ['GetAccountInformation', 'GetAccessories'])).toBeNull()
  expect(nearest('GetContactInfo', ['GetAccountInformation', 'GetContactInformation'])).toBe('GetContactInformation')
})
