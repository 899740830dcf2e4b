import { inWords } from './duration.ts'
import { MINUTE_MS, type Partition } from './probe.ts'

/** The main loop completes a cycle at least every half minute. If it has not for this long, the daemon hangs. */
export const CYCLE_GOOD_FOR_MS = 2 * MINUTE_MS
/** Something is written at least every half minute. */
export const DISK_GOOD_FOR_MS = 2 * MINUTE_MS
/** How often a login at the mail server is tried while it succeeds, */
export const MAIL_TRIED_EVERY_MS = 5 * MINUTE_MS
/** and how long it may go without success before that is a problem. */
export const MAIL_GOOD_FOR_MS = 15 * MINUTE_MS
/** A source that did not answer is a problem after two intervals, but not before this time. */
const READING_GOOD_FOR_MS = 10 * MINUTE_MS

/** How long ago each thing that keeps the watch going was last seen to work: milliseconds that no clock can set. */
export type Vitals = Readonly<{
  cycleAgoMs: number
  diskAgoMs: number
  /** Partitions with at least one source switched on; `agoMs` since at least one of its sources answered, or since the start. */
  readings: readonly Readonly<{ partition: Partition; agoMs: number; why: string }>[]
  /** How often AWS Health is asked when everything is ok, and how long that may take. */
  idleEveryMs: number
  askingMs: number
  /** `agoMs` is `null` before the first success; `why` the last failure, `null` if the last attempt went well. */
  mail: Readonly<{ agoMs: number | null; why: string | null }>
  /** What else is wrong, as `/healthz` says it. */
  reasons: readonly string[]
}>

/** Why Alibi is not ok; empty if it is. */
export function ailments(vitals: Vitals): readonly string[] {
  const { cycleAgoMs, diskAgoMs, mail } = vitals
  const found = [...vitals.reasons]
  if (cycleAgoMs > CYCLE_GOOD_FOR_MS) found.push(`the main loop has not completed a cycle for ${inWords(cycleAgoMs)}`)
  if (diskAgoMs > DISK_GOOD_FOR_MS) found.push(`the database could not be written for ${inWords(diskAgoMs)}`)
  const readingGoodForMs = Math.max(2 * vitals.idleEveryMs, READING_GOOD_FOR_MS) + vitals.askingMs
  for (const { partition, agoMs, why } of vitals.readings)
    if (agoMs > readingGoodForMs) found.push(`AWS Health (${partition}) has not answered for ${inWords(agoMs)}: ${why}`)
  if (mail.why !== null && (mail.agoMs === null || mail.agoMs > MAIL_GOOD_FOR_MS))
    found.push(
      `the mail server could not be used ${mail.agoMs === null ? 'since the start' : `for ${inWords(mail.agoMs)}`}: ${mail.why}`,
    )
  return found
}
