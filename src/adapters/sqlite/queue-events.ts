import type { KeptEvent } from '../../domain/queue-message.ts'
import type { KeptQueue, QueueRecord } from '../../domain/queue-record.ts'
import { KEPT_EVENT, QUEUE_RECORD, shaped } from '../stored/rows.ts'
import type { Database } from './database.ts'

/** The key of what is known of the queue as a whole. */
const QUEUE = 'queue'
/** Events that are read: more than are kept. */
const MAX_EVENTS = 2_000

const PUT_RECORD = 'INSERT INTO meta (key, doc) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET doc = excluded.doc'
const RECORD = 'SELECT doc FROM meta WHERE key = ?'
const PUT = 'INSERT INTO queue_events (arn, doc) VALUES (?, ?) ON CONFLICT (arn) DO UPDATE SET doc = excluded.doc'
const DROP = 'DELETE FROM queue_events WHERE arn = ?'
const DROP_ALL = 'DELETE FROM queue_events'
const ALL = `SELECT doc FROM queue_events ORDER BY arn LIMIT ${MAX_EVENTS}`

/** What came by the health queue: each event in its last form, and what is known of the queue as a whole. */
export class QueueEvents {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  keep(record: QueueRecord, events: readonly KeptEvent[], forgotten: readonly string[]): void {
    if (this.#record()?.url !== record.url) this.#db.run(DROP_ALL)
    this.#db.run(PUT_RECORD, QUEUE, JSON.stringify(record))
    for (const kept of events) this.#db.run(PUT, kept.event.arn, JSON.stringify(kept))
    for (const arn of forgotten) this.#db.run(DROP, arn)
  }

  of(url: string): KeptQueue | null {
    const record = this.#record()
    if (record?.url !== url) return null
    return { record, events: this.#db.all(ALL).map((row) => shaped<KeptEvent>(row, KEPT_EVENT)) }
  }

  #record(): QueueRecord | null {
    const row = this.#db.one(RECORD, QUEUE)
    return row === undefined ? null : shaped<QueueRecord>(row, QUEUE_RECORD)
  }
}
