import type { Incident } from '../incident.ts'
import type { Family, Outcome } from '../probe.ts'
import { advance } from '../streak.ts'
import { seenAgain } from './blind-probes.ts'
import type { Draft } from './draft.ts'
import { moveToFamily } from './family-change.ts'
import { type FailedProbe, failedAgain, recovered, recovering } from './member.ts'
import { admit } from './membership.ts'

/** One finished run: what it changes for its probe, and for the incident that the probe is in. */
export function takeRun(draft: Draft, given: Outcome): void {
  const probe = draft.setup.probes.get(given.probe)
  const monitor = probe === undefined ? undefined : draft.setup.monitors.get(probe.monitor)
  if (probe === undefined || monitor === undefined) return
  const was = draft.probeState(probe.id)
  const incident = incidentOf(draft, probe.id)
  // It worked before we were restarted, so it is still in the same outage.
  const outcome: Outcome = given.kind === 'setup' && incident?.family === 'outage' ? { ...given, kind: 'unreachable' } : given
  const at = outcome.startedAt
  const { state, transition } = advance(was, outcome, monitor, { incident, absence: draft.world.absence })
  draft.putProbeState(state)
  draft.transitions.push({ outcome, transition })
  if (transition.kind !== 'not-counted') seenAgain(draft, probe.id, at)
  const failedAs = (how: Pick<FailedProbe, 'family' | 'onset' | 'why'>) => ({ probe, monitor, state, outcome, ...how })
  switch (transition.kind) {
    case 'failed':
      admit(draft, failedAs(transition))
      return
    case 'other-family':
      if (incident === null) admit(draft, failedAs(transition))
      else moveToFamily(draft, incident, failedAs(transition))
      return
    case 'still-failing':
      if (incident !== null) draft.changeMember(incident, probe.id, (member) => failedAgain(member, outcome))
      else
        admit(
          draft,
          failedAs({ family: familyOf(outcome), onset: state.onset ?? at, why: 'its incident is gone, and it still fails' }),
        )
      return
    case 'recovering':
      if (incident !== null) draft.changeMember(incident, probe.id, (member) => recovering(member, at))
      return
    case 'recovered':
      if (incident === null) return
      draft.changeMember(incident, probe.id, (member) => recovered(member, at))
      draft.note({
        decision: 'recovered',
        incident: incident.id,
        probe: probe.id,
        rule: 'recovery',
        reason: transition.why,
        evidence: null,
      })
      return
    case 'ok':
    case 'undecided':
    case 'not-counted':
      return
  }
}

/** `config-change`: a probe that was not watched for a while has left its incident, which may go on without it. */
function incidentOf(draft: Draft, probe: string): Incident | null {
  const { incident: id } = draft.probeState(probe)
  const incident = id === null ? null : draft.openIncident(id)
  return incident === null || draft.members.find(incident, probe) === undefined ? null : incident
}

function familyOf({ kind }: Outcome): Family {
  return kind === 'internal' || kind === 'unreachable' ? 'outage' : 'misconfigured'
}
