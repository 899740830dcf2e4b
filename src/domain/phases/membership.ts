import { inWords } from '../duration.ts'
import type { Incident, Member } from '../incident.ts'
import type { Family, Instant, Partition } from '../probe.ts'
import { flapsNow } from '../rules/recovery.ts'
import { regionOfOutage } from '../setup.ts'
import type { Draft } from './draft.ts'
import { type FailedProbe, newMember } from './member.ts'
import { newIncident, reopened } from './new-incident.ts'

/** Where a failing probe looks for an incident that it belongs to. */
export type Place = Readonly<{ partition: Partition; region: string | null; family: Family; probe: string; onset: Instant }>

/** Puts a probe that has just failed into its incident: one that is open, one to reopen, or a new one. */
export function admit(draft: Draft, failed: FailedProbe): void {
  const { family, onset, why, monitor, probe } = failed
  const { partition } = monitor
  const region = regionOfOutage(probe, partition, family)
  const place: Place = { partition, region, family, probe: probe.id, onset }
  const member = newMember(failed, draft.input.now)
  const open = openToJoin(draft, place)
  if (open !== null) {
    join(draft, open, member)
    draft.note({ decision: 'joined', incident: open.id, probe: probe.id, rule: 'grouping', reason: why, evidence: { onset } })
    return
  }
  const closed = toReopen(draft, place)
  if (closed !== null) {
    reopen(draft, closed, member, why)
    return
  }
  const incident = newIncident(draft, { partition, region, family })
  join(draft, incident, member)
  const evidence = { onset, family }
  draft.note({ decision: 'opened', incident: incident.id, probe: probe.id, rule: 'threshold', reason: why, evidence })
}

function isThere(incident: Incident, { partition, region, family }: Place): boolean {
  return incident.partition === partition && (incident.region ?? null) === region && incident.family === family
}

/** `grouping`: the open incident with a close enough onset, or the one that the probe had recovered in; if several, the last. */
export function openToJoin(draft: Draft, place: Place): Incident | null {
  const { probe, onset } = place
  const { joinWithinMs, reopenWithinMs } = draft.setup.policy
  const fits = draft.openIncidents().filter((incident) => {
    if (!isThere(incident, place)) return false
    const recoveredAt = draft.members.find(incident, probe)?.recoveredAt ?? null
    if (recoveredAt !== null && onset - recoveredAt <= reopenWithinMs) return true
    return Math.abs(onset - draft.members.newestOnset(incident.members)) <= joinWithinMs
  })
  return fits.sort((a, b) => b.openedAt - a.openedAt)[0] ?? null
}

/** `recovery`: the incident of this probe that has closed last, and not too long ago. */
function toReopen(draft: Draft, place: Place): Incident | null {
  const { probe, onset } = place
  const fits = draft
    .allIncidents()
    .filter(
      (incident) =>
        incident.state === 'closed' &&
        incident.closedAs === 'recovered' &&
        isThere(incident, place) &&
        incident.closedAt !== null &&
        onset - incident.closedAt <= draft.setup.policy.reopenWithinMs &&
        draft.members.find(incident, probe) !== undefined,
    )
  return fits.sort((a, b) => (b.closedAt ?? 0) - (a.closedAt ?? 0))[0] ?? null
}

function reopen(draft: Draft, closed: Incident, member: Member, why: string): void {
  const { now } = draft.input
  const reopenedAt = [...closed.reopenedAt, now]
  const flapping = flapsNow(reopenedAt, now)
  join(draft, reopened(closed, now, reopenedAt, flapping), member)
  const reason = `${why}, ${inWords(now - (closed.closedAt ?? now))} after its incident had closed`
  draft.note({ decision: 'reopened', incident: closed.id, probe: member.probe, rule: 'recovery', reason, evidence: { flapping } })
}

export function join(draft: Draft, incident: Incident, member: Member): void {
  draft.putIncident({ ...incident, members: draft.members.joined(incident, member) })
  // A probe may be blind and in another incident: that one stays its own.
  if (incident.family === 'blind') return
  draft.putProbeState({ ...draft.probeState(member.probe), incident: incident.id, trail: [] })
}
