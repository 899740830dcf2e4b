import type { Pool, PoolClient, QueryResult } from 'pg'
import { readThrown } from '../../domain/thrown.ts'
import { StoreError } from '../../ports/store.ts'
import type { Row } from '../stored/rows.ts'
import { isRefusal, postgresError, uncertainError } from './fault.ts'

export type DatabaseOptions = Readonly<{
  url: string
  /** Where Alibi's tables are; made if it is missing. */
  schema: string
  /** Most connections at a time. */
  poolSize: number
}>

/** A transaction that is under way. What it throws ends it. */
export type Transaction = Readonly<{
  query(text: string, values?: readonly unknown[]): Promise<readonly Row[]>
  /** The number of rows that a statement has changed. */
  change(text: string, values?: readonly unknown[]): Promise<number>
  /** Several statements without values. */
  script(text: string): Promise<void>
}>

/** The first number of the oldest version that is supported: https://www.postgresql.org/support/versioning/. */
const OLDEST_VERSION = 14
const CONNECT_WITHIN_MS = 5_000
/** Longest that the server works on a statement, and that it waits for a row somebody else has locked. */
const STATEMENT_MS = 8_000
const LOCK_MS = 4_000
/** A process that stands still in the middle of a transaction keeps everybody out only so long. */
const IDLE_IN_TRANSACTION_MS = 3_000
/** Beyond the server's own limits: the line is dead. The connection is thrown away. */
const ANSWER_WITHIN_MS = 10_000
const KEEP_IDLE_MS = 30_000

const LIMITS = `SET LOCAL statement_timeout = ${STATEMENT_MS}; SET LOCAL lock_timeout = ${LOCK_MS}; SET LOCAL idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`

/** Transactions on one schema of a PostgreSQL database, over a pool of connections. Every error is a StoreError. */
export class Database {
  readonly place: string
  readonly schema: string
  private readonly pool: Pool
  private readonly inSchema: string
  private closing: Promise<void> | null = null

  constructor(pool: Pool, options: DatabaseOptions) {
    this.pool = pool
    this.place = placeOf(options.url)
    this.schema = options.schema
    // With the transaction rather than the session: a pooler in between may hand each transaction to another session.
    this.inSchema = `SET LOCAL search_path = "${options.schema}"; ${LIMITS}`
  }

  /** What one answer holds was all true at the same moment. */
  read<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.transaction('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work)
  }

  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.transaction('BEGIN', work)
  }

  /** One statement, or several without values, in no transaction of ours. */
  async execute(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }> {
    const client = await this.connect()
    let isBroken = true
    try {
      // Of several statements there is one result each, which the driver's types do not say.
      const results: QueryResult<Row> | QueryResult<Row>[] = await client.query<Row>(text, values?.map(storable))
      isBroken = false
      return { rows: [results].flat().flatMap(({ rows }) => rows) }
    } catch (cause) {
      throw postgresError(this.place, cause)
    } finally {
      client.release(isBroken)
    }
  }

  close(): Promise<void> {
    this.closing ??= this.pool.end()
    return this.closing
  }

  private async transaction<T>(begin: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await this.connect()
    let isBroken = true
    try {
      const value = await this.run(client, begin, work)
      isBroken = false
      return value
    } finally {
      // Rolled back with its connection: asking for a rollback could wait for a line that is dead.
      client.release(isBroken)
    }
  }

  private async connect(): Promise<PoolClient> {
    if (this.closing !== null) throw new StoreError(`${this.place} is closed`, { fatal: false })
    return this.pool.connect().catch((cause: unknown) => {
      throw postgresError(this.place, cause)
    })
  }

  private async run<T>(client: PoolClient, begin: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    let value: T
    try {
      await client.query(`${begin}; ${this.inSchema}`)
      value = await work(transactionOn(client))
    } catch (cause) {
      throw postgresError(this.place, cause)
    }
    try {
      const { command } = await client.query('COMMIT')
      if (command === 'COMMIT') return value
    } catch (cause) {
      throw isRefusal(cause) ? postgresError(this.place, cause) : uncertainError(this.place, cause)
    }
    throw new StoreError(`${this.place}: the transaction was rolled back`, { fatal: false })
  }
}

function transactionOn(client: PoolClient): Transaction {
  const run = async (text: string, values: readonly unknown[] = []) => client.query<Row>(text, values.map(storable))
  return {
    query: async (text, values) => (await run(text, values)).rows,
    change: async (text, values) => (await run(text, values)).rowCount ?? 0,
    script: async (text) => void (await client.query(text)),
  }
}

/** PostgreSQL's text holds every character but U+0000. In documents JSON spells it out; elsewhere it stands for nothing. */
function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value
  return Array.isArray(value) ? value.map(storable) : value
}

/**
 * Connects, and sees to it that the database is one that Alibi can use.
 * @throws {StoreError}
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const pool = await poolOf(options)
  const database = new Database(pool, options)
  try {
    await database.read((tx) => proveUsable(tx, database.place))
    return database
  } catch (cause) {
    await database.close()
    throw cause
  }
}

async function poolOf({ url, poolSize }: DatabaseOptions): Promise<Pool> {
  const { default: pg } = await import('pg').catch((cause: unknown) => {
    if (readThrown(cause).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new StoreError('storage.postgres needs the packages pg and pg-boss: install Alibi with its optional dependencies', {
      fatal: false,
      cause,
    })
  })
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    query_timeout: ANSWER_WITHIN_MS,
    idleTimeoutMillis: KEEP_IDLE_MS,
    keepAlive: true,
    application_name: 'alibi',
    types: { getTypeParser: (oid: number, format?: 'text' | 'binary') => parserOf(oid) ?? pg.types.getTypeParser(oid, format) },
  } as ConstructorParameters<typeof pg.Pool>[0])
  // A query reports the end of its connection. If a connection is idle, or checked out and broken, this is the only sign.
  pool.on('error', () => {})
  pool.on('connect', (client) => void client.on('error', () => {}))
  return pool
}

const BIGINT = 20
const TEXT = 25

/** Instants, counts and sums fit a number; a document is read as it is. */
function parserOf(oid: number): ((text: string) => unknown) | null {
  if (oid === BIGINT) return Number
  return oid === TEXT ? (text) => text : null
}

async function proveUsable(tx: Transaction, place: string): Promise<void> {
  const [row] = await tx.query(
    `SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('server_encoding') AS encoding,
      pg_is_in_recovery()::int AS standby`,
  )
  const fault = (text: string) => new StoreError(`${place} ${text}`, { fatal: false })
  if (Number(row?.['version']) < OLDEST_VERSION)
    throw fault(`is PostgreSQL ${row?.['version']}: Alibi needs ${OLDEST_VERSION} or newer`)
  if (row?.['encoding'] !== 'UTF8') throw fault(`is encoded in ${row?.['encoding']}: Alibi needs a database with ENCODING 'UTF8'`)
  if (row['standby'] === 1) throw fault('is a standby: storage.postgres.url must lead to the primary')
}

/** The database by its address, without what is secret. */
function placeOf(url: string): string {
  const { hostname, port, pathname } = new URL(url)
  return `the PostgreSQL database at ${hostname}${port === '' ? '' : `:${port}`}${pathname}`
}
