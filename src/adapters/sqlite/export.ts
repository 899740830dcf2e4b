import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../../ports/store.ts'
import type { Row } from '../stored/rows.ts'
import { storeError } from './fault.ts'
import { checkOwner, MIGRATIONS } from './migrations.ts'
import { bytesAt } from './place.ts'
import { RESULTS } from './runs.ts'

/** The rows of a table, in the order in which they were written. */
export type SqliteTable = Readonly<{ name: string; rows: Iterable<Row> }>

/** How a table is read where a plain look would not do: in the order in which it was written, and runs as one table. */
const SELECT: Readonly<Record<string, string>> = {
  ledger: 'SELECT * FROM ledger ORDER BY id',
  event_forms: 'SELECT * FROM event_forms ORDER BY id',
  readings: 'SELECT * FROM readings ORDER BY id',
  runs: `SELECT probe, at, ms, result, json_extract(doc, '$.kind') AS kind, tries, request_id, NULL AS incident, doc FROM runs
    UNION ALL SELECT probe, at, ms, result, json_extract(doc, '$.kind'), json_array_length(doc, '$.tries'), NULL, incident, doc
    FROM incident_runs`,
}

/**
 * Reads the tables of the database at `path`, all as of one moment.
 * @param names which, in the order in which they are wanted
 * @throws {StoreError} when there is none, or it is of another version than this one writes
 */
export function* exported(path: string, names: readonly string[]): Generator<SqliteTable> {
  if (bytesAt(path) === null) throw new StoreError(`there is no database at ${path}`, { fatal: false })
  let db: DatabaseSync | null = null
  try {
    db = new DatabaseSync(path, { readOnly: true })
    db.exec('BEGIN')
    if (checkOwner(db, path) < MIGRATIONS.length)
      throw new StoreError(
        `${path} is of an older Alibi: start the daemon once with storage.path, it brings the file up to date`,
        {
          fatal: false,
        },
      )
    for (const name of names) {
      const rows = db.prepare(SELECT[name] ?? `SELECT * FROM ${name}`).iterate()
      yield { name, rows: name === 'runs' ? inWords(rows) : rows }
    }
  } catch (cause) {
    throw storeError(path, cause)
  } finally {
    db?.close()
  }
}

/** Results by name, and request ids as AWS writes them. */
function* inWords(rows: Iterable<Row>): Generator<Row> {
  for (const row of rows) {
    const id = row['request_id']
    yield {
      ...row,
      result: RESULTS[Number(row['result'])] ?? 'inconclusive',
      request_id: id instanceof Uint8Array ? uuidOf(id) : (id ?? null),
    }
  }
}

function uuidOf(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
