import type { Incident } from '../domain/incident.ts'
import type { World } from '../domain/state.ts'
import type { Clock } from '../ports/time.ts'
import type { FinishedRun } from './finished-run.ts'
import { Wakeup } from './wakeup.ts'

/** An incident with this many members is wide: a decision looks at all of them, so its runs are decided on together. */
const WIDE_MEMBERS = 50
/** How long a run of a wide incident waits for others. */
export const GATHER_MS = 1_000
/** How many runs are enough not to wait any longer: one in this many members, so that a run costs the same however wide it is. */
const MEMBERS_A_RUN = 10
const ENOUGH_RUNS = 100

/** How many runs are decided on together while these incidents are open; 1: each by itself. */
export function enoughRuns(incidents: Iterable<Incident>): number {
  let most = 0
  for (const { state, members } of incidents) if (state !== 'closed') most = Math.max(most, members.length)
  return most < WIDE_MEMBERS ? 1 : Math.max(ENOUGH_RUNS, Math.ceil(most / MEMBERS_A_RUN))
}

export type RunGatheringDeps = Readonly<{
  clock: Clock
  world: () => World
  decide: (runs: readonly FinishedRun[]) => Promise<void>
}>

/**
 * Runs that need not wait for AWS Health, while an incident is wide: a thousand recoveries are a few decisions, not a thousand. Whose
 * runs they are makes no difference: a decision on one healthy probe looks at all members, too.
 */
export class RunGathering {
  private readonly deps: RunGatheringDeps
  private readonly enough = new Wakeup()
  private gathering: Readonly<{ runs: FinishedRun[]; probes: Set<string>; decided: Promise<void> }> | null = null

  constructor(deps: RunGatheringDeps) {
    this.deps = deps
  }

  /** Resolves when the run has been decided on. */
  submit(run: FinishedRun, signal: AbortSignal): Promise<void> {
    const enough = enoughRuns(this.deps.world().incidents.values())
    if (enough === 1) return this.deps.decide([run])
    if (this.gathering === null) this.gathering = { runs: [], probes: new Set(), decided: this.decideSoon(signal) }
    this.gathering.runs.push(run)
    this.gathering.probes.add(run.outcome.probe)
    if (this.gathering.runs.length >= enough) this.enough.nudge()
    return this.gathering.decided
  }

  /** Resolves when nothing of this probe is being gathered: a later run must not overtake it. `null`: there is nothing to wait for. */
  earlierOf(probe: string): Promise<void> | null {
    if (this.gathering?.probes.has(probe) !== true) return null
    // Whoever submitted it hears what went wrong.
    return this.gathering.decided.catch(() => {})
  }

  /** Ends the wait. Resolves when nothing is being gathered. */
  async idle(): Promise<void> {
    if (this.gathering === null) return
    this.enough.nudge()
    await this.gathering.decided.catch(() => {})
  }

  private async decideSoon(signal: AbortSignal): Promise<void> {
    await this.enough.wait(this.deps.clock, GATHER_MS, signal)
    const runs = this.gathering?.runs ?? []
    this.gathering = null
    await this.deps.decide(runs)
  }
}
