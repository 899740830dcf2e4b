import { inWordsByClock } from '../duration.ts'
import { NEVER_JUDGED } from '../explanation.ts'
import type { Incident, Member } from '../incident.ts'
import type { Instant, Monitor, Probe } from '../probe.ts'
import type { ProbeState } from '../state.ts'
import type { Verdict } from '../verdict.ts'
import type { Draft } from './draft.ts'
import { bareMember, recovered } from './member.ts'
import { join, openToJoin } from './membership.ts'
import { newIncident } from './new-incident.ts'

/** `blind`: opens or joins an incident for every probe without a conclusive run for too long, whatever the reason. */
export function findBlindProbes(draft: Draft): void {
  if (draft.connectivity.offlineSince !== null) return
  for (const probe of draft.setup.probes.values()) {
    const monitor = draft.setup.monitors.get(probe.monitor)
    const since = monitor === undefined ? null : blindSince(draft, probe, monitor)
    if (monitor === undefined || since === null || blindIncident(draft, probe.id) !== null) continue
    const why = `no conclusive run for ${inWordsByClock(since, draft.input.now)} (${whyBlind(draft.probeState(probe.id))})`
    const kind = { partition: monitor.partition, region: null, family: 'blind' } as const
    const open = openToJoin(draft, { ...kind, probe: probe.id, onset: since })
    const incident = open ?? newIncident(draft, kind)
    join(draft, incident, blindMember(draft, probe, since, why))
    const decision = open === null ? 'opened' : 'joined'
    draft.note({ decision, incident: incident.id, probe: probe.id, rule: 'blind', reason: why, evidence: { since } })
  }
}

/** Since when nothing is known of a probe, if that is too long. One that was failing when last seen is not blind. */
function blindSince(draft: Draft, probe: Probe, { periodMs }: Monitor): Instant | null {
  const state = draft.probeState(probe.id)
  if (state.status === 'failing') return null
  const since = Math.max(state.lastConclusiveAt ?? state.knownSince, draft.freshSince, draft.world.lostUntil ?? 0)
  return draft.input.now - since < Math.max(draft.setup.policy.blindAfterMs, 3 * periodMs) ? null : since
}

function blindMember(draft: Draft, probe: Probe, since: Instant, why: string): Member {
  const state = draft.probeState(probe.id)
  const verdict: Verdict = { kind: 'unexplained', why, rejected: [] }
  return {
    ...bareMember(probe, since, draft.input.now),
    lastOkAt: state.lastOkAt,
    judgement: { ...NEVER_JUDGED, verdict },
    lastRunAt: state.lastRunAt ?? since,
  }
}

/** A conclusive run: the probe is not blind any more. */
export function seenAgain(draft: Draft, probe: string, at: Instant): void {
  const incident = blindIncident(draft, probe)
  if (incident === null) return
  draft.changeMember(incident, probe, (member) => recovered(member, at))
  const reason = 'it has a conclusive run again'
  draft.note({ decision: 'recovered', incident: incident.id, probe, rule: 'blind', reason, evidence: null })
}

/** The open incident in which a probe is blind. */
function blindIncident(draft: Draft, probe: string): Incident | null {
  const blind = draft.openIncidents().filter((incident) => incident.family === 'blind')
  const isIn = ({ members }: Incident) => members.some((member) => member.probe === probe && member.state !== 'recovered')
  return blind.find(isIn) ?? null
}

function whyBlind(state: ProbeState): string {
  switch (state.inconclusive) {
    case 'throttled':
      return 'AWS throttles every try'
    case 'stalled':
      return 'our own process is stalled'
    case 'fault':
      return 'its runs end in an internal error of Alibi: see the log'
    case 'offline':
      return 'this host was cut off'
    case null:
      return state.lastRunAt === null ? 'it never ran' : 'it does not run'
  }
}
