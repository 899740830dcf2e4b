import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { HeldError, lock as takeLock } from '../adapters/sqlite/lock.ts'
import { asExit } from './database.ts'
import { EXIT, Exit } from './exit.ts'
import { type ConfigOptions, configured, type Io, say } from './io.ts'

/** Moves an SQLite database into the PostgreSQL schema of the configuration, which has to be empty. The file stays as it is. */
export async function migrate(options: ConfigOptions & Readonly<{ from: string }>, io: Io): Promise<number> {
  const { storage } = await configured(options, io)
  if (storage.postgres === null)
    throw new Exit(EXIT.usage, 'the configuration has no storage.postgres: that is where an SQLite database is moved to')
  const path = resolve(options.from)
  if (!existsSync(path)) throw new Exit(EXIT.usage, `there is no file ${path}`)
  try {
    // What a daemon goes on writing would be left behind.
    const lock = takeLock(path)
    try {
      const { exported } = await import('../adapters/sqlite/export.ts')
      const { MOVED, moveInto } = await import('../adapters/postgres/moving.ts')
      const rows = await moveInto(storage.postgres, exported(path, Object.keys(MOVED)))
      say(
        io,
        `${rows} rows of ${path} are in the schema ${storage.postgres.schema} now. The file was not changed: keep it until you trust the move.`,
      )
      return EXIT.ok
    } finally {
      lock.release()
    }
  } catch (cause) {
    if (cause instanceof HeldError) throw new Exit(EXIT.unavailable, cause.message)
    return asExit(cause)
  }
}
