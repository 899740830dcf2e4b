import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { StoreError } from '../../ports/store.ts'

/**
 * Creates an empty file of mode 0600 (its directory with 0700) whatever the umask, and leaves one that exists alone: opening
 * and closing it here would give up the locks that this process holds on it.
 * @throws {StoreError}
 */
export function createPrivately(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    createNew(file)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const message = `${file} cannot be created (${why}): set storage.path to a place that can be written`
    throw new StoreError(message, { fatal: false, cause })
  }
}

function createNew(file: string): void {
  try {
    closeSync(openSync(file, 'ax', 0o600))
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return
    throw cause
  }
  chmodSync(file, 0o600)
}
