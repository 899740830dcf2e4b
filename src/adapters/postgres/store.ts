import type { Incident } from '../../domain/incident.ts'
import { type MemberSums, summaryOf } from '../../domain/incident-summary.ts'
import type { LedgerRow } from '../../domain/ledger.ts'
import type { Moment, Stamp } from '../../domain/moment.ts'
import type { Notification } from '../../domain/notification.ts'
import { type IncidentPatterns, incidentPatterns } from '../../domain/patterns.ts'
import type { Instant, Outcome, Partition } from '../../domain/probe.ts'
import type { KeptEvent } from '../../domain/queue-message.ts'
import type { QueueRecord } from '../../domain/queue-record.ts'
import type { Ack, Silence } from '../../domain/silence.ts'
import type { Connectivity, ProbeState, SelfAlert } from '../../domain/state.ts'
import type { Change, Loaded, OwedChange, Store } from '../../ports/store.ts'
import { StoreError } from '../../ports/store.ts'
import type { Clock } from '../../ports/time.ts'
import { systemClock } from '../clock.ts'
import {
  document,
  hourHolding,
  hourOf,
  INCIDENT,
  KEPT_EVENT,
  LEDGER_ROW,
  markOf,
  owedOf,
  PATTERNS,
  QUEUE_RECORD,
  type Row,
  SUMS,
  shaped,
  silenceOf,
} from '../stored/rows.ts'
import { Bell, type Pauses } from './bell.ts'
import { ChangeWriter, settle } from './change-writer.ts'
import { type Database, type DatabaseOptions, openDatabase, type Transaction } from './database.ts'
import { DatabaseClock } from './database-clock.ts'
import { postgresError } from './fault.ts'
import { membersOf } from './member-rows.ts'
import { MIGRATIONS, migrate, versionOf } from './migrations.ts'
import { historyOf, readingsOf } from './reading-rows.ts'
import { READ, WRITE } from './statements.ts'

export type Observe = (method: string, ms: number) => void

export type PostgresOptions = DatabaseOptions &
  Readonly<{
    /** Called after each call: its name and how long it took. */
    observe?: Observe
  }>

type StoreOptions = Readonly<{
  /** Daemons notice what is written. */
  beside?: boolean
  observe?: Observe
  /** Begins every write: proves that nobody else may write, or throws. */
  fence?: (tx: Transaction) => Promise<void>
  /** Called when nothing can be written any more before the state has been loaded again. */
  stale?: (cause: StoreError) => void
  /** Wakes those who watch; left out where nobody connects it. */
  bell?: Bell
  /** The connections outlive the store. */
  keepOpen?: boolean
}>

/** Members that are read for one list. */
const MAX_LISTED_MEMBERS = 50_000
/** `sweep` counts what is left up to here. */
const MAX_COUNTED = 5_000
/** How often we check whether a command has written to the database; at once where we are told so. */
const WATCH: Pauses = { heardMs: 5_000, unheardMs: 2_000 }
/** Rung when a command has. */
const ORDERS = 'orders'
/** Before the keys of `remember`, in a table that holds keys of our own too. */
const MEMO = 'memo:'
/** Under it stands what is known of the health queue as a whole. */
const QUEUE = 'queue'
/** Events of the health queue that are read: more than are kept. */
const MAX_QUEUE_EVENTS = 2_000
/** What commands change with each write. */
const TOUCHED = 'touched'

/**
 * Opens the store, creating its schema or bringing it up to date.
 * @throws {StoreError}
 */
export async function openPostgresStore(options: PostgresOptions): Promise<Store> {
  const database = await openDatabase(options)
  try {
    await database.write((tx) => migrate(tx, database.place, database.schema))
    return storeOn(database, options)
  } catch (cause) {
    await database.close()
    throw cause
  }
}

/** A store beside the daemons, and the clock by which they go. */
export type Beside = Readonly<{ store: Store; clock: Clock }>

/**
 * Opens the store for a command: it neither creates nor migrates, and the daemons notice what it writes. `null`: there is nothing
 * of Alibi yet.
 * @throws {StoreError}
 */
export async function openBeside(options: DatabaseOptions, machine: Clock): Promise<Beside | null> {
  const database = await openDatabase(options)
  try {
    const { place, schema } = database
    const version = await database.read((tx) => versionOf(tx, place, schema))
    if (version > 0 && version < MIGRATIONS.length) {
      const text = `the schema \`${schema}\` of ${place} is of an older Alibi: start the daemon once, it brings it up to date`
      throw new StoreError(text, { fatal: false })
    }
    if (version === 0) {
      await database.close()
      return null
    }
    const clock = new DatabaseClock(machine)
    await database.read((tx) => clock.look(tx))
    return { store: storeOn(database, { beside: true }), clock }
  } catch (cause) {
    await database.close()
    throw cause
  }
}

/** The store on a database whose schema is there. */
export function storeOn(database: Database, options: StoreOptions): Store {
  return new PostgresStore(database, options)
}

/**
 * The store on PostgreSQL. After a commit whose answer was lost it takes no further writes until the state was loaded again:
 * what its owner holds to be stored may not be what is stored.
 */
class PostgresStore implements Store {
  readonly #database: Database
  readonly #options: StoreOptions
  readonly #writer = new ChangeWriter()
  /** Why nothing is written before the state has been loaded again; `null` while nothing is wrong. */
  #stale: StoreError | null = null
  /** One change at a time: what the writer remembers of the last one is what it builds the next one on. */
  #turn: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(database: Database, options: StoreOptions) {
    this.#database = database
    this.#options = options
  }

  async commit(change: Change): Promise<void> {
    const turn = this.#turn.then(() => this.#write('commit', (tx) => this.#writer.commit(tx, change)))
    this.#turn = turn.catch(() => {})
    return turn
  }

  async settle(changes: readonly OwedChange[], ledger: readonly LedgerRow[], added: readonly Notification[] = []): Promise<void> {
    await this.#write('settle', (tx) => settle(tx, changes, ledger, added))
  }

  async addSilence(silence: Silence): Promise<void> {
    const { id, until, endedAt, at } = silence
    await this.#write('addSilence', (tx) => tx.change(WRITE.addSilence, [id, until, endedAt, at, JSON.stringify(silence)]))
  }

  async endSilence(id: string, at: Instant): Promise<boolean> {
    return this.#write('endSilence', async (tx) => (await tx.change(WRITE.endSilence, [id, at])) > 0)
  }

  async silences(endedSince: Instant) {
    return this.#read('silences', async (tx) => (await tx.query(READ.silences, [endedSince])).map(silenceOf))
  }

  async addAck({ incident, at, moment = null, reason }: Ack): Promise<void> {
    const when = moment === null ? null : JSON.stringify(moment)
    await this.#write('addAck', (tx) => tx.change(WRITE.addAck, [incident, at, when, reason]))
  }

  async acks() {
    return this.#read('acks', async (tx) =>
      (await tx.query(READ.acks)).map(
        (row): Ack => ({
          incident: String(row['incident']),
          at: Number(row['at']),
          ...(row['moment'] === null ? {} : { moment: JSON.parse(String(row['moment'])) as Moment }),
          reason: row['reason'] === null ? null : String(row['reason']),
        }),
      ),
    )
  }

  async remember(key: string, value: string): Promise<void> {
    await this.#write('remember', (tx) => tx.change(WRITE.putMeta, [`${MEMO}${key}`, JSON.stringify(value)]))
  }

  async recall(key: string): Promise<string | null> {
    return this.#read('recall', (tx) => metaOf<string>(tx, `${MEMO}${key}`))
  }

  async keepQueue(record: QueueRecord, events: readonly KeptEvent[], forgotten: readonly string[]): Promise<void> {
    await this.#write('keepQueue', async (tx) => {
      if ((await metaOf<QueueRecord>(tx, QUEUE))?.url !== record.url) await tx.change(WRITE.dropQueue)
      await tx.change(WRITE.putMeta, [QUEUE, JSON.stringify(record)])
      for (const kept of events) await tx.change(WRITE.putQueueEvent, [kept.event.arn, JSON.stringify(kept)])
      if (forgotten.length > 0) await tx.change(WRITE.dropQueueEvents, [forgotten])
    })
  }

  async queue(url: string) {
    return this.#read('queue', async (tx) => {
      const [row] = await tx.query(READ.meta, [QUEUE])
      const record = row === undefined ? null : shaped<QueueRecord>(row, QUEUE_RECORD)
      if (record?.url !== url) return null
      const rows = await tx.query(READ.queueEvents, [MAX_QUEUE_EVENTS])
      return { record, events: rows.map((one) => shaped<KeptEvent>(one, KEPT_EVENT)) }
    })
  }

  watch(changed: () => void, signal: AbortSignal): void {
    const { bell = new Bell(systemClock) } = this.#options
    const { schema } = this.#database
    // `undefined`: not known yet. What was there at the start is read at the start.
    let seen: string | undefined
    const look = async () => {
      try {
        const { rows } = await this.#database.execute(`SELECT doc FROM "${schema}".meta WHERE key = $1`, [TOUCHED])
        const now = String(rows[0]?.['doc'])
        const isNews = seen !== undefined && now !== seen
        seen = now
        if (isNews && !signal.aborted) changed()
      } catch {
        // Problems with the database are reported where it is used.
      }
    }
    const orders = bell.attend(ORDERS, signal)
    const watch = async () => {
      while (!signal.aborted && !this.#closed) {
        await look()
        await orders.wait(WATCH, signal)
      }
    }
    void watch()
  }

  async alive(stamp: Stamp): Promise<void> {
    await this.#write('alive', (tx) => tx.change(WRITE.putMeta, ['alive', JSON.stringify(stamp)]))
  }

  async owed(limit: number) {
    return this.#read('owed', async (tx) => (await tx.query(READ.owed, [limit])).map(owedOf))
  }

  async sweep(before: Readonly<{ runs: Instant; hours: Instant }>, limit: number): Promise<number> {
    return this.#write('sweep', async (tx) => {
      let budget = Math.max(1, Math.floor(limit))
      budget -= Number((await tx.query(WRITE.sumUp, [before.runs, budget]))[0]?.['n'])
      if (budget > 0) budget -= await tx.change(WRITE.dropHours, [before.hours, budget])
      if (budget > 0) await tx.change(WRITE.dropReadings, [before.hours, budget])
      return Number((await tx.query(READ.left, [before.runs, before.hours, MAX_COUNTED]))[0]?.['n'])
    })
  }

  /** PostgreSQL does so by itself. */
  async checkpoint(): Promise<void> {
    this.#mustBeOpen()
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#options.keepOpen !== true) await this.#database.close()
  }

  async load(closedSince: Instant): Promise<Loaded> {
    const loaded = await this.#read('load', async (tx) => ({
      probes: (await tx.query(READ.probes)).map((row) => document<ProbeState>(row)),
      incidents: await incidentsOf(tx, await tx.query(READ.liveIncidents, [closedSince])),
      selfAlerts: (await tx.query(READ.selfAlerts)).map((row) => document<SelfAlert>(row)),
      connectivity: await metaOf<Connectivity>(tx, 'connectivity'),
      lastAlive: await metaOf<Stamp>(tx, 'alive'),
    }))
    this.#writer.forget()
    this.#stale = null
    return loaded
  }

  async incidents(limit: number, only?: 'closed') {
    return this.#read('incidents', async (tx) => {
      const rows = await tx.query(only === 'closed' ? READ.closedIncidents : READ.incidents, [limit])
      return listed(tx, rows, (row, whole) =>
        whole === null
          ? { ...shaped<Omit<Incident, 'members'>>(row, INCIDENT), ...shaped<MemberSums>(row, SUMS, 'sums') }
          : summaryOf(whole),
      )
    })
  }

  async patterns(limit: number) {
    return this.#read('patterns', async (tx) =>
      listed(tx, await tx.query(READ.patterns, [limit]), (row, whole) =>
        whole === null ? shaped<IncidentPatterns>(row, PATTERNS, 'patterns') : incidentPatterns(whole),
      ),
    )
  }

  async incident(id: string) {
    return this.#read('incident', async (tx) => (await incidentsOf(tx, await tx.query(READ.incident, [id])))[0] ?? null)
  }

  async ledger(filter: Readonly<{ incident?: string; since?: Instant }>, limit: number) {
    const since = filter.since ?? Number.MIN_SAFE_INTEGER
    return this.#read('ledger', async (tx) => {
      const rows =
        filter.incident === undefined
          ? await tx.query(READ.ledgerAll, [since, limit])
          : (await tx.query(READ.ledgerOf, [filter.incident, since, limit])).toReversed()
      return rows.map((row) => shaped<LedgerRow>(row, LEDGER_ROW))
    })
  }

  async strip(probe: string, since: Instant) {
    return this.#read('strip', async (tx) => (await tx.query(READ.strip, [probe, since])).map(markOf).toReversed())
  }

  async runs(incident: string, limit: number) {
    return this.#read('runs', async (tx) =>
      (await tx.query(READ.runs, [incident, limit])).toReversed().map((row) => document<Outcome>(row)),
    )
  }

  async counts(incident: string) {
    return this.#read('counts', async (tx) => {
      const [row] = await tx.query(READ.counts, [incident])
      return { ledger: Number(row?.['ledger']), runs: Number(row?.['runs']) }
    })
  }

  async hours(probe: string, since: Instant) {
    return this.#read('hours', async (tx) =>
      (await tx.query(READ.hours, [probe, hourHolding(since)])).map((row) => hourOf(probe, row)),
    )
  }

  async outbox() {
    return this.#read('outbox', async (tx) => (await tx.query(READ.outbox)).map(owedOf))
  }

  async mails(incident: string) {
    return this.#read('mails', async (tx) => (await tx.query(READ.mails, [incident])).map(owedOf))
  }

  async readingAt(partition: Partition, at: Instant) {
    return this.#read(
      'readingAt',
      async (tx) => (await readingsOf(tx, await tx.query(READ.readingAt, [partition, at])))[0] ?? null,
    )
  }

  async readings(partition: Partition, from: Instant, to: Instant, limit: number) {
    return this.#read('readings', async (tx) => readingsOf(tx, await tx.query(READ.readings, [partition, from, to, limit])))
  }

  async eventHistory(arn: string, limit: number) {
    return this.#read('eventHistory', async (tx) => historyOf(tx, await tx.query(READ.eventHistory, [arn, limit])))
  }

  async deliveredSince(since: Instant) {
    return this.#read('deliveredSince', async (tx) =>
      (await tx.query(READ.delivered, [since])).map((row) => ({
        address: String(row['address']),
        at: Number(row['delivered_at']),
      })),
    )
  }

  #write<T>(method: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const { fence, beside } = this.#options
    return this.#call(method, async () => {
      if (this.#stale !== null) throw this.#stale
      return this.#database.write(async (tx) => {
        await fence?.(tx)
        const value = await work(tx)
        if (beside === true) {
          await tx.change(WRITE.putMeta, [TOUCHED, JSON.stringify(crypto.randomUUID())])
          await tx.query('SELECT pg_notify($1, $2)', [this.#database.schema, ORDERS])
        }
        return value
      })
    })
  }

  #read<T>(method: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#call(method, () => this.#database.read(work))
  }

  async #call<T>(method: string, work: () => Promise<T>): Promise<T> {
    const began = performance.now()
    try {
      this.#mustBeOpen()
      return await work()
    } catch (cause) {
      const error = postgresError(this.#database.place, cause)
      this.#writer.forget()
      if (error.uncertain && this.#stale === null) {
        this.#stale = error
        this.#options.stale?.(error)
      }
      throw error
    } finally {
      this.#options.observe?.(method, performance.now() - began)
    }
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new StoreError(`${this.#database.place} is closed`, { fatal: false })
  }
}

async function metaOf<T>(tx: Transaction, key: string): Promise<T | null> {
  const [row] = await tx.query(READ.meta, [key])
  return row === undefined ? null : document<T>(row)
}

/**
 * One value a row; the incident is read whole where what a list needs of it is not stored, for it is open. It ends early where
 * too many members had to be read.
 */
async function listed<T>(
  tx: Transaction,
  rows: readonly Row[],
  rowValue: (row: Row, whole: Incident | null) => T,
): Promise<readonly T[]> {
  const found: T[] = []
  let members = 0
  for (const row of rows) {
    if (members > MAX_LISTED_MEMBERS) break
    const isStored = (row['sums'] ?? row['patterns'] ?? null) !== null
    const whole = isStored ? null : ((await incidentsOf(tx, [row]))[0] ?? null)
    members += whole?.members.length ?? 0
    found.push(rowValue(row, whole))
  }
  return found
}

/** The incidents of these rows, with their members. */
async function incidentsOf(tx: Transaction, rows: readonly Row[]): Promise<readonly Incident[]> {
  const headers = rows.map((row) => shaped<Omit<Incident, 'members'>>(row, INCIDENT))
  if (headers.length === 0) return []
  const ids = headers.map(({ id }) => id)
  const members = await membersOf(tx, ids)
  return headers.map((header) => ({ ...header, members: members.get(header.id) ?? [] }))
}
