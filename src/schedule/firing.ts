import type { Instant } from '../domain/probe.ts'
import type { ScheduledTask } from '../ports/time.ts'
import { type Fire, type Planner, plannerOf } from './planner.ts'

/** A fire that is late by no more (the event loop was busy) still happens; one that is later counts as missed. */
export const LATE_MS = 10_000

/** The clock and the timers that a schedule runs by, real or virtual. */
export type Stage = Readonly<{
  now: () => Instant
  /** Runs once `ms` have passed, unless it is called off by what is returned. */
  after: (ms: number, run: () => void) => () => void
  random01: () => number
  /** A fire has fallen due. */
  due?: (fire: Fire) => void
}>

/**
 * One schedule as it runs: one fire at a time, each after its random delay; a fire that falls due meanwhile is `overlapped`,
 * one that comes too late is `missed`. Whoever drives it calls `look` when something may be due, and `replan` when the clock was set or the machine slept.
 */
export class Firing {
  private readonly task: ScheduledTask
  private readonly stage: Stage
  private readonly planner: Planner
  private upcoming: Fire | null
  /** The time of a fire that waits out its random delay. */
  private delayed: Instant | null = null
  private callOff = () => {}
  private running: Promise<void> | null = null
  private stopped = false

  /** `task.fire` must not reject. @throws {Error} if the schedule cannot be read. */
  constructor(task: ScheduledTask, stage: Stage) {
    this.task = task
    this.stage = stage
    this.planner = plannerOf(task.cron, task.timezone)
    this.upcoming = this.planner.next(stage.now())
  }

  next(): Instant | null {
    return this.stopped ? null : (this.upcoming?.at ?? null)
  }

  /** Fires what has fallen due since the last look: the latest, if there were several. */
  look(): void {
    const now = this.stage.now()
    const first = this.upcoming
    if (this.stopped || first === null || now < first.at) return
    const latest = this.planner.last(first.at - 1, now) ?? first
    this.upcoming = this.planner.next(now)
    const isLate = now - latest.at > LATE_MS
    if (isLate || latest.at > first.at) this.task.missed(first.at)
    if (!isLate) this.begin(latest)
  }

  /** Plans from the present time on. What fell due in the time that was leapt over, and what waited out its delay, is missed. */
  replan(): void {
    if (this.stopped) return
    const lost = this.delayed ?? this.upcoming?.at ?? null
    this.callOff()
    this.delayed = null
    const now = this.stage.now()
    this.upcoming = this.planner.next(now)
    if (lost !== null && lost < now) this.task.missed(lost)
  }

  /** Plans from the present time on. What fell due in the time that was leapt over is taken for done. */
  leap(): void {
    if (!this.stopped) this.upcoming = this.planner.next(this.stage.now())
  }

  /** Resolves when the fire that is running, if any, has ended. */
  async stop(): Promise<void> {
    this.stopped = true
    this.callOff()
    await this.running
  }

  private begin(fire: Fire): void {
    this.stage.due?.(fire)
    const delayMs = Math.floor(this.stage.random01() * this.task.spreadMs)
    if (this.running !== null || this.delayed !== null) {
      this.task.overlapped(fire.at)
    } else if (delayMs === 0) {
      this.run(fire.at)
    } else {
      this.delayed = fire.at
      this.callOff = this.stage.after(delayMs, () => {
        this.delayed = null
        this.run(fire.at)
      })
    }
  }

  private run(at: Instant): void {
    this.running = this.task.fire(at).finally(() => {
      this.running = null
    })
  }
}
