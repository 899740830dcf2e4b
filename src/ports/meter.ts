import type { Decision } from '../domain/ledger.ts'
import type { MailKind } from '../domain/notification.ts'
import type { HealthReading } from '../domain/outage.ts'
import type { Outcome, Probe } from '../domain/probe.ts'
import type { Verdict } from '../domain/verdict.ts'

/** What became of one attempt to send an email, or of an email that was not sent any more. */
export const MAIL_RESULTS = ['delivered', 'deferred', 'refused', 'merged', 'dropped'] as const
export type MailResult = (typeof MAIL_RESULTS)[number]

/** What happens while the daemon works, for metrics. No method throws or waits, and none affects a decision. */
export type Meter = {
  /** A run was decided upon. */
  run(probe: Probe, outcome: Outcome): void
  /** A row was written into the ledger. */
  decided(decision: Decision): void
  /** An outage incident has a verdict that it did not have before. */
  judged(verdict: Verdict['kind']): void
  mail(kind: MailKind, result: MailResult): void
  /** A monitor's schedule fired, so much later than it was due and could be (its spread). */
  fired(monitor: string, lateMs: number): void
  /** A run of a round began, so much later than its round and AWS's quotas had it planned. */
  began(monitor: string, lateMs: number): void
  /** A schedule fired while the round before it was still running: it is late. */
  skipped(monitor: string): void
  /** AWS Health was asked. */
  read(reading: HealthReading): void
  /** An event from the health queue was judged, so long after it was put there. */
  told(agoMs: number): void
}

/** For those who do not count: the simulator, commands, most tests. */
export const SILENT_METER: Meter = {
  run() {},
  decided() {},
  judged() {},
  mail() {},
  fired() {},
  began() {},
  skipped() {},
  read() {},
  told() {},
}
