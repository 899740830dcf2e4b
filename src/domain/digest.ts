import { inWords, inWordsByClock, utc } from './duration.ts'
import type { IncidentSummary } from './incident-summary.ts'
import { leadWords } from './lead.ts'
import type { LedgerRow } from './ledger.ts'
import { addressee, isOpen, mailingsOf } from './mailing.ts'
import { MAIL_KINDS, type MailKind, type Owed } from './notification.ts'
import { type IncidentPatterns, patternsOf, rejectedShown, standsOut, type Watched } from './patterns.ts'
import { DAY_MS, type Instant } from './probe.ts'
import type { RuleName } from './rule.ts'

/** What a digest sums up: everything that was decided from one fire of its schedule to the next. */
export type DigestInput = Readonly<{
  from: Instant
  to: Instant
  /** Known incidents, also those before `from`: patterns show over a longer time. */
  incidents: readonly IncidentSummary[]
  /** Of the same incidents. */
  patterns: readonly IncidentPatterns[]
  /** Rows since `from`, oldest first. */
  ledger: readonly LedgerRow[]
  /** There were more rows than were read. */
  cut: boolean
  /** Emails that are owed or refused now. */
  outbox: readonly Owed[]
  watched: Watched
}>

type Chapter = Readonly<{ title: string; lines: readonly string[] }>
export type Digest = Readonly<{ headline: string; chapters: readonly Chapter[] }>

/** Lines of one chapter; what is left out is counted. */
export const MAX_LINES = 30
const MAX_REASONS = 3
const MAX_MISSES = 10
const PATTERN_DAYS = 90
/** The row that a gap in our watch leaves behind (`restart`). */
const GAP_RULE: RuleName = 'restart'

/** The ledger row about a gap in our own watch, from which the digest reports it. */
export function gapRow(gap: Readonly<{ from: Instant; to: Instant; why: string }>): LedgerRow {
  const { from, to, why } = gap
  return {
    at: to,
    incident: null,
    probe: null,
    decision: 'noticed',
    reason: `${why} from ${utc(from)} to ${utc(to)} (${inWordsByClock(from, to)}): nothing was watched`,
    rule: GAP_RULE,
    evidence: { from, to },
  }
}

/** The summary of a period of time: what was emailed, what was not and why, who knew first, rejected events, gaps, patterns. */
export function digestOf(input: DigestInput): Digest {
  const { from, to } = input
  // A late digest knows what happened after its time. That is left to the next one, except for gaps that began before.
  const ledger = input.ledger.filter((row) => row.at < to || isGapBefore(row, to))
  const touched = new Set(ledger.flatMap(({ incident }) => (incident === null ? [] : [incident])))
  const present = input.incidents
    .filter(({ id, openedAt, closedAt }) => touched.has(id) || (openedAt < to && (closedAt ?? to) >= from))
    .toSorted((a, b) => a.openedAt - b.openedAt)
  const rowsOf = Map.groupBy(ledger, ({ incident }) => incident ?? '')
  const mailsOf = (id: string) => (rowsOf.get(id) ?? []).filter(({ decision }) => decision === 'delivered')
  const withheldOf = (id: string) => (rowsOf.get(id) ?? []).filter(({ decision }) => decision === 'withheld')
  const mailed = present.filter(({ id }) => mailsOf(id).length > 0)
  const silent = present.filter(({ id, family }) => mailsOf(id).length === 0 && family !== 'offline' && family !== 'blind')
  const gaps = gapsOf(present, ledger, to)
  const chapters: readonly Chapter[] = [
    chapter('Emailed', [
      ...mailed.map(
        (one) => `${what(one, to)}. Emailed: ${kindsOf(mailsOf(one.id))}${notSaid(withheldOf(one.id), ' Not emailed')}`,
      ),
      ...apart(mailsOf('')),
    ]),
    chapter(
      'Not emailed, and why',
      silent.map((one) => `${what(one, to)}.${notSaid(withheldOf(one.id), ' Why')}`),
    ),
    chapter('Who knew first', leads(present)),
    chapter(
      'Near misses: events that were considered and did not explain',
      rejected(input.patterns.filter(({ id }) => present.some((one) => one.id === id))),
    ),
    chapter('Gaps in our own watch', gaps),
    chapter('Owed or refused now', input.outbox.filter(isOpen).map(owedLine)),
    chapter(`Patterns of the last ${PATTERN_DAYS} days`, patterns(input)),
    ...(input.cut ? [chapter('Left out', ['More was decided than one summary reads: `alibi explain ID` has all of it.'])] : []),
  ]
  return {
    headline: headline(input, mailed.length, silent.length, gaps.length),
    chapters: chapters.filter(({ lines }) => lines.length > 0),
  }
}

function isGap({ decision, rule }: LedgerRow): boolean {
  return decision === 'noticed' && rule === GAP_RULE
}

function isGapBefore(row: LedgerRow, to: Instant): boolean {
  const { evidence } = row
  const began = typeof evidence === 'object' && evidence !== null && 'from' in evidence ? evidence.from : null
  return isGap(row) && typeof began === 'number' && began < to
}

function chapter(title: string, lines: readonly string[]): Chapter {
  const more = lines.length - MAX_LINES
  return { title, lines: more > 0 ? [...lines.slice(0, MAX_LINES), `and ${more} more`] : lines }
}

function headline({ from, to, ...input }: DigestInput, mailed: number, silent: number, gaps: number): string {
  const outbox = mailingsOf(input.outbox.filter(isOpen))
  const span = `In the ${inWords(to - from)} to ${utc(to)}`
  if (mailed + silent + gaps + outbox.length === 0) return `${span} nothing failed, and no gap in our own watch was seen.`
  const incidents = mailed + silent
  const parts = [
    incidents === 0
      ? 'there was no incident'
      : `there ${incidents === 1 ? 'was 1 incident' : `were ${incidents} incidents`}: ${mailed} emailed, ${silent} not`,
    gaps === 0 ? 'no gap in our own watch' : `${gaps} ${gaps === 1 ? 'gap' : 'gaps'} in our own watch`,
    ...(outbox.length === 0 ? [] : [`${outbox.length} ${outbox.length === 1 ? 'email is' : 'emails are'} still owed or refused`]),
  ]
  return `${span} ${parts.join('; ')}.`
}

/** "2026-03-02 21:02Z, 1h 30m: outage of 14 probes (production), explained by AWS_ACCOUNT_OPERATIONAL_ISSUE" */
function what(incident: IncidentSummary, to: Instant): string {
  const { id, family, probes, monitors, span } = incident
  const lasted = span.to === null ? `open for ${inWordsByClock(span.from, to)}` : inWordsByClock(span.from, span.to)
  const count = `${probes.length} ${probes.length === 1 ? 'probe' : 'probes'}`
  const of = monitors.length === 0 ? '' : ` of ${count} (${monitors.slice(0, 3).join(', ')}${monitors.length > 3 ? ', …' : ''})`
  const verdict = family === 'outage' ? `, ${incident.verdict}${alibiOf(incident)}` : ''
  return `${utc(span.from)}, ${lasted}: ${family}${of}${verdict} #${id.slice(0, 4)}`
}

function alibiOf({ alibi, explainedBy }: IncidentSummary): string {
  if (alibi !== null) return ` by ${alibi.code} in ${alibi.region ?? 'no named region'}`
  return explainedBy === null ? '' : ` (at times by ${explainedBy.split('/').at(-2) ?? explainedBy})`
}

function kindsOf(rows: readonly LedgerRow[]): string {
  const counted = [...Map.groupBy(eachOnce(rows), kindOf)].map(([kind, some]) =>
    some.length === 1 ? kind : `${kind} ×${some.length}`,
  )
  return `${counted.join(', ')}.`
}

/** An email that reached its addresses one after the other has several rows, but is one email. */
function eachOnce(rows: readonly LedgerRow[]): readonly LedgerRow[] {
  const byMail = new Map(rows.map((row) => [idOf(row.evidence) ?? row, row]))
  return [...byMail.values()]
}

function idOf(evidence: unknown): string | null {
  const id = typeof evidence === 'object' && evidence !== null && 'id' in evidence ? evidence.id : null
  return typeof id === 'string' ? id : null
}

/** The courier's rows begin with the kind: `failing to oncall: 250 ok`. */
function kindOf({ reason }: LedgerRow): MailKind | 'mail' {
  const word = reason.split(' ', 1)[0]
  return MAIL_KINDS.find((kind) => kind === word) ?? 'mail'
}

function apart(rows: readonly LedgerRow[]): readonly string[] {
  const others = rows.filter((row) => kindOf(row) !== 'digest' && kindOf(row) !== 'test')
  return others.length === 0 ? [] : [`Apart from incidents: ${kindsOf(others)}`]
}

function notSaid(rows: readonly LedgerRow[], label: string): string {
  const reasons = [...Map.groupBy(rows, ({ rule, reason }) => `${reason}${rule === null ? '' : ` (rule: ${rule})`}`)]
  if (reasons.length === 0) return ''
  const shown = reasons.slice(0, MAX_REASONS).map(([reason, some]) => (some.length === 1 ? reason : `${reason} ×${some.length}`))
  const more = reasons.length - shown.length
  return `${label}: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`
}

function leads(incidents: readonly IncidentSummary[]): readonly string[] {
  const known = incidents.flatMap(({ leadMinutes }) => (leadMinutes === null ? [] : [leadMinutes])).toSorted((a, b) => a - b)
  if (known.length === 0) return []
  const we = known.filter((minutes) => minutes > 0).length
  const median = known[Math.floor(known.length / 2)] ?? 0
  const last = known.at(-1) ?? 0
  return [
    `Of ${known.length} ${known.length === 1 ? 'incident' : 'incidents'} that AWS spoke of, ${we} failed here before AWS’s first post.`,
    median === last
      ? `AWS spoke ${leadWords(last)}.`
      : `AWS spoke ${leadWords(median)} in the middle case, ${leadWords(last)} in the slowest.`,
  ]
}

function rejected(incidents: readonly IncidentPatterns[]): readonly string[] {
  const byEvent = [
    ...Map.groupBy(
      incidents.flatMap((incident) => incident.rejected.map(rejectedShown)),
      (text) => text,
    ),
  ]
  const counted = byEvent.map(([text, some]) => ({ text, incidents: some.length }))
  const most = counted.toSorted((a, b) => b.incidents - a.incidents)
  const shown = most.slice(0, MAX_MISSES).map(({ text, incidents: n }) => (n === 1 ? text : `${text}, in ${n} incidents`))
  return most.length > shown.length ? [...shown, `and ${most.length - shown.length} more`] : shown
}

function gapsOf(incidents: readonly IncidentSummary[], ledger: readonly LedgerRow[], to: Instant): readonly string[] {
  const blind = incidents
    .filter(({ family }) => family === 'offline' || family === 'blind')
    .map((one) => ({ at: one.openedAt, text: what(one, to) }))
  const away = ledger.filter(isGap).map(({ at, reason }) => ({ at, text: reason }))
  return [...blind, ...away].toSorted((a, b) => a.at - b.at).map(({ text }) => text)
}

function owedLine(owed: Owed): string {
  const { notification: n, state, attempts, error } = owed
  const tried = attempts === 0 ? 'not tried yet' : `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`
  return `${n.kind} to ${addressee(owed)}, owed since ${utc(n.createdAt)}: ${state === 'refused' ? 'refused' : tried}${error === null ? '' : `, ${error}`}`
}

function patterns({ patterns: all, to, watched }: DigestInput): readonly string[] {
  const recent = all.filter(({ openedAt }) => openedAt >= to - PATTERN_DAYS * DAY_MS && openedAt <= to)
  return standsOut(patternsOf(recent), watched)
}
