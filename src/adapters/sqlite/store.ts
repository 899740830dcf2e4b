import { existsSync, statSync } from 'node:fs'
import type { StatementSync } from 'node:sqlite'
import { DatabaseSync } from 'node:sqlite'
import type { Incident, Member } from '../../domain/incident.ts'
import { type MemberSums, summaryOf } from '../../domain/incident-summary.ts'
import type { LedgerRow } from '../../domain/ledger.ts'
import type { Moment, Stamp } from '../../domain/moment.ts'
import type { Notification } from '../../domain/notification.ts'
import type { HealthEvent, HealthReading } from '../../domain/outage.ts'
import { type IncidentPatterns, incidentPatterns } from '../../domain/patterns.ts'
import type { Instant, Outcome, Partition } from '../../domain/probe.ts'
import { HOUR_MS } from '../../domain/probe.ts'
import type { KeptEvent } from '../../domain/queue-message.ts'
import type { QueueRecord } from '../../domain/queue-record.ts'
import type { Ack, Silence } from '../../domain/silence.ts'
import type { Connectivity, ProbeState, SelfAlert } from '../../domain/state.ts'
import type { Change, KeptReading, Loaded, OwedChange, Store, StoredOutcome } from '../../ports/store.ts'
import { StoreError } from '../../ports/store.ts'
import { type Base, decode, encode, type StoredForm } from '../stored/event-form.ts'
import { DailyRoom, hashOf, readingDocument, saidBy } from '../stored/kept-reading.ts'
import { type Placed, placesOf } from '../stored/placed-members.ts'
import type { Row, Values } from '../stored/rows.ts'
import {
  copyValues,
  document,
  hourHolding,
  hourOf,
  INCIDENT,
  incidentValues,
  KEPT_EVENT,
  LEDGER_ROW,
  MEMBER,
  markOf,
  notificationValues,
  owedOf,
  PATTERNS,
  QUEUE_RECORD,
  runValues,
  SILENCE,
  SUMS,
  shaped,
} from '../stored/rows.ts'
import { storeError } from './fault.ts'
import { checkOwner, MIGRATIONS, migrate, versionOf } from './migrations.ts'
import { bytesAt } from './place.ts'
import { createPrivately } from './private-file.ts'

export type StoreOptions = Readonly<{
  path: string
  /** For verbs that list: changes nothing, and neither creates nor migrates. */
  readOnly?: boolean
  /** For verbs that write beside the daemon: neither creates nor migrates, for that is the lock holder's business. */
  beside?: boolean
  /** Longest wait for another process's transaction; the event loop stands still meanwhile. */
  busyMs?: number
  /** Ceiling on the file, in pages of 4 KiB; beyond it the disk counts as full. Default: none but SQLite's own. */
  maxPages?: number
  /** Told of each call: its name and how long it kept the event loop. */
  observe?: (method: string, ms: number) => void
}>

/** Transactions of ours take milliseconds; whoever holds the file longer is stuck. */
const BUSY_MS = 2_000
/** Marks of a strip; the newest are kept. Three hours of a probe that runs each second. */
const MAX_STRIP = 10_800
/** Mails of an outbox or of an incident, and deliveries, that one answer holds. */
const MAX_MAILS = 10_000
const MAX_HOURS = 20_000
/** Members of one incident: as many as there may be probes. */
const MAX_MEMBERS = 20_000
/** Members that are read for one list, which blocks the event loop meanwhile. */
const MAX_LISTED_MEMBERS = 50_000
/** Incidents that are loaded at start: the open ones and those that closed lately. */
const MAX_LOADED = 10_000
/** Bases of bases that are followed: more than any form has. */
const MAX_BASES = 100
/** `sweep` counts what is left up to here. */
const MAX_COUNTED = 5_000
/** How often a look is taken whether a verb has written beside us. */
const WATCH_MS = 2_000
/** Before the keys of `remember`, in a table that holds keys of our own too. */
const MEMO = 'memo:'
/** Under it stands what is known of the health queue as a whole. */
const QUEUE = 'queue'
/** Events of the health queue that are read: more than are kept. */
const MAX_QUEUE_EVENTS = 2_000
/** Pages of the write-ahead log (4 KiB each) after which SQLite checkpoints by itself, if nobody called `checkpoint`. */
const AUTO_CHECKPOINT_PAGES = 4_000
const WAL_KEEP_BYTES = 4 * 1024 * 1024

/**
 * Whether a daemon has ever begun a database there: listings are empty otherwise, and reading one would fail.
 * @throws {StoreError} when that cannot be told: an empty listing would say that there is nothing
 */
export function databaseExists(path: string): boolean {
  if ((bytesAt(path) ?? 0) === 0) return false
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS })
    try {
      return versionOf(db) > 0 || tables(db) > 0
    } finally {
      db.close()
    }
  } catch {
    return true // Something is there: opening it says what is wrong with it.
  }
}

function tables(db: DatabaseSync): number {
  return Number(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] ?? 0)
}

/**
 * Opens the database, creating and migrating it first unless told otherwise. The file is synced at each commit
 * (`synchronous=FULL`), so what was committed survives a power cut.
 *
 * Never open `path` by other means (such as `readFile`) in this process: closing any descriptor of a file gives up all of
 * the process's POSIX locks on it, SQLite's among them (https://www.sqlite.org/howtocorrupt.html, 2.2).
 * @throws {StoreError}
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { path } = options
  try {
    const guest = options.readOnly === true || options.beside === true
    if (bytesAt(path) === null && guest) throw new StoreError(`there is no database at ${path} yet`, { fatal: false })
    // `-wal` and `-shm` take the modes of the file they belong to.
    if (!guest) createPrivately(path)
    const db = new DatabaseSync(path, { readOnly: options.readOnly === true, timeout: options.busyMs ?? BUSY_MS })
    try {
      // Asked before anything is written: another program's file stays as it was.
      const version = checkOwner(db, path)
      if (guest && version < MIGRATIONS.length) {
        throw new StoreError(`${path} is of an older Alibi: start the daemon once, it brings the file up to date`, {
          fatal: false,
        })
      }
      if (options.readOnly !== true) settings(db, path)
      if (!guest) migrate(db, path)
      if (options.readOnly !== true) proveWritable(db)
      if (options.maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${Math.floor(options.maxPages)}`)
      return new SqliteStore(db, options)
    } catch (cause) {
      db.close()
      throw cause
    }
  } catch (cause) {
    throw storeError(path, cause)
  }
}

function settings(db: DatabaseSync, path: string): void {
  const mode = db.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']
  if (mode !== 'wal') {
    throw new StoreError(`${path}: the file system cannot share memory (no WAL): put the database on a local disk`, {
      fatal: false,
    })
  }
  db.exec('PRAGMA synchronous = FULL')
  db.exec('PRAGMA foreign_keys = ON')
  db.exec(`PRAGMA wal_autocheckpoint = ${AUTO_CHECKPOINT_PAGES}`)
  db.exec(`PRAGMA journal_size_limit = ${WAL_KEEP_BYTES}`)
}

/**
 * Writes one page as it was. SQLite opens a file that it may not write for reading, without a word, and a full disk shows only
 * in a write: better now than with the first email that is owed.
 */
function proveWritable(db: DatabaseSync): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    db.exec(`PRAGMA user_version = ${versionOf(db)}`)
    db.exec('COMMIT')
  } catch (cause) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw cause
  }
}

/** A notification (`n`) at one of its addresses (`c`). */
const OWED_COLUMNS =
  'n.id, n.wording, n.doc, c.address, c.state, c.attempts, c.next_at, c.error, c.uncertain, c.no_session, c.delivered_at, c.reply'
const OWED_STATES = "('due', 'retrying', 'sending')"

const SQL = {
  putIncident: `INSERT INTO incidents (id, state, family, partition, opened_at, closed_at, doc, sums, patterns)
    VALUES ($id, $state, $family, $partition, $openedAt, $closedAt, $doc, $sums, $patterns)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, family = excluded.family, partition = excluded.partition,
      opened_at = excluded.opened_at, closed_at = excluded.closed_at, doc = excluded.doc, sums = excluded.sums,
      patterns = excluded.patterns`,
  putMember:
    'INSERT INTO members (incident, place, doc) VALUES (?, ?, ?) ON CONFLICT (incident, place) DO UPDATE SET doc = excluded.doc',
  dropMember: 'DELETE FROM members WHERE incident = ? AND place = ?',
  dropMembers: 'DELETE FROM members WHERE incident = ?',
  members: `SELECT doc FROM members WHERE incident = ? ORDER BY place LIMIT ${MAX_MEMBERS}`,
  // This and `putRun` are written for each run: by position, which takes two thirds of the time that names take.
  putProbe: 'INSERT INTO probes (probe, doc) VALUES (?, ?) ON CONFLICT (probe) DO UPDATE SET doc = excluded.doc',
  putSelfAlert: 'INSERT INTO self_alerts (key, doc) VALUES ($key, $doc) ON CONFLICT (key) DO UPDATE SET doc = excluded.doc',
  clearSelfAlert: 'DELETE FROM self_alerts WHERE key = ?',
  putMeta: 'INSERT INTO meta (key, doc) VALUES ($key, $doc) ON CONFLICT (key) DO UPDATE SET doc = excluded.doc',
  meta: 'SELECT doc FROM meta WHERE key = ?',
  addLedger: 'INSERT INTO ledger (at, incident, probe, decision, doc) VALUES ($at, $incident, $probe, $decision, $doc)',
  addNotification: `INSERT INTO notifications (id, thread, seq, incident, created_at, doc)
    VALUES ($id, $thread, $seq, $incident, $createdAt, $doc) ON CONFLICT (id) DO NOTHING`,
  addCopy: `INSERT INTO copies (notification, place, address, state, attempts, next_at, uncertain, no_session)
    VALUES (?, ?, ?, 'due', 0, ?, 0, 0) ON CONFLICT (notification, address) DO NOTHING`,
  setCopy: `UPDATE copies SET state = $state, attempts = $attempts, next_at = $nextAt, error = $error, uncertain = $uncertain,
      no_session = $noSession, delivered_at = $deliveredAt, reply = $reply WHERE notification = $id AND address = $address`,
  setWording: 'UPDATE notifications SET wording = ? WHERE id = ?',
  oneOwed: `SELECT ${OWED_COLUMNS} FROM copies c JOIN notifications n ON n.id = c.notification
    WHERE c.notification = ? AND c.address = ?`,
  // The first mail of each thread before the second of any: a long thread does not keep the others waiting.
  owed: `WITH ranked AS (
      SELECT n.id, c.address, c.place, c.next_at AS due, n.created_at AS born,
        row_number() OVER (PARTITION BY n.thread, c.address ORDER BY n.seq, n.created_at, n.id) AS rank
      FROM copies c JOIN notifications n ON n.id = c.notification WHERE c.state IN ${OWED_STATES}
    ), chosen AS (SELECT * FROM ranked ORDER BY rank, due, born, id, place LIMIT ?)
    SELECT ${OWED_COLUMNS} FROM chosen o JOIN notifications n ON n.id = o.id
    JOIN copies c ON c.notification = o.id AND c.address = o.address ORDER BY o.rank, o.due, o.born, o.id, o.place`,
  outbox: `SELECT ${OWED_COLUMNS} FROM notifications n JOIN copies c ON c.notification = n.id
    WHERE n.id IN (SELECT notification FROM copies WHERE state IN ${OWED_STATES}
      UNION SELECT notification FROM copies WHERE state = 'refused')
    ORDER BY n.created_at, n.seq, n.id, c.place LIMIT ${MAX_MAILS}`,
  mails: `SELECT ${OWED_COLUMNS} FROM notifications n JOIN copies c ON c.notification = n.id
    WHERE n.incident = ? ORDER BY n.created_at, n.seq, n.id, c.place LIMIT ${MAX_MAILS}`,
  delivered: `SELECT address, delivered_at FROM copies WHERE delivered_at >= ?
    ORDER BY delivered_at, notification, place LIMIT ${MAX_MAILS}`,
  addSilence: `INSERT INTO silences (id, until, ended_at, at, doc) VALUES ($id, $until, $endedAt, $at, $doc) ON CONFLICT (id) DO NOTHING`,
  endSilence: 'UPDATE silences SET ended_at = $at WHERE id = $id AND ended_at IS NULL AND until > $at',
  silences: 'SELECT ended_at, doc FROM silences WHERE min(until, coalesce(ended_at, until)) >= ? ORDER BY at, id',
  redateSilence: `UPDATE silences SET at = at + $by, until = until + $by, ended_at = ended_at + $by,
      doc = json_set(doc, '$.at', at + $by, '$.until', until + $by) WHERE id = $id`,
  redateAck: 'UPDATE acks SET at = at + $by WHERE incident = $incident',
  addAck: `INSERT INTO acks (incident, at, moment, reason) VALUES ($incident, $at, $moment, $reason)
    ON CONFLICT (incident) DO UPDATE SET at = excluded.at, moment = excluded.moment, reason = excluded.reason`,
  acks: `SELECT a.incident, a.at, a.moment, a.reason FROM acks a JOIN incidents i ON i.id = a.incident WHERE i.state <> 'closed' ORDER BY a.at`,
  addEventForm:
    'INSERT INTO event_forms (arn, hash, seen_at, doc) VALUES ($arn, $hash, $seenAt, $doc) ON CONFLICT (arn, hash) DO NOTHING',
  eventFormId: 'SELECT id FROM event_forms WHERE arn = ? AND hash = ?',
  eventForm: 'SELECT doc FROM event_forms WHERE id = ?',
  eventHistory: 'SELECT seen_at, doc FROM event_forms WHERE arn = ? ORDER BY seen_at, id LIMIT ?',
  putQueueEvent: 'INSERT INTO queue_events (arn, doc) VALUES ($arn, $doc) ON CONFLICT (arn) DO UPDATE SET doc = excluded.doc',
  dropQueueEvent: 'DELETE FROM queue_events WHERE arn = ?',
  dropQueue: 'DELETE FROM queue_events',
  queueEvents: 'SELECT doc FROM queue_events ORDER BY arn LIMIT ?',
  lastReading: 'SELECT id, said FROM readings WHERE partition = ? ORDER BY since DESC, id DESC LIMIT 1',
  prolongReading: 'UPDATE readings SET until = max(until, ?) WHERE id = ?',
  addReading: 'INSERT INTO readings (partition, since, until, said, doc) VALUES ($partition, $since, $since, $said, $doc)',
  readingAt: 'SELECT since, until, doc FROM readings WHERE partition = ? AND since <= ? ORDER BY since DESC, id DESC LIMIT 1',
  readings: 'SELECT since, until, doc FROM readings WHERE partition = ? AND until >= ? AND since <= ? ORDER BY since, id LIMIT ?',
  dropReadings: 'DELETE FROM readings WHERE id IN (SELECT id FROM readings WHERE until < ? ORDER BY id LIMIT ?)',
  probeId: 'SELECT id FROM probe_names WHERE name = ?',
  addProbeName: 'INSERT INTO probe_names (name) VALUES (?) RETURNING id',
  probeIds: 'SELECT id FROM probe_names ORDER BY id',
  putRun: `INSERT INTO runs (probe, at, ms, result, kind, tries, request_id, incident, doc)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (probe, at) DO UPDATE SET ms = excluded.ms, result = excluded.result, kind = excluded.kind, tries = excluded.tries,
      request_id = excluded.request_id, incident = coalesce(excluded.incident, incident), doc = coalesce(excluded.doc, doc)`,
  strip: `SELECT at, ms, result FROM runs WHERE probe = ? AND at >= ? ORDER BY at DESC LIMIT ${MAX_STRIP}`,
  runs: 'SELECT doc FROM runs WHERE incident = ? ORDER BY at DESC, probe DESC LIMIT ?',
  countRunsOf: 'SELECT count(*) AS n FROM runs WHERE incident = ?',
  countLedgerOf: 'SELECT count(*) AS n FROM ledger WHERE incident = ?',
  hours: `SELECT hour, ok, failed, inconclusive, sum_ms, max_ms FROM hours WHERE probe = ? AND hour >= ? ORDER BY hour LIMIT ${MAX_HOURS}`,
  probes: 'SELECT doc FROM probes ORDER BY probe',
  selfAlerts: 'SELECT doc FROM self_alerts ORDER BY key',
  liveIncidents: `SELECT doc FROM incidents WHERE state <> 'closed'
    UNION ALL SELECT doc FROM incidents WHERE state = 'closed' AND closed_at >= ? LIMIT ${MAX_LOADED}`,
  incidents: 'SELECT doc, sums FROM incidents ORDER BY opened_at DESC, id DESC LIMIT ?',
  closedIncidents: "SELECT doc, sums FROM incidents WHERE state = 'closed' ORDER BY opened_at DESC, id DESC LIMIT ?",
  patterns: 'SELECT doc, patterns FROM incidents ORDER BY opened_at DESC, id DESC LIMIT ?',
  incident: 'SELECT doc FROM incidents WHERE id = ?',
  ledgerAll: 'SELECT doc FROM ledger WHERE at >= ? ORDER BY at, id LIMIT ?',
  ledgerOf: 'SELECT doc FROM ledger WHERE incident = ? AND at >= ? ORDER BY at DESC, id DESC LIMIT ?',
  oldRuns: `SELECT max(at) AS last, count(*) AS n FROM
    (SELECT at FROM runs INDEXED BY runs_plain WHERE incident IS NULL AND probe = ? AND at < ? ORDER BY at LIMIT ?)`,
  sumRuns: `INSERT INTO hours (probe, hour, ok, failed, inconclusive, sum_ms, max_ms)
    SELECT probe, at - at % ${HOUR_MS}, sum(result = 'ok'), sum(result = 'failed'), sum(result = 'inconclusive'), sum(ms), max(ms)
    FROM runs WHERE incident IS NULL AND probe = ? AND at <= ? GROUP BY at - at % ${HOUR_MS}
    ON CONFLICT (probe, hour) DO UPDATE SET ok = ok + excluded.ok, failed = failed + excluded.failed,
      inconclusive = inconclusive + excluded.inconclusive, sum_ms = sum_ms + excluded.sum_ms, max_ms = max(max_ms, excluded.max_ms)`,
  dropRuns: 'DELETE FROM runs WHERE incident IS NULL AND probe = ? AND at <= ?',
  dropHours:
    'DELETE FROM hours WHERE probe = ? AND hour IN (SELECT hour FROM hours WHERE probe = ? AND hour < ? ORDER BY hour LIMIT ?)',
  countRuns: `SELECT count(*) AS n FROM
    (SELECT 1 FROM runs INDEXED BY runs_plain WHERE incident IS NULL AND probe = ? AND at < ? LIMIT ?)`,
  countHours: 'SELECT count(*) AS n FROM (SELECT 1 FROM hours WHERE probe = ? AND hour < ? LIMIT ?)',
} as const satisfies Record<string, string>

/** All calls run to their end at once: no transaction is ever open across an await. */
class SqliteStore implements Store {
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #observe: (method: string, ms: number) => void
  readonly #inode: number
  readonly #statements = new Map<keyof typeof SQL, StatementSync>()
  readonly #probeIds = new Map<string, number>()
  /** Of each open incident: its members as they were last written, in their order, each with its place. */
  readonly #written = new Map<string, readonly Placed[]>()
  /** Of each event of a partition's last reading: its form as it was written. */
  readonly #lastForms = new Map<Partition, ReadonlyMap<string, Base>>()
  readonly #room = new DailyRoom()
  #closed = false

  constructor(db: DatabaseSync, options: StoreOptions) {
    this.#db = db
    this.#path = options.path
    this.#observe = options.observe ?? (() => {})
    this.#inode = statSync(options.path).ino
  }

  async commit(change: Change): Promise<void> {
    this.#write('commit', () => {
      for (const incident of change.incidents) this.#putIncident(incident)
      for (const state of change.probes) this.#q('putProbe').run(state.probe, JSON.stringify(state))
      for (const key of change.selfAlerts.cleared) this.#q('clearSelfAlert').run(key)
      for (const selfAlert of change.selfAlerts.set)
        this.#run('putSelfAlert', { key: selfAlert.key, doc: JSON.stringify(selfAlert) })
      if (change.connectivity !== null) this.#run('putMeta', { key: 'connectivity', doc: JSON.stringify(change.connectivity) })
      this.#addLedger(change.ledger)
      this.#addNotifications(change.notifications)
      for (const stored of change.outcomes) this.#addRun(stored)
      for (const reading of change.readings) this.#addReading(reading)
      if (change.redate === undefined) return
      const { silences, acks, alive } = change.redate
      // By how much, not to when: a verb may have taken one back since it was read.
      for (const [id, by] of silences) this.#run('redateSilence', { id, by })
      for (const [incident, by] of acks) this.#run('redateAck', { incident, by })
      this.#run('putMeta', { key: 'alive', doc: JSON.stringify(alive) })
    })
  }

  async settle(changes: readonly OwedChange[], ledger: readonly LedgerRow[], added: readonly Notification[] = []): Promise<void> {
    this.#write('settle', () => {
      this.#addNotifications(added)
      for (const { id, address, ...change } of changes) {
        const row = this.#q('oneOwed').get(id, address)
        if (row === undefined) throw new StoreError(`no mail ${id} is owed to ${address}`, { fatal: false })
        this.#run('setCopy', copyValues({ ...owedOf(row), ...change }))
        if (change.wording !== undefined)
          this.#q('setWording').run(change.wording === null ? null : JSON.stringify(change.wording), id)
      }
      this.#addLedger(ledger)
    })
  }

  async addSilence(silence: Silence): Promise<void> {
    const { id, until, endedAt, at } = silence
    this.#write('addSilence', () => this.#run('addSilence', { id, until, endedAt, at, doc: JSON.stringify(silence) }))
  }

  async endSilence(id: string, at: Instant): Promise<boolean> {
    return this.#write('endSilence', () => Number(this.#q('endSilence').run({ id, at }).changes) > 0)
  }

  async silences(endedSince: Instant) {
    return this.#read('silences', () =>
      this.#q('silences')
        .all(endedSince)
        .map(
          (row): Silence => ({
            ...shaped<Silence>(row, SILENCE),
            endedAt: row['ended_at'] === null ? null : Number(row['ended_at']),
          }),
        ),
    )
  }

  async addAck({ incident, at, moment = null, reason }: Ack): Promise<void> {
    const when = moment === null ? null : JSON.stringify(moment)
    this.#write('addAck', () => this.#run('addAck', { incident, at, moment: when, reason }))
  }

  async remember(key: string, value: string): Promise<void> {
    this.#write('remember', () => this.#run('putMeta', { key: `${MEMO}${key}`, doc: JSON.stringify(value) }))
  }

  async recall(key: string): Promise<string | null> {
    return this.#read('recall', () => this.#meta<string>(`${MEMO}${key}`))
  }

  async keepQueue(record: QueueRecord, events: readonly KeptEvent[], forgotten: readonly string[]): Promise<void> {
    this.#write('keepQueue', () => {
      if (this.#meta<QueueRecord>(QUEUE)?.url !== record.url) this.#q('dropQueue').run()
      this.#run('putMeta', { key: QUEUE, doc: JSON.stringify(record) })
      for (const kept of events) this.#run('putQueueEvent', { arn: kept.event.arn, doc: JSON.stringify(kept) })
      for (const arn of forgotten) this.#q('dropQueueEvent').run(arn)
    })
  }

  async queue(url: string) {
    return this.#read('queue', () => {
      const row = this.#q('meta').get(QUEUE)
      const record = row === undefined ? null : shaped<QueueRecord>(row, QUEUE_RECORD)
      if (record?.url !== url) return null
      const rows = this.#q('queueEvents').all(MAX_QUEUE_EVENTS)
      return { record, events: rows.map((row) => shaped<KeptEvent>(row, KEPT_EVENT)) }
    })
  }

  async acks() {
    return this.#read('acks', () =>
      this.#q('acks')
        .all()
        .map(
          (row): Ack => ({
            incident: String(row['incident']),
            at: Number(row['at']),
            ...(row['moment'] === null ? {} : { moment: JSON.parse(String(row['moment'])) as Moment }),
            reason: row['reason'] === null ? null : String(row['reason']),
          }),
        ),
    )
  }

  /** `data_version` changes when another connection has committed (https://www.sqlite.org/pragma.html#pragma_data_version). */
  watch(changed: () => void, signal: AbortSignal): void {
    const look = this.#db.prepare('PRAGMA data_version')
    const version = () => Number(Object.values(look.get() ?? {})[0] ?? 0)
    let seen = version()
    const timer = setInterval(() => {
      if (this.#closed) return clearInterval(timer)
      try {
        const now = version()
        if (now === seen) return
        seen = now
      } catch {
        return // What is wrong with the database is said by whoever needs it.
      }
      changed()
    }, WATCH_MS)
    timer.unref()
    signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  }

  async alive(stamp: Stamp): Promise<void> {
    this.#write('alive', () => this.#run('putMeta', { key: 'alive', doc: JSON.stringify(stamp) }))
  }

  async owed(limit: number) {
    return this.#read('owed', () => this.#q('owed').all(limit).map(owedOf))
  }

  async sweep(before: Readonly<{ runs: Instant; hours: Instant }>, limit: number): Promise<number> {
    return this.#write('sweep', () => {
      const probes = this.#q('probeIds')
        .all()
        .map((row) => Number(row['id']))
      let budget = Math.max(1, Math.floor(limit))
      for (const probe of probes) {
        if (budget <= 0) break
        budget -= this.#sumUp(probe, before.runs, budget)
      }
      for (const probe of probes) {
        if (budget <= 0) break
        budget -= Number(this.#q('dropHours').run(probe, probe, before.hours, budget).changes)
      }
      if (budget > 0) this.#q('dropReadings').run(before.hours, budget)
      let left = 0
      for (const probe of probes) {
        if (left >= MAX_COUNTED) break
        left += Number(this.#q('countRuns').get(probe, before.runs, MAX_COUNTED - left)?.['n'])
        left += Number(this.#q('countHours').get(probe, before.hours, MAX_COUNTED - left)?.['n'])
      }
      return left
    })
  }

  /** Also notices when the file was taken away beneath us: what is written then is lost with the process. */
  async checkpoint(): Promise<void> {
    this.#call('checkpoint', () => {
      if (!existsSync(this.#path) || statSync(this.#path).ino !== this.#inode) {
        throw new StoreError(`${this.#path} was removed or replaced while it was in use`, { fatal: true })
      }
      // PASSIVE never waits for a reader; what it could not move is moved the next time.
      this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)')
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#call('close', () => {
      this.#closed = true
      this.#statements.clear()
      this.#db.close()
    })
  }

  async load(closedSince: Instant): Promise<Loaded> {
    return this.#read('load', () => ({
      probes: this.#q('probes')
        .all()
        .map((row) => document<ProbeState>(row)),
      incidents: this.#q('liveIncidents')
        .all(closedSince)
        .map((row) => this.#incidentOf(row)),
      selfAlerts: this.#q('selfAlerts')
        .all()
        .map((row) => document<SelfAlert>(row)),
      connectivity: this.#meta<Connectivity>('connectivity'),
      lastAlive: this.#meta<Stamp>('alive'),
    }))
  }

  async incidents(limit: number, only?: 'closed') {
    return this.#read('incidents', () =>
      this.#list(this.#q(only === 'closed' ? 'closedIncidents' : 'incidents').iterate(limit), (row, whole) =>
        row['sums'] === null
          ? summaryOf(whole())
          : { ...shaped<Omit<Incident, 'members'>>(row, INCIDENT), ...shaped<MemberSums>(row, SUMS, 'sums') },
      ),
    )
  }

  async patterns(limit: number) {
    return this.#read('patterns', () =>
      this.#list(this.#q('patterns').iterate(limit), (row, whole) =>
        row['patterns'] === null ? incidentPatterns(whole()) : shaped<IncidentPatterns>(row, PATTERNS, 'patterns'),
      ),
    )
  }

  /** One value a row. It ends early where too many members had to be read: those of incidents that are open. */
  #list<T>(rows: Iterable<Row>, rowValue: (row: Row, whole: () => Incident) => T): readonly T[] {
    const found: T[] = []
    let members = 0
    const whole = (row: Row) => {
      const incident = this.#incidentOf(row)
      members += incident.members.length
      return incident
    }
    for (const row of rows) {
      if (members > MAX_LISTED_MEMBERS) break
      found.push(rowValue(row, () => whole(row)))
    }
    return found
  }

  async incident(id: string) {
    return this.#read('incident', () => {
      const row = this.#q('incident').get(id)
      return row === undefined ? null : this.#incidentOf(row)
    })
  }

  async ledger(filter: Readonly<{ incident?: string; since?: Instant }>, limit: number) {
    return this.#read('ledger', () => {
      const since = filter.since ?? Number.MIN_SAFE_INTEGER
      const rows =
        filter.incident === undefined
          ? this.#q('ledgerAll').all(since, limit)
          : this.#q('ledgerOf').all(filter.incident, since, limit).reverse()
      return rows.map((row) => shaped<LedgerRow>(row, LEDGER_ROW))
    })
  }

  async strip(probe: string, since: Instant) {
    return this.#read('strip', () => {
      const id = this.#probeId(probe)
      return id === null ? [] : this.#q('strip').all(id, since).map(markOf).reverse()
    })
  }

  async runs(incident: string, limit: number) {
    return this.#read('runs', () =>
      this.#q('runs')
        .all(incident, limit)
        .reverse()
        .map((row) => document<Outcome>(row)),
    )
  }

  async counts(incident: string) {
    return this.#read('counts', () => ({
      ledger: Number(this.#q('countLedgerOf').get(incident)?.['n']),
      runs: Number(this.#q('countRunsOf').get(incident)?.['n']),
    }))
  }

  async hours(probe: string, since: Instant) {
    return this.#read('hours', () => {
      const id = this.#probeId(probe)
      return id === null
        ? []
        : this.#q('hours')
            .all(id, hourHolding(since))
            .map((row) => hourOf(probe, row))
    })
  }

  async outbox() {
    return this.#read('outbox', () => this.#q('outbox').all().map(owedOf))
  }

  async mails(incident: string) {
    return this.#read('mails', () => this.#q('mails').all(incident).map(owedOf))
  }

  async readingAt(partition: Partition, at: Instant) {
    return this.#read('readingAt', () => {
      const row = this.#q('readingAt').get(partition, at)
      return row === undefined ? null : this.#readingOf(row, new Map())
    })
  }

  async readings(partition: Partition, from: Instant, to: Instant, limit: number) {
    const known = new Map<number, HealthEvent | null>()
    return this.#read('readings', () =>
      this.#q('readings')
        .all(partition, from, to, limit)
        .map((row) => this.#readingOf(row, known)),
    )
  }

  async eventHistory(arn: string, limit: number) {
    const known = new Map<number, HealthEvent | null>()
    return this.#read('eventHistory', () =>
      this.#q('eventHistory')
        .all(arn, limit)
        .map((row) => ({
          seenAt: Number(row['seen_at']),
          event: decode(document<StoredForm>(row), (base) => this.#form(base, known)),
        })),
    )
  }

  async deliveredSince(since: Instant) {
    return this.#read('deliveredSince', () =>
      this.#q('delivered')
        .all(since)
        .map((row) => ({ address: String(row['address']), at: Number(row['delivered_at']) })),
    )
  }

  #incidentOf(row: Row): Incident {
    const header = shaped<Omit<Incident, 'members'>>(row, INCIDENT)
    const members = this.#q('members')
      .all(header.id)
      .map((member) => shaped<Member>(member, MEMBER))
    return { ...header, members }
  }

  /** Of the members only those are written that are not the very ones that were written last: a change makes a new object. */
  #putIncident(incident: Incident): void {
    const { id, members } = incident
    this.#run('putIncident', incidentValues(incident))
    const known = this.#written.get(id)
    if (known === undefined) this.#q('dropMembers').run(id)
    const placed = placesOf(members, known ?? [])
    const kept = new Set(placed.map(({ place }) => place))
    for (const { place } of known ?? []) if (!kept.has(place)) this.#q('dropMember').run(id, place)
    const before = new Map((known ?? []).map(({ place, member }) => [place, member]))
    for (const { place, member } of placed) {
      if (before.get(place) !== member) this.#q('putMember').run(id, place, JSON.stringify(member))
    }
    if (incident.state === 'closed') this.#written.delete(id)
    else this.#written.set(id, placed)
  }

  #addLedger(rows: readonly LedgerRow[]): void {
    for (const row of rows) {
      this.#run('addLedger', {
        at: row.at,
        incident: row.incident,
        probe: row.probe,
        decision: row.decision,
        doc: JSON.stringify(row),
      })
    }
  }

  #addNotifications(notifications: readonly Notification[]): void {
    for (const notification of notifications) {
      const { changes } = this.#q('addNotification').run(notificationValues(notification))
      if (Number(changes) === 0) continue
      const { id, to, createdAt } = notification
      for (const [place, address] of to.entries()) this.#q('addCopy').run(id, place, address, createdAt)
    }
  }

  /**
   * Events are kept once in each of their forms; a reading that says what the last one said prolongs it. What a day has no
   * room for is left out, and the reading says so: what explains is kept with its incident in any case.
   */
  #addReading(reading: HealthReading): void {
    const before = this.#lastForms.get(reading.partition)
    const written = new Map<string, Base>()
    let left = 0
    for (const event of reading.events) {
      const form = this.#eventForm(event, before?.get(event.arn) ?? null, reading.at)
      if (form === null) left += 1
      else written.set(event.arn, form)
    }
    this.#lastForms.set(reading.partition, written)
    const forms = [...written.values()].map(({ id }) => id)
    const said = saidBy(reading, forms, left)
    const last = this.#q('lastReading').get(reading.partition)
    if (last !== undefined && last['said'] === said) {
      this.#q('prolongReading').run(reading.at, Number(last['id']))
      return
    }
    const doc = readingDocument(reading, forms, left)
    this.#run('addReading', { partition: reading.partition, since: reading.at, said, doc })
  }

  /** The form of an event as it is on disk from now on; `null` where it is a new one, and there is no room for it. */
  #eventForm(event: HealthEvent, base: Base | null, seenAt: Instant): Base | null {
    const { arn } = event
    const whole = JSON.stringify(event)
    const hash = hashOf(whole)
    const id = this.#q('eventFormId').get(arn, hash)?.['id']
    // How long its chain is nobody remembers: it counts as one that has to be written whole.
    if (id !== undefined) return base?.id === id ? base : { id: Number(id), event, chain: Number.POSITIVE_INFINITY }
    const { stored, chain } = encode(event, base)
    const doc = JSON.stringify(stored)
    if (!this.#room.take(doc.length, seenAt)) return null
    this.#run('addEventForm', { arn, hash, seenAt, doc })
    return { id: Number(this.#q('eventFormId').get(arn, hash)?.['id']), event, chain }
  }

  #form(id: number, known: Map<number, HealthEvent | null>, bases = 0): HealthEvent | null {
    const before = known.get(id)
    if (before !== undefined) return before
    const row = bases > MAX_BASES ? undefined : this.#q('eventForm').get(id)
    const event = row === undefined ? null : decode(document<StoredForm>(row), (base) => this.#form(base, known, bases + 1))
    known.set(id, event)
    return event
  }

  #readingOf(row: Row, known: Map<number, HealthEvent | null>): KeptReading {
    const { forms, ...rest } = document<Omit<HealthReading, 'events'> & { forms: readonly number[] }>(row)
    const events = forms.flatMap((id) => this.#form(id, known) ?? [])
    return { since: Number(row['since']), until: Number(row['until']), reading: { ...rest, events } }
  }

  #addRun(stored: StoredOutcome): void {
    let probe = this.#probeId(stored.outcome.probe)
    if (probe === null) {
      probe = Number(this.#q('addProbeName').get(stored.outcome.probe)?.['id'])
      this.#probeIds.set(stored.outcome.probe, probe)
    }
    this.#q('putRun').run(...runValues(stored, probe))
  }

  /** Sums and deletes in the same transaction: a run is in the one place or in the other, whenever we die. */
  #sumUp(probe: number, before: Instant, limit: number): number {
    const row = this.#q('oldRuns').get(probe, before, limit)
    const count = Number(row?.['n'] ?? 0)
    if (count === 0) return 0
    const last = Number(row?.['last'])
    this.#q('sumRuns').run(probe, last)
    this.#q('dropRuns').run(probe, last)
    return count
  }

  #probeId(name: string): number | null {
    const known = this.#probeIds.get(name)
    if (known !== undefined) return known
    const row = this.#q('probeId').get(name)
    if (row === undefined) return null
    this.#probeIds.set(name, Number(row['id']))
    return Number(row['id'])
  }

  #meta<T>(key: string): T | null {
    const row = this.#q('meta').get(key)
    return row === undefined ? null : document<T>(row)
  }

  #q(name: keyof typeof SQL): StatementSync {
    let statement = this.#statements.get(name)
    if (statement === undefined) {
      statement = this.#db.prepare(SQL[name])
      this.#statements.set(name, statement)
    }
    return statement
  }

  #run(name: keyof typeof SQL, values: Values): void {
    this.#q(name).run(values)
  }

  #write<T>(method: string, work: () => T): T {
    return this.#call(method, () => this.#transaction('BEGIN IMMEDIATE', work))
  }

  /** In a transaction too: what one answer holds was all true at the same moment. */
  #read<T>(method: string, work: () => T): T {
    return this.#call(method, () => this.#transaction('BEGIN', work))
  }

  #transaction<T>(begin: string, work: () => T): T {
    this.#rollback() // Only if the one before could not be ended.
    this.#db.exec(begin)
    try {
      const value = work()
      this.#db.exec('COMMIT')
      return value
    } catch (cause) {
      // What was added is gone with the transaction. SQLite may have rolled back by itself (disk full).
      this.#probeIds.clear()
      this.#written.clear()
      this.#lastForms.clear()
      this.#rollback()
      throw cause
    }
  }

  #rollback(): void {
    try {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
    } catch {
      // The fault that led here is the one to tell of; this is tried again before the next transaction.
    }
  }

  #call<T>(method: string, work: () => T): T {
    const began = performance.now()
    try {
      if (this.#closed && method !== 'close') throw new StoreError(`${this.#path} is closed`, { fatal: false })
      return work()
    } catch (cause) {
      throw storeError(this.#path, cause)
    } finally {
      this.#observe(method, performance.now() - began)
    }
  }
}
