import type { Config } from '../config/config.ts'
import { durationText } from '../config/duration.ts'
import { type Daemon, type DaemonDeps, startDaemon } from '../daemon/daemon.ts'
import { ACCOUNT_REGION } from '../domain/policy.ts'
import { credentialsKey, HOUR_MS, type Monitor, type Partition } from '../domain/probe.ts'
import { letter } from '../letter/letter.ts'
import type { Log } from '../ports/log.ts'
import type { Mail } from '../ports/mailer.ts'
import { type Store, StoreError } from '../ports/store.ts'
import { virtualDashboard, virtualHealthApi, virtualProber } from './aws.ts'
import { type VirtualClock, virtualClock, virtualTicker } from './clock.ts'
import { type Failure, failuresOf, opening } from './expect.ts'
import { type Delivered, History } from './history.ts'
import { type Life, lifeOn, mortal } from './life.ts'
import { virtualMailer } from './mail-server.ts'
import type { Deed, Happening, Order, Scenario } from './scenario.ts'
import { type Disk, memoryStore, newDisk } from './store.ts'
import { type Line, Timeline } from './timeline.ts'
import { World } from './world.ts'

/** The real daemon's grace between "stop" and "abandon what is in flight". */
const GRACE_MS = 8_000
/** Progress is told, and the event loop let go, each so much of the story. */
const STEP_MS = HOUR_MS

/**
 * What a scenario orders of the daemon beyond its ports: rules 11 and 16. An order that is not here yet fails the scenario in
 * one sentence; to make it available is to put it here.
 */
export type Orders = Readonly<{
  silence?: (daemon: Daemon, order: Readonly<{ monitor: string | null; forMs: number; reason: string }>) => Promise<void>
  /** Acknowledges the newest open incident. */
  ack?: (daemon: Daemon) => Promise<void>
  reload?: (daemon: Daemon, config: Config) => Promise<void>
}>

export const ORDERS: Orders = {}

export type PlayOptions = Readonly<{
  /** Alibi's version, for the mails. */
  version?: string
  orders?: Orders
  /** From 0 to 1, now and then. */
  onProgress?: (share: number) => void
}>

export type Played = Readonly<{
  scenario: Scenario
  passed: boolean
  failures: readonly Failure[]
  /** Every mail that the server took, those that came twice as well. */
  delivered: readonly Delivered[]
  timeline: readonly Line[]
  /** Lines that there was no room for. */
  omitted: number
}>

/**
 * Plays a scenario: the real domain, daemon and letter on a virtual clock, among virtual adapters. The same scenario is always
 * played the same way. Rejects only for a fault of the simulator's own.
 */
export async function play(scenario: Scenario, options: PlayOptions = {}): Promise<Played> {
  const stage = new Stage(scenario, options)
  return stage.play()
}

/** The daemon as a process: what can be killed, stopped and started again on the same disk. */
type Process = Readonly<{ life: Life; stop: AbortController; kill: AbortController; ended: Promise<void> }>

class Stage {
  private readonly scenario: Scenario
  private readonly options: PlayOptions
  private readonly clock: VirtualClock
  private readonly world: World
  private readonly history = new History()
  private readonly timeline: Timeline
  private readonly random01 = mulberry32(0x0a11b1)
  private readonly disk: Disk = newDisk()
  private readonly faults: Failure[] = []
  private config: Config
  private process: Process | null = null
  private daemon: Daemon | null = null

  constructor(scenario: Scenario, options: PlayOptions) {
    this.scenario = scenario
    this.options = options
    this.clock = virtualClock(scenario.start)
    this.world = new World(() => scenario.start + this.clock.elapsed())
    this.timeline = new Timeline(() => this.clock.elapsed())
    this.config = scenario.config
  }

  async play(): Promise<Played> {
    const { scenario, clock, history, world } = this
    // What happens at a moment happens before whatever Alibi does at it.
    const [before, after] = split(scenario.happenings)
    for (const { deed } of before) this.happen(deed)
    for (const { at, deed } of after) clock.after(at, () => this.happen(deed))
    await this.boot()
    while (clock.elapsed() < scenario.lengthMs) {
      await clock.advance(Math.min(STEP_MS, scenario.lengthMs - clock.elapsed()))
      this.options.onProgress?.(clock.elapsed() / scenario.lengthMs)
    }
    this.process?.life.end()
    const failures = [...this.faults, ...failuresOf(scenario.expectations, history, world.board)]
    return {
      scenario,
      passed: failures.length === 0,
      failures,
      delivered: history.delivered,
      timeline: this.timeline.lines,
      omitted: this.timeline.omitted,
    }
  }

  private happen(deed: Deed): void {
    this.timeline.world(told(deed))
    if (isOrder(deed)) this.obey(deed)
    else this.world.apply(deed)
  }

  private obey(deed: Order): void {
    switch (deed.verb) {
      case 'daemon':
        this.order(deed.order)
        return
      case 'clock':
        this.clock.jump(deed.byMs)
        return
      case 'silence':
        this.ask('silence', (orders, daemon) => orders.silence?.(daemon, deed), 'silences are not available yet (rule 11)')
        return
      case 'ack':
        this.ask('ack', (orders, daemon) => orders.ack?.(daemon), 'acknowledging is not available yet (rule 11)')
        return
      case 'reload': {
        const { config } = deed
        if (config === null) return
        this.ask(
          'reload',
          (orders, daemon) => orders.reload?.(daemon, config),
          'a changed configuration cannot be read while Alibi runs yet (rule 16)',
        )
        this.config = config
        return
      }
    }
  }

  /** An order of a later rule: fails the scenario in one sentence where the daemon does not know it. */
  private ask(what: string, give: (orders: Orders, daemon: Daemon) => Promise<void> | undefined, missing: string): void {
    const { daemon } = this
    const expected = `\`${what}\` is carried out`
    const given = daemon === null ? undefined : give(this.options.orders ?? ORDERS, daemon)
    if (given === undefined) this.fault(expected, daemon === null ? 'Alibi is not running' : missing)
    else given.catch((cause: unknown) => this.fault(expected, messageOf(cause)))
  }

  private order(order: 'kill' | 'stop' | 'start'): void {
    const { process } = this
    switch (order) {
      case 'kill':
        process?.life.end()
        this.process = null
        this.daemon = null
        return
      case 'stop': {
        if (process === null) return
        process.stop.abort()
        process.life.after(GRACE_MS, () => process.kill.abort())
        return
      }
      case 'start': {
        // One that is still on its way out is waited for, as the lock of the database would have it.
        const out = process === null || process.life.over ? Promise.resolve() : process.ended
        void out.then(() => this.boot())
        return
      }
    }
  }

  private async boot(): Promise<void> {
    const life = lifeOn(this.clock)
    const [stop, kill] = [new AbortController(), new AbortController()]
    const { monitors } = this.config
    const probes = monitors.reduce((sum, monitor) => sum + monitor.probes.length, 0)
    try {
      const daemon = await startDaemon(this.deps(life), this.config, { stop: stop.signal, kill: kill.signal })
      const ended = daemon.done.then(
        () => {
          this.timeline.daemon('Alibi has stopped')
          life.end()
        },
        (cause: unknown) => {
          this.fault('the daemon runs until it is stopped', `it ended by itself: ${messageOf(cause)}`)
          life.end()
        },
      )
      this.daemon = daemon
      this.process = { life, stop, kill, ended }
      const told = this.config.recipients.map(({ name }) => name).join(', ')
      this.timeline.daemon(`Alibi runs: ${plural(monitors.length, 'monitor')}, ${plural(probes, 'probe')}; it tells ${told}`)
    } catch (cause) {
      this.fault('the daemon starts', messageOf(cause))
    }
  }

  private deps(life: Life): DaemonDeps {
    const { config, world, random01 } = this
    const partitions = [...new Set(config.monitors.map((monitor) => monitor.partition))]
    const sourcesOf = (partition: Partition) => ({
      api: virtualHealthApi(world, config, partition, life),
      dashboard: virtualDashboard(world, config, partition, life),
    })
    return {
      clock: life,
      ticker: virtualTicker(life, random01),
      prober: virtualProber(world, { config, life, random01, ran: (outcome) => this.timeline.run(outcome) }),
      store: mortal(this.store(), life),
      mailer: virtualMailer(world, life, (mail) => this.took(mail)),
      log: this.log(),
      sources: new Map(partitions.map((partition) => [partition, sourcesOf(partition)])),
      random01,
      newId: () => Array.from({ length: 16 }, () => Math.floor(random01() * 16).toString(16)).join(''),
      owners: (probe, monitor) => (probe.account === 'self' ? [`self@${credentialsKey(monitor.credentials)}`] : [probe.account]),
      sender: (monitor) => this.sender(monitor),
      overrides: [],
      letter: (notification, delivery) => letter(notification, delivery, config.mail.subject),
    }
  }

  private sender(monitor: Monitor | null) {
    const region = ACCOUNT_REGION[monitor?.partition ?? 'aws']
    const { version = 'of this source' } = this.options
    return {
      version,
      host: 'the simulator',
      sdk: 'simulated',
      endpoint: `https://account.${region}.amazonaws.com`,
      signingRegion: region,
      caller: null,
    }
  }

  /** The store in memory, on a disk that may be full, its decisions told as they are committed. */
  private store(): Store {
    const store = memoryStore(this.disk)
    const written = <T>(write: () => Promise<T>): Promise<T> =>
      this.world.diskFull ? Promise.reject(new StoreError('database or disk is full', { fatal: false })) : write()
    return {
      ...store,
      commit: (change) =>
        written(async () => {
          await store.commit(change)
          for (const row of change.ledger) this.timeline.decision(row)
          for (const incident of change.incidents) this.history.became(incident, this.clock.elapsed())
        }),
      settle: (changes, ledger, added) =>
        written(async () => {
          await store.settle(changes, ledger, added)
          // That a mail was delivered the mail server has told.
          for (const row of ledger) if (row.decision !== 'delivered') this.timeline.decision(row)
        }),
      alive: (at) => written(() => store.alive(at)),
      sweep: (before, limit) => written(() => store.sweep(before, limit)),
      checkpoint: () => written(() => store.checkpoint()),
    }
  }

  private took(mail: Mail): void {
    const delivered = this.history.took(mail, this.clock.elapsed())
    const again = delivered.again ? ' again, under the same Message-ID' : ''
    this.timeline.mail(`${delivered.kind} → ${mail.to.join(', ')}${again}\n${mail.subject}\n${opening(delivered)}`)
  }

  /** Runs, decisions and mails are told from where they happen; of the log only what somebody should look at. */
  private log(): Log {
    const tell = (message: string, fields: Record<string, unknown> = {}) => {
      const details = ['why', 'error', 'cause', 'next'].flatMap((key) =>
        fields[key] === undefined ? [] : [messageOf(fields[key])],
      )
      this.timeline.log([message, ...details].join(': '))
    }
    return { error: tell, warn: tell, info() {}, debug() {} }
  }

  private fault(expected: string, found: string): void {
    this.faults.push({ line: null, expected, found })
    this.timeline.log(`${expected}: ${found}`)
  }
}

function isOrder(deed: Deed): deed is Order {
  return (
    deed.verb === 'daemon' || deed.verb === 'clock' || deed.verb === 'reload' || deed.verb === 'silence' || deed.verb === 'ack'
  )
}

/** What changes the world at the very start does so before Alibi runs. */
function split(happenings: readonly Happening[]): readonly [readonly Happening[], readonly Happening[]] {
  const first = happenings.findIndex(({ at, deed }) => at > 0 || isOrder(deed))
  return first === -1 ? [happenings, []] : [happenings.slice(0, first), happenings.slice(first)]
}

/** What happens, as a person says it. */
function told(deed: Deed): string {
  switch (deed.verb) {
    case 'account': {
      const { operation, account, answer } = deed
      const whom = [operation, account === null ? null : `account ${account}`].filter((part) => part !== null)
      return `AWS answers ${answer} to ${whom.length === 0 ? 'every probe' : whom.join(' of ')}`
    }
    case 'publish': {
      const { service, region = null, text, start } = deed.event
      const began = start === undefined ? '' : `, said to have begun at ${new Date(start).toISOString().slice(0, 16)}Z`
      return `AWS publishes ${deed.id}: ${service} in ${region ?? 'no region'}${began}${quoted(text)}`
    }
    case 'update':
      return `AWS updates ${deed.id}${quoted(deed.event.text)}`
    case 'close':
      return `AWS closes ${deed.id}${quoted(deed.event.text)}`
    case 'withdraw':
      return `AWS withdraws ${deed.id}`
    case 'api':
      return `the Health API: ${deed.state}`
    case 'dashboard':
      return `the public dashboard: ${deed.state}`
    case 'network':
      return `our network: ${deed.up ? 'up' : 'down'}`
    case 'smtp':
      return `the mail server: ${deed.state}`
    case 'disk':
      return `our disk: ${deed.full ? 'full' : 'ok'}`
    case 'daemon':
      return { kill: 'Alibi is killed', stop: 'Alibi is asked to stop', start: 'Alibi is started' }[deed.order]
    case 'clock':
      return `our wall clock jumps ${deed.byMs < 0 ? 'back' : 'ahead'} by ${durationText(Math.abs(deed.byMs))}`
    case 'reload':
      return deed.config === null ? 'a changed configuration, set aside' : 'the configuration is changed'
    case 'silence':
      return `silence for ${durationText(deed.forMs)}${deed.monitor === null ? '' : ` over ${deed.monitor}`}: ${deed.reason}`
    case 'ack':
      return 'the last incident is acknowledged'
  }
}

function quoted(text: string | undefined): string {
  return text === undefined ? '' : `: "${text.length > 160 ? `${text.slice(0, 159)}…` : text}"`
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function messageOf(value: unknown): string {
  if (!(value instanceof Error)) return String(value)
  return value.cause instanceof Error ? `${value.message} (${value.cause.message})` : value.message
}

/** Chance that is always the same. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
