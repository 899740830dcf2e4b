import { existsSync, statSync } from 'node:fs'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { StoreError } from '../../ports/store.ts'
import type { Row } from '../stored/rows.ts'
import { storeError } from './fault.ts'

export type DatabaseOptions = Readonly<{
  path: string
  /** Called after each call: its name and how long it blocked the event loop. */
  observe?: (method: string, ms: number) => void
}>

type Parameters = readonly SQLInputValue[] | [Readonly<Record<string, SQLInputValue>>]

/** How often we look whether another process has written. */
const WATCH_MS = 2_000

/** An open file: its statements, each prepared once, and its transactions, none of which is ever open across an await. */
export class Database {
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #observe: (method: string, ms: number) => void
  readonly #inode: number
  readonly #statements = new Map<string, StatementSync>()
  readonly #rollbacks: (() => void)[] = []
  #closed = false

  constructor(db: DatabaseSync, options: DatabaseOptions) {
    this.#db = db
    this.#path = options.path
    this.#observe = options.observe ?? (() => {})
    this.#inode = statSync(options.path).ino
  }

  /** Calls back when a transaction failed: what was remembered of what is on disk may no longer be so. */
  onRollback(forget: () => void): void {
    this.#rollbacks.push(forget)
  }

  all(sql: string, ...parameters: Parameters): Row[] {
    return this.#prepared(sql).all(...(parameters as SQLInputValue[]))
  }

  one(sql: string, ...parameters: Parameters): Row | undefined {
    return this.#prepared(sql).get(...(parameters as SQLInputValue[]))
  }

  each(sql: string, ...parameters: Parameters): Iterable<Row> {
    return this.#prepared(sql).iterate(...(parameters as SQLInputValue[]))
  }

  /** @returns how many rows it changed */
  run(sql: string, ...parameters: Parameters): number {
    return Number(this.#prepared(sql).run(...(parameters as SQLInputValue[])).changes)
  }

  /** The number that a query of one row names `n`. */
  count(sql: string, ...parameters: Parameters): number {
    return Number(this.one(sql, ...parameters)?.['n'] ?? 0)
  }

  write<T>(method: string, work: () => T): T {
    return this.call(method, () => this.#transaction('BEGIN IMMEDIATE', work))
  }

  /** In a transaction too: everything in one answer was true at the same moment. */
  read<T>(method: string, work: () => T): T {
    return this.call(method, () => this.#transaction('BEGIN', work))
  }

  /** Outside of any transaction. @throws {StoreError} and nothing else */
  call<T>(method: string, work: () => T): T {
    const began = performance.now()
    try {
      if (this.#closed) throw new StoreError(`${this.#path} is closed`, { fatal: false })
      return work()
    } catch (cause) {
      throw storeError(this.#path, cause)
    } finally {
      this.#observe(method, performance.now() - began)
    }
  }

  /** Also notices when the file was removed beneath us: what is written then is lost with the process. */
  checkpoint(): void {
    if (!existsSync(this.#path) || statSync(this.#path).ino !== this.#inode) {
      throw new StoreError(`${this.#path} was removed or replaced while it was in use`, { fatal: true })
    }
    // PASSIVE never waits for a reader; what it could not move is moved the next time.
    this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)')
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
        return // What is wrong with the database is reported by whoever needs it.
      }
      changed()
    }, WATCH_MS)
    timer.unref()
    signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  }

  close(): void {
    if (this.#closed) return
    this.call('close', () => {
      this.#closed = true
      this.#statements.clear()
      this.#db.close()
    })
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#db.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
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
      for (const forget of this.#rollbacks) forget()
      this.#rollback()
      throw cause
    }
  }

  #rollback(): void {
    try {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
    } catch {
      // The fault that led here is the one to report; this is tried again before the next transaction.
    }
  }
}
