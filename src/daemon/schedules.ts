import { inWords } from '../domain/duration.ts'
import { type Instant, MINUTE_MS, type Monitor, type Probe } from '../domain/probe.ts'
import type { Setup } from '../domain/setup.ts'
import type { World } from '../domain/state.ts'
import type { Log } from '../ports/log.ts'
import type { Meter } from '../ports/meter.ts'
import type { Prober } from '../ports/prober.ts'
import { StoreError } from '../ports/store.ts'
import type { Clock, ScheduledTask, Ticker } from '../ports/time.ts'
import { Faults } from './faults.ts'
import type { FinishedRun } from './finished-run.ts'
import { AWS_PACE, type Pace, ProbeScheduler } from './probe-scheduler.ts'

export type SchedulesDeps = Readonly<{
  setup: Setup
  prober: Prober
  clock: Clock
  ticker: Ticker
  log: Log
  meter: Meter
  /** How fast runs follow each other; what AWS allows, if left out. */
  pace?: Pace
  /** Decides on a finished run. */
  submit: (run: FinishedRun) => Promise<void>
  failed: (message: string, cause: unknown) => void
  kill: AbortSignal
}>

/** Runs the probes of all monitors by their schedules, and notices schedules that are late or stand still. */
export class Schedules {
  private readonly deps: SchedulesDeps
  private readonly monitors: readonly Monitor[]
  private readonly scheduler: ProbeScheduler
  private readonly faults = new Faults()
  private readonly startedAt: number
  /**
   * When each monitor's schedule last fired, and when a scheduled run last began, both on the monotonic clock: a clock that is set
   * makes nobody late, and a late round does not stand still.
   */
  private readonly firedAt = new Map<string, number>()
  private readonly begunAt = new Map<string, number>()
  /** Monitors whose rounds take longer than the gap of their schedule, and those whose present round was found running by a fire. */
  private readonly late = new Set<string>()
  private readonly overlapped = new Set<string>()
  private tasks: readonly Readonly<{ stop(): Promise<void> }>[] = []

  constructor(deps: SchedulesDeps) {
    const { prober, clock, pace = AWS_PACE, kill } = deps
    this.deps = deps
    this.monitors = [...deps.setup.monitors.values()]
    this.startedAt = clock.monotonic()
    this.scheduler = new ProbeScheduler({
      prober,
      clock,
      pace,
      kill,
      began: (monitor, lateMs) => this.began(monitor, lateMs),
      submit: async (outcome, begun) => {
        await deps.submit({ outcome, begun })
        const probe = deps.setup.probes.get(outcome.probe)
        if (outcome.kind !== 'fault' && probe !== undefined) this.faults.clear(probe.monitor, probe.id)
      },
      failed: (probe, cause) => this.failed(probe, cause),
    })
  }

  start(): void {
    this.tasks = this.monitors.map((monitor) => this.deps.ticker.schedule(this.taskOf(monitor)))
  }

  /** Runs again what is due apart from the schedules (`threshold`). */
  rerun({ probes, freshSince }: World, now: Instant): void {
    this.scheduler.rerun(this.monitors, probes, freshSince, now)
  }

  /** When probes are due again apart from their schedules. */
  rerunsDue({ probes, freshSince }: World): readonly Instant[] {
    return this.scheduler.rerunsDue(this.monitors, probes, freshSince)
  }

  /** Which monitors do not run as they should, and why. */
  reasons(): readonly string[] {
    const now = this.deps.clock.monotonic()
    const idle = this.monitors.flatMap(({ name, periodMs, spreadMs }) => {
      const idleMs = now - Math.max(this.firedAt.get(name) ?? this.startedAt, this.begunAt.get(name) ?? this.startedAt)
      const limit = periodMs * 1.5 + spreadMs + MINUTE_MS
      return idleMs > limit ? [`monitor ${name} has not run for ${inWords(idleMs)}`] : []
    })
    return [...idle, ...this.faults.reasons()]
  }

  /** Begins no further run. Resolves when every run that is under way has ended and was decided on. */
  async stop(): Promise<void> {
    this.scheduler.stop()
    await Promise.all(this.tasks.map((task) => task.stop()))
    await this.scheduler.idle()
  }

  private taskOf(monitor: Monitor): ScheduledTask {
    const { clock, log, meter } = this.deps
    const { name, schedule, timezone, spreadMs } = monitor
    return {
      name,
      cron: schedule,
      timezone,
      spreadMs,
      fire: async (due) => {
        const at = clock.now()
        if (due !== undefined) meter.fired(name, Math.max(0, at - due - spreadMs))
        this.firedAt.set(name, clock.monotonic())
        this.overlapped.delete(name)
        await this.scheduler.fire(monitor)
        if (!this.overlapped.has(name) && this.late.delete(name))
          log.info('schedule is on time again', { monitor: name, round: inWords(clock.now() - at) })
      },
      missed: (at) =>
        log.warn('schedule missed a fire', {
          monitor: name,
          at: new Date(at).toISOString(),
          next: 'it runs at the next one',
        }),
      overlapped: (at) => {
        meter.skipped(name)
        this.overlapped.add(name)
        if (this.late.has(name)) return
        this.late.add(name)
        log.warn('schedule is late', {
          monitor: name,
          at: new Date(at).toISOString(),
          why: 'the previous round is still running',
          next: 'each round begins when the previous one has ended; `alibi check` says how often AWS allows it to run',
        })
      },
    }
  }

  private began(monitor: string, lateMs: number): void {
    const { clock, meter } = this.deps
    this.begunAt.set(monitor, clock.monotonic())
    meter.began(monitor, lateMs)
  }

  private failed(probe: Probe, cause: unknown): void {
    const { failed } = this.deps
    // A store that could not be written is not the fault of this run.
    if (cause instanceof StoreError) failed('run failed', cause)
    else if (this.faults.add(probe.monitor, probe.id, cause)) failed('run failed', new Error(`probe ${probe.id}`, { cause }))
  }
}
