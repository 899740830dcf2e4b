import type { Decision } from '../domain/decision.ts'
import type { Incident, Member } from '../domain/incident.ts'
import { placeOf } from '../domain/member-places.ts'
import type { Instant, Outcome } from '../domain/probe.ts'
import type { StoredOutcome } from '../ports/store.ts'
import type { LiveWorld } from './live-world.ts'

/** What is known once the decision is made. */
type Latest = Readonly<{
  incidentOf: (probe: string) => string | null
  incident: (id: string) => Incident | undefined
}>

/** The outcomes to be stored, each with the incident that it is evidence of: those are kept forever. */
export function evidenceOf(outcomes: readonly Outcome[], decision: Decision, world: LiveWorld): readonly StoredOutcome[] {
  const decided = new Map(decision.probes.map((state) => [state.probe, state]))
  const latest: Latest = {
    incidentOf: (probe) => (decided.get(probe) ?? world.probes.get(probe))?.incident ?? null,
    incident: (id) => decision.incidents.find((one) => one.id === id) ?? world.incidents.get(id),
  }
  return [...trails(decision, world), ...outcomes.map((outcome) => ({ outcome, incident: incidentOf(outcome, latest) }))]
}

/** The failed runs that led to a threshold were stored as plain ones: now they belong to the incident. */
function trails(decision: Decision, world: LiveWorld): readonly StoredOutcome[] {
  return decision.incidents.flatMap((incident) => {
    const known = world.incidents.get(incident.id)?.members ?? []
    // A run changes one of a thousand members, and leaves it in its place.
    const changed = incident.members.filter((member, i) => member !== known[i])
    const joined = changed.filter(({ probe, onset }) => onsetOf(known, probe) !== onset)
    return joined.flatMap((member) => member.evidence.map((outcome) => ({ outcome, incident: incident.id })))
  })
}

/** The open incident of its probe, if the run began at or after the onset. */
function incidentOf({ probe, startedAt }: Outcome, latest: Latest): string | null {
  const id = latest.incidentOf(probe)
  const incident = id === null ? undefined : latest.incident(id)
  if (incident === undefined || incident.state === 'closed') return null
  const onset = onsetOf(incident.members, probe)
  return onset !== null && startedAt >= onset ? incident.id : null
}

function onsetOf(members: readonly Member[], probe: string): Instant | null {
  const place = placeOf(members, probe)
  return place === null ? null : (members[place]?.onset ?? null)
}
