import type { Decision } from '../domain/decision.ts'
import type { Incident } from '../domain/incident.ts'
import { JUMP_MS } from '../domain/moment.ts'
import type { Source } from '../domain/outage.ts'
import { type Policy, rememberMs } from '../domain/policy.ts'
import type { Instant, Partition } from '../domain/probe.ts'
import { rebaseConnectivity, rebaseGap, rebaseIncident, rebaseProbe } from '../domain/rebase.ts'
import {
  type Connectivity,
  type Gap,
  INITIAL_CONNECTIVITY,
  newProbeState,
  type ProbeState,
  type SelfAlert,
} from '../domain/state.ts'
import type { Loaded } from '../ports/store.ts'

/** What the daemon knows of its probes and incidents: as it was loaded at the start, with every decision since then. */
export class LiveWorld {
  readonly probes = new Map<string, ProbeState>()
  readonly incidents = new Map<string, Incident>()
  readonly selfAlerts = new Map<string, SelfAlert>()
  connectivity: Connectivity
  /** What was run or read before this moment says nothing about the present (`restart`). */
  freshSince: Instant
  /** When Alibi was not running before this start; `null` if that was too short to mention. */
  absence: Gap | null = null

  /** @param connectivity what the session before this one knew; `null` at the start of a process */
  constructor(loaded: Loaded, probes: Iterable<string>, connectivity: Connectivity | null, now: Instant) {
    const known = new Map(loaded.probes.map((state) => [state.probe, state]))
    for (const id of probes) this.probes.set(id, known.get(id) ?? newProbeState(id, now))
    for (const incident of loaded.incidents) this.incidents.set(incident.id, incident)
    for (const selfAlert of loaded.selfAlerts) this.selfAlerts.set(selfAlert.key, selfAlert)
    this.connectivity = connectivity ?? connectivityAtStart(loaded.connectivity)
    this.freshSince = now
  }

  adopt(decision: Decision): void {
    for (const state of decision.probes) this.probes.set(state.probe, state)
    for (const incident of decision.incidents) this.incidents.set(incident.id, incident)
    for (const selfAlert of decision.selfAlerts.set) this.selfAlerts.set(selfAlert.key, selfAlert)
    for (const key of decision.selfAlerts.cleared) this.selfAlerts.delete(key)
    if (decision.connectivity !== null) this.connectivity = decision.connectivity
    this.freshSince = Math.max(this.freshSince, decision.freshSince)
  }

  /** The clock was set: changes the dates so that every interval stays what it was (`restart`). */
  rebase(by: number): void {
    for (const [id, state] of this.probes) this.probes.set(id, rebaseProbe(state, by))
    for (const [id, incident] of this.incidents) this.incidents.set(id, rebaseIncident(incident, by))
    this.connectivity = rebaseConnectivity(this.connectivity, by)
    this.absence = rebaseGap(this.absence, by)
    this.freshSince += by
  }

  /** A clock that was set back while nobody watched leaves runs in the future: they are taken for as old as now. */
  rebaseRunsAhead(now: Instant): void {
    for (const [id, state] of this.probes) {
      const ahead = (state.lastRunAt ?? now) - now
      if (ahead > JUMP_MS) this.probes.set(id, rebaseProbe(state, -ahead))
    }
  }

  /** Forgets closed incidents that can no longer be reopened or explained. */
  forget(now: Instant, policy: Policy): void {
    for (const [id, { closedAt }] of this.incidents)
      if (closedAt !== null && now - closedAt > rememberMs(policy)) this.incidents.delete(id)
  }

  /** The open events that explain a failure, with the sources that had them. */
  openEvents(): readonly Readonly<{ partition: Partition; source: Source; arn: string }>[] {
    const open = [...this.incidents.values()].filter(({ state }) => state !== 'closed')
    return open.flatMap(({ partition, members }) =>
      members.flatMap(({ judgement: { verdict, alibi } }) => {
        if (verdict.kind !== 'explained' || alibi?.open !== true) return []
        const { arn, sources } = verdict.by
        return sources.map((source) => ({ partition, source, arn }))
      }),
    )
  }
}

/** "Never reached since the start" begins again, unless we were offline when we stopped: that still has to end. */
function connectivityAtStart(stored: Connectivity | null): Connectivity {
  return stored !== null && stored.offlineSince !== null ? stored : INITIAL_CONNECTIVITY
}
