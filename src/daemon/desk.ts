import type { HealthReading, Source, SourceAnswer } from '../domain/outage.ts'
import type { Instant, Partition } from '../domain/probe.ts'
import { admit, join, type Memory, NOTHING_HELD, remembering } from '../domain/reading.ts'
import type { SetSince } from '../domain/rebase.ts'
import type { HealthSource } from '../ports/health.ts'
import type { Log } from '../ports/log.ts'
import { type Meter, SILENT_METER } from '../ports/meter.ts'
import type { Clock } from '../ports/time.ts'
import { guardedSource } from './guarded.ts'

/** The sources of a partition; `null` where there is none or it is switched off. */
export type Sources = Readonly<Record<Source, HealthSource | null>>

const OFF: SourceAnswer = { state: 'off', why: 'switched off, or this partition has none' }

/**
 * Where the daemon asks AWS Health: one reading per partition, shared for as long as it is fresh enough, one flight at a
 * time. Never rejects: a source that cannot be asked is part of the reading.
 */
export class Desk {
  private readonly sources: ReadonlyMap<Partition, Sources>
  private readonly clock: Clock
  private readonly log: Log
  private readonly lookbackMs: number
  private readonly meter: Meter
  private readonly last = new Map<Partition, HealthReading>()
  /** When the newest reading of each partition was made, on the monotonic clock. */
  private readonly heardAt = new Map<Partition, number>()
  private readonly flights = new Map<Partition, Promise<HealthReading>>()
  private readonly memory = new Map<string, Memory>()

  constructor(sources: ReadonlyMap<Partition, Sources>, lookbackMs: number, clock: Clock, log: Log, meter = SILENT_METER) {
    this.sources = sources
    this.lookbackMs = lookbackMs
    this.meter = meter
    this.clock = clock
    this.log = log
  }

  /** After a restart: the open events that a partition's sources held when last asked. */
  remember(partition: Partition, source: Source, arns: readonly string[]): void {
    this.memory.set(`${partition} ${source}`, remembering(arns))
  }

  /** The newest reading of each partition that was ever asked. */
  readings(): ReadonlyMap<Partition, HealthReading> {
    return this.last
  }

  /** The clock was set: what was read keeps its age, also what was read since and before anybody had noticed. */
  rebase(setSince: SetSince): void {
    for (const [partition, reading] of this.last) {
      const by = setSince(reading.at, this.heardAt.get(partition) ?? 0)
      if (by !== 0) this.last.set(partition, { ...reading, at: reading.at + by })
    }
  }

  /** When the newest reading was made; 0 when there is none. */
  lastAt(partition: Partition): Instant {
    return this.last.get(partition)?.at ?? 0
  }

  /** A reading not older than `maxAgeMs`. Bounded in time by the sources' own deadlines. */
  read(partition: Partition, maxAgeMs: number, signal: AbortSignal): Promise<HealthReading> {
    const known = this.last.get(partition)
    if (known !== undefined && this.clock.now() - known.at < maxAgeMs) return Promise.resolve(known)
    const flying = this.flights.get(partition)
    if (flying !== undefined) return flying
    const flight = this.ask(partition, signal).finally(() => this.flights.delete(partition))
    this.flights.set(partition, flight)
    return flight
  }

  private async ask(partition: Partition, signal: AbortSignal): Promise<HealthReading> {
    const now = this.clock.now()
    const sources = this.sources.get(partition)
    const since = now - this.lookbackMs
    const [api, dashboard] = await Promise.all([
      this.askOne('api', partition, sources, now, since, signal),
      this.askOne('dashboard', partition, sources, now, since, signal),
    ])
    const reading = join(api, dashboard, partition, this.clock.now())
    this.last.set(partition, reading)
    this.heardAt.set(partition, this.clock.monotonic())
    this.meter.read(reading)
    const { sources: states } = reading
    this.log.info('AWS Health read', {
      partition,
      events: reading.events.length,
      open: reading.events.filter((event) => event.status === 'open').length,
      api: `${states.api.state}${states.api.detail === '' ? '' : `: ${states.api.detail}`}`,
      dashboard: `${states.dashboard.state}${states.dashboard.detail === '' ? '' : `: ${states.dashboard.detail}`}`,
      ms: Math.round(this.clock.now() - now),
    })
    return reading
  }

  private async askOne(
    source: Source,
    partition: Partition,
    sources: Sources | undefined,
    now: Instant,
    since: Instant,
    signal: AbortSignal,
  ): Promise<SourceAnswer> {
    const asked = sources?.[source] ?? null
    const answer = asked === null ? OFF : await guardedSource(asked).ask(now, since, signal)
    const key = `${partition} ${source}`
    const doubted = admit(this.memory.get(key) ?? NOTHING_HELD, answer)
    this.memory.set(key, doubted.memory)
    return doubted.answer
  }
}
