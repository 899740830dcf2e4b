import type { Moment } from './moment.ts'
import type { Instant } from './probe.ts'

/** Longest silence that can be asked for: an end that nobody will live to see is no end. */
export const MAX_SILENCE_MS = 30 * 24 * 3_600_000

/** An operator's order to withhold emails about these monitors until then, and why (`silence`). */
export type Silence = Readonly<{
  id: string
  at: Instant
  /** When that was by clocks that nobody can set; left out where it is not known. */
  moment?: Moment | null
  until: Instant
  reason: string
  /** `null`: every monitor. */
  monitor: string | null
  /** When it was taken back before its end. */
  endedAt: Instant | null
}>

/** An operator's word that they work on this incident: no more reminders and no escalation until it closes. */
export type Ack = Readonly<{ incident: string; at: Instant; moment?: Moment | null; reason: string | null }>

/**
 * Whether an order that names no moment, and that nobody had read yet, was dated before the clock was set by so much, or after:
 * verbs go by the clock of their moment, and what lies ahead of now was not dated by the clock of now.
 */
export function isOfOldClock(at: Instant, by: number, now: Instant): boolean {
  return by > 0 ? at + by <= now : at > now
}

export function rebaseSilence(silence: Silence, by: number): Silence {
  const { at, until, endedAt } = silence
  return { ...silence, at: at + by, until: until + by, endedAt: endedAt === null ? null : endedAt + by }
}

export function endOfSilence(silence: Silence): Instant {
  return Math.min(silence.until, silence.endedAt ?? silence.until)
}

/** The silence that covers a monitor now: of several the one that lasts longest. */
export function silenceOver(monitor: string, silences: readonly Silence[], now: Instant): Silence | null {
  const covering = silences.filter((silence) => covers(silence, monitor) && silence.at <= now && now < endOfSilence(silence))
  return covering.toSorted((a, b) => endOfSilence(b) - endOfSilence(a))[0] ?? null
}

/** When the last silence over a monitor ended: nothing is said before a run that began later (`silence`). */
export function quietUntil(monitor: string, silences: readonly Silence[], now: Instant): Instant {
  const ended = silences.filter((silence) => covers(silence, monitor) && endOfSilence(silence) <= now)
  return Math.max(0, ...ended.map(endOfSilence))
}

function covers(silence: Silence, monitor: string): boolean {
  return silence.monitor === null || silence.monitor === monitor
}
