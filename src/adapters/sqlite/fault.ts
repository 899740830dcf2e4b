import { fieldOf, messageOfThrown } from '../../domain/thrown.ts'
import { StoreError } from '../../ports/store.ts'

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const BUSY = 5
const LOCKED = 6
const NO_MEMORY = 7
const READ_ONLY = 8
const IO_ERROR = 10
const CORRUPT = 11
const FULL = 13
const CANNOT_OPEN = 14
const NOT_A_DATABASE = 26
/** Extended: the memory that connections share (`-shm`) could not grow, which takes 32 KiB of disk. */
const NO_ROOM_TO_SHARE = IO_ERROR | (19 << 8)

const START_AFRESH =
  'restore a backup, or move it away together with its -wal and -shm files: Alibi then begins anew, without memory of open incidents'

const ALLOW =
  'make the file and its directory writable for the user that runs Alibi; the file system must not be mounted read-only'

/**
 * What went wrong with the file at `path`, in one line that says what to do. Fatal are the faults after which nothing that
 * is read can be believed; the others may pass (space is freed, a disk is mounted again).
 */
export function storeError(path: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause
  const { text, fatal } = describe(path, cause)
  return new StoreError(text, { fatal, cause })
}

function describe(path: string, cause: unknown): { text: string; fatal: boolean } {
  const message = messageOfThrown(cause)
  // SQLite's extended codes carry the primary one in their lowest byte.
  const code = resultCode(cause)
  switch (code === NO_ROOM_TO_SHARE ? FULL : code & 0xff) {
    case BUSY:
    case LOCKED:
      return { text: `${path} is busy: another process has been writing to it for too long`, fatal: false }
    case NO_MEMORY:
      return { text: `${path}: out of memory`, fatal: true }
    case READ_ONLY:
      return { text: `${path} cannot be written: ${ALLOW}`, fatal: false }
    case IO_ERROR:
      return { text: `${path}: the disk failed (${message}): look at the file system and its log`, fatal: false }
    case CORRUPT:
      return { text: `${path} is damaged (${message}): ${START_AFRESH}`, fatal: true }
    case FULL:
      return { text: `${path}: the disk is full: free some space`, fatal: false }
    case CANNOT_OPEN:
      return { text: `${path} cannot be opened: ${ALLOW}`, fatal: false }
    case NOT_A_DATABASE:
      return { text: `${path} is not a database: ${START_AFRESH}`, fatal: true }
    default:
      return { text: `${path}: ${message}`, fatal: false }
  }
}

function resultCode(cause: unknown): number {
  const code = fieldOf(cause, 'errcode')
  return typeof code === 'number' ? code : 0
}
