import { type AccountNames, nameOfAccount, withName } from '../domain/account-names.ts'
import { inWordsByClock, iso } from '../domain/duration.ts'
import type { Incident, Member } from '../domain/incident.ts'
import { leadWords } from '../domain/lead.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Owed } from '../domain/notification.ts'
import type { SourceState } from '../domain/outage.ts'
import { decisiveTry, type Outcome } from '../domain/probe.ts'
import { spanOf } from '../domain/span.ts'
import type { Verdict } from '../domain/verdict.ts'
import { local } from '../email/times.ts'
import type { KeptReading } from '../ports/store.ts'
import type { Story } from './explain.ts'
import { answer, grouped, type RowGroup } from './explain-answer.ts'
import { cell, page, table } from './table.ts'

/** `--json` has at most this many ledger rows. */
export const MAX_JSON_ROWS = 10_000
/** How much of each part is shown: what led to the current state. */
const SHOWN = { members: 12, decisions: 60, verdicts: 12, readings: 30, runs: 20 } as const

type Format = Readonly<{
  columns: number | null
  /** An instant in UTC and in the monitor's time zone. */
  time: (at: number) => string
  /** What accounts are called; `null`: that is not shown. */
  names: AccountNames | null
}>

/** One incident in full, for a terminal. */
export function storyText(
  story: Story,
  options: Readonly<{ columns: number | null; timezone: string; names: AccountNames | null }>,
): string {
  const { incident, ledger, mails, runs, readings, counts } = story
  const format: Format = {
    columns: options.columns,
    names: options.names,
    time: (at) => {
      const there = local(at, options.timezone)
      return there === null ? iso(at) : `${iso(at)} (${there})`
    },
  }
  const parts = [
    cell(answer(incident, ledger, format.time)),
    '',
    ...headLines(incident, format),
    '',
    ...memberLines(incident.members, format),
    '',
    ...decisionLines(ledger, counts.ledger, format),
    '',
    ...verdictLines(ledger, format),
    ...readingLines(readings, format),
    ...mailLines(mails, format),
    '',
    ...runLines(runs, counts.runs, format),
  ]
  return page(parts, options.columns)
}

function headLines(incident: Incident, { time }: Format): readonly string[] {
  const { id, family, state, verdict, openedAt, closedAt, closedAs, explainedBy, leadMinutes, continues } = incident
  const end = closedAt === null ? 'still open' : `closed ${time(closedAt)} (${closedAs})`
  return [
    `Incident ${id}: ${family}, ${state}, ${verdict}`,
    `  opened ${time(openedAt)}, ${end}`,
    `  ${failureLine(incident, time)}`,
    ...(explainedBy === null ? [] : [`  explained by ${cell(explainedBy)}`]),
    ...(leadMinutes === null ? [] : [`  AWS’s first post came ${leadWords(leadMinutes)}`]),
    ...(continues === null ? [] : [`  continues incident ${continues.id} (${continues.family})`]),
  ]
}

/** From the first failed run to the last recovery, as emails and page say it: an incident opens and closes a little later. */
function failureLine(incident: Incident, time: Format['time']): string {
  const { from, to } = spanOf(incident)
  return to === null ? `failing since ${time(from)}` : `failed from ${time(from)} to ${time(to)}: ${inWordsByClock(from, to)}`
}

/** Failing probes first; the rest is counted. */
function memberLines(members: readonly Member[], format: Format): readonly string[] {
  const failingFirst = members.toSorted((a, b) => Number(a.state === 'recovered') - Number(b.state === 'recovered'))
  const [shown, rest] = [failingFirst.slice(0, SHOWN.members), failingFirst.slice(SHOWN.members)]
  const states = [...Map.groupBy(rest, ({ state }) => state)].map(([state, some]) => `${some.length} ${state}`)
  const alike = [...Map.groupBy(shown, (member) => JSON.stringify(judgementLines(member, format)))]
  return [
    ...alike.flatMap(([, some]) => [
      ...some.map((member) => memberLine(member, format)),
      ...(some[0] === undefined ? [] : judgementLines(some[0], format)),
    ]),
    ...(rest.length === 0 ? [] : [`and ${rest.length} more (${states.join(', ')}); \`--json\` has all`]),
  ]
}

function memberLine(member: Member, { time, names }: Format): string {
  const since = member.lastOkAt === null ? 'at or before' : `between ${time(member.lastOkAt)} (last ok) and`
  return `${cell(withName(member.probe, nameOfAccount(member, names)))}: ${member.state}, began ${since} ${time(member.onset)}`
}

/** What AWS Health says of it: the same for many. */
function judgementLines(member: Member, { time }: Format): readonly string[] {
  const { verdict, carried, lapsed, readAt } = member.judgement
  return [
    `  ${verdict.kind}: ${cell(verdict.why)}${readAt === null ? '' : ` (AWS Health read at ${time(readAt)})`}`,
    ...(carried === null ? [] : [`  explanation kept: ${cell(carried)}`]),
    ...(lapsed === null ? [] : [`  explanation lapsed: ${cell(lapsed.why)}`]),
    ...verdict.rejected.map(
      (event) => `  rejected ${event.code} (${event.region ?? 'no region'}): ${event.test}: ${cell(event.why)}`,
    ),
  ]
}

function decisionLines(ledger: readonly LedgerRow[], count: number, { columns, time }: Format): readonly string[] {
  const rows = grouped(ledger.slice(-SHOWN.decisions)).map((group) => [
    time(group.row.at),
    group.row.decision,
    group.row.rule ?? '',
    `${subjectOf(group)}${group.row.reason}${timesOf(group, time)}`,
  ])
  return [`Decisions${lastOf(SHOWN.decisions, count)}`, table(['at', 'decision', 'rule', 'reason'], rows, columns)]
}

function subjectOf({ probes }: RowGroup): string {
  const [first] = probes
  if (first === undefined) return ''
  return probes.length === 1 ? `${first}: ` : `${probes.length} probes: `
}

/** Nothing for what was decided once, or once for each probe. */
function timesOf({ times, last, probes }: RowGroup, time: Format['time']): string {
  return times <= Math.max(1, probes.length) ? '' : ` (${times} times, last ${time(last)})`
}

/** The verdicts that decisions rest on, as they were then: with every event that was considered, and the test that it failed. */
function verdictLines(ledger: readonly LedgerRow[], { time }: Format): readonly string[] {
  const known = new Set<string>()
  const judged = ledger.flatMap((row) =>
    judgementsIn(row.evidence).flatMap((judgement) => {
      // Several decisions may have the same verdict as their evidence.
      const key = JSON.stringify([judgement.probe, judgement.readAt, judgement.verdict])
      if (known.has(key)) return []
      known.add(key)
      return [{ row, judgement }]
    }),
  )
  if (judged.length === 0) return []
  const lines = judged
    .slice(-SHOWN.verdicts)
    .flatMap(({ row, judgement: { probe, verdict, readAt } }) => [
      `${time(row.at)}  ${probe}: ${verdict.kind}${readAt === null ? '' : ` (AWS Health read at ${time(readAt)})`}`,
      ...(verdict.kind === 'explained'
        ? [`  passed all tests: ${verdict.by.code} (${verdict.by.region ?? 'no region'}), ${verdict.by.match}`]
        : []),
      ...verdict.rejected.map(
        (event) =>
          `  failed the ${event.test} test: ${event.code} (${event.region ?? 'no region'}, ${event.status}): ${event.why}`,
      ),
    ])
  return [`Verdicts${lastOf(SHOWN.verdicts, judged.length)}`, ...lines.map(cell), '']
}

type Judgement = Readonly<{ probe: string; verdict: Verdict; readAt: number | null }>

/** The evidence of some decisions has another form. */
function judgementsIn(evidence: unknown): readonly Judgement[] {
  if (!Array.isArray(evidence)) return []
  return evidence.filter((one): one is Judgement => typeof one === 'object' && one !== null && 'probe' in one && 'verdict' in one)
}

function readingLines(readings: readonly KeptReading[], { columns, time }: Format): readonly string[] {
  if (readings.length === 0) return []
  const isQueued = readings.some(({ reading }) => reading.sources.queue !== undefined)
  const rows = readings
    .slice(-SHOWN.readings)
    .map(({ since, until, reading }) => [
      time(since),
      until === since ? '-' : inWordsByClock(since, until),
      sourceText(reading.sources.api),
      sourceText(reading.sources.dashboard),
      ...(isQueued ? [reading.sources.queue === undefined ? '-' : sourceText(reading.sources.queue)] : []),
      String(reading.events.length),
    ])
  return [
    `AWS Health${lastOf(SHOWN.readings, readings.length)}`,
    table(['from', 'unchanged for', 'Health API', 'dashboard', ...(isQueued ? ['queue'] : []), 'events'], rows, columns),
    '',
  ]
}

function sourceText({ state, detail }: SourceState): string {
  return state === 'answered' ? 'answered' : `${state}: ${detail}`
}

function mailLines(mails: readonly Owed[], { columns }: Format): readonly string[] {
  const rows = mails.map(({ notification: n, address, state, deliveredAt, reply, error }) => [
    iso(n.createdAt),
    n.kind,
    n.recipient,
    address,
    state,
    deliveredAt === null ? '-' : iso(deliveredAt),
    reply ?? error ?? '',
  ])
  const head = ['queued', 'kind', 'recipient', 'address', 'state', 'delivered', 'reply or error']
  return ['Emails', mails.length === 0 ? 'none' : table(head, rows, columns)]
}

function runLines(runs: readonly Outcome[], count: number, { columns }: Format): readonly string[] {
  const rows = runs.slice(-SHOWN.runs).map((run) => {
    const last = decisiveTry(run)
    return [
      iso(run.startedAt),
      run.probe,
      run.kind ?? run.result,
      last?.error ?? '',
      String(last?.status ?? ''),
      String(Math.round(run.endedAt - run.startedAt)),
      last?.requestId ?? '',
    ]
  })
  return [
    `Runs${count > SHOWN.runs ? lastOf(SHOWN.runs, count) : ` (${count})`}`,
    table(['began', 'probe', 'outcome', 'error', 'status', 'ms', 'request id'], rows, columns),
  ]
}

/** ` (the last 20 of 3286; …)`; empty if all are shown. */
function lastOf(shown: number, all: number): string {
  if (all <= shown) return ''
  return ` (the last ${shown} of ${all}; \`--json\` has ${all > MAX_JSON_ROWS ? 'more' : 'all'})`
}
