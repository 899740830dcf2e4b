import type { Announced, Decision, Input } from '../decision.ts'
import type { Incident, Member } from '../incident.ts'
import type { LedgerRow } from '../ledger.ts'
import type { Instant } from '../probe.ts'
import type { Setup } from '../setup.ts'
import { type Connectivity, newProbeState, type ProbeState, type SelfAlert, type World } from '../state.ts'
import { MemberIndex } from './member-index.ts'
import type { PeerIndex } from './peers.ts'

/** A decision while it is being made: the world as it was, and over it what has changed so far. The phases write into it. */
export class Draft {
  readonly world: World
  readonly input: Input
  readonly setup: Setup
  connectivity: Connectivity
  freshSince: Instant
  readonly announced: Announced[] = []
  readonly transitions: Decision['transitions'][number][] = []
  readonly selfAlertsSet: SelfAlert[] = []
  readonly selfAlertsCleared: string[] = []
  readonly ledger: LedgerRow[] = []
  /** Incidents whose one email of this moment is owed already. */
  readonly settled = new Set<string>()
  readonly members = new MemberIndex()
  /** By operation. */
  readonly peers = new Map<string, PeerIndex>()
  private readonly probes = new Map<string, ProbeState>()
  private readonly incidents = new Map<string, Incident>()

  constructor(world: World, input: Input, setup: Setup) {
    this.world = world
    this.input = input
    this.setup = setup
    this.connectivity = world.connectivity
    this.freshSince = world.freshSince
  }

  decision(): Decision {
    return {
      incidents: [...this.incidents.values()].filter((incident) => incident !== this.world.incidents.get(incident.id)),
      probes: [...this.probes.values()],
      selfAlerts: { set: this.selfAlertsSet, cleared: this.selfAlertsCleared },
      connectivity: this.connectivity === this.world.connectivity ? null : this.connectivity,
      freshSince: this.freshSince,
      ledger: this.ledger,
      announced: this.announced,
      transitions: this.transitions,
    }
  }

  probeState(id: string): ProbeState {
    return this.probes.get(id) ?? this.world.probes.get(id) ?? newProbeState(id, this.input.now)
  }

  putProbeState(state: ProbeState): void {
    this.probes.set(state.probe, state)
  }

  incident(id: string): Incident | undefined {
    return this.incidents.get(id) ?? this.world.incidents.get(id)
  }

  openIncident(id: string): Incident | null {
    const incident = this.incident(id)
    return incident === undefined || incident.state === 'closed' ? null : incident
  }

  allIncidents(): Incident[] {
    if (this.world.incidents.size === 0) return [...this.incidents.values()]
    const untouched = [...this.world.incidents.values()].filter((incident) => !this.incidents.has(incident.id))
    return [...untouched, ...this.incidents.values()]
  }

  openIncidents(): Incident[] {
    return this.allIncidents().filter((incident) => incident.state !== 'closed')
  }

  putIncident(incident: Incident): void {
    this.incidents.set(incident.id, incident)
  }

  /** Changes the member of a probe, if it is one. */
  changeMember(incident: Incident, probe: string, change: (member: Member) => Member): void {
    const members = this.members.changed(incident, probe, change)
    if (members !== null) this.putIncident({ ...incident, members })
  }

  note(row: Omit<LedgerRow, 'at'>): void {
    this.ledger.push({ at: this.input.now, ...row })
  }
}
