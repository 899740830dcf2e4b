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

/**
 * Of the reasons for which an incident that is over caused no email the one that stood longest, of the rule that withheld longest.
 * What came last may have kept nothing back: when a silence ends, a fresh run is awaited, and that one is ok.
 */
export function withheldLongest(ledger: readonly LedgerRow[], closedAt: Instant): LedgerRow | undefined {
  const rows = ledger.filter(({ decision }) => decision === 'withheld')
  const stood = rows.map((row, i) => ({ row, ms: (rows[i + 1]?.at ?? Math.max(row.at, closedAt)) - row.at }))
  const byRule = ({ row: { rule } }: (typeof stood)[number]) =>
    stood.reduce((sum, { row, ms }) => (row.rule === rule ? sum + ms : sum), 0)
  return stood.toSorted((a, b) => byRule(b) - byRule(a) || b.ms - a.ms)[0]?.row
}
