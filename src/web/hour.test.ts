import { expect, test } from 'vitest'
import type { StripMark } from '../domain/notification.ts'
import { HOUR_MS, MINUTE_MS } from '../domain/probe.ts'
import { hourOf } from './hour.ts'

const NOW = Date.UTC(2026, 10, 22, 12, 4, 33)
/** A run that many minutes ago. */
const run = (minutesAgo: number, mark: StripMark['mark'] = 'ok', ms = 200): StripMark => ({
  at: NOW - minutesAgo * MINUTE_MS,
  ms,
  mark,
})

test.for<[string, readonly StripMark[], string]>([
  ['no run at all', [], 'Last hour: 60 minutes without a run.'],
  ['one ok run', [run(0)], 'Last hour: 1 minute ok, 59 minutes without a run; median run 200ms, longest 200ms.'],
  [
    'a minute is shown by its worst run, whichever came first',
    [run(1, 'failed', 6_100), run(1, 'ok'), run(2, 'ok'), run(2, 'inconclusive')],
    'Last hour: 1 minute with failed runs, the latest at 12:03 UTC, 1 minute inconclusive, 58 minutes without a run; median run 200ms, longest 6.1s.',
  ],
  ['runs older than an hour or in the future are left out', [run(61), run(-2)], 'Last hour: 60 minutes without a run.'],
])('%s', ([, marks, said]) => expect(hourOf(marks, NOW).said).toBe(said))

test('sixty minutes, the present one last, each with its longest run', () => {
  const hour = hourOf([run(0, 'ok', 100), run(0, 'ok', 900), run(59, 'failed', 5)], NOW)
  expect(hour.minutes).toHaveLength(HOUR_MS / MINUTE_MS)
  expect([hour.minutes[0], hour.minutes[59], hour.longestMs[59], hour.longestMs[58]]).toEqual(['failed', 'ok', 900, null])
  expect([hour.from, hour.to]).toEqual(['11:05 UTC', '12:04 UTC'])
})
