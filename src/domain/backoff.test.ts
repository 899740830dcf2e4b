import { expect, test } from 'vitest'
import { backoffMs, MAX_BACKOFF_MS, throttlePauseMs } from './backoff.ts'

test.for<[string, number, number, number, number]>([
  ['after the first try all of the base at most', 0, 1_000, 1, 1_000],
  ['and half of it at least', 0, 1_000, 0, 500],
  ['doubled after the second', 1, 1_000, 1, 2_000],
  ['and again after the third', 2, 1_000, 0.5, 3_000],
  ['a base of nothing stays nothing', 5, 0, 1, 0],
  ['never longer than the maximum, a hundred failures in', 100, 1_000, 1, MAX_BACKOFF_MS],
  ['a random number out of range changes nothing', 0, 1_000, 7, 1_000],
])('%s', ([, attempt, base, random, expected]) => expect(backoffMs(attempt, base, random)).toBe(expected))

test('between tries of a call that is throttled the pause is doubled, up to four seconds', () => {
  expect([1, 2, 3, 4, 5, 100].map((tries) => throttlePauseMs(tries))).toEqual([1_000, 2_000, 4_000, 4_000, 4_000, 4_000])
  expect(throttlePauseMs(3, 1)).toBe(4)
})
