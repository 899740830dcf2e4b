import type { Owed } from '../../domain/notification.ts'
import { type Store, StoreError } from '../../ports/store.ts'
import { type Call, copy, type Disk } from './disk.ts'

const NEW: Omit<Owed, 'notification' | 'address' | 'nextAt'> = {
  state: 'due',
  attempts: 0,
  error: null,
  uncertain: false,
  noSession: false,
  deliveredAt: null,
  reply: null,
  wording: null,
}
const keyOf = (id: string, address: string) => `${id} ${address}`
const PENDING: ReadonlySet<Owed['state']> = new Set(['due', 'retrying', 'sending'])

/** Queues emails. An id that is already there is left as it is. */
export function addEmails(disk: Disk, notifications: readonly Owed['notification'][]): void {
  for (const notification of copy(notifications)) {
    const { id, to, createdAt } = notification
    if ([...disk.mails.values()].some((owed) => owed.notification.id === id)) continue
    for (const address of to) disk.mails.set(keyOf(id, address), { ...NEW, notification, address, nextAt: createdAt })
  }
}

export function outboxOn(disk: Disk, call: Call): Pick<Store, 'settle' | 'owed' | 'outbox' | 'mails' | 'deliveredSince'> {
  const mails = (wanted: (owed: Owed) => boolean) => [...disk.mails.values()].filter(wanted).sort(byBirth)
  return {
    settle: call((changes, ledger, added = []) => {
      const isAdded = (id: string, address: string) => added.some((one) => one.id === id && one.to.includes(address))
      const unknown = changes.find(({ id, address }) => !disk.mails.has(keyOf(id, address)) && !isAdded(id, address))
      if (unknown !== undefined) throw new StoreError(`no mail ${unknown.id} is owed to ${unknown.address}`, { fatal: false })
      addEmails(disk, added)
      for (const { id, address, ...change } of copy(changes)) {
        const owed = disk.mails.get(keyOf(id, address))
        if (owed !== undefined) disk.mails.set(keyOf(id, address), { ...owed, ...change })
        if (change.wording !== undefined) word(disk, id, change.wording)
      }
      disk.ledger.push(...copy(ledger))
    }),
    owed: call((limit) => {
      const threads = Map.groupBy(
        mails((owed) => PENDING.has(owed.state)),
        (owed) => `${owed.notification.thread} ${owed.address}`,
      )
      return [...threads.values()]
        .flatMap((thread) => thread.sort((a, b) => a.notification.seq - b.notification.seq).map((owed, rank) => ({ owed, rank })))
        .sort((a, b) => a.rank - b.rank || a.owed.nextAt - b.owed.nextAt || byBirth(a.owed, b.owed))
        .slice(0, limit)
        .map(({ owed }) => owed)
    }),
    outbox: call(() => {
      const open = mails((owed) => PENDING.has(owed.state) || owed.state === 'refused')
      const ids = new Set(open.map((owed) => owed.notification.id))
      return mails((owed) => ids.has(owed.notification.id))
    }),
    mails: call((incident) => mails((owed) => owed.notification.incident === incident)),
    deliveredSince: call((since) =>
      mails((owed) => owed.deliveredAt !== null && owed.deliveredAt >= since)
        .sort((a, b) => (a.deliveredAt ?? 0) - (b.deliveredAt ?? 0))
        .map((owed) => ({ address: owed.address, at: owed.deliveredAt ?? 0 })),
    ),
  }
}

/** The wording is that of the whole notification. */
function word(disk: Disk, id: string, wording: Owed['wording']): void {
  for (const [key, owed] of disk.mails) if (owed.notification.id === id) disk.mails.set(key, { ...owed, wording })
}

function byBirth(a: Owed, b: Owed): number {
  const [m, n] = [a.notification, b.notification]
  const place = (owed: Owed) => owed.notification.to.indexOf(owed.address)
  return m.createdAt - n.createdAt || m.seq - n.seq || (m.id === n.id ? place(a) - place(b) : m.id < n.id ? -1 : 1)
}
