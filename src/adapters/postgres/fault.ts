import { fieldOf, messageOfThrown } from '../../domain/thrown.ts'
import { StoreError } from '../../ports/store.ts'

/** Classes and codes of SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const WRONG_PASSWORD = '28P01'
const NO_SUCH_LOGIN = '28000'
const NO_SUCH_DATABASE = '3D000'
const NO_RIGHT = '42501'
const READ_ONLY = '25006'
const TOO_MANY_CONNECTIONS = '53300'
const DISK_FULL = '53100'
const CORRUPT = ['XX001', 'XX002']
const NO_TABLE = '42P01'

/** What went wrong with the database at `place`, in one line that says what to do; never with the password. */
export function postgresError(place: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause
  const { text, fatal = false } = described(place, cause)
  return new StoreError(text, { fatal, cause })
}

/** The answer to a COMMIT was lost: what it would have written may be there or not. */
export function uncertainError(place: string, cause: unknown): StoreError {
  const why = messageOfThrown(cause)
  const text = `${place}: the answer to a commit was lost (${why}): the state is loaded again before anything is decided`
  return new StoreError(text, { fatal: false, uncertain: true, cause })
}

function described(place: string, cause: unknown): Readonly<{ text: string; fatal?: boolean }> {
  const message = messageOfThrown(cause)
  const code = sqlState(cause)
  if (code === WRONG_PASSWORD || code === NO_SUCH_LOGIN)
    return { text: `${place} refuses the login (${message}): look at the user and password of storage.postgres.url` }
  if (code === NO_SUCH_DATABASE) return { text: `${place}: ${message}: create it, or correct storage.postgres.url` }
  if (code === NO_RIGHT)
    return { text: `${place}: ${message}: grant the user of storage.postgres.url the right to use its schema` }
  if (code === READ_ONLY)
    return { text: `${place} takes no writes: storage.postgres.url must lead to the primary, not to a standby` }
  if (code === TOO_MANY_CONNECTIONS) return { text: `${place} has no connection left: raise max_connections or lower poolSize` }
  if (code === DISK_FULL) return { text: `${place}: the disk of the database is full: free some space` }
  if (code === NO_TABLE)
    return { text: `${place}: ${message}: the schema was removed while it was in use: restore a backup`, fatal: true }
  if (code !== null && CORRUPT.includes(code)) return { text: `${place} is damaged (${message}): restore a backup`, fatal: true }
  if (code === null) return { text: `${place} cannot be reached (${message})` }
  return { text: `${place}: ${message}` }
}

/** The five characters by which PostgreSQL names an error; `null` where it was not PostgreSQL that said so. */
function sqlState(cause: unknown): string | null {
  const code = fieldOf(cause, 'code')
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && typeof fieldOf(cause, 'severity') === 'string' ? code : null
}

/** The server has refused a statement, and the connection goes on: whatever else went wrong, the connection is of no more use. */
export function isRefusal(cause: unknown): boolean {
  return sqlState(cause) !== null && fieldOf(cause, 'severity') === 'ERROR'
}
