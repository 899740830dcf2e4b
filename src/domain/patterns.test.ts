import { expect, test } from 'vitest'
import { HOUR, incident, MIN, member, monitor, NOON, run } from '../../test/given.ts'
import type { Incident, Member } from './incident.ts'
import { incidentPatterns, MAX_COUNTED, patternsOf, standsOut, watchedBy } from './patterns.ts'

const DAY = 24 * HOUR
/** A Tuesday. */
const SIX = NOON - 6 * HOUR

const failing = (onset: number, changes: Partial<Member> = {}): Member =>
  member({ onset, evidence: [run('p', onset, 'internal')], ...changes })
const one = (id: string, members: readonly Member[], changes: Partial<Incident> = {}) =>
  incidentPatterns(incident({ id, members, ...changes }))
const MANY = { operations: 2, accounts: 2 }

test('failures are counted by hour, day, endpoint, operation, account, error and explanation', () => {
  const patterns = patternsOf([
    one('a', [failing(SIX), failing(SIX + MIN, { operation: 'ListRegions', account: '444455556666' })]),
    one('b', [failing(SIX + 7 * DAY, { evidence: [run('p', SIX, 'sts', 'us-west-2')] })]),
    one('c', [failing(NOON + DAY, { evidence: [run('p', NOON, 'denied')] })], { family: 'misconfigured' }),
    one('d', [failing(NOON)], { family: 'blind' }),
    one('e', [], { family: 'offline' }),
  ])
  expect(patterns).toMatchObject({ incidents: 3, failures: 4, from: SIX, to: SIX + 7 * DAY })
  expect(patterns.hours.map((n, hour) => [hour, n]).filter(([, n]) => n !== 0)).toEqual([
    [6, 3],
    [12, 1],
  ])
  expect(patterns.weekdays).toEqual([0, 3, 1, 0, 0, 0, 0])
  const named = (counts: typeof patterns.errors) => counts.map(({ name, failures, incidents }) => [name, failures, incidents])
  expect(named(patterns.endpoints)).toEqual([
    ['ACCOUNT in us-east-1', 3, 2],
    ['STS in us-west-2', 1, 1],
  ])
  expect(named(patterns.operations)).toEqual([
    ['GetContactInformation', 3, 3],
    ['ListRegions', 1, 1],
  ])
  expect(named(patterns.accounts)).toEqual([
    ['111122223333', 3, 3],
    ['444455556666', 1, 1],
  ])
  expect(named(patterns.errors)).toEqual([
    ['internalException (HTTP 500)', 3, 2],
    ['deniedException (HTTP 403)', 1, 1],
  ])
  expect(named(patterns.explanations)).toEqual([['none (undetermined)', 4, 3]])
})

test('nothing is nothing', () => {
  const patterns = patternsOf([])
  expect(patterns).toMatchObject({ incidents: 0, failures: 0, from: null, to: null, errors: [] })
  expect(standsOut(patterns, MANY)).toEqual([])
})

test('what is counted has an end', () => {
  const members = Array.from({ length: 500 }, (_, i) => failing(NOON, { account: String(i) }))
  expect(patternsOf([one('a', members)]).accounts).toHaveLength(MAX_COUNTED)
})

test.for<[string, readonly Member[], Readonly<{ operations: number; accounts: number }>, readonly string[]]>([
  ['two of anything are no pattern', [failing(SIX), failing(SIX)], MANY, []],
  [
    'one hour, one day, one operation, one account, one error',
    [failing(SIX), failing(SIX + 20 * MIN), failing(SIX + 7 * DAY + 40 * MIN)],
    MANY,
    [
      '3 of 3 failures began between 06:00 and 07:00 UTC',
      '3 of 3 failures began on a Tue (UTC)',
      '3 of 3 failures are of operation GetContactInformation',
      '3 of 3 failures are of account 111122223333',
      '3 of 3 failures ended with internalException (HTTP 500)',
    ],
  ],
  [
    'about an hour that the clock divides, over midnight too',
    [
      failing(NOON + 11 * HOUR),
      failing(NOON + 36 * HOUR + 5 * MIN),
      failing(NOON + 35 * HOUR),
      failing(NOON + 12 * HOUR),
      failing(NOON + 3 * DAY),
    ],
    { operations: 1, accounts: 1 },
    ['4 of 5 failures began between 23:00 and 01:00 UTC', '5 of 5 failures ended with internalException (HTTP 500)'],
  ],
  [
    'what is the only one that is watched is not said',
    [failing(SIX), failing(NOON), failing(NOON + 6 * HOUR + DAY), failing(NOON + 3 * DAY)],
    { operations: 1, accounts: 1 },
    ['4 of 4 failures ended with internalException (HTTP 500)'],
  ],
])('%s', ([, members, watched, lines]) => expect(standsOut(patternsOf([one('a', members)]), watched)).toEqual(lines))

test('what is watched is counted by operation and account', () => {
  const { probes } = monitor({
    accounts: ['self', '111122223333'],
    operations: ['ListRegions', 'GetAccountInformation', 'GetContactInformation'],
  })
  expect(watchedBy(probes)).toEqual({ operations: 3, accounts: 2 })
})
