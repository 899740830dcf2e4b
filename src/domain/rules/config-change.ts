import type { Announcement, Step } from '../announcement.ts'
import { notifiedAddresses } from '../audience.ts'
import type { Audience, Incident } from '../incident.ts'
import type { LedgerRow } from '../ledger.ts'
import type { Instant } from '../probe.ts'
import type { RecipientView } from '../view.ts'
import type { Addressee } from './result.ts'
import type { Situation } from './situation.ts'

export function isAdded({ recipient }: RecipientView, { added }: Incident): boolean {
  return added.includes(recipient)
}

/** An added recipient is notified with the next email that is due to the others. */
export function withAdded(due: readonly Addressee[], { incident, views }: Situation): readonly Addressee[] {
  const [first] = due
  if (first === undefined) return due
  const late = views.filter((view) => isAdded(view, incident) && view.loud && view.heard === null)
  return [...due, ...late.map((view) => ({ view, reason: first.reason }))]
}

/**
 * Whom the monitors of the failing probes notify now, and which of them were added: notified since the last step of probes that
 * had failed before. Whoever is notified since then of a probe that failed just now was not added: to them the failure is new.
 */
export function newcomers(was: Incident, views: readonly RecipientView[], now: Instant): Pick<Incident, 'notified' | 'added'> {
  const notified = views.map((view) => view.recipient)
  const before = was.notified ?? notified
  const isNew = (recipient: string) => was.added.includes(recipient) || !before.includes(recipient)
  const added = views
    .filter(({ heard, own }) => heard === null && was.announcedAt !== null && own.every(({ failedAt }) => failedAt < now))
    .map((view) => view.recipient)
    .filter(isNew)
  // What has not changed stays the same object, so that it is not written to disk again.
  return {
    notified: was.notified !== null && same(was.notified, notified) ? was.notified : notified,
    added: same(was.added, added) ? was.added : added,
  }
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i])
}

/** Notifies those for whom no probe of an incident is watched any longer, while it continues for others. */
export function leave(was: Incident, over: readonly Audience[], now: Instant): Step {
  const seq = was.seq + 1
  const reason = 'no failing probe of theirs is watched any longer'
  const to = over.map((a) => ({ ...a, to: notifiedAddresses(a) }))
  const incident = { ...was, seq, audience: was.audience.map((a) => (over.includes(a) ? { ...a, open: false } : a)) }
  const announcement: Announcement = { kind: 'dropped', reason, rule: 'config-change', seq, to, hindsight: was.hindsight }
  const row: LedgerRow = {
    at: now,
    incident: was.id,
    probe: null,
    decision: 'mailed',
    rule: 'config-change',
    reason: `dropped: ${reason}`,
    evidence: { to: to.map((a) => a.recipient), seq },
  }
  return { incident, announcement, ledger: [row] }
}
