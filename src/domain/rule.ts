/**
 * The rules by which everything is decided. docs/rules.md defines each under a heading that is its name, in this order; the
 * ledger, the page, `explain`, `simulate`, the digest and the JSON carry these names.
 */
export const RULE_NAMES = [
  'threshold',
  'consult',
  'suppression',
  'first-email',
  'joining',
  'hold',
  'lapsed-explanation',
  'late-explanation',
  'reminder',
  'escalation',
  'recovery',
  'silence',
  'choice',
  'restart',
  'grouping',
  'blind',
  'timers',
  'config-change',
  'family-change',
  'rate-limit',
  'offline',
  'self-alert',
] as const
export type RuleName = (typeof RULE_NAMES)[number]
