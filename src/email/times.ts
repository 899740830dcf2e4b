import { inWords, inWordsByClock } from '../domain/duration.ts'
import type { Facts } from '../domain/notification.ts'
import type { Instant } from '../domain/probe.ts'

/** The furthest a Date can count; beyond it `toISOString` throws, and a mail must not. */
const FURTHEST = 8.64e15

function isTime(at: Instant): boolean {
  return Number.isFinite(at) && Math.abs(at) <= FURTHEST
}

/** `2026-03-04T11:58:02.114Z` */
export function iso(at: Instant): string {
  return isTime(at) ? new Date(at).toISOString() : 'an unknown time'
}

/** `11:58`, with the date before it when it is not the day of `beside`. UTC. */
export function hhmm(at: Instant, beside: Instant): string {
  if (!isTime(at)) return 'an unknown time'
  return `${day(at, beside)}${iso(at).slice(11, 16)}`
}

/** `11:58:02Z`, with the date before it when it is not the day of `beside`. */
export function hhmmss(at: Instant, beside: Instant): string {
  if (!isTime(at)) return 'an unknown time'
  return `${day(at, beside)}${iso(at).slice(11, 19)}Z`
}

function day(at: Instant, beside: Instant): string {
  return iso(at).slice(0, 10) === iso(beside).slice(0, 10) ? '' : `${iso(at).slice(0, 10)} `
}

/** `12:58 Europe/Berlin`; `null` where that is UTC, or no such zone is known. */
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
export function both(at: Instant, beside: Instant, timezone: string): string {
  const there = local(at, timezone)
  return `${hhmm(at, beside)} UTC${there === null ? '' : ` (${there})`}`
}

/** How long between two instants that are shown to the minute. */
export function spanBetween(from: Instant, to: Instant): string {
  return isTime(from) && isTime(to) ? inWordsByClock(from, to) : 'an unknown time'
}

/** How long, in words: `45s`, `12m`, `3h 20m`. */
export function span(ms: number): string {
  return Number.isFinite(ms) ? inWords(ms) : 'an unknown time'
}

/** When an incident was over. */
export function endOf({ incident, at }: Facts): Instant {
  return incident?.endedAt ?? at
}
