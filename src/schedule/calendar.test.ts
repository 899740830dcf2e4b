import { createTask, getTasks } from 'node-cron'
import { describe, expect, test } from 'vitest'
import { type Calendar, readSchedule } from './calendar.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

function calendarOf(expression: string): Calendar {
  const reading = readSchedule(expression)
  if (!reading.ok) throw new Error(reading.why)
  return reading.calendar
}

test.for<[string, number, number, number]>([
  ['* * * * *', MINUTE, MINUTE, MINUTE],
  ['* * * * * *', SECOND, SECOND, SECOND],
  ['*/20 * * * * *', 20 * SECOND, 20 * SECOND, 20 * SECOND],
  ['*/7 * * * *', 4 * MINUTE, 7 * MINUTE, 7 * MINUTE],
  ['10-5 * * * *', MINUTE, 5 * MINUTE, MINUTE],
  ['*/90 * * * *', HOUR, HOUR, HOUR],
  ['0 9-17 * * *', HOUR, 16 * HOUR, HOUR],
  ['0 9-17 * * 1-5', HOUR, 64 * HOUR, HOUR],
  ['0 8,12 * * *', 4 * HOUR, 20 * HOUR, 4 * HOUR],
  ['0 8 * * 1', 7 * DAY, 7 * DAY, 7 * DAY],
  ['0 8 * * 7', 7 * DAY, 7 * DAY, 7 * DAY],
  ['0 8 * * 1-5', DAY, 3 * DAY, DAY],
  ['@hourly', HOUR, HOUR, HOUR],
  ['0 0 L * *', 28 * DAY, 31 * DAY, 31 * DAY],
  ['0 0 31 * *', 31 * DAY, 61 * DAY, 61 * DAY],
  ['0 0 * * 1#2', 28 * DAY, 35 * DAY, 28 * DAY],
  ['0 0 29 2 *', 1461 * DAY, 1461 * DAY, 1461 * DAY],
  ['0 0 29 2 1', 28 * 365.25 * DAY, 28 * 365.25 * DAY, 28 * 365.25 * DAY],
])('the gaps of %s are %i to %i ms, usually %i', ([expression, shortestMs, longestMs, usualMs]) => {
  expect(calendarOf(expression).gaps).toEqual({ shortestMs, longestMs, usualMs })
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

/** Without changes of the clocks there is one right answer, and node-cron has it. */
describe.for([
  '*/7 * * * *',
  '10-5 22-2 * * *',
  '5,50 8-18/3 * * 1-5',
  '0 0 15W * *',
  '0 0 LW * *',
  '0 12 L-3 * *',
  '0 0 * * 5L',
  '0 9 * * fri-mon',
  '0 0 1 * 1',
  '0 0 1,15 NOV-FEB 1#1',
  '30 30 6 1,15 * *',
  '*/25 59 23 31 12 *',
])('%s', (expression) => {
  const task = createTask(expression, () => undefined, { timezone: 'Etc/UTC' })
  void task.destroy()
  const theirs = task.getNextRuns(60).map((date) => date.getTime())
  const calendar = calendarOf(expression)

  test('names what node-cron fires at, walked forwards and backwards', () => {
    const first = theirs[0] ?? 0
    const last = theirs.at(-1) ?? 0
    const forwards: number[] = []
    for (let at = calendar.from(first); at !== null && at <= last; at = calendar.from(at + 1)) forwards.push(at)
    expect(forwards).toEqual(theirs)
    const backwards: number[] = []
    for (let at = calendar.upTo(last, first); at !== null; at = calendar.upTo(at - 1, first)) backwards.unshift(at)
    expect(backwards).toEqual(theirs)
  })

  test('has no gap outside of its gaps', () => {
    const gaps = theirs.slice(1).map((at, index) => at - (theirs[index] ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(calendar.gaps.shortestMs)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(calendar.gaps.longestMs)
  })
})

test('a named time is found from itself, and not a millisecond off', () => {
  const { from, upTo, names } = calendarOf('30 2 * * *')
  const at = Date.UTC(2026, 9, 25, 2, 30)
  expect([from(at), from(at + 1), upTo(at, at), upTo(at - 1, at - DAY), upTo(at - 1, at - DAY + 1)]).toEqual([
    at,
    at + DAY,
    at,
    at - DAY,
    null,
  ])
  expect([names(at), names(at + 1), names(at - 1)]).toEqual([true, false, false])
})

test('a 29 February on a Sunday is found across 2100, which is no leap year', () => {
  expect(calendarOf('0 0 29 2 0').from(Date.UTC(2088, 2, 1))).toBe(Date.UTC(2128, 1, 29))
})

test('nothing is left behind in node-cron', () => {
  calendarOf('0 0 15W * *')
  expect(getTasks().size).toBe(0)
})
