import { inWords } from './duration.ts'
import type { Moment } from './moment.ts'
import { DAY_MS, HOUR_MS, type Instant } from './probe.ts'
import { type Covered, covers, type Scope } from './scope.ts'

/** The longest silence that can be ordered: an end in the distant future is no end. */
export const MAX_SILENCE_MS = 30 * 24 * HOUR_MS
/** How far ahead a silence can be planned. */
const MAX_AHEAD_MS = 366 * DAY_MS

/** An operator's order to withhold alerts about some probes for a while, and why (`silence`). */
export type Silence = Readonly<{
  id: string
  /** When it was ordered. */
  at: Instant
  /** When that was by clocks that nobody can set; left out where it is not known. */
  moment?: Moment | null
  /** When it begins: at once, or when that was planned for. */
  from: Instant
  until: Instant
  scope: Scope
  reason: string
  /** Who ordered it. */
  by: string
  /** When it was taken back before its end. */
  endedAt: Instant | null
}>

/** A silence that is over, as an email tells of it. */
export type PastSilence = Readonly<{
  reason: string
  by: string
  from: Instant
  endedAt: Instant
  /** The end that was planned: later than `endedAt` where it was taken back. */
  until: Instant
  /** Whether what failed under it began to fail under it, or had done so before. */
  began: 'during' | 'before'
}>

/** An operator's word that they work on this incident: no more reminders and no escalation until it closes. */
export type Ack = Readonly<{ incident: string; at: Instant; moment?: Moment | null; reason: string | null }>

/** Why no silence can begin then, asked for now; `null` if it can. */
export function whyNotFrom(from: Instant, now: Instant): string | null {
  if (from < now) return 'this time is in the past; without it, the silence begins at once'
  return from > now + MAX_AHEAD_MS ? `expected a time within the next ${inWords(MAX_AHEAD_MS)}` : null
}

/**
 * Whether an order that names no moment, and that nobody had read yet, was dated before the clock was set by so much, or after:
 * commands use the clock of their time, and a time in the future cannot have been dated by the present clock.
 */
export function isOfOldClock(at: Instant, by: number, now: Instant): boolean {
  return by > 0 ? at + by <= now : at > now
}

export function rebaseSilence(silence: Silence, by: number): Silence {
  const { at, from, until, endedAt } = silence
  return { ...silence, at: at + by, from: from + by, until: until + by, endedAt: endedAt === null ? null : endedAt + by }
}

export function endOfSilence(silence: Silence): Instant {
  return Math.min(silence.until, silence.endedAt ?? silence.until)
}

export function isInForce(silence: Silence, now: Instant): boolean {
  return silence.from <= now && now < endOfSilence(silence)
}

/** The silence that covers a probe now: of several the one that lasts longest. */
export function silenceOver(probe: Covered, silences: readonly Silence[], now: Instant): Silence | null {
  const covering = silences.filter((silence) => isInForce(silence, now) && covers(silence.scope, probe))
  return covering.toSorted((a, b) => endOfSilence(b) - endOfSilence(a))[0] ?? null
}

/** When the last silence over a probe ended: nothing is sent before a run that began later (`silence`). */
export function quietUntil(probe: Covered, silences: readonly Silence[], now: Instant): Instant {
  const ended = silences.filter((silence) => hasEnded(silence, now) && covers(silence.scope, probe))
  return Math.max(0, ...ended.map(endOfSilence))
}

/** It was in force, and is so no longer. One that was taken back before it began never was. */
export function hasEnded(silence: Silence, now: Instant): boolean {
  const end = endOfSilence(silence)
  return end <= now && silence.from < end
}
