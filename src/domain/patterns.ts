import { errorName } from './error-name.ts'
import type { Incident, Member } from './incident.ts'
import { decisiveTry, type Instant, type Probe } from './probe.ts'
import { operationShown } from './setup.ts'

/*
 * What AWS advises for an InternalServerException that comes back: look for patterns, that is when it happens, where, and with
 * which operation, account and error. Counted are failures: episodes of one probe, each once.
 */

/** How often one thing was seen among the failures. */
export type Count = Readonly<{ name: string; failures: number; incidents: number; lastAt: Instant }>

export type Patterns = Readonly<{
  incidents: number
  failures: number
  /** Earliest and latest onset; `null` without failures. */
  from: Instant | null
  to: Instant | null
  /** Failures that began in each hour of the day, UTC: twenty-four numbers. */
  hours: readonly number[]
  /** Failures that began on each day of the week, UTC, Monday first: seven numbers. */
  weekdays: readonly number[]
  /** The most frequent first; at most `MAX_COUNTED` each. */
  endpoints: readonly Count[]
  operations: readonly Count[]
  accounts: readonly Count[]
  errors: readonly Count[]
  monitors: readonly Count[]
  /** Type code of the event that explained, or why none did. */
  explanations: readonly Count[]
}>

export const MAX_COUNTED = 50
export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const
const MONDAY_AT = 6

type Failure = Readonly<{ incident: string; member: Member }>

/** Of trouble that AWS, the way to it or our permissions made: what no run saw (cut off, blind) has no pattern. */
export function patternsOf(incidents: readonly Incident[]): Patterns {
  const counted = incidents.filter(({ family }) => family === 'outage' || family === 'misconfigured')
  const failures: readonly Failure[] = counted.flatMap(({ id, members }) => members.map((member) => ({ incident: id, member })))
  const onsets = failures.map(({ member }) => member.onset)
  return {
    incidents: counted.length,
    failures: failures.length,
    from: onsets.length === 0 ? null : onsets.reduce((a, b) => Math.min(a, b)),
    to: onsets.length === 0 ? null : onsets.reduce((a, b) => Math.max(a, b)),
    hours: tally(onsets, 24, (date) => date.getUTCHours()),
    weekdays: tally(onsets, 7, (date) => (date.getUTCDay() + MONDAY_AT) % 7),
    endpoints: counts(failures, endpointOf),
    operations: counts(failures, ({ operation }) => operation),
    accounts: counts(failures, ({ account }) => account),
    errors: counts(failures, errorOf),
    monitors: counts(failures, ({ monitor }) => monitor),
    explanations: counts(failures, ({ standing: { verdict } }) =>
      verdict.kind === 'explained' ? verdict.by.code : `none (${verdict.kind})`,
    ),
  }
}

function tally(onsets: readonly Instant[], size: number, place: (date: Date) => number): readonly number[] {
  const found = Array.from({ length: size }, () => 0)
  for (const onset of onsets) {
    const at = place(new Date(onset))
    if (at >= 0 && at < size) found[at] = (found[at] ?? 0) + 1
  }
  return found
}

function counts(failures: readonly Failure[], nameOf: (member: Member) => string): readonly Count[] {
  const byName = Map.groupBy(failures, ({ member }) => nameOf(member))
  return [...byName]
    .map(([name, some]) => ({
      name,
      failures: some.length,
      incidents: new Set(some.map(({ incident }) => incident)).size,
      lastAt: some.reduce((last, { member }) => Math.max(last, member.onset), 0),
    }))
    .sort((a, b) => b.failures - a.failures || b.lastAt - a.lastAt || (a.name < b.name ? -1 : 1))
    .slice(0, MAX_COUNTED)
}

function lastTry(member: Member) {
  const run = member.evidence.findLast(({ result }) => result === 'failed')
  return run === undefined ? null : decisiveTry(run)
}

function endpointOf(member: Member): string {
  const last = lastTry(member)
  return last === null ? 'not known' : `${last.service} in ${last.region}`
}

function errorOf(member: Member): string {
  const last = lastTry(member)
  return last === null ? 'not known' : errorName(last)
}

/** Fewer are no pattern, and neither is a smaller share. */
const FEWEST = 3
const SHARE = 0.6

/** How many different ones are watched: what all have in common because there is no other is no pattern. */
export type Watched = Readonly<{ operations: number; accounts: number }>

/** What stands out, in sentences: hours, days or things that most failures have in common where they need not. */
export function standsOut(patterns: Patterns, watched: Watched): readonly string[] {
  const { failures, hours, weekdays } = patterns
  if (failures < FEWEST) return []
  const lines: string[] = []
  const most = (n: number) => n >= FEWEST && n / failures >= SHARE
  const of = (n: number) => `${n} of ${failures} failures`
  const single = hours.findIndex(most)
  const two = (hour: number) => (hours[hour] ?? 0) + (hours[(hour + 1) % 24] ?? 0)
  const hour = single >= 0 ? single : hours.findIndex((_, at) => most(two(at)))
  if (hour >= 0) {
    const [n, width] = single >= 0 ? [hours[hour] ?? 0, 1] : [two(hour), 2]
    lines.push(`${of(n)} began between ${oclock(hour)} and ${oclock(hour + width)} UTC`)
  }
  const day = weekdays.findIndex(most)
  if (day >= 0) lines.push(`${of(weekdays[day] ?? 0)} began on a ${WEEKDAYS[day]} (UTC)`)
  const common: readonly (readonly [string, readonly Count[], boolean])[] = [
    ['are of', patterns.endpoints, patterns.endpoints.length > 1],
    ['are of operation', patterns.operations, watched.operations > 1],
    ['are of account', patterns.accounts, watched.accounts > 1],
    ['ended with', patterns.errors, true],
  ]
  for (const [what, found, tells] of common) {
    const [first] = found
    if (tells && first !== undefined && most(first.failures)) lines.push(`${of(first.failures)} ${what} ${first.name}`)
  }
  return lines
}

/** What there is to fail, for `standsOut`. */
export function watchedBy(probes: Iterable<Probe>): Watched {
  const all = [...probes]
  return {
    operations: new Set(all.map((probe) => operationShown(probe))).size,
    accounts: new Set(all.map(({ account }) => account)).size,
  }
}

function oclock(hour: number): string {
  return `${String(hour % 24).padStart(2, '0')}:00`
}
