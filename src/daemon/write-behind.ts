import type { Decision } from '../domain/decision.ts'
import type { Incident } from '../domain/incident.ts'
import type { Instant } from '../domain/probe.ts'
import type { Connectivity, ProbeState } from '../domain/state.ts'
import { messageOfThrown } from '../domain/thrown.ts'
import type { Change, Store, StoredOutcome } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import type { OperatorOrders } from './operator-orders.ts'

/** Outcomes that wait for the disk. Beyond it the oldest are dropped. */
const MAX_WAITING = 50_000
/** A database that could not be written for less than this has lost nothing worth mentioning. */
const SHORTEST_LOSS_MS = 60_000

const NO_CHANGE: Change = {
  incidents: [],
  probes: [],
  selfAlerts: { set: [], cleared: [] },
  connectivity: null,
  ledger: [],
  notifications: [],
  outcomes: [],
  readings: [],
}

export type WriteBehindDeps = Readonly<{
  store: Pick<Store, 'commit'>
  clock: Pick<Clock, 'now'>
  orders: OperatorOrders
  connectivity: () => Connectivity
}>

/**
 * The only way of a decision to the disk. Plain outcomes wait here, so that many of them share one transaction and one sync;
 * whatever is written takes along everything that waits.
 */
export class WriteBehind {
  private readonly deps: WriteBehindDeps
  private waiting: StoredOutcome[] = []
  private readonly probes = new Map<string, ProbeState>()
  private readonly incidents = new Map<string, Incident>()
  private failure: string | null = null
  /** The first and the last write of a series that failed; `null` if none ever did. */
  private failed: Readonly<{ from: Instant; to: Instant }> | null = null

  constructor(deps: WriteBehindDeps) {
    this.deps = deps
  }

  /** Outcomes that are decided on and not on disk yet. */
  get outcomes(): readonly StoredOutcome[] {
    return this.waiting
  }

  /** Why the last write failed; `null` if it did not. */
  get fault(): string | null {
    return this.failure
  }

  /** Until when outcomes could not be written and were lost; `null` if none were. */
  get lostUntil(): Instant | null {
    return this.failed !== null && this.failed.to - this.failed.from > SHORTEST_LOSS_MS ? this.failed.to : null
  }

  /** Follows with the next write. */
  add({ probes, incidents }: Pick<Decision, 'probes' | 'incidents'>, outcomes: readonly StoredOutcome[]): void {
    this.waiting.push(...outcomes)
    if (this.waiting.length > MAX_WAITING) this.waiting.splice(0, this.waiting.length - MAX_WAITING)
    for (const state of probes) this.probes.set(state.probe, state)
    for (const incident of incidents) this.incidents.set(incident.id, incident)
  }

  /** Writes a change, and with it everything that waits, in one transaction. @throws {StoreError} then all of it waits still, but for the change */
  async write(change: Change): Promise<void> {
    const probes = new Map(this.probes)
    for (const state of change.probes) probes.set(state.probe, state)
    const incidents = new Map(this.incidents)
    for (const incident of change.incidents) incidents.set(incident.id, incident)
    await this.commit({
      ...change,
      incidents: [...incidents.values()],
      probes: [...probes.values()],
      outcomes: [...this.waiting, ...change.outcomes],
    })
    this.waiting = []
    this.probes.clear()
    this.incidents.clear()
  }

  /** Writes what waits, if anything does. @throws {StoreError} */
  async flush(): Promise<void> {
    const isEmpty = this.waiting.length === 0 && this.probes.size === 0 && this.incidents.size === 0
    if (!isEmpty || this.deps.orders.unwritten() !== null) await this.write(NO_CHANGE)
  }

  /** The clock was set: everything that is open has new dates. @throws {StoreError} then they follow with the next write */
  async rebase(by: number, moved: Pick<Decision, 'probes' | 'incidents'>): Promise<void> {
    if (this.failed !== null) this.failed = { from: this.failed.from + by, to: this.failed.to + by }
    this.add(moved, [])
    await this.write({ ...NO_CHANGE, connectivity: this.deps.connectivity() })
  }

  private async commit(change: Change): Promise<void> {
    const { store, clock, orders, connectivity } = this.deps
    const redate = orders.unwritten()
    try {
      if (redate === null) await store.commit(change)
      else await store.commit({ ...change, connectivity: change.connectivity ?? connectivity(), redate })
      orders.written()
      this.failure = null
    } catch (cause) {
      const now = clock.now()
      this.failed = { from: this.failure === null ? now : (this.failed?.from ?? now), to: now }
      this.failure = messageOfThrown(cause)
      throw cause
    }
  }
}
