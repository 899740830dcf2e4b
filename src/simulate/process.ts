import { type Config, subjectStyle } from '../config/config.ts'
import type { DaemonDeps } from '../daemon/daemon.ts'
import { type Carried, type Cause, type Equipment, type Session, Sessions } from '../daemon/session.ts'
import { counted } from '../domain/counted.ts'
import { ACCOUNT_REGION } from '../domain/policy.ts'
import { credentialsKey, type Monitor, type Outcome, type Partition } from '../domain/probe.ts'
import { messageOfThrown, readThrown } from '../domain/thrown.ts'
import { renderEmail } from '../email/render.ts'
import type { Log } from '../ports/log.ts'
import type { Mail } from '../ports/mailer.ts'
import { type Store, StoreError } from '../ports/store.ts'
import { type Calls, virtualDashboard, virtualHealthApi, virtualProber } from './aws.ts'
import { type VirtualClock, virtualTicker } from './clock.ts'
import type { Disk } from './disk/disk.ts'
import type { History } from './history.ts'
import { type Life, lifeOn, mortal } from './life.ts'
import { virtualMailer } from './mail-server.ts'
import { type MemoryStore, memoryStore } from './store.ts'
import type { Timeline } from './timeline.ts'
import { virtualQueue } from './virtual-queue.ts'
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
        log: this.log(),
        random01,
        lock: async () => {
          await unlocked
          return { [Symbol.dispose]: () => this.lock.resolve() }
        },
        openStore: async () => mortal(this.observed(this.store), this.life),
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

  private equipment(config: Config, { store, connectivity }: Carried): Equipment {
    const { world, random01, ran, took, version, rigged } = this.around
    const { life } = this
    this.calls = { count: 0, control: null }
    const partitions = [...new Set(config.monitors.map((monitor) => monitor.partition))]
    const sourcesOf = (partition: Partition) => ({
      api: virtualHealthApi(world, config, partition, life),
      dashboard: virtualDashboard(world, config, partition, life),
    })
    const { fallback } = config.mail
    const deps: DaemonDeps = {
      clock: life,
      ticker: virtualTicker(life, random01),
      prober: virtualProber(world, { config, life, random01, ran, calls: this.calls }),
      store,
      connectivity,
      mailer: virtualMailer(world, { life, state: () => world.smtp, accepted: took }),
      // The second mail server is always up: what a scenario says of `smtp` it says of the first.
      fallback: fallback && {
        mailer: virtualMailer(world, { life, state: () => 'up', accepted: took }),
        afterMs: fallback.afterMs,
      },
      log: this.log(),
      sources: new Map(partitions.map((partition) => [partition, sourcesOf(partition)])),
      queue: virtualQueue(world, config, life),
      random01,
      newId: () => newId(random01),
      owners: (probe, monitor) => (probe.account === 'self' ? [`self@${credentialsKey(monitor.credentials)}`] : [probe.account]),
      sender: (monitor) => sender(monitor, version),
      overrides: [],
      letter: (notification, delivery) => renderEmail(notification, delivery, subjectStyle(config, notification.recipient)),
    }
    return { ...rigged(deps, this), async [Symbol.asyncDispose]() {} }
  }

  /** The store in memory, on a disk that may be full. Its decisions go into the story as they are committed. */
  private observed(store: Store): Store {
    const { world, timeline, history, clock } = this.around
    const written = <T>(write: () => Promise<T>): Promise<T> =>
      world.diskFull ? Promise.reject(new StoreError('database or disk is full', { fatal: false })) : write()
    return {
      ...store,
      commit: (change) =>
        written(async () => {
          await store.commit(change)
          for (const row of change.ledger) timeline.decision(row)
          for (const incident of change.incidents) history.became(incident, clock.elapsed())
        }),
      settle: (changes, ledger, added) =>
        written(async () => {
          await store.settle(changes, ledger, added)
          // The mail server has already said that an email was delivered.
          for (const row of ledger) if (row.decision !== 'delivered') timeline.decision(row)
        }),
      keepQueue: (record, events, forgotten) => written(() => store.keepQueue(record, events, forgotten)),
      alive: (at) => written(() => store.alive(at)),
      sweep: (before, limit) => written(() => store.sweep(before, limit)),
      checkpoint: () => written(() => store.checkpoint()),
    }
  }

  /** Runs, decisions and emails enter the story where they happen: of the log only what somebody should look at. */
  private log(): Log {
    const tell = (message: string, fields: Record<string, unknown> = {}) => {
      const details = ['why', 'error', 'cause', 'next'].flatMap((key) =>
        fields[key] === undefined ? [] : [errorText(fields[key])],
      )
      this.around.timeline.log([message, ...details].join(': '))
    }
    return { error: tell, warn: tell, info() {}, debug() {} }
  }
}

export function newId(random01: () => number): string {
  return Array.from({ length: 16 }, () => Math.floor(random01() * 16).toString(16)).join('')
}

export function errorText(value: unknown): string {
  const { isError, cause } = readThrown(value)
  const inner = readThrown(cause)
  return isError && inner.isError ? `${messageOfThrown(value)} (${messageOfThrown(cause)})` : messageOfThrown(value)
}

function sender(monitor: Monitor | null, version: string) {
  const region = ACCOUNT_REGION[monitor?.partition ?? 'aws']
  return {
    version,
    host: 'the simulator',
    sdk: 'simulated',
    endpoint: `https://account.${region}.amazonaws.com`,
    signingRegion: region,
    caller: null,
    callers: [],
  }
}
