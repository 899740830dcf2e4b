import { decide } from '../domain/decide.ts'
import { familyOf, type Monitor, type Outcome, type Partition, type Probe } from '../domain/probe.ts'
import type { Setup } from '../domain/setup.ts'
import type { World } from '../domain/state.ts'
import { advance } from '../domain/streak.ts'
import type { Clock } from '../ports/time.ts'
import type { Clocks } from './clock-watch.ts'
import { datedOutcome, type FinishedRun } from './finished-run.ts'
import type { HealthReader } from './health-reader.ts'
import { enoughRuns, GATHER_MS } from './run-gathering.ts'
import { Wakeup } from './wakeup.ts'

/** Runs that wait for AWS Health. Beyond it the oldest are dropped. */
const MAX_WAITING = 50_000
/** The id of an incident that is opened only on trial. */
const TRIAL_ID = '0'.repeat(16)

export type ConsultationDeps = Readonly<{
  reader: HealthReader
  clock: Clock
  clocks: Clocks
  setup: Setup
  /** How old a reading may be while something fails. */
  cacheForMs: number
  owners: (probe: Probe, monitor: Monitor) => readonly string[]
  world: () => World
  /** Compares the clocks: what was read is as old as it seems only if nobody has set the clock since. */
  checkClocks: () => Promise<void>
  decide: (runs: readonly FinishedRun[]) => Promise<void>
}>

/** Failed runs that wait for AWS Health, because an AWS outage could explain them (`consult`). */
export class Consultation {
  private readonly deps: ConsultationDeps
  private readonly waiting = new Set<FinishedRun>()
  /** How many runs of each probe wait: a later one waits behind them. */
  private readonly waitingOf = new Map<string, number>()
  private readonly underWay = new Map<Partition, Promise<void>>()
  /** Of each partition: ends the wait for further runs of a wide incident. */
  private readonly enough = new Map<Partition, Wakeup>()

  constructor(deps: ConsultationDeps) {
    this.deps = deps
  }

  /** The partition that must be asked before this outcome is decided on; `null` if it need not wait. */
  partitionToAsk(outcome: Outcome): Partition | null {
    const couldBeExplained = outcome.result === 'failed' && familyOf(outcome.kind) === 'outage'
    return couldBeExplained || this.waitingOf.has(outcome.probe) ? this.partitionOf(outcome) : null
  }

  /** Resolves when the run has been decided on. */
  async wait(run: FinishedRun, partition: Partition, signal: AbortSignal): Promise<void> {
    for (const oldest of this.waiting) {
      if (this.waiting.size < MAX_WAITING) break
      this.remove(oldest)
    }
    const { probe } = run.outcome
    this.waiting.add(run)
    this.waitingOf.set(probe, (this.waitingOf.get(probe) ?? 0) + 1)
    if (this.waiting.size >= this.enoughRunsIn(partition)) this.enoughIn(partition).nudge()
    // A run that comes while AWS Health is being asked shares the answer, or the next one if this one began too early for it.
    while (this.waiting.has(run)) await this.consult(partition, signal)
  }

  /** Ends the wait for further runs. Resolves when nobody is being asked. */
  async idle(): Promise<void> {
    for (const partition of this.underWay.keys()) this.enoughIn(partition).nudge()
    await Promise.all(this.underWay.values())
  }

  private remove(run: FinishedRun): void {
    if (!this.waiting.delete(run)) return
    const { probe } = run.outcome
    const left = (this.waitingOf.get(probe) ?? 0) - 1
    if (left > 0) this.waitingOf.set(probe, left)
    else this.waitingOf.delete(probe)
  }

  private consult(partition: Partition, signal: AbortSignal): Promise<void> {
    const shared = this.underWay.get(partition)
    if (shared !== undefined) return shared
    const consulting = this.ask(partition, signal).finally(() => this.underWay.delete(partition))
    this.underWay.set(partition, consulting)
    return consulting
  }

  private async ask(partition: Partition, signal: AbortSignal): Promise<void> {
    const { clock, reader, checkClocks } = this.deps
    // What fails in a wide incident is decided on together: each decision looks at all of its members.
    if (this.enoughRunsIn(partition) > 1) await this.enoughIn(partition).wait(clock, GATHER_MS, signal)
    await checkClocks()
    await reader.read(partition, this.maxAgeMs(partition), signal)
    const served = this.servedBy(partition)
    for (const run of served) this.remove(run)
    if (served.length > 0) await this.deps.decide(served)
  }

  /** Those that wait and that the newest reading is good enough for. No run of a probe overtakes an earlier one. */
  private servedBy(partition: Partition): readonly FinishedRun[] {
    const waiting = this.waitingIn(partition)
    const begunAt = this.deps.reader.begunAt(partition)
    const late = new Set(waiting.filter((run) => run.begun > begunAt && this.isTurningPoint(this.dated(run))))
    if (late.size === 0 || !this.mustAskAgain(partition, waiting)) return waiting
    const waitOn = new Set<string>()
    return waiting.filter((run) => {
      const { probe } = run.outcome
      if (late.has(run)) waitOn.add(probe)
      return !waitOn.has(probe)
    })
  }

  /**
   * How old the reading may be that the waiting runs are judged by. If AWS Health must be asked again, it must have been asked
   * after those runs began. What was read before the last start, wake-up or clock change, or while we were offline, says nothing
   * about a run that was made since.
   */
  private maxAgeMs(partition: Partition): number {
    const { clock, cacheForMs, world } = this.deps
    const now = clock.monotonic()
    const most = Math.min(cacheForMs, Math.max(0, clock.now() - world().freshSince))
    const waiting = this.waitingIn(partition)
    if (!this.mustAskAgain(partition, waiting)) return most
    const asking = waiting.filter((run) => this.isTurningPoint(this.dated(run)))
    return asking.reduce((age, { begun }) => Math.min(age, Math.max(0, now - begun)), most)
  }

  /**
   * AWS Health is asked again at the first failure while every probe was ok, when an incident opens, and before an email becomes
   * due. However many other probes fail, they are judged by what is known, and again by the next reading.
   */
  private mustAskAgain(partition: Partition, waiting: readonly FinishedRun[]): boolean {
    const { clock, reader, owners, world, setup } = this.deps
    const outcomes = waiting.map((run) => this.dated(run))
    if (!outcomes.some((outcome) => this.isTurningPoint(outcome))) return false
    if (this.allOkIn(partition)) return true
    // A decision on trial: would one be made that needs a new reading?
    const { announced, ledger } = decide(
      world(),
      {
        now: clock.now(),
        outcomes,
        controls: [],
        readings: reader.readings(),
        newlyRead: new Set(),
        timers: false,
        selfAlerts: [],
        owners,
        newId: () => TRIAL_ID,
      },
      setup,
    )
    return announced.length > 0 || ledger.some(({ decision }) => decision === 'opened' || decision === 'reopened')
  }

  private enoughIn(partition: Partition): Wakeup {
    const known = this.enough.get(partition) ?? new Wakeup()
    this.enough.set(partition, known)
    return known
  }

  private enoughRunsIn(partition: Partition): number {
    return enoughRuns([...this.deps.world().incidents.values()].filter((incident) => incident.partition === partition))
  }

  private allOkIn(partition: Partition): boolean {
    const { setup, world } = this.deps
    const { probes } = world()
    const monitors = [...setup.monitors.values()].filter((monitor) => monitor.partition === partition)
    return monitors.every((monitor) => monitor.probes.every(({ id }) => (probes.get(id)?.status ?? 'ok') === 'ok'))
  }

  /** The first failure of a probe that was ok, or the one that reaches the threshold. */
  private isTurningPoint(outcome: Outcome): boolean {
    const { setup, world } = this.deps
    const { probes, absence } = world()
    const state = probes.get(outcome.probe)
    const probe = setup.probes.get(outcome.probe)
    const monitor = probe === undefined ? undefined : setup.monitors.get(probe.monitor)
    if (state === undefined || monitor === undefined) return false
    if (state.status !== 'undecided') return state.status === 'ok'
    return advance(state, outcome, monitor, { incident: null, absence }).transition.kind === 'failed'
  }

  private waitingIn(partition: Partition): readonly FinishedRun[] {
    return [...this.waiting].filter(({ outcome }) => this.partitionOf(outcome) === partition)
  }

  private partitionOf(outcome: Outcome): Partition | null {
    const { setup } = this.deps
    const probe = setup.probes.get(outcome.probe)
    return probe === undefined ? null : (setup.monitors.get(probe.monitor)?.partition ?? null)
  }

  private dated(run: FinishedRun): Outcome {
    return datedOutcome(run, this.deps.clocks)
  }
}
