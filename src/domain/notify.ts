import { nameOfAccount } from './account-names.ts'
import type { Announcement } from './announcement.ts'
import { idPart, membersFor, messageIdOf, notificationId, notifiedBy, notifiedMembers } from './audience.ts'
import { isChosen } from './choice.ts'
import type { Announced } from './decision.ts'
import { inWords, utc } from './duration.ts'
import { firstHand } from './first-hand.ts'
import { type Audience, type Incident, type Judgement, type Member, onsetOf } from './incident.ts'
import { leadMinutesOf } from './lead.ts'
import {
  type Cause,
  type Facts,
  MAX_CAUSES,
  MAX_PROBES_IN_FULL,
  MAX_PROBES_LISTED,
  MAX_PROBES_NAMED,
  type MailKind,
  type Notification,
  type ProbeFacts,
  type SentBy,
  type StripMark,
} from './notification.ts'
import type { HealthReading } from './outage.ts'
import { decisiveTry, type Family, type Instant, type Monitor, type Partition, type Probe } from './probe.ts'
import { remindEveryOf } from './rules/reminder.ts'
import { headingOf } from './self-alert.ts'
import { servicesOf } from './service-facts.ts'
import { accountName, type Setup } from './setup.ts'
import { presentOf, spanOf } from './span.ts'
import type { ProbeState, SelfAlert } from './state.ts'
import { vantageOf } from './vantage.ts'
import type { Verdict } from './verdict.ts'
import { overallVerdict } from './view.ts'
import { widthOf } from './width.ts'

/** What emails say besides the incident itself; gathered by the daemon before it commits. */
export type Backdrop = Readonly<{
  setup: Setup
  now: Instant
  readings: ReadonlyMap<Partition, HealthReading>
  /** The last hour of runs of the probes that are shown in full. */
  strips: ReadonlyMap<string, readonly StripMark[]>
  /** How every probe fares; left out: the emails say nothing about those that do not fail. */
  states?: ReadonlyMap<string, ProbeState>
  overrides: readonly string[]
  /** Version and host of this Alibi, and the endpoint that a monitor asks, by which caller; `null`: of all monitors. */
  sender: (monitor: Monitor | null) => Facts['sentBy']
}>

/** The probes whose runs the emails will show: what the daemon has to look up for `Backdrop.strips`. */
export function probesShown(announced: readonly Announced[], setup: Setup): readonly string[] {
  const shown = announced.flatMap(({ incident, announcement }) =>
    incident === null
      ? []
      : announcement.to.flatMap((a) => inFull(membersOf(incident, announcement.kind, a, setup)).map((member) => member.probe)),
  )
  return [...new Set(shown)]
}

/** One notification for each recipient, with facts, id and Message-ID that never change afterwards. */
export function notificationsFor(announced: readonly Announced[], drop: Backdrop): readonly Notification[] {
  return announced.flatMap((one) =>
    one.announcement.to.map((audience) =>
      one.incident === null ? selfAlertEmail(one, audience, drop) : incidentEmail(one, audience, drop),
    ),
  )
}

function incidentEmail(
  { incident, announcement }: Extract<Announced, { selfAlert: null }>,
  audience: Audience,
  drop: Backdrop,
): Notification {
  const id = notificationId(incident.id, announcement.seq, audience.recipient)
  const messageId = messageIdOf(id, drop.setup.mailDomain)
  return {
    id,
    messageId,
    kind: announcement.kind,
    incident: incident.id,
    thread: audience.root,
    ...(audience.past === undefined ? {} : { past: audience.past }),
    seq: announcement.seq,
    recipient: audience.recipient,
    to: audience.to,
    inReplyTo: audience.root === messageId ? null : audience.root,
    createdAt: drop.now,
    facts: incidentFacts({ incident, announcement, selfAlert: null }, audience, drop),
  }
}

function incidentFacts(
  { incident, announcement }: Extract<Announced, { selfAlert: null }>,
  audience: Audience,
  drop: Backdrop,
): Facts {
  const { setup, now } = drop
  const mine = membersOf(incident, announcement.kind, audience, setup)
  const span = spanOf(incident, mine)
  const full = inFull(mine)
  const shown = new Set(full)
  const listed = mine.filter((member) => !shown.has(member))
  const monitors = monitorsOf(mine, setup)
  const reading = drop.readings.get(incident.partition)
  const outage = incident.family === 'outage'
  return {
    kind: announcement.kind,
    at: now,
    reason: announcement.reasons?.get(audience.recipient) ?? announcement.reason,
    rule: announcement.rule,
    subject: audience.subject,
    incident: {
      id: incident.id,
      partition: incident.partition,
      family: incident.family,
      continues: audience.from ?? incident.continues,
      openedAt: incident.openedAt,
      onset: span.from,
      lastOkAt: earliest(presentOf(mine, incident))?.lastOkAt ?? null,
      announcedAt: incident.announcedAt,
      closedAt: incident.closedAt,
      endedAt: span.to,
      // They know nothing of episodes that they were not notified of.
      reopened: incident.reopenedAt.length - (audience.reopened ?? 0),
      flapping: incident.flapping,
      ...explanationOf(mine, incident),
      hindsight: announcement.hindsight,
    },
    monitors: monitors.map((monitor) => ({
      name: monitor.name,
      impact: monitor.impact,
      runbook: monitor.runbook,
      threshold: thresholdOf(monitor, incident.family, setup),
    })),
    probes: full.map((member) => probeFacts(member, drop)),
    others: { names: listed.slice(0, MAX_PROBES_LISTED).map((member) => member.probe), total: listed.length },
    ...(listed.length === 0 ? {} : { breadth: breadthOf(mine), ...namesOf(listed, mine, setup) }),
    ...widthFacts(mine, incident, drop),
    ...vantageFacts(mine, drop),
    verdict: outage ? verdictFor(audience, mine, incident) : null,
    ...silenceOf(announcement, audience),
    ...(outage ? firstHandOf(mine, incident, drop) : {}),
    sources: outage && reading !== undefined ? { ...reading.sources, at: reading.at } : null,
    next: nextEmail(incident, audience, verdictFor(audience, mine, incident), { setup, now }),
    lines: [],
    overrides: drop.overrides,
    timezone: monitors[0]?.timezone ?? 'Etc/UTC',
    sentBy: sentBy(monitors, drop),
  }
}

function silenceOf({ silences }: Announcement, { recipient }: Audience): Pick<Facts, 'silence'> {
  const silence = silences?.get(recipient)
  return silence === undefined ? {} : { silence }
}

function firstHandOf(mine: readonly Member[], { partition }: Incident, { setup, states }: Backdrop): Pick<Facts, 'firstHand'> {
  const failing = mine.filter(({ state }) => state !== 'recovered')
  const found = states === undefined || failing.length === 0 ? [] : firstHand(failing, partition, { setup, states })
  return found.length === 0 ? {} : { firstHand: found }
}

function vantageFacts(mine: readonly Member[], { sender }: Backdrop): Pick<Facts, 'vantage'> {
  const failing = mine.filter(({ state }) => state !== 'recovered')
  const vantage = vantageOf(failing, sender(null).machines ?? [])
  return vantage === null ? {} : { vantage }
}

function widthFacts(mine: readonly Member[], { family, state: incidentState }: Incident, drop: Backdrop): Pick<Facts, 'width'> {
  const failing = mine.filter(({ state }) => state !== 'recovered')
  if (drop.states === undefined || incidentState === 'closed' || family === 'offline') return {}
  const { setup, states, now } = drop
  const width = widthOf(failing, { setup, states, now, accountOf: accountsBy(drop) })
  return width === null ? {} : { width }
}

/** `self` is the account that the monitor's credentials are of, as far as that is known. */
function accountsBy({ sender }: Backdrop): (probe: Probe, monitor: Monitor) => string {
  const ids = new Map<string, string | null>()
  return (probe, monitor) => {
    if (probe.account !== 'self') return probe.account
    const known = ids.get(monitor.name)
    const caller = known === undefined ? sender(monitor).callers.find((one) => 'account' in one) : undefined
    const id = known === undefined ? (caller?.account ?? null) : known
    ids.set(monitor.name, id)
    return id ?? accountName(probe, monitor)
  }
}

/** One caller for all the monitors that have the same credentials. */
function sentBy(monitors: readonly Monitor[], drop: Backdrop): SentBy {
  const all = monitors.flatMap((monitor) => drop.sender(monitor).callers)
  const alike = Map.groupBy(all, (caller) => JSON.stringify({ ...caller, monitors: [] }))
  const callers = [...alike.values()].flatMap(([first, ...rest]) =>
    first === undefined ? [] : [{ ...first, monitors: [first, ...rest].flatMap((caller) => caller.monitors) }],
  )
  // An email about no monitor names the credentials of them all, as the sender does.
  return { ...drop.sender(monitors[0] ?? null), ...(callers.length === 0 ? {} : { callers }) }
}

function selfAlertScope({ key, since }: SelfAlert): string {
  return `self-alert.${idPart(key)}.${since}`
}

/** Whether this is an email of that self-alert. */
export function tellsOf({ id, incident }: Notification, selfAlert: SelfAlert): boolean {
  return incident === null && id.startsWith(`${selfAlertScope(selfAlert)}.`)
}

function selfAlertEmail(
  { announcement, selfAlert }: Extract<Announced, { incident: null }>,
  audience: Audience,
  drop: Backdrop,
): Notification {
  const id = notificationId(selfAlertScope(selfAlert), announcement.seq, audience.recipient)
  const messageId = messageIdOf(id, drop.setup.mailDomain)
  const plain = plainFacts(
    { kind: announcement.kind, reason: announcement.reason, subject: audience.subject, lines: [selfAlert.text] },
    drop,
  )
  const { advice } = headingOf(selfAlert.key)
  return {
    id,
    messageId,
    kind: announcement.kind,
    incident: null,
    thread: messageId,
    seq: announcement.seq,
    recipient: audience.recipient,
    to: audience.to,
    inReplyTo: null,
    createdAt: drop.now,
    facts: { ...plain, rule: announcement.rule, ...(advice === null ? {} : { advice }) },
  }
}

/** The facts of an email that is about no incident. */
export function plainFacts(
  { kind, reason, subject, lines }: Pick<Facts, 'kind' | 'reason' | 'subject' | 'lines'>,
  drop: Pick<Backdrop, 'now' | 'overrides' | 'sender'>,
): Facts {
  return {
    kind,
    at: drop.now,
    reason,
    rule: null,
    subject,
    incident: null,
    monitors: [],
    probes: [],
    others: { names: [], total: 0 },
    verdict: null,
    sources: null,
    next: null,
    lines,
    overrides: drop.overrides,
    timezone: 'Etc/UTC',
    sentBy: drop.sender(null),
  }
}

/** The members that an email is about: of the monitors that notify this recipient; at the end, all that they were notified of. */
function membersOf(incident: Incident, kind: MailKind, audience: Audience, setup: Setup): readonly Member[] {
  if (kind === 'recovered' || kind === 'dropped') return notifiedMembers(audience, incident.members, setup)
  return membersFor(audience.recipient, incident.members, setup)
}

/** The most important first: what fails and nothing explains, then what has failed longest. */
function inFull(mine: readonly Member[]): readonly Member[] {
  const weight = (member: Member) =>
    (member.state === 'recovered' ? 4 : member.judgement.verdict.kind === 'explained' ? 2 : 0) +
    (member.state === 'recovering' ? 1 : 0)
  return mine
    .toSorted((a, b) => weight(a) - weight(b) || a.onset - b.onset || a.probe.localeCompare(b.probe))
    .slice(0, MAX_PROBES_IN_FULL)
}

/** What the accounts are called of the probes that are only listed, and of the first and the last that failed. */
function namesOf(listed: readonly Member[], mine: readonly Member[], { accountNames }: Setup): Pick<Facts, 'accountNames'> {
  if (accountNames === null) return {}
  const byOnset = mine.toSorted((a, b) => a.onset - b.onset)
  const told = [...listed.slice(0, MAX_PROBES_NAMED), ...byOnset.slice(0, 1), ...byOnset.slice(-1)]
  const names = told.map((member) => [member.probe, nameOfAccount(member, accountNames)] as const)
  return { accountNames: Object.fromEntries(names.flatMap(([probe, name]) => (name === null ? [] : [[probe, name]]))) }
}

/** All of them in a few lines: how they fail, counted, and who failed first and last. */
function breadthOf(members: readonly Member[]): NonNullable<Facts['breadth']> {
  const causes = new Map<string, Cause>()
  let [first] = members
  let last = first
  for (const member of members) {
    if (first === undefined || member.onset < first.onset) first = member
    if (last === undefined || member.onset > last.onset) last = member
    const run = member.state === 'recovered' ? undefined : member.evidence.findLast((one) => one.result === 'failed')
    const { kind, error, status } = (run === undefined ? null : decisiveTry(run)) ?? { kind: null, error: null, status: null }
    const key = JSON.stringify([member.operation, kind, error, status])
    causes.set(key, { operation: member.operation, kind, error, status, count: (causes.get(key)?.count ?? 0) + 1 })
  }
  const named = (member: Member | undefined) => ({ probe: member?.probe ?? '', at: member?.onset ?? 0 })
  return {
    causes: [...causes.values()].sort((a, b) => b.count - a.count).slice(0, MAX_CAUSES),
    first: named(first),
    last: named(last),
  }
}

function earliest(members: readonly Member[]): Member | undefined {
  return [...members].sort((a, b) => a.onset - b.onset)[0]
}

function monitorsOf(members: readonly Member[], setup: Setup): readonly Monitor[] {
  const names = [...new Set(members.map((member) => member.monitor))]
  return names.flatMap((name) => setup.monitors.get(name) ?? [])
}

/** What brought this monitor's probes into an incident of that family, in words. */
function thresholdOf({ fail, periodMs }: Monitor, family: Family, { policy }: Setup): string {
  // As in `blind`: at least three periods.
  if (family === 'blind')
    return `no result for ${inWords(Math.max(policy.blindAfterMs, 3 * periodMs))} (policy.blindAfter), reported once`
  const every = remindEveryOf(family, policy.remindEveryMs)
  const reminder = every === null ? 'no reminder' : `reminder every ${inWords(every)}`
  const fails = fail.of === 1 ? 'one run fails' : `${fail.count} of ${fail.of} runs fail`
  return `${fails}, wait ${inWords(policy.waitMs)}, ${reminder}`
}

function probeFacts(member: Member, { setup, strips }: Backdrop): ProbeFacts {
  const name = nameOfAccount(member, setup.accountNames)
  const { probe, monitor, account, operation, state, onset, lastOkAt, gap, failedAt, recoveredAt, evidence, judgement } = member
  return {
    probe,
    monitor,
    account,
    operation,
    state,
    onset,
    lastOkAt,
    gap,
    failedAt,
    recoveredAt,
    verdict: judgement.verdict,
    carried: judgement.carried,
    lapsed: judgement.lapsed?.why ?? null,
    lapsedBy: judgement.lapsed?.cause ?? null,
    explainedUntil: explainedUntil(judgement),
    evidence,
    strip: strips.get(probe) ?? [],
    ...(name === null ? {} : { accountName: name }),
  }
}

/** An explanation by an open event that was just confirmed has no end yet. */
export function explainedUntil({ alibi, carried, lapsed }: Judgement): Instant | null {
  if (lapsed !== null) return lapsed.at
  return alibi !== null && (carried !== null || !alibi.open) ? alibi.until : null
}

/** What is true of their own probes: the incident's verdict counts those of others, too. */
function verdictFor(audience: Audience, mine: readonly Member[], incident: Incident): Verdict['kind'] {
  const failing = mine.filter((member) => member.state !== 'recovered')
  return failing.length > 0 ? overallVerdict(failing) : (audience.heard?.verdict ?? incident.verdict)
}

/** The event that explained one of theirs: that of the incident, if it is not of others alone, or of theirs alone. */
function explanationOf(mine: readonly Member[], incident: Incident): Pick<Incident, 'explainedBy' | 'leadMinutes'> {
  const { explainedBy, leadMinutes } = incident
  const explained = ({ judgement: { verdict, alibi, lapsed } }: Member) =>
    [verdict.kind === 'explained' ? verdict.by.arn : null, alibi?.arn, lapsed?.arn].includes(explainedBy)
  // Events that are known in hindsight are not in any probe's judgement.
  if (explainedBy !== null && (mine.some(explained) || !incident.members.some(explained))) return { explainedBy, leadMinutes }
  const own = mine.map(({ judgement }) => judgement.verdict).find((verdict) => verdict.kind === 'explained')
  if (own === undefined) return { explainedBy: null, leadMinutes: null }
  return { explainedBy: own.by.arn, leadMinutes: leadMinutesOf(own.by.startedAt, onsetOf(mine)) }
}

/** Whom else it reaches, and when (`escalation`): `pager at 2026-03-10 10:18Z`. */
function escalations({ announcedAt, members, audience }: Incident, setup: Setup, now: Instant): string[] {
  const failing = members.filter(({ state }) => state !== 'recovered')
  const known = new Set(audience.filter(({ open }) => open).map(({ recipient }) => recipient))
  return notifiedBy(failing, setup).flatMap((name) => {
    const afterMs = setup.recipients.get(name)?.afterMs ?? null
    const at = (announcedAt ?? now) + (afterMs ?? 0)
    return afterMs === null || known.has(name) || at <= now ? [] : [`to ${name} at ${utc(at)} unless it is acknowledged`]
  })
}

/** When the next email comes, which every reader of this one wants to know. */
function nextEmail(
  incident: Incident,
  audience: Audience,
  verdict: Verdict['kind'],
  { setup, now }: Readonly<{ setup: Setup; now: Instant }>,
): string | null {
  if (incident.state === 'closed') return null
  const { holdAtMostMs, remindEveryMs } = setup.policy
  const from = audience.heard?.at ?? incident.lastMailAt ?? now
  const { family } = incident
  const chosen = setup.recipients.get(audience.recipient) ?? {}
  const gets = (kind: MailKind) => isChosen(chosen, { kind, family, isFollowUp: true })
  const end = gets('recovered') ? ['when it is over'] : []
  if (family === 'offline' || family === 'blind') return end[0] ?? null
  const parts: string[] = verdict === 'explained' ? [] : escalations(incident, setup, now)
  if (verdict === 'explained' && gets('still-failing')) {
    parts.push('if it continues after AWS says that it is over')
    if (holdAtMostMs > 0) parts.push(`at ${utc(from + holdAtMostMs)} if AWS still explains it then`)
  } else if (verdict !== 'explained') {
    const every = remindEveryOf(family, remindEveryMs)
    if (every !== null && gets('reminder'))
      parts.push(`a reminder at ${utc(from + every)} (every ${inWords(every)}) while it lasts`)
    if (family === 'outage' && gets('now-explained')) parts.push('when AWS publishes an event that explains it')
    const isOfOthers = servicesOf(incident.members).some((service) => service !== 'account')
    if (gets('wider')) parts.push(`when at least twice as many probes fail${isOfOthers ? ', or another service' : ''}`)
  }
  return [...parts, ...end].join(', or ') || null
}
