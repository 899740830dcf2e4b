import type { Notification, Owed } from '../../domain/notification.ts'
import type { Instant } from '../../domain/probe.ts'
import type { OwedChange } from '../../ports/store.ts'
import { StoreError } from '../../ports/store.ts'
import { copyValues, notificationValues, owedOf } from '../stored/rows.ts'
import type { Database } from './database.ts'

/** Emails of an outbox or of an incident, and deliveries, in one answer. */
const MAX_EMAILS = 10_000

/** A notification (`n`) at one of its addresses (`c`). */
const OWED_COLUMNS =
  'n.id, n.wording, n.doc, c.address, c.state, c.attempts, c.next_at, c.error, c.uncertain, c.no_session, c.delivered_at, c.reply'
const OWED_STATES = "('due', 'retrying', 'sending')"

const ADD = `INSERT INTO notifications (id, thread, seq, incident, created_at, doc)
  VALUES ($id, $thread, $seq, $incident, $createdAt, $doc) ON CONFLICT (id) DO NOTHING`
const ADD_COPY = `INSERT INTO copies (notification, place, address, state, attempts, next_at, uncertain, no_session)
  VALUES (?, ?, ?, 'due', 0, ?, 0, 0) ON CONFLICT (notification, address) DO NOTHING`
const SET_COPY = `UPDATE copies SET state = $state, attempts = $attempts, next_at = $nextAt, error = $error, uncertain = $uncertain,
  no_session = $noSession, delivered_at = $deliveredAt, reply = $reply WHERE notification = $id AND address = $address`
const SET_WORDING = 'UPDATE notifications SET wording = ? WHERE id = ?'
const ONE = `SELECT ${OWED_COLUMNS} FROM copies c JOIN notifications n ON n.id = c.notification
  WHERE c.notification = ? AND c.address = ?`
// The first email of each thread before the second of any: a long thread does not keep the others waiting.
const OWED = `WITH ranked AS (
    SELECT n.id, c.address, c.place, c.next_at AS due, n.created_at AS born,
      row_number() OVER (PARTITION BY n.thread, c.address ORDER BY n.seq, n.created_at, n.id) AS rank
    FROM copies c JOIN notifications n ON n.id = c.notification WHERE c.state IN ${OWED_STATES}
  ), chosen AS (SELECT * FROM ranked ORDER BY rank, due, born, id, place LIMIT ?)
  SELECT ${OWED_COLUMNS} FROM chosen o JOIN notifications n ON n.id = o.id
  JOIN copies c ON c.notification = o.id AND c.address = o.address ORDER BY o.rank, o.due, o.born, o.id, o.place`
const ALL = `SELECT ${OWED_COLUMNS} FROM notifications n JOIN copies c ON c.notification = n.id
  WHERE n.id IN (SELECT notification FROM copies WHERE state IN ${OWED_STATES}
    UNION SELECT notification FROM copies WHERE state = 'refused')
  ORDER BY n.created_at, n.seq, n.id, c.place LIMIT ${MAX_EMAILS}`
const OF_INCIDENT = `SELECT ${OWED_COLUMNS} FROM notifications n JOIN copies c ON c.notification = n.id
  WHERE n.incident = ? ORDER BY n.created_at, n.seq, n.id, c.place LIMIT ${MAX_EMAILS}`
const DELIVERED = `SELECT address, delivered_at FROM copies WHERE delivered_at >= ?
  ORDER BY delivered_at, notification, place LIMIT ${MAX_EMAILS}`

/** Notifications, and what became of each at each of its addresses. */
export class Outbox {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  add(notifications: readonly Notification[]): void {
    for (const notification of notifications) {
      if (this.#db.run(ADD, notificationValues(notification)) === 0) continue
      const { id, to, createdAt } = notification
      for (const [place, address] of to.entries()) this.#db.run(ADD_COPY, id, place, address, createdAt)
    }
  }

  /** @throws {StoreError} where no such email is owed to that address */
  change({ id, address, ...change }: OwedChange): void {
    const row = this.#db.one(ONE, id, address)
    if (row === undefined) throw new StoreError(`no email ${id} is owed to ${address}`, { fatal: false })
    this.#db.run(SET_COPY, copyValues({ ...owedOf(row), ...change }))
    if (change.wording !== undefined)
      this.#db.run(SET_WORDING, change.wording === null ? null : JSON.stringify(change.wording), id)
  }

  owed(limit: number): readonly Owed[] {
    return this.#db.all(OWED, limit).map(owedOf)
  }

  all(): readonly Owed[] {
    return this.#db.all(ALL).map(owedOf)
  }

  ofIncident(incident: string): readonly Owed[] {
    return this.#db.all(OF_INCIDENT, incident).map(owedOf)
  }

  deliveredSince(since: Instant): readonly Readonly<{ address: string; at: Instant }>[] {
    return this.#db.all(DELIVERED, since).map((row) => ({ address: String(row['address']), at: Number(row['delivered_at']) }))
  }
}
