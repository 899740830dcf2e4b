import { expect, test } from 'vitest'
import { isTimezone, zoneOf } from './zone.ts'

test.for<[string, boolean]>([
  ['Etc/UTC', true],
  ['UTC', true],
  ['Europe/Berlin', true],
  ['Europe/Berln', false],
  ['+01:00', false],
  ['', false],
])('time zone %j: known %j', ([name, known]) => expect(isTimezone(name)).toBe(known))

const changes = (zone: string, from: string, to: string) =>
  zoneOf(zone)
    .changes(Date.parse(from), Date.parse(to))
    .map(({ at, before, after }) => [new Date(at).toISOString(), before / 60_000, after / 60_000])

test.for<[string, string, string, number, number]>([
  ['Europe/Berlin', '2026', '2026-03-29T01:00:00.000Z', 60, 120],
  ['Europe/Berlin', '2026', '2026-10-25T01:00:00.000Z', 120, 60],
  ['America/New_York', '2026', '2026-11-01T06:00:00.000Z', -240, -300],
  ['Australia/Lord_Howe', '2026', '2026-04-04T15:00:00.000Z', 660, 630],
  ['Australia/Adelaide', '2026', '2026-04-04T16:30:00.000Z', 630, 570],
  ['Pacific/Chatham', '2026', '2026-04-04T14:00:00.000Z', 825, 765],
  ['Antarctica/Troll', '2026', '2026-03-29T01:00:00.000Z', 0, 120],
  ['Africa/Casablanca', '2026', '2026-02-15T02:00:00.000Z', 60, 0],
  ['America/Santiago', '2026', '2026-09-06T04:00:00.000Z', -240, -180],
  ['Pacific/Apia', '2011', '2011-12-30T10:00:00.000Z', -600, 840],
])('%s, %s: the clocks are set at %s from %i to %i minutes', ([zone, year, at, before, after]) => {
  expect(changes(zone, `${year}-01-01T00:00Z`, `${year}-12-31T23:59Z`)).toContainEqual([at, before, after])
})

test('both ends count, and the offset changes at the very instant', () => {
  const at = Date.parse('2026-10-25T01:00:00Z')
  const { changes, offset, wall } = zoneOf('Europe/Berlin')
  expect([changes(at, at), changes(at + 1, at + 1), changes(at - 1, at - 1)].map((found) => found.length)).toEqual([1, 0, 0])
  expect([offset(at - 1), offset(at)]).toEqual([7_200_000, 3_600_000])
  expect(wall(at)).toBe(Date.UTC(2026, 9, 25, 2))
})

test('in whatever order days are asked for, they say the same', () => {
  const days = Array.from({ length: 400 }, (_, day) => Date.UTC(2026, 0, 1 + day, 12))
  // Two names of the same clocks: a zone remembers what it has been asked for.
  const forwards = days.map(zoneOf('Africa/Casablanca').offset)
  const backwards = days.toReversed().map(zoneOf('Africa/El_Aaiun').offset)
  expect(backwards.toReversed()).toEqual(forwards)
})

test('a zone that never sets its clocks has no changes', () => {
  expect(changes('Asia/Kathmandu', '2025-01-01', '2028-12-31')).toEqual([])
  expect(zoneOf('Asia/Kathmandu').offset(0)).toBe(5.5 * 3_600_000)
})
