import { chooseReruns, MAX_RERUN, rerunAt } from '../domain/cadence.ts'
import type { Instant, Monitor, Outcome, Probe } from '../domain/probe.ts'
import type { ProbeState } from '../domain/state.ts'
import type { Prober } from '../ports/prober.ts'

/** Runs that are under way at the same time, over all monitors. */
export const MAX_RUNS_AT_ONCE = 64
/** A run that says nothing because our process stood still is repeated at once, so often in a row. */
const MAX_REPEATS = 3

export type RoundsDeps = Readonly<{
  prober: Prober
  submit: (outcome: Outcome) => Promise<void>
  /** A fault of ours while a run was made or decided upon. */
  failed: (probe: string, cause: unknown) => void
  kill: AbortSignal
}>

/** Makes the runs: each probe at most once at a time, all of them bounded in number. */
export class Rounds {
  private readonly deps: RoundsDeps
  private readonly inFlight = new Set<string>()
  /** The last re-run of each probe, and which run was its last known one then. */
  private readonly lastRerun = new Map<string, { at: Instant; after: Instant | null }>()
  private readonly deciding = new Set<Promise<void>>()
  private readonly queue: (() => void)[] = []
  private running = 0
  private stopped = false

  constructor(deps: RoundsDeps) {
    this.deps = deps
  }

  /** Every probe of a monitor, once; those that are running already are left to it. Resolves when the last run has ended. */
  async fire(monitor: Monitor): Promise<void> {
    await Promise.all(monitor.probes.map((probe) => this.run(probe)))
  }

  /** What is due again apart from the schedule: at most 20 probes of each monitor, one of each operation first (rule 1). */
  rerun(monitors: Iterable<Monitor>, states: ReadonlyMap<string, ProbeState>, freshSince: Instant, now: Instant): void {
    for (const { probe, at } of this.restless(monitors, states, freshSince)) {
      if (at > now) continue
      this.lastRerun.set(probe.id, { at: now, after: states.get(probe.id)?.lastRunAt ?? null })
      void this.run(probe)
    }
  }

  /** When the probes that are run again are due; those under way are not. */
  rerunsDue(monitors: Iterable<Monitor>, states: ReadonlyMap<string, ProbeState>, freshSince: Instant): readonly Instant[] {
    return this.restless(monitors, states, freshSince).map(({ at }) => at)
  }

  private restless(monitors: Iterable<Monitor>, states: ReadonlyMap<string, ProbeState>, freshSince: Instant) {
    const all: { probe: Probe; at: Instant }[] = []
    for (const monitor of monitors) {
      const restless = monitor.probes.flatMap((probe) => {
        const state = states.get(probe.id)
        if (state === undefined || state.standing === 'well') return []
        const due = rerunAt(state, monitor, freshSince)
        // A run that could not be recorded (a full disk) leaves no trace: without this the next would follow at once, for ever.
        const last = this.lastRerun.get(probe.id)
        const earliest = last !== undefined && last.after === state.lastRunAt ? last.at + monitor.retryIntervalMs : 0
        return [
          { probe, operation: probe.call.operation, dueAt: state.onset ?? 0, at: due === null ? null : Math.max(due, earliest) },
        ]
      })
      // The same twenty each time: who waits behind them has the schedule.
      for (const { probe, at } of chooseReruns(restless, MAX_RERUN))
        if (at !== null && !this.inFlight.has(probe.id)) all.push({ probe, at })
    }
    return all
  }

  /** No run begins any more. */
  stop(): void {
    this.stopped = true
    for (const go of this.queue.splice(0)) go()
  }

  /** Resolves when every run has ended and was decided upon. */
  async idle(): Promise<void> {
    while (this.running > 0 || this.deciding.size > 0) {
      await Promise.all(this.deciding)
      if (this.running > 0) await new Promise<void>((resolve) => this.queue.push(resolve))
    }
  }

  private async run(probe: Probe): Promise<void> {
    if (this.stopped || this.inFlight.has(probe.id)) return
    this.inFlight.add(probe.id)
    try {
      while (this.running >= MAX_RUNS_AT_ONCE && !this.stopped) await new Promise<void>((resolve) => this.queue.push(resolve))
      if (this.stopped) return
      this.running += 1
      try {
        await this.runUntilItSays(probe)
      } finally {
        this.running -= 1
        this.queue.shift()?.()
      }
    } finally {
      this.inFlight.delete(probe.id)
    }
  }

  private async runUntilItSays(probe: Probe): Promise<void> {
    for (let i = 0; i < MAX_REPEATS; i++) {
      let outcome: Outcome
      try {
        outcome = await this.deps.prober.run(probe, this.deps.kill)
      } catch (cause) {
        this.deps.failed(probe.id, cause)
        return
      }
      if (this.deps.kill.aborted) return
      this.decide(outcome)
      if (outcome.kind !== 'stalled' || this.stopped) return
    }
  }

  private decide(outcome: Outcome): void {
    const deciding: Promise<void> = this.deps
      .submit(outcome)
      .catch((cause) => this.deps.failed(outcome.probe, cause))
      .finally(() => this.deciding.delete(deciding))
    this.deciding.add(deciding)
  }
}
