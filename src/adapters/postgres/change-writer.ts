import type { Incident, Member } from '../../domain/incident.ts'
import type { LedgerRow } from '../../domain/ledger.ts'
import type { Notification } from '../../domain/notification.ts'
import { rebaseSilence } from '../../domain/silence.ts'
import type { Change, OwedChange, Redate, StoredOutcome } from '../../ports/store.ts'
import { StoreError } from '../../ports/store.ts'
import { type Placed, placesOf } from '../stored/placed-members.ts'
import { RejectedLists } from '../stored/rejected-lists.ts'
import { copyValues, incidentValues, notificationValues, owedOf, runValues, silenceOf } from '../stored/rows.ts'
import type { Transaction } from './database.ts'
import { putMembers } from './member-rows.ts'
import { ReadingWriter } from './reading-rows.ts'
import { READ, WRITE } from './statements.ts'

/** Writes decisions and what becomes of emails. It remembers what it wrote, to write less: one change at a time. */
export class ChangeWriter {
  private readonly probeIds = new Map<string, number>()
  /** Of each open incident: its members as they were last written, in their order, each with its place, and what was rejected. */
  private readonly written = new Map<string, Readonly<{ placed: readonly Placed[]; rejected: RejectedLists }>>()
  private readonly readings = new ReadingWriter()

  /** A transaction was not committed, or somebody else has written: nothing that is remembered holds. */
  forget(): void {
    this.probeIds.clear()
    this.written.clear()
    this.readings.forget()
  }

  async commit(tx: Transaction, change: Change): Promise<void> {
    for (const incident of change.incidents) await this.putIncident(tx, incident)
    await putProbes(tx, change)
    const { set, cleared } = change.selfAlerts
    if (cleared.length > 0) await tx.change(WRITE.clearSelfAlerts, [cleared])
    for (const selfAlert of set) await tx.change(WRITE.putSelfAlert, [selfAlert.key, JSON.stringify(selfAlert)])
    if (change.connectivity !== null) await tx.change(WRITE.putMeta, ['connectivity', JSON.stringify(change.connectivity)])
    await addLedger(tx, change.ledger)
    await addNotifications(tx, change.notifications)
    await this.putRuns(tx, change.outcomes)
    for (const reading of change.readings) await this.readings.add(tx, reading)
    if (change.redate !== undefined) await redate(tx, change.redate)
  }

  /** Of the members only those are written that are not the very ones that were written last: a change makes a new object. */
  private async putIncident(tx: Transaction, incident: Incident): Promise<void> {
    const { id, state, family, partition, openedAt, closedAt, doc, sums, patterns } = incidentValues(incident)
    await tx.change(WRITE.putIncident, [id, state, family, partition, openedAt, closedAt, doc, sums, patterns])
    await this.putMembers(tx, incident)
  }

  private async putMembers(tx: Transaction, { id, state, members }: Incident): Promise<void> {
    const known = this.written.get(id)
    if (known === undefined) {
      await tx.change(WRITE.dropMembers, [id])
      await tx.change(WRITE.dropAllRejected, [id])
    }
    const rejected = known?.rejected ?? new RejectedLists()
    const placed = placesOf(members, known?.placed ?? [])
    const kept = new Set(placed.map(({ place }) => place))
    const gone = (known?.placed ?? []).filter(({ place }) => !kept.has(place)).map(({ place }) => place)
    for (const place of gone) rejected.drop(place)
    if (gone.length > 0) await tx.change(WRITE.dropPlaces, [id, gone])
    const before = new Map<number, Member>((known?.placed ?? []).map(({ place, member }) => [place, member]))
    const changed = placed.filter(({ place, member }) => before.get(place) !== member)
    await putMembers(tx, id, changed, rejected)
    const unused = rejected.tidy()
    if (unused.length > 0) await tx.change(WRITE.dropRejected, [id, unused])
    if (state === 'closed') this.written.delete(id)
    else this.written.set(id, { placed, rejected })
  }

  private async putRuns(tx: Transaction, outcomes: readonly StoredOutcome[]): Promise<void> {
    if (outcomes.length === 0) return
    await this.learnProbes(tx, [...new Set(outcomes.map(({ outcome }) => outcome.probe))])
    const rows = new Map<string, ReturnType<typeof runValues>>()
    for (const stored of outcomes) {
      const probe = this.probeIds.get(stored.outcome.probe) ?? 0
      const key = `${probe} ${stored.outcome.startedAt}`
      rows.set(key, joined(rows.get(key), runValues(stored, probe)))
    }
    await tx.change(WRITE.putRuns, columnsOf([...rows.values()], RUN_COLUMNS))
  }

  private async learnProbes(tx: Transaction, names: readonly string[]): Promise<void> {
    const learn = async () => {
      const unknown = names.filter((name) => !this.probeIds.has(name))
      if (unknown.length === 0) return unknown
      for (const row of await tx.query(READ.probeIds, [unknown])) this.probeIds.set(String(row['name']), Number(row['id']))
      return unknown.filter((name) => !this.probeIds.has(name))
    }
    const missing = await learn()
    if (missing.length === 0) return
    await tx.change(WRITE.addProbeNames, [missing])
    await learn()
  }
}

/** Applies what became of emails. */
export async function settle(
  tx: Transaction,
  changes: readonly OwedChange[],
  ledger: readonly LedgerRow[],
  added: readonly Notification[],
): Promise<void> {
  await addNotifications(tx, added)
  for (const { id, address, ...change } of changes) {
    const [row] = await tx.query(READ.oneOwed, [id, address])
    if (row === undefined) throw new StoreError(`no mail ${id} is owed to ${address}`, { fatal: false })
    const copy = copyValues({ ...owedOf(row), ...change })
    const { state, attempts, nextAt, error, uncertain, noSession, deliveredAt, reply } = copy
    await tx.change(WRITE.setCopy, [id, address, state, attempts, nextAt, error, uncertain, noSession, deliveredAt, reply])
    if (change.wording !== undefined)
      await tx.change(WRITE.setWording, [id, change.wording === null ? null : JSON.stringify(change.wording)])
  }
  await addLedger(tx, ledger)
}

async function putProbes(tx: Transaction, { probes }: Change): Promise<void> {
  if (probes.length === 0) return
  const docs = new Map(probes.map((state) => [state.probe, JSON.stringify(state)]))
  await tx.change(WRITE.putProbes, [[...docs.keys()], [...docs.values()]])
}

async function addLedger(tx: Transaction, rows: readonly LedgerRow[]): Promise<void> {
  if (rows.length === 0) return
  await tx.change(
    WRITE.addLedger,
    columnsOf(
      rows.map((row) => [row.at, row.incident, row.probe, row.decision, JSON.stringify(row)]),
      5,
    ),
  )
}

async function addNotifications(tx: Transaction, notifications: readonly Notification[]): Promise<void> {
  for (const notification of notifications) {
    const { id, thread, seq, incident, createdAt, doc } = notificationValues(notification)
    const added = await tx.change(WRITE.addNotification, [id, thread, seq, incident, createdAt, doc])
    if (added > 0) await tx.change(WRITE.addCopies, [id, createdAt, notification.to])
  }
}

/** Shifts instead of sets: a command may have taken a silence back since it was read. */
async function redate(tx: Transaction, { silences, acks, alive }: Redate): Promise<void> {
  for (const [id, by] of silences) {
    const [row] = await tx.query(READ.silenceToRedate, [id])
    if (row === undefined) continue
    const silence = rebaseSilence(silenceOf(row), by)
    await tx.change(WRITE.redateSilence, [id, silence.at, silence.until, silence.endedAt, JSON.stringify(silence)])
  }
  for (const [incident, by] of acks) await tx.change(WRITE.redateAck, [incident, by])
  await tx.change(WRITE.putMeta, ['alive', JSON.stringify(alive)])
}

/** How many columns `putRuns` has, and where in them the incident and the document stand. */
const RUN_COLUMNS = 9
const INCIDENT = 7
const DOCUMENT = 8

/** The same run twice in one change: the later one counts, but what belongs to an incident goes on belonging to it. */
function joined(was: ReturnType<typeof runValues> | undefined, is: ReturnType<typeof runValues>): ReturnType<typeof runValues> {
  if (was === undefined) return is
  return is.map((value, i) => (i === INCIDENT || i === DOCUMENT ? (value ?? was[i] ?? null) : value))
}

/** Rows as lists, one for each column. */
function columnsOf(rows: readonly (readonly unknown[])[], count: number): readonly (readonly unknown[])[] {
  return Array.from({ length: count }, (_, column) => rows.map((row) => row[column]))
}
