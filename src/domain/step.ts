import { addressesTold, opened, toldOfUs } from './audience.ts'
import { MAX_RERUN } from './cadence.ts'
import { inWords, inWordsByClock, utc } from './duration.ts'
import type { Audience, Heard, Incident, Member } from './incident.ts'
import { leadMinutesOf } from './lead.ts'
import type { LedgerRow } from './ledger.ts'
import type { MailKind } from './notification.ts'
import { DAY_MS, type Family, HOUR_MS, type Instant, MINUTE_MS } from './probe.ts'
import type { RuleName } from './rule.ts'
import type { Setup } from './setup.ts'
import { type Ack, endOfSilence, quietUntil, type Silence, silenceOver } from './silence.ts'
import type { Verdict } from './verdict.ts'
import { overallVerdict, type RecipientView, renamed, viewOf, viewsOf } from './view.ts'

/** A mail waits at most this long after the threshold for the other probes of its monitors (`first-email`). */
export const GATHER_AT_MOST_MS = 30_000
const WIDER_AT_MOST_EVERY_MS = 15 * MINUTE_MS
/**
 * Where re-runs cannot decide all at once (`threshold`), the others follow with their schedule: `wider` waits until no more join.
 */
const WIDER_SETTLES_MS = 30_000
const WIDER_GATHERS_AT_MOST_MS = 10 * MINUTE_MS
/** Events of which an incident remembers that they explained it. */
const MAX_ALIBIS = 100
/** So many reasons of one mail stand in the ledger, where it is another for each recipient. */
const MAX_REASONS = 3
const REOPENINGS_WITHIN_MS = 6 * HOUR_MS
/** Reopenings within that time from which an incident counts as flapping (`recovery`). */
const REOPENINGS_THAT_FLAP = 2

/** What a step owes to people. The mail's facts are put together from the incident as it is after the step. */
export type Announcement = Readonly<{
  kind: MailKind
  reason: string
  /** Of recipients for whom it is another one. */
  reasons?: ReadonlyMap<string, string>
  rule: RuleName
  seq: number
  /** Who is told, as they are after the step. */
  to: readonly Audience[]
  /** Events of which this mail tells that they explained an earlier run (`late-explanation`). */
  hindsight: Incident['hindsight']
}>

export type Step = Readonly<{ incident: Incident; announcement: Announcement | null; ledger: readonly LedgerRow[] }>

/** What the step needs to know beside the incident. */
export type Context = Readonly<{
  setup: Setup
  now: Instant
  /** Whether every probe of the monitors of these members has run once since their onset (`first-email`). */
  gathered: (members: readonly Member[]) => boolean
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

/** A run since the last start, wake-up or silence, without which no timer speaks; one waits for it at most `blindAfter`. */
function hasRunSince(member: Member, around: Context): boolean {
  const from = Math.max(around.freshSince, quietUntil(member.monitor, around.silences, around.now))
  return member.lastRunAt >= from || around.now >= from + around.setup.policy.blindAfterMs
}

/** Of the silences over these probes the one that ends first: something may be said then. */
function quietest(sick: readonly Member[], around: Context): Silence | null {
  const over = sick.flatMap((member) => silenceOver(member.monitor, around.silences, around.now) ?? [])
  return over.toSorted((a, b) => endOfSilence(a) - endOfSilence(b))[0] ?? null
}

export function failingMembers(incident: Incident): readonly Member[] {
  return incident.members.filter((member) => member.state !== 'recovered')
}

/** `recovery`: at the second reopening within six hours an incident flaps. */
export function flapsNow(reopenedAt: readonly Instant[], now: Instant): boolean {
  return reopenedAt.filter((at) => now - at <= REOPENINGS_WITHIN_MS).length >= REOPENINGS_THAT_FLAP
}

/** Somebody to whom a mail is due, and why. */
type Due = Readonly<{ view: RecipientView; reason: string }>
/** Why what is due is not said yet: the rule, a key under which it is written once, the reason. */
type Block = readonly [rule: RuleName, key: string, reason: string]

/**
 * One step of an incident's life, after its members were brought up to date: what is owed now, and why, or why not. Each
 * recipient has a view of their own of it. At most one mail an incident and moment, to all whom the rule concerns; the first of
 * `recovery`, `lapsed-explanation`, `late-explanation`, `first-email`, `grouping`, `hold`, `escalation`, `reminder` that applies
 * to anybody (`timers`). What applies to others follows with the next step.
 *
 * Decides and never acts: the caller commits the step, then the courier sends.
 */
export function step(was: Incident, around: Context): Step {
  const { setup, now } = around
  const { policy } = setup
  const sick = failingMembers(was)
  if (was.family === 'offline') return spell(was, around)
  if (sick.length === 0) return close(was, now, 'recovered', 'every probe is well again')

  const verdict = overallVerdict(sick)
  const explained = verdict === 'explained'
  const notes: LedgerRow[] = []
  const audience = renamed(was, sick, setup)
  const views = listened(viewsOf({ ...was, audience }, sick, around))
  let incident = note({ ...was, verdict }, was, sick, notes, now)
  incident = { ...incident, audience: kept(audience, views), ...newcomers(was, views, now) }
  const announced = incident.announcedAt !== null
  const ack = around.ack !== null && around.ack.at >= incident.episodeAt ? around.ack : null
  const every = remindEveryOf(incident.family, policy.remindEveryMs)

  const timersMayFire = !around.offline && sick.every((m) => hasRunSince(m, around))
  /** `timers`: a timer acts only after a run begun later than it fell due, and failed; or when one was waited for in vain. */
  const fresh = (due: Instant, own: readonly Member[]) =>
    timersMayFire && now >= due && (own.some((m) => m.lastFailedAt > due) || waitedInVain(own, due, around))

  let blocked: Block | null = null
  const block = (why: Block | null): boolean => {
    blocked ??= why
    return why !== null
  }
  const withhold = ([rule, key, reason]: Block): Step => {
    const state = announced ? 'announced' : explained ? 'suppressed' : 'waiting'
    if (incident.withheld === key) return { incident: { ...incident, state }, announcement: null, ledger: notes }
    const row = ledger(now, incident, 'withheld', rule, reason, evidenceOf(sick))
    return { incident: { ...incident, state, withheld: key }, announcement: null, ledger: [...notes, row] }
  }
  /** A mail that does not set the `pace` of reminders comes between them: who joins late is reminded with the others. */
  const owe = (kind: MailKind, rule: RuleName, due: readonly Due[], pace = true, change: Partial<Heard> = {}): Step => {
    const seq = incident.seq + 1
    const told = due.map(({ view }): Audience => {
      const known = incident.audience.find((a) => a.recipient === view.recipient)
      const entry = opened(incident, view.recipient, seq, setup)
      const isExplained = view.verdict === 'explained'
      const events = known?.heard?.events ?? (known === undefined ? [] : incident.toldEvents)
      return {
        ...entry,
        monitors: union(entry.monitors ?? [], [...new Set(view.own.map((m) => m.monitor))]),
        reopened: entry.reopened ?? incident.reopenedAt.length,
        heard: {
          at: pace ? now : (incident.lastMailAt ?? now),
          failing: view.own.length,
          widerAt: view.heard?.widerAt ?? null,
          verdict: view.verdict,
          lapse: null,
          explained: isExplained,
          events: isExplained ? union(events, eventsOf(view.own)) : events,
          ...change,
        },
      }
    })
    const names = told.map((a) => a.recipient)
    const others = views.filter((view) => view.heard !== null && !names.includes(view.recipient))
    const after: Incident = {
      ...incident,
      audience: [...incident.audience.filter((a) => !names.includes(a.recipient)), ...told],
      seq,
      state: 'announced',
      announcedAt: incident.announcedAt ?? now,
      lastMailAt: pace ? now : incident.lastMailAt,
      toldEvents: told.reduce(
        (events, a) => union(events, a.heard?.explained === true ? (a.heard?.events ?? []) : []),
        incident.toldEvents,
      ),
      withheld: null,
      // What is known in hindsight is said to all who were told.
      hindsight: others.length > 0 ? incident.hindsight : [],
      ...without(incident.added, names),
    }
    const reasons = new Map(due.map(({ view, reason }) => [view.recipient, reason]))
    const reason = [...new Set(reasons.values())].slice(0, MAX_REASONS).join('; ')
    const row = ledger(now, incident, 'mailed', rule, `${kind}: ${reason}`, { to: names, seq, verdict })
    return {
      incident: after,
      announcement: { kind, reason, reasons, rule, seq, to: told, hindsight: incident.hindsight },
      ledger: [...notes, row],
    }
  }
  const isAdded = ({ recipient }: RecipientView): boolean => incident.added?.includes(recipient) === true
  /** `config-change`: an added recipient is told with the next mail that is due to those who were told. */
  const withAdded = (due: readonly Due[]): readonly Due[] => {
    const reason = due[0]?.reason ?? ''
    const late = views.filter((view) => isAdded(view) && view.loud && view.heard === null)
    return due.length === 0 ? due : [...due, ...late.map((view) => ({ view, reason }))]
  }
  /** A silence withholds what tells of trouble, never what tells of its end or its explanation to those who know (`silence`). */
  const hushed = (kind: MailKind, own: readonly Member[]): Block | null => {
    const silence = quietest(own, around)
    return silence === null
      ? null
      : ['silence', `silence ${silence.id}`, `${kind} is silenced until ${utc(endOfSilence(silence))}: ${silence.reason}`]
  }
  /** `first-email`: who shares the trouble is waited for, at most half a minute from when there was something to tell. */
  const gathering = (view: Pick<RecipientView, 'own' | 'unexplained'>): Block | null =>
    now >= tellableAt(view.unexplained, setup) + GATHER_AT_MOST_MS || (allLapsed(view) && around.gathered(view.own))
      ? null
      : ['first-email', 'gather', 'the other probes of these monitors have not run yet']

  // `lapsed-explanation`, to those who were told.
  const lapsed = views.filter(({ heard }) => heard !== null && heard.lapse !== null && timersMayFire)
  const recovering: Block = ['first-email', 'recovering', 'the last run of every probe was ok: the next one decides']
  const toldOfLapse = lapsed.filter((view) => {
    if (!view.unexplained.some((m) => m.state === 'failing')) return !block(recovering)
    return !block(view.loud ? gathering(view) : hushed('still-failing', view.unexplained))
  })
  if (toldOfLapse.length > 0)
    return owe(
      'still-failing',
      'lapsed-explanation',
      withAdded(toldOfLapse.map((view) => ({ view, reason: view.heard?.lapse ?? '' }))),
    )

  // `late-explanation`.
  const nowExplained = views.filter(
    ({ heard, verdict: mine, own }) =>
      heard !== null && mine === 'explained' && !heard.explained && own.every((m) => m.judgement.carried === null),
  )
  if (nowExplained.length > 0) {
    const news = nowExplained.filter(({ own, heard }) => eventsOf(own).some((arn) => heard?.events.includes(arn) === false))
    if (news.length > 0)
      return owe(
        'now-explained',
        'late-explanation',
        news.map((view) => ({ view, reason: whyExplained(view.own) })),
      )
    const events = [...new Set(nowExplained.flatMap(({ own }) => eventsOf(own)))]
    notes.push(
      ledger(now, incident, 'withheld', 'late-explanation', 'explained again by an event that was already named in a mail', {
        events,
      }),
    )
    const again = new Set(nowExplained.map(({ recipient }) => recipient))
    incident = {
      ...incident,
      audience: incident.audience.map((a) =>
        again.has(a.recipient) && a.heard !== undefined ? { ...a, heard: { ...a.heard, explained: true } } : a,
      ),
    }
  }

  // `first-email`, to those who were not told: of an incident that is news to all, or to them.
  const kind = incident.flapping && !announced ? 'flapping' : FIRST_KIND[incident.family]
  const notYet = (view: RecipientView): Block | null => {
    const waitUntil = thresholdOf(view, incident, setup) + policy.waitMs
    if (now < waitUntil) return ['first-email', 'wait', `policy.wait: AWS may speak until ${utc(waitUntil)}`]
    const others = gathering(view)
    if (others !== null) return others
    if (!timersMayFire) return ['restart', 'fresh', 'every probe of the incident runs once more before anything is said']
    if (!view.unexplained.some((m) => m.state === 'failing')) return recovering
    return view.loud ? null : hushed(kind, view.unexplained)
  }
  const untold = views.filter(
    (view) => view.heard === null && view.verdict !== 'explained' && (view.afterMs === null || view.heir),
  )
  /** Who was added waits for the next mail to those who were told, if one is to come (`config-change`). */
  const oneComes = every !== null && ack === null && views.some((view) => view.heard !== null && view.verdict !== 'explained')
  const first = untold.filter((view) => !(oneComes && isAdded(view)) && !block(notYet(view)))
  if (first.length > 0) {
    const late = announced ? `the incident now concerns ${first.map((view) => view.recipient).join(', ')}` : null
    const due = first.map((view) => ({ view, reason: late ?? whyNow(incident, view.unexplained, view.verdict) }))
    const rule =
      kind === 'flapping'
        ? 'recovery'
        : first.some(({ own }) => own.some((m) => m.judgement.lapsed !== null))
          ? 'lapsed-explanation'
          : 'first-email'
    return owe(kind, announced ? 'first-email' : rule, due, !oneComes)
  }
  // Where nobody is told at once the first mail falls due all the same: escalation counts from it (`escalation`).
  if (!announced) {
    const prompt = new Set(untold.flatMap(({ own }) => own.map((m) => m.monitor)))
    const rest = viewOf(
      '',
      sick.filter((m) => !prompt.has(m.monitor)),
      around,
    )
    if (rest.unexplained.length > 0 && !block(notYet(rest)))
      return owe(kind, kind === 'flapping' ? 'recovery' : 'first-email', [])
  }

  // `grouping`.
  const wider = views.flatMap((view): readonly Due[] => {
    const { heard, audible } = view
    if (heard === null || view.verdict === 'explained' || !view.loud || !timersMayFire || heard.failing === 0) return []
    if (heard.widerAt !== null && now - heard.widerAt < WIDER_AT_MOST_EVERY_MS) return []
    if (audible.length < 2 * heard.failing || !noMoreJoin(audible, heard.at, around)) return []
    return [{ view, reason: `${audible.length} probes fail now; ${heard.failing} did when the last mail was sent` }]
  })
  if (wider.length > 0) return owe('wider', 'grouping', withAdded(wider), true, { widerAt: now })

  // `hold`: to whom all is explained that no silence covers.
  const held = views.filter(({ audible, afterMs, heard, heir, own }) => {
    if (policy.holdAtMostMs === 0 || (afterMs !== null && heard === null && !heir)) return false
    const about = audible.length > 0 ? audible : own
    if (about.some((m) => m.judgement.verdict.kind !== 'explained')) return false
    // Not for ever: the run that ends the extension is waited for as long as any (`blind`).
    return !about.some(
      ({ judgement: { alibi, carried } }) =>
        alibi !== null && (carried !== null || !alibi.open) && now <= alibi.until + policy.blindAfterMs,
    )
  })
  const over = held.filter((view) => {
    const from = view.heard?.at ?? (isAdded(view) ? incident.lastMailAt : null)
    if (!fresh((from ?? thresholdOf(view, incident, setup)) + policy.holdAtMostMs, view.own)) return false
    // While its last run was ok nothing is told as failing, however long it may take to be well (`recovery`, flapping).
    if (!view.own.some((m) => m.state === 'failing')) return false
    return !block(view.audible.length > 0 ? null : hushed('still-failing', view.own))
  })
  const [longest] = over
  if (longest !== undefined) {
    const reason = `AWS explains it, but nothing was said for ${inWords(policy.holdAtMostMs)} (policy.holdAtMost)`
    // Who hears of it for the first time hears it as such, and the others with the next step; who was added hears what they hear.
    const alike =
      longest.heard === null
        ? over.filter(({ heard }) => heard === null)
        : [...over, ...held].filter(
            (view, i, all) => all.indexOf(view) === i && (view.heard === null ? isAdded(view) : over.includes(view)),
          )
    return owe(
      longest.heard === null ? FIRST_KIND[incident.family] : 'still-failing',
      'hold',
      alike.map((view) => ({ view, reason })),
    )
  }

  if (incident.announcedAt !== null && ack === null) {
    const { announcedAt } = incident
    const unexplained = views.filter((view) => view.verdict !== 'explained')
    const escalations = unexplained.filter(
      ({ heard, heir, afterMs, own }) => heard === null && !heir && afterMs !== null && fresh(announcedAt + afterMs, own),
    )
    const escalated = escalations.filter((view) => !block(view.loud ? null : hushed('escalated', view.unexplained)))
    if (escalated.length > 0) {
      const reason = `announced ${inWords(now - announcedAt)} ago and still not explained`
      return owe(
        'escalated',
        'escalation',
        escalated.map((view) => ({ view, reason })),
        false,
      )
    }
    const due = unexplained.filter(({ heard, own }) => every !== null && heard !== null && fresh(heard.at + every, own))
    const reminded = due.filter((view) => !block(view.loud ? null : hushed('reminder', view.unexplained)))
    if (reminded.length > 0) {
      const reasonFor = ({ own }: RecipientView) => `it has lasted ${inWordsByClock(onsetOf(own), now)} and nobody explains it`
      return owe('reminder', 'reminder', withAdded(reminded.map((view) => ({ view, reason: reasonFor(view) }))))
    }
  }
  if (blocked !== null) return withhold(blocked)
  if (!explained && announced) {
    if (ack !== null) {
      const why = ack.reason === null ? '' : ` (${ack.reason})`
      return withhold(['silence', `ack ${ack.at}`, `somebody knows of it since ${utc(ack.at)}${why}: no reminder, no escalation`])
    }
    const reminders = every === null ? 'no reminder' : `a reminder each ${inWords(every)}`
    return withhold(['reminder', 'announced', `already told; ${reminders} while it lasts unexplained`])
  }
  return withhold(['suppression', `explained ${eventsOf(sick).join(' ')}${onBorrowedTime(sick)}`, whySilent(sick)])
}

/** The views with what has changed since the last step: an explanation that ended owes a mail, one that is back owes none. */
function listened(views: readonly RecipientView[]): readonly RecipientView[] {
  return views.map((view) => {
    const { heard, verdict } = view
    if (heard === null) return view
    const ended = heard.verdict === 'explained' ? lapseOf(view.own) : heard.lapse
    const lapse = verdict === 'explained' ? null : ended
    return lapse === heard.lapse && verdict === heard.verdict ? view : { ...view, heard: { ...heard, lapse, verdict } }
  })
}

/** The same audience if nothing of it has changed: what is the same is not written again. */
function kept(audience: readonly Audience[], views: readonly RecipientView[]): readonly Audience[] {
  const heard = new Map(views.map((view) => [view.recipient, view.heard]))
  const next = audience.map((a) => {
    const now = heard.get(a.recipient) ?? null
    return !a.open || a.heir === true || now === null || now === a.heard ? a : { ...a, heard: now }
  })
  return next.every((a, i) => a === audience[i]) ? audience : next
}

/**
 * `config-change`: whoever is notified since the last step of probes that had failed before was added. Who is notified since then
 * for a probe that failed just now was not: to them the trouble is new.
 */
function newcomers(was: Incident, views: readonly RecipientView[], now: Instant): Pick<Incident, 'notified' | 'added'> {
  const names = views.map((view) => view.recipient)
  const before = was.notified ?? names
  const added = views.filter(
    ({ recipient, own, heard }) =>
      heard === null &&
      was.announcedAt !== null &&
      (was.added?.includes(recipient) === true || !before.includes(recipient)) &&
      own.every((m) => m.failedAt < now),
  )
  return {
    ...(same(was.notified, names) ? {} : { notified: names }),
    ...(same(
      was.added ?? [],
      added.map((view) => view.recipient),
    )
      ? {}
      : { added: added.map((view) => view.recipient) }),
  }
}

function same(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a !== undefined && a.length === b.length && a.every((one, i) => one === b[i])
}

function without(added: Incident['added'], names: readonly string[]): Pick<Incident, 'added'> {
  return added === undefined ? {} : { added: added.filter((name) => !names.includes(name)) }
}

/** `blind`: what waits for a run waits at most `blindAfter`; then the last state stands, which must be that it fails. */
function waitedInVain(own: readonly Member[], since: Instant, around: Context): boolean {
  const { freshSince, now, setup } = around
  const failing = own.filter((m) => m.state === 'failing')
  return failing.length > 0 && failing.every((m) => now >= Math.max(since, m.lastRunAt, freshSince) + setup.policy.blindAfterMs)
}

/** When the threshold was reached for the first of the probes that this recipient is notified of, in the current episode. */
function thresholdOf({ own, recipient }: RecipientView, incident: Incident, setup: Setup): Instant {
  const mine = (m: Member) => setup.monitors.get(m.monitor)?.notify.includes(recipient) === true
  const past = incident.members.filter((m) => m.recoveredAt !== null && m.recoveredAt >= incident.episodeAt && mine(m))
  return [...own, ...past].reduce((first, m) => Math.min(first, m.failedAt), Number.POSITIVE_INFINITY)
}

/** Since when there is something unexplained to tell: the threshold, or the first run that no explanation covered any more. */
function tellableAt(unexplained: readonly Member[], setup: Setup): Instant {
  const since = ({ failedAt, lastFailedAt, monitor, judgement: { lapsed } }: Member) =>
    lapsed === null
      ? failedAt
      : Math.max(failedAt, Math.min(lastFailedAt, lapsed.at + (setup.monitors.get(monitor)?.recheckEveryMs ?? 0)))
  return unexplained.reduce((first, m) => Math.min(first, since(m)), Number.POSITIVE_INFINITY)
}

/** Once the explanation of one has lapsed, those that had the same lose theirs with their next run: they are waited for. */
function allLapsed({ own, unexplained }: Pick<RecipientView, 'own' | 'unexplained'>): boolean {
  if (!unexplained.some((m) => m.judgement.lapsed !== null)) return true
  return !own.some(
    ({ lastRunAt, judgement: { alibi, carried } }) =>
      alibi !== null && (carried !== null || !alibi.open) && lastRunAt <= alibi.until,
  )
}

/** Ends an incident: whoever was told of the fall is told of the rise, and nobody else (`recovery`). */
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
  const rule = as === 'changed' ? 'family-change' : as === 'dropped' ? 'config-change' : 'recovery'
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

/** Tells those for whom nothing of an incident is watched any longer, while it goes on for others (`config-change`). */
export function leave(was: Incident, over: readonly Audience[], now: Instant): Step {
  const seq = was.seq + 1
  const reason = 'no failing probe of theirs is watched any longer'
  const to = over.map((a) => ({ ...a, to: addressesTold(a) }))
  const incident = { ...was, seq, audience: was.audience.map((a) => (over.includes(a) ? { ...a, open: false } : a)) }
  const row = ledger(now, was, 'mailed', 'config-change', `dropped: ${reason}`, { to: to.map((a) => a.recipient), seq })
  return {
    incident,
    announcement: { kind: 'dropped', reason, rule: 'config-change', seq, to, hindsight: was.hindsight },
    ledger: [row],
  }
}

/** An offline spell is told once, to everybody who is told at once; its end closes it (`offline`). */
function spell(was: Incident, around: Context): Step {
  const { setup, now } = around
  if (!around.offline) return close(was, now, 'recovered', 'the control call gets through again')
  if (was.announcedAt !== null) return { incident: was, announcement: null, ledger: [] }
  const reason = 'three control calls in a row failed: the trouble is on our side'
  const seq = was.seq + 1
  const to = toldOfUs(setup.recipients.values()).map(({ name }) => opened(was, name, seq, setup))
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

/** `reminder`: `null` is never. What is told once (blind, offline) has no reminders. */
export function remindEveryOf(family: Family, remindEveryMs: number): number | null {
  if (remindEveryMs === 0 || family === 'blind' || family === 'offline') return null
  return family === 'misconfigured' ? DAY_MS : remindEveryMs
}

/** Writes to the ledger what changed in the verdict, and keeps what was explained by what. */
function note(is: Incident, was: Incident, sick: readonly Member[], notes: LedgerRow[], now: Instant): Incident {
  if (is.family !== 'outage') return is
  const { alibis = [] } = is
  const news = eventsOf(sick).filter((arn) => !alibis.includes(arn))
  const incident = news.length === 0 ? is : { ...is, alibis: [...alibis, ...news].slice(-MAX_ALIBIS) }
  const explained = incident.verdict === 'explained'
  const byAnother = explained && was.explainedBy !== null && !eventsOf(sick).includes(was.explainedBy)
  if (incident.verdict !== was.verdict || byAnother) {
    notes.push(
      ledger(now, incident, 'verdict', 'consult', `${incident.verdict}: ${whyOf(sick, incident.verdict)}`, evidenceOf(sick)),
    )
  }
  const by = sick.map((m) => m.judgement.verdict).find((v) => v.kind === 'explained')
  if (!explained || by?.kind !== 'explained') return incident
  const leadMinutes = incident.leadMinutes ?? leadMinutesOf(by.by.startedAt, onsetOf(incident.members))
  return { ...incident, explainedBy: by.by.arn, leadMinutes }
}

function evidenceOf(sick: readonly Member[]) {
  return sick.slice(0, 20).map((m) => ({
    probe: m.probe,
    verdict: m.judgement.verdict,
    carried: m.judgement.carried,
    readAt: m.judgement.readAt,
    lapsed: m.judgement.lapsed,
  }))
}

function lapseOf(sick: readonly Member[]): string {
  const lapsed = sick.find((m) => m.judgement.lapsed !== null && m.judgement.verdict.kind !== 'explained')?.judgement.lapsed
  if (lapsed) return lapsed.why
  const other = sick.find((m) => m.judgement.verdict.kind !== 'explained')
  return other === undefined
    ? 'AWS no longer explains all of it'
    : `AWS does not explain ${other.operation} (${other.monitor}): ${other.judgement.verdict.why}`
}

function whyNow(incident: Incident, sick: readonly Member[], verdict: Verdict['kind']): string {
  if (incident.family !== 'outage') return sick[0]?.judgement.verdict.why ?? 'it cannot be an AWS outage'
  return sick.find((m) => m.judgement.lapsed !== null)?.judgement.lapsed?.why ?? whyOf(sick, verdict)
}

/** The reason of a probe that has the verdict of all of them, not of any other. */
function whyOf(sick: readonly Member[], verdict: Verdict['kind']): string {
  const judgement = sick.find((m) => m.judgement.verdict.kind === verdict)?.judgement
  return judgement?.lapsed?.why ?? judgement?.verdict.why ?? verdict
}

function whyExplained(sick: readonly Member[]): string {
  return sick.find((m) => m.judgement.verdict.kind === 'explained')?.judgement.verdict.why ?? 'AWS explains it'
}

/** `grouping`: one outage is one mail, so those that fail one after another, as their runs reach them, are waited for. */
function noMoreJoin(sick: readonly Member[], lastMailAt: Instant, around: Context): boolean {
  const { now } = around
  const joined = sick.filter((member) => member.failedAt > lastMailAt)
  const first = joined.reduce((a, { failedAt }) => Math.min(a, failedAt), now)
  if (sick.length <= MAX_RERUN) return now >= first + GATHER_AT_MOST_MS || joined.length === 0 || around.gathered(joined)
  const last = joined.reduce((a, { failedAt }) => Math.max(a, failedAt), Number.NEGATIVE_INFINITY)
  return now - last >= WIDER_SETTLES_MS || now - first >= WIDER_GATHERS_AT_MOST_MS
}

/** Whether the explanation has ended, or can no longer be confirmed: silence goes on for `extension`, and the ledger says so. */
function onBorrowedTime(sick: readonly Member[]): string {
  const carried = sick.some((m) => m.judgement.carried !== null) ? ' unconfirmed' : ''
  return sick.some((m) => m.judgement.alibi?.open === false) ? `${carried} over` : carried
}

function whySilent(sick: readonly Member[]): string {
  const carried = sick.find((m) => m.judgement.carried !== null)?.judgement.carried
  const why = `silent: ${whyExplained(sick)}`
  return carried === undefined || carried === null ? why : `${why}; ${carried}`
}

function eventsOf(members: readonly Member[]): readonly string[] {
  return [...new Set(members.flatMap((m) => (m.judgement.verdict.kind === 'explained' ? [m.judgement.verdict.by.arn] : [])))]
}

export function onsetOf(members: readonly Member[]): Instant {
  return Math.min(...members.map((member) => member.onset))
}

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return [...new Set([...a, ...b])]
}

function ledger(
  at: Instant,
  incident: Incident,
  decision: LedgerRow['decision'],
  rule: RuleName,
  reason: string,
  evidence: unknown,
): LedgerRow {
  return { at, incident: incident.id, probe: null, decision, rule, reason, evidence }
}
