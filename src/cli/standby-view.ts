import type { Config } from '../config/config.ts'
import type { HealthReading } from '../domain/outage.ts'
import { rememberMs } from '../domain/policy.ts'
import type { Partition } from '../domain/probe.ts'
import { setupOf } from '../domain/setup.ts'
import { INITIAL_CONNECTIVITY, newProbeState, type World } from '../domain/state.ts'
import type { Reader } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import type { View } from '../web/view.ts'
import { VERSION } from './version.ts'

/** A look at the database serves everybody who asks within this time. */
const GOOD_FOR_MS = 2_000

/** What the leader has stored, for the page of a machine that does not lead. */
export class StandbyView {
  private readonly reader: Reader
  private readonly clock: Clock
  private readonly config: Config
  private known: Pick<View, 'world' | 'readings'> | null = null
  private lookedAt = Number.NEGATIVE_INFINITY

  constructor(reader: Reader, clock: Clock, config: Config) {
    this.reader = reader
    this.clock = clock
    this.config = config
  }

  /** As it was stored at the last look; another one is begun where that was a while ago. */
  view(overrides: readonly string[]): View {
    if (this.clock.monotonic() - this.lookedAt > GOOD_FOR_MS) void this.look().catch(() => {}) // `/healthz` says what is wrong.
    const setup = setupOf(this.config)
    return {
      ...(this.known ?? { world: this.nothing(), readings: new Map() }),
      setup,
      overrides,
      digest: this.config.digest,
      version: VERSION,
    }
  }

  /** @throws {StoreError} */
  async look(): Promise<void> {
    this.lookedAt = this.clock.monotonic()
    const { monitors, policy } = this.config
    const now = this.clock.now()
    const loaded = await this.reader.load(now - rememberMs(policy))
    const [silences, acks] = [await this.reader.silences(now), await this.reader.acks()]
    const readings = new Map<Partition, HealthReading>()
    for (const partition of new Set(monitors.map((monitor) => monitor.partition))) {
      const kept = await this.reader.readingAt(partition, now)
      if (kept !== null) readings.set(partition, { ...kept.reading, at: kept.until })
    }
    const stored = new Map(loaded.probes.map((state) => [state.probe, state]))
    this.known = {
      world: {
        ...this.nothing(),
        probes: new Map([...this.nothing().probes].map(([id, state]) => [id, stored.get(id) ?? state])),
        incidents: new Map(loaded.incidents.map((incident) => [incident.id, incident])),
        selfAlerts: new Map(loaded.selfAlerts.map((selfAlert) => [selfAlert.key, selfAlert])),
        connectivity: loaded.connectivity ?? INITIAL_CONNECTIVITY,
        silences,
        acks: new Map(acks.map((ack) => [ack.incident, ack])),
      },
      readings,
    }
  }

  private nothing(): World {
    const now = this.clock.now()
    const probes = this.config.monitors.flatMap((monitor) => monitor.probes)
    return {
      probes: new Map(probes.map(({ id }) => [id, newProbeState(id, now)])),
      incidents: new Map(),
      selfAlerts: new Map(),
      connectivity: INITIAL_CONNECTIVITY,
      freshSince: now,
      absence: null,
      lostUntil: null,
      silences: [],
      acks: new Map(),
    }
  }
}
