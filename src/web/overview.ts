import type { Incident } from '../domain/incident.ts'
import type { HealthEvent } from '../domain/outage.ts'
import type { Instant } from '../domain/probe.ts'
import { foreign } from '../email/foreign.ts'
import type { Tone } from '../email/opening.ts'
import { type Answer, answersOf, headline } from './answers.ts'
import { type Card, cardOf, LONG, SHORT } from './card.ts'
import { withLatest } from './latest.ts'
import { machinesShown } from './machines.ts'
import { type MailRow, mailRow } from './mail-row.ts'
import { type MonitorRow, monitorRow, nextRun, toneOf } from './monitor-row.ts'
import type { History } from './notified.ts'
import { SENTENCE, WORD } from './phrase.ts'
import { type ProbeStatus, probeStatuses } from './probe-status.ts'
import { type RecentRow, recentRow } from './recent-row.ts'
import type { OnRecord } from './record.ts'
import { type SilenceList, silenceList } from './silence-row.ts'
import { type SourceRow, sourceRows } from './source-row.ts'
import type { Health, View } from './view.ts'
import { warningsOf } from './warnings.ts'
import { type WithheldList, withheldList } from './withheld.ts'

/** Monitors on which something is not ok, and those on which nothing is: these need less room. */
const MAX_TROUBLED = 50
const MAX_CALM = 200
/** Cells of all monitors together. With these limits the page stays below 1.5 MB, however many probes there are. */
const MAX_CELLS = 1_000
const MAX_MAILS = 20
const WORST_FIRST: readonly Tone[] = ['bad', 'warn', 'plain', 'good']

/** The content of the status page: everything about what it says, nothing about how it looks. */
export type Overview = Readonly<{
  at: Instant
  state: string
  tone: Tone
  answers: readonly Answer[]
  warnings: readonly string[]
  silences: SilenceList
  incidents: readonly Card[]
  moreIncidents: number
  monitors: readonly MonitorRow[]
  moreMonitors: number
  /** When the digest is due; `null` without one. */
  digest: string | null
  /** Who shares the database, and who leads; `null` where there is only this machine. */
  machines: string | null
  sources: readonly SourceRow[]
  /** `null` where the ledger cannot be read. */
  withheld: WithheldList | null
  mails: readonly MailRow[]
  moreMails: number
  recent: readonly RecentRow[]
  version: string
}>

export function overview(view: View, known: OnRecord, health: Health, now: Instant): Overview {
  const cards = known.open.map((incident) => cardOf(incident, historyOf(incident, known), { view, now, length: SHORT }))
  const statuses = probeStatuses(view, now)
  const situation = { view, known, health, statuses, worst: cards[0] ?? null }
  const { state, tone } = headline(situation)
  const monitors = monitorRows(view, statuses, known, now)
  return {
    at: now,
    state,
    tone,
    answers: answersOf(situation, now),
    warnings: warningsOf(view, known.fault, health, now),
    silences: silenceList(view, now),
    incidents: cards,
    moreIncidents: known.openCount - cards.length,
    monitors,
    moreMonitors: view.setup.monitors.size - monitors.length,
    digest:
      view.digest === null
        ? null
        : `${foreign(view.digest.schedule, WORD)} (${foreign(view.digest.timezone, WORD)}), ${nextRun(view.digest, now)}`,
    machines: health.members === undefined ? null : foreign(machinesShown(health.members), SENTENCE),
    sources: sourceRows(view, now),
    withheld: known.withheld === null ? null : withheldList(known.withheld, view, now),
    mails: mailsShown(known.outbox).map((owed) => mailRow(owed, now)),
    moreMails: Math.max(0, known.outbox.length - MAX_MAILS),
    recent: known.recent.map((incident) => recentRow(incident, historyOf(incident, known), now)),
    version: view.version,
  }
}

function historyOf({ id }: Pick<Incident, 'id'>, { rows, mails }: OnRecord): History {
  return { rows: rows.get(id) ?? null, mails: mails.get(id) ?? null }
}

/** The worst first: they are the last to be left out. */
function monitorRows(
  { setup }: View,
  statuses: readonly ProbeStatus[],
  { strips }: OnRecord,
  now: Instant,
): readonly MonitorRow[] {
  const byMonitor = Map.groupBy(statuses, ({ monitor }) => monitor)
  const all = [...setup.monitors.values()]
    .map((monitor) => ({ monitor, own: byMonitor.get(monitor) ?? [] }))
    .map((one) => ({ ...one, tone: toneOf(one.own) }))
    .sort((a, b) => WORST_FIRST.indexOf(a.tone) - WORST_FIRST.indexOf(b.tone))
  const calm = all.filter(({ tone }) => tone === 'good')
  const shown = [...all.slice(0, all.length - calm.length).slice(0, MAX_TROUBLED), ...calm.slice(0, MAX_CALM)]
  let room = MAX_CELLS
  return shown.map(({ monitor, own }) => {
    const row = monitorRow(monitor, own, { strips, room, names: setup.accountNames }, now)
    room -= row.cells.count
    return row
  })
}

/** Refused emails need somebody to act: where there are too many to show, they are not the ones that are left out. */
function mailsShown(outbox: OnRecord['outbox']): OnRecord['outbox'] {
  const refusedFirst = outbox.toSorted((a, b) => Number(b.state === 'refused') - Number(a.state === 'refused'))
  const chosen = new Set(refusedFirst.slice(0, MAX_MAILS))
  return outbox.filter((owed) => chosen.has(owed))
}

/** One incident with its whole history. */
export type IncidentPage = Readonly<{
  at: Instant
  card: Card
  fault: string | null
  version: string
  /** The buttons, for visitors with the link of an email. */
  answer?: AnswerForm | null
}>

export type AnswerForm = Readonly<{
  /** What allows the recipient of an email to answer it. */
  key: string
  recipient: string
  acked: Readonly<{ at: Instant; by: string | null }> | null
}>

/** @param events as AWS last described the explaining ones, by ARN; `null` where that could not be read */
export function incidentPage(
  incident: Incident,
  { events, ...history }: History & Readonly<{ events: ReadonlyMap<string, HealthEvent> | null }>,
  view: View,
  now: Instant,
): IncidentPage {
  const isWhole = history.rows !== null && history.mails !== null && events !== null
  return {
    at: now,
    card: cardOf(withLatest(incident, events ?? new Map()), history, { view, now, length: LONG }),
    fault: isWhole ? null : 'The database cannot be read, so emails and decisions are missing here.',
    version: view.version,
  }
}
