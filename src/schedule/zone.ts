import { Memo } from '../domain/memo.ts'
import { DAY_MS, type Instant } from '../domain/probe.ts'
import type { WallTime } from './calendar.ts'

/** The clocks of a zone are set: ahead if `after` is the greater one. Offsets are milliseconds ahead of UTC. */
export type Change = Readonly<{ at: Instant; before: number; after: number }>

export type Zone = Readonly<{
  /** What a clock on the wall shows. */
  wall: (at: Instant) => WallTime
  offset: (at: Instant) => number
  /** The changes from `from` to `to`, both included, in their order. */
  changes: (from: Instant, to: Instant) => readonly Change[]
}>

/** Whether the runtime knows a time zone by this IANA name. */
export function isTimezone(name: string): boolean {
  if (!/^[A-Za-z][\w+/-]{0,63}$/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

const known = new Memo<string, Zone>(500)
/** Days of which a zone remembers whether its clocks are set. */
const MAX_DAYS = 4_000

/** @throws {RangeError} if the runtime knows no such zone. */
export function zoneOf(name: string): Zone {
  return known.of(name, () => zoneAfresh(name))
}

/** One day of UTC: its offset at its beginning, and the change in it, if there is one. */
type Day = Readonly<{ offset: number; change: Change | null }>

function zoneAfresh(name: string): Zone {
  const read = offsetReader(name)
  const days = new Map<number, Day>()

  function dayOf(at: Instant): Day {
    const day = Math.floor(at / DAY_MS)
    const before = days.get(day)
    if (before !== undefined) return before
    if (days.size >= MAX_DAYS) days.clear()
    const from = { at: day * DAY_MS, offset: offsetAfter(days.get(day - 1)) ?? read(day * DAY_MS) }
    const to = { at: from.at + DAY_MS, offset: days.get(day + 1)?.offset ?? read(from.at + DAY_MS) }
    const found = { offset: from.offset, change: from.offset === to.offset ? null : changeBetween(from, to, read) }
    days.set(day, found)
    return found
  }

  const offset = (at: Instant) => {
    const day = dayOf(at)
    return day.change === null || at < day.change.at ? day.offset : day.change.after
  }
  return {
    offset,
    wall: (at) => at + offset(at),
    changes(from, to) {
      const found: Change[] = []
      for (let day = Math.floor(from / DAY_MS) * DAY_MS; day <= to; day += DAY_MS) {
        const { change } = dayOf(day)
        if (change !== null && change.at >= from && change.at <= to) found.push(change)
      }
      return found
    },
  }
}

function offsetAfter(day: Day | undefined): number | undefined {
  return day?.change?.after ?? day?.offset
}

type Point = Readonly<{ at: Instant; offset: number }>

/** Clocks are set once a day at most, and on a second: halved until that second is found. */
function changeBetween(from: Point, to: Point, read: (at: Instant) => number): Change {
  let [before, after] = [from.at / 1_000, to.at / 1_000]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (read(middle * 1_000) === from.offset) before = middle
    else after = middle
  }
  return { at: after * 1_000, before: from.offset, after: to.offset }
}

function offsetReader(name: string): (at: Instant) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (at) => {
    const shown: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(at)) shown[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000
  }
}
