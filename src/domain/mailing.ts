import type { Notification, NotificationState, Owed } from './notification.ts'
import type { Instant } from './probe.ts'

/** A notification with all its addresses, for lists of emails. */
export type Mailing = Readonly<{
  notification: Notification
  /** What is left to do, if anything: an email that one address still waits for has not been delivered. */
  state: NotificationState
  attempts: number
  /** When the next attempt is due; `null` when none is. */
  nextAt: Instant | null
  error: string | null
  /** When the first address got it. */
  deliveredAt: Instant | null
  /** In the order of the notification. */
  addresses: readonly Owed[]
}>

/** The first of these states that any address is in. */
const PRECEDENCE: readonly NotificationState[] = ['sending', 'retrying', 'due', 'refused', 'delivered', 'merged', 'dropped']

/** The same emails without repeats, in the order in which they first come. */
export function mailingsOf(owed: readonly Owed[]): readonly Mailing[] {
  return [...Map.groupBy(owed, ({ notification }) => notification.id).values()].flatMap((some) => {
    const [first] = some
    return first === undefined ? [] : [mailingOf(first.notification, some)]
  })
}

function mailingOf(notification: Notification, some: readonly Owed[]): Mailing {
  const addresses = some.toSorted((a, b) => notification.to.indexOf(a.address) - notification.to.indexOf(b.address))
  const state = PRECEDENCE.find((one) => addresses.some((owed) => owed.state === one)) ?? 'dropped'
  const concerned = addresses.filter((owed) => owed.state === state)
  const waiting = addresses.filter((owed) => isWaiting(owed.state))
  const delivered = addresses.flatMap(({ deliveredAt }) => (deliveredAt === null ? [] : [deliveredAt]))
  return {
    notification,
    state,
    attempts: Math.max(...addresses.map(({ attempts }) => attempts)),
    nextAt: waiting.length === 0 ? null : Math.min(...waiting.map(({ nextAt }) => nextAt)),
    error: concerned.find(({ error }) => error !== null)?.error ?? null,
    deliveredAt: delivered.length === 0 ? null : Math.min(...delivered),
    addresses,
  }
}

/** It still has to be sent, or was refused. */
export function isOpen({ state }: Owed): boolean {
  return isWaiting(state) || state === 'refused'
}

/** Whose email it is; if they have several addresses, at which of them. */
export function addressee({ notification: { recipient, to }, address }: Owed): string {
  return to.length === 1 ? recipient : `${recipient}, ${address}`
}

function isWaiting(state: NotificationState): boolean {
  return state === 'due' || state === 'retrying' || state === 'sending'
}

/** Its name in the store. */
export function nameOf({ notification: { id }, address }: Owed): Readonly<{ id: string; address: string }> {
  return { id, address }
}

export function keyOf({ notification: { id }, address }: Owed): string {
  return `${id} ${address}`
}
