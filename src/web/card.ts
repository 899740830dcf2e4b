import { inWordsByClock } from '../domain/duration.ts'
import { errorName } from '../domain/error-name.ts'
import type { Incident, Member } from '../domain/incident.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import { mailingsOf } from '../domain/mailing.ts'
import { SOURCE_NAME } from '../domain/outage.ts'
import { decisiveTry, type Family, type Instant } from '../domain/probe.ts'
import { withoutAddresses } from '../domain/shown.ts'
import { type Span, spanOf } from '../domain/span.ts'
import type { Alibi, RejectedEvent } from '../domain/verdict.ts'
import { foreign, safeLink } from '../email/foreign.ts'
import type { Tone } from '../email/opening.ts'
import { stop } from '../email/sentence.ts'
import { affectedOf, statusOf } from './incident-status.ts'
import { isItAws, isItAwsInShort, verdictInWords } from './is-it-aws.ts'
import { type MailRow, mailRow } from './mail-row.ts'
import { type History, nextEmail, wasAnyoneNotified, whyWithheld } from './notified.ts'
import { accountShown, clockTime, DATABASE_UNREADABLE, MAX_NAMES, SENTENCE, WORD } from './phrase.ts'
import { type Timeline, timelineOf } from './timeline.ts'
import type { View } from './view.ts'

/** How many rows a card has. */
export type Length = Readonly<{ probes: number; rejected: number; mails: number; decisions: number }>
/** Among other incidents, and on a page of its own. */
export const SHORT: Length = { probes: 10, rejected: 8, mails: 8, decisions: 12 }
export const LONG: Length = { probes: 200, rejected: 50, mails: 100, decisions: 500 }

/** Of AWS's own words. */
const MAX_TEXT = 900

export type MemberRow = Readonly<{
  account: string
  operation: string
  monitor: string
  state: string
  tone: Tone
  since: string
  error: string
}>

export type DecisionRow = Readonly<{ at: string; decision: string; rule: string; reason: string }>

/** An incident in words. */
export type Card = Readonly<{
  id: string
  title: string
  monitors: string
  state: string
  tone: Tone
  since: string
  aws: string
  awsInShort: string
  notified: string
  /** By whom, where an operator has acknowledged it. */
  acknowledged: string | null
  /** Why no email is due now; `null` where the ledger holds no reason. */
  withheld: string | null
  impacts: readonly string[]
  /** Only http and https. */
  runbooks: readonly string[]
  probes: readonly MemberRow[]
  moreProbes: number
  timeline: Timeline | null
  event: Readonly<{ title: string; times: string; text: string }> | null
  rejected: readonly Readonly<{ title: string; why: string }>[]
  moreRejected: number
  /** The latest ones, newest first. */
  mails: readonly MailRow[]
  /** Of all emails, not only of those in `mails`. */
  mailCount: number
  /** The latest ones, newest first. */
  decisions: readonly DecisionRow[]
}>

export const TITLE: Readonly<Record<Family, string>> = {
  outage: 'AWS Account trouble',
  misconfigured: 'AWS Account access misconfigured',
  offline: 'This host is offline',
  blind: 'Probes without results',
}

/** @param at the moment it is shown, what is known then, and how many rows it may have */
export function cardOf(incident: Incident, history: History, at: Readonly<{ view: View; now: Instant; length: Length }>): Card {
  const { view, now, length } = at
  const { rows, mails } = history
  const isOver = incident.state === 'closed'
  const monitors = [...new Set(incident.members.map(({ monitor }) => monitor))]
  const affected = affectedOf(incident)
  const probes = affected.toSorted((a, b) => Number(b.state === 'failing') - Number(a.state === 'failing') || a.onset - b.onset)
  const telling = affected.find((member) => member.judgement.verdict.kind === incident.verdict) ?? affected[0] ?? null
  const verdict = telling?.judgement.verdict ?? null
  const rejected = verdict?.rejected ?? []
  return {
    id: incident.id,
    title: TITLE[incident.family],
    monitors: namesOf(monitors),
    ...stateOf(incident),
    since: isOver ? lasted(spanOf(incident), now) : `${since(incident, now)}${lastOk(probes[0] ?? null, now)}`,
    aws: isOver ? stop(verdictInWords(incident)) : isItAws(incident, telling?.judgement ?? null),
    awsInShort: isItAwsInShort(incident, verdict),
    notified: notifiedOf(incident, history, view, now),
    acknowledged: acknowledgedOf(incident, view, now),
    withheld: isOver || incident.announcedAt === null ? null : whyWithheld(rows),
    impacts: settingsOf(monitors, view, 'impact').map((text) => foreign(text, SENTENCE)),
    runbooks: settingsOf(monitors, view, 'runbook').flatMap((text) => safeLink(text) ?? []),
    probes: probes.slice(0, length.probes).map((member) => memberRow(member, view, now)),
    moreProbes: Math.max(0, probes.length - length.probes),
    timeline: timelineOf(incident, mails, now),
    event: verdict?.kind === 'explained' ? eventOf(verdict.by, { isOver, now }) : null,
    rejected: rejected.slice(0, length.rejected).map(rejectedRow),
    moreRejected: Math.max(0, rejected.length - length.rejected),
    mails: latest(mails, length.mails).map((owed) => mailRow(owed, now)),
    mailCount: mailingsOf(mails ?? []).length,
    decisions: latest(rows, length.decisions).map((row) => decisionRow(row, now)),
  }
}

/** The first names of a list, and how many more there are. */
export function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).map((name) => foreign(name, WORD))
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : ''
  return `${shown.join(', ')}${more}`
}

/** `11:58 UTC to 12:40 UTC (42m)` */
export function lasted({ from, to }: Span, now: Instant): string {
  return `${clockTime(from, now)} to ${clockTime(to ?? now, now)} (${inWordsByClock(from, to ?? now)})`
}

function stateOf(incident: Incident): Pick<Card, 'state' | 'tone'> {
  const { state, tone } = statusOf(incident)
  return { state, tone }
}

function since(incident: Incident, now: Instant): string {
  const { from } = spanOf(incident)
  return `since ${clockTime(from, now)}, for ${inWordsByClock(from, now)}`
}

/** When a probe was last seen to work, and what may hide that it failed earlier. */
function lastOk(member: Member | null, now: Instant): string {
  if (member === null || member.lastOkAt === null) return ''
  const { gap, lastOkAt } = member
  const unseen =
    gap === null ? '' : `; not monitored from ${clockTime(gap.from, now)} to ${clockTime(gap.to, now)}: ${foreign(gap.why, WORD)}`
  return ` (last ok ${clockTime(lastOkAt, now)}${unseen})`
}

function notifiedOf(incident: Incident, history: History, view: View, now: Instant): string {
  if (history.mails === null) return DATABASE_UNREADABLE
  const next = nextEmail(incident, view, now)
  return `${wasAnyoneNotified(incident, history, now)}${next === '' ? '' : ` ${next}`}`
}

function acknowledgedOf({ id }: Incident, { world }: View, now: Instant): string | null {
  const ack = world.acks.get(id)
  if (ack === undefined) return null
  const why = ack.reason === null ? '' : `: ${foreign(withoutAddresses(ack.reason), SENTENCE)}`
  return `${stop(`At ${clockTime(ack.at, now)}${why}`)} No more reminders or escalation.`
}

function settingsOf(monitors: readonly string[], { setup }: View, key: 'impact' | 'runbook'): readonly string[] {
  const all = monitors.flatMap((name) => setup.monitors.get(name)?.[key] ?? [])
  return [...new Set(all)].slice(0, MAX_NAMES)
}

function memberRow(member: Member, { setup }: View, now: Instant): MemberRow {
  const failed = member.evidence.findLast((run) => run.result === 'failed')
  const last = failed === undefined ? null : decisiveTry(failed)
  const error = last === null ? '' : foreign(errorName(last), WORD)
  const request = last?.requestId == null ? '' : `, request ${foreign(last.requestId, WORD)}`
  return {
    account: accountShown(member, setup.accountNames),
    operation: foreign(member.operation, WORD),
    monitor: foreign(member.monitor, WORD),
    state: member.state,
    tone: member.state === 'failing' ? 'bad' : 'plain',
    since: clockTime(member.onset, now),
    error: `${error}${request}`,
  }
}

function eventOf(by: Alibi, { isOver, now }: Readonly<{ isOver: boolean; now: Instant }>): Card['event'] {
  // The events of a closed incident are no longer followed: whether this one is still open is unknown.
  const status = isOver && by.endedAt === null ? `${by.status} when last seen` : by.status
  const ended = by.endedAt === null ? '' : `, ended ${clockTime(by.endedAt, now)}`
  const sources = by.sources.map((source) => SOURCE_NAME[source])
  return {
    title: `${foreign(by.code, WORD)} in ${foreign(by.region ?? 'no named region', WORD)} (${status})`,
    times: `First posted ${clockTime(by.startedAt, now)}, last updated ${clockTime(by.updatedAt, now)}${ended}; seen in ${sources.join(' and ') || 'neither source any more'}`,
    text: foreign(by.text, MAX_TEXT),
  }
}

function rejectedRow({ code, region, status, test, why }: RejectedEvent): Card['rejected'][number] {
  return {
    title: `${foreign(code, WORD)} (${foreign(region ?? 'no region', WORD)}, ${status})`,
    why: `${test}: ${foreign(why, SENTENCE)}`,
  }
}

function decisionRow(row: LedgerRow, now: Instant): DecisionRow {
  const probe = row.probe === null ? '' : `${foreign(row.probe, WORD)}: `
  return {
    at: clockTime(row.at, now),
    decision: row.decision,
    rule: row.rule === null ? '' : foreign(row.rule, WORD),
    reason: `${probe}${foreign(withoutAddresses(row.reason), SENTENCE)}`,
  }
}

/** The last `n`, newest first. */
function latest<T>(oldestFirst: readonly T[] | null, n: number): readonly T[] {
  return (oldestFirst ?? []).slice(-n).toReversed()
}
