import { decide } from '../domain/decide.ts'
import type { Decision, Input } from '../domain/decision.ts'
import type { Stamp } from '../domain/moment.ts'
import type { Facts, Notification, StripMark } from '../domain/notification.ts'
import { notificationsFor, probesShown } from '../domain/notify.ts'
import { rememberMs } from '../domain/policy.ts'
import { HOUR_MS, type Instant, type Monitor, type Outcome, type Partition, type Probe } from '../domain/probe.ts'
import type { Setup } from '../domain/setup.ts'
import type { Connectivity, SelfAlert, World } from '../domain/state.ts'
import type { Log } from '../ports/log.ts'
import type { Meter } from '../ports/meter.ts'
import type { Change, Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { ClockChanges } from './clock-changes.ts'
import { Clocks } from './clock-watch.ts'
import { Consultation } from './consultation.ts'
import { countDecision, logDecision } from './decision-log.ts'
import { evidenceOf } from './evidence.ts'
import { type ControlCall, datedAnswer, datedOutcome, type FinishedRun } from './finished-run.ts'
import type { HealthReader } from './health-reader.ts'
import { LiveWorld } from './live-world.ts'
import { Mutex } from './mutex.ts'
import { OperatorOrders } from './operator-orders.ts'
import { Postponement } from './postponement.ts'
import { RunGathering } from './run-gathering.ts'
import { WriteBehind } from './write-behind.ts'

export type EngineDeps = Readonly<{
  store: Store
  reader: HealthReader
  clock: Clock
  log: Log
  meter: Meter
  setup: Setup
  newId: () => string
  owners: (probe: Probe, monitor: Monitor) => readonly string[]
  sender: (monitor: Monitor | null) => Facts['sentBy']
  overrides: readonly string[]
  /** How old a reading may be while something fails. */
  cacheForMs: number
  /** What the session before this one knew of our own network; left out, or `null`, at the start of a process. */
  connectivity?: Connectivity | null
  /** Emails are due. */
  owes: () => void
  /** AWS Health is to be asked, and what it says to be judged, before an email can be due. */
  askAgain: (partition: Partition) => void
  /** Runs were decided on: they wait for the next flush, and the next re-run may be due earlier than was thought. */
  decided: () => void
  /** These are over: their emails that have not left need not leave. */
  over: (selfAlerts: readonly SelfAlert[]) => void
  /** The wall clock was set by this many milliseconds. */
  clockSet: (by: number) => void
  /** This machine slept for this many milliseconds: nothing was watched. */
  slept: (forMs: number) => void
}>

/** What a decision is about: finished runs, control calls, self-alerts (`null`: over), or nothing but the time. */
export type Occasion = Readonly<{
  runs?: readonly FinishedRun[]
  controlCalls?: readonly ControlCall[]
  selfAlerts?: Input['selfAlerts']
  /** Looks at everything that falls due by the clock. */
  timers?: boolean
}>

/** Everything that the engine remembers. It comes from the store, and a new start reads it again. */
type Memory = Readonly<{
  world: LiveWorld
  orders: OperatorOrders
  writes: WriteBehind
  clocks: Clocks
  clockChanges: ClockChanges
  consultation: Consultation
  gathering: RunGathering
  postponement: Postponement
  /** When the reading was made by which a partition's incidents were last judged. */
  judgedBy: Map<Partition, Instant>
}>

/**
 * Outcomes in, committed decisions out. A decision is believed only when it is on disk: one that cannot be committed has not been
 * made, and the next run makes it again.
 *
 * `start` comes before everything else. It may come again: then nothing that was remembered or had to wait lives on.
 */
export class Engine {
  private readonly deps: EngineDeps
  /** One decision at a time: each sees what the one before it committed. */
  private readonly mutex = new Mutex()
  private memory: Memory | null = null

  constructor(deps: EngineDeps) {
    this.deps = deps
  }

  /**
   * Reads what was committed before, and names the gap since then.
   * @returns when we were last known to be alive; `null` on a new database
   * @throws {StoreError}
   */
  start(now: Instant): Promise<Instant | null> {
    const clocks = new Clocks(this.deps.clock)
    const started = this.stamp(now)
    return this.mutex.run(async () => {
      const { store, setup, reader, connectivity = null } = this.deps
      const loaded = await store.load(now - rememberMs(setup.policy))
      const memory = this.newMemory(new LiveWorld(loaded, setup.probes.keys(), connectivity, now), clocks)
      const { world, orders, clockChanges } = memory
      await orders.read()
      await clockChanges.resume(loaded.lastAlive, started)
      for (const { partition, source, arn } of world.openEvents()) reader.remember(partition, source, [arn])
      this.memory = memory
      return loaded.lastAlive?.at ?? null
    })
  }

  private newMemory(world: LiveWorld, clocks: Clocks): Memory {
    const { deps } = this
    const { store, clock, log, reader, setup, owners, cacheForMs, askAgain } = deps
    const orders = new OperatorOrders(store, clock)
    const writes = new WriteBehind({ store, clock, orders, connectivity: () => world.connectivity })
    const judgedBy = new Map<Partition, Instant>()
    const clockSet = (by: number) => {
      reader.rebase((wall, monotonic) => clocks.setSince(wall, monotonic))
      judgedBy.clear()
      deps.clockSet(by)
    }
    const clockChanges = new ClockChanges({ clock, clocks, log, world, orders, writes, clockSet, slept: deps.slept })
    const consultation = new Consultation({
      ...{ reader, clock, clocks, setup, cacheForMs, owners },
      world: () => viewOf({ world, orders, writes }),
      checkClocks: () => this.mutex.run(() => clockChanges.check()),
      decide: (runs) => this.look({ runs }),
    })
    const gathering = new RunGathering({
      clock,
      world: () => viewOf({ world, orders, writes }),
      decide: (runs) => this.look({ runs }),
    })
    const postponement = new Postponement({ clock, reader, askAgain })
    return { world, orders, writes, clocks, clockChanges, consultation, gathering, postponement, judgedBy }
  }

  /** @throws {Error} before the start */
  private get known(): Memory {
    if (this.memory === null) throw new Error('the engine has not been started')
    return this.memory
  }

  world(): World {
    return viewOf(this.known)
  }

  /** Outcomes that are decided on and not on disk yet. */
  unwrittenCount(): number {
    return this.known.writes.outcomes.length
  }

  /** Why the last decision could not be committed; `null` if it could. */
  fault(): string | null {
    return this.known.writes.fault
  }

  /** Takes a finished run. Resolves when it has been decided on; plain ones are on disk with the next flush. */
  async submit(run: FinishedRun, signal: AbortSignal): Promise<void> {
    const { consultation, gathering } = this.known
    const earlier = gathering.earlierOf(run.outcome.probe)
    if (earlier !== null) await earlier
    const partition = consultation.partitionToAsk(run.outcome)
    if (partition === null) return gathering.submit(run, signal)
    return consultation.wait(run, partition, signal)
  }

  /** Decides on whatever is due. @throws {StoreError} and then nothing was decided */
  look(occasion: Occasion = {}): Promise<void> {
    return this.mutex.run(() => this.decideOn(occasion))
  }

  /** Whether the newest reading of a partition has been judged. */
  hasJudged(partition: Partition): boolean {
    return this.known.judgedBy.get(partition) === this.deps.reader.readings().get(partition)?.at
  }

  /** Remembers on disk that we are alive, by a clock that is not set unnoticed. @throws {StoreError} */
  alive(): Promise<void> {
    return this.mutex.run(async () => {
      await this.known.clockChanges.check()
      await this.deps.store.alive(this.stamp())
    })
  }

  /** Reads what commands have written while we run: silences and acknowledgements. @throws {StoreError} */
  readOrders(): Promise<void> {
    return this.mutex.run(() => this.known.orders.read())
  }

  /** Looks whether the clock was set or the machine slept. Every decision does so first. */
  checkClocks(): Promise<void> {
    return this.mutex.run(() => this.known.clockChanges.check())
  }

  /** Writes the plain outcomes that wait, in one transaction: at most one sync a beat, not one a probe. @throws {StoreError} */
  flush(): Promise<void> {
    return this.mutex.run(() => this.known.writes.flush())
  }

  /** Forgets closed incidents that can no longer be reopened or explained. */
  forget(now: Instant): void {
    this.known.world.forget(now, this.deps.setup.policy)
  }

  /** Resolves when everything that was submitted is decided on and on disk, dated by the present clock: the next start goes by it. */
  async drain(): Promise<void> {
    await this.known.gathering.idle()
    await this.known.consultation.idle()
    await this.checkClocks()
    await this.flush()
  }

  private async decideOn(occasion: Occasion): Promise<void> {
    const { world, clockChanges, postponement, judgedBy } = this.known
    await clockChanges.check()
    const input = this.inputFor(occasion)
    const decision = decide(this.world(), input, this.deps.setup)
    const { runs = [], controlCalls = [], selfAlerts = [] } = occasion
    const isByClock = runs.length + controlCalls.length + selfAlerts.length === 0
    if (isByClock && postponement.mustWait(decision)) return
    const outcomes = evidenceOf(input.outcomes, decision, world)
    const verdicts = decision.incidents
      .filter(({ id, family, verdict }) => family === 'outage' && world.incidents.get(id)?.verdict !== verdict)
      .map(({ verdict }) => verdict)
    const over = decision.selfAlerts.cleared.flatMap((key) => world.selfAlerts.get(key) ?? [])
    await this.keep(decision, input, outcomes)
    for (const partition of input.newlyRead) {
      const at = input.readings.get(partition)?.at
      if (at !== undefined) judgedBy.set(partition, at)
    }
    const { meter, log, setup } = this.deps
    if (over.length > 0) this.deps.over(over)
    if (outcomes.length > 0) this.deps.decided()
    for (const kind of verdicts) meter.judged(kind)
    countDecision(meter, decision, setup)
    logDecision(log, decision)
  }

  private inputFor({ runs = [], controlCalls = [], selfAlerts = [], timers = false }: Occasion): Input {
    const { reader, clock, newId, owners } = this.deps
    const { clocks, judgedBy } = this.known
    const readings = reader.readings()
    const newlyRead = [...readings].filter(([partition, { at }]) => judgedBy.get(partition) !== at)
    return {
      now: clock.now(),
      outcomes: runs.map((run) => datedOutcome(run, clocks)),
      controls: controlCalls.map((call) => datedAnswer(call, clocks)),
      readings,
      newlyRead: new Set(newlyRead.map(([partition]) => partition)),
      timers,
      selfAlerts,
      owners,
      newId,
    }
  }

  /** Commits a decision, or puts it aside for the next write; only then is it believed. @throws {StoreError} */
  private async keep(decision: Decision, { now, readings, newlyRead }: Input, outcomes: Change['outcomes']): Promise<void> {
    const { world, writes, orders } = this.known
    if (newlyRead.size === 0 && orders.unwritten() === null && isPlain(decision, world.connectivity)) {
      writes.add(decision, outcomes)
      world.adopt(decision)
      return
    }
    const notifications = await this.notificationsOf(decision, now)
    await writes.write({
      ...decision,
      notifications,
      outcomes,
      readings: [...newlyRead].flatMap((partition) => readings.get(partition) ?? []),
    })
    world.adopt(decision)
    if (notifications.length > 0) this.deps.owes()
  }

  /** The emails of a decision, one for each recipient, with the last hour of the probes that are shown. */
  private async notificationsOf(decision: Decision, now: Instant): Promise<readonly Notification[]> {
    const { store, reader, setup, overrides, sender } = this.deps
    if (decision.announced.length === 0) return []
    const unwritten = this.known.writes.outcomes.map(({ outcome }) => outcome)
    const fresh = [...unwritten, ...decision.transitions.map(({ outcome }) => outcome)]
    const strips = new Map<string, readonly StripMark[]>()
    for (const probe of probesShown(decision.announced, setup)) {
      const last = fresh.filter((outcome) => outcome.probe === probe)
      strips.set(probe, [...(await store.strip(probe, now - HOUR_MS)), ...last.map(markOf)])
    }
    const states = new Map(this.known.world.probes)
    for (const state of decision.probes) states.set(state.probe, state)
    return notificationsFor(decision.announced, { setup, now, readings: reader.readings(), strips, states, overrides, sender })
  }

  private stamp(at = this.deps.clock.now()): Stamp {
    return { at, moment: this.deps.clock.moment() }
  }
}

function viewOf({ world, orders, writes }: Pick<Memory, 'world' | 'orders' | 'writes'>): World {
  const { probes, incidents, selfAlerts, connectivity, freshSince, absence } = world
  const { silences, acks } = orders
  return { probes, incidents, selfAlerts, connectivity, freshSince, absence, lostUntil: writes.lostUntil, silences, acks }
}

/**
 * Whether only counters changed, and how the members of incidents fare: such a change may reach the disk a moment later, together
 * with others. Whatever is a decision has a row in the ledger.
 */
function isPlain(decision: Decision, was: Connectivity): boolean {
  const { selfAlerts, ledger, announced } = decision
  const connectivity = decision.connectivity ?? was
  const sameConnectivity =
    connectivity.failures === was.failures &&
    connectivity.everReached === was.everReached &&
    connectivity.offlineSince === was.offlineSince
  return sameConnectivity && [selfAlerts.set, selfAlerts.cleared, ledger, announced].every((list) => list.length === 0)
}

function markOf(outcome: Outcome): StripMark {
  return { at: outcome.startedAt, ms: Math.round(outcome.endedAt - outcome.startedAt), mark: outcome.result }
}
