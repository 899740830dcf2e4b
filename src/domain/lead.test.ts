import { expect, test } from 'vitest'
import { inWordsByClock } from './duration.ts'
import { leadMinutesOf, leadWords } from './lead.ts'

const at = (clock: string) => Date.parse(`2026-03-02T${clock}Z`)

test.for<[string, string, number, string]>([
  ['12:00:25', '12:02:00', 2, '2 min after our first failure'],
  ['12:00:05', '12:01:40', 1, '1 min after our first failure'],
  ['12:00:55', '12:01:05', 1, '1 min after our first failure'],
  ['12:00:05', '12:00:55', 0, 'in the minute of our first failure'],
  ['12:05:10', '11:58:50', -7, '7 min before our first failure'],
])('first failed at %s and posted at %s: %i, as the clock shows it', ([onset, posted, minutes, words]) => {
  expect(leadMinutesOf(at(posted), at(onset))).toBe(minutes)
  expect(leadWords(minutes)).toBe(words)
})

test('a lead is the same number as the span between the two', () => {
  for (const [from, to] of [
    ['12:00:25', '12:02:00'],
    ['12:00:05', '12:01:40'],
    ['12:10:01', '12:40:00'],
  ] as const)
    expect(inWordsByClock(at(from), at(to))).toBe(`${leadMinutesOf(at(to), at(from))}m`)
})
