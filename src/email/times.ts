import { inWords, inWordsByClock } from '../domain/duration.ts'
import type { Facts } from '../domain/notification.ts'
import type { Instant } from '../domain/probe.ts'

/** The largest time that a Date can hold: beyond it `toISOString` throws. */
const MAX_TIME = 8.64e15

function isTime(at: Instant): boolean {
  return Number.isFinite(at) && Math.abs(at) <= MAX_TIME
}

/** `2026-03-04T11:58:02.114Z` */
export function iso(at: Instant): string {
  return isTime(at) ? new Date(at).toISOString() : 'an unknown time'
}

/** `11:58` UTC, preceded by its date if that is not the day of `reference`. */
export function hhmm(at: Instant, reference: Instant): string {
  if (!isTime(at)) return 'an unknown time'
  return `${day(at, reference)}${iso(at).slice(11, 16)}`
}

/** `11:58:02Z`, preceded by its date if that is not the day of `reference`. */
export function hhmmss(at: Instant, reference: Instant): string {
  if (!isTime(at)) return 'an unknown time'
  return `${day(at, reference)}${iso(at).slice(11, 19)}Z`
}

function day(at: Instant, reference: Instant): string {
  return iso(at).slice(0, 10) === iso(reference).slice(0, 10) ? '' : `${iso(at).slice(0, 10)} `
}

/** `12:58 Europe/Berlin`; `null` for UTC and for an unknown zone. */
export function local(at: Instant, timezone: string): string | null {
  if (!isTime(at) || /^(etc\/)?(utc|gmt|zulu|uct|universal|greenwich)$/i.test(timezone)) return null
  try {
    const format = new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    return `${format.format(at)} ${timezone}`
  } catch {
    return null
  }
}

/** `11:58 UTC (12:58 Europe/Berlin)` */
export function both(at: Instant, reference: Instant, timezone: string): string {
  const there = local(at, timezone)
  return `${hhmm(at, reference)} UTC${there === null ? '' : ` (${there})`}`
}

/** The time between two instants that are shown to the minute. */
export function spanBetween(from: Instant, to: Instant): string {
  return isTime(from) && isTime(to) ? inWordsByClock(from, to) : 'an unknown time'
}

/** `45s`, `12m`, `3h 20m` */
export function span(ms: number): string {
  return Number.isFinite(ms) ? inWords(ms) : 'an unknown time'
}

/** When an incident was over. */
export function endOf({ incident, at }: Facts): Instant {
  return incident?.endedAt ?? at
}
