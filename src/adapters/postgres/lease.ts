import type { Clock } from '../../ports/time.ts'

/** Whoever was not heard of for this long has lost what it held. */
export const LEASE_MS = 10_000
/** The holder stops so long before. */
const MARGIN_MS = 500
/** Uptime is good to a second. */
const UPTIME_ROUGH_MS = 1_000

/** A moment on the clocks that nobody sets. */
type Reading = Readonly<{ monotonic: number; uptime: number }>

/**
 * What a machine holds until it has not been heard of for a while. It ends on the machine's own clocks before it ends for all
 * others: on one that runs on while the process is stopped, and on one that runs on while the machine sleeps.
 */
export class Lease {
  private readonly clock: Clock
  private from: Reading | null = null

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** To be read before the others are told, and handed to `renew` after they were. */
  reading(): Reading {
    return { monotonic: this.clock.monotonic(), uptime: this.clock.uptime() }
  }

  renew(told: Reading): void {
    this.from = told
  }

  isLive(): boolean {
    return this.leftMs() > 0
  }

  /** How long it lasts unless it is renewed. */
  leftMs(): number {
    if (this.from === null) return 0
    const now = this.reading()
    const byMonotonic = LEASE_MS - MARGIN_MS - (now.monotonic - this.from.monotonic)
    const byUptime = LEASE_MS - MARGIN_MS - UPTIME_ROUGH_MS - (now.uptime - this.from.uptime)
    return Math.max(0, Math.min(byMonotonic, byUptime))
  }
}
