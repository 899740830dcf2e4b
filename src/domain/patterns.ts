import { errorName } from './error-name.ts'
import type { Incident, Member } from './incident.ts'
import { decisiveTry, type Instant, type Probe } from './probe.ts'
import { operationShown } from './setup.ts'
import type { RejectedEvent } from './verdict.ts'

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

/** How often one thing was seen among the failures of one incident. */
type Seen = Readonly<{ name: string; failures: number; lastAt: Instant }>

/** What one incident contributes to the patterns, so that a list of incidents need not read their members. */
export type IncidentPatterns = Pick<Incident, 'id' | 'family' | 'openedAt'> &
  Readonly<{
    /** The onsets of its failures. */
    onsets: readonly Instant[]
    endpoints: readonly Seen[]
    operations: readonly Seen[]
    accounts: readonly Seen[]
    errors: readonly Seen[]
    monitors: readonly Seen[]
    explanations: readonly Seen[]
    /** The events that were considered for any of its probes, each once for each reason to reject it. */
    rejected: readonly RejectedEvent[]
  }>

/** Rejected events that are kept of one incident. */
const MAX_REJECTED = 200

export function incidentPatterns({ id, family, openedAt, members }: Incident): IncidentPatterns {
  return {
    id,
    family,
    openedAt,
    onsets: members.map(({ onset }) => onset),
    endpoints: seen(members, endpointOf),
    operations: seen(members, ({ operation }) => operation),
    accounts: seen(members, ({ account }) => account),
    errors: seen(members, errorOf),
    monitors: seen(members, ({ monitor }) => monitor),
    explanations: seen(members, ({ judgement: { verdict } }) =>
      verdict.kind === 'explained' ? verdict.by.code : `none (${verdict.kind})`,
    ),
    rejected: rejectedIn(members),
  }
}

function seen(members: readonly Member[], nameOf: (member: Member) => string): readonly Seen[] {
  return [...Map.groupBy(members, nameOf)].map(([name, some]) => ({
    name,
    failures: some.length,
    lastAt: some.reduce((last, { onset }) => Math.max(last, onset), 0),
  }))
}

function rejectedIn(members: readonly Member[]): readonly RejectedEvent[] {
  const all = new Map<string, RejectedEvent>()
  for (const { judgement } of members) {
    for (const event of judgement.verdict.rejected) {
      if (all.size >= MAX_REJECTED) return [...all.values()]
      all.set(rejectedShown(event), event)
    }
  }
  return [...all.values()]
}

/** A rejected event and its reason: `AWS_IAM_OPERATIONAL_ISSUE, me-central-1 (place): its region is me-central-1`. */
export function rejectedShown({ code, region, test, why }: RejectedEvent): string {
  return `${code}, ${region ?? 'no region'} (${test}): ${why}`
}

/** Only failures that AWS, the network or our permissions caused: those without a failed run (offline, blind) have no pattern. */
export function patternsOf(incidents: readonly IncidentPatterns[]): Patterns {
  const counted = incidents.filter(({ family }) => family === 'outage' || family === 'misconfigured')
  const onsets = counted.flatMap((incident) => incident.onsets)
  return {
    incidents: counted.length,
    failures: onsets.length,
    from: onsets.length === 0 ? null : onsets.reduce((a, b) => Math.min(a, b)),
    to: onsets.length === 0 ? null : onsets.reduce((a, b) => Math.max(a, b)),
    hours: tally(onsets, 24, (date) => date.getUTCHours()),
    weekdays: tally(onsets, 7, (date) => (date.getUTCDay() + MONDAY_AT) % 7),
    endpoints: counts(counted.flatMap(({ endpoints }) => endpoints)),
    operations: counts(counted.flatMap(({ operations }) => operations)),
    accounts: counts(counted.flatMap(({ accounts }) => accounts)),
    errors: counts(counted.flatMap(({ errors }) => errors)),
    monitors: counts(counted.flatMap(({ monitors }) => monitors)),
    explanations: counts(counted.flatMap(({ explanations }) => explanations)),
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

/** @param all of several incidents, of each of them a name once */
function counts(all: readonly Seen[]): readonly Count[] {
  return [...Map.groupBy(all, ({ name }) => name)]
    .map(([name, some]) => ({
      name,
      failures: some.reduce((sum, { failures }) => sum + failures, 0),
      incidents: some.length,
      lastAt: some.reduce((last, { lastAt }) => Math.max(last, lastAt), 0),
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

/** All that could fail, for `standsOut`. */
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
