import type { Change, Store } from '../ports/store.ts'
import { StoreError } from '../ports/store.ts'
import { type Call, copy, type Disk, newDisk } from './disk/disk.ts'
import { incidentsOn, keepIncidents } from './disk/incidents.ts'
import { ordersOn, redateOrders } from './disk/orders.ts'
import { addEmails, outboxOn } from './disk/outbox.ts'
import { keepReading, readingsOn } from './disk/readings.ts'
import { addRuns, runsOn } from './disk/runs.ts'

export type MemoryStore = Store & {
  readonly disk: Disk
  /** The next call fails with this error and changes nothing; several are used up one after the other. */
  failNext(error: StoreError): void
  /** Every call fails with this until it is `null`: a full disk. */
  failAll(error: StoreError | null): void
}

/**
 * A store in memory that keeps copies, as a disk does: what is changed after a commit was not committed. What it hands out is
 * what it keeps: nobody changes what they have read, and a copy for each look would be half the time of a long story.
 */
export function memoryStore(disk: Disk = newDisk()): MemoryStore {
  const failures = new Failures()
  const call: Call =
    (work) =>
    async (...given) => {
      failures.check()
      return work(...given)
    }
  return {
    disk,
    failNext: (error) => failures.next.push(error),
    failAll: (error) => failures.all(error),
    ...incidentsOn(disk, call),
    ...outboxOn(disk, call),
    ...ordersOn(disk, call),
    ...runsOn(disk, call),
    ...readingsOn(disk, call),
    commit: call((change) => commit(disk, change)),
    alive: call((stamp) => {
      disk.lastAlive = copy(stamp)
    }),
    remember: call((key, value) => void disk.memos.set(key, value)),
    recall: call((key) => disk.memos.get(key) ?? null),
    checkpoint: call(() => {}),
    close: async () => failures.all(new StoreError('the store is closed', { fatal: false })),
  }
}

/** How the calls of a store are to fail. */
class Failures {
  readonly next: StoreError[] = []
  private broken: StoreError | null = null

  all(error: StoreError | null): void {
    this.broken = error
  }

  /** @throws {StoreError} */
  check(): void {
    const failure = this.next.shift() ?? this.broken
    if (failure !== null) throw failure
  }
}

function commit(disk: Disk, change: Change): void {
  keepIncidents(disk, change.incidents)
  for (const state of copy(change.probes)) disk.probes.set(state.probe, state)
  for (const key of change.selfAlerts.cleared) disk.selfAlerts.delete(key)
  for (const selfAlert of copy(change.selfAlerts.set)) disk.selfAlerts.set(selfAlert.key, selfAlert)
  if (change.connectivity !== null) disk.connectivity = copy(change.connectivity)
  disk.ledger.push(...copy(change.ledger))
  addEmails(disk, change.notifications)
  addRuns(disk, change.outcomes)
  for (const reading of copy(change.readings)) keepReading(disk.readings, reading)
  if (change.redate !== undefined) redateOrders(disk, change.redate)
}
