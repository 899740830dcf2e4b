import { resolve } from 'node:path'
import { databaseExists, openStore } from '../adapters/sqlite/store.ts'
import type { Config } from '../config/config.ts'
import { type Store, StoreError } from '../ports/store.ts'
import { EXIT, Exit } from './exit.ts'

/** Whether a daemon has begun a database already. @throws {Exit} 69 if that cannot be told */
export function isBegun({ storage: { path } }: Config): boolean {
  try {
    return databaseExists(path)
  } catch (cause) {
    return asExit(cause)
  }
}

/** Opens the daemon's database beside it, to read; `null` before there is one. @throws {Exit} 69 */
export async function readerIfBegun(config: Config): Promise<Store | null> {
  return isBegun(config) ? openStore({ path: config.storage.path, readOnly: true }).catch(asExit) : null
}

/**
 * Opens the daemon's database beside it, to read. Where there is none, that is the answer: "nothing" would hide that the
 * database is somewhere else.
 * @throws {Exit} 69
 */
export async function reader(config: Config): Promise<Store> {
  const store = await readerIfBegun(config)
  if (store === null) throw new Exit(EXIT.unreachable, noDatabase(config))
  return store
}

/** What was named is not there, and neither is the database that would hold it. */
export function notKnown(unknown: string, config: Config): Exit {
  return new Exit(EXIT.usage, `${unknown}; ${noDatabase(config)}`)
}

/** Says where the database was looked for, and by whose word. */
export function noDatabase({ file, storage }: Config): string {
  return (
    `there is no database at ${resolve(storage.path)} (storage.path in ${resolve(file)}). The daemon creates it when it first starts; ` +
    'if it has run already, name its configuration with --config or ALIBI_CONFIG, or run this in its working directory'
  )
}

/** @throws {Exit} 69 in place of what the database could not do; anything else as it is */
export function asExit(cause: unknown): never {
  if (cause instanceof StoreError) throw new Exit(EXIT.unreachable, cause.message)
  throw cause
}
