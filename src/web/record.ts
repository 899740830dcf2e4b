import type { Incident } from '../domain/incident.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import { isOpen } from '../domain/mailing.ts'
import type { Owed, StripMark } from '../domain/notification.ts'
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS, type Monitor } from '../domain/probe.ts'
import type { Setup } from '../domain/setup.ts'
import type { World } from '../domain/state.ts'
import type { Log } from '../ports/log.ts'
import type { Reader } from '../ports/store.ts'
import { worstFirst } from './status.ts'

/** Open incidents that the page shows, and closed ones that it lists. */
export const MAX_OPEN = 10
export const MAX_RECENT = 10
/** Open incidents that may be newer than the last closed ones; with more of them, fewer closed ones are found. */
const MAX_NEWER = 100
const MAX_ROWS = 300
/** Probes whose last hour is read, over all monitors: those of one monitor are shown as one strip. */
const MAX_STRIPS = 100
const MAX_STRIPS_EACH = 10
/** Rows of the ledger that are looked through for what was withheld. */
const MAX_LATELY = 500
/** How far back the page tells what was not told: less where more was decided than can be looked through. */
const LATELY: readonly (readonly [number, string])[] = [
  [DAY_MS, 'the last day'],
  [6 * HOUR_MS, 'the last six hours'],
  [HOUR_MS, 'the last hour'],
  [10 * MINUTE_MS, 'the last ten minutes'],
]

/** What was not told, the newest first, and how far back that goes. */
export type Withheld = Readonly<{ rows: readonly LedgerRow[]; within: string }>

/** What the page takes from the disk. */
export type OnRecord = Readonly<{
  /** Open ones, as the daemon holds them, the worst first; at most `MAX_OPEN`. */
  open: readonly Incident[]
  openCount: number
  /** Closed ones, the last opened first. */
  recent: readonly Incident[]
  /** Of each of these incidents, oldest first; an incident whose story could not be read is not there. */
  rows: ReadonlyMap<string, readonly LedgerRow[]>
  mails: ReadonlyMap<string, readonly Owed[]>
  /** Everything that is still owed or was refused, of whatever incident. */
  outbox: readonly Owed[]
  /** The last hour of each monitor: the runs of its worst probes together. */
  strips: ReadonlyMap<string, readonly StripMark[]>
  /** What was not told lately, and why; `null` where that could not be read. */
  withheld: Withheld | null
  /** Why some of this could not be read; what is known without the disk is shown all the same. */
  fault: string | null
}>

/** Never rejects: a page that does not come is worth less than one that says what it lacks. */
export async function record(
  reader: Reader,
  { world, setup }: Readonly<{ world: World; setup: Setup }>,
  now: Instant,
  log: Log,
): Promise<OnRecord> {
  let fault: string | null = null
  const read = async <T>(work: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work
    } catch (cause) {
      if (fault === null) log.error('the page could not read the database', { cause, next: 'it shows what is known without' })
      fault = cause instanceof Error ? cause.message : String(cause)
      return otherwise
    }
  }
  const allOpen = [...world.incidents.values()].filter((incident) => incident.state !== 'closed').sort(worstFirst)
  const open = allOpen.slice(0, MAX_OPEN)
  const newer = Math.min(allOpen.length, MAX_NEWER)
  const [newest, owed] = await Promise.all([read(reader.incidents(newer + MAX_RECENT), []), read(reader.outbox(), [])])
  const outbox = owed.filter(isOpen)
  const recent = newest.filter((incident) => incident.state === 'closed').slice(0, MAX_RECENT)
  const rows = new Map<string, readonly LedgerRow[]>()
  const mails = new Map<string, readonly Owed[]>()
  // One after the other: the database is read on the daemon's own thread, and a run must not stand still behind a page.
  for (const incident of [...open, ...recent]) {
    const its = await read(reader.ledger({ incident: incident.id }, MAX_ROWS), null)
    const sent = await read(reader.mails(incident.id), null)
    if (its !== null) rows.set(incident.id, its)
    if (sent !== null) mails.set(incident.id, sent)
    await breath()
  }
  const strips = new Map<string, readonly StripMark[]>()
  let left = MAX_STRIPS
  for (const monitor of worstMonitorsFirst(setup, world)) {
    const marks: StripMark[] = []
    for (const probe of worstProbes(monitor, world, Math.min(left, MAX_STRIPS_EACH))) {
      marks.push(...(await read(reader.strip(probe, now - HOUR_MS), [])))
      left -= 1
      await breath()
    }
    if (marks.length > 0) strips.set(monitor.name, marks)
    if (left <= 0) break
  }
  const withheld = await read(lately(reader, now), null)
  return { open, openCount: allOpen.length, recent, rows, mails, outbox, strips, withheld, fault }
}

/** There are not strips for everybody: those that fail must have theirs. */
function worstMonitorsFirst({ monitors }: Setup, world: World): readonly Monitor[] {
  const well = ({ probes }: Monitor) => Number(probes.every(({ id }) => isWell(id, world)))
  return [...monitors.values()].sort((a, b) => well(a) - well(b))
}

/** A strip is that of the worst: among forty accounts the one that fails must be seen. */
function worstProbes(monitor: Monitor, world: World, limit: number): readonly string[] {
  const well = (id: string) => Number(isWell(id, world))
  return monitor.probes
    .map((probe) => probe.id)
    .sort((a, b) => well(a) - well(b))
    .slice(0, limit)
}

function isWell(probe: string, { probes }: World): boolean {
  return (probes.get(probe)?.standing ?? 'well') === 'well'
}

async function lately(reader: Reader, now: Instant): Promise<Withheld> {
  let rows: readonly LedgerRow[] = []
  let within = ''
  for (const [ms, words] of LATELY) {
    rows = await reader.ledger({ since: now - ms }, MAX_LATELY)
    within = words
    if (rows.length < MAX_LATELY) break
  }
  return { rows: rows.filter((row) => row.decision === 'withheld').toReversed(), within }
}

function breath(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
