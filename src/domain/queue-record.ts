import { utc } from './duration.ts'
import type { HealthEvent, SourceAnswer } from './outage.ts'
import type { Policy } from './policy.ts'
import { DAY_MS, type Instant, MINUTE_MS } from './probe.ts'
import type { KeptEvent } from './queue-message.ts'

/** Why the queue gives nothing at the moment; as in `SourceAnswer`. */
export type QueueTrouble =
  | Readonly<{ state: 'refused'; why: string }>
  | Readonly<{ state: 'unavailable'; why: string; ours?: 'credentials'; heard?: true; throttled?: true }>

/** What is known of a health queue as a whole; stored for the next start, and for commands that run beside the daemon. */
export type QueueRecord = Readonly<{
  /** What was stored for another address does not count. */
  url: string
  /** When it was last asked, whatever the result. */
  askedAt: Instant | null
  /** When it was last asked and answered. */
  polledAt: Instant | null
  /** From when on nothing was missed; `null`: it was never asked. */
  since: Instant | null
  /** When an event of AWS Health last came, after `since`: the proof that something feeds it. */
  heardAt: Instant | null
  /** How many messages were left in it, and why the last one was. */
  left: Readonly<{ count: number; why: string; at: Instant }> | null
  /** `null` while it answers. */
  trouble: QueueTrouble | null
}>

/** What is kept of a health queue. */
export type KeptQueue = Readonly<{ record: QueueRecord; events: readonly KeptEvent[] }>

export type QueueLaw = Readonly<{
  /** How long the queue keeps a message that nobody receives. */
  retentionMs: number
  policy: Pick<Policy, 'lookbackMs' | 'staleAfterMs'>
}>

/** Events that are kept, the newest: more than AWS has had open at any time. */
export const MAX_KEPT_EVENTS = 500
/** An event is kept for at least so long after the last message about it. */
const KEPT_MS = 30 * DAY_MS
/**
 * One region and the global services have public events every few weeks. A queue that brought none for so long may be fed by
 * nothing.
 */
const PROVEN_MS = 60 * DAY_MS
/** A poll lasts half a minute at most, so that an older answer means that polling has stopped. */
const FRESH_MS = 3 * MINUTE_MS
/** Messages that were left are mentioned for so long. */
const LEFT_NAMED_MS = DAY_MS

export function newQueueRecord(url: string): QueueRecord {
  return { url, askedAt: null, polledAt: null, since: null, heardAt: null, left: null, trouble: null }
}

/**
 * The queue answered. After a gap longer than its retention, messages are lost: what was known before is no longer up to date,
 * and it has to be proven again.
 * @param gapMs how long it was not asked; `null` where that is not known better than by `polledAt`
 */
export function answeredAt(record: QueueRecord, now: Instant, retentionMs: number, gapMs: number | null = null): QueueRecord {
  const gap = gapMs ?? (record.polledAt === null ? Number.POSITIVE_INFINITY : now - record.polledAt)
  // A clock that was set back while nobody ran hides how long that was.
  const isWhole = record.since !== null && record.since <= now && gap >= -MINUTE_MS && gap <= retentionMs
  const left = record.left !== null && now - record.left.at > LEFT_NAMED_MS ? null : record.left
  return {
    ...record,
    askedAt: now,
    polledAt: now,
    since: isWhole ? record.since : now,
    heardAt: isWhole ? record.heardAt : null,
    left,
    trouble: null,
  }
}

/** Events that need not be kept any longer: those of long ago, and the oldest of too many. */
export function forgottenOf(events: readonly KeptEvent[], { policy }: QueueLaw, now: Instant): readonly string[] {
  const keepMs = Math.max(KEPT_MS, policy.lookbackMs + policy.staleAfterMs)
  const newestFirst = events.toSorted((a, b) => b.seenAt - a.seenAt || b.event.updatedAt - a.event.updatedAt)
  return newestFirst.filter(({ seenAt }, i) => i >= MAX_KEPT_EVENTS || now - seenAt > keepMs).map(({ event }) => event.arn)
}

/** Which of the known events could explain anything here, before the tests that the judge applies. */
export type Interest = Readonly<{ services: readonly string[]; regions: readonly string[] }>

/**
 * What the queue says at this moment: every event that is open, and those that were updated of late, each in the last form that
 * came. A queue reports changes and not the current state, so its silence means something only where it is proven that something
 * feeds it; and an event that was open before a gap may have ended within it.
 */
export function answerOf({ record, events }: KeptQueue, interest: Interest, since: Instant, now: Instant): SourceAnswer {
  const { since: known, heardAt, polledAt, askedAt, trouble } = record
  if (trouble !== null) {
    // Its reader waits by itself if the queue throttles; what is known can be read at any time.
    const { state, why } = trouble
    if (state === 'refused') return { state, why, at: askedAt ?? now }
    const { ours, heard } = trouble
    return { state, why, at: askedAt ?? now, ...(ours && { ours }), ...(heard && { heard }) }
  }
  if (known === null || polledAt === null) return { state: 'unavailable', at: now, why: 'it has not been asked yet' }
  if (now - polledAt > FRESH_MS) return { state: 'unavailable', at: polledAt, why: `nobody has read it since ${utc(polledAt)}` }
  const told = events
    .filter(({ event, seenAt, unclear }) =>
      event.status === 'closed' ? event.updatedAt >= since : seenAt >= known && unclear !== true,
    )
    .map(({ event }) => event)
    .filter((event) => isWhole(event, known))
    .filter(
      ({ service, region }) => interest.services.includes(service) && (region === null || interest.regions.includes(region)),
    )
  const isProven = heardAt !== null && now - heardAt <= PROVEN_MS
  const detail = [nameOf(record.url), proofOf(record, now), ...leftIn(record)].join(', ')
  const answer = { state: 'answered' as const, at: polledAt, events: told, skipped: record.left?.count ?? 0, detail }
  return isProven ? answer : { ...answer, unproven: true }
}

/**
 * Whether every message about an event can have come. If none of them names the event's region, an earlier message may have
 * named another one.
 */
function isWhole({ region, startedAt }: HealthEvent, known: Instant): boolean {
  return (region !== null && region !== 'global') || startedAt >= known
}

function proofOf({ since, heardAt }: QueueRecord, now: Instant): string {
  if (heardAt === null)
    return `no event has come since ${utc(since ?? now)}, and nothing older is known: whether a rule feeds it is not known`
  const isLongAgo = now - heardAt > PROVEN_MS
  return `the last event came ${utc(heardAt)}${isLongAgo ? ': whether a rule still feeds it is not known' : ''}`
}

function leftIn({ left }: QueueRecord): readonly string[] {
  if (left === null) return []
  return [`${left.count} ${left.count === 1 ? 'message was' : 'messages were'} left in it, the last since ${left.why}`]
}

/** The name of a queue: the last part of its address. */
function nameOf(url: string): string {
  return url.split('/').at(-1) ?? url
}

/** Every moment by our clock, after that was set by so many milliseconds. What AWS dated stays as it is. */
export function rebaseRecord(record: QueueRecord, by: number): QueueRecord {
  const shift = (at: Instant | null) => (at === null ? null : at + by)
  const { askedAt, polledAt, since, heardAt, left } = record
  return {
    ...record,
    askedAt: shift(askedAt),
    polledAt: shift(polledAt),
    since: shift(since),
    heardAt: shift(heardAt),
    left: left === null ? null : { ...left, at: left.at + by },
  }
}

export function rebaseKept(kept: KeptEvent, by: number): KeptEvent {
  return { ...kept, seenAt: kept.seenAt + by }
}
