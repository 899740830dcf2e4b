import { createTask, type ParsedFields, validateDetailed } from 'node-cron'

const DAY_MS = 86_400_000

/**
 * Dates and weekdays repeat every 28 years from 1901 to 2099, so one such round holds every gap there is: even that of
 * the 29th of February on a Monday.
 */
const ROUND_DAYS = 10_227
const ROUND_START = Date.UTC(2024, 0, 1)

/** Longer expressions are refused unread; the longest list of all seconds, minutes and hours has some 400 characters. */
export const MAX_EXPRESSION = 512

/** The shortest and the longest time between two fires, by the clock on the wall: summer time is not in it. */
export type Gaps = Readonly<{ shortestMs: number; longestMs: number }>

export type Schedule = Readonly<{ ok: true; gaps: Gaps }> | Readonly<{ ok: false; why: string }>

/** Reading one takes up to a tenth of a second, and each is asked for several times. */
const known = new Map<string, Schedule>()
const MAX_KNOWN = 500

/** Whether node-cron takes the expression, whether it ever fires, and how often. */
export function readSchedule(expression: string): Schedule {
  const before = known.get(expression)
  if (before !== undefined) return before
  const schedule = readAnew(expression)
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(expression, schedule)
  return schedule
}

function readAnew(expression: string): Schedule {
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
  const gaps = gapsOf(expression, checked.fields)
  return gaps === null ? { ok: false, why: 'it never fires: no such day exists' } : { ok: true, gaps }
}

/** `null` when it never fires. */
function gapsOf(expression: string, fields: ParsedFields): Gaps | null {
  const times = timesOfDay(fields)
  const first = times[0]
  const last = times.at(-1)
  if (first === undefined || last === undefined) return null
  let shortestMs = Number.POSITIVE_INFINITY
  let longestMs = 0
  const between = (gap: number) => {
    shortestMs = Math.min(shortestMs, gap)
    longestMs = Math.max(longestMs, gap)
  }
  for (let index = 1; index < times.length; index++) between((times[index] ?? 0) - (times[index - 1] ?? 0))
  const days = daysOfRound(expression, fields, first)
  const overnight = (gapInDays: number) => between(gapInDays * DAY_MS - last + first)
  for (let index = 1; index < days.length; index++) overnight((days[index] ?? 0) - (days[index - 1] ?? 0))
  const firstDay = days[0]
  const lastDay = days.at(-1)
  if (firstDay === undefined || lastDay === undefined) return null
  overnight(firstDay + ROUND_DAYS - lastDay)
  return { shortestMs, longestMs }
}

/** Milliseconds since midnight of every fire of a day, ascending: at most 86400. */
function timesOfDay(fields: ParsedFields): readonly number[] {
  const ascending = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b)
  const seconds = ascending(fields.second)
  const minutes = ascending(fields.minute)
  return ascending(fields.hour).flatMap((hour) =>
    minutes.flatMap((minute) => seconds.map((second) => ((hour * 60 + minute) * 60 + second) * 1000)),
  )
}

/** Days of the round on which it fires, counted from its first. What `L`, `15W` or `1#2` mean is left to node-cron. */
function daysOfRound(expression: string, fields: ParsedFields, timeOfDay: number): readonly number[] {
  const months = new Set(fields.month)
  const days = new Set(fields.dayOfMonth)
  const weekdays = new Set(fields.dayOfWeek)
  const plainDays = fields.dayOfMonth.every((value) => typeof value === 'number')
  const plainWeekdays = fields.dayOfWeek.every((value) => typeof value === 'number')
  const task = createTask(expression, () => undefined, { timezone: 'Etc/UTC' })
  try {
    const found: number[] = []
    for (let day = 0; day < ROUND_DAYS; day++) {
      const date = new Date(ROUND_START + day * DAY_MS + timeOfDay)
      if (!months.has(date.getUTCMonth() + 1)) continue
      if (plainDays && !days.has(date.getUTCDate())) continue
      if (plainWeekdays && !weekdays.has(date.getUTCDay())) continue
      if ((plainDays && plainWeekdays) || task.match(date)) found.push(day)
    }
    return found
  } finally {
    void task.destroy()
  }
}

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

/** Whether the clocks of a zone are changed within the thirteen months from `now`. */
export function changesClocks(timezone: string, now: number): boolean {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' })
  const offsets = Array.from(
    { length: 14 },
    (_, month) => format.formatToParts(now + month * 30 * DAY_MS).find((part) => part.type === 'timeZoneName')?.value,
  )
  return new Set(offsets).size > 1
}

const MINUTE_MS = 60_000
/** How far back a fire is looked for: of a monthly schedule the last one is never further. */
export const MAX_LOOKBACK_MS = 32 * DAY_MS

/**
 * Says the latest fire of a schedule after `from` and not after `to`, by node-cron's own matcher; `null` if there is none, or
 * none within `MAX_LOOKBACK_MS` before `to`.
 */
export function lastFireOf(expression: string, timezone: string): (from: number, to: number) => number | null {
  const fields = readSchedule(expression).ok ? validateDetailed(expression).fields : undefined
  if (fields === undefined) return () => null
  const task = createTask(expression, () => undefined, { timezone })
  void task.destroy() // Only its matcher is wanted; this takes it from node-cron's list of tasks.
  const local = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'medium' })
  // As node-cron does it: of an hour that the end of summer time repeats, the second one does not count.
  const repeats = (at: number) => fields.hour.length < 24 && local.format(at) <= local.format(at - 60 * MINUTE_MS)
  const seconds = [...new Set(fields.second)].sort((a, b) => b - a)
  // Zones differ from UTC by quarters of an hour: what matches in none need not be looked at.
  const minutes = new Set(fields.minute.flatMap((minute) => [0, 15, 30, 45].map((shift) => (minute + shift) % 60)))
  return (from, to) => {
    const earliest = Math.max(from, to - MAX_LOOKBACK_MS)
    for (let minute = Math.floor(to / MINUTE_MS); (minute + 1) * MINUTE_MS > earliest; minute--) {
      if (!minutes.has(((minute % 60) + 60) % 60)) continue
      for (const second of seconds) {
        const at = minute * MINUTE_MS + second * 1000
        if (at > earliest && at <= to && task.match(new Date(at)) && !repeats(at)) return at
      }
    }
    return null
  }
}
