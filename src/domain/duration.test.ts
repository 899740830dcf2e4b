import { expect, test } from 'vitest'
import { inWords, inWordsByClock, utc } from './duration.ts'

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

const at = (clock: string) => Date.parse(`2026-03-02T${clock}Z`)
test.for<[string, string, string]>([
  ['12:10:01', '12:40:00', '30m'],
  ['12:10:59', '12:40:01', '30m'],
  ['12:10:00', '12:40:59', '30m'],
  ['12:10:01', '12:10:21', '20s'],
  ['12:10:50', '12:11:10', '20s'],
  ['12:10:50', '14:30:10', '2h 20m'],
])('from %s to %s is %s by the clock', ([from, to, words]) => expect(inWordsByClock(at(from), at(to))).toBe(words))

test('an instant to the minute, rounded down, with its date', () => {
  expect(utc(Date.UTC(2025, 9, 20, 7, 11, 59, 999))).toBe('2025-10-20 07:11Z')
})
