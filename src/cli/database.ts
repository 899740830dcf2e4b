import { resolve } from 'node:path'
import { systemClock } from '../adapters/clock.ts'
import { databaseExists } from '../adapters/sqlite/open.ts'
import { openStore } from '../adapters/sqlite/store.ts'
import type { Config } from '../config/config.ts'
import { type Store, StoreError } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { EXIT, Exit } from './exit.ts'

/** The database beside a running daemon, and the clock that dates what is in it. */
type Opened = Readonly<{ store: Store; clock: Clock }>

/** Opens the database for reading, beside a running daemon; `null` if there is none yet. @throws {Exit} 69 */
export async function readerIfExists(config: Config): Promise<Store | null> {
  return (await open(config, 'readOnly'))?.store ?? null
}

/**
 * Opens the database for reading, beside a running daemon. A missing database is an error: an empty list would hide that
 * the database is somewhere else.
 * @throws {Exit} 69
 */
export async function reader(config: Config): Promise<Store> {
  const store = await readerIfExists(config)
  if (store === null) throw new Exit(EXIT.unavailable, noDatabase(config))
  return store
}

/**
 * Opens the database for writing, beside a running daemon, which notices the change within seconds.
 * @param unknown the error for something that the user named: without a database it cannot exist
 * @throws {Exit}
 */
export async function writing<T>(config: Config, work: (store: Store, clock: Clock) => Promise<T>, unknown?: string): Promise<T> {
  const opened = await open(config, 'beside')
  if (opened === null) throw unknown === undefined ? new Exit(EXIT.unavailable, noDatabase(config)) : notFound(unknown, config)
  const { store, clock } = opened
  try {
    return await work(store, clock).catch(asExit)
  } finally {
    await store.close()
  }
}

async function open({ storage: { path, postgres } }: Config, how: 'readOnly' | 'beside'): Promise<Opened | null> {
  try {
    if (postgres !== null) {
      const { openBeside } = await import('../adapters/postgres/store.ts')
      return await openBeside(postgres, systemClock)
    }
    return databaseExists(path) ? { store: await openStore({ path, [how]: true }), clock: systemClock } : null
  } catch (cause) {
    return asExit(cause)
  }
}

/** The error for something that the user named, where there is no database either. */
export function notFound(unknown: string, config: Config): Exit {
  return new Exit(EXIT.usage, `${unknown}; ${noDatabase(config)}`)
}

/** Says where the database was looked for, and which setting says so. */
function noDatabase({ file, storage }: Config): string {
  if (storage.postgres !== null) {
    const { host, pathname } = new URL(storage.postgres.url)
    return `there is nothing of Alibi in the schema ${storage.postgres.schema} of the PostgreSQL database at ${host}${pathname} (storage.postgres in ${resolve(file)}). The daemon creates it when it first starts.`
  }
  return (
    `there is no database at ${resolve(storage.path)} (storage.path in ${resolve(file)}). The daemon creates it when it first starts. ` +
    'If it has already run, use its configuration (--config or ALIBI_CONFIG), or run this command in its working directory'
  )
}

/** Turns an error of the store into exit code 69; throws any other error unchanged. @throws {Exit} */
export function asExit(cause: unknown): never {
  if (cause instanceof StoreError) throw new Exit(EXIT.unavailable, cause.message)
  throw cause
}
