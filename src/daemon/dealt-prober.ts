import { MAX_BACKOFF_MS } from '../domain/backoff.ts'
import { callerOf } from '../domain/dealing.ts'
import type { Monitor, Probe } from '../domain/probe.ts'
import type { Dealer } from '../ports/fleet.ts'
import type { Prober } from '../ports/prober.ts'

/** Beyond what a run takes at most: the way there and back, and a database that is away for a moment. */
const ON_THE_WAY_MS = 60_000

/** Makes each run on the machine that holds its caller. */
export class DealtProber implements Prober {
  private readonly own: Prober
  private readonly dealer: Dealer
  private readonly monitors: ReadonlyMap<string, Monitor>

  constructor(own: Prober, dealer: Dealer, monitors: readonly Monitor[]) {
    this.own = own
    this.dealer = dealer
    this.monitors = new Map(monitors.map((monitor) => [monitor.name, monitor]))
    dealer.deal(monitors.map(callerOf))
  }

  run(probe: Probe, signal: AbortSignal) {
    const monitor = this.monitors.get(probe.monitor)
    // A fault of ours, which the prober reports.
    if (monitor === undefined) return this.own.run(probe, signal)
    return this.dealer.run(
      { caller: callerOf(monitor), probe, limitMs: longestOf(monitor) },
      () => this.own.run(probe, signal),
      signal,
    )
  }

  control(signal: AbortSignal) {
    return this.own.control(signal)
  }
}

function longestOf({ attempts, timeoutMs, backoffMs }: Monitor): number {
  let pauses = 0
  for (let i = 0; i < attempts - 1; i++) pauses += Math.min(backoffMs * 2 ** i, MAX_BACKOFF_MS)
  // A try may wait for credentials as well; a control call may follow.
  return attempts * 2 * timeoutMs + pauses + ON_THE_WAY_MS
}
