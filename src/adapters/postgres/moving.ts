import { StoreError } from '../../ports/store.ts'
import type { SqliteTable } from '../sqlite/export.ts'
import { type DatabaseOptions, openDatabase, type Transaction } from './database.ts'
import { migrate, versionOf } from './migrations.ts'

/** Every table, those first that others refer to, with the columns that are moved. Both stores have the same. */
export const MOVED: Readonly<Record<string, readonly string[]>> = {
  meta: ['key', 'doc'],
  incidents: ['id', 'state', 'family', 'partition', 'opened_at', 'closed_at', 'doc', 'sums', 'patterns'],
  members: ['incident', 'place', 'rejected', 'doc'],
  rejected_events: ['incident', 'list', 'doc'],
  probes: ['probe', 'doc'],
  self_alerts: ['key', 'doc'],
  silences: ['id', 'until', 'ended_at', 'at', 'doc'],
  acks: ['incident', 'at', 'moment', 'reason'],
  ledger: ['at', 'incident', 'probe', 'decision', 'doc'],
  notifications: ['id', 'thread', 'seq', 'incident', 'created_at', 'wording', 'doc'],
  copies: [
    ...['notification', 'place', 'address', 'state', 'attempts', 'next_at', 'error', 'uncertain', 'no_session'],
    ...['delivered_at', 'reply'],
  ],
  event_forms: ['id', 'arn', 'hash', 'seen_at', 'doc'],
  readings: ['id', 'partition', 'since', 'until', 'said', 'doc'],
  queue_events: ['arn', 'doc'],
  probe_names: ['id', 'name'],
  runs: ['probe', 'at', 'ms', 'result', 'kind', 'tries', 'request_id', 'incident', 'doc'],
  hours: ['probe', 'hour', 'ok', 'failed', 'inconclusive', 'sum_ms', 'max_ms'],
}

/** Tables whose ids were given out by a counter, which goes on behind them. */
const COUNTED = ['event_forms', 'readings', 'probe_names']
const ROWS_AT_ONCE = 1_000

/**
 * Moves everything into an empty schema, in one transaction: all of it is there afterwards, or nothing.
 * @returns how many rows there are
 * @throws {StoreError} when the schema is not empty, or the database cannot be written
 */
export async function moveInto(options: DatabaseOptions, tables: Iterable<SqliteTable>): Promise<number> {
  const database = await openDatabase({ ...options, poolSize: 1 })
  try {
    return await database.write(async (tx) => {
      const { place, schema } = database
      if ((await versionOf(tx, place, schema)) > 0)
        throw new StoreError(`there is something of Alibi in the schema \`${schema}\` of ${place} already: nothing was moved`, {
          fatal: false,
        })
      await migrate(tx, place, schema)
      // A big database takes longer than any transaction of the daemon's.
      await tx.script('SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0')
      let rows = 0
      for (const table of tables) rows += await fill(tx, table)
      for (const name of COUNTED)
        await tx.query(
          `SELECT setval(pg_get_serial_sequence('${name}', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM ${name}), false)`,
        )
      return rows
    })
  } finally {
    await database.close()
  }
}

async function fill(tx: Transaction, { name, rows }: SqliteTable): Promise<number> {
  const columns = MOVED[name] ?? []
  const types = await tx.query(
    `SELECT column_name AS name, udt_name AS type FROM information_schema.columns
     WHERE table_schema = current_schema() AND table_name = $1`,
    [name],
  )
  const typeOf = (column: string) => types.find((one) => one['name'] === column)?.['type']
  const values = columns.map((column, i) => `$${i + 1}::${typeOf(column)}[]`).join(', ')
  const insert = `INSERT INTO ${name} (${columns.join(', ')}) SELECT * FROM unnest(${values})`
  let count = 0
  let batch: (readonly unknown[])[] = []
  const flush = async () => {
    if (batch.length > 0)
      count += await tx.change(
        insert,
        columns.map((_, i) => batch.map((row) => row[i])),
      )
    batch = []
  }
  for (const row of rows) {
    batch.push(columns.map((column) => row[column] ?? null))
    if (batch.length >= ROWS_AT_ONCE) await flush()
  }
  await flush()
  return count
}
