import type { Config } from '../config/config.ts'
import { type AccountNames, withName } from '../domain/account-names.ts'
import { counted } from '../domain/counted.ts'
import { iso, utc } from '../domain/duration.ts'
import {
  type Count,
  type IncidentPatterns,
  type Patterns,
  patternsOf,
  standsOut,
  WEEKDAYS,
  watchedBy,
} from '../domain/patterns.ts'
import { type Io, say } from './io.ts'
import { table } from './table.ts'

/** Rows of each table; `--json` has more. */
const MAX_SHOWN = 10
/** The longest bar of a histogram. */
const BAR = 30

/** Prints when, where, and with which operation, account and error failures began: the patterns that AWS advises to look for. */
export function showPatterns(incidents: readonly IncidentPatterns[], config: Config, json: boolean, io: Io): void {
  const patterns = patternsOf(incidents)
  const lines = standsOut(patterns, watchedBy(config.monitors.flatMap(({ probes }) => probes)))
  if (json) io.out(JSON.stringify(asJson(patterns, lines), null, 2))
  else
    say(
      io,
      patterns.failures === 0
        ? 'There are no failures to find patterns in.'
        : textOf(patterns, { lines, names: config.accountNames ?? null, columns: io.columns }),
    )
}

function asJson(patterns: Patterns, lines: readonly string[]) {
  const countsJson = (counts: readonly Count[]) => counts.map(({ lastAt, ...rest }) => ({ ...rest, lastAt: iso(lastAt) }))
  const { from, to, incidents, failures, hours, weekdays } = patterns
  return {
    incidents,
    failures,
    from: from === null ? null : iso(from),
    to: to === null ? null : iso(to),
    standsOut: lines,
    hoursUtc: hours,
    weekdaysUtc: Object.fromEntries(WEEKDAYS.map((name, at) => [name, weekdays[at] ?? 0])),
    endpoints: countsJson(patterns.endpoints),
    operations: countsJson(patterns.operations),
    accounts: countsJson(patterns.accounts),
    errors: countsJson(patterns.errors),
    monitors: countsJson(patterns.monitors),
    explanations: countsJson(patterns.explanations),
  }
}

type Format = Readonly<{ lines: readonly string[]; names: AccountNames | null; columns: number | null }>

function textOf(patterns: Patterns, { lines, names, columns }: Format): string {
  const { failures, incidents, from, to, hours, weekdays } = patterns
  const span = from === null || to === null ? '' : `, from ${utc(from)} to ${utc(to)}`
  const most = Math.max(...hours, ...weekdays, 1)
  const bars = (names: readonly string[], counts: readonly number[]) =>
    names.flatMap((name, at) => {
      const n = counts[at] ?? 0
      return n === 0 ? [] : [`  ${name}  ${'#'.repeat(Math.max(1, Math.round((n / most) * BAR)))} ${n}`]
    })
  const tables: readonly (readonly [string, readonly Count[]])[] = [
    ['where', patterns.endpoints],
    ['operation', patterns.operations],
    ['account', patterns.accounts.map((one) => ({ ...one, name: withName(one.name, names?.ofAccounts.get(one.name) ?? null) }))],
    ['error', patterns.errors],
    ['monitor', patterns.monitors],
    ['explained by', patterns.explanations],
  ]
  return [
    `${counted(failures, 'failed probe')} in ${counted(incidents, 'incident')}${span}`,
    '',
    lines.length === 0 ? 'Nothing stands out.' : `What stands out\n${lines.map((line) => `  ${line}`).join('\n')}`,
    '',
    'Failures by hour (UTC)',
    ...bars(
      hours.map((_, hour) => `${String(hour).padStart(2, '0')}:00`),
      hours,
    ),
    '',
    'Failures by day of the week (UTC)',
    ...bars(WEEKDAYS, weekdays),
    ...tables.flatMap(([what, counts]) => [
      '',
      table(
        [what, 'failures', 'incidents', 'last'],
        counts.slice(0, MAX_SHOWN).map((one) => [one.name, String(one.failures), String(one.incidents), utc(one.lastAt)]),
        columns,
      ),
    ]),
  ].join('\n')
}
