import { rerunsOf } from '../domain/cadence.ts'
import { inWordsByClock } from '../domain/duration.ts'
import type { Incident } from '../domain/incident.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import { mailingsOf } from '../domain/mailing.ts'
import type { Owed, StripMark } from '../domain/notification.ts'
import type { HealthEvent, HealthReading, SourceState } from '../domain/outage.ts'
import type { Instant, Monitor, Probe } from '../domain/probe.ts'
import { operationShown } from '../domain/setup.ts'
import { withoutAddresses } from '../domain/shown.ts'
import { endOfSilence } from '../domain/silence.ts'
import { spanOf } from '../domain/span.ts'
import type { ProbeState } from '../domain/state.ts'
import { isGap } from '../domain/streak.ts'
import { foreign } from '../email/foreign.ts'
import type { Tone } from '../email/opening.ts'
import { type Card, cardOf, type MailRow, MUCH, mailRow, type RecentRow, recentRow } from './card.ts'
import { type Hour, hourOf } from './hour.ts'
import { withLatest } from './latest.ts'
import { ago, capital, clockTime, counted, SENTENCE, stop, WORD } from './phrase.ts'
import type { OnRecord } from './record.ts'
import type { Health, View } from './view.ts'

const MAX_MONITORS = 50
/** Probes of one monitor that are listed, the worst first; the others are counted. */
const MAX_PROBES = 12
const MAX_MAILS = 20
const MAX_WARNINGS = 12
const MAX_SILENCES = 15

export type ProbeRow = Readonly<{ account: string; operation: string; standing: string; tone: Tone; note: string }>

export type MonitorRow = Readonly<{
  name: string
  tone: Tone
  counts: string
  /** Schedule, and whom it notifies. */
  about: string
  lastRun: string
  /** `null` where no run of the last hour is known. */
  hour: Hour | null
  probes: readonly ProbeRow[]
  more: string | null
}>

export type SourceRow = Readonly<{ name: string; state: string; tone: Tone; age: string; detail: string }>

/** A mail that was not sent, and why. */
export type SilenceRow = Readonly<{ at: string; incident: string | null; what: string; reason: string; rule: string }>

/** The page in words: all that is decided about what to say, nothing about how it looks. */
export type Overview = Readonly<{
  at: Instant
  state: string
  tone: Tone
  answers: readonly Readonly<{ question: string; answer: string }>[]
  warnings: readonly string[]
  incidents: readonly Card[]
  moreIncidents: number
  monitors: readonly MonitorRow[]
  moreMonitors: number
  sources: readonly SourceRow[]
  /** The newest first; `null` where the ledger cannot be read. */
  silences: Readonly<{ rows: readonly SilenceRow[]; more: number; within: string }> | null
  mails: readonly MailRow[]
  moreMails: number
  recent: readonly RecentRow[]
  version: string
}>

export function overview(view: View, known: OnRecord, health: Health, now: Instant): Overview {
  const cards = known.open.map((incident) => ({
    incident,
    card: cardOf(incident, known.rows.get(incident.id) ?? null, known.mails.get(incident.id) ?? null, view, now),
  }))
  const worst = cards[0] ?? null
  const standings = standingsOf(view, now)
  const { state, tone } = headline(worst?.card ?? null, health, standings, view)
  const monitors = [...view.setup.monitors.values()]
    .map((monitor) =>
      monitorRow(
        monitor,
        standings.filter((one) => one.monitor === monitor),
        known.strips.get(monitor.name) ?? null,
        now,
      ),
    )
    .sort((a, b) => TONES.indexOf(a.tone) - TONES.indexOf(b.tone))
  return {
    at: now,
    state,
    tone,
    answers: [
      { question: 'Is something wrong?', answer: whatIsWrong(worst?.incident ?? null, standings, view, health, now) },
      {
        question: 'Is it AWS?',
        answer: worst === null ? nothingToExplain(view, now) : andMore(worst.card.awsInShort, known.openCount),
      },
      { question: 'Was anyone told?', answer: worst === null ? nobodyToTell(known) : worst.card.told },
      { question: 'What was not told, and why?', answer: notTold(worst?.card ?? null, known, now) },
    ],
    warnings: warningsOf(view, known, health, now),
    incidents: cards.map(({ card }) => card),
    moreIncidents: known.openCount - cards.length,
    monitors: monitors.slice(0, MAX_MONITORS),
    moreMonitors: Math.max(0, monitors.length - MAX_MONITORS),
    sources: sourceRows(view, now),
    silences: silencesKept(known, view, now),
    mails: mailsShown(known.outbox).map((owed) => mailRow(owed, now)),
    moreMails: Math.max(0, known.outbox.length - MAX_MAILS),
    recent: known.recent.map((incident) =>
      recentRow(incident, known.rows.get(incident.id) ?? null, known.mails.get(incident.id) ?? null, now),
    ),
    version: view.version,
  }
}

/** One incident and its whole story. */
export type IncidentPage = Readonly<{ at: Instant; card: Card; fault: string | null; version: string }>

/** What is on record of it: `null` where that could not be read. */
type Story = Readonly<{
  rows: readonly LedgerRow[] | null
  mails: readonly Owed[] | null
  /** As AWS described its explaining events last, by ARN; `null` as above. */
  events: ReadonlyMap<string, HealthEvent> | null
}>

export function incidentPage(incident: Incident, { rows, mails, events }: Story, view: View, now: Instant): IncidentPage {
  const fault =
    rows === null || mails === null || events === null
      ? 'The database cannot be read, so mails and reasons are missing here.'
      : null
  return {
    at: now,
    card: cardOf(withLatest(incident, events ?? NO_EVENTS), rows, mails, view, now, MUCH),
    fault,
    version: view.version,
  }
}

const NO_EVENTS: ReadonlyMap<string, HealthEvent> = new Map()
const TONES: readonly Tone[] = ['bad', 'warn', 'plain', 'good']

function headline(worst: Card | null, health: Health, standings: readonly Standing[], view: View): { state: string; tone: Tone } {
  if (worst?.tone === 'bad') return worst
  if (!health.ok) return { state: 'ALIBI IS UNWELL', tone: 'bad' }
  if (worst !== null) return worst
  if (view.world.reach.offlineSince !== null) return { state: 'OFFLINE', tone: 'warn' }
  if (standings.some(({ word }) => word === 'checking')) return { state: 'CHECKING', tone: 'plain' }
  // Green only once every probe has had its say: the first round takes a while where there are many.
  if (standings.some(({ word }) => word === 'not run yet')) return { state: 'STARTING', tone: 'plain' }
  return { state: 'WELL', tone: 'good' }
}

function whatIsWrong(worst: Incident | null, standings: readonly Standing[], view: View, health: Health, now: Instant): string {
  const { offlineSince } = view.world.reach
  if (offlineSince !== null) {
    return `This host reaches neither AWS nor the control host, since ${clockTime(offlineSince, now)} (${inWordsByClock(offlineSince, now)}). Until it does, nothing is judged.`
  }
  const all = standings.length
  const of = (word: Standing['word']) => standings.filter((one) => one.word === word).length
  const parts = [
    of('failing') > 0 ? `${of('failing')} of ${counted(all, 'probe')} ${of('failing') === 1 ? 'fails' : 'fail'}` : '',
    of('recovering') > 0
      ? `${of('recovering')} of ${counted(all, 'probe')} ${of('recovering') === 1 ? 'is' : 'are'} recovering`
      : '',
    of('blind') > 0 ? `${of('blind')} of ${counted(all, 'probe')} cannot be judged` : '',
    of('checking') > 0 ? beingChecked(of('checking'), standings, view) : '',
  ].filter((part) => part !== '')
  // Of all that are open, not only of those that are shown.
  const onsets = [...view.world.incidents.values()]
    .filter(({ state }) => state !== 'closed')
    .map((incident) => spanOf(incident).from)
  const onset = Math.min(...onsets)
  const since = onsets.length === 0 ? '' : `, since ${clockTime(onset, now)} (${inWordsByClock(onset, now)})`
  if (parts.length > 0 && of('not run yet') > 0) parts.push(`${counted(of('not run yet'), 'probe')} not run yet`)
  if (parts.length > 0)
    return `${parts[0]}${since}${parts
      .slice(1)
      .map((part) => `; ${part}`)
      .join('')}.`
  if (worst !== null) return `An incident is open${since}.`
  if (all === 0) return 'Nothing is watched.'
  const last = Math.max(...standings.map(({ state }) => state?.lastRunAt ?? 0))
  if (last === 0) return `Not known yet: none of ${counted(all, 'probe')} has run.`
  const well = of('well')
  const began = `The last run began ${ago(last, now)}.`
  if (well === 0) return `Not known yet: none of ${counted(all, 'probe')} has a result. ${began}`
  if (well < all) return `Not so far: ${well} of ${counted(all, 'probe')} are well, ${all - well} not run yet. ${began}`
  const lead = all === 1 ? 'the only probe is well' : `all ${all} probes are well`
  return `${health.ok ? 'No' : 'Not with AWS Account'}: ${lead}. ${began}`
}

/** Of very many only some are run again before their schedule says so (`threshold`). */
function beingChecked(checking: number, standings: readonly Standing[], { setup, world }: View): string {
  const chosen = new Set(
    [...setup.monitors.values()].flatMap((monitor) => rerunsOf(monitor, world.probes).map((one) => one.state)),
  )
  const rerun = standings.filter(({ word, state }) => word === 'checking' && state !== null && chosen.has(state)).length
  if (rerun === checking) return `${checking} failed and ${checking === 1 ? 'is' : 'are'} run again to make sure`
  const some = rerun === 0 ? 'they run again on schedule' : `${rerun} of them are run again now, the others on schedule`
  return `${checking} failed and may fail again: ${some}`
}

/** Refused ones wait for a person: where there are too many mails, those are not the ones that are left out. */
function mailsShown(outbox: OnRecord['outbox']): OnRecord['outbox'] {
  const refusedFirst = outbox.toSorted((a, b) => Number(b.state === 'refused') - Number(a.state === 'refused'))
  const chosen = new Set(refusedFirst.slice(0, MAX_MAILS))
  return outbox.filter((owed) => chosen.has(owed))
}

function andMore(answer: string, open: number): string {
  return open > 1 ? `${answer} (${counted(open - 1, 'more incident')} below.)` : answer
}

function nothingToExplain(view: View, now: Instant): string {
  const readings = [...view.readings.values()]
  if (readings.length === 0) return 'Nothing fails that AWS would have to explain. AWS Health was not asked yet.'
  const oldest = Math.min(...readings.map((reading) => reading.at))
  return `Nothing fails that AWS would have to explain. AWS Health was asked ${ago(oldest, now)}.`
}

function nobodyToTell(known: OnRecord): string {
  const left = mailingsOf(known.outbox).length
  if (left > 0)
    return `No incident is open, and ${counted(left, 'mail')} of earlier ones ${left === 1 ? 'has' : 'have'} not left (below).`
  return known.fault === null ? 'There is nothing to tell.' : 'Not known: the database cannot be read.'
}

/** The answer that no other monitor gives: every mail that was kept back, and the reason. */
function notTold(worst: Card | null, { withheld }: OnRecord, now: Instant): string {
  if (withheld === null) return 'Not known: the database cannot be read.'
  const quiet = worst?.quiet ?? null
  if (quiet !== null) return capital(quiet)
  const last = withheld.rows[0]
  if (last === undefined) return `Nothing was kept back in ${withheld.within}.`
  return stop(
    `${counted(withheld.rows.length, 'decision')} not to mail in ${withheld.within}, the last at ${clockTime(last.at, now)}: ${foreign(withoutAddresses(last.reason), SENTENCE)}`,
  )
}

function silencesKept({ withheld }: OnRecord, view: View, now: Instant): Overview['silences'] {
  if (withheld === null) return null
  const { rows, within } = withheld
  return {
    rows: rows.slice(0, MAX_SILENCES).map((row) => silenceRow(row, view, now)),
    more: Math.max(0, rows.length - MAX_SILENCES),
    within,
  }
}

function silenceRow(row: LedgerRow, view: View, now: Instant): SilenceRow {
  const incident = row.incident === null ? undefined : view.world.incidents.get(row.incident)
  const monitors = [...new Set(incident?.members.map((member) => member.monitor))]
  return {
    at: clockTime(row.at, now),
    incident: row.incident,
    what: monitors.length === 0 ? '' : foreign(monitors.join(', '), WORD),
    reason: foreign(withoutAddresses(row.reason), SENTENCE),
    rule: row.rule === null ? '' : foreign(row.rule, WORD),
  }
}

function warningsOf(view: View, known: OnRecord, health: Health, now: Instant): readonly string[] {
  const notices = [...view.world.notices.values()].map(
    ({ text, since }) => `Since ${clockTime(since, now)}: ${foreign(text, SENTENCE)}`,
  )
  const all = [
    ...(health.ok ? [] : health.reasons.map((reason) => `Alibi is unwell: ${foreign(reason, SENTENCE)}`)),
    ...(known.fault === null
      ? []
      : [`The database cannot be read, so mails and reasons are missing here: ${foreign(known.fault, SENTENCE)}`]),
    ...(view.overrides.length === 0
      ? []
      : [
          `Not AWS’s own endpoints: ${view.overrides
            .slice(0, 8)
            .map((text) => foreign(text, SENTENCE))
            .join(', ')}. What this page says is about those.`,
        ]),
    ...notices,
    ...silencesOf(view, now),
  ].map(stop)
  return all.length <= MAX_WARNINGS ? all : [...all.slice(0, MAX_WARNINGS), `And ${all.length - MAX_WARNINGS} more.`]
}

/** `silence`: who does not hear of what, until when, and at whose word. */
function silencesOf(view: View, now: Instant): readonly string[] {
  return view.world.silences
    .filter((silence) => silence.at <= now && now < endOfSilence(silence))
    .map((silence) => {
      const what = silence.monitor === null ? 'every monitor' : `monitor ${foreign(silence.monitor, WORD)}`
      return `Silenced until ${clockTime(endOfSilence(silence), now)}: ${what}: ${foreign(withoutAddresses(silence.reason), SENTENCE)}`
    })
}

// ---- Probes

type Standing = Readonly<{
  probe: Probe
  monitor: Monitor
  state: ProbeState | null
  word: 'failing' | 'blind' | 'recovering' | 'checking' | 'not judged' | 'not run yet' | 'well'
}>

const WORST_FIRST: readonly Standing['word'][] = [
  'failing',
  'blind',
  'recovering',
  'checking',
  'not judged',
  'not run yet',
  'well',
]
const TONE: Readonly<Record<Standing['word'], Tone>> = {
  failing: 'bad',
  blind: 'warn',
  recovering: 'plain',
  checking: 'plain',
  'not judged': 'plain',
  'not run yet': 'plain',
  well: 'good',
}

function standingsOf(view: View, now: Instant): readonly Standing[] {
  const offline = view.world.reach.offlineSince !== null
  const blind = new Set(
    [...view.world.incidents.values()]
      .filter((incident) => incident.family === 'blind' && incident.state !== 'closed')
      .flatMap((incident) => incident.members.filter((member) => member.state !== 'well').map((member) => member.probe)),
  )
  return [...view.setup.monitors.values()].flatMap((monitor) =>
    monitor.probes.map((probe): Standing => {
      const state = view.world.probes.get(probe.id) ?? null
      const { freshSince } = view.world
      const hasRun = state !== null && !isFromBefore(state, freshSince, monitor, now)
      return { probe, monitor, state, word: wordFor(state, { hasRun, blind: blind.has(probe.id), offline }) }
    }),
  )
}

/** Known from before we were started, or awake: so long ago that it says nothing of today. */
function isFromBefore(state: ProbeState, freshSince: Instant, { periodMs }: Monitor, now: Instant): boolean {
  const { lastConclusiveAt: last } = state
  return last !== null && last < freshSince && isGap({ from: last, to: now }, periodMs)
}

function wordFor(
  state: ProbeState | null,
  { hasRun, blind, offline }: Readonly<{ hasRun: boolean; blind: boolean; offline: boolean }>,
): Standing['word'] {
  if (state?.standing === 'failing' || state?.standing === 'recovering') return state.standing
  if (blind) return 'blind'
  if (state === null || state.lastConclusiveAt === null || !hasRun) return 'not run yet'
  // Cut off ourselves, we do not know how it fares: green would be a claim.
  if (offline) return 'not judged'
  return state.standing === 'undecided' ? 'checking' : 'well'
}

function monitorRow(
  monitor: Monitor,
  standings: readonly Standing[],
  marks: readonly StripMark[] | null,
  now: Instant,
): MonitorRow {
  const sorted = standings.toSorted((a, b) => WORST_FIRST.indexOf(a.word) - WORST_FIRST.indexOf(b.word))
  const counts = WORST_FIRST.flatMap((word) => {
    const n = standings.filter((one) => one.word === word).length
    return n === 0 ? [] : [`${n} ${word}`]
  })
  const last = Math.max(0, ...standings.map(({ state }) => state?.lastRunAt ?? 0))
  const left = sorted.length - MAX_PROBES
  const leftWords = new Set(sorted.slice(MAX_PROBES).map((one) => one.word))
  return {
    name: foreign(monitor.name, WORD),
    tone: sorted[0] === undefined ? 'plain' : TONE[sorted[0].word],
    counts: counts.join(', ') || 'no probes',
    about: `${foreign(monitor.schedule, WORD)} (${foreign(monitor.timezone, WORD)}), notifies ${monitor.notify.map((name) => foreign(name, WORD)).join(', ') || 'nobody'}`,
    hour: marks === null ? null : hourOf(marks, now),
    lastRun: last === 0 ? 'never' : ago(last, now),
    probes: sorted.slice(0, MAX_PROBES).map((one) => probeRow(one, now)),
    more: left <= 0 ? null : `and ${left} more${leftWords.size === 1 ? `, all ${[...leftWords][0]}` : ''}`,
  }
}

function probeRow({ probe, state, word }: Standing, now: Instant): ProbeRow {
  return {
    account: foreign(probe.account, WORD),
    operation: foreign(operationShown(probe), WORD),
    standing: word,
    tone: TONE[word],
    note: noteOn(state, word, now),
  }
}

function noteOn(state: ProbeState | null, word: Standing['word'], now: Instant): string {
  if (state === null) return 'not known to the daemon yet'
  const unclear = state.inconclusive === null ? '' : `, the last run was ${state.inconclusive}`
  const ok = state.lastOkAt === null ? 'never ok' : `last ok ${ago(state.lastOkAt, now)}`
  const since = state.onset === null ? '' : `since ${clockTime(state.onset, now)}`
  switch (word) {
    case 'failing':
      return `${since || 'failing'}, ${ok}${unclear}`
    case 'recovering':
      return `${counted(state.okRuns, 'ok run')} in a row${unclear}`
    case 'checking':
      return `${state.recent.filter((mark) => mark.family !== null).length} of its last ${counted(state.recent.length, 'run')} failed${unclear}`
    case 'blind':
      return `no result since ${clockTime(state.lastConclusiveAt ?? state.knownSince, now)}${unclear}`
    case 'not run yet':
      if (state.inconclusive !== null) return `its runs were ${state.inconclusive}`
      return state.lastRunAt === null ? 'waits for its schedule' : `waits for its schedule, last run ${ago(state.lastRunAt, now)}`
    case 'not judged':
    case 'well':
      return `${ok}${unclear}`
  }
}

// ---- Where we know it from

const SOURCE: readonly (readonly ['api' | 'dashboard', string])[] = [
  ['api', 'AWS Health API'],
  ['dashboard', 'Public dashboard'],
]

function sourceRows(view: View, now: Instant): readonly SourceRow[] {
  const partitions = [...new Set([...view.setup.monitors.values()].map((monitor) => monitor.partition))]
  const rows = partitions.flatMap((partition) => {
    const reading = view.readings.get(partition)
    return SOURCE.map(([source, name]): SourceRow => {
      const title = partitions.length > 1 ? `${name} (${partition})` : name
      if (reading === undefined) return { name: title, state: 'not asked yet', tone: 'plain', age: '', detail: '' }
      return sourceRow(title, reading.sources[source], reading, source, now)
    })
  })
  return [...rows, controlRow(view, now)]
}

function sourceRow(name: string, is: SourceState, reading: HealthReading, source: 'api' | 'dashboard', now: Instant): SourceRow {
  const age = is.at === null ? '' : ago(is.at, now)
  const detail = foreign(is.detail, SENTENCE)
  switch (is.state) {
    case 'answered': {
      const open = reading.events.filter((event) => event.status === 'open' && event.sources.includes(source)).length
      const skipped = is.skipped === 0 ? '' : `, ${is.skipped} unreadable`
      return {
        name,
        state: `answered: ${counted(is.events, 'event')}, ${open} open${skipped}`,
        tone: is.skipped === 0 ? 'good' : 'warn',
        age,
        detail,
      }
    }
    case 'refused':
      return { name, state: 'refuses to answer', tone: 'warn', age, detail }
    case 'unavailable':
      return { name, state: 'could not be asked', tone: 'warn', age, detail }
    case 'off':
      return { name, state: 'off', tone: 'plain', age, detail }
  }
}

function controlRow(view: View, now: Instant): SourceRow {
  const { failures, failingSince, lastAt, everReached } = view.world.reach
  const name = 'Control host'
  if (lastAt === null) return { name, state: 'not asked yet', tone: 'plain', age: '', detail: '' }
  const age = ago(lastAt, now)
  if (failures === 0) return { name, state: 'reached', tone: 'good', age, detail: '' }
  const since = failingSince === null ? '' : ` since ${clockTime(failingSince, now)}`
  return {
    name,
    state: `${counted(failures, 'call')} failed${since}`,
    tone: 'warn',
    age,
    detail: everReached ? '' : 'never reached since start',
  }
}
