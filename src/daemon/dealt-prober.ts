import { MAX_BACKOFF_MS } from '../domain/backoff.ts'
import { callerOf } from '../domain/dealing.ts'
import type { Monitor, Outcome, Probe } from '../domain/probe.ts'
import type { Dealer } from '../ports/fleet.ts'
import { type Prober, RunLostError } from '../ports/prober.ts'
import type { Reach } from './reach.ts'

export type DealtProberDeps = Readonly<{
  own: Prober
  dealer: Dealer
  reach: Reach
  monitors: readonly Monitor[]
  machine: string
}>

/** Beyond what a run takes at most: the way there and back, and a database that is away for a moment. */
const ON_THE_WAY_MS = 60_000

/** Makes each run on the machine that holds its caller. */
export class DealtProber implements Prober {
  private readonly own: Prober
  private readonly dealer: Dealer
  private readonly reach: Reach
  private readonly machine: string
  private readonly monitors: ReadonlyMap<string, Monitor>

  constructor({ own, dealer, reach, monitors, machine }: DealtProberDeps) {
    this.own = own
    this.dealer = dealer
    this.reach = reach
    this.machine = machine
    this.monitors = new Map(monitors.map((monitor) => [monitor.name, monitor]))
    dealer.deal(monitors.map(callerOf))
  }

  run(probe: Probe, signal: AbortSignal) {
    const monitor = this.monitors.get(probe.monitor)
    // A fault of ours, which the prober reports.
    if (monitor === undefined) return this.own.run(probe, signal)
    return this.dealer.run(
      { caller: callerOf(monitor), probe, limitMs: longestOf(monitor) },
      () => this.runHere(probe, signal),
      signal,
    )
  }

  async control(signal: AbortSignal) {
    const answer = await this.own.control(signal)
    if (!signal.aborted) this.reach.noteControl(answer)
    return answer
  }

  /** @throws {RunLostError} when this machine is cut off and another one is not: what it sees says nothing about AWS */
  private async runHere(probe: Probe, signal: AbortSignal): Promise<Outcome> {
    const outcome = await this.reach.judge(await this.own.run(probe, signal), this.own, signal)
    if (this.reach.isCutOff && this.dealer.othersReach()) throw new RunLostError('this machine cannot reach AWS')
    return { ...outcome, machine: this.machine }
  }
}

function longestOf({ attempts, timeoutMs, backoffMs }: Monitor): number {
  let pauses = 0
  for (let i = 0; i < attempts - 1; i++) pauses += Math.min(backoffMs * 2 ** i, MAX_BACKOFF_MS)
  // A try may wait for credentials as well; a control call may follow.
  return attempts * 2 * timeoutMs + pauses + ON_THE_WAY_MS
}
