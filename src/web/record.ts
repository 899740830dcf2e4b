import type { Incident } from '../domain/incident.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Owed } from '../domain/notification.ts'
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS } from '../domain/probe.ts'
import type { World } from '../domain/state.ts'
import type { Log } from '../ports/log.ts'
import type { Reader } from '../ports/store.ts'

/** Open incidents that the page shows in full, and closed ones that it lists. */
export const MAX_OPEN = 10
export const MAX_RECENT = 10
const MAX_ROWS = 300
/** Looked back from now until the rows fit: the ledger gives the oldest first, and the newest matter. */
const WINDOWS_MS = [Number.POSITIVE_INFINITY, 30 * DAY_MS, 7 * DAY_MS, DAY_MS, 6 * HOUR_MS, HOUR_MS, 10 * MINUTE_MS] as const

/** What the page takes from the disk. */
export type OnRecord = Readonly<{
  /** Open ones, as the daemon holds them, the newest first; at most `MAX_OPEN`. */
  open: readonly Incident[]
  openCount: number
  /** Closed ones, the last opened first. */
  recent: readonly Incident[]
  /** Of each of these incidents, oldest first; an incident whose story could not be read is not there. */
  rows: ReadonlyMap<string, readonly LedgerRow[]>
  mails: ReadonlyMap<string, readonly Owed[]>
  /** Everything that is still owed or was refused, of whatever incident. */
  outbox: readonly Owed[]
  /** Why some of this could not be read; what is known without the disk is shown all the same. */
  fault: string | null
}>

/** Never rejects: a page that does not come is worth less than one that says what it lacks. */
export async function record(reader: Reader, world: World, now: Instant, log: Log): Promise<OnRecord> {
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
  const allOpen = [...world.incidents.values()].filter((incident) => incident.state !== 'closed').sort(newestFirst)
  const open = allOpen.slice(0, MAX_OPEN)
  const [newest, outbox] = await Promise.all([read(reader.incidents(MAX_OPEN + MAX_RECENT), []), read(reader.outbox(), [])])
  const recent = newest.filter((incident) => incident.state === 'closed').slice(0, MAX_RECENT)
  const rows = new Map<string, readonly LedgerRow[]>()
  const mails = new Map<string, readonly Owed[]>()
  // One after the other: the database is read on the daemon's own thread, and a run must not stand still behind a page.
  for (const incident of [...open, ...recent]) {
    const its = await read(newestRows(reader, incident, MAX_ROWS, now), null)
    const sent = await read(reader.mails(incident.id), null)
    if (its !== null) rows.set(incident.id, its)
    if (sent !== null) mails.set(incident.id, sent)
    await breath()
  }
  return { open, openCount: allOpen.length, recent, rows, mails, outbox, fault }
}

/** The newest rows of an incident, oldest first; all of them, if they are fewer than `limit`. */
export async function newestRows(reader: Reader, incident: Incident, limit: number, now: Instant): Promise<readonly LedgerRow[]> {
  const end = incident.closedAt ?? now
  let rows: readonly LedgerRow[] = []
  for (const window of WINDOWS_MS) {
    const since = Number.isFinite(window) ? end - window : null
    if (since !== null && since <= incident.openedAt) continue
    rows = await reader.ledger({ incident: incident.id, ...(since === null ? {} : { since }) }, limit)
    if (rows.length < limit) break
  }
  return rows
}

function breath(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

function newestFirst(a: Incident, b: Incident): number {
  return b.openedAt - a.openedAt || (a.id < b.id ? 1 : -1)
}
