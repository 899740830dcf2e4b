import type { SourceAnswer } from '../domain/outage.ts'
import type { Instant } from '../domain/probe.ts'

/** One source of AWS Health, for one partition. */
export type HealthSource = {
  /** Asks for all that is open and what was updated since `since`. Bounded in time; never rejects: not knowing is an answer. */
  ask(now: Instant, since: Instant, signal: AbortSignal): Promise<SourceAnswer>
}
