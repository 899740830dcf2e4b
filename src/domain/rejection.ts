import type { HealthEvent } from './outage.ts'
import type { Relevance } from './policy.ts'
import type { Failure, RejectedEvent, Test } from './verdict.ts'

/*
 * In an outage of a thousand accounts the same events are rejected a thousand times a minute, and mostly for the same reasons. What
 * is known of an event object is remembered with it, and what members have in common they share: it is kept and stored once.
 */

/** The test that an event failed, and why. */
export type Miss = Readonly<{ test: Test; why: string }>

/** Holds for every failure of this service in this region, whichever account it is and whenever it began. */
type Remembered<T> = Readonly<{ relevance: Relevance; service: string; region: string; rejected: T }>

const ofEvents = new WeakMap<HealthEvent, Remembered<RejectedEvent>>()
const ofReadings = new WeakMap<readonly HealthEvent[], Remembered<readonly RejectedEvent[]>>()

/** How this event is rejected for any such failure; `null` if that is not known, or the event explains it. */
export function knownRejection(event: HealthEvent, failure: Failure, relevance: Relevance): RejectedEvent | null {
  return holding(ofEvents.get(event), failure, relevance)
}

/** The same of all events of a reading: those that came closest. `null` if that is not known of every one. */
export function knownRejections(
  events: readonly HealthEvent[],
  failure: Failure,
  relevance: Relevance,
): readonly RejectedEvent[] | null {
  return holding(ofReadings.get(events), failure, relevance)
}

function holding<T>(known: Remembered<T> | undefined, { service, region }: Failure, relevance: Relevance): T | null {
  return known?.relevance === relevance && known.service === service && known.region === region ? known.rejected : null
}

/** @returns these events, which came closest, as a list that others may have already */
export function closestOf(
  events: readonly HealthEvent[],
  closest: readonly RejectedEvent[],
  failure: Failure,
  relevance: Relevance,
): readonly RejectedEvent[] {
  const rejected = sharedList(closest)
  const { service, region } = failure
  if (events.every((event) => knownRejection(event, failure, relevance) !== null))
    ofReadings.set(events, { relevance, service, region, rejected })
  return rejected
}

export function rejectionOf(event: HealthEvent, miss: Miss, { service, region }: Failure, relevance: Relevance): RejectedEvent {
  const { arn, code, status } = event
  const rejected = { arn, code, region: event.region, status, ...miss }
  if (isLasting(event, miss)) ofEvents.set(event, { relevance, service, region, rejected })
  return rejected
}

/** Whether neither the account nor the time had a part in it. */
function isLasting({ scope, impacted }: HealthEvent, { test }: Miss): boolean {
  if (scope === 'ACCOUNT_SPECIFIC' || test === 'time' || test === 'width') return false
  return test !== 'service' || (impacted?.length ?? 0) === 0
}

const lists = new WeakMap<RejectedEvent, readonly RejectedEvent[]>()

/** The same list as an object that others have already, if the last one that began with the same event is the same all through. */
function sharedList(rejected: readonly RejectedEvent[]): readonly RejectedEvent[] {
  const [first] = rejected
  if (first === undefined) return rejected
  const last = lists.get(first)
  if (last?.length === rejected.length && last.every((event, i) => event === rejected[i])) return last
  lists.set(first, rejected)
  return rejected
}
