import { rerunAt } from '../../src/domain/cadence.ts'
import { decide } from '../../src/domain/decide.ts'
import type { Decision, Input } from '../../src/domain/decision.ts'
import type { Incident } from '../../src/domain/incident.ts'
import type { HealthReading } from '../../src/domain/outage.ts'
import { rememberMs } from '../../src/domain/policy.ts'
import type { ControlAnswer, Instant, Outcome, Partition, Probe } from '../../src/domain/probe.ts'
import { accountName, type Setup } from '../../src/domain/setup.ts'
import { INITIAL_CONNECTIVITY, newProbeState, type ProbeState, type World } from '../../src/domain/state.ts'

const NONE: readonly ControlAnswer[] = []
const TRY = { ms: 200, requestId: null, apigwId: null, traceId: null, skewMs: 0 } as const
const ACCOUNT = { service: 'ACCOUNT', region: 'us-east-1' } as const

/**
 * Alibi's decisions over a stretch of time, without disk and mail: outcomes and readings in, decisions out, each believed as
 * the engine does once it is committed.
 */
export class Watch {
  readonly setup: Setup
  private world: World
  private reading: HealthReading | null = null
  private lookedAt = 0
  private born = 0

  constructor(setup: Setup, now: Instant) {
    this.setup = setup
    this.world = {
      probes: new Map([...setup.probes.keys()].map((id) => [id, newProbeState(id, now)])),
      incidents: new Map(),
      selfAlerts: new Map(),
      connectivity: { ...INITIAL_CONNECTIVITY, everReached: true },
      freshSince: now,
      lostUntil: null,
      absence: null,
      silences: [],
      acks: new Map(),
    }
  }

  incidents(): readonly Incident[] {
    return [...this.world.incidents.values()]
  }

  state(probe: string): ProbeState {
    const state = this.world.probes.get(probe)
    if (state === undefined) throw new RangeError(`no probe ${probe}`)
    return state
  }

  /** When the probe is run again apart from its schedule; `null`: only by its schedule. */
  rerunAt(probe: Probe): Instant | null {
    const monitor = this.setup.monitors.get(probe.monitor)
    return monitor === undefined ? null : rerunAt(this.state(probe.id), monitor, this.world.freshSince)
  }

  /** What AWS Health said, for the decisions from now on. */
  read(reading: HealthReading): void {
    this.reading = reading
  }

  decide(now: Instant, outcomes: readonly Outcome[]): Decision {
    const { reading, world, setup } = this
    const readings = new Map<Partition, HealthReading>(reading === null ? [] : [[reading.partition, reading]])
    const newlyRead = new Set<Partition>(reading !== null && reading.at !== this.lookedAt ? [reading.partition] : [])
    const input: Input = {
      now,
      outcomes,
      controls: NONE,
      readings,
      newlyRead,
      timers: true,
      selfAlerts: [],
      owners: (probe, monitor) => [accountName(probe, monitor)],
      newId: () => {
        this.born += 1
        return this.born.toString(16).padStart(16, '0')
      },
    }
    const decision = decide(world, input, setup)
    this.lookedAt = reading?.at ?? 0
    const probes = new Map(world.probes)
    for (const state of decision.probes) probes.set(state.probe, state)
    const incidents = new Map(world.incidents)
    for (const incident of decision.incidents) incidents.set(incident.id, incident)
    for (const is of incidents.values())
      if (is.closedAt !== null && now - is.closedAt > rememberMs(setup.policy)) incidents.delete(is.id)
    const freshSince = Math.max(world.freshSince, decision.freshSince)
    this.world = { ...world, probes, incidents, connectivity: decision.connectivity ?? world.connectivity, freshSince }
    return decision
  }
}

/** One run of a single try. */
export function runOf(
  probe: string,
  at: Instant,
  ok: boolean,
  place: Readonly<{ service: string; region: string }> = ACCOUNT,
): Outcome {
  const base = { probe, startedAt: at, endedAt: at + 300, control: null }
  if (ok)
    return {
      ...base,
      result: 'ok',
      kind: null,
      tries: [{ ...TRY, ...place, at, kind: null, error: null, message: null, status: 200 }],
    }
  const error = 'InternalServerException'
  return {
    ...base,
    result: 'failed',
    kind: 'internal',
    tries: [{ ...TRY, ...place, at, kind: 'internal', error, message: 'internal error', status: 500 }],
  }
}
