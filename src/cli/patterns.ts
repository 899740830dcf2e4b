import type { Config } from '../config/config.ts'
import { iso, utc } from '../domain/duration.ts'
import type { Incident } from '../domain/incident.ts'
import { type Count, type Patterns, patternsOf, standsOut, WEEKDAYS, watchedBy } from '../domain/patterns.ts'
import { type Io, say } from './io.ts'
import { table } from './table.ts'

/** Rows of each table for people; `--json` has more. */
const MAX_SHOWN = 10
/** The longest bar of a histogram. */
const BAR = 30

function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

/** When, where, with which operation, account and error the incidents happened: what AWS advises to look for. */
export function showPatterns(incidents: readonly Incident[], config: Config, json: boolean, io: Io): void {
  const patterns = patternsOf(incidents)
  const lines = standsOut(patterns, watchedBy(config.monitors.flatMap(({ probes }) => probes)))
  if (json) io.out(JSON.stringify(asJson(patterns, lines), null, 2))
  else say(io, patterns.failures === 0 ? 'There are no failures to find patterns in.' : told(patterns, lines, io.columns))
}

function asJson(patterns: Patterns, lines: readonly string[]) {
  const counted = (counts: readonly Count[]) => counts.map(({ lastAt, ...rest }) => ({ ...rest, lastAt: iso(lastAt) }))
  const { from, to, incidents, failures, hours, weekdays } = patterns
  return {
    incidents,
    failures,
    from: from === null ? null : iso(from),
    to: to === null ? null : iso(to),
    standsOut: lines,
    hoursUtc: hours,
    weekdaysUtc: Object.fromEntries(WEEKDAYS.map((name, at) => [name, weekdays[at] ?? 0])),
    endpoints: counted(patterns.endpoints),
    operations: counted(patterns.operations),
    accounts: counted(patterns.accounts),
    errors: counted(patterns.errors),
    monitors: counted(patterns.monitors),
    explanations: counted(patterns.explanations),
  }
}

function told(patterns: Patterns, lines: readonly string[], columns: number | null): string {
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
    ['account', patterns.accounts],
    ['error', patterns.errors],
    ['monitor', patterns.monitors],
    ['explained by', patterns.explanations],
  ]
  return [
    `${counted(failures, 'failure')} of probes in ${counted(incidents, 'incident')}${span}`,
    '',
    lines.length === 0 ? 'Nothing stands out.' : `What stands out\n${lines.map((line) => `  ${line}`).join('\n')}`,
    '',
    'When they began, by hour (UTC)',
    ...bars(
      hours.map((_, hour) => `${String(hour).padStart(2, '0')}:00`),
      hours,
    ),
    '',
    'and by day (UTC)',
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
