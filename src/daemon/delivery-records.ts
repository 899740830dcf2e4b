import type { LedgerRow } from '../domain/ledger.ts'
import { keyOf } from '../domain/mailing.ts'
import type { Owed } from '../domain/notification.ts'
import type { Log } from '../ports/log.ts'
import type { OwedChange, Store } from '../ports/store.ts'
import { unlessFatal } from './store-trouble.ts'

/** Emails that were sent while nothing could be recorded. Beyond it no more are sent unrecorded. */
const MAX_UNRECORDED = 1_000

export type DeliveryRecordsDeps = Readonly<{ store: Pick<Store, 'settle'>; log: Log }>

/**
 * Puts on disk what became of emails. A full disk stops no email that is owed already: what became of it is kept in memory until
 * it can be written, and it is not sent again meanwhile.
 */
export class DeliveryRecords {
  private readonly deps: DeliveryRecordsDeps
  private readonly unwritten = new Map<string, Readonly<{ change: OwedChange; rows: readonly LedgerRow[] }>>()

  constructor(deps: DeliveryRecordsDeps) {
    this.deps = deps
  }

  /** @throws {StoreError} if it cannot be written, and not be kept in memory either */
  async write(changes: readonly OwedChange[], rows: readonly LedgerRow[]): Promise<void> {
    const { store, log } = this.deps
    try {
      await store.settle(changes, rows)
      this.forget(changes)
    } catch (cause) {
      unlessFatal(cause)
      if (this.unwritten.size >= MAX_UNRECORDED) throw cause
      for (const [i, change] of changes.entries()) {
        const { id, address, state } = change
        if (state === 'sending') continue
        const next = 'it is saved when the disk can be written again'
        log.error('failed to save delivery status', { id, to: [address], state, cause, next })
        this.unwritten.set(`${id} ${address}`, { change, rows: i === 0 ? rows : [] })
      }
    }
  }

  /** Tries again to write what could not be written. @throws {StoreError} if the store cannot be trusted any more */
  async writeLate(): Promise<void> {
    for (const [key, late] of this.unwritten) {
      try {
        await this.deps.store.settle([late.change], late.rows)
      } catch (cause) {
        unlessFatal(cause)
        continue
      }
      if (this.unwritten.get(key) === late) this.unwritten.delete(key)
    }
  }

  /** What the disk says about an email, with what became of it since; `null` if it is not owed any more. */
  asKnown(owed: Owed): Owed | null {
    const change = this.unwritten.get(keyOf(owed))?.change
    if (change === undefined) return owed
    // One that waits keeps its place: nothing later in its thread may overtake it.
    return change.state === 'retrying' ? { ...owed, ...change } : null
  }

  isUnwritten(owed: Owed): boolean {
    return this.unwritten.has(keyOf(owed))
  }

  /** Something newer is on disk. */
  forget(changes: readonly OwedChange[]): void {
    for (const { id, address } of changes) this.unwritten.delete(`${id} ${address}`)
  }
}
