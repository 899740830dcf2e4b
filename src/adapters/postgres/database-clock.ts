import type { Clock } from '../../ports/time.ts'
import type { Transaction } from './database.ts'

/** The machine slept if its uptime has grown by so much more than its monotonic clock. */
const SLEPT_MS = 2_000
/** Less than this is no reason to move the clock: it is the way to the database that took longer. */
const NOISE_MS = 20

/**
 * The clock of the database, kept by the machine's monotonic clock between two looks at it. Nothing that machines share is dated
 * by a clock of their own.
 */
export class DatabaseClock implements Clock {
  private readonly machine: Clock
  private offset: number
  /** How far uptime and monotonic clock were apart at the last look. */
  private apart = 0

  /** Before the first look it goes by the machine's own clock. */
  constructor(machine: Clock) {
    this.machine = machine
    this.offset = machine.now() - machine.monotonic()
    this.apart = machine.uptime() - machine.monotonic()
  }

  now(): number {
    return Math.round(this.machine.monotonic() + this.sleptMs() + this.offset)
  }

  monotonic(): number {
    return this.machine.monotonic()
  }

  uptime(): number {
    return this.machine.uptime()
  }

  moment() {
    return this.machine.moment()
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.machine.sleep(ms, signal)
  }

  /** How far the machine's own clock is ahead. */
  get skewMs(): number {
    return this.machine.now() - this.now()
  }

  /** @returns what the database's clock says */
  async look(tx: Transaction): Promise<number> {
    const before = this.machine.monotonic()
    const [row] = await tx.query('SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now')
    const now = Number(row?.['now'])
    this.set(now, before, this.machine.monotonic())
    return now
  }

  /** @param at what the database said between `before` and `after` on the monotonic clock */
  set(at: number, before: number, after: number): void {
    this.apart = this.machine.uptime() - this.machine.monotonic()
    const offset = at - (before + after) / 2
    if (Math.abs(offset - this.offset) > (after - before) / 2 + NOISE_MS) this.offset = offset
  }

  /** Until the next look, what the monotonic clock does not count. */
  private sleptMs(): number {
    const ms = this.machine.uptime() - this.machine.monotonic() - this.apart
    return ms > SLEPT_MS ? ms : 0
  }
}
