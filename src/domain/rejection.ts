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
type Remembered = Readonly<{ relevance: Relevance; service: string; region: string; rejected: RejectedEvent }>

const remembered = new WeakMap<HealthEvent, Remembered>()

/** How this event is rejected for any such failure; `null` if that is not known, or the event explains it. */
export function knownRejection(event: HealthEvent, { service, region }: Failure, relevance: Relevance): RejectedEvent | null {
  const known = remembered.get(event)
  return known?.relevance === relevance && known.service === service && known.region === region ? known.rejected : null
}

export function rejectionOf(event: HealthEvent, miss: Miss, { service, region }: Failure, relevance: Relevance): RejectedEvent {
  const { arn, code, status } = event
  const rejected = { arn, code, region: event.region, status, ...miss }
  if (isLasting(event, miss)) remembered.set(event, { relevance, service, region, rejected })
  return rejected
}

/** Whether neither the account nor the time had a part in it. */
function isLasting({ scope, impacted }: HealthEvent, { test }: Miss): boolean {
  if (scope === 'ACCOUNT_SPECIFIC' || test === 'time' || test === 'width') return false
  return test !== 'service' || (impacted?.length ?? 0) === 0
}

const lists = new WeakMap<RejectedEvent, readonly RejectedEvent[]>()

/** The same list as an object that others have already, if the last one that began with the same event is the same all through. */
export function sharedList(rejected: readonly RejectedEvent[]): readonly RejectedEvent[] {
  const [first] = rejected
  if (first === undefined) return rejected
  const last = lists.get(first)
  if (last?.length === rejected.length && last.every((event, i) => event === rejected[i])) return last
  lists.set(first, rejected)
  return rejected
}
