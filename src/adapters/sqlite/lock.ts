import { lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../../ports/store.ts'
import { draftName } from '../whole-file.ts'
import { storeError } from './fault.ts'
import { bytesAt, realPathOf } from './place.ts'
import { createPrivately } from './private-file.ts'

/** Who holds a database, as far as is known. */
export type Holder = Readonly<{ pid: number; host: string; since: string }>

/** Another daemon runs on the same database. `message` names it. */
export class HeldError extends Error {
  override readonly name = 'HeldError'
  /** `null` when the holder has not (yet) left its name. */
  readonly holder: Holder | null
  constructor(message: string, holder: Holder | null) {
    super(message)
    this.holder = holder
  }
}

const BUSY = 5
const MAX_NOTE_BYTES = 4_096

/** A connection that nobody refers to is closed by the garbage collector, and its lock is gone: these are referred to here. */
const HELD = new Set<DatabaseSync>()

/**
 * Takes the one right to be the daemon of the database at `path`.
 *
 * The lock is an exclusive transaction on an empty database of its own, `<path>.lock`: the operating system gives it up with
 * the process, however it ends, so no dead process ever holds it. `<path>.holder` beside it is only the name on the door.
 * Both lie beside the file itself, wherever a symbolic link to it lies: one database has one lock, whatever it is called.
 * Neither file is deleted with the lock: two processes could then hold locks on two files of one name.
 *
 * Never open `<path>.lock` by other means in the process that holds it: closing a descriptor gives up its POSIX locks.
 * @throws {HeldError} if another daemon holds it
 * @throws {StoreError} if the files cannot be written, or no database can be at `path`: then nothing is left behind
 */
export function lock(path: string, now: number = Date.now()): { release(): void } {
  bytesAt(path)
  const real = realPathOf(path)
  const file = `${real}.lock`
  const note = `${real}.holder`
  createPrivately(file)
  if (lstatSync(file).isSymbolicLink())
    throw new StoreError(`${file} is a symbolic link, and is not followed: remove it`, { fatal: false })
  let db: DatabaseSync
  try {
    db = new DatabaseSync(file, { timeout: 0 })
  } catch (cause) {
    throw storeError(file, cause)
  }
  try {
    db.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    db.close()
    if (isBusy(cause)) throw held(path, readNote(note))
    throw storeError(file, cause)
  }
  try {
    leaveNote(note, { pid: process.pid, host: hostname(), since: new Date(now).toISOString() })
  } catch (cause) {
    db.close()
    const why = cause instanceof Error ? cause.message : String(cause)
    const message = `${note} cannot be written (${why}): its directory must be writable, and have room`
    throw new StoreError(message, { fatal: false, cause })
  }
  HELD.add(db)
  return {
    release() {
      if (!HELD.delete(db)) return
      rmSync(note, { force: true }) // First: afterwards it could be the next one's.
      db.close()
    },
  }
}

/** Atomic, because a process that is refused may read it meanwhile. */
function leaveNote(note: string, holder: Holder): void {
  const fresh = draftName(note)
  try {
    writeFileSync(fresh, `${JSON.stringify(holder)}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(fresh, note)
  } catch (cause) {
    rmSync(fresh, { force: true }) // On a full disk an empty one would stay.
    throw cause
  }
}

function readNote(note: string): Holder | null {
  try {
    const stat = lstatSync(note)
    if (!stat.isFile() || stat.size > MAX_NOTE_BYTES) return null
    const value: unknown = JSON.parse(readFileSync(note, 'utf8'))
    if (typeof value !== 'object' || value === null) return null
    const { pid, host, since } = value as Record<string, unknown>
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return null
    if (typeof host !== 'string' || typeof since !== 'string' || Number.isNaN(Date.parse(since))) return null
    const holder = { pid, host: host.replace(/[^\w.-]/g, '').slice(0, 255), since: new Date(since).toISOString() }
    // A note of a process that is gone was left by one that was killed: the present holder has yet to write its own.
    return holder.host === hostname() && !isAlive(pid) ? null : holder
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM'
  }
}

function held(path: string, holder: Holder | null): HeldError {
  const who =
    holder === null
      ? 'another process, which has not said its name yet'
      : `process ${holder.pid} on ${holder.host}, since ${holder.since}`
  return new HeldError(`${path} is held by ${who}: stop that one first, or set storage.path to another file`, holder)
}

function isBusy(cause: unknown): boolean {
  if (typeof cause !== 'object' || cause === null || !('errcode' in cause) || typeof cause.errcode !== 'number') return false
  return (cause.errcode & 0xff) === BUSY
}
