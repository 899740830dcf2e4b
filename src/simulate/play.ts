import type { Config } from '../config/config.ts'
import { durationText } from '../config/duration.ts'
import { type Daemon, type DaemonDeps, startDaemon } from '../daemon/daemon.ts'
import { counted } from '../domain/counted.ts'
import { ACCOUNT_REGION } from '../domain/policy.ts'
import { credentialsKey, MINUTE_MS, type Monitor, type Outcome, type Partition } from '../domain/probe.ts'
import type { Connectivity } from '../domain/state.ts'
import { messageOfThrown, readThrown } from '../domain/thrown.ts'
import { renderEmail } from '../email/render.ts'
import type { Log } from '../ports/log.ts'
import type { Mail } from '../ports/mailer.ts'
import { type Store, StoreError } from '../ports/store.ts'
import { virtualDashboard, virtualHealthApi, virtualProber } from './aws.ts'
import { type VirtualClock, virtualClock, virtualTicker } from './clock.ts'
import { clockText, type Failure, failuresOf, opening } from './expect.ts'
import { type Delivered, History } from './history.ts'
import { type Life, lifeOn, mortal } from './life.ts'
import { virtualMailer } from './mail-server.ts'
import { type Deed, type Happening, isWhole, type Order, type Scenario, type SmtpState } from './scenario.ts'
import { type Disk, memoryStore, newDisk } from './store.ts'
import { type Line, Timeline } from './timeline.ts'
import { World } from './world.ts'

/** The real daemon's grace between "stop" and "abandon what is in flight". */
const GRACE_MS = 10_000
/** Progress is told, and the event loop let go, each so much of the story. */
const STEP_MS = MINUTE_MS
/** Runs of one story: those of two months each minute ten times over. Beyond it somebody mistook a schedule, or a length. */
const MAX_RUNS = 1_000_000

export type PlayOptions = Readonly<{
  /** Alibi's version, for the mails. */
  version?: string
  /** From 0 to 1, now and then. */
  onProgress?: (share: number) => void
  /** Whether whoever waits still does, asked now and then; left out: for ever. */
  isPatient?: () => boolean
  /** Stands between each process of the daemon and its ports: may watch, fail or kill it between any two effects. */
  rig?: (deps: DaemonDeps, rigged: Rigged) => DaemonDeps
}>

/** A process of the daemon, as whoever rigs it sees it. */
export type Rigged = Readonly<{
  life: Life
  disk: Disk
  /** True time since the start of the story, in milliseconds. */
  elapsed: () => number
  /** `kill -9` at this very moment; it is started again so many milliseconds later. */
  killFor: (ms: number) => void
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
type Process = Readonly<{
  life: Life
  daemon: Daemon
  store: Store
  stop: AbortController
  kill: AbortController
  /** It has let go of everything. Never resolves for one that was killed. */
  ended: Promise<void>
}>

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
  private runs = 0
  private process: Process | null = null

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
    // Not waited for: one that is killed while it starts never answers.
    void this.boot()
    while (clock.elapsed() < scenario.lengthMs) {
      await clock.advance(Math.min(STEP_MS, scenario.lengthMs - clock.elapsed()))
      this.options.onProgress?.(clock.elapsed() / scenario.lengthMs)
      const why = this.whyNotOn()
      if (why === null) continue
      this.fault('the story is played to its end', `it was given up at ${clockText(clock.elapsed())}: ${why}`)
      break
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

  private whyNotOn(): string | null {
    if (this.runs > MAX_RUNS) return `it has made more than ${MAX_RUNS} runs`
    return this.options.isPatient?.() === false ? 'it has taken too long' : null
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
        this.beside('silence', (store) => this.silence(store, deed))
        return
      case 'ack':
        this.beside('ack', (store) => this.acknowledge(store))
        return
      case 'reload':
        this.reload(deed.config)
        return
    }
  }

  /** A verb that writes into the database beside the daemon, as `alibi silence` and `alibi ack` do. */
  private beside(what: string, write: (store: Store) => Promise<void>): void {
    const store = this.process?.store ?? memoryStore(this.disk)
    write(store).catch((cause: unknown) => this.fault(`\`${what}\` is carried out`, messageOf(cause)))
  }

  private async silence(store: Store, { monitor, forMs, reason }: Extract<Order, { verb: 'silence' }>): Promise<void> {
    if (monitor !== null && !this.config.monitors.some(({ name }) => name === monitor))
      throw new Error(`there is no monitor ${monitor}`)
    const at = this.clock.now()
    const moment = this.clock.moment()
    await store.addSilence({ id: this.newId().slice(0, 8), at, moment, until: at + forMs, reason, monitor, endedAt: null })
  }

  private async acknowledge(store: Store): Promise<void> {
    const { incidents } = await store.load(Number.POSITIVE_INFINITY)
    const last = incidents.filter(({ state }) => state !== 'closed').sort((a, b) => b.openedAt - a.openedAt)[0]
    if (last === undefined) throw new Error('no incident is open')
    await store.addAck({ incident: last.id, at: this.clock.now(), moment: this.clock.moment(), reason: null })
  }

  /** As SIGHUP does (cli/run.ts): the old session ends, one under the new configuration begins. A dead daemon reads it when it starts. */
  private reload(config: Config | null): void {
    const { process } = this
    if (config === null) return
    this.config = config
    if (process === null || process.life.over || process.stop.signal.aborted) return
    this.stop(process)
    void process.ended.then(() => this.boot(process.daemon.world().connectivity))
  }

  private stop({ stop, kill, life }: Process): void {
    stop.abort()
    life.after(GRACE_MS, () => kill.abort())
  }

  private order(order: 'kill' | 'stop' | 'start'): void {
    const { process } = this
    switch (order) {
      case 'kill':
        process?.life.end()
        this.process = null
        return
      case 'stop':
        if (process !== null) this.stop(process)
        return
      case 'start': {
        // One that is still on its way out is waited for, as the lock of the database would have it.
        const out = process === null || process.life.over ? Promise.resolve() : process.ended
        void out.then(() => this.boot())
        return
      }
    }
  }

  /** @param reach what the session before knew of our own network: a reload is no start */
  private async boot(connectivity: Connectivity | null = null): Promise<void> {
    const life = lifeOn(this.clock)
    const [stop, kill] = [new AbortController(), new AbortController()]
    const { monitors } = this.config
    const probes = monitors.reduce((sum, monitor) => sum + monitor.probes.length, 0)
    try {
      const store = memoryStore(this.disk)
      const daemon = await startDaemon(this.rigged({ ...this.deps(life, store), connectivity }, life), this.config, {
        stop: stop.signal,
        kill: kill.signal,
      })
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
      this.process = { life, daemon, store, stop, kill, ended }
      const told = this.config.recipients.map(({ name }) => name).join(', ')
      this.timeline.daemon(`Alibi runs: ${counted(monitors.length, 'monitor')}, ${counted(probes, 'probe')}; it tells ${told}`)
    } catch (cause) {
      this.fault('the daemon starts', messageOf(cause))
    }
  }

  private rigged(deps: DaemonDeps, life: Life): DaemonDeps {
    const { rig } = this.options
    if (rig === undefined) return deps
    const { clock, disk } = this
    const killFor = (ms: number) => {
      if (life.over) return
      this.timeline.daemon(`Alibi is killed, and started again after ${durationText(ms)}`)
      life.end()
      clock.after(ms, () => this.order('start'))
    }
    return rig(deps, { life, disk, elapsed: clock.elapsed, killFor })
  }

  private deps(life: Life, store: Store): DaemonDeps {
    const { config, world, random01 } = this
    const partitions = [...new Set(config.monitors.map((monitor) => monitor.partition))]
    const sourcesOf = (partition: Partition) => ({
      api: virtualHealthApi(world, config, partition, life),
      dashboard: virtualDashboard(world, config, partition, life),
    })
    return {
      clock: life,
      ticker: virtualTicker(life, random01),
      prober: virtualProber(world, { config, life, random01, ran: (outcome) => this.ran(outcome) }),
      store: mortal(this.told(store), life),
      mailer: virtualMailer(world, { life, state: () => world.smtp, accepted: (mail) => this.took(mail) }),
      fallback: this.fallback(life),
      log: this.log(),
      sources: new Map(partitions.map((partition) => [partition, sourcesOf(partition)])),
      random01,
      newId: () => this.newId(),
      owners: (probe, monitor) => (probe.account === 'self' ? [`self@${credentialsKey(monitor.credentials)}`] : [probe.account]),
      sender: (monitor) => this.sender(monitor),
      overrides: [],
      letter: (notification, delivery) => renderEmail(notification, delivery, config.mail.subject),
    }
  }

  /** The second mail server is always up: what `smtp:` says is said of the first. */
  private fallback(life: Life): DaemonDeps['fallback'] {
    const { fallback } = this.config.mail
    if (fallback === null) return null
    return {
      mailer: virtualMailer(this.world, { life, state: () => 'up', accepted: (mail) => this.took(mail) }),
      afterMs: fallback.afterMs,
    }
  }

  private newId(): string {
    return Array.from({ length: 16 }, () => Math.floor(this.random01() * 16).toString(16)).join('')
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
  private told(store: Store): Store {
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
    this.timeline.mail(`${delivered.kind} → ${mail.envelope.join(', ')}${again}\n${mail.subject}\n${opening(delivered)}`)
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

  private ran(outcome: Outcome): void {
    this.runs += 1
    this.timeline.run(outcome)
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
      return `the mail server: ${moodOf(deed.state)}`
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

function moodOf(state: SmtpState): string {
  if (isWhole(state)) return state
  const { refuse, defer } = state
  const parts = [
    ...(refuse.length === 0 ? [] : [`refuses ${refuse.join(', ')}`]),
    ...(defer.length === 0 ? [] : [`defers ${defer.join(', ')}`]),
  ]
  return parts.length === 0 ? 'up' : parts.join('; ')
}

function quoted(text: string | undefined): string {
  return text === undefined ? '' : `: "${text.length > 160 ? `${text.slice(0, 159)}…` : text}"`
}

function messageOf(value: unknown): string {
  const { isError, cause } = readThrown(value)
  const inner = readThrown(cause)
  return isError && inner.isError ? `${messageOfThrown(value)} (${messageOfThrown(cause)})` : messageOfThrown(value)
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
