import type { Config } from '../config/config.ts'
import { inWordsByClock, iso } from '../domain/duration.ts'
import type { Incident, Member } from '../domain/incident.ts'
import { leadWords } from '../domain/lead.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Owed } from '../domain/notification.ts'
import type { SourceState } from '../domain/outage.ts'
import type { Outcome } from '../domain/probe.ts'
import { decisiveTry } from '../domain/probe.ts'
import { dated, storyJson } from '../domain/shown.ts'
import { spanOf } from '../domain/span.ts'
import type { Verdict } from '../domain/verdict.ts'
import { local } from '../email/times.ts'
import type { KeptReading, Store } from '../ports/store.ts'
import { asExit, notKnown, readerIfBegun } from './database.ts'
import { EXIT, Exit } from './exit.ts'
import { configured, type Io, type Listing } from './io.ts'
import { printSupportCase } from './support-case.ts'
import { cell, page, table } from './table.ts'

/** The newest rows and runs are read, at most so many, for machines and for people. */
const MAX = { ledger: 10_000, runs: 20_000 } as const
const ENOUGH = { ledger: 2_000, runs: 500 } as const
/** Stretches in which AWS Health said the same. */
const MAX_READINGS = 500
/** What is printed for people, who want to know how it stands now and how it came to that. */
const SHOWN = { members: 12, decisions: 60, judgements: 12, readings: 30, runs: 20 } as const

type Story = Readonly<{
  incident: Incident
  ledger: readonly LedgerRow[]
  mails: readonly Owed[]
  runs: readonly Outcome[]
  readings: readonly KeptReading[]
  /** How many rows and runs there are; what was read are the newest. */
  counts: Readonly<{ ledger: number; runs: number }>
}>

/** One incident's whole story, as it was decided then: from the ledger, not judged anew. */
export async function explain(id: string, options: Listing & Readonly<{ supportCase?: boolean }>, io: Io): Promise<number> {
  const config = await configured(options, io)
  const unknown = `there is no incident ${id}: \`alibi incidents\` shows them`
  const store = await readerIfBegun(config)
  if (store === null) throw notKnown(unknown, config)
  const story = await read(store, id, options.json === true ? MAX : ENOUGH)
  if (story === null) throw new Exit(EXIT.usage, unknown)
  if (options.supportCase === true) return printSupportCase(story, config, options.json === true, io)
  if (options.json === true) io.out(JSON.stringify(asJson(story), null, 2))
  else io.out(told(story, io.columns, timezoneOf(config, story.incident)))
  return EXIT.well
}

/** Closes the store when it is done. */
async function read(store: Store, id: string, most: Readonly<{ ledger: number; runs: number }>): Promise<Story | null> {
  try {
    const incident = await store.incident(id)
    if (incident === null) return null
    const from = Math.min(incident.openedAt, ...incident.members.map((member) => member.onset))
    const to = incident.closedAt ?? Date.now()
    const [ledger, mails, runs, readings, counts] = [
      await store.ledger({ incident: id }, most.ledger),
      await store.mails(id),
      await store.runs(id, most.runs),
      incident.family === 'outage' ? await store.readings(incident.partition, from, to, MAX_READINGS) : [],
      await store.counts(id),
    ]
    return { incident, ledger, mails, runs, readings, counts }
  } catch (cause) {
    return asExit(cause)
  } finally {
    await store.close()
  }
}

function asJson({ incident, ledger, mails, runs, readings }: Story) {
  return {
    ...storyJson(incident, ledger, mails),
    runs: runs.map(dated),
    readings: readings.map(({ since, until, reading: { sources, events } }) =>
      dated({
        since,
        until,
        sources,
        events: events.map(({ arn, code, region, status, updatedAt }) => ({ arn, code, region, status, updatedAt })),
      }),
    ),
  }
}

/** The time zone of the incident's first monitor, beside UTC. */
function timezoneOf(config: Config, incident: Incident): string {
  const first = incident.members[0]?.monitor
  return (config.monitors.find((monitor) => monitor.name === first) ?? config.monitors[0])?.timezone ?? 'Etc/UTC'
}

function told({ incident, ledger, mails, runs, readings, counts }: Story, columns: number | null, timezone: string): string {
  const when = (at: number) => {
    const there = local(at, timezone)
    return there === null ? iso(at) : `${iso(at)} (${there})`
  }
  const ended = incident.closedAt === null ? 'open' : `closed ${when(incident.closedAt)} (${incident.closedAs})`
  const lines = [
    `Incident ${incident.id}: ${incident.family}, ${incident.state}, ${incident.verdict}`,
    `  opened ${when(incident.openedAt)}, ${ended}`,
    `  ${lasted(incident, when)}`,
    ...(incident.explainedBy === null ? [] : [`  explained by ${cell(incident.explainedBy)}`]),
    ...(incident.leadMinutes === null ? [] : [`  AWS’s first post came ${leadWords(incident.leadMinutes)}`]),
    ...(incident.continues === null ? [] : [`  goes on from ${incident.continues.id} (${incident.continues.family})`]),
    '',
    ...membersLines(incident.members, when),
    '',
    `What was decided, and why${lastOf(SHOWN.decisions, counts.ledger)}`,
    table(
      ['at', 'decision', 'rule', 'reason'],
      ledger
        .slice(-SHOWN.decisions)
        .map((row) => [when(row.at), row.decision, row.rule ?? '', `${row.probe === null ? '' : `${row.probe}: `}${row.reason}`]),
      columns,
    ),
    '',
    ...judgementLines(ledger, when),
    ...readingLines(readings, when, columns),
    'Mails',
    mails.length === 0
      ? 'none'
      : table(
          ['owed at', 'kind', 'recipient', 'address', 'state', 'delivered', 'reply or error'],
          mails.map(({ notification: n, address, state, deliveredAt, reply, error }) => [
            iso(n.createdAt),
            n.kind,
            n.recipient,
            address,
            state,
            deliveredAt === null ? '-' : iso(deliveredAt),
            reply ?? error ?? '',
          ]),
          columns,
        ),
    '',
    `Runs${counts.runs > SHOWN.runs ? lastOf(SHOWN.runs, counts.runs) : ` (${counts.runs})`}`,
    table(
      ['began', 'probe', 'outcome', 'error', 'status', 'ms', 'request id'],
      runs.slice(-SHOWN.runs).map((run) => {
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
      }),
      columns,
    ),
  ]
  return page(lines, columns)
}

/** Each judgement that decided something: the verdict as it was then, and every event that was considered with the test it failed. */
function judgementLines(ledger: readonly LedgerRow[], when: (at: number) => string): readonly string[] {
  const known = new Set<string>()
  const judged = ledger.flatMap((row) =>
    judgementsIn(row.evidence).flatMap((judgement) => {
      // Every decision that rests on a judgement has it as its evidence: it was made once.
      const key = JSON.stringify([judgement.probe, judgement.readAt, judgement.verdict])
      if (known.has(key)) return []
      known.add(key)
      return [{ row, judgement }]
    }),
  )
  if (judged.length === 0) return []
  const shown = judged.slice(-SHOWN.judgements)
  const lines = shown.flatMap(({ row, judgement: { probe, verdict, readAt } }) => [
    `${when(row.at)}  ${probe}: ${verdict.kind}${readAt === null ? '' : `, by what AWS Health said at ${when(readAt)}`}`,
    ...(verdict.kind === 'explained'
      ? [`  passed every test: ${verdict.by.code} (${verdict.by.region ?? 'no region'}), ${verdict.by.match}`]
      : []),
    ...verdict.rejected.map(
      (miss) => `  failed the test of ${miss.test}: ${miss.code} (${miss.region ?? 'no region'}, ${miss.status}): ${miss.why}`,
    ),
  ])
  return [`What was judged${lastOf(SHOWN.judgements, judged.length)}`, ...lines.map(cell), '']
}

/** ` (the last 20 of 3286; …)`; empty where all are shown. */
function lastOf(shown: number, all: number): string {
  if (all <= shown) return ''
  return ` (the last ${shown} of ${all}; \`--json\` has ${all > MAX.ledger ? 'more' : 'all'})`
}

/** Who was told, and the page, count as this does: the decisions come a little after what they are about. */
function lasted(incident: Incident, when: (at: number) => string): string {
  const { from, to } = spanOf(incident)
  return to === null ? `failing since ${when(from)}` : `failed from ${when(from)} to ${when(to)}: ${inWordsByClock(from, to)}`
}

type Judgement = Readonly<{ probe: string; verdict: Verdict; readAt: number | null }>

/** Rows of other decisions hold other evidence. */
function judgementsIn(evidence: unknown): readonly Judgement[] {
  if (!Array.isArray(evidence)) return []
  return evidence.filter((one): one is Judgement => typeof one === 'object' && one !== null && 'probe' in one && 'verdict' in one)
}

function readingLines(readings: readonly KeptReading[], when: (at: number) => string, columns: number | null): readonly string[] {
  if (readings.length === 0) return []
  const rows = readings
    .slice(-SHOWN.readings)
    .map(({ since, until, reading }) => [
      when(since),
      until === since ? 'once' : `for ${inWordsByClock(since, until)}`,
      said(reading.sources.api),
      said(reading.sources.dashboard),
      String(reading.events.length),
    ])
  return [
    `What AWS Health said${lastOf(SHOWN.readings, readings.length)}`,
    table(['from', 'the same', 'Health API', 'dashboard', 'events'], rows, columns),
    '',
  ]
}

function said({ state, detail }: SourceState): string {
  return state === 'answered' ? 'answered' : `${state}: ${detail}`
}

/** Those that fail first, as they came; the others are counted. */
function membersLines(members: readonly Member[], when: (at: number) => string): readonly string[] {
  const unwellFirst = members.toSorted((a, b) => Number(a.state === 'well') - Number(b.state === 'well'))
  const [shown, rest] = [unwellFirst.slice(0, SHOWN.members), unwellFirst.slice(SHOWN.members)]
  const states = [...Map.groupBy(rest, ({ state }) => state)].map(([state, some]) => `${some.length} ${state}`)
  return [
    ...shown.flatMap((member) => memberLines(member, when)),
    ...(rest.length === 0 ? [] : [`and ${rest.length} more (${states.join(', ')}); \`--json\` has all`]),
  ]
}

function memberLines(member: Member, when: (at: number) => string): readonly string[] {
  const { verdict, carried, lapsed, readAt } = member.standing
  return [
    `${member.probe}: ${member.state}, began ${member.lastOkAt === null ? 'at or before' : `between ${when(member.lastOkAt)} (last ok) and`} ${when(member.onset)}`,
    `  ${verdict.kind}: ${cell(verdict.why)}${readAt === null ? '' : ` (AWS Health read at ${when(readAt)})`}`,
    ...(carried === null ? [] : [`  still stands: ${cell(carried)}`]),
    ...(lapsed === null ? [] : [`  no longer: ${cell(lapsed.why)}`]),
    ...verdict.rejected.map(
      (miss) => `  near miss ${miss.code} (${miss.region ?? 'no region'}): ${miss.test}: ${cell(miss.why)}`,
    ),
  ]
}
