import type { Config } from '../config/config.ts'
import { durationText } from '../config/duration.ts'
import type { DaemonDeps } from '../daemon/daemon.ts'
import { MINUTE_MS } from '../domain/probe.ts'
import { whyNotFrom } from '../domain/silence.ts'
import type { Mail } from '../ports/mailer.ts'
import type { Store } from '../ports/store.ts'
import { type VirtualClock, virtualClock } from './clock.ts'
import { type Disk, newDisk } from './disk/disk.ts'
import { newId } from './equipment.ts'
import { errorText } from './error-text.ts'
import { clockText, type Failure, failuresOf, opening } from './expect.ts'
import { type Delivered, History } from './history.ts'
import { leapFrom } from './leap.ts'
import type { Life } from './life.ts'
import { narrated } from './narration.ts'
import { Process, type Surroundings } from './process.ts'
import { seededRandom } from './random.ts'
import type { Deed, Happening, Moment, Order, Scenario } from './scenario.ts'
import { memoryStore } from './store.ts'
import { type Line, Timeline } from './timeline.ts'
import { World } from './world.ts'

/** After each such part of the story progress is reported, and the event loop may do other work; then the story may leap. */
const STEP_MS = MINUTE_MS / 4
/** Runs of one story that are played, not leapt over. Beyond it a schedule or a length is a mistake. */
const MAX_RUNS = 1_000_000

export type PlayOptions = Readonly<{
  /** Alibi's version, for the emails. */
  version?: string
  /** Called now and then, with a number from 0 to 1. */
  onProgress?: (share: number) => void
  /** Whether each run is played, even where nothing happens. */
  isWhole?: boolean
  /** Asked now and then whether to go on; forever, if left out. */
  isPatient?: () => boolean
  /** What the story happens to; one daemon as a process, if left out. */
  subject?: (around: Surroundings) => Subject
  /** Stands between each session of the daemon and its ports: may observe it, make it fail, or kill it between any two effects. */
  rig?: (deps: DaemonDeps, rigged: Rigged) => DaemonDeps
}>

/** What happens to the daemon, in the eyes of a story. */
export type Subject = Pick<Process, 'life' | 'store' | 'calls' | 'unlocked' | 'kill' | 'stop' | 'reload'>

/** The process of that session. */
export type Rigged = Readonly<{
  life: Life
  disk: Disk
  /** True time since the start of the story, in milliseconds. */
  elapsed: () => number
  /** `kill -9` at this very moment, and a start this many milliseconds later. */
  killFor: (ms: number) => void
}>

export type Played = Readonly<{
  scenario: Scenario
  passed: boolean
  failures: readonly Failure[]
  /** Every email that the server accepted, including those that arrived twice. */
  delivered: readonly Delivered[]
  timeline: readonly Line[]
  /** How many further lines there were. */
  omitted: number
}>

/**
 * Plays a scenario: the real decisions, daemon and emails on a virtual clock, with virtual adapters. The same scenario is always
 * played the same way. Rejects only for an internal error of the simulator.
 */
export async function play(scenario: Scenario, options: PlayOptions = {}): Promise<Played> {
  const stage = new Stage(scenario, options)
  return stage.play()
}

/** Whether EventBridge has a part in the story: its configuration has a queue, or an event arrives by one. */
function speaksOfQueue({ config, happenings }: Scenario): boolean {
  const isQueued = ({ health }: Config) => health.queue !== null
  return (
    isQueued(config) ||
    happenings.some(({ deed }) => {
      if (deed.verb === 'reload') return deed.config !== null && isQueued(deed.config)
      return 'event' in deed && deed.event.in?.includes('queue') === true
    })
  )
}

class Stage {
  private readonly scenario: Scenario
  private readonly options: PlayOptions
  private readonly clock: VirtualClock
  private readonly world: World
  private readonly history = new History()
  private readonly timeline: Timeline
  private readonly random01 = seededRandom(0x0a11b1)
  private readonly disk: Disk = newDisk()
  private readonly faults: Failure[] = []
  private config: Config
  private runs = 0
  /** When the scenario will do something, in the order of time. */
  private readonly deeds: number[]
  /** The last process that was started, and has not been killed. */
  private process: Subject | null = null

  constructor(scenario: Scenario, options: PlayOptions) {
    this.scenario = scenario
    this.options = options
    this.clock = virtualClock(scenario.start)
    this.world = new World(() => scenario.start + this.clock.elapsed(), speaksOfQueue(scenario))
    this.timeline = new Timeline(() => this.clock.elapsed())
    this.config = scenario.config
    this.deeds = scenario.happenings.map(({ at }) => at)
  }

  async play(): Promise<Played> {
    const { scenario, clock, history, world } = this
    // What happens at a moment happens before whatever Alibi does at it.
    const [before, after] = split(scenario.happenings)
    for (const { deed } of before) this.happen(deed)
    for (const { at, deed } of after) clock.at(at, () => this.happen(deed))
    this.start()
    while (clock.elapsed() < scenario.lengthMs) {
      await clock.advance(Math.min(STEP_MS, scenario.lengthMs - clock.elapsed()))
      this.options.onProgress?.(clock.elapsed() / scenario.lengthMs)
      const why = this.whyNotOn()
      if (why === null) {
        this.leap()
        continue
      }
      this.fault('the story is played to its end', `it was given up at ${clockText(clock.elapsed())}: ${why}`)
      break
    }
    this.process?.kill()
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

  /** Leaps over what differs from what was played last in nothing but the time. */
  private leap(): void {
    const { scenario, options, clock, world, disk, config, timeline, random01, process } = this
    if (
      options.isWhole === true ||
      options.rig !== undefined ||
      options.subject !== undefined ||
      process === null ||
      process.life.over
    )
      return
    while ((this.deeds[0] ?? Number.POSITIVE_INFINITY) <= clock.elapsed()) this.deeds.shift()
    const leap = leapFrom({ clock, world, disk, config, calls: process.calls }, this.deeds[0] ?? scenario.lengthMs)
    if (leap === null) return
    for (const { probes } of leap.monitors) {
      // The delay of each fire is drawn, even where there is none.
      for (let i = 0; i < leap.fires; i++) random01()
      for (const { id } of probes) timeline.runsAgain(id, leap.fires)
      process.calls.count += leap.fires * probes.length
    }
    clock.leap(leap.ms)
  }

  private whyNotOn(): string | null {
    if (this.runs > MAX_RUNS) return `it has made more than ${MAX_RUNS} runs`
    return this.options.isPatient?.() === false ? 'it has taken too long' : null
  }

  private happen(deed: Deed): void {
    this.timeline.world(narrated(deed))
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
        if (deed.config === null) return
        this.config = deed.config
        this.process?.reload()
        return
    }
  }

  private order(order: 'kill' | 'stop' | 'start'): void {
    switch (order) {
      case 'kill':
        this.process?.kill()
        this.process = null
        return
      case 'stop':
        this.process?.stop()
        return
      case 'start':
        this.start()
        return
    }
  }

  /** A command that writes into the database beside the daemon, as `alibi silence` and `alibi ack` do. */
  private beside(what: string, write: (store: Store) => Promise<void>): void {
    const store = this.process === null || this.process.life.over ? memoryStore(this.disk) : this.process.store
    write(store).catch((cause: unknown) => this.fault(`\`${what}\` is carried out`, errorText(cause)))
  }

  private async silence(store: Store, order: Extract<Order, { verb: 'silence' }>): Promise<void> {
    const { scope, forMs, reason, by } = order
    const at = this.clock.now()
    const moment = this.clock.moment()
    const from = this.wallClock(order.from ?? { instant: at })
    const why = whyNotFrom(from, at)
    if (why !== null) throw new Error(`from: ${why}`)
    const id = newId(this.random01).slice(0, 8)
    await store.addSilence({ id, at, moment, from, until: from + forMs, scope, reason, by, endedAt: null })
  }

  /** What our wall clock will show at that moment, unless it is set before. */
  private wallClock(moment: Moment): number {
    return 'instant' in moment ? moment.instant : this.clock.now() + moment.since - this.clock.elapsed()
  }

  private async acknowledge(store: Store): Promise<void> {
    const { incidents } = await store.load(Number.POSITIVE_INFINITY)
    const last = incidents.filter(({ state }) => state !== 'closed').sort((a, b) => b.openedAt - a.openedAt)[0]
    if (last === undefined) throw new Error('no incident is open')
    await store.addAck({ incident: last.id, at: this.clock.now(), moment: this.clock.moment(), reason: null })
  }

  private start(): void {
    const { clock, world, disk, history, timeline, random01, options, process: before } = this
    const { subject = (around) => new Process(around) } = options
    this.process = subject({
      ...{ clock, world, disk, history, timeline, random01 },
      version: options.version ?? 'of this source',
      config: () => this.config,
      unlocked: before?.unlocked ?? Promise.resolve(),
      rigged: (deps, process) => this.rigged(deps, process),
      ran: (outcome) => {
        this.runs += 1
        timeline.run(outcome)
      },
      took: (mail) => this.took(mail),
      fault: (expected, found) => this.fault(expected, found),
    })
  }

  private rigged(deps: DaemonDeps, process: Process): DaemonDeps {
    const { rig } = this.options
    if (rig === undefined) return deps
    const { clock, disk } = this
    const { life } = process
    const killFor = (ms: number) => {
      if (life.over) return
      this.timeline.daemon(`Alibi is killed, and started again after ${durationText(ms)}`)
      process.kill()
      clock.after(ms, () => this.start())
    }
    return rig(deps, { life, disk, elapsed: clock.elapsed, killFor })
  }

  private took(mail: Mail): void {
    const delivered = this.history.took(mail, this.clock.elapsed())
    const again = delivered.again ? ' again, under the same Message-ID' : ''
    this.timeline.mail(`${delivered.kind} → ${mail.envelope.join(', ')}${again}\n${mail.subject}\n${opening(delivered)}`)
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
