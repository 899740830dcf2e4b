import { createTask, type ParsedFields, validateDetailed } from 'node-cron'
import { Memo } from '../domain/memo.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../domain/probe.ts'

/** A date and a time as a clock on the wall shows them: the milliseconds of that date and time if the clock showed UTC. */
export type WallTime = number

/** The time between two named times that follow each other, by the clock on the wall. */
type Gaps = Readonly<{
  shortestMs: number
  longestMs: number
  /** The median; of two in the middle the shorter one. */
  usualMs: number
}>

/** The wall-clock times that a cron expression names, in no time zone. */
export type Calendar = Readonly<{
  fields: ParsedFields
  gaps: Gaps
  names: (wall: WallTime) => boolean
  /** The first named time that is not before `wall`; `null` if there is none for forty years. */
  from: (wall: WallTime) => WallTime | null
  /** The last named time that is not after `wall`; `null` if there is none from `earliest` on. */
  upTo: (wall: WallTime, earliest: WallTime) => WallTime | null
}>

export type Reading = Readonly<{ ok: true; calendar: Calendar }> | Readonly<{ ok: false; why: string }>

/** Longer expressions are refused unread; the longest list of all seconds, minutes and hours has some 400 characters. */
export const MAX_EXPRESSION = 512
/** The longest time without a named day: from one 29 February on a given weekday to the next, across 2100, which is no leap year. */
const MAX_DAYS = 41 * 366
/** Dates and weekdays repeat every 28 years from 1901 to 2099: one such round holds every gap there is but those across 2100. */
const ROUND_DAYS = 10_227
const ROUND_START = Date.UTC(2024, 0, 1) / DAY_MS

/** Reading an expression takes up to a tenth of a second, and each is asked for several times. */
const known = new Memo<string, Reading>(500)

/** Whether node-cron takes the expression and it ever fires, and the times that it names. What its fields mean is left to node-cron. */
export function readSchedule(expression: string): Reading {
  return known.of(expression, () => readAfresh(expression))
}

function readAfresh(expression: string): Reading {
  if (expression.length > MAX_EXPRESSION) return { ok: false, why: `longer than ${MAX_EXPRESSION} characters` }
  let checked: ReturnType<typeof validateDetailed>
  try {
    checked = validateDetailed(expression)
  } catch {
    return { ok: false, why: 'node-cron cannot read it' }
  }
  if (!checked.valid || checked.fields === undefined) {
    return {
      ok: false,
      why:
        checked.errors.map((error) => error.message.replace('is a invalid', 'is an invalid')).join('; ') ||
        'node-cron refuses it',
    }
  }
  const calendar = calendarOf(expression, checked.fields)
  return calendar === null ? { ok: false, why: 'it never fires: no such day exists' } : { ok: true, calendar }
}

/** `null` where no time is named at all. */
function calendarOf(expression: string, fields: ParsedFields): Calendar | null {
  const hours = ascending(fields.hour)
  const minutes = ascending(fields.minute)
  const seconds = ascending(fields.second)
  const times = timesOfDay(hours, minutes, seconds)
  const first = times[0]
  const last = times.at(-1)
  if (first === undefined || last === undefined) return null
  const isNamed = dayMatcher(expression, fields, first)
  const gaps = gapsOf(times, isNamed)
  if (gaps === null) return null

  /** The first time of day that is not before `time`, or the last that is not after it. */
  function timeFrom(time: number): number | undefined {
    if (time <= 0) return first
    for (const hour of hours) {
      if ((hour + 1) * HOUR_MS <= time) continue
      for (const minute of minutes) {
        const at = hour * HOUR_MS + minute * MINUTE_MS
        if (at + MINUTE_MS <= time) continue
        for (const second of seconds) if (at + second * 1_000 >= time) return at + second * 1_000
      }
    }
    return undefined
  }
  function timeUpTo(time: number): number | undefined {
    for (const hour of hours.toReversed()) {
      if (hour * HOUR_MS > time) continue
      for (const minute of minutes.toReversed()) {
        const at = hour * HOUR_MS + minute * MINUTE_MS
        if (at > time) continue
        for (const second of seconds.toReversed()) if (at + second * 1_000 <= time) return at + second * 1_000
      }
    }
    return undefined
  }

  const from = (wall: WallTime): WallTime | null => {
    const today = Math.floor(wall / DAY_MS)
    for (let day = today; day < today + MAX_DAYS; day++) {
      if (!isNamed(day)) continue
      const time = day === today ? timeFrom(wall - day * DAY_MS) : first
      if (time !== undefined) return day * DAY_MS + time
    }
    return null
  }
  const upTo = (wall: WallTime, earliest: WallTime): WallTime | null => {
    const today = Math.floor(wall / DAY_MS)
    for (let day = today; (day + 1) * DAY_MS > earliest && day > today - MAX_DAYS; day--) {
      if (!isNamed(day)) continue
      const time = day === today ? timeUpTo(wall - day * DAY_MS) : last
      if (time === undefined) continue
      const at = day * DAY_MS + time
      return at >= earliest ? at : null
    }
    return null
  }
  return { fields, gaps, from, upTo, names: (wall) => upTo(wall, wall) !== null }
}

/** Milliseconds since midnight of every named time of a day, ascending: at most 86,400. */
function timesOfDay(hours: readonly number[], minutes: readonly number[], seconds: readonly number[]): readonly number[] {
  return hours.flatMap((hour) =>
    minutes.flatMap((minute) => seconds.map((second) => hour * HOUR_MS + minute * MINUTE_MS + second * 1_000)),
  )
}

function ascending(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b)
}

/** Whether a day, counted from 1970-01-01, is named. Days such as `L`, `15W` and `1#2` are matched by node-cron, in UTC, and remembered. */
function dayMatcher(expression: string, fields: ParsedFields, timeOfDay: number): (day: number) => boolean {
  const months = new Set(fields.month)
  const days = new Set(fields.dayOfMonth)
  const weekdays = new Set(fields.dayOfWeek)
  const hasPlainDays = fields.dayOfMonth.every((value) => typeof value === 'number')
  const hasPlainWeekdays = fields.dayOfWeek.every((value) => typeof value === 'number')
  const isPossible = (date: Date) =>
    months.has(date.getUTCMonth() + 1) &&
    (!hasPlainDays || days.has(date.getUTCDate())) &&
    (!hasPlainWeekdays || weekdays.has(date.getUTCDay()))
  if (hasPlainDays && hasPlainWeekdays) return (day) => isPossible(new Date(day * DAY_MS))
  const task = createTask(expression, () => undefined, { timezone: 'Etc/UTC' })
  void task.destroy() // Only its matcher is wanted; this takes it from node-cron's list of tasks.
  const matched = new Memo<number, boolean>(1_000)
  return (day) => {
    const date = new Date(day * DAY_MS + timeOfDay)
    return isPossible(date) && matched.of(day, () => task.match(date))
  }
}

/** `null` when no day is named. */
function gapsOf(times: readonly number[], isNamed: (day: number) => boolean): Gaps | null {
  const named = Array.from({ length: ROUND_DAYS }, (_, day) => day).filter((day) => isNamed(ROUND_START + day))
  const firstDay = named[0]
  if (firstDay === undefined) return null
  const counts = new Map<number, number>()
  const count = (gap: number, times: number) => counts.set(gap, (counts.get(gap) ?? 0) + times)
  for (let n = 1; n < times.length; n++) count((times[n] ?? 0) - (times[n - 1] ?? 0), named.length)
  const night = DAY_MS - (times.at(-1) ?? 0) + (times[0] ?? 0)
  for (let n = 0; n < named.length; n++) {
    const next = named[n + 1] ?? firstDay + ROUND_DAYS
    count((next - (named[n] ?? 0) - 1) * DAY_MS + night, 1)
  }
  const gaps = [...counts].sort(([a], [b]) => a - b)
  const half = (times.length * named.length) / 2
  let below = 0
  const usual = gaps.find(([, many]) => {
    below += many
    return below >= half
  })
  return { shortestMs: gaps[0]?.[0] ?? 0, longestMs: gaps.at(-1)?.[0] ?? 0, usualMs: usual?.[0] ?? 0 }
}
