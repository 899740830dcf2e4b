import { type Decision, decide, type Input, rememberMs } from '../domain/decide.ts'
import { inWords } from '../domain/duration.ts'
import type { Incident } from '../domain/incident.ts'
import { JUMP_MS, type Stamp, setBetween } from '../domain/moment.ts'
import type { Facts, Notification, StripMark } from '../domain/notification.ts'
import { notificationsFor, probesShown } from '../domain/notify.ts'
import {
  type ControlAnswer,
  decisiveTry,
  familyOf,
  HOUR_MS,
  type Instant,
  type Monitor,
  type Outcome,
  type Partition,
  type Probe,
} from '../domain/probe.ts'
import { rebaseConnectivity, rebaseGap, rebaseIncident, rebaseProbe, redateOutcome } from '../domain/rebase.ts'
import type { Setup } from '../domain/setup.ts'
import { type Ack, isOfOldClock, rebaseSilence, type Silence } from '../domain/silence.ts'
import {
  type Connectivity,
  type Gap,
  INITIAL_CONNECTIVITY,
  newProbeState,
  type ProbeState,
  type SelfAlert,
  type World,
} from '../domain/state.ts'
import { advance } from '../domain/streak.ts'
import { messageOfThrown } from '../domain/thrown.ts'
import type { Log } from '../ports/log.ts'
import type { Meter } from '../ports/meter.ts'
import { type Change, type Redate, type Store, type StoredOutcome, StoreError } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { Clocks } from './clock-watch.ts'
import type { HealthReader } from './health-reader.ts'

/** Outcomes that wait for a decision or for the disk; beyond it the oldest plain ones are let go (and counted). */
const MAX_WAITING = 50_000
/** After the end of a silence a fresh run comes first; so long its end is remembered. */
const SILENCES_REMEMBERED_MS = 24 * HOUR_MS
/** Shorter absences than this are no gap worth a sentence. */
const SHORTEST_ABSENCE_MS = 60_000

/** A reading that began no longer ago than this is as good as one that is begun now: it may have taken most of it. */
const JUST_ASKED_MS = 15_000
/** The id of an incident that is only thought of. */
const NOBODY = '0'.repeat(16)

export type EngineDeps = Readonly<{
  store: Store
  desk: HealthReader
  clock: Clock
  log: Log
  meter: Meter
  newId: () => string
  owners: (probe: Probe, monitor: Monitor) => readonly string[]
  sender: (monitor: Monitor | null) => Facts['sentBy']
  overrides: readonly string[]
  cacheForMs: number
  /** Something is owed. */
  owes: () => void
  /** AWS Health is to be asked, and what it says to be judged, before something can be told. */
  askAnew: (partition: Partition) => void
  /** Runs were decided upon: they wait for the next flush, and the next re-run may be due earlier than was thought. */
  decided: () => void
  /** These are over: what was to be told of them and has not left need not be told. */
  over: (selfAlerts: readonly SelfAlert[]) => void
  /** What the session before this one knew of our own network; left out, or `null`, at the start of a process. */
  connectivity?: Connectivity | null
  /** The wall clock was set by so many milliseconds. */
  clockSet: (by: number) => void
  /** This machine slept for so many milliseconds: nothing was watched. */
  slept: (forMs: number) => void
}>

/** A finished run, and when it began on the monotonic clock: the other one may be set before anything is decided upon it. */
type Ran = Readonly<{ outcome: Outcome; begun: number }>
/** A control call made apart from runs, and when it began on the monotonic clock. */
export type Called = Readonly<{ answer: ControlAnswer; begun: number }>

/**
 * Outcomes in, committed decisions out. It holds the world in memory and believes a change only when it is on disk: a
 * decision that cannot be committed has not been made, and the next run makes it again.
 */
export class Engine {
  private readonly deps: EngineDeps
  private readonly setup: Setup
  private readonly probes = new Map<string, ProbeState>()
  private readonly incidents = new Map<string, Incident>()
  private readonly selfAlerts = new Map<string, SelfAlert>()
  private connectivity: Connectivity = INITIAL_CONNECTIVITY
  private freshSince: Instant = 0
  private absence: Gap | null = null
  private silences: readonly Silence[] = []
  private acks: ReadonlyMap<string, Ack> = new Map()

  /** Failed runs that wait for AWS Health; their probes' later runs wait behind them. */
  private readonly waiting = new Set<Ran>()
  private readonly waitingOf = new Map<string, number>()
  private readonly consulting = new Map<Partition, Promise<void>>()
  /** Plain outcomes that are decided and follow to the disk with the next tick. */
  private unwritten: StoredOutcome[] = []
  private readonly unwrittenProbes = new Map<string, ProbeState>()
  /** Incidents of which no more has changed than how their members fare. */
  private readonly unwrittenIncidents = new Map<string, Incident>()
  /** The clock was set, and that orders are dated anew is not on disk yet: each by so much. */
  private unwrittenRedate: Omit<Redate, 'alive'> | null = null
  /** Since when, on the monotonic clock, something waits to be told until AWS Health has been asked anew. */
  private readonly postponedAt = new Map<Partition, number>()
  private readonly lookedAt = new Map<Partition, Instant>()
  /** One decision at a time: each sees what the one before it committed. */
  private turn: Promise<void> = Promise.resolve()
  private failure: string | null = null
  /** From the first to the last commit of a row that failed; `null` while none did. */
  private unwritable: Readonly<{ from: Instant; to: Instant }> | null = null
  private readonly clocks: Clocks

  constructor(deps: EngineDeps, setup: Setup) {
    this.deps = deps
    this.setup = setup
    this.clocks = new Clocks(deps.clock)
  }

  /** Reads what was committed before, and names the gap since then. */
  async start(now: Instant): Promise<void> {
    const started = this.stamp(now)
    const loaded = await this.deps.store.load(now - rememberMs(this.setup.policy))
    for (const state of loaded.probes) if (this.setup.probes.has(state.probe)) this.probes.set(state.probe, state)
    for (const id of this.setup.probes.keys()) if (!this.probes.has(id)) this.probes.set(id, newProbeState(id, now))
    for (const incident of loaded.incidents) this.incidents.set(incident.id, incident)
    for (const selfAlert of loaded.selfAlerts) this.selfAlerts.set(selfAlert.key, selfAlert)
    // "Never reached since start" begins anew, unless we were cut off when we stopped: that spell still has to end. A reload is
    // no start: whoever had reached the control host has reached it.
    const cutOff =
      loaded.connectivity !== null && loaded.connectivity.offlineSince !== null ? loaded.connectivity : INITIAL_CONNECTIVITY
    this.connectivity = this.deps.connectivity ?? cutOff
    this.freshSince = now
    await this.readOrdersNow()
    const last = loaded.lastAlive
    const by = last === null ? 0 : this.setSince(last, started)
    if (by !== 0) await this.setWhileAway(by, now)
    const from = last === null ? now : last.at + by
    if (now - from > SHORTEST_ABSENCE_MS) this.absence = { from, to: now, why: 'Alibi was not running' }
    for (const state of this.probes.values()) {
      // Not watched when the clock was set back.
      const ahead = (state.lastRunAt ?? now) - now
      if (ahead > JUMP_MS) this.probes.set(state.probe, rebaseProbe(state, -ahead))
    }
    for (const incident of this.incidents.values()) {
      if (incident.state === 'closed') continue
      for (const member of incident.members) {
        const { verdict, alibi } = member.judgement
        if (verdict.kind !== 'explained' || alibi?.open !== true) continue
        for (const source of verdict.by.sources) this.deps.desk.remember(incident.partition, source, [verdict.by.arn])
      }
    }
  }

  /**
   * How far the clock was set while nobody ran. Where the machine was booted meanwhile nobody knows how long that was, only that
   * the clock had passed all that was dated by it: what is open grows older by no more than it surely is.
   */
  private setSince(last: Stamp, now: Stamp): number {
    const by = setBetween(last, now)
    if (by !== null) return by
    const ordered = [...this.silences, ...this.acks.values()].filter((order) => setBetween(order, now) === null)
    const passed = Math.max(last.at, ...ordered.map(({ at }) => at))
    return passed - now.at > JUMP_MS ? now.at - passed : 0
  }

  private async setWhileAway(by: number, now: Instant): Promise<void> {
    this.deps.log.warn(`the clock was set ${by < 0 ? 'back' : 'ahead'} while Alibi was not running`, {
      by: inWords(Math.abs(by)),
      next: 'what is open keeps its intervals',
    })
    await this.rebase(by)
    this.freshSince = now
  }

  /** Remembers on disk that we are alive, by a clock that is not set unnoticed. */
  async alive(): Promise<void> {
    const next = this.turn.then(async () => {
      await this.attendNow()
      await this.deps.store.alive(this.stamp())
    })
    this.turn = next.catch(() => {})
    return next
  }

  private stamp(at = this.deps.clock.now()): Stamp {
    return { at, moment: this.deps.clock.moment() }
  }

  /** Reads what verbs wrote beside us: silences and acks (`silence`). */
  async readOrders(): Promise<void> {
    const next = this.turn.then(() => this.readOrdersNow())
    this.turn = next.catch(() => {})
    return next
  }

  /** What names its moment is dated by the clock of now, whoever wrote it and whatever the clock was set to meanwhile. */
  private async readOrdersNow(): Promise<void> {
    const { store, clock } = this.deps
    const [silences, acks] = [await store.silences(clock.now() - SILENCES_REMEMBERED_MS), await store.acks()]
    const stamp = this.stamp()
    const redate = this.redating()
    const shiftOf = (order: Stamp, of: Map<string, number>, id: string) => {
      const shift = setBetween(order, stamp) ?? of.get(id) ?? 0
      if (shift !== 0) of.set(id, shift)
      return shift
    }
    this.silences = silences.map((silence) => rebaseSilence(silence, shiftOf(silence, redate.silences, silence.id)))
    this.acks = new Map(acks.map((ack) => [ack.incident, { ...ack, at: ack.at + shiftOf(ack, redate.acks, ack.incident) }]))
    if (redate.silences.size + redate.acks.size > 0) this.unwrittenRedate = redate
  }

  /** By how much each order is off on disk, to be added to. */
  private redating() {
    const { silences, acks } = this.unwrittenRedate ?? {}
    return { silences: new Map(silences), acks: new Map(acks) }
  }

  /**
   * The clock was set: orders keep their intervals. Of those that name no moment, and that nobody had read yet, some may go by the
   * new clock already.
   */
  private async rebaseOrders(by: number): Promise<void> {
    const stamp = this.stamp()
    const known = new Set([...this.silences.map(({ id }) => id), ...[...this.acks.values()].map(keyOf)])
    await this.readOrdersNow().catch(unlessFatal)
    const redate = this.redating()
    const offBy = (order: Stamp, isKnown: boolean) =>
      setBetween(order, stamp) ?? (isKnown || isOfOldClock(order.at, by, stamp.at) ? by : 0)
    const note = (of: Map<string, number>, id: string, shift: number) => shift !== 0 && of.set(id, (of.get(id) ?? 0) + shift)
    this.silences = this.silences.map((silence) => {
      const shift = offBy(silence, known.has(silence.id))
      note(redate.silences, silence.id, shift)
      return rebaseSilence(silence, shift)
    })
    this.acks = new Map(
      [...this.acks].map(([incident, ack]) => {
        const shift = offBy(ack, known.has(keyOf(ack)))
        note(redate.acks, incident, shift)
        return [incident, { ...ack, at: ack.at + shift }]
      }),
    )
    this.unwrittenRedate = redate
  }

  world(): World {
    const { probes, incidents, selfAlerts, connectivity, freshSince, absence, silences, acks, unwritable } = this
    const isLong = unwritable !== null && unwritable.to - unwritable.from > SHORTEST_ABSENCE_MS
    return {
      probes,
      incidents,
      selfAlerts,
      connectivity,
      freshSince,
      absence,
      lostUntil: isLong ? unwritable.to : null,
      silences,
      acks,
    }
  }

  /** Outcomes that are decided and not on disk yet. */
  unwrittenCount(): number {
    return this.unwritten.length
  }

  /** Why the last decision could not be committed; `null` when all is well. */
  fault(): string | null {
    return this.failure
  }

  /** Looks whether the clock was set or the machine slept; every decision does so first. */
  async attend(): Promise<void> {
    const next = this.turn.then(() => this.attendNow())
    this.turn = next.catch(() => {})
    return next
  }

  private async attendNow(): Promise<void> {
    const { log, clock, desk, clockSet, slept } = this.deps
    const { setBy, sleptMs } = this.clocks.compare()
    if (setBy !== 0) {
      const by = `${setBy < 0 ? '-' : '+'}${inWords(Math.abs(setBy))}`
      log.warn('the clock was set', { by, next: 'what is open keeps its intervals' })
      desk.rebase((wall, monotonic) => this.clocks.setSince(wall, monotonic))
      this.lookedAt.clear()
      clockSet(setBy)
      await this.rebase(setBy)
    }
    if (sleptMs > 0) log.warn('this machine slept', { for: inWords(sleptMs) })
    if (sleptMs > SHORTEST_ABSENCE_MS) slept(sleptMs)
    if (setBy !== 0 || sleptMs > 0) this.freshSince = Math.max(this.freshSince, clock.now())
  }

  /** Dates what is open anew, so that every interval stays what it was (`restart`). */
  private async rebase(by: number): Promise<void> {
    const probes = [...this.probes.values()].map((state) => rebaseProbe(state, by))
    const incidents = [...this.incidents.values()].map((incident) => rebaseIncident(incident, by))
    const connectivity = rebaseConnectivity(this.connectivity, by)
    for (const state of probes) this.probes.set(state.probe, state)
    for (const incident of incidents) this.incidents.set(incident.id, incident)
    this.connectivity = connectivity
    this.absence = rebaseGap(this.absence, by)
    if (this.unwritable !== null) this.unwritable = { from: this.unwritable.from + by, to: this.unwritable.to + by }
    this.freshSince += by
    await this.rebaseOrders(by)
    // Believed before it is on disk: the clock has been set whether the disk is full or not.
    for (const state of probes) this.unwrittenProbes.set(state.probe, state)
    for (const incident of incidents) this.unwrittenIncidents.set(incident.id, incident)
    try {
      await this.commit({
        incidents,
        probes,
        selfAlerts: { set: [], cleared: [] },
        connectivity,
        ledger: [],
        notifications: [],
        outcomes: [],
        readings: [],
      })
      this.unwrittenProbes.clear()
      this.unwrittenIncidents.clear()
    } catch (cause) {
      // It follows with the next commit; what is decided meanwhile goes by the new clock.
      unlessFatal(cause)
    }
  }

  /**
   * A finished run. Resolves when it was decided upon (plain ones are on disk a tick later).
   * @param begun when it began, on the monotonic clock
   */
  async submit(outcome: Outcome, begun: number, signal: AbortSignal): Promise<void> {
    const ran: Ran = { outcome, begun }
    const behind = this.waitingOf.has(outcome.probe)
    const partition = this.partitionOf(outcome)
    if (partition === null || (!behind && !this.needsReading(outcome))) return this.settle([ran], [], false)
    for (const oldest of this.waiting) {
      if (this.waiting.size < MAX_WAITING) break
      this.waitNoMore(oldest)
    }
    this.waiting.add(ran)
    this.waitingOf.set(outcome.probe, (this.waitingOf.get(outcome.probe) ?? 0) + 1)
    // Whoever comes while AWS Health is being asked shares the answer, or the next one where this began too early for it.
    while (this.waiting.has(ran)) await this.consulted(partition, signal)
  }

  private waitNoMore(ran: Ran): void {
    if (!this.waiting.delete(ran)) return
    const { probe } = ran.outcome
    const left = (this.waitingOf.get(probe) ?? 0) - 1
    if (left > 0) this.waitingOf.set(probe, left)
    else this.waitingOf.delete(probe)
  }

  private consulted(partition: Partition, signal: AbortSignal): Promise<void> {
    const flying = this.consulting.get(partition)
    if (flying !== undefined) return flying
    const flight = this.consult(partition, signal).finally(() => this.consulting.delete(partition))
    this.consulting.set(partition, flight)
    return flight
  }

  private async consult(partition: Partition, signal: AbortSignal): Promise<void> {
    // What was read is as old as it seems only if nobody has set the clock since.
    await this.attend()
    await this.deps.desk.read(partition, this.maxAgeMs(partition), signal)
    const ran = this.served(partition)
    for (const one of ran) this.waitNoMore(one)
    if (ran.length > 0) await this.settle(ran, [], false)
  }

  /** Those that wait and can do with the newest reading; none of a probe's runs overtakes an earlier one. */
  private served(partition: Partition): readonly Ran[] {
    const waiting = this.waitingIn(partition)
    const begunAt = this.deps.desk.begunAt(partition)
    const late = waiting.filter((ran) => ran.begun > begunAt && this.turnsTheTide(this.dated(ran)))
    if (late.length === 0 || !this.mustAskAnew(partition, waiting)) return waiting
    const waitOn = new Set<string>()
    return waiting.filter((ran) => {
      const { probe } = ran.outcome
      if (late.includes(ran)) waitOn.add(probe)
      return !waitOn.has(probe)
    })
  }

  private waitingIn(partition: Partition): readonly Ran[] {
    return [...this.waiting].filter(({ outcome }) => this.partitionOf(outcome) === partition)
  }

  /** A run as the clock of now would have dated it. */
  private dated({ outcome, begun }: Ran): Outcome {
    if (this.clocks.neverSet()) return outcome
    return redateOutcome(outcome, begun, (wall, monotonic) => this.clocks.setSince(wall, monotonic))
  }

  /**
   * `consult`: how old the reading may be by which those that wait are judged. Where AWS Health must be asked anew, what it was
   * asked before such a run began does not do. What was read before the last start, wake-up or jump, or while we were cut off,
   * says nothing of a run that was made since.
   */
  private maxAgeMs(partition: Partition): number {
    const { clock, cacheForMs } = this.deps
    const now = clock.monotonic()
    const most = Math.min(cacheForMs, Math.max(0, clock.now() - this.freshSince))
    const waiting = this.waitingIn(partition)
    if (!this.mustAskAnew(partition, waiting)) return most
    const asking = waiting.filter((ran) => this.turnsTheTide(this.dated(ran)))
    return asking.reduce((age, { begun }) => Math.min(age, Math.max(0, now - begun)), most)
  }

  /**
   * AWS Health is asked anew at the first failure where all was well, when an incident opens, and before anything is told. However
   * many others fail, they are judged by what is known, and again by the next reading.
   */
  private mustAskAnew(partition: Partition, waiting: readonly Ran[]): boolean {
    const { clock, desk, owners } = this.deps
    const outcomes = waiting.map((ran) => this.dated(ran))
    if (!outcomes.some((outcome) => this.turnsTheTide(outcome))) return false
    if (this.allWellIn(partition)) return true
    const input: Input = {
      now: clock.now(),
      outcomes,
      controls: [],
      readings: desk.readings(),
      newlyRead: new Set(),
      timers: false,
      selfAlerts: [],
      owners,
      newId: () => NOBODY,
    }
    const { announced, ledger } = decide(this.world(), input, this.setup)
    return announced.length > 0 || ledger.some(({ decision }) => decision === 'opened' || decision === 'reopened')
  }

  private allWellIn(partition: Partition): boolean {
    for (const monitor of this.setup.monitors.values()) {
      if (monitor.partition !== partition) continue
      if (monitor.probes.some(({ id }) => (this.probes.get(id)?.status ?? 'ok') !== 'ok')) return false
    }
    return true
  }

  /** The first failure of a well probe, or the one that reaches the threshold. */
  private turnsTheTide(outcome: Outcome): boolean {
    const state = this.probes.get(outcome.probe)
    const probe = this.setup.probes.get(outcome.probe)
    const monitor = probe === undefined ? undefined : this.setup.monitors.get(probe.monitor)
    if (state === undefined || monitor === undefined) return false
    if (state.status !== 'undecided') return state.status === 'ok'
    return advance(state, outcome, monitor, null, this.absence).transition.kind === 'failed'
  }

  /** Only a failure that an AWS outage could explain waits for AWS Health. */
  private needsReading(outcome: Outcome): boolean {
    return outcome.result === 'failed' && familyOf(outcome.kind) === 'outage'
  }

  private partitionOf(outcome: Outcome): Partition | null {
    const probe = this.setup.probes.get(outcome.probe)
    return probe === undefined ? null : (this.setup.monitors.get(probe.monitor)?.partition ?? null)
  }

  /** A control call, a new reading, or the clock: decides without a run. */
  async look(controls: readonly Called[], timers: boolean): Promise<void> {
    await this.settle([], controls, timers)
  }

  /** Something that is told once, in a `misconfigured` mail; `null`: it is over. */
  async selfAlert(key: string, text: string | null): Promise<void> {
    await this.settle([], [], false, [{ key, text }])
  }

  private settle(
    ran: readonly Ran[],
    called: readonly Called[],
    timers: boolean,
    selfAlerts: Input['selfAlerts'] = [],
  ): Promise<void> {
    const next = this.turn.then(() => this.decideAndCommit(ran, called, timers, selfAlerts))
    this.turn = next.catch(() => {})
    return next
  }

  private async decideAndCommit(
    ran: readonly Ran[],
    called: readonly Called[],
    timers: boolean,
    selfAlerts: Input['selfAlerts'],
  ): Promise<void> {
    const { desk, clock, newId, owners, log, meter } = this.deps
    await this.attendNow()
    const now = clock.now()
    const outcomes = ran.map((one) => this.dated(one))
    const controls = called.map(({ answer, begun }) => ({ ...answer, at: answer.at + this.clocks.setSince(answer.at, begun) }))
    const readings = desk.readings()
    const newlyRead = new Set<Partition>()
    for (const [partition, { at }] of readings) if (this.lookedAt.get(partition) !== at) newlyRead.add(partition)
    const decision = decide(
      this.world(),
      { now, outcomes, controls, readings, newlyRead, timers, selfAlerts, owners, newId },
      this.setup,
    )
    const byClock = ran.length + called.length + selfAlerts.length === 0
    if (byClock && this.mustWait(decision)) return
    const stored = [...this.trails(decision), ...this.withIncidents(outcomes, decision)]
    const read = [...newlyRead].flatMap((partition) => readings.get(partition) ?? [])
    const verdicts = decision.incidents
      .filter(({ id, family, verdict }) => family === 'outage' && this.incidents.get(id)?.verdict !== verdict)
      .map(({ verdict }) => verdict)
    const over = decision.selfAlerts.cleared.flatMap((key) => this.selfAlerts.get(key) ?? [])
    if (read.length === 0 && this.unwrittenRedate === null && isPlain(decision, this.connectivity)) {
      this.unwritten.push(...stored)
      if (this.unwritten.length > MAX_WAITING) this.unwritten.splice(0, this.unwritten.length - MAX_WAITING)
      for (const state of decision.probes) this.unwrittenProbes.set(state.probe, state)
      for (const incident of decision.incidents) this.unwrittenIncidents.set(incident.id, incident)
      this.adopt(decision)
    } else {
      const notifications = await this.write(decision, now)
      const probes = new Map(this.unwrittenProbes)
      for (const state of decision.probes) probes.set(state.probe, state)
      const incidents = new Map(this.unwrittenIncidents)
      for (const incident of decision.incidents) incidents.set(incident.id, incident)
      await this.commit({
        ...decision,
        incidents: [...incidents.values()],
        probes: [...probes.values()],
        notifications,
        outcomes: [...this.unwritten, ...stored],
        readings: read,
      })
      this.unwritten = []
      this.unwrittenProbes.clear()
      this.unwrittenIncidents.clear()
      this.adopt(decision)
      if (notifications.length > 0) this.deps.owes()
    }
    for (const partition of newlyRead) {
      const at = readings.get(partition)?.at
      if (at !== undefined) this.lookedAt.set(partition, at)
    }
    if (over.length > 0) this.deps.over(over)
    if (stored.length > 0) this.deps.decided()
    for (const kind of verdicts) meter.judged(kind)
    this.count(decision)
    logDecision(log, decision)
  }

  /** What the clock alone makes due (the end of gathering, a reminder) is not told by what AWS Health said a while ago. */
  private mustWait({ announced }: Decision): boolean {
    const { clock, desk, askAnew } = this.deps
    const now = clock.monotonic()
    const partitions = new Set(announced.flatMap(({ incident }) => (incident?.family === 'outage' ? [incident.partition] : [])))
    const unread = [...partitions].filter((one) => desk.begunAt(one) < (this.postponedAt.get(one) ?? now - JUST_ASKED_MS))
    for (const partition of unread) {
      if (!this.postponedAt.has(partition)) this.postponedAt.set(partition, now)
      askAnew(partition)
    }
    if (unread.length === 0) this.postponedAt.clear()
    return unread.length > 0
  }

  private count(decision: Decision): void {
    const { meter } = this.deps
    for (const { outcome } of decision.transitions) {
      const probe = this.setup.probes.get(outcome.probe)
      if (probe !== undefined) meter.run(probe, outcome)
    }
    for (const row of decision.ledger) meter.decided(row.decision)
  }

  /** Puts the facts of the mails together: what each recipient is told, with the last hour of the probes that are shown. */
  private async write(decision: Decision, now: Instant): Promise<readonly Notification[]> {
    const { store, desk, overrides, sender } = this.deps
    if (decision.announced.length === 0) return []
    const strips = new Map<string, readonly StripMark[]>()
    for (const probe of probesShown(decision.announced, this.setup)) {
      const fresh = [...this.unwritten.map((one) => one.outcome), ...decision.transitions.map((one) => one.outcome)].filter(
        (outcome) => outcome.probe === probe,
      )
      strips.set(probe, [...(await store.strip(probe, now - HOUR_MS)), ...fresh.map(markOf)])
    }
    return notificationsFor(decision.announced, { setup: this.setup, now, readings: desk.readings(), strips, overrides, sender })
  }

  private async commit(change: Change): Promise<void> {
    const { store, clock } = this.deps
    const redate = this.unwrittenRedate
    try {
      if (redate === null) await store.commit(change)
      else
        await store.commit({
          ...change,
          connectivity: change.connectivity ?? this.connectivity,
          redate: { ...redate, alive: this.stamp() },
        })
      this.unwrittenRedate = null
      this.failure = null
    } catch (cause) {
      const now = clock.now()
      this.unwritable = { from: this.failure === null ? now : (this.unwritable?.from ?? now), to: now }
      this.failure = messageOfThrown(cause)
      throw cause
    }
  }

  /** The failed runs that led to a threshold were written as plain ones: they belong to the incident now. */
  private trails(decision: Decision): readonly StoredOutcome[] {
    return decision.incidents.flatMap((incident) => {
      const known = this.incidents.get(incident.id)?.members ?? []
      // Of a thousand a run changes one, and leaves it where it was.
      const changed = incident.members.filter((member, i) => member !== known[i])
      const joined = changed.filter(({ probe, onset }) => !known.some((was) => was.probe === probe && was.onset === onset))
      return joined.flatMap((member) => member.evidence.map((outcome) => ({ outcome, incident: incident.id })))
    })
  }

  /** The runs of an incident are kept for ever: those of its probes from the onset on. */
  private withIncidents(outcomes: readonly Outcome[], decision: Decision): readonly StoredOutcome[] {
    const states = new Map(decision.probes.map((state) => [state.probe, state]))
    return outcomes.map((outcome) => {
      const id = (states.get(outcome.probe) ?? this.probes.get(outcome.probe))?.incident ?? null
      const incident = id === null ? undefined : (decision.incidents.find((is) => is.id === id) ?? this.incidents.get(id))
      if (incident === undefined || incident.state === 'closed') return { outcome, incident: null }
      const onset = incident.members.find(({ probe }) => probe === outcome.probe)?.onset
      return { outcome, incident: onset !== undefined && outcome.startedAt >= onset ? incident.id : null }
    })
  }

  private adopt(decision: Decision): void {
    for (const state of decision.probes) this.probes.set(state.probe, state)
    for (const incident of decision.incidents) this.incidents.set(incident.id, incident)
    for (const selfAlert of decision.selfAlerts.set) this.selfAlerts.set(selfAlert.key, selfAlert)
    for (const key of decision.selfAlerts.cleared) this.selfAlerts.delete(key)
    if (decision.connectivity !== null) this.connectivity = decision.connectivity
    this.freshSince = Math.max(this.freshSince, decision.freshSince)
  }

  /** Writes the plain outcomes that are waiting, in one transaction: at most one sync a tick, not one a probe. */
  async flush(): Promise<void> {
    const next = this.turn.then(async () => {
      const incidents = [...this.unwrittenIncidents.values()]
      const probes = [...this.unwrittenProbes.values()]
      const outcomes = this.unwritten
      const nothing = outcomes.length === 0 && probes.length === 0 && incidents.length === 0
      if (nothing && this.unwrittenRedate === null) return
      await this.commit({
        incidents,
        probes,
        selfAlerts: { set: [], cleared: [] },
        connectivity: null,
        ledger: [],
        notifications: [],
        outcomes,
        readings: [],
      })
      this.unwritten = []
      this.unwrittenProbes.clear()
      this.unwrittenIncidents.clear()
    })
    this.turn = next.catch(() => {})
    return next
  }

  /** Forgets closed incidents that can no longer be reopened or explained. */
  forget(now: Instant): void {
    for (const [id, incident] of this.incidents) {
      if (incident.closedAt !== null && now - incident.closedAt > rememberMs(this.setup.policy)) this.incidents.delete(id)
    }
  }

  /** Resolves when everything that was submitted is decided and on disk, dated by the clock of now: whoever comes next goes by it. */
  async drain(): Promise<void> {
    await Promise.all(this.consulting.values())
    await this.attend()
    await this.flush()
  }
}

/**
 * Nothing but counters changed, and how the members of incidents fare: it may follow to the disk a tick later, together with
 * its like. Whatever is a decision has a row in the ledger.
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

/** An acknowledgement that was given anew is another one. */
function keyOf({ incident, at }: Ack): string {
  return `${incident} ${at}`
}

/** A store that could not be asked or written for now is asked or written again. @throws whatever else it is */
function unlessFatal(cause: unknown): void {
  if (!(cause instanceof StoreError) || cause.fatal) throw cause
}

function markOf(outcome: Outcome): StripMark {
  return { at: outcome.startedAt, ms: Math.round(outcome.endedAt - outcome.startedAt), mark: outcome.result }
}

/** One line a run, one a decision. */
function logDecision(log: Log, decision: Decision): void {
  for (const { outcome, transition } of decision.transitions) {
    const last = decisiveTry(outcome)
    const fields = {
      probe: outcome.probe,
      outcome: outcome.result,
      ...(outcome.kind === null ? {} : { kind: outcome.kind, error: last?.error ?? null, status: last?.status ?? null }),
      ms: Math.round(outcome.endedAt - outcome.startedAt),
      tries: outcome.tries.length,
      requestId: last?.requestId ?? null,
      transition: transition.kind,
    }
    log.info('run', fields)
  }
  for (const { decision: what, incident, probe, rule, reason } of decision.ledger)
    log.info('decision', { decision: what, incident, probe, rule, reason })
}
