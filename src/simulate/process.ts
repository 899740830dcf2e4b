import type { Config } from '../config/config.ts'
import type { DaemonDeps } from '../daemon/daemon.ts'
import { type Carried, type Cause, type Equipment, type Session, Sessions } from '../daemon/session.ts'
import { counted } from '../domain/counted.ts'
import type { Outcome } from '../domain/probe.ts'
import type { Mail } from '../ports/mailer.ts'
import type { Calls } from './aws.ts'
import type { VirtualClock } from './clock.ts'
import type { Disk } from './disk/disk.ts'
import { equipmentOf, logOf, observed } from './equipment.ts'
import { errorText } from './error-text.ts'
import type { History } from './history.ts'
import { type Life, lifeOn, mortal } from './life.ts'
import { type MemoryStore, memoryStore } from './store.ts'
import type { Timeline } from './timeline.ts'
import type { World } from './world.ts'

/** What a process finds around it, and what others learn of it. */
export type Surroundings = Readonly<{
  clock: VirtualClock
  world: World
  disk: Disk
  history: History
  timeline: Timeline
  random01: () => number
  /** Alibi's version, for the emails. */
  version: string
  /** The configuration on disk. */
  config: () => Config
  /** Resolves when the process before has given up the lock of the database. */
  unlocked: Promise<void>
  /** Stands between each session and its ports. */
  rigged: (deps: DaemonDeps, process: Process) => DaemonDeps
  ran: (outcome: Outcome) => void
  took: (mail: Mail) => void
  /** Something went wrong that no scenario can want. */
  fault: (expected: string, found: string) => void
}>

/** The daemon as a process: it can be killed, stopped and reloaded, and another one can be started on the same disk. */
export class Process {
  readonly life: Life
  /** What commands write into while it runs. */
  readonly store: MemoryStore
  /** Those of the present session. */
  calls: Calls = { count: 0, control: null }
  private readonly lock = Promise.withResolvers<void>()
  private readonly around: Surroundings
  private readonly stopping = new AbortController()
  private readonly sessions: Sessions<Equipment>

  constructor(around: Surroundings) {
    const { clock, disk, random01, config, unlocked } = around
    this.around = around
    this.life = lifeOn(clock)
    this.store = memoryStore(disk)
    this.sessions = new Sessions(
      {
        clock: this.life,
        log: logOf(around.timeline),
        random01,
        lock: async () => {
          await unlocked
          return { [Symbol.dispose]: () => this.lock.resolve() }
        },
        openStore: async () => mortal(observed(this.store, around), this.life),
        equip: (inForce, carried) => this.equipment(inForce, carried),
        organization: () => null,
        reread: async () => ({ ok: true, config: config() }),
        serve: async () => null,
        began: (session, cause) => this.began(session, cause),
      },
      { stop: this.stopping.signal, kill: new AbortController().signal },
    )
    void this.run()
  }

  /** Resolves when it has given up the lock of the database, however it ended. */
  get unlocked(): Promise<void> {
    return this.lock.promise
  }

  /** `kill -9`: nothing that it does from now on has any effect. */
  kill(): void {
    this.life.end()
    this.lock.resolve()
  }

  stop(): void {
    this.stopping.abort()
  }

  /** It reads its configuration again, as at SIGHUP. */
  reload(): void {
    this.sessions.reload()
  }

  private async run(): Promise<void> {
    const { config, timeline, fault } = this.around
    try {
      await this.sessions.run(config())
      timeline.daemon('Alibi has stopped')
    } catch (cause) {
      fault('the daemon runs until it is stopped', `it ended by itself: ${errorText(cause)}`)
    }
    this.kill()
  }

  private began({ config }: Session<Equipment>, cause: Cause): void {
    const { monitors, recipients } = config
    const probes = monitors.reduce((sum, monitor) => sum + monitor.probes.length, 0)
    const what = cause === 'start' ? 'Alibi runs' : 'Alibi has taken over the changed configuration'
    const notified = recipients.map(({ name }) => name).join(', ')
    this.around.timeline.daemon(
      `${what}: ${counted(monitors.length, 'monitor')}, ${counted(probes, 'probe')}; it notifies ${notified}`,
    )
  }

  private equipment(config: Config, carried: Carried): Equipment {
    const { life, around } = this
    this.calls = { count: 0, control: null }
    const deps = equipmentOf(around, { life, calls: this.calls, config, carried })
    return { ...around.rigged(deps, this), async [Symbol.asyncDispose]() {} }
  }
}
