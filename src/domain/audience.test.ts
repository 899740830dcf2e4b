import { expect, test } from 'vitest'
import { selfAlertRecipients } from './audience.ts'
import type { Recipient } from './policy.ts'

const NOW = null
const LATER = 30 * 60_000
const one = (name: string, afterMs: number | null, selfAlerts?: boolean): Recipient => ({
  ...{ name, to: [`${name}@example.com`], afterMs },
  ...(selfAlerts === undefined ? {} : { selfAlerts }),
})

test.for<[string, readonly Recipient[], readonly string[]]>([
  ['those without `after`', [one('a', LATER), one('b', NOW), one('c', NOW)], ['b', 'c']],
  ['all, where each has one', [one('a', LATER), one('b', LATER)], ['a', 'b']],
  ['not those with `selfAlerts: false`', [one('a', NOW), one('b', NOW, false)], ['a']],
  ['those with `selfAlerts: true`, whatever their `after`', [one('a', LATER, true), one('b', NOW)], ['a', 'b']],
  ['only those with `selfAlerts: true`, if all others have `after`', [one('a', LATER, true), one('b', LATER)], ['a']],
  ['those with `after`, where all others say no', [one('a', LATER), one('b', NOW, false)], ['a']],
  ['all that are left, if there is nobody else: never nobody', [one('a', NOW, false), one('b', LATER, false)], ['a', 'b']],
])('what belongs to no monitor goes to %s', ([, recipients, names]) =>
  expect(selfAlertRecipients(recipients).map(({ name }) => name)).toEqual(names),
)
