import { createTask } from 'node-cron'
import { expect, test } from 'vitest'
import { changesClocks, isTimezone, lastFireOf, readSchedule } from './schedule.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

test.for<[string, number, number]>([
  ['* * * * *', MINUTE, MINUTE],
  ['* * * * * *', SECOND, SECOND],
  ['*/20 * * * * *', 20 * SECOND, 20 * SECOND],
  ['*/7 * * * *', 4 * MINUTE, 7 * MINUTE],
  ['0 9-17 * * *', HOUR, 16 * HOUR],
  ['0 9-17 * * 1-5', HOUR, 64 * HOUR],
  ['0 8 * * 1', 7 * DAY, 7 * DAY],
  ['0 8 * * 7', 7 * DAY, 7 * DAY],
  ['@hourly', HOUR, HOUR],
  ['0 0 L * *', 28 * DAY, 31 * DAY],
  ['0 0 31 * *', 31 * DAY, 61 * DAY],
  ['0 0 * * 1#2', 28 * DAY, 35 * DAY],
  ['0 0 29 2 *', 1461 * DAY, 1461 * DAY],
  ['0 0 29 2 1', 28 * 365.25 * DAY, 28 * 365.25 * DAY],
])('%s fires every %i to %i ms', ([expression, shortestMs, longestMs]) => {
  expect(readSchedule(expression)).toEqual({ ok: true, gaps: { shortestMs, longestMs } })
})

test.for<[string, RegExp]>([
  ['0 0 30 2 *', /impossible day/],
  ['0 0 L-30 2 *', /never fires/],
  ['61 * * * *', /minute/],
  ['* * * *', /5 or 6 fields/],
  ['', /./],
  ['* * * * * * *', /5 or 6 fields/],
  [`${'1,'.repeat(600)}1 * * * *`, /longer than/],
])('%j is refused', ([expression, why]) => {
  const read = readSchedule(expression)
  expect(read.ok ? 'taken' : read.why).toMatch(why)
})

test("node-cron's own next runs keep the gaps", () => {
  for (const expression of ['*/7 * * * *', '5,50 8-18/3 * * 1-5', '0 0 15W * *', '30 30 6 1,15 * *']) {
    const read = readSchedule(expression)
    const task = createTask(expression, () => undefined, { timezone: 'Etc/UTC' })
    const runs = task.getNextRuns(60).map((date) => date.getTime())
    void task.destroy()
    const gaps = runs.slice(1).map((at, index) => at - (runs[index] ?? 0))
    expect(read).toMatchObject({ ok: true })
    if (!read.ok) continue
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(read.gaps.shortestMs)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(read.gaps.longestMs)
  }
})

test.for<[string, boolean, boolean]>([
  ['Etc/UTC', true, false],
  ['UTC', true, false],
  ['Europe/Berlin', true, true],
  ['America/New_York', true, true],
  ['Asia/Kolkata', true, false],
  ['Europe/Berln', false, false],
  ['+01:00', false, false],
  ['', false, false],
])('time zone %j: known %j, with summer time %j', ([name, known, summer]) => {
  expect(isTimezone(name)).toBe(known)
  if (known) expect(changesClocks(name, Date.UTC(2026, 10, 22))).toBe(summer)
})

test.for<[string, string, string, string, string, string | null]>([
  ['a weekly one, a week later', '0 8 * * 1', 'Etc/UTC', '2026-11-16T08:00:00Z', '2026-11-23T08:00:00Z', '2026-11-23T08:00:00Z'],
  ['from is not in it', '0 8 * * 1', 'Etc/UTC', '2026-11-16T08:00:00Z', '2026-11-23T07:59:59Z', null],
  ['the latest of several', '0 8 * * *', 'Etc/UTC', '2026-11-01T00:00:00Z', '2026-11-23T07:00:00Z', '2026-11-22T08:00:00Z'],
  ['of a zone', '0 8 * * 1', 'Asia/Kathmandu', '2026-11-22T00:00:00Z', '2026-11-23T09:00:00Z', '2026-11-23T02:15:00Z'],
  ['with seconds', '10,40 * * * * *', 'Etc/UTC', '2026-11-23T08:00:00Z', '2026-11-23T08:00:50Z', '2026-11-23T08:00:40Z'],
  [
    'in the hour that comes twice: the first',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-10-24T12:00:00Z',
    '2026-10-25T12:00:00Z',
    '2026-10-25T00:30:00Z',
  ],
  ['a monthly one', '0 0 1 * *', 'Etc/UTC', '2020-01-01T00:00:00Z', '2026-03-31T23:59:00Z', '2026-03-01T00:00:00Z'],
  ['too long ago', '0 0 1 1 *', 'Etc/UTC', '2020-01-01T00:00:00Z', '2026-06-01T00:00:00Z', null],
  ['none that can be read', 'nonsense', 'Etc/UTC', '2020-01-01T00:00:00Z', '2026-06-01T00:00:00Z', null],
])('the last fire of %s', ([, cron, zone, from, to, fire]) => {
  const found = lastFireOf(cron, zone)(Date.parse(from), Date.parse(to))
  expect(found === null ? null : new Date(found).toISOString().replace('.000', '')).toBe(fire)
})
