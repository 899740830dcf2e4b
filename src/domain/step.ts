import { addressesTold, membersFor, notifiedBy, opened } from './audience.ts'
import { MAX_RERUN } from './cadence.ts'
import { inWords, utc } from './duration.ts'
import type { Audience, Incident, Member } from './incident.ts'
import type { LedgerRow } from './ledger.ts'
import type { MailKind } from './notification.ts'
import { DAY_MS, type Family, HOUR_MS, type Instant, MINUTE_MS } from './probe.ts'
import type { Setup } from './setup.ts'
import { type Ack, endOfSilence, quietUntil, type Silence, silenceOver } from './silence.ts'
import type { Verdict } from './verdict.ts'

/** A mail waits at most this long after the threshold for the other probes of its monitors (rule 4). */
export const GATHER_AT_MOST_MS = 30_000
const WIDER_AT_MOST_EVERY_MS = 15 * MINUTE_MS
/** Where re-runs cannot decide all at once (rule 1), the others follow with their schedule: `wider` waits until no more join. */
const WIDER_SETTLES_MS = 30_000
const WIDER_GATHERS_AT_MOST_MS = 10 * MINUTE_MS
const REOPENINGS_WITHIN_MS = 6 * HOUR_MS
/** Reopenings within that time from which an incident counts as flapping (rule 9). */
const REOPENINGS_THAT_FLAP = 2

/** What a step owes to people. The mail's facts are put together from the incident as it is after the step. */
export type Announcement = Readonly<{
  kind: MailKind
  reason: string
  rule: string
  seq: number
  /** Who is told, as they are after the step. */
  to: readonly Audience[]
  /** Events of which this mail tells that they explained an earlier run (rule 7). */
  hindsight: Incident['hindsight']
}>

export type Step = Readonly<{ incident: Incident; announcement: Announcement | null; ledger: readonly LedgerRow[] }>

/** What the step needs to know beside the incident. */
export type Surroundings = Readonly<{
  setup: Setup
  now: Instant
  /** When every probe of the incident's monitors had run once since its onset; `null`: not yet (rule 4). */
  gatheredAt: Instant | null
  /** No timer speaks before every unwell probe has run since then. */
  freshSince: Instant
  /** We are cut off ourselves: no timer fires. */
  offline: boolean
  silences: readonly Silence[]
  /** Somebody knows of this incident. */
  ack: Ack | null
}>

const FIRST_KIND: Readonly<Record<Family, MailKind>> = {
  outage: 'failing',
  misconfigured: 'misconfigured',
  offline: 'offline',
  blind: 'blind',
}

/** What a silence withholds: what tells of trouble, never what tells of its end or its explanation to those who know (rule 11). */
const SILENCED: ReadonlySet<MailKind> = new Set([
  'failing',
  'misconfigured',
  'flapping',
  'blind',
  'wider',
  'escalated',
  'reminder',
  'still-failing',
])

/** A run since the last start, wake-up or silence, without which no timer speaks; one waits for it at most `blindAfter`. */
function hasRunSince(member: Member, around: Surroundings): boolean {
  const from = Math.max(around.freshSince, quietUntil(member.monitor, around.silences, around.now))
  return member.lastRunAt >= from || around.now >= from + around.setup.policy.blindAfterMs
}

/** Of the silences over these probes the one that ends first: something may be said then. */
function quietest(sick: readonly Member[], around: Surroundings): Silence | null {
  const over = sick.flatMap((member) => silenceOver(member.monitor, around.silences, around.now) ?? [])
  return over.toSorted((a, b) => endOfSilence(a) - endOfSilence(b))[0] ?? null
}

export function unwell(incident: Incident): readonly Member[] {
  return incident.members.filter((member) => member.state !== 'well')
}

/** Rule 13: explained only if every failing probe is, else unexplained if any is, else undetermined. */
export function overallVerdict(members: readonly Member[]): Verdict['kind'] {
  const kinds = members.map((member) => member.standing.verdict.kind)
  if (kinds.length > 0 && kinds.every((kind) => kind === 'explained')) return 'explained'
  return kinds.includes('unexplained') || kinds.length === 0 ? 'unexplained' : 'undetermined'
}

/** Rule 9: at the second reopening within six hours an incident flaps. */
export function flapsNow(reopenedAt: readonly Instant[], now: Instant): boolean {
  return reopenedAt.filter((at) => now - at <= REOPENINGS_WITHIN_MS).length >= REOPENINGS_THAT_FLAP
}

/**
 * One step of an incident's life, after its members were brought up to date: what is owed now, and why, or why not.
 * At most one mail an incident and moment; the first of rules 9, 6, 7, 4, 13, 5, 10, 8 that applies (rule 15).
 *
 * Decides and never acts: the caller commits the step, then the courier sends.
 */
export function step(was: Incident, around: Surroundings): Step {
  const { setup, now } = around
  const { policy } = setup
  const sick = unwell(was)
  if (was.family === 'offline') return spell(was, around)
  if (sick.length === 0) return close(was, now, 'recovered', 'every probe is well again')

  const verdict = overallVerdict(sick)
  const explained = verdict === 'explained'
  const notes: LedgerRow[] = []
  let incident = note({ ...was, verdict }, was, sick, notes, now)

  if (incident.announcedAt !== null && was.verdict === 'explained' && !explained) {
    incident = { ...incident, lapse: lapseOf(sick) }
  }
  if (explained) incident = { ...incident, lapse: null }

  const open = incident.audience.filter((a) => a.open)
  const configured = open.filter((a) => setup.recipients.has(a.recipient))
  const timersMayFire = !around.offline && sick.every((m) => hasRunSince(m, around))
  const audible = sick.filter((m) => silenceOver(m.monitor, around.silences, now) === null)
  /** Rule 14: what waits for a run waits at most `blindAfter`; then the last state stands. */
  const waitedInVain = (since: Instant) =>
    sick.every((m) => now >= Math.max(since, m.lastRunAt, around.freshSince) + policy.blindAfterMs)
  /** Rule 15: a timer acts only after a run begun later than it fell due. */
  const fresh = (due: Instant) => timersMayFire && now >= due && (sick.some((m) => m.lastFailedAt > due) || waitedInVain(due))

  /** A mail that only some get changes nothing for the others: their timers go on, and they are still to be told the rest. */
  const { lastMailAt, failingAtLastMail, hindsight } = incident
  const toSome = { lastMailAt, failingAtLastMail, hindsight }
  const withhold = (rule: string, key: string, reason: string): Step => {
    const state = incident.announcedAt !== null ? 'announced' : explained ? 'suppressed' : 'waiting'
    if (incident.withheld === key) return { incident: { ...incident, state }, announcement: null, ledger: notes }
    const row = ledger(now, incident, 'withheld', rule, reason, evidenceOf(sick))
    return { incident: { ...incident, state, withheld: key }, announcement: null, ledger: [...notes, row] }
  }
  const owe = (kind: MailKind, rule: string, reason: string, wanted: readonly string[], change: Partial<Incident> = {}): Step => {
    const silence = SILENCED.has(kind) && audible.length === 0 ? quietest(sick, around) : null
    if (silence !== null)
      return withhold('11', `silence ${silence.id}`, `${kind} is silenced until ${utc(endOfSilence(silence))}: ${silence.reason}`)
    const names = SILENCED.has(kind)
      ? wanted.filter((name) => membersFor(name, sick, setup).length === 0 || membersFor(name, audible, setup).length > 0)
      : wanted
    const seq = incident.seq + 1
    const told = names.map((name) => opened(incident, name, seq, setup))
    const audience = [...incident.audience.filter((a) => !names.includes(a.recipient)), ...told]
    const after: Incident = {
      ...incident,
      audience,
      seq,
      state: 'announced',
      announcedAt: incident.announcedAt ?? now,
      lastMailAt: now,
      failingAtLastMail: sick.length,
      explanationTold: explained,
      toldEvents: explained ? union(incident.toldEvents, eventsOf(sick)) : incident.toldEvents,
      lapse: null,
      withheld: null,
      hindsight: [],
      ...change,
    }
    const row = ledger(now, incident, 'mailed', rule, `${kind}: ${reason}`, { to: told.map((a) => a.recipient), seq, verdict })
    return {
      incident: after,
      announcement: { kind, reason, rule, seq, to: told, hindsight: incident.hindsight },
      ledger: [...notes, row],
    }
  }
  const announced = incident.announcedAt !== null
  if (announced && incident.lapse !== null && timersMayFire) {
    return owe('still-failing', '6', incident.lapse, names(configured))
  }
  if (announced && explained && !incident.explanationTold && sick.every((m) => m.standing.carried === null)) {
    const events = eventsOf(sick)
    const news = events.filter((arn) => !incident.toldEvents.includes(arn))
    if (news.length > 0) return owe('now-explained', '7', whyExplained(sick), names(configured))
    notes.push(ledger(now, incident, 'withheld', '7', 'explained again by an event that was already named in a mail', { events }))
    incident = { ...incident, explanationTold: true }
  }
  if (!explained && !announced) {
    const waitUntil = incident.stretchAt + policy.waitMs
    const gathered = around.gatheredAt !== null || now >= incident.stretchAt + GATHER_AT_MOST_MS
    if (now < waitUntil) return withhold('4', 'wait', `policy.wait: AWS may speak until ${utc(waitUntil)}`)
    if (!gathered) return withhold('4', 'gather', 'the other probes of these monitors have not run yet')
    if (!timersMayFire) return withhold('12', 'fresh', 'every probe of the incident runs once more before anything is said')
    if (!sick.some((m) => m.state === 'failing') && !waitedInVain(waitUntil))
      return withhold('4', 'recovering', 'the last run of every probe was ok: the next one decides')
    const first = incident.flapping ? 'flapping' : FIRST_KIND[incident.family]
    const lapsed = sick.some((m) => m.standing.lapsed !== null)
    return owe(
      first,
      incident.flapping ? '9' : lapsed ? '6' : '4',
      whyNow(incident, sick, verdict),
      union(atOnce(sick, setup), names(configured)),
    )
  }
  if (!explained && announced && timersMayFire) {
    const late = atOnce(sick, setup).filter((name) => !open.some((a) => a.recipient === name && a.heir !== true))
    const due = late.filter((name) =>
      membersFor(name, sick, setup).some((m) => m.state === 'failing' && now >= m.failedAt + policy.waitMs),
    )
    if (due.length > 0) {
      const kind = FIRST_KIND[incident.family]
      return owe(kind, '4', `the incident now concerns ${due.join(', ')}`, due, toSome)
    }
    const widerMay = incident.lastWiderAt === null || now - incident.lastWiderAt >= WIDER_AT_MOST_EVERY_MS
    const isWider = incident.failingAtLastMail > 0 && sick.length >= 2 * incident.failingAtLastMail
    if (widerMay && isWider && noMoreJoin(sick, incident.lastMailAt ?? 0, now)) {
      const reason = `${sick.length} probes fail now; ${incident.failingAtLastMail} did when the last mail was sent`
      return owe('wider', '13', reason, names(configured), { lastWiderAt: now })
    }
  }
  if (explained && policy.holdAtMostMs > 0) {
    const due = (incident.lastMailAt ?? incident.stretchAt) + policy.holdAtMostMs
    const extensionRuns = sick.some((m) => m.standing.carried !== null || m.standing.alibi?.open === false)
    if (!extensionRuns && fresh(due)) {
      const reason = `AWS explains it, but nothing was said for ${inWords(policy.holdAtMostMs)} (policy.holdAtMost)`
      const kind = announced ? 'still-failing' : FIRST_KIND[incident.family]
      return owe(kind, '5', reason, union(atOnce(sick, setup), names(configured)))
    }
  }
  if (!explained && incident.announcedAt !== null) {
    const { ack } = around
    if (ack !== null && ack.at >= incident.stretchAt) {
      return withhold(
        '11',
        `ack ${ack.at}`,
        `somebody knows of it since ${utc(ack.at)}${ack.reason === null ? '' : ` (${ack.reason})`}: no reminder, no escalation`,
      )
    }
    const due = escalationsDue(incident, incident.announcedAt, sick, setup).filter((e) => fresh(e.due))
    if (due.length > 0) {
      const reason = `announced ${inWords(now - incident.announcedAt)} ago and still not explained`
      return owe(
        'escalated',
        '10',
        reason,
        due.map((e) => e.name),
        toSome,
      )
    }
    const every = remindEveryOf(incident.family, policy.remindEveryMs)
    if (every !== null && configured.length > 0) {
      const from = incident.lastMailAt ?? incident.announcedAt
      if (fresh(from + every))
        return owe('reminder', '8', `it has lasted ${inWords(now - onsetOf(sick))} and nobody explains it`, names(configured))
    }
    return withhold(
      '8',
      'announced',
      `already told; ${every === null ? 'no reminder' : `a reminder each ${inWords(every)}`} while it lasts unexplained`,
    )
  }
  return withhold('3', `explained ${eventsOf(sick).join(' ')}${onBorrowedTime(sick)}`, whySilent(sick))
}

/** Ends an incident: whoever was told of the fall is told of the rise, and nobody else (rule 9). */
export function close(was: Incident, now: Instant, as: 'recovered' | 'changed' | 'dropped', reason: string): Step {
  const told = as === 'changed' ? [] : was.audience.filter((a) => a.open).map((a) => ({ ...a, to: addressesTold(a) }))
  const seq = told.length > 0 ? was.seq + 1 : was.seq
  const audience = was.audience.map((a) => ({ ...a, open: false }))
  const incident: Incident = {
    ...was,
    state: 'closed',
    closedAt: now,
    closedAs: as,
    audience,
    seq,
    lapse: null,
    withheld: null,
    hindsight: [],
  }
  const silently =
    as === 'changed'
      ? 'the mails go on with the incident of the other family'
      : 'nobody was told of it, so nobody is told of its end'
  const rule = as === 'changed' ? '17' : as === 'dropped' ? '16' : '9'
  const row = ledger(now, was, 'closed', rule, told.length > 0 ? reason : `${reason}; ${silently}`, {
    as,
    to: told.map((a) => a.recipient),
    seq,
  })
  const kind = as === 'dropped' ? 'dropped' : 'recovered'
  return {
    incident,
    announcement: told.length > 0 ? { kind, reason, rule, seq, to: told, hindsight: was.hindsight } : null,
    ledger: [row],
  }
}

/** An offline spell is told once, to everybody who is told at once; its end closes it (contract, `offline`). */
function spell(was: Incident, around: Surroundings): Step {
  const { setup, now } = around
  if (!around.offline) return close(was, now, 'recovered', 'the control call gets through again')
  if (was.announcedAt !== null) return { incident: was, announcement: null, ledger: [] }
  const reason = 'three control calls in a row failed: the trouble is on our side'
  const seq = was.seq + 1
  const to = tellAtOnce(setup).map((name) => opened(was, name, seq, setup))
  const incident: Incident = {
    ...was,
    state: 'announced',
    announcedAt: now,
    lastMailAt: now,
    seq,
    audience: [...was.audience.filter((a) => !to.some((t) => t.recipient === a.recipient)), ...to],
  }
  const row = ledger(now, was, 'mailed', 'offline', `offline: ${reason}`, { to: to.map((a) => a.recipient), seq })
  return { incident, announcement: { kind: 'offline', reason, rule: 'offline', seq, to, hindsight: [] }, ledger: [row] }
}

/** Recipients who are told at once: those without `after`, or everybody where all have one and something of the daemon's own is told. */
export function tellAtOnce(setup: Setup): readonly string[] {
  const all = [...setup.recipients.values()]
  const prompt = all.filter((recipient) => recipient.afterMs === null)
  return (prompt.length > 0 ? prompt : all).map((recipient) => recipient.name)
}

function atOnce(sick: readonly Member[], setup: Setup): readonly string[] {
  return notifiedBy(sick, setup).filter((name) => setup.recipients.get(name)?.afterMs === null)
}

/** Rule 10: recipients with `after` who were not told yet, and since when they should be. */
function escalationsDue(incident: Incident, announcedAt: Instant, sick: readonly Member[], setup: Setup) {
  return notifiedBy(sick, setup).flatMap((name) => {
    const afterMs = setup.recipients.get(name)?.afterMs ?? null
    const open = incident.audience.some((a) => a.recipient === name && a.open && a.heir !== true)
    return afterMs === null || open ? [] : [{ name, due: announcedAt + afterMs }]
  })
}

/** Rule 8: `null` is never. What is told once (blind, offline) has no reminders. */
export function remindEveryOf(family: Family, remindEveryMs: number): number | null {
  if (remindEveryMs === 0 || family === 'blind' || family === 'offline') return null
  return family === 'misconfigured' ? DAY_MS : remindEveryMs
}

/** Writes to the ledger what changed in the verdict, and keeps what was explained by what. */
function note(incident: Incident, was: Incident, sick: readonly Member[], notes: LedgerRow[], now: Instant): Incident {
  if (incident.family !== 'outage') return incident
  const explained = incident.verdict === 'explained'
  const byAnother = explained && was.explainedBy !== null && !eventsOf(sick).includes(was.explainedBy)
  if (incident.verdict !== was.verdict || byAnother) {
    notes.push(
      ledger(now, incident, 'verdict', '3', `${incident.verdict}: ${sick[0]?.standing.verdict.why ?? ''}`, evidenceOf(sick)),
    )
  }
  const by = sick.map((m) => m.standing.verdict).find((v) => v.kind === 'explained')
  if (!explained || by?.kind !== 'explained') return incident
  const leadMinutes = incident.leadMinutes ?? Math.round((by.by.startedAt - onsetOf(incident.members)) / MINUTE_MS)
  return { ...incident, explainedBy: by.by.arn, leadMinutes }
}

function evidenceOf(sick: readonly Member[]) {
  return sick.slice(0, 20).map((m) => ({
    probe: m.probe,
    verdict: m.standing.verdict,
    carried: m.standing.carried,
    readAt: m.standing.readAt,
    lapsed: m.standing.lapsed,
  }))
}

function lapseOf(sick: readonly Member[]): string {
  const lapsed = sick.find((m) => m.standing.lapsed !== null && m.standing.verdict.kind !== 'explained')?.standing.lapsed
  if (lapsed) return lapsed.why
  const other = sick.find((m) => m.standing.verdict.kind !== 'explained')
  return other === undefined
    ? 'AWS no longer explains all of it'
    : `AWS does not explain ${other.operation} (${other.monitor}): ${other.standing.verdict.why}`
}

function whyNow(incident: Incident, sick: readonly Member[], verdict: Verdict['kind']): string {
  if (incident.family !== 'outage') return sick[0]?.standing.verdict.why ?? 'it cannot be an AWS outage'
  const lapsed = sick.find((m) => m.standing.lapsed !== null)?.standing.lapsed
  if (lapsed) return lapsed.why
  const other = sick.find((m) => m.standing.verdict.kind === verdict) ?? sick[0]
  return other?.standing.verdict.why ?? verdict
}

function whyExplained(sick: readonly Member[]): string {
  return sick.find((m) => m.standing.verdict.kind === 'explained')?.standing.verdict.why ?? 'AWS explains it'
}

/** Rule 13: one outage is one mail, so the many that fail one after another, as their schedule reaches them, are waited for. */
function noMoreJoin(sick: readonly Member[], lastMailAt: Instant, now: Instant): boolean {
  if (sick.length <= MAX_RERUN) return true
  const joined = sick.map((member) => member.failedAt).filter((at) => at > lastMailAt)
  const [first, last] = [
    joined.reduce((a, b) => Math.min(a, b), now),
    joined.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  ]
  return now - last >= WIDER_SETTLES_MS || now - first >= WIDER_GATHERS_AT_MOST_MS
}

/** Whether the explanation has ended, or can no longer be confirmed: silence goes on for `extension`, and the ledger says so. */
function onBorrowedTime(sick: readonly Member[]): string {
  const carried = sick.some((m) => m.standing.carried !== null) ? ' unconfirmed' : ''
  return sick.some((m) => m.standing.alibi?.open === false) ? `${carried} over` : carried
}

function whySilent(sick: readonly Member[]): string {
  const carried = sick.find((m) => m.standing.carried !== null)?.standing.carried
  const why = `silent: ${whyExplained(sick)}`
  return carried === undefined || carried === null ? why : `${why}; ${carried}`
}

export function eventsOf(members: readonly Member[]): readonly string[] {
  return [...new Set(members.flatMap((m) => (m.standing.verdict.kind === 'explained' ? [m.standing.verdict.by.arn] : [])))]
}

export function onsetOf(members: readonly Member[]): Instant {
  return Math.min(...members.map((member) => member.onset))
}

function names(audience: readonly Audience[]): readonly string[] {
  return audience.map((a) => a.recipient)
}

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return [...new Set([...a, ...b])]
}

function ledger(
  at: Instant,
  incident: Incident,
  decision: LedgerRow['decision'],
  rule: string,
  reason: string,
  evidence: unknown,
): LedgerRow {
  return { at, incident: incident.id, probe: null, decision, rule, reason, evidence }
}
