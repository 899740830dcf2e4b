import type { Config } from '../config/config.ts'
import type { AccountNames } from '../domain/account-names.ts'
import type { Incident } from '../domain/incident.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Owed } from '../domain/notification.ts'
import type { Outcome } from '../domain/probe.ts'
import { dated, storyJson } from '../domain/shown.ts'
import type { KeptReading, Store } from '../ports/store.ts'
import { asExit, notFound, readerIfExists } from './database.ts'
import { asLastListed } from './discovered-accounts.ts'
import { EXIT, Exit } from './exit.ts'
import { MAX_JSON_ROWS, storyText } from './explain-text.ts'
import { incidentMeant, unknownIncident } from './given-id.ts'
import { configured, type Io, type ListOptions } from './io.ts'
import { printSupportCase } from './support-case.ts'

/** The newest ledger rows and runs are read, at most this many. */
const LIMIT_JSON = { ledger: MAX_JSON_ROWS, runs: 20_000 } as const
const LIMIT_TEXT = { ledger: 2_000, runs: 500 } as const
const MAX_READINGS = 500

/** What the record has of one incident. */
export type Story = Readonly<{
  incident: Incident
  ledger: readonly LedgerRow[]
  mails: readonly Owed[]
  runs: readonly Outcome[]
  readings: readonly KeptReading[]
  /** How many rows and runs there are in all. */
  counts: Readonly<{ ledger: number; runs: number }>
}>

/** Shows one incident in full, as it was decided at the time: nothing is judged again. */
export async function explain(
  given: string,
  options: ListOptions & Readonly<{ supportCase?: boolean }>,
  io: Io,
): Promise<number> {
  const config = await configured(options, io)
  const isJson = options.json === true
  const store = await readerIfExists(config)
  if (store === null) throw notFound(unknownIncident(given), config)
  const story = await read(store, given, isJson ? LIMIT_JSON : LIMIT_TEXT)
  if (options.supportCase === true) return printSupportCase(story, config, isJson, io)
  const { accountNames: names = null } = await asLastListed(config)
  io.out(
    isJson
      ? JSON.stringify(asJson(story, names), null, 2)
      : storyText(story, { columns: io.columns, timezone: timezoneOf(config, story), names }),
  )
  return EXIT.ok
}

/** Closes the store in the end. */
async function read(store: Store, given: string, limit: Readonly<{ ledger: number; runs: number }>): Promise<Story> {
  try {
    const id = await incidentMeant(given, store)
    const incident = await store.incident(id)
    if (incident === null) throw new Exit(EXIT.usage, unknownIncident(given))
    const from = Math.min(incident.openedAt, ...incident.members.map((member) => member.onset))
    const to = incident.closedAt ?? Date.now()
    return {
      incident,
      ledger: await store.ledger({ incident: id }, limit.ledger),
      mails: await store.mails(id),
      runs: await store.runs(id, limit.runs),
      readings: incident.family === 'outage' ? await store.readings(incident.partition, from, to, MAX_READINGS) : [],
      counts: await store.counts(id),
    }
  } catch (cause) {
    return asExit(cause)
  } finally {
    await store.close()
  }
}

function asJson({ incident, ledger, mails, runs, readings }: Story, names: AccountNames | null) {
  return {
    ...storyJson(incident, ledger, mails, names),
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

/** That of the incident's first monitor. Times are shown in it and in UTC. */
function timezoneOf({ monitors }: Config, { incident }: Story): string {
  const first = incident.members[0]?.monitor
  return (monitors.find(({ name }) => name === first) ?? monitors[0])?.timezone ?? 'Etc/UTC'
}
