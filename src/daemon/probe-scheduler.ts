import { rerunAt, rerunsOf } from '../domain/cadence.ts'
import { type Budget, FRESH_BUDGET, reserve, stepOfRound, throttled, UNSTATED_QUOTA, usedUp } from '../domain/pace.ts'
import {
  type Call,
  credentialsKey,
  type Instant,
  type Monitor,
  type Outcome,
  type Partition,
  type Probe,
} from '../domain/probe.ts'
import { type Quota, quotaKey, quotaOf, slowerOf } from '../domain/quota.ts'
import type { ProbeState } from '../domain/state.ts'
import { type Prober, RunLostError } from '../ports/prober.ts'
import { StoreError } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { faultyRun, soundOutcome } from './guarded.ts'

/**
 * Runs under way at the same time, of all monitors: as many as there are sockets. AWS's quotas usually limit them first: one caller
 * begins at most 8 runs a second of one operation, and a hanging run takes some 18 s.
 */
export const MAX_RUNS_AT_ONCE = 600
/** Of these, one operation of one caller may hold this many, so that accounts that hang leave room for all others. */
export const MAX_RUNS_OF_A_LANE = 200
/** Kept free for re-runs of failing probes, and for lanes with hardly anything under way: what hangs is elsewhere. */
const ROOM_KEPT = 120
const HARDLY_ANYTHING = 4
/** A run during which our process was blocked is repeated at once, up to this many runs in a row. */
const MAX_REPEATS = 3

/** How fast runs follow each other: by AWS's quotas and evenly, unless a bench says otherwise. */
export type Pace = Readonly<{
  /** What AWS allows one caller; `null` if it states nothing. */
  quotaOf: (call: Call, partition: Partition) => Quota | null
  /** Milliseconds between the beginnings of two runs of a round. */
  stepOfRound: (probes: number, periodMs: number) => number
  /** What is left of a quota at first; all of it, if left out. */
  first?: (quota: Quota, now: number) => Budget
}>
export const AWS_PACE: Pace = { quotaOf, stepOfRound }
/** Where another machine may have called for the same callers a moment ago. */
export const SHARED_PACE: Pace = { ...AWS_PACE, first: usedUp }

export type ProbeSchedulerDeps = Readonly<{
  prober: Prober
  clock: Clock
  pace: Pace
  /** @param begun when the run began, on the monotonic clock: the wall clock may have been set since */
  submit: (outcome: Outcome, begun: number) => Promise<void>
  /** An internal error while a run was made or decided on, or a store that could not be written. */
  failed: (probe: Probe, cause: unknown) => void
  /** A scheduled run of the monitor began, this much later than planned by its round and AWS's quotas. */
  began: (monitor: string, lateMs: number) => void
  kill: AbortSignal
}>

/** A probe that waits for its turn, or has it. */
type Turn = {
  readonly probe: Probe
  kind: 'scheduled' | 'rerun'
  state: 'queued' | 'running'
  /** When it should begin, on the monotonic clock. */
  dueAt: number
  readonly over: () => void
}

/** What one caller asks of one operation: all monitors with the same credentials share it, as they share AWS's quota. */
type Lane = {
  /** `null`: neither AWS nor the configuration says how fast it may go. */
  stated: Quota | null
  budget: Budget
  readonly reruns: Turn[]
  readonly scheduled: Turn[]
  running: number
  /** The wait for the budget and when it ends, on the monotonic clock; `null` while there is none. */
  wait: Readonly<{ wake: AbortController; until: number }> | null
}

/** Makes the runs: each probe at most once at a time, all of them limited in number and paced by AWS's quotas. */
export class ProbeScheduler {
  private readonly deps: ProbeSchedulerDeps
  private readonly lanes = new Map<string, Lane>()
  /** The lane of each probe: its monitor, and thereby its caller, never changes. */
  private readonly laneOf = new WeakMap<Probe, Lane>()
  private readonly turns = new Map<string, Turn>()
  /** When each probe last ran again, and which run was its last known one then. */
  private readonly lastRerun = new Map<string, { at: Instant; after: Instant | null }>()
  /** Lanes that wait until a run of another lane ends. */
  private readonly blocked = new Set<Lane>()
  private readonly running = new Set<Promise<void>>()
  private readonly deciding = new Set<Promise<void>>()
  private readonly ending = new AbortController()

  constructor(deps: ProbeSchedulerDeps) {
    this.deps = deps
  }

  /**
   * Runs every probe of a monitor once, spread over the round if there are many. Those that are running already do not run again.
   * Resolves when the last run has ended.
   */
  async fire(monitor: Monitor): Promise<void> {
    const { clock, pace } = this.deps
    const stepMs = pace.stepOfRound(monitor.probes.length, monitor.periodMs)
    const begun = clock.monotonic()
    const runs: Promise<void>[] = []
    for (const [i, probe] of monitor.probes.entries()) {
      const dueAt = begun + i * stepMs
      const waitMs = Math.ceil(dueAt - clock.monotonic())
      if (waitMs > 0) await clock.sleep(waitMs, this.ending.signal)
      if (this.ending.signal.aborted) break
      runs.push(this.enqueue(probe, monitor, 'scheduled', Math.ceil(dueAt)))
    }
    await Promise.all(runs)
  }

  /** Runs what is due again apart from the schedule: at most 20 probes of each monitor, one of each operation first (`threshold`). */
  rerun(monitors: Iterable<Monitor>, states: ReadonlyMap<string, ProbeState>, freshSince: Instant, now: Instant): void {
    for (const { probe, monitor, at } of this.restless(monitors, states, freshSince)) {
      if (at > now) continue
      this.lastRerun.set(probe.id, { at: now, after: states.get(probe.id)?.lastRunAt ?? null })
      void this.enqueue(probe, monitor, 'rerun', this.deps.clock.monotonic())
    }
  }

  /** When probes are due again, without those that are running. */
  rerunsDue(monitors: Iterable<Monitor>, states: ReadonlyMap<string, ProbeState>, freshSince: Instant): readonly Instant[] {
    return this.restless(monitors, states, freshSince).map(({ at }) => at)
  }

  private restless(monitors: Iterable<Monitor>, states: ReadonlyMap<string, ProbeState>, freshSince: Instant) {
    const all: { probe: Probe; monitor: Monitor; at: Instant }[] = []
    for (const monitor of monitors) {
      for (const { probe, state } of rerunsOf(monitor, states)) {
        const due = rerunAt(state, monitor, freshSince)
        const turn = this.turns.get(probe.id)
        const underWay = turn !== undefined && (turn.state === 'running' || turn.kind === 'rerun')
        if (due === null || underWay) continue
        // A run that could not be recorded (a full disk) leaves no trace: without this the next one would follow at once, forever.
        const last = this.lastRerun.get(probe.id)
        const earliest = last !== undefined && last.after === state.lastRunAt ? last.at + monitor.retryIntervalMs : 0
        all.push({ probe, monitor, at: Math.max(due, earliest) })
      }
    }
    return all
  }

  /** Begins no further run. */
  stop(): void {
    this.ending.abort()
    for (const lane of this.lanes.values()) {
      lane.wait?.wake.abort(WOKEN)
      lane.wait = null
      for (const turn of [...lane.reruns.splice(0), ...lane.scheduled.splice(0)]) if (turn.state === 'queued') this.end(turn)
    }
  }

  /** Resolves when every run has ended and was decided on. */
  async idle(): Promise<void> {
    while (this.running.size > 0 || this.deciding.size > 0) await Promise.all([...this.running, ...this.deciding])
  }

  private enqueue(probe: Probe, monitor: Monitor, kind: Turn['kind'], dueAt: number): Promise<void> {
    const lane = this.laneFor(probe, monitor)
    const queued = this.turns.get(probe.id)
    if (queued !== undefined) {
      // A re-run never waits behind the schedule: a probe that waits there changes queues.
      if (kind === 'rerun' && queued.kind === 'scheduled' && queued.state === 'queued') {
        queued.kind = 'rerun'
        lane.reruns.push(queued)
        this.serve(lane)
      }
      return Promise.resolve()
    }
    if (this.ending.signal.aborted) return Promise.resolve()
    return new Promise((over) => {
      const turn: Turn = { probe, kind, state: 'queued', dueAt, over }
      this.turns.set(probe.id, turn)
      ;(kind === 'rerun' ? lane.reruns : lane.scheduled).push(turn)
      this.serve(lane)
    })
  }

  private laneFor(probe: Probe, monitor: Monitor): Lane {
    const known = this.laneOf.get(probe)
    if (known !== undefined) return known
    const key = `${monitor.partition} ${credentialsKey(monitor.credentials)} ${quotaKey(probe.call)}`
    const { pace, clock } = this.deps
    const stated = pace.quotaOf(probe.call, monitor.partition)
    let lane = this.lanes.get(key)
    if (lane === undefined) {
      const budget = pace.first?.(stated ?? UNSTATED_QUOTA, clock.monotonic()) ?? FRESH_BUDGET
      lane = { stated, budget, reruns: [], scheduled: [], running: 0, wait: null }
      this.lanes.set(key, lane)
    } else lane.stated = slowerOf(lane.stated, stated)
    this.laneOf.set(probe, lane)
    return lane
  }

  /** Begins what may begin now, and arranges for the rest to be looked at again. */
  private serve(lane: Lane): void {
    const { clock } = this.deps
    for (let turn = head(lane); turn !== undefined; turn = head(lane)) {
      if (this.ending.signal.aborted) return
      const mayUseAll = turn.kind === 'rerun' || lane.running < HARDLY_ANYTHING
      const most = mayUseAll ? MAX_RUNS_AT_ONCE : MAX_RUNS_AT_ONCE - ROOM_KEPT
      if (this.running.size >= most || lane.running >= MAX_RUNS_OF_A_LANE) {
        this.blocked.add(lane)
        return
      }
      const now = clock.monotonic()
      const { at, budget } = reserve(lane.budget, lane.stated ?? UNSTATED_QUOTA, turn.kind, now)
      if (at > now) {
        turn.dueAt = Math.max(turn.dueAt, at)
        this.comeBack(lane, at, now)
        return
      }
      lane.budget = budget
      if (turn.kind === 'scheduled') {
        lane.scheduled.shift()
        this.deps.began(turn.probe.monitor, Math.max(0, now - turn.dueAt))
      } else lane.reruns.shift()
      this.begin(turn, lane)
    }
  }

  /** Looks at the lane again when its budget allows the next run. */
  private comeBack(lane: Lane, at: number, now: number): void {
    if (lane.wait !== null && lane.wait.until <= at) return
    lane.wait?.wake.abort(WOKEN)
    const wait = { wake: new AbortController(), until: at }
    lane.wait = wait
    // Whole milliseconds, as timers and instants have them.
    void this.deps.clock.sleep(Math.ceil(at - now), wait.wake.signal).then(() => {
      if (lane.wait !== wait) return
      lane.wait = null
      this.serve(lane)
    })
  }

  private begin(turn: Turn, lane: Lane): void {
    turn.state = 'running'
    lane.running += 1
    const run: Promise<void> = this.runUntilItSays(turn, lane).then((said) => {
      lane.running -= 1
      this.running.delete(run)
      if (said || this.ending.signal.aborted) this.end(turn)
      else this.again(turn, lane)
      if (this.blocked.size === 0) return
      const waiting = [...this.blocked]
      this.blocked.clear()
      for (const one of waiting) this.serve(one)
    })
    this.running.add(run)
  }

  /** A run that was lost may have called AWS all the same: it takes its turn once more. */
  private again(turn: Turn, lane: Lane): void {
    turn.state = 'queued'
    ;(turn.kind === 'rerun' ? lane.reruns : lane.scheduled).push(turn)
    this.serve(lane)
  }

  private end(turn: Turn): void {
    this.turns.delete(turn.probe.id)
    turn.over()
  }

  /** @returns `false` if the run was lost */
  private async runUntilItSays({ probe, kind }: Turn, lane: Lane): Promise<boolean> {
    for (let i = 0; i < MAX_REPEATS; i++) {
      const begun = this.deps.clock.monotonic()
      const outcome = await this.made(probe)
      if (this.deps.kill.aborted) return true
      if (outcome === null) return false
      this.account(lane, kind, outcome, i === 0 ? 1 : 0)
      this.decide(probe, outcome, begun)
      if (outcome.kind !== 'stalled' || this.ending.signal.aborted) break
    }
    return true
  }

  /**
   * `null`: the run was lost. Otherwise a prober never rejects. If one does all the same, that counts as a run, or nobody would
   * notice that it said nothing.
   */
  private async made(probe: Probe): Promise<Outcome | null> {
    const { prober, clock, kill, failed } = this.deps
    const startedAt = clock.now()
    try {
      return soundOutcome(await prober.run(probe, kill))
    } catch (cause) {
      if (cause instanceof RunLostError) return null
      if (!kill.aborted) failed(probe, cause)
      return faultyRun(probe, startedAt, clock.now())
    }
  }

  /** Every further try was a call as well, and a 429 slows down what comes next. */
  private account(lane: Lane, kind: Turn['kind'], { tries }: Outcome, reserved: number): void {
    const now = this.deps.clock.monotonic()
    for (let i = reserved; i < tries.length; i++)
      lane.budget = reserve(lane.budget, lane.stated ?? UNSTATED_QUOTA, kind, now).budget
    if (tries.some((made) => made.kind === 'throttled')) lane.budget = throttled(lane.budget, now)
  }

  private decide(probe: Probe, outcome: Outcome, begun: number): void {
    const { submit, failed } = this.deps
    const deciding: Promise<void> = submit(outcome, begun)
      .catch((cause) => {
        failed(probe, cause)
        // A run that cannot be decided on says nothing. What cannot be written now, the next run decides.
        if (cause instanceof StoreError || outcome.kind === 'fault') return
        return submit(faultyRun(probe, outcome.startedAt, outcome.endedAt), begun).catch((again) => failed(probe, again))
      })
      .finally(() => this.deciding.delete(deciding))
    this.deciding.add(deciding)
  }
}

/** Without a reason every abort would create an exception with a stack trace that nobody reads. */
const WOKEN = 'woken'

/** Who is next: re-runs first. A probe that has changed queues is skipped in the old one. */
function head({ reruns, scheduled }: Lane): Turn | undefined {
  if (reruns[0] !== undefined) return reruns[0]
  while (scheduled[0] !== undefined && scheduled[0].kind !== 'scheduled') scheduled.shift()
  return scheduled[0]
}
