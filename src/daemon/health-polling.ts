import type { Config } from '../config/config.ts'
import { readingEveryMs } from '../domain/cadence.ts'
import type { Instant, Monitor, Partition } from '../domain/probe.ts'
import type { World } from '../domain/state.ts'
import type { Meter } from '../ports/meter.ts'
import type { Clock } from '../ports/time.ts'
import type { Background } from './background.ts'
import type { Engine } from './engine.ts'
import type { HealthReader } from './health-reader.ts'

/** Messages of the queue whose way to a verdict is timed. */
const MAX_UNJUDGED = 100

export type HealthPollingDeps = Readonly<{
  config: Pick<Config, 'monitors' | 'policy' | 'health'>
  reader: HealthReader
  engine: Engine
  background: Background
  clock: Pick<Clock, 'now'>
  meter: Meter
  kill: AbortSignal
}>

/** Reads AWS Health for each partition, as often as what is going on there asks for (`consult`). */
export class HealthPolling {
  private readonly deps: HealthPollingDeps
  readonly partitions: readonly Partition[]
  /** When EventBridge put into the queue what has not been judged yet. */
  private readonly unjudged = new Map<Partition, Instant[]>()

  constructor(deps: HealthPollingDeps) {
    this.deps = deps
    this.partitions = [...new Set(deps.config.monitors.map(({ partition }) => partition))]
  }

  /** Starts to read every partition whose newest reading is too old. */
  poll(now: Instant): void {
    for (const partition of this.partitions)
      if (now >= this.dueAt(partition, now)) this.read(partition, this.everyMs(partition, now))
  }

  /** Starts to read a partition, if its newest reading is older than `maxAgeMs`. What it says is judged at once. */
  read(partition: Partition, maxAgeMs: number): void {
    const { reader, engine, background, kill } = this.deps
    background.startOnce(
      `read ${partition}`,
      async () => {
        await reader.read(partition, maxAgeMs, kill)
        await engine.look()
        this.count(partition)
      },
      'failed to judge a reading of AWS Health',
    )
  }

  /**
   * The queue has brought something: what is going on is judged by it at once, not when AWS Health is asked the next time.
   * @param sentAt when EventBridge put it there
   */
  heard(partition: Partition, sentAt: readonly Instant[]): void {
    const { reader, engine, background, kill } = this.deps
    const unjudged = [...(this.unjudged.get(partition) ?? []), ...sentAt]
    this.unjudged.set(partition, unjudged.slice(-MAX_UNJUDGED))
    const judge = async () => {
      await reader.refresh(partition, kill)
      await engine.look()
      this.count(partition)
    }
    background.start(judge(), 'failed to judge what the health queue brought')
  }

  private count(partition: Partition): void {
    const { engine, clock, meter } = this.deps
    if (!engine.hasJudged(partition)) return
    for (const sentAt of this.unjudged.get(partition) ?? []) meter.told(Math.max(0, clock.now() - sentAt))
    this.unjudged.delete(partition)
  }

  /** When the next reading of each partition is due. */
  due(now: Instant): readonly Instant[] {
    return this.partitions.map((partition) => this.dueAt(partition, now))
  }

  private dueAt(partition: Partition, now: Instant): Instant {
    return this.deps.reader.lastAt(partition) + this.everyMs(partition, now)
  }

  private everyMs(partition: Partition, now: Instant): number {
    const { config, engine } = this.deps
    const { monitors, policy, health } = config
    const world = engine.world()
    return readingEveryMs(partition, world.incidents.values(), {
      isUndecided: isUndecided(partition, monitors, world),
      policy,
      health,
      now,
    })
  }
}

function isUndecided(partition: Partition, monitors: readonly Monitor[], { probes }: World): boolean {
  const inPartition = monitors.filter((monitor) => monitor.partition === partition)
  return inPartition.some((monitor) => monitor.probes.some(({ id }) => probes.get(id)?.status === 'undecided'))
}
