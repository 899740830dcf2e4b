import { inherited, notifiedMembers } from '../audience.ts'
import { type Audience, failingMembers, type Incident } from '../incident.ts'
import { close } from '../rules/recovery.ts'
import type { Draft } from './draft.ts'
import type { FailedProbe } from './member.ts'
import { admit } from './membership.ts'
import { conclude } from './stepping.ts'

/** `family-change`: a probe fails in another way now, and moves to an incident of that family. */
export function moveToFamily(draft: Draft, from: Incident, failed: FailedProbe): void {
  const { probe, family, why } = failed
  const left: Incident = { ...from, members: from.members.filter((member) => member.probe !== probe.id) }
  draft.note({ decision: 'moved', incident: from.id, probe: probe.id, rule: 'family-change', reason: why, evidence: { family } })
  const isEmpty = failingMembers(left).length === 0
  const heirs = heirsOf(draft, from, left, probe.id)
  // If the incident ends with this member, the member stays on its record.
  if (isEmpty) conclude(draft, close(from, draft.input.now, 'changed', why))
  else draft.putIncident(left)
  admit(draft, failed)
  const { incident: id } = draft.probeState(probe.id)
  const into = id === null ? null : draft.openIncident(id)
  if (into !== null && (isEmpty || heirs.length > 0)) handOver(draft, from, into, heirs)
}

/** Recipients who have no failing probe left in the old incident continue in the other one; the others have both. */
function heirsOf({ setup }: Draft, from: Incident, left: Incident, probe: string): readonly Audience[] {
  const failing = failingMembers(left)
  const moved = from.members.filter((member) => member.probe === probe)
  return from.audience.filter(
    (a) =>
      a.open &&
      (failing.length === 0 ||
        (moved.length > 0 && notifiedMembers(a, moved, setup).length > 0 && notifiedMembers(a, failing, setup).length === 0)),
  )
}

/**
 * Those who were notified of the one incident are notified of the other from now on, and of its end. Its sequence continues
 * that of the old one, because the emails of one thread are sent in that order.
 */
function handOver(draft: Draft, from: Incident, into: Incident, heirs: readonly Audience[]): void {
  const entry = new Map(into.audience.map((a) => [a.recipient, a]))
  for (const old of heirs) entry.set(old.recipient, inherited(entry.get(old.recipient), old, from))
  draft.putIncident({
    ...into,
    continues: into.announcedAt === null ? { id: from.id, family: from.family } : into.continues,
    audience: [...entry.values()],
    seq: Math.max(into.seq, from.seq),
  })
  const left = draft.incident(from.id) ?? from
  const moved = new Set(heirs.map((a) => a.recipient))
  draft.putIncident({
    ...left,
    // Their thread belongs to the other incident now: if they are notified of this one again, it is in a new thread.
    audience: left.audience.filter((a) => !moved.has(a.recipient)),
    into: [...new Set([...left.into, into.id])],
  })
}
