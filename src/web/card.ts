import { inWords, inWordsByClock } from '../domain/duration.ts'
import { errorName } from '../domain/error-name.ts'
import type { Incident, Member } from '../domain/incident.ts'
import { leadWords } from '../domain/lead.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import { addressee, mailingsOf } from '../domain/mailing.ts'
import type { Owed } from '../domain/notification.ts'
import { decisiveTry, type Family, type Instant } from '../domain/probe.ts'
import { withoutAddresses } from '../domain/shown.ts'
import { spanOf } from '../domain/span.ts'
import type { Alibi, Verdict } from '../domain/verdict.ts'
import { foreign, safeLink } from '../email/foreign.ts'
import type { Tone } from '../email/opening.ts'
import { capital, clockTime, counted, SENTENCE, stop, WORD } from './phrase.ts'
import { affectedOf, statusOf } from './status.ts'
import { type Timeline, timelineOf } from './timeline.ts'
import type { View } from './view.ts'

/** How much of an incident is shown among others, and on its own page. */
const SOME = { probes: 10, rejected: 8, mails: 8, story: 12 } as const
export const MUCH = { probes: 200, rejected: 50, mails: 100, story: 500 } as const
const MAX_NAMES = 6
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

export type MailRow = Readonly<{ kind: string; to: string; state: string; tone: Tone; when: string; error: string }>

export type StoryRow = Readonly<{ at: string; decision: string; rule: string; reason: string }>

/** An open incident in words. */
export type Card = Readonly<{
  id: string
  title: string
  monitors: string
  state: string
  tone: Tone
  since: string
  aws: string
  /** The same in a few words. */
  awsInShort: string
  told: string
  /** Somebody's word that they know; `null` if nobody said so. */
  acked: string | null
  /** Why nothing more is said at present; `null` where the ledger holds no reason. */
  quiet: string | null
  impacts: readonly string[]
  /** Only http and https. */
  runbooks: readonly string[]
  probes: readonly MemberRow[]
  moreProbes: number
  timeline: Timeline | null
  event: Readonly<{ title: string; times: string; text: string }> | null
  rejected: readonly Readonly<{ title: string; why: string }>[]
  moreRejected: number
  /** The latest, the newest first, of so many. */
  mails: readonly MailRow[]
  mailCount: number
  /** The latest decisions, the newest first. */
  story: readonly StoryRow[]
}>

export type RecentRow = Readonly<{ id: string; title: string; monitors: string; when: string; verdict: string; told: string }>

const TITLE: Readonly<Record<Family, string>> = {
  outage: 'AWS Account trouble',
  misconfigured: 'Access to AWS Account refused',
  offline: 'This host is cut off',
  blind: 'Probes without a result',
}

export function cardOf(
  incident: Incident,
  rows: readonly LedgerRow[] | null,
  mails: readonly Owed[] | null,
  view: View,
  now: Instant,
  much: Readonly<{ probes: number; rejected: number; mails: number; story: number }> = SOME,
): Card {
  const isOver = incident.state === 'closed'
  const sick = affectedOf(incident)
  const shown = sick.toSorted((a, b) => Number(b.state === 'failing') - Number(a.state === 'failing') || a.onset - b.onset)
  const { from: onset, to: end } = spanOf(incident)
  const telling = sick.find((member) => member.standing.verdict.kind === incident.verdict) ?? sick[0] ?? null
  const verdict = telling?.standing.verdict ?? null
  const monitors = [...new Set(incident.members.map((member) => member.monitor))]
  const { state, tone } = statusOf(incident)
  return {
    id: incident.id,
    title: TITLE[incident.family],
    monitors: listed(monitors),
    state,
    tone,
    since: isOver
      ? fromTo(onset, end ?? now, now)
      : `since ${clockTime(onset, now)}, for ${inWordsByClock(onset, now)}${began(shown[0] ?? null, now)}`,
    aws: isOver ? stop(verdictOf(incident)) : isItAws(incident, telling),
    awsInShort: inShort(incident, verdict),
    told: wasAnyoneTold(incident, rows, mails, view, now),
    acked: ackOf(incident, view, now),
    quiet: isOver || incident.announcedAt === null ? null : whyQuiet(rows),
    impacts: settings(view, monitors, 'impact').map((text) => foreign(text, SENTENCE)),
    runbooks: settings(view, monitors, 'runbook').flatMap((text) => safeLink(text) ?? []),
    probes: shown.slice(0, much.probes).map((member) => memberRow(member, now)),
    moreProbes: Math.max(0, shown.length - much.probes),
    timeline: timelineOf(incident, mails, now),
    event: verdict?.kind === 'explained' ? eventOf(verdict.by, { isOver, now }) : null,
    rejected: (verdict?.rejected ?? []).slice(0, much.rejected).map((miss) => ({
      title: `${foreign(miss.code, WORD)} (${foreign(miss.region ?? 'no region', WORD)}, ${miss.status})`,
      why: `${miss.test}: ${foreign(miss.why, SENTENCE)}`,
    })),
    moreRejected: Math.max(0, (verdict?.rejected.length ?? 0) - much.rejected),
    mails: (mails ?? [])
      .slice(-much.mails)
      .toReversed()
      .map((owed) => mailRow(owed, now)),
    mailCount: mailingsOf(mails ?? []).length,
    story: (rows ?? [])
      .slice(-much.story)
      .toReversed()
      .map((row) => storyRow(row, now)),
  }
}

function fromTo(from: Instant, to: Instant, now: Instant): string {
  return `${clockTime(from, now)} to ${clockTime(to, now)} (${inWordsByClock(from, to)})`
}

function began(member: Member | null, now: Instant): string {
  if (member === null || member.lastOkAt === null) return ''
  const gap =
    member.gap === null
      ? ''
      : `; no watch from ${clockTime(member.gap.from, now)} to ${clockTime(member.gap.to, now)}: ${foreign(member.gap.why, WORD)}`
  return ` (last ok ${clockTime(member.lastOkAt, now)}${gap})`
}

function isItAws(incident: Incident, telling: Member | null): string {
  if (incident.family === 'offline') return 'No: the control host, which is not AWS Account, cannot be reached either.'
  if (telling === null) return 'Not known.'
  const { verdict, carried, lapsed } = telling.standing
  const why = stop(foreign(verdict.why, SENTENCE))
  if (incident.family === 'blind') return `Not known: ${why}`
  const ended = lapsed === null ? '' : ` ${capital(stop(foreign(lapsed.why, SENTENCE)))}`
  switch (verdict.kind) {
    case 'explained':
      return `Yes: ${why}${carried === null ? '' : ` ${capital(stop(foreign(carried, SENTENCE)))}`}`
    case 'unexplained':
      return incident.family === 'outage' ? `No alibi: ${why}${ended}` : `No: ${why}`
    case 'undetermined':
      return `Not known: ${why}${ended}`
  }
}

function inShort({ family }: Incident, verdict: Verdict | null): string {
  if (family === 'offline') return 'No: this host reaches nothing at all.'
  if (family === 'misconfigured') return 'No: our access is refused, and an outage of AWS does not do that.'
  if (family === 'blind' || verdict === null) return 'Not known: no run came to a result.'
  switch (verdict.kind) {
    case 'explained':
      return `Yes: ${foreign(verdict.by.code, WORD)} in ${foreign(verdict.by.region ?? 'no named region', WORD)} explains it.`
    case 'unexplained':
      return 'AWS has no alibi: none of its events explains it.'
    case 'undetermined':
      return 'Not known: AWS Health could not say, and not knowing never keeps us silent.'
  }
}

/** The answer that matters at night: who knows, who does not yet, and why not. */
export function wasAnyoneTold(
  incident: Incident,
  rows: readonly LedgerRow[] | null,
  mails: readonly Owed[] | null,
  view: View | null,
  now: Instant,
): string {
  if (mails === null) return 'Not known: the database cannot be read.'
  const delivered = mails.filter((owed) => owed.state === 'delivered')
  const waiting = mails.filter((owed) => owed.state === 'due' || owed.state === 'retrying' || owed.state === 'sending')
  const refused = mails.filter((owed) => owed.state === 'refused')
  const byRecipient = Map.groupBy(delivered, (owed) => owed.notification.recipient)
  const knows = [...byRecipient].slice(0, MAX_NAMES).map(([name, theirs]) => {
    const last = mailingsOf(theirs)
      .slice(-2)
      .map(({ notification, deliveredAt }) => `${notification.kind} ${clockTime(deliveredAt ?? notification.createdAt, now)}`)
    return `${foreign(name, WORD)}${atWhich(theirs, mails)} (${last.join(', ')})`
  })
  const moreKnow = byRecipient.size > MAX_NAMES ? ` and ${byRecipient.size - MAX_NAMES} more` : ''
  const parts = [
    knows.length > 0 ? `Yes: ${knows.join(', ')}${moreKnow}.` : '',
    ...waiting
      .slice(0, MAX_NAMES)
      .map((owed) => stop(`${knows.length > 0 ? 'Not yet told' : 'Not yet'}: ${notThere(owed, now)}`)),
    ...refused.slice(0, MAX_NAMES).map((owed) => stop(`Refused by the mail server: ${notThere(owed, now)}`)),
    later(incident, view, now),
  ].filter((part) => part !== '')
  if (delivered.length + waiting.length + refused.length > 0) return parts.join(' ')
  const why = whyQuiet(rows)
  return [`Nobody${incident.state === 'closed' ? '' : ' yet'}${why === null ? '.' : `: ${why}`}`, ...parts].join(' ')
}

/** Where not all addresses of a recipient have been told: those that have. */
function atWhich(theirs: readonly Owed[], mails: readonly Owed[]): string {
  const recipient = theirs[0]?.notification.recipient
  const all = new Set(mails.filter((owed) => owed.notification.recipient === recipient).map(({ address }) => address))
  const told = new Set(theirs.map(({ address }) => address))
  return told.size === all.size ? '' : ` at ${foreign([...told].join(', '), WORD)}`
}

function notThere(owed: Owed, now: Instant): string {
  const { kind, createdAt } = owed.notification
  const error = owed.error === null ? '' : `: ${foreign(withoutAddresses(owed.error), SENTENCE)}`
  const tried = owed.attempts === 0 ? '' : `, ${counted(owed.attempts, 'attempt')}`
  return `the mail "${kind}" to ${foreign(addressee(owed), WORD)}, due since ${clockTime(createdAt, now)}${tried}${error}`
}

/** `silence`. */
function ackOf({ id }: Incident, view: View, now: Instant): string | null {
  const ack = view.world.acks.get(id)
  if (ack === undefined) return null
  const why = ack.reason === null ? '' : `: ${foreign(withoutAddresses(ack.reason), SENTENCE)}`
  return stop(`Somebody knows since ${clockTime(ack.at, now)}, so reminders and escalation rest${why}`)
}

/** `hold` and `escalation`: what comes next, if nothing changes. */
function later(incident: Incident, view: View | null, now: Instant): string {
  const { announcedAt } = incident
  if (view === null || incident.state === 'closed') return ''
  if (incident.verdict === 'explained') {
    const { holdAtMostMs } = view.setup.policy
    if (holdAtMostMs === 0) return ''
    const due = (incident.lastMailAt ?? incident.stretchAt) + holdAtMostMs
    return due <= now ? '' : `If it lasts, a mail at ${clockTime(due, now)} all the same.`
  }
  if (announcedAt === null || view.world.acks.has(incident.id)) return ''
  const sick = incident.members.filter((member) => member.state !== 'well')
  const notified = new Set(sick.flatMap((member) => view.setup.monitors.get(member.monitor)?.notify ?? []))
  const next = [...view.setup.recipients.values()].filter(
    ({ name, afterMs }) =>
      afterMs !== null &&
      announcedAt + afterMs > now &&
      notified.has(name) &&
      !incident.audience.some((a) => a.recipient === name && a.open),
  )
  if (next.length === 0) return ''
  const names = next
    .slice(0, MAX_NAMES)
    .map(({ name, afterMs }) => `${foreign(name, WORD)} at ${clockTime(announcedAt + (afterMs ?? 0), now)}`)
  return `If it goes on: ${names.join(', ')}.`
}

/** The ledger's own words for why no mail is due; `null` when the last word was a mail. */
function whyQuiet(rows: readonly LedgerRow[] | null): string | null {
  const row = rows?.findLast(({ decision }) => decision === 'withheld' || decision === 'mailed' || decision === 'closed')
  const withheld = row?.decision === 'closed' ? rows?.findLast(({ decision }) => decision === 'withheld') : row
  if (withheld?.decision !== 'withheld') return null
  const rule = withheld.rule === null ? '' : ` (rule: ${foreign(withheld.rule, WORD)})`
  return stop(`${foreign(withoutAddresses(withheld.reason), SENTENCE)}${rule}`)
}

function memberRow(member: Member, now: Instant): MemberRow {
  const failed = member.evidence.findLast((run) => run.result === 'failed')
  const last = failed === undefined ? null : decisiveTry(failed)
  const error = last === null ? '' : foreign(errorName(last), WORD)
  const request = last?.requestId == null ? '' : `, request ${foreign(last.requestId, WORD)}`
  return {
    account: foreign(member.account, WORD),
    operation: foreign(member.operation, WORD),
    monitor: foreign(member.monitor, WORD),
    state: member.state,
    tone: member.state === 'failing' ? 'bad' : 'plain',
    since: clockTime(member.onset, now),
    error: `${error}${request}`,
  }
}

function eventOf(by: Alibi, { isOver, now }: Readonly<{ isOver: boolean; now: Instant }>) {
  // Once the incident is over its event is judged no more: whether it is open now is not known.
  const status = isOver && by.endedAt === null ? `${by.status} when last looked at` : by.status
  const ended = by.endedAt === null ? '' : `, ended ${clockTime(by.endedAt, now)}`
  return {
    title: `${foreign(by.code, WORD)} in ${foreign(by.region ?? 'no named region', WORD)} (${status})`,
    times: `First posted ${clockTime(by.startedAt, now)}, last updated ${clockTime(by.updatedAt, now)}${ended}; seen in ${by.sources.map((source) => (source === 'api' ? 'the Health API' : 'the public dashboard')).join(' and ') || 'no source any more'}`,
    text: foreign(by.text, MAX_TEXT),
  }
}

const MAIL_TONE: Readonly<Record<Owed['state'], Tone>> = {
  due: 'plain',
  sending: 'plain',
  retrying: 'warn',
  refused: 'bad',
  delivered: 'good',
  merged: 'plain',
  dropped: 'plain',
}

export function mailRow(owed: Owed, now: Instant): MailRow {
  const { kind, createdAt } = owed.notification
  const tried = owed.attempts === 0 ? '' : `, ${counted(owed.attempts, 'attempt')}`
  const next = owed.state === 'retrying' ? `, next ${owed.nextAt <= now ? 'now' : `in ${inWords(owed.nextAt - now)}`}` : ''
  return {
    kind,
    to: foreign(addressee(owed), WORD),
    state: owed.state,
    tone: MAIL_TONE[owed.state],
    when: owed.deliveredAt === null ? `due ${clockTime(createdAt, now)}${tried}${next}` : clockTime(owed.deliveredAt, now),
    error: owed.error === null ? '' : foreign(withoutAddresses(owed.error), SENTENCE),
  }
}

function storyRow(row: LedgerRow, now: Instant): StoryRow {
  return {
    at: clockTime(row.at, now),
    decision: row.decision,
    rule: row.rule === null ? '' : foreign(row.rule, WORD),
    reason: `${row.probe === null ? '' : `${foreign(row.probe, WORD)}: `}${foreign(withoutAddresses(row.reason), SENTENCE)}`,
  }
}

export function recentRow(
  incident: Incident,
  rows: readonly LedgerRow[] | null,
  mails: readonly Owed[] | null,
  now: Instant,
): RecentRow {
  const { from, to } = spanOf(incident)
  const as = incident.closedAs === null || incident.closedAs === 'recovered' ? '' : `, ${incident.closedAs}`
  return {
    id: incident.id,
    title: TITLE[incident.family],
    monitors: listed([...new Set(incident.members.map((member) => member.monitor))]),
    when: `${fromTo(from, to ?? now, now)}${as}`,
    verdict: verdictOf(incident),
    told: wasAnyoneTold(incident, rows, mails, null, now),
  }
}

const IN_WORDS: Readonly<Record<Verdict['kind'], string>> = {
  explained: 'Explained by AWS',
  unexplained: 'Not explained by AWS',
  undetermined: 'AWS Health could not be asked',
}

function verdictOf(incident: Incident): string {
  if (incident.family !== 'outage') return 'Not a matter of AWS'
  const { explainedBy, leadMinutes } = incident
  if (explainedBy === null) return IN_WORDS[incident.verdict]
  const lead = leadMinutes === null ? '' : `; AWS first posted ${leadWords(leadMinutes)}`
  const late = incident.verdict === 'explained' ? 'Explained by' : 'Explained in hindsight by'
  return `${late} ${foreign(codeOf(explainedBy), WORD)}${lead}`
}

/** The type code inside an ARN such as `arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/…`. */
function codeOf(arn: string): string {
  return arn.split('/')[2] ?? arn
}

function settings(view: View, monitors: readonly string[], key: 'impact' | 'runbook'): readonly string[] {
  const all = monitors.flatMap((name) => view.setup.monitors.get(name)?.[key] ?? [])
  return [...new Set(all)].slice(0, MAX_NAMES)
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).map((name) => foreign(name, WORD))
  return `${shown.join(', ')}${names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : ''}`
}
