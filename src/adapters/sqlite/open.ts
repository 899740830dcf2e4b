import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../../ports/store.ts'
import { storeError } from './fault.ts'
import { checkOwner, MIGRATIONS, migrate, versionOf } from './migrations.ts'
import { bytesAt } from './place.ts'
import { createPrivately } from './private-file.ts'

export type OpenOptions = Readonly<{
  path: string
  /** For commands that list: changes nothing, and neither creates nor migrates. */
  readOnly?: boolean
  /** For commands that write beside the daemon: neither creates nor migrates, which is the lock holder's task. */
  beside?: boolean
  /** Longest wait for another process's transaction; the event loop is blocked meanwhile. */
  busyMs?: number
  /** Ceiling on the file, in pages of 4 KiB; beyond it the disk counts as full. Default: none but SQLite's own. */
  maxPages?: number
}>

/** Our transactions take milliseconds; a process that holds the file for longer is stuck. */
const BUSY_MS = 2_000
/** Pages of the write-ahead log (4 KiB each) after which SQLite checkpoints by itself, if nobody called `checkpoint`. */
const AUTO_CHECKPOINT_PAGES = 4_000
const WAL_KEEP_BYTES = 4 * 1024 * 1024

/**
 * Whether a daemon has ever begun a database there: listings are empty otherwise, and reading one would fail.
 * @throws {StoreError} if that cannot be determined: an empty listing would say that there is nothing
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

/** Opens the database, creating and migrating it first unless that is switched off. @throws {StoreError} */
export function openDatabase(options: OpenOptions): DatabaseSync {
  const { path } = options
  try {
    const guest = options.readOnly === true || options.beside === true
    if (bytesAt(path) === null && guest) throw new StoreError(`there is no database at ${path} yet`, { fatal: false })
    // `-wal` and `-shm` take the modes of the file they belong to.
    if (!guest) createPrivately(path)
    const db = new DatabaseSync(path, { readOnly: options.readOnly === true, timeout: options.busyMs ?? BUSY_MS })
    try {
      prepare(db, options, guest)
      return db
    } catch (cause) {
      db.close()
      throw cause
    }
  } catch (cause) {
    throw storeError(path, cause)
  }
}

function prepare(db: DatabaseSync, { path, readOnly, maxPages }: OpenOptions, guest: boolean): void {
  // Checked before anything is written: another program's file stays as it was.
  const version = checkOwner(db, path)
  if (guest && version < MIGRATIONS.length) {
    throw new StoreError(`${path} is of an older Alibi: start the daemon once, it brings the file up to date`, { fatal: false })
  }
  if (readOnly !== true) settings(db, path)
  if (!guest) migrate(db, path)
  if (readOnly !== true) proveWritable(db)
  if (maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${Math.floor(maxPages)}`)
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
 * Writes one page unchanged. SQLite silently opens a file that it may not write as read-only, and a full disk shows only in a
 * write: better now than with the first email that is owed.
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
