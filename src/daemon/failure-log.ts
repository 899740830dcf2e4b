import { type Instant, MINUTE_MS } from '../domain/probe.ts'
import { messageOfThrown } from '../domain/thrown.ts'
import type { Log } from '../ports/log.ts'
import { StoreError } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'

/** The same failure, again and again, is logged this often. */
const REPEAT_AFTER_MS = 5 * MINUTE_MS
const MAX_REMEMBERED = 100

export type FailureLogDeps = Readonly<{
  clock: Pick<Clock, 'now'>
  log: Log
  /** The store cannot be trusted any more. */
  fatal: (cause: StoreError) => void
}>

/** Where every unexpected failure of the daemon ends up: it is logged, and it is fatal only if the store cannot be trusted. */
export class FailureLog {
  private readonly deps: FailureLogDeps
  private readonly loggedAt = new Map<string, Instant>()

  constructor(deps: FailureLogDeps) {
    this.deps = deps
  }

  report(message: string, cause: unknown): void {
    const { clock, log, fatal } = this.deps
    const key = `${message} ${messageOfThrown(cause)}`
    const now = clock.now()
    if (Math.abs(now - (this.loggedAt.get(key) ?? 0)) < REPEAT_AFTER_MS) return
    if (this.loggedAt.size > MAX_REMEMBERED) this.loggedAt.clear()
    this.loggedAt.set(key, now)
    const isFatal = cause instanceof StoreError && cause.fatal
    log.error(message, { cause, next: isFatal ? 'Alibi exits' : 'the next run tries again' })
    if (isFatal) fatal(cause)
  }
}
