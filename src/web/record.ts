import type { Incident } from '../domain/incident.ts'
import type { IncidentSummary } from '../domain/incident-summary.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import { isOpen } from '../domain/mailing.ts'
import type { Owed, StripMark } from '../domain/notification.ts'
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS, type Monitor } from '../domain/probe.ts'
import type { Setup } from '../domain/setup.ts'
import type { World } from '../domain/state.ts'
import type { Log } from '../ports/log.ts'
import type { Reader } from '../ports/store.ts'
import { worstFirst } from './incident-status.ts'

/** Open incidents that the page shows, and closed ones that it lists. */
const MAX_OPEN = 10
const MAX_RECENT = 10
const MAX_ROWS = 300
/** Probes whose last hour is read, over all monitors and of each monitor. */
const MAX_STRIPS = 100
const MAX_STRIPS_EACH = 10
/** Probes beyond those that are read because some run of their last hour was not ok. */
const MAX_UNCLEAN = 300
/** Ledger rows that are searched for withheld alerts. */
const MAX_SEARCHED = 500
/** How far back withheld alerts are shown: less where more was decided than can be searched. */
const BACK: readonly (readonly [number, string])[] = [
  [DAY_MS, 'the last day'],
  [6 * HOUR_MS, 'the last six hours'],
  [HOUR_MS, 'the last hour'],
  [10 * MINUTE_MS, 'the last ten minutes'],
]

/** Alerts that were withheld, newest first, and how far back that goes. */
export type Withheld = Readonly<{ rows: readonly LedgerRow[]; within: string }>

/** The runs of the last hour by probe: of the worst of each monitor, and of those that were not ok throughout. */
export type Strips = ReadonlyMap<string, readonly StripMark[]>

/** What the page takes from the database. */
export type OnRecord = Readonly<{
  /** The worst open incidents as the daemon holds them, worst first; at most `MAX_OPEN`. */
  open: readonly Incident[]
  openCount: number
  /** Closed incidents, newest first. */
  recent: readonly IncidentSummary[]
  /** Of each of these incidents, oldest first; incidents whose rows could not be read are missing. */
  rows: ReadonlyMap<string, readonly LedgerRow[]>
  mails: ReadonlyMap<string, readonly Owed[]>
  /** Every email that is still owed or was refused, of whatever incident. */
  outbox: readonly Owed[]
  strips: Strips
  /** `null` where the ledger could not be read. */
  withheld: Withheld | null
  /** Why some of this could not be read; what is known without the database is shown all the same. */
  fault: string | null
}>

/** Never rejects: a page that says what it lacks is better than none. */
export async function record(
  reader: Reader,
  { world, setup }: Readonly<{ world: World; setup: Setup }>,
  now: Instant,
  log: Log,
): Promise<OnRecord> {
  let fault: string | null = null
  const read: Read = async (work, otherwise) => {
    try {
      return await work
    } catch (cause) {
      if (fault === null)
        log.error('failed to read the database for the status page', { cause, next: 'the page lacks some of it' })
      fault = cause instanceof Error ? cause.message : String(cause)
      return otherwise
    }
  }
  const allOpen = [...world.incidents.values()].filter((incident) => incident.state !== 'closed').sort(worstFirst)
  const open = allOpen.slice(0, MAX_OPEN)
  const recent = await read(reader.incidents(MAX_RECENT, 'closed'), [])
  const found = {
    outbox: (await read(reader.outbox(), [])).filter(isOpen),
    ...(await histories([...open, ...recent], reader, read)),
    strips: await strips({ world, setup }, reader, read, now),
    withheld: await read(withheld(reader, now), null),
  }
  return { open, openCount: allOpen.length, recent, ...found, fault }
}

/** What was read, or the other where it could not be. */
type Read = <T>(work: Promise<T>, otherwise: T) => Promise<T>

async function histories(
  incidents: readonly Readonly<{ id: string }>[],
  reader: Reader,
  read: Read,
): Promise<Pick<OnRecord, 'rows' | 'mails'>> {
  const rows = new Map<string, readonly LedgerRow[]>()
  const mails = new Map<string, readonly Owed[]>()
  for (const { id } of incidents) {
    const decided = await read(reader.ledger({ incident: id }, MAX_ROWS), null)
    const sent = await read(reader.mails(id), null)
    if (decided !== null) rows.set(id, decided)
    if (sent !== null) mails.set(id, sent)
    await breath()
  }
  return { rows, mails }
}

async function strips(
  { world, setup }: Readonly<{ world: World; setup: Setup }>,
  reader: Reader,
  read: Read,
  now: Instant,
): Promise<Strips> {
  const chosen = new Set<string>()
  for (const monitor of worstMonitorsFirst(setup, world)) {
    const limit = Math.min(MAX_STRIPS - chosen.size, MAX_STRIPS_EACH)
    for (const probe of worstProbes(monitor, world, limit)) chosen.add(probe)
  }
  const unclean = [...setup.probes.keys()].filter((id) => {
    const at = world.probes.get(id)?.lastUncleanAt ?? null
    return at !== null && at > now - HOUR_MS && !chosen.has(id)
  })
  const found = new Map<string, readonly StripMark[]>()
  for (const probe of [...chosen, ...unclean.slice(0, MAX_UNCLEAN)]) {
    const marks = await read(reader.strip(probe, now - HOUR_MS), [])
    if (marks.length > 0) found.set(probe, marks)
    await breath()
  }
  return found
}

/** There are not strips for all: those that fail must have theirs. */
function worstMonitorsFirst({ monitors }: Setup, world: World): readonly Monitor[] {
  const isFine = ({ probes }: Monitor) => Number(probes.every(({ id }) => isOk(id, world)))
  return [...monitors.values()].sort((a, b) => isFine(a) - isFine(b))
}

/** Among forty accounts the one that fails must be seen. */
function worstProbes(monitor: Monitor, world: World, limit: number): readonly string[] {
  return monitor.probes
    .map(({ id }) => id)
    .sort((a, b) => Number(isOk(a, world)) - Number(isOk(b, world)))
    .slice(0, limit)
}

function isOk(probe: string, { probes }: World): boolean {
  return (probes.get(probe)?.status ?? 'ok') === 'ok'
}

async function withheld(reader: Reader, now: Instant): Promise<Withheld> {
  let rows: readonly LedgerRow[] = []
  let within = ''
  for (const [ms, words] of BACK) {
    rows = await reader.ledger({ since: now - ms }, MAX_SEARCHED)
    within = words
    if (rows.length < MAX_SEARCHED) break
  }
  return { rows: rows.filter((row) => row.decision === 'withheld').toReversed(), within }
}

/** The database is read on the daemon's own thread: between two reads its probes get their turn. */
function breath(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
