import { Memo } from '../domain/memo.ts'
import { DAY_MS, HOUR_MS, type Instant } from '../domain/probe.ts'
import { type Calendar, readSchedule, type WallTime } from './calendar.ts'
import { type Change, type Zone, zoneOf } from './zone.ts'

/**
 * Why a schedule fires at an instant: the expression names what the clock on the wall shows (`named`); the clock was set
 * ahead over a named time, which is made up for (`skipped`); or the pause over a change of the clocks would have been longer than any other (`pause`).
 */
type Why = 'named' | 'skipped' | 'pause'

export type Fire = Readonly<{ at: Instant; why: Why }>

/** When a schedule is due. All who ask when anything is due ask one of these. */
export type Planner = Readonly<{
  calendar: Calendar
  zone: Zone
  /** Whether it runs at least hourly, on every day. */
  isFrequent: boolean
  /** The first fire after an instant; `null` if there is none for forty years. */
  next: (after: Instant) => Fire | null
  /** The latest fire after `from` and not after `to`. */
  last: (from: Instant, to: Instant) => Fire | null
}>

/** A schedule with no longer gap runs at least hourly. */
const FREQUENT_MS = HOUR_MS
/** No two clocks of the world, and no clock before and after a change, are further apart. */
const FURTHEST_MS = 2 * DAY_MS
/** The instants that a Date can hold, with room for the search around them. */
const END_OF_TIME = 8.64e15 - 50 * 366 * DAY_MS

const known = new Memo<string, Planner>(500)

/**
 * The planner of a cron expression in a time zone.
 *
 * A schedule that runs at least hourly fires whenever the clock on the wall shows a time that it names, so in both passes of a
 * repeated hour. Where a change of the clocks would make a pause that is longer than its longest gap, as a skipped half-hour can, it fires at the change as well.
 *
 * A schedule that runs less often fires once for each named time: when the clock on the wall first shows that time or a later one. That is the first
 * pass of a repeated hour, and the first instant after a skipped one.
 *
 * @throws {Error} if the schedule or the zone cannot be read, which the configuration has checked.
 */
export function plannerOf(expression: string, timezone: string): Planner {
  return known.of(`${timezone} ${expression}`, () => {
    const reading = readSchedule(expression)
    if (!reading.ok) throw new Error(`${expression} is no schedule: ${reading.why}`)
    return plannerFor(reading.calendar, zoneOf(timezone))
  })
}

function plannerFor(calendar: Calendar, zone: Zone): Planner {
  const isFrequent = calendar.gaps.longestMs <= FREQUENT_MS
  const { next, last } = isFrequent ? byTheClock(calendar, zone) : onceEach(calendar, zone)
  return {
    calendar,
    zone,
    isFrequent,
    next: (after) => (Math.abs(after) < END_OF_TIME ? next(after) : null),
    last: (from, to) => (from < to && Math.abs(to) < END_OF_TIME ? last(from, to) : null),
  }
}

/** Less often than hourly: a fire is the moment at which the wall clock first reaches a named time. */
function onceEach(calendar: Calendar, zone: Zone): Pick<Planner, 'next' | 'last'> {
  /** The latest time that the wall clock has shown by then. */
  function reached(at: Instant): WallTime {
    const shown = zone
      .changes(at - FURTHEST_MS, at)
      .filter(({ before, after }) => after < before)
      .map((change) => change.at + change.before - 1)
    return Math.max(zone.wall(at), ...shown)
  }
  /** When the wall clock first shows that time or a later one. */
  function arrival(time: WallTime): Instant {
    let from = time - FURTHEST_MS
    let offset = zone.offset(from)
    for (const change of zone.changes(from, time + FURTHEST_MS)) {
      if (Math.max(from, time - offset) < change.at) break
      from = change.at
      offset = change.after
    }
    return Math.max(from, time - offset)
  }
  const fireAt = (time: WallTime): Fire => {
    const at = arrival(time)
    return { at, why: calendar.names(zone.wall(at)) ? 'named' : 'skipped' }
  }
  return {
    next(after) {
      const time = calendar.from(reached(after) + 1)
      return time === null ? null : fireAt(time)
    },
    last(from, to) {
      const time = calendar.upTo(reached(to), from < -END_OF_TIME ? from : reached(from) + 1)
      return time === null ? null : fireAt(time)
    },
  }
}

/** At least hourly: a fire is every instant at which the wall clock shows a named time, and a change that would make a pause. */
function byTheClock(calendar: Calendar, zone: Zone): Pick<Planner, 'next' | 'last'> {
  function nextNamed(from: Instant): Instant {
    let [start, offset] = [from, zone.offset(from)]
    for (const change of zone.changes(from + 1, from + FURTHEST_MS)) {
      const at = (calendar.from(start + offset) ?? Number.POSITIVE_INFINITY) - offset
      if (at < change.at) return at
      start = change.at
      offset = change.after
    }
    return (calendar.from(start + offset) ?? Number.POSITIVE_INFINITY) - offset
  }
  function lastNamed(to: Instant): Instant {
    let [end, offset] = [to, zone.offset(to)]
    for (const change of zone.changes(to - FURTHEST_MS, to).toReversed()) {
      const time = calendar.upTo(end + offset, change.at + offset)
      if (time !== null) return time - offset
      end = change.at - 1
      offset = change.before
    }
    return (calendar.upTo(end + offset, Number.NEGATIVE_INFINITY) ?? Number.NEGATIVE_INFINITY) - offset
  }
  const isPause = ({ at }: Change) => {
    const next = nextNamed(at)
    return next > at && next - lastNamed(at - 1) > calendar.gaps.longestMs
  }
  return {
    next(after) {
      const at = nextNamed(after + 1)
      const pause = zone.changes(after + 1, at - 1).find(isPause)
      return pause === undefined ? { at, why: 'named' } : { at: pause.at, why: 'pause' }
    },
    last(from, to) {
      const at = lastNamed(to)
      const pause = zone.changes(Math.max(from, at) + 1, to).findLast(isPause)
      if (pause !== undefined) return { at: pause.at, why: 'pause' }
      return at > from ? { at, why: 'named' } : null
    },
  }
}
