import { describe, expect, test } from 'vitest'
import { type Fire, type Planner, plannerOf } from './planner.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

const shown = ({ at, why }: Fire) => `${new Date(at).toISOString().slice(5, 16)}Z${why === 'named' ? '' : ` ${why}`}`

/** All fires after `from` and not after `to`, walked forwards; backwards, and from any moment in between, they have to be the same. */
function fires({ next, last }: Planner, from: number, to: number): readonly Fire[] {
  const forwards: Fire[] = []
  for (let fire = next(from); fire !== null && fire.at <= to; fire = next(fire.at)) forwards.push(fire)
  const backwards: Fire[] = []
  for (let fire = last(from, to); fire !== null; fire = last(from, fire.at - 1)) backwards.unshift(fire)
  expect(backwards).toEqual(forwards)
  for (let at = from; at < to; at += 7 * 60_000) {
    const coming = forwards.find((fire) => fire.at > at) ?? null
    const gone = forwards.findLast((fire) => fire.at <= at) ?? null
    expect([coming === null ? null : next(at), last(from, at)]).toEqual([coming, gone])
  }
  return forwards
}

/** A schedule, its zone, and what it fires in the six hours around a change of its clocks. */
type Night = readonly [string, string, readonly string[]]

function night(change: string, cases: readonly Night[]): void {
  test.for(cases)(`%s in %s, when the clocks are set at ${change}`, ([expression, zone, expected]) => {
    const at = Date.parse(`${change}Z`)
    expect(fires(plannerOf(expression, zone), at - 3 * HOUR, at + 3 * HOUR).map(shown)).toEqual(expected)
  })
}

describe('less often than hourly: once for each time that is named', () => {
  describe('a repeated hour, the first time', () => {
    night('2026-10-25T01:00', [
      ['30 2 * * *', 'Europe/Berlin', ['10-25T00:30Z']],
      ['0 2 * * *', 'Europe/Berlin', ['10-25T00:00Z']],
      ['0 3 * * *', 'Europe/Berlin', ['10-25T02:00Z']],
      ['59 2 * * 0', 'Europe/Berlin', ['10-25T00:59Z']],
      ['30 1-3 * * *', 'Europe/Berlin', ['10-24T23:30Z', '10-25T00:30Z', '10-25T02:30Z']],
      ['*/30 0 * * *', 'Europe/Berlin', ['10-24T22:30Z']],
      ['30 2 * * 1', 'Europe/Berlin', []],
      ['30 59 2 * * *', 'Europe/Berlin', ['10-25T00:59Z']],
    ])
    night('2026-11-01T06:00', [['30 1 * * *', 'America/New_York', ['11-01T05:30Z']]])
    night('2026-04-04T15:00', [
      ['40 1 * * *', 'Australia/Lord_Howe', ['04-04T14:40Z']],
      ['20 1 * * *', 'Australia/Lord_Howe', ['04-04T14:20Z']],
      ['0 2 * * *', 'Australia/Lord_Howe', ['04-04T15:30Z']],
    ])
    night('2026-04-05T03:00', [
      ['59 23 * * 6', 'America/Santiago', ['04-05T02:59Z']],
      ['@daily', 'America/Santiago', ['04-05T04:00Z']],
    ])
    night('2026-10-25T01:00', [['30 0,1,2 * * *', 'Antarctica/Troll', ['10-24T22:30Z', '10-24T23:30Z', '10-25T00:30Z']]])
  })

  describe('a skipped hour, at the first instant after it', () => {
    night('2026-03-29T01:00', [
      ['30 2 * * *', 'Europe/Berlin', ['03-29T01:00Z skipped']],
      ['30 2 * * 0', 'Europe/Berlin', ['03-29T01:00Z skipped']],
      ['0 3 * * *', 'Europe/Berlin', ['03-29T01:00Z']],
      ['10,30,50 2 * * *', 'Europe/Berlin', ['03-29T01:00Z skipped']],
      ['0 2,3 * * *', 'Europe/Berlin', ['03-29T01:00Z']],
      ['30 1-3 * * *', 'Europe/Berlin', ['03-29T00:30Z', '03-29T01:00Z skipped', '03-29T01:30Z']],
      ['30 1,2 * * *', 'Antarctica/Troll', ['03-29T01:00Z skipped']],
      ['30 2 * * *', 'Europe/London', ['03-29T01:30Z']],
      ['30 1 * * *', 'Europe/London', ['03-29T01:00Z skipped']],
    ])
    night('2026-10-03T15:30', [['15 2 * * *', 'Australia/Lord_Howe', ['10-03T15:30Z skipped']]])
    night('2026-04-23T22:00', [
      ['@daily', 'Africa/Cairo', ['04-23T22:00Z skipped']],
      ['0 0 24 4 5', 'Africa/Cairo', ['04-23T22:00Z skipped']],
      ['0 0 * * 4', 'Africa/Cairo', []],
    ])
    night('2026-09-06T04:00', [['30 0 * * 0', 'America/Santiago', ['09-06T04:00Z skipped']]])
    night('2026-09-26T14:00', [['45 2 * * *', 'Pacific/Chatham', ['09-26T14:00Z skipped']]])
    night('2026-03-22T02:00', [['30 2 * * *', 'Africa/Casablanca', ['03-22T02:00Z skipped']]])
  })

  test('a day that was skipped is made up for as well', () => {
    const { next } = plannerOf('0 12 * * *', 'Pacific/Apia')
    const at = Date.parse('2011-12-30T10:00Z')
    expect(next(at - 1)).toEqual({ at, why: 'skipped' })
  })
})

describe('at least hourly: whenever the clock shows a named time, and never a pause', () => {
  const each = (from: string, minutes: number, many: number) =>
    Array.from({ length: many }, (_, n) => shown({ at: Date.parse(`${from}Z`) + n * minutes * 60_000, why: 'named' }))

  night('2026-10-25T01:00', [
    ['*/30 * * * *', 'Europe/Berlin', each('2026-10-24T22:30', 30, 12)],
    ['30 * * * *', 'Europe/Berlin', each('2026-10-24T22:30', 60, 6)],
    ['*/5 * * * *', 'Antarctica/Troll', each('2026-10-24T22:05', 5, 72)],
  ])
  night('2026-11-01T06:00', [['30 * * * *', 'America/New_York', each('2026-11-01T03:30', 60, 6)]])
  night('2026-04-04T16:30', [['*/5 * * * *', 'Australia/Adelaide', each('2026-04-04T13:35', 5, 72)]])
  night('2026-03-29T01:00', [['@hourly', 'Europe/Berlin', each('2026-03-28T23:00', 60, 6)]])

  const lordHowe = (minute: string, ...expected: string[]): Night => [`${minute} * * * *`, 'Australia/Lord_Howe', expected]
  night('2026-10-03T15:30', [
    lordHowe(
      '15',
      '10-03T12:45Z',
      '10-03T13:45Z',
      '10-03T14:45Z',
      '10-03T15:30Z pause',
      '10-03T16:15Z',
      '10-03T17:15Z',
      '10-03T18:15Z',
    ),
    lordHowe('45', '10-03T13:15Z', '10-03T14:15Z', '10-03T15:15Z', '10-03T15:45Z', '10-03T16:45Z', '10-03T17:45Z'),
    lordHowe(
      '30',
      '10-03T13:00Z',
      '10-03T14:00Z',
      '10-03T15:00Z',
      '10-03T15:30Z',
      '10-03T16:30Z',
      '10-03T17:30Z',
      '10-03T18:30Z',
    ),
  ])
  night('2026-04-04T15:00', [
    lordHowe(
      '15',
      '04-04T12:15Z',
      '04-04T13:15Z',
      '04-04T14:15Z',
      '04-04T15:00Z pause',
      '04-04T15:45Z',
      '04-04T16:45Z',
      '04-04T17:45Z',
    ),
    lordHowe('45', '04-04T12:45Z', '04-04T13:45Z', '04-04T14:45Z', '04-04T15:15Z', '04-04T16:15Z', '04-04T17:15Z'),
  ])
})

test('without changes of the clocks a zone is but an offset', () => {
  const noon = Date.UTC(2026, 10, 22, 12)
  expect(fires(plannerOf('5 9,18 * * *', 'Asia/Kathmandu'), noon, noon + DAY).map(shown)).toEqual([
    '11-22T12:20Z',
    '11-23T03:20Z',
  ])
})

test.for<[string, string, string | null, string | null]>([
  ['0 8 * * 1', '2026-11-23T08:00:00Z', '2026-11-23T08:00Z', '2026-11-30T08:00Z'],
  ['0 0 1 * *', '2026-03-31T23:59:00Z', '2026-03-01T00:00Z', '2026-04-01T00:00Z'],
  ['0 0 1 1 *', '2026-06-01T00:00:00Z', '2026-01-01T00:00Z', '2027-01-01T00:00Z'],
  ['0 0 29 2 1', '2026-06-01T00:00:00Z', '2016-02-29T00:00Z', '2044-02-29T00:00Z'],
  ['0 0 1 * 1', '2026-11-27T00:00:00Z', '2026-06-01T00:00Z', '2027-02-01T00:00Z'],
  ['10,40 * * * * *', '2026-11-23T08:00:50Z', '2026-11-23T08:00Z', '2026-11-23T08:01Z'],
])('%s at %s: last due at %s, next at %s', ([expression, now, last, next]) => {
  const planner = plannerOf(expression, 'Etc/UTC')
  const minute = (fire: Fire | null) => (fire === null ? null : `${new Date(fire.at).toISOString().slice(0, 16)}Z`)
  expect([minute(planner.last(0, Date.parse(now))), minute(planner.next(Date.parse(now)))]).toEqual([last, next])
})

test('the last fire is after `from` and not after `to`', () => {
  const { last } = plannerOf('0 8 * * *', 'Europe/Berlin')
  const at = Date.parse('2026-11-23T07:00Z')
  expect([last(at - 1, at), last(at, at + DAY - 1), last(at - DAY, at - 1), last(at, at), last(at, at - 1)]).toEqual([
    { at, why: 'named' },
    null,
    null,
    null,
    null,
  ])
})

test('a clock that stands anywhere has an answer', () => {
  for (const at of [-8.64e15, -1e13, 0, 1e14, 8.64e15, Number.NaN]) {
    for (const expression of ['* * * * *', '30 2 * * *']) {
      const { next, last } = plannerOf(expression, 'America/New_York')
      const [coming, gone] = [next(at), last(at - DAY, at)]
      if (Math.abs(at) < 8e15) expect([(coming?.at ?? 0) > at, (gone?.at ?? 0) <= at]).toEqual([true, true])
      else expect([coming, gone]).toEqual([null, null])
    }
  }
})

test('what is no schedule, or no zone, is an error', () => {
  expect(() => plannerOf('whenever', 'Etc/UTC')).toThrow('whenever is no schedule')
  expect(() => plannerOf('* * * * *', 'Mars/Olympus')).toThrow(RangeError)
})
