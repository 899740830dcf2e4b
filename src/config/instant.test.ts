import { expect, test } from 'vitest'
import { instantOf } from './instant.ts'

test.for<[string, string]>([
  ['2028-02-29T12:00:00Z', '2028-02-29T12:00:00.000Z'],
  ['2026-03-29T02:30+01:00', '2026-03-29T01:30:00.000Z'],
  ['2026-12-31T24:00:00Z', '2027-01-01T00:00:00.000Z'],
])('%s is a time', ([given, expected]) => {
  expect(new Date(instantOf(given) ?? Number.NaN).toISOString()).toBe(expected)
})

test.for([
  '2027-02-29T12:00:00Z',
  '2026-02-30T00:00:00+01:00',
  '2026-11-31T10:00Z',
  '2026-13-01T00:00:00Z',
  '2026-12-00T00:00:00Z',
  '2026-12-01T25:00:00Z',
  '2026-12-01T22:00:00+99:00',
  '2026-12-01T22:00:00',
  '2026-12-01',
])('%s is none', (given) => {
  expect(instantOf(given)).toBeNull()
})
