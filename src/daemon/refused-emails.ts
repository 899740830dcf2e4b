import type { Incident } from '../domain/incident.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Owed } from '../domain/notification.ts'
import { overtakenBy } from '../domain/outbox.ts'
import type { Log } from '../ports/log.ts'
import type { OwedChange, Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { mailRow } from './fates.ts'

export type RefusedEmailsDeps = Readonly<{ store: Store; clock: Clock; log: Log }>

/**
 * Refused emails get one more attempt (`restart`), unless a later email of their thread has arrived: then they would only confuse.
 * @returns whether any is due now
 * @throws {StoreError}
 */
export async function retryRefused({ store, clock, log }: RefusedEmailsDeps, incidents: readonly Incident[]): Promise<boolean> {
  const refused = (await store.outbox()).filter((owed) => owed.state === 'refused')
  if (refused.length === 0) return false
  const now = clock.now()
  const changes: OwedChange[] = []
  const rows: LedgerRow[] = []
  for (const owed of refused) {
    const { address, notification } = owed
    const { id } = notification
    const later = overtakenBy(owed, await emailsOfThread(store, owed, incidents))
    if (later === null) changes.push({ id, address, state: 'retrying', nextAt: now })
    else {
      const why = `a later mail of its thread has arrived (${later.notification.kind} ${later.notification.id})`
      changes.push({ id, address, state: 'merged', error: why })
      rows.push(mailRow(now, owed, [address], { decision: 'merged', rule: 'recovery', reason: why }))
    }
  }
  log.info('retrying refused emails', {
    emails: refused.length - rows.length,
    overtaken: rows.length,
    why: 'Alibi was started, or its configuration has changed',
  })
  await store.settle(changes, rows)
  return true
}

/** The emails of its incident, and of those in which its thread went on or ended: incidents of another family (`family-change`). */
async function emailsOfThread(store: Store, { notification }: Owed, incidents: readonly Incident[]): Promise<readonly Owed[]> {
  const { incident, thread } = notification
  const inThread = incidents.filter(({ audience }) => audience.some(({ root }) => root === thread))
  const ids = new Set([...(incident === null ? [] : [incident]), ...inThread.map(({ id }) => id)])
  // A set that grows while it is walked: each incident names those in which it went on.
  for (const id of ids) for (const next of (await store.incident(id))?.into ?? []) ids.add(next)
  return (await Promise.all([...ids].map((id) => store.mails(id)))).flat()
}
