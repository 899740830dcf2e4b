import type { Moment } from '../domain/moment.ts'

/** Wall clock, monotonic clock and waiting: all of time that the daemon knows. */
export type Clock = {
  /** Epoch milliseconds of the wall clock; it may jump. */
  now(): number
  /** Milliseconds since some fixed moment; never jumps, stands still while the machine sleeps. */
  monotonic(): number
  /** Milliseconds since some fixed moment; never jumps and runs on while the machine sleeps. Good to a second or so. */
  uptime(): number
  /** This moment by clocks that other processes of this machine read as well; `null` where it has none. */
  moment(): Moment | null
  /** Resolves after `ms`, or at once (without throwing) when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** Cron schedules: one task a monitor. */
export type Ticker = {
  /**
   * Calls `fire` whenever the schedule is due, plus a random delay of up to `spreadMs`; the next fire is skipped while the
   * promise it returned is pending, and `overlapped` is called. Returns what stops it, and when it is due next.
   */
  schedule(task: ScheduledTask): { stop(): Promise<void>; next(): number | null }
}

export type ScheduledTask = Readonly<{
  name: string
  cron: string
  timezone: string
  spreadMs: number
  /** @param at when it was due, without its spread; left out where nobody knows */
  fire: (at?: number) => Promise<void>
  missed: (at: number) => void
  overlapped: (at: number) => void
}>
