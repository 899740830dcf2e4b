import { StoreError } from '../../ports/store.ts'
import type { Clock } from '../../ports/time.ts'
import { type DatabaseOptions, openDatabase } from './database.ts'
import { DatabaseClock } from './database-clock.ts'
import { versionOf } from './migrations.ts'

/** What `check --live` says about a database. */
export type Examination = Readonly<{
  version: string
  /** Settings that have to be on for a commit to last, and are off. */
  settings: readonly string[]
  /** `moved`: a pooler gives each transaction to whichever session is free. */
  session: 'pinned' | 'moved'
  /** Of Alibi's schema. */
  schema: 'is there' | 'can be created'
  /** How far the machine's clock is ahead. */
  skewMs: number
  /** How long one transaction took. */
  ms: number
}>

/** Two transactions on one connection of ours: a pooler may serve them by different sessions. */
const LOOKS = 4

/** Connects and looks around; writes nothing. @throws {StoreError} when it cannot be used, and says why */
export async function examine(options: DatabaseOptions, machine: Clock): Promise<Examination> {
  const database = await openDatabase({ ...options, poolSize: 1 })
  try {
    const { place, schema } = database
    const clock = new DatabaseClock(machine)
    const sessions = new Set<unknown>()
    let ms = Number.POSITIVE_INFINITY
    for (let look = 0; look < LOOKS; look++) {
      const began = machine.monotonic()
      await database.read(async (tx) => {
        await clock.look(tx)
        for (const row of await tx.query('SELECT pg_backend_pid() AS pid')) sessions.add(row['pid'])
      })
      ms = Math.min(ms, machine.monotonic() - began)
    }
    return await database.read(async (tx) => {
      const version = await versionOf(tx, place, schema)
      const [may] = await tx.query("SELECT has_database_privilege(current_database(), 'CREATE')::int AS may")
      if (version === 0 && may?.['may'] !== 1)
        throw new StoreError(
          `${place}: this user may not create the schemas \`${schema}\` and \`${schema}_jobs\`: grant CREATE on the database`,
          {
            fatal: false,
          },
        )
      const [row] = await tx.query(
        `SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
          current_setting('synchronous_commit') AS commits, current_setting('full_page_writes') AS pages`,
      )
      const off = [
        ['fsync', row?.['fsync']],
        ['synchronous_commit', row?.['commits']],
        ['full_page_writes', row?.['pages']],
      ].filter(([, value]) => value === 'off')
      return {
        version: String(row?.['version']),
        settings: off.map(([name]) => String(name)),
        session: sessions.size === 1 ? 'pinned' : 'moved',
        schema: version > 0 ? 'is there' : 'can be created',
        skewMs: clock.skewMs,
        ms,
      }
    })
  } finally {
    await database.close()
  }
}
