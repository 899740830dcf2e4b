import { describe, expect, test } from 'vitest'
import { readSchedule } from './calendar.ts'
import { meaningOf } from './meaning.ts'
import { clockChangesOf, outlookOf } from './outlook.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

function meaning(expression: string): readonly string[] {
  const reading = readSchedule(expression)
  if (!reading.ok) throw new Error(reading.why)
  return meaningOf(expression, reading.calendar.fields)
}

describe('what an expression means', () => {
  test.for<[string, ...string[]]>([
    ['* * * * *'],
    ['*/5 * * * *'],
    ['0 8 * * 1'],
    ['0 8 1 * *'],
    ['30 0 9 * * 1-5'],
    ['0 0 1 * 1', 'on the 1st of the month, if it is a Monday; both must match'],
    ['0 0 2,3,22 * 1,5', 'on the 2nd, the 3rd and the 22nd of the month, if it is a Monday or a Friday; both must match'],
    ['0 0 29 2 1', 'on the 29th of the month, if it is a Monday; both must match'],
    ['10-5 * * * *', '10-5 wraps around: 56 minutes of each hour, out of 60'],
    ['0 22-6 * * *', '22-6 wraps around: 9 hours of each day, out of 24'],
    ['*/90 * * * *', '*/90 is once each hour, at minute 0'],
    ['*/45 * * * *', '*/45 begins anew each hour: minutes 0 and 45'],
    ['*/7 * * * *', '*/7 begins anew each hour: minutes 0, 7, 14, 21, 28 and 4 more'],
    ['0 */5 * * *', '*/5 begins anew each day: hours 0, 5, 10, 15 and 20'],
    ['0 0 L * *', 'on the last day of the month'],
    ['0 0 LW * ?', 'on the last working day of the month'],
    ['0 0 15W * *', 'on the working day nearest to the 15th of the month'],
    ['0 0 L-3 * *', 'on the last day but 3 of the month'],
    ['0 0 * * 1#2', 'on the 2nd Monday of the month'],
    ['0 0 * * 5L', 'on the last Friday of the month'],
    ['0 0 25 * 5L', 'on the 25th of the month, if it is the last Friday of the month; both must match'],
    ['@daily', '@daily is 0 0 * * *'],
    ['@hourly', '@hourly is 0 * * * *'],
  ])('%s', ([expression, ...expected]) => expect(meaning(expression)).toEqual(expected))
})

describe('what is to be expected', () => {
  const now = Date.UTC(2026, 10, 27, 12)

  test.for<[string, string, string | null, string | null]>([
    ['* * * * *', 'Europe/Berlin', '2026-11-27T12:01:00.000Z', null],
    ['0 0 1 * 1', 'Etc/UTC', '2027-02-01T00:00:00.000Z', 'up to 427d pass between two runs'],
    ['0 0 29 2 1', 'Etc/UTC', '2044-02-29T00:00:00.000Z', 'up to 28 years pass between two runs'],
    ['10-5 * * * *', 'Etc/UTC', '2026-11-27T12:01:00.000Z', 'up to 5m pass between two runs, usually 1m'],
    ['0 8 1 * *', 'Etc/UTC', '2026-12-01T08:00:00.000Z', null],
    ['0 8 1 */2 *', 'Etc/UTC', '2027-01-01T08:00:00.000Z', 'up to 62d pass between two runs'],
    ['*/10 9-17 * * 1-5', 'Etc/UTC', '2026-11-27T12:10:00.000Z', 'up to 2d 15h pass between two runs, usually 10m'],
    ['0 8 * * 1', 'Etc/UTC', '2026-11-30T08:00:00.000Z', null],
  ])('%s in %s', ([expression, zone, next, warning]) => {
    const found = outlookOf(expression, zone, now)
    expect([new Date(found.next ?? 0).toISOString(), found.warning]).toEqual([next, warning])
  })

  test.for<[string, string, string | null, string | null]>([
    ['30 2 * * *', 'Europe/Berlin', '2027-03-28T01:00:00.000Z', '2027-10-31T01:00:00.000Z'],
    ['30 2 * * 0', 'Europe/Berlin', '2027-03-28T01:00:00.000Z', '2027-10-31T01:00:00.000Z'],
    ['30 3 * * *', 'Europe/Berlin', null, null],
    ['40 1 * * *', 'Australia/Lord_Howe', null, '2027-04-03T15:00:00.000Z'],
    ['30 1 * * *', 'America/New_York', null, '2027-11-07T06:00:00.000Z'],
    ['*/5 * * * *', 'Europe/Berlin', null, null],
    ['30 2 * * *', 'Etc/UTC', null, null],
  ])('the clocks of %s in %s', ([expression, zone, skipped, repeated]) => {
    const found = clockChangesOf(expression, zone, now)
    const shown = (at: number | null) => (at === null ? null : new Date(at).toISOString())
    expect([shown(found.skipped), shown(found.repeated)]).toEqual([skipped, repeated])
  })

  test('gaps are those of the wall clock', () => {
    expect(outlookOf('0 8 * * 1-5', 'Europe/Berlin', now)).toMatchObject({ usualGapMs: DAY, longestGapMs: 3 * DAY })
  })
})
