import { setImmediate } from 'node:timers/promises'
import type { LedgerRow } from '../../domain/ledger.ts'
import type { Stamp } from '../../domain/moment.ts'
import type { Notification } from '../../domain/notification.ts'
import type { Instant, Partition } from '../../domain/probe.ts'
import type { KeptEvent } from '../../domain/queue-message.ts'
import type { QueueRecord } from '../../domain/queue-record.ts'
import type { Ack, Silence } from '../../domain/silence.ts'
import type { Connectivity } from '../../domain/state.ts'
import type { Change, Loaded, OwedChange, Store } from '../../ports/store.ts'
import { Database, type DatabaseOptions } from './database.ts'
import { Documents } from './documents.ts'
import { Incidents } from './incidents.ts'
import { Ledger } from './ledger.ts'
import { type OpenOptions, openDatabase } from './open.ts'
import { Orders } from './orders.ts'
import { Outbox } from './outbox.ts'
import { QueueEvents } from './queue-events.ts'
import { Readings } from './readings.ts'
import { Runs } from './runs.ts'
import { Sweep } from './sweep.ts'

/** Before the keys of `remember`, in a table that holds keys of our own too. */
const MEMO = 'memo:'

/**
 * Opens the database, creating and migrating it first unless that is switched off. The file is synced at each commit
 * (`synchronous=FULL`), so what was committed survives a power cut.
 *
 * Never open `path` by other means (such as `readFile`) in this process: closing any descriptor of a file gives up all of
 * the process's POSIX locks on it, SQLite's among them (https://www.sqlite.org/howtocorrupt.html, 2.2).
 * @throws {StoreError}
 */
export async function openStore(options: OpenOptions & DatabaseOptions): Promise<Store> {
  return new SqliteStore(new Database(openDatabase(options), options))
}

/** The store in one file of SQLite. Each method is one transaction, which runs to its end at once. */
class SqliteStore implements Store {
  readonly #db: Database
  readonly #documents: Documents
  readonly #incidents: Incidents
  readonly #ledger: Ledger
  readonly #orders: Orders
  readonly #outbox: Outbox
  readonly #queue: QueueEvents
  readonly #readings: Readings
  readonly #runs: Runs
  readonly #sweep: Sweep

  constructor(db: Database) {
    this.#db = db
    this.#documents = new Documents(db)
    this.#incidents = new Incidents(db)
    this.#ledger = new Ledger(db)
    this.#orders = new Orders(db)
    this.#outbox = new Outbox(db)
    this.#queue = new QueueEvents(db)
    this.#readings = new Readings(db)
    this.#runs = new Runs(db)
    this.#sweep = new Sweep(db)
  }

  async commit(change: Change): Promise<void> {
    this.#db.write('commit', () => {
      for (const incident of change.incidents) this.#incidents.put(incident)
      for (const state of change.probes) this.#documents.putProbe(state)
      this.#documents.changeSelfAlerts(change.selfAlerts)
      if (change.connectivity !== null) this.#documents.put('connectivity', change.connectivity)
      this.#ledger.add(change.ledger)
      this.#outbox.add(change.notifications)
      for (const stored of change.outcomes) this.#runs.put(stored)
      for (const reading of change.readings) this.#readings.put(reading)
      if (change.redate === undefined) return
      this.#orders.redate(change.redate)
      this.#documents.put('alive', change.redate.alive)
    })
  }

  async settle(changes: readonly OwedChange[], ledger: readonly LedgerRow[], added: readonly Notification[] = []): Promise<void> {
    this.#db.write('settle', () => {
      this.#outbox.add(added)
      for (const change of changes) this.#outbox.change(change)
      this.#ledger.add(ledger)
    })
  }

  async addSilence(silence: Silence): Promise<void> {
    this.#db.write('addSilence', () => this.#orders.addSilence(silence))
  }

  async endSilence(id: string, at: Instant): Promise<boolean> {
    return this.#db.write('endSilence', () => this.#orders.endSilence(id, at))
  }

  async silences(endedSince: Instant) {
    return this.#db.read('silences', () => this.#orders.silences(endedSince))
  }

  async addAck(ack: Ack): Promise<void> {
    this.#db.write('addAck', () => this.#orders.addAck(ack))
  }

  async acks() {
    return this.#db.read('acks', () => this.#orders.acks())
  }

  async remember(key: string, value: string): Promise<void> {
    this.#db.write('remember', () => this.#documents.put(`${MEMO}${key}`, value))
  }

  async recall(key: string): Promise<string | null> {
    return this.#db.read('recall', () => this.#documents.get<string>(`${MEMO}${key}`))
  }

  async keepQueue(record: QueueRecord, events: readonly KeptEvent[], forgotten: readonly string[]): Promise<void> {
    this.#db.write('keepQueue', () => this.#queue.keep(record, events, forgotten))
  }

  async queue(url: string) {
    return this.#db.read('queue', () => this.#queue.of(url))
  }

  watch(changed: () => void, signal: AbortSignal): void {
    this.#db.watch(changed, signal)
  }

  async alive(stamp: Stamp): Promise<void> {
    this.#db.write('alive', () => this.#documents.put('alive', stamp))
  }

  async owed(limit: number) {
    return this.#db.read('owed', () => this.#outbox.owed(limit))
  }

  async sweep(before: Readonly<{ runs: Instant; hours: Instant }>, limit: number): Promise<number> {
    // A sweep takes many steps: whatever else is due comes between them.
    await setImmediate()
    return this.#db.write('sweep', () => this.#sweep.step(before, limit))
  }

  async checkpoint(): Promise<void> {
    this.#db.call('checkpoint', () => this.#db.checkpoint())
  }

  async close(): Promise<void> {
    this.#db.close()
  }

  async load(closedSince: Instant): Promise<Loaded> {
    return this.#db.read('load', () => ({
      probes: this.#documents.probes(),
      incidents: this.#incidents.live(closedSince),
      selfAlerts: this.#documents.selfAlerts(),
      connectivity: this.#documents.get<Connectivity>('connectivity'),
      lastAlive: this.#documents.get<Stamp>('alive'),
    }))
  }

  async incidents(limit: number, only?: 'closed') {
    return this.#db.read('incidents', () => this.#incidents.summaries(limit, only))
  }

  async patterns(limit: number) {
    return this.#db.read('patterns', () => this.#incidents.patterns(limit))
  }

  async incident(id: string) {
    return this.#db.read('incident', () => this.#incidents.one(id))
  }

  async ledger(filter: Readonly<{ incident?: string; since?: Instant }>, limit: number) {
    return this.#db.read('ledger', () => this.#ledger.rows(filter, limit))
  }

  async strip(probe: string, since: Instant) {
    return this.#db.read('strip', () => this.#runs.strip(probe, since))
  }

  async runs(incident: string, limit: number) {
    return this.#db.read('runs', () => this.#runs.ofIncident(incident, limit))
  }

  async counts(incident: string) {
    return this.#db.read('counts', () => ({ ledger: this.#ledger.count(incident), runs: this.#runs.count(incident) }))
  }

  async hours(probe: string, since: Instant) {
    return this.#db.read('hours', () => this.#runs.hours(probe, since))
  }

  async outbox() {
    return this.#db.read('outbox', () => this.#outbox.all())
  }

  async mails(incident: string) {
    return this.#db.read('mails', () => this.#outbox.ofIncident(incident))
  }

  async readingAt(partition: Partition, at: Instant) {
    return this.#db.read('readingAt', () => this.#readings.at(partition, at))
  }

  async readings(partition: Partition, from: Instant, to: Instant, limit: number) {
    return this.#db.read('readings', () => this.#readings.between(partition, from, to, limit))
  }

  async eventHistory(arn: string, limit: number) {
    return this.#db.read('eventHistory', () => this.#readings.history(arn, limit))
  }

  async deliveredSince(since: Instant) {
    return this.#db.read('deliveredSince', () => this.#outbox.deliveredSince(since))
  }
}
