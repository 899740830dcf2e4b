import { inWords } from '../domain/duration.ts'
import { DAY_MS, type Instant } from '../domain/probe.ts'
import { meaningOf } from './meaning.ts'
import { type Planner, plannerOf } from './planner.ts'
import type { Change } from './zone.ts'

/** What is to be expected of a schedule. */
export type Outlook = Readonly<{
  /** `null` if it is not due within forty years. */
  next: Instant | null
  /** The median time between two runs, and the longest, by the clock on the wall. Milliseconds. */
  usualGapMs: number
  longestGapMs: number
  /** What the expression means where it may surprise; often nothing. */
  meaning: readonly string[]
  /** Why the gaps may not be what was meant; `null` if they are even enough. */
  warning: string | null
}>

/** When the clocks of a zone get in the way of a schedule, within a year. Those that run at least hourly are never concerned. */
export type ClockChanges = Readonly<{
  /** The next time that it names and the clocks skip: it runs when they are set ahead, which is then. */
  skipped: Instant | null
  /** When the clocks are next set back so that a time it names comes twice: it runs the first time only. */
  repeated: Instant | null
}>

const YEAR_MS = 366 * DAY_MS
const MONTH_MS = 31 * DAY_MS

/** @throws {Error} if the schedule or the zone cannot be read, which the configuration has checked. */
export function outlookOf(expression: string, timezone: string, now: Instant): Outlook {
  const planner = plannerOf(expression, timezone)
  const { usualMs, longestMs } = planner.calendar.gaps
  return {
    next: planner.next(now)?.at ?? null,
    usualGapMs: usualMs,
    longestGapMs: longestMs,
    meaning: meaningOf(expression, planner.calendar.fields),
    warning: warningOf(usualMs, longestMs),
  }
}

/** @throws {Error} as `outlookOf` does */
export function clockChangesOf(expression: string, timezone: string, now: Instant): ClockChanges {
  const planner = plannerOf(expression, timezone)
  const changes = planner.isFrequent ? [] : planner.zone.changes(now, now + YEAR_MS)
  return {
    skipped: changes.find((change) => isMadeUpFor(change, planner))?.at ?? null,
    repeated: changes.find((change) => isRepeated(change, planner))?.at ?? null,
  }
}

/** Clocks that are set ahead over a named time. */
function isMadeUpFor({ at }: Change, planner: Planner): boolean {
  const fire = planner.next(at - 1)
  return fire?.at === at && fire.why === 'skipped'
}

/** Clocks that are set back over a named time. */
function isRepeated({ at, before, after }: Change, { calendar }: Planner): boolean {
  if (after >= before) return false
  return calendar.upTo(at + before - 1, at + after) !== null
}

/** A time between two runs, in years where days say little. */
export function gapInWords(ms: number): string {
  return ms < 2 * YEAR_MS ? inWords(ms) : `${Math.round(ms / (365.25 * DAY_MS))} years`
}

/** Twice the usual gap, or a month: then a pause may be there that nobody meant. */
function warningOf(usualMs: number, longestMs: number): string | null {
  if (longestMs > 2 * usualMs) return `up to ${gapInWords(longestMs)} pass between two runs, usually ${gapInWords(usualMs)}`
  if (longestMs > MONTH_MS) return `up to ${gapInWords(longestMs)} pass between two runs`
  return null
}
