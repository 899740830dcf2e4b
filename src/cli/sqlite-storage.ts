import { systemClock } from '../adapters/clock.ts'
import { tighten } from '../adapters/modes.ts'
import { lock } from '../adapters/sqlite/lock.ts'
import { filesOf } from '../adapters/sqlite/place.ts'
import { openStore } from '../adapters/sqlite/store.ts'
import type { Log } from '../ports/log.ts'
import type { Store } from '../ports/store.ts'
import type { DaemonStorage } from './daemon-storage.ts'

/** A file of this machine: whoever holds its lock decides until the process ends. */
export function sqliteStorage(path: string, log: Log, observe: (method: string, ms: number) => void): DaemonStorage {
  let store: Store | null = null
  return {
    clock: systemClock,
    place: path,
    isShared: false,
    async lock() {
      const held = lock(path)
      return { [Symbol.dispose]: () => held.release() }
    },
    async openStore() {
      const exposed = tighten(filesOf(path))
      if (exposed.length > 0) log.warn('other users could read or write the database', { files: exposed })
      store = await openStore({ path, observe })
      return store
    },
    reader: () => store,
    beside: () => null,
    term: (signals) => signals,
    dealt: (prober) => prober,
    serve: () => ({ [Symbol.asyncDispose]: async () => {} }),
    machines: () => [],
    mayCall: () => true,
    guarded: (mailer) => mailer,
    members: async () => null,
    [Symbol.asyncDispose]: async () => {},
  }
}
