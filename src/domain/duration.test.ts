import { expect, test } from 'vitest'
import { inWords, utc } from './duration.ts'

const [S, M, H, D] = [1000, 60_000, 3_600_000, 86_400_000]

test.for<[number, string]>([
  [0, '0s'],
  [-5 * S, '0s'],
  [999, '0s'],
  [S, '1s'],
  [59 * S + 999, '59s'],
  [M, '1m'],
  [59 * M + 59 * S, '59m'],
  [H, '1h'],
  [3 * H + 20 * M, '3h 20m'],
  [23 * H + 59 * M + 59 * S, '23h 59m'],
  [D, '1d'],
  [2 * D + 4 * H + 59 * M, '2d 4h'],
  [400 * D, '400d'],
])('%i ms is %s', ([ms, words]) => expect(inWords(ms)).toBe(words))

test('an instant to the minute, rounded down, with its date', () => {
  expect(utc(Date.UTC(2025, 9, 20, 7, 11, 59, 999))).toBe('2025-10-20 07:11Z')
})
