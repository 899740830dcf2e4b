import type { Facts, Notification, Owed, Wording } from '../domain/notification.ts'
import type { Delivery } from '../email/delivery.ts'
import type { Mail } from '../ports/mailer.ts'

/** Always the same email: from its facts, how it was worded, and the failure that it reports as well. */
export function letterOf(
  notification: Notification,
  { at, attempts, lateBecause, unsaid, inReplyTo, to, refused }: Wording,
  thread: readonly Owed[],
  letter: (notification: Notification, delivery: Delivery) => Mail,
): Mail {
  const fall = thread.find((one) => one.notification.id === unsaid?.id)?.notification ?? null
  const merged = fall === null || unsaid === null ? null : { facts: fall.facts, why: unsaid.why }
  const facts = fall === null ? notification.facts : begunWith(notification.facts, fall.facts)
  return letter({ ...notification, to, inReplyTo, facts }, { attempts, lateBecause, now: at, merged, refused })
}

/** The facts of an email that reports a failure as well: the incident began with that one. */
function begunWith(facts: Facts, fall: Facts): Facts {
  if (facts.incident === null || fall.incident === null || fall.incident.onset >= facts.incident.onset) return facts
  const { onset, lastOkAt } = fall.incident
  return { ...facts, incident: { ...facts.incident, onset, lastOkAt } }
}
