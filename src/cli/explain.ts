import { databaseExists, openStore } from '../adapters/sqlite/store.ts'
import { inWords } from '../domain/duration.ts'
import type { Incident, Member } from '../domain/incident.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Owed } from '../domain/notification.ts'
import type { Outcome } from '../domain/probe.ts'
import { decisiveTry } from '../domain/probe.ts'
import { StoreError } from '../ports/store.ts'
import { EXIT, Exit, exitOf } from './exit.ts'
import { configured, type Io, type Listing, say } from './io.ts'
import { cell, table } from './table.ts'

const MAX_ROWS = 2_000
const MAX_RUNS = 500
/** Runs that are listed for people; `--json` has them all. */
const RUNS_SHOWN = 20

type Story = Readonly<{ incident: Incident; ledger: readonly LedgerRow[]; mails: readonly Owed[]; runs: readonly Outcome[] }>

/** One incident's whole story, as it was decided then: from the ledger, not judged anew. */
export async function explain(id: string, options: Listing, io: Io): Promise<number> {
  const config = await configured(options, io)
  const story = databaseExists(config.storage.path) ? await read(config.storage.path, id) : null
  if (story === null) throw new Exit(EXIT.usage, `there is no incident ${id}: \`alibi incidents\` shows them`)
  if (options.json === true) io.out(JSON.stringify(asJson(story), null, 2))
  else say(io, told(story, io.columns))
  return story.incident.state === 'closed' ? EXIT.well : exitOf([story.incident.verdict])
}

async function read(path: string, id: string): Promise<Story | null> {
  try {
    const store = await openStore({ path, readOnly: true })
    try {
      const incident = await store.incident(id)
      if (incident === null) return null
      const [ledger, mails, runs] = [
        await store.ledger({ incident: id }, MAX_ROWS),
        await store.mails(id),
        await store.runs(id, MAX_RUNS),
      ]
      return { incident, ledger, mails, runs }
    } finally {
      await store.close()
    }
  } catch (cause) {
    if (cause instanceof StoreError) throw new Exit(EXIT.unreachable, cause.message)
    throw cause
  }
}

function asJson({ incident, ledger, mails, runs }: Story) {
  const { audience: _, ...rest } = incident
  return {
    incident: rest,
    ledger: ledger.map((row) => ({ ...row, at: iso(row.at) })),
    mails: mails.map(({ notification: n, state, attempts, deliveredAt, error, reply }) => ({
      id: n.id,
      kind: n.kind,
      recipient: n.recipient,
      createdAt: iso(n.createdAt),
      state,
      attempts,
      deliveredAt: deliveredAt === null ? null : iso(deliveredAt),
      error,
      reply,
    })),
    runs,
  }
}

function told({ incident, ledger, mails, runs }: Story, columns: number | null): string {
  const ended =
    incident.closedAt === null
      ? 'open'
      : `closed ${iso(incident.closedAt)} (${incident.closedAs}), after ${inWords(incident.closedAt - incident.openedAt)}`
  const lines = [
    `Incident ${incident.id}: ${incident.family}, ${incident.state}, ${incident.verdict}`,
    `  opened ${iso(incident.openedAt)}, ${ended}`,
    ...(incident.explainedBy === null ? [] : [`  explained by ${cell(incident.explainedBy)}`]),
    ...(incident.leadMinutes === null
      ? []
      : [
          `  AWS’s first post came ${Math.abs(incident.leadMinutes)} min ${incident.leadMinutes >= 0 ? 'after' : 'before'} our first failed run`,
        ]),
    ...(incident.continues === null ? [] : [`  goes on from ${incident.continues.id} (${incident.continues.family})`]),
    '',
    ...incident.members.flatMap(memberLines),
    '',
    'What was decided, and why',
    table(
      ['at', 'decision', 'rule', 'reason'],
      ledger.map((row) => [
        iso(row.at),
        row.decision,
        row.rule ?? '',
        `${row.probe === null ? '' : `${row.probe}: `}${row.reason}`,
      ]),
      columns,
    ),
    '',
    'Mails',
    mails.length === 0
      ? 'none'
      : table(
          ['owed at', 'kind', 'recipient', 'state', 'delivered', 'reply or error'],
          mails.map(({ notification: n, state, deliveredAt, reply, error }) => [
            iso(n.createdAt),
            n.kind,
            n.recipient,
            state,
            deliveredAt === null ? '-' : iso(deliveredAt),
            reply ?? error ?? '',
          ]),
          columns,
        ),
    '',
    `Runs (${runs.length}${runs.length > RUNS_SHOWN ? `, the last ${RUNS_SHOWN}` : ''})`,
    table(
      ['began', 'probe', 'outcome', 'error', 'status', 'ms', 'request id'],
      runs.slice(-RUNS_SHOWN).map((run) => {
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
  return lines.join('\n')
}

function memberLines(member: Member): readonly string[] {
  const { verdict, carried, lapsed, readAt } = member.standing
  return [
    `${member.probe}: ${member.state}, began ${member.lastOkAt === null ? 'at or before' : `between ${iso(member.lastOkAt)} (last ok) and`} ${iso(member.onset)}`,
    `  ${verdict.kind}: ${cell(verdict.why)}${readAt === null ? '' : ` (AWS Health read at ${iso(readAt)})`}`,
    ...(carried === null ? [] : [`  still stands: ${cell(carried)}`]),
    ...(lapsed === null ? [] : [`  no longer: ${cell(lapsed.why)}`]),
    ...verdict.nearMisses.map(
      (miss) => `  near miss ${miss.code} (${miss.region ?? 'no region'}): ${miss.test}: ${cell(miss.why)}`,
    ),
  ]
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
