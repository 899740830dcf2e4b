import fc from 'fast-check'
import { expect, test } from 'vitest'
import { durationText, parseDuration } from './duration.ts'

test.for<[string, number | null]>([
  ['250ms', 250],
  ['30s', 30_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['2d', 172_800_000],
  ['400d', 34_560_000_000],
  ['0s', 0],
  ['1m250ms', 60_250],
  ['', null],
  ['30', null],
  ['s', null],
  ['1.5h', null],
  ['-1s', null],
  ['30m1h', null],
  ['5m5m', null],
  ['5 m', null],
  ['5M', null],
  ['9999999d', null],
])('%j is %j', ([text, ms]) => expect(parseDuration(text)).toBe(ms))

test('a formatted duration parses to the same value', () => {
  fc.assert(
    fc.property(fc.nat({ max: 400 * 86_400_000 }), (ms) => {
      expect(parseDuration(durationText(ms))).toBe(ms)
    }),
  )
})
