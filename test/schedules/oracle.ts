import { createTask, parse } from 'node-cron'
import { readSchedule } from '../../src/schedule/calendar.ts'
import type { Night } from './draw.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** The fires of a night, and the longest pause that there may be between them: `null` for a schedule that runs less often than hourly. */
export type Expected = Readonly<{ fires: readonly number[]; longestMs: number | null }>

/**
 * What a schedule fires in a night, worked out the long way: by looking at the wall clock at each minute, with its seconds, and asking node-cron whether
 * it names what the clock shows.
 */
export function expectedFires(expression: string, { zone, change }: Night, hours: number): Expected {
  const reading = readSchedule(expression)
  if (!reading.ok) throw new Error(reading.why)
  const { longestMs } = reading.calendar.gaps
  const from = change.at - hours * HOUR
  const to = change.at + hours * HOUR
  const seconds = [...new Set(parse(expression).second)].sort((a, b) => a - b)
  const isNamed = matcher(expression)
  const wall = wallClock(zone)
  const instants = minutes(from - HOUR, to + HOUR).flatMap((minute) => seconds.map((second) => minute + second * SECOND))
  if (longestMs > HOUR) {
    const looks = [...new Set([...instants, change.at])].sort((a, b) => a - b)
    let shown = wall(looks[0] ?? from)
    const fires = looks.filter((at) => {
      const before = shown
      shown = Math.max(shown, wall(at))
      const passed = minutes(before, shown).flatMap((minute) => seconds.map((second) => minute + second * SECOND))
      return passed.some((time) => time > before && time <= shown && isNamed(time))
    })
    return { fires: fires.filter((at) => at > from && at <= to), longestMs: null }
  }
  const named = instants.filter((at) => isNamed(wall(at)))
  const last = named.findLast((at) => at < change.at) ?? 0
  const next = named.find((at) => at >= change.at) ?? 0
  const all = next - last > longestMs ? [...named, change.at].sort((a, b) => a - b) : named
  return { fires: all.filter((at) => at > from && at <= to), longestMs }
}

/** From the minute of `from` to that of `to`. */
function minutes(from: number, to: number): readonly number[] {
  const first = Math.floor(from / MINUTE)
  return Array.from({ length: Math.floor(to / MINUTE) - first + 1 }, (_, n) => (first + n) * MINUTE)
}

function matcher(expression: string): (wall: number) => boolean {
  const task = createTask(expression, () => undefined, { timezone: 'Etc/UTC' })
  void task.destroy()
  return (wall) => task.match(new Date(wall))
}

/** What the clock on the wall of a zone shows, as Intl writes it. Offsets change on the minute. */
function wallClock(zone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
  const offsets = new Map<number, number>()
  return (at) => {
    const minute = Math.floor(at / MINUTE) * MINUTE
    const offset = offsets.get(minute) ?? Date.parse(`${format.format(minute).replace(' ', 'T')}Z`) - minute
    offsets.set(minute, offset)
    return at + offset
  }
}
