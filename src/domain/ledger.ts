import type { Instant } from './probe.ts'
import type { RuleName } from './rule.ts'

/** What was decided. The rows that matter most are `withheld`: the emails that were not sent, and why. */
export const DECISIONS = [
  'opened',
  'joined',
  'withheld',
  'verdict',
  'mailed',
  'recovered',
  'closed',
  'reopened',
  'moved',
  'hindsight',
  'delivered',
  'refused',
  'merged',
  'noticed',
  /** By an operator, at the command line. */
  'ordered',
] as const
export type Decision = (typeof DECISIONS)[number]

/** One durable line that says why an alert was sent or withheld. Rows are written once and never changed. */
export type LedgerRow = Readonly<{
  at: Instant
  incident: string | null
  probe: string | null
  decision: Decision
  /** One sentence that a person can check. */
  reason: string
  /** The rule that decided (docs/rules.md); `null` if none. */
  rule: RuleName | null
  /** Whatever shows it: verdict, rejected events, sources, counters. Plain JSON, bounded. */
  evidence: unknown
}>
