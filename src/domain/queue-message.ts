import type { HealthEvent } from './outage.ts'
import type { Instant } from './probe.ts'
import { joinTexts } from './reading.ts'

/** What a message of the health queue holds. Every field is foreign until an adapter has read it. */
export type QueueContent =
  /** An event of AWS Health, and when it was handed to EventBridge. */
  | Readonly<{ kind: 'event'; event: HealthEvent; toldAt: Instant }>
  /** From AWS Health, and no outage: an abuse report, a scheduled change, what CloudTrail says about calls of the Health API. */
  | Readonly<{ kind: 'beside'; why: string }>
  /** Says that it is from AWS Health, and cannot be read; `arn` where at least that is known. */
  | Readonly<{ kind: 'unreadable'; why: string; arn?: string }>
  /** Not from AWS Health. */
  | Readonly<{ kind: 'foreign'; why: string }>

/** An event in the last form that is known of it. */
export type KeptEvent = Readonly<{
  event: HealthEvent
  /** When this form was handed to EventBridge. */
  toldAt: Instant
  /** When a message about the event was last read. */
  seenAt: Instant
  /** A later message about it could not be read: how it stands is not known. */
  unclear?: true
}>

/**
 * What becomes of a message:
 * - `taken`: it says something new. Deleted once that is committed.
 * - `known`: it repeats what is known: delivered twice, the backup region's copy, a further page. Deleted.
 * - `outdated`: a later form of its event came before it. Deleted.
 * - `beside`: it can explain no failure. Deleted.
 * - `left`: not ours to delete, or not understood. It stays for the queue's own redrive policy.
 */
export type Fate = 'taken' | 'known' | 'outdated' | 'beside' | 'left'

export type Decided = Readonly<{
  fate: Fate
  /** The event as it is to be kept from now on; `null`: nothing changes. */
  kept: KeptEvent | null
}>

/** Decides on one message. @param known what is kept of the same event; `undefined`: nothing */
export function decideMessage(content: QueueContent, known: KeptEvent | undefined, now: Instant): Decided {
  switch (content.kind) {
    case 'beside':
      return { fate: 'beside', kept: null }
    case 'unreadable':
      return { fate: 'left', kept: known === undefined || known.unclear ? null : { ...known, unclear: true } }
    case 'foreign':
      return { fate: 'left', kept: null }
    case 'event':
      return decideEvent({ event: content.event, toldAt: content.toldAt, seenAt: now }, known)
  }
}

/** Only what AWS Health has sent is ever deleted: the queue may turn out to be somebody else's. */
export function isDeleted(fate: Fate): boolean {
  return fate !== 'left'
}

function decideEvent(told: KeptEvent, known: KeptEvent | undefined): Decided {
  if (known === undefined) return { fate: 'taken', kept: told }
  const isLater = compareForms(told, known) > 0
  const [older, newer] = isLater ? [known, told] : [told, known]
  const isUnclear = known.unclear === true && told.event.updatedAt <= known.event.updatedAt
  const kept: KeptEvent = {
    toldAt: newer.toldAt,
    seenAt: newer.seenAt,
    ...(isUnclear ? { unclear: true } : {}),
    event: {
      ...newer.event,
      // Every account gets a message of its own, and every update a text of its own: an older one may name the region.
      owners: [...new Set([...known.event.owners, ...told.event.owners])].sort(),
      text: joinTexts(older.event.text, newer.event.text),
    },
  }
  if (isSame(kept.event, known.event)) return { fate: isLater || sameForm(told, known) ? 'known' : 'outdated', kept: null }
  return { fate: isLater || kept.event.owners.length > known.event.owners.length ? 'taken' : 'outdated', kept }
}

/** Which form of an event is the later one, whichever came first: of two as late, the one that says that it is over. */
function compareForms(a: KeptEvent, b: KeptEvent): number {
  return (
    a.event.updatedAt - b.event.updatedAt ||
    Number(a.event.status === 'closed') - Number(b.event.status === 'closed') ||
    a.toldAt - b.toldAt ||
    compare(formOf(a.event), formOf(b.event))
  )
}

function sameForm(a: KeptEvent, b: KeptEvent): boolean {
  return formOf(a.event) === formOf(b.event)
}

function isSame(a: HealthEvent, b: HealthEvent): boolean {
  return formOf(a) === formOf(b) && a.text === b.text && a.owners.join() === b.owners.join()
}

/** Everything but who received it and in which words. */
function formOf({ text: _text, owners: _owners, ...form }: HealthEvent): string {
  return JSON.stringify(form, Object.keys(form).sort())
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
