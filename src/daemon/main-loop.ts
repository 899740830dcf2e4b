import type { Config } from '../config/config.ts'
import { FLUSH_AFTER_MS, nextBeatAt } from '../domain/cadence.ts'
import { type Instant, MINUTE_MS } from '../domain/probe.ts'
import { GATHER_AT_MOST_MS } from '../domain/rules/gathering.ts'
import type { Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import type { ControlCalls } from './control-calls.ts'
import type { Digests } from './digest.ts'
import type { DiskAlarm } from './disk-alarm.ts'
import type { Engine } from './engine.ts'
import type { HealthPolling } from './health-polling.ts'
import type { HeartbeatLoop } from './heartbeat.ts'
import { Intervals } from './intervals.ts'
import type { Schedules } from './schedules.ts'
import type { Wakeup } from './wakeup.ts'

/** What falls due by the clock alone, such as a blind probe. */
const TIMERS_EVERY_MS = 10_000
const ALIVE_EVERY_MS = 30_000
/** Runs do not count while we are offline. A few are made all the same, because an answer ends it. */
const OFFLINE_RERUN_EVERY_MS = MINUTE_MS
const SWEEP_EVERY_MS = MINUTE_MS
const SWEEP_ROWS = 500
const SWEEP_BATCHES = 100
/** How late a digest may be. */
const DIGEST_EVERY_MS = 10_000
const CHECKPOINT_EVERY_MS = 5 * MINUTE_MS

export type MainLoopDeps = Readonly<{
  config: Pick<Config, 'policy' | 'storage'>
  clock: Clock
  store: Pick<Store, 'sweep' | 'checkpoint'>
  engine: Engine
  schedules: Schedules
  polling: HealthPolling
  controlCalls: ControlCalls
  diskAlarm: DiskAlarm
  /** `null` where no digest is configured. */
  digests: Digests | null
  /** `null` where no heartbeat is configured. */
  heartbeat: HeartbeatLoop | null
  /** Wakes the loop when outcomes were decided on. */
  wakeup: Wakeup
  failed: (message: string, cause: unknown) => void
  kill: AbortSignal
}>

/** The daemon's one ticker of its own: re-runs, timers, readings, control calls, writes and retention. */
export class MainLoop {
  private readonly deps: MainLoopDeps
  private readonly intervals = new Intervals()

  constructor(deps: MainLoopDeps) {
    this.deps = deps
  }

  /** Until `stop`. Never rejects. */
  async run(stop: AbortSignal): Promise<void> {
    const { clock, engine, wakeup, diskAlarm, failed, kill } = this.deps
    while (!stop.aborted) {
      try {
        await this.beat()
      } catch (cause) {
        failed('main loop iteration failed', cause)
        await diskAlarm.raise(kill).catch((again) => failed('failed to report that the database cannot be written', again))
      }
      const now = clock.now()
      await wakeup.wait(clock, this.nextBeatAt(now) - now, stop)
      // Woken by the first outcome: others follow within the second, and one sync serves them all.
      if (!stop.aborted && engine.unwrittenCount() > 0 && clock.now() - now < FLUSH_AFTER_MS)
        await wakeup.rest(clock, FLUSH_AFTER_MS, stop)
    }
  }

  /** The clock was set: everything is due. */
  forget(): void {
    this.intervals.forget()
    this.deps.controlCalls.forget()
  }

  private async beat(): Promise<void> {
    const { clock, store, engine, schedules, polling, controlCalls, diskAlarm, digests, heartbeat } = this.deps
    await engine.checkClocks()
    const now = clock.now()
    const isDue = (what: string, everyMs: number) => this.intervals.isDue(what, everyMs, now)
    const world = engine.world()
    if (world.connectivity.offlineSince === null || isDue('offline-rerun', OFFLINE_RERUN_EVERY_MS)) schedules.rerun(world, now)
    polling.poll(now)
    controlCalls.poll(now)
    const timers = isDue('timers', TIMERS_EVERY_MS)
    const isAnyOpen = [...world.incidents.values()].some((incident) => incident.state !== 'closed')
    if (isAnyOpen || timers) await engine.look({ timers })
    await engine.flush()
    diskAlarm.clear()
    if (isDue('alive', ALIVE_EVERY_MS)) {
      await engine.alive()
      heartbeat?.wrote()
    }
    if (isDue('sweep', SWEEP_EVERY_MS)) await this.sweep(now)
    if (isDue('digest', DIGEST_EVERY_MS)) await digests?.look(now)
    if (isDue('checkpoint', CHECKPOINT_EVERY_MS)) await store.checkpoint()
    heartbeat?.cycled()
  }

  private nextBeatAt(now: Instant): Instant {
    const { config, engine, schedules, polling, controlCalls } = this.deps
    const world = engine.world()
    return nextBeatAt(
      {
        unwritten: engine.unwrittenCount() > 0,
        reruns: schedules.rerunsDue(world),
        readings: polling.due(now),
        control: controlCalls.due(),
        incidents: world.incidents.values(),
        waitMs: config.policy.waitMs,
        gatherMs: GATHER_AT_MOST_MS,
      },
      now,
    )
  }

  private async sweep(now: Instant): Promise<void> {
    const { config, store, engine } = this.deps
    engine.forget(now)
    const { runsMs, hoursMs } = config.storage.keep
    for (let i = 0; i < SWEEP_BATCHES; i++) {
      const left = await store.sweep({ runs: now - runsMs, hours: now - hoursMs }, SWEEP_ROWS)
      if (left === 0) return
    }
  }
}
