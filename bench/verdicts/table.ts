import type { PolicyName } from './policies.ts'
import type { Part } from './sets.ts'
import { POLICY_NAMES, type Result, type Row } from './tally.ts'

const SHOWN: Readonly<Record<PolicyName, string>> = {
  alibi: 'Alibi: API and dashboard',
  alibiDashboard: 'Alibi: dashboard only',
  alibiQueue: 'Alibi: dashboard and queue',
  everyFailure: 'email on every failure',
  threshold: 'email at the threshold',
  anyOpenEvent: 'any open event explains',
  accountOnly: 'only ACCOUNT, start ≤ failure',
}
const HEAD = [
  '',
  'wrongly silent',
  'silent, with reason',
  'emailed, then explained',
  'median minutes to email',
  'emails per outage',
  'n',
]

export function table(parts: readonly Part[], result: Result, seconds: number): string {
  const blocks = parts.map(({ set, part, what, outages }) => {
    const rows = result.sets[`${set}-${part}`]
    const title = `(${set}) ${part}: ${what}${outages > 0 ? ` (of ${outages} events)` : ''}`
    return rows === undefined ? `${title}: nothing to replay` : `${title}\n${block(rows)}`
  })
  const notes = [
    `${result.held} failures of (a) were explained for longer than holdAtMost: silent until then, emailed after it (hold).`,
    `${result.hindsights} were emailed, but over before AWS posted: only the ledger says that AWS explains them (late-explanation).`,
    `${result.broken.length} failures break a promise. ${Math.round(seconds)} s.`,
  ]
  return `${blocks.join('\n\n')}\n\n${notes.join('\n')}`
}

function block(rows: Readonly<Record<PolicyName, Row>>): string {
  const lines = POLICY_NAMES.map((name) => {
    const { wronglySilent, silent, explainedLater, medianMinutesToMail, mailsPerOutage, n } = rows[name]
    return [SHOWN[name], ...[wronglySilent, silent, explainedLater, medianMinutesToMail ?? '–', mailsPerOutage, n].map(String)]
  })
  const all = [HEAD, ...lines]
  const widths = HEAD.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  return all
    .map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '),
    )
    .join('\n')
}
