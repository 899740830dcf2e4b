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
export async function reader(config: Config): Promise<Store | null> {
  return isBegun(config) ? openStore({ path: config.storage.path, readOnly: true }).catch(asExit) : null
}

/** @throws {Exit} 69 in place of what the database could not do; anything else as it is */
export function asExit(cause: unknown): never {
  if (cause instanceof StoreError) throw new Exit(EXIT.unreachable, cause.message)
  throw cause
}
