import { messageIdOf } from './audience.ts'
import type { Notification, Owed, Wording } from './notification.ts'
import { unsaidBefore, whyUnsaid } from './outbox.ts'

/** What depends on what an address has got so far: a mail that this one tells as well, and what it is a reply to. */
type Telling = Pick<Wording, 'unsaid' | 'inReplyTo'>

/** Addresses of one notification that are told the same. */
export type Parcel = Readonly<{ owed: readonly Owed[]; telling: Telling }>

/**
 * Divides the addresses of one notification by what there is to tell them. Under its Message-ID one mail leaves and no other: as
 * it was worded for those who have it. `own` leaves so, or is `null`; the others need notifications of their own.
 * @param owed of one notification, at least one
 * @param mails every mail of its thread and of those that went into it
 */
export function divided(
  owed: readonly Owed[],
  mails: readonly Owed[],
): Readonly<{ own: Parcel | null; others: readonly Parcel[] }> {
  const worded = owed.find(({ wording }) => wording !== null)?.wording ?? null
  const told = owed.map((one): Readonly<{ one: Owed; telling: Telling }> => {
    const telling = tellingOf(one, mails)
    // What may have arrived is finished as it was. Why a mail never arrived is told to all as to the first who was told.
    const isAsWorded = worded !== null && (one.uncertain || isTheSame(telling, worded))
    return { one, telling: isAsWorded ? worded : telling }
  })
  const groups = Map.groupBy(told, ({ telling: { unsaid, inReplyTo } }) => JSON.stringify([unsaid, inReplyTo]))
  const parcels = [...groups.values()].map((some): Parcel => {
    const { unsaid, inReplyTo } = some[0]?.telling ?? { unsaid: null, inReplyTo: null }
    return { owed: some.map(({ one }) => one), telling: { unsaid, inReplyTo } }
  })
  const own = (worded === null ? parcels[0] : parcels.find(({ telling }) => isTheSame(telling, worded))) ?? null
  return { own, others: parcels.filter((one) => one !== own) }
}

function isTheSame(a: Telling, b: Telling): boolean {
  return a.unsaid?.id === b.unsaid?.id && a.inReplyTo === b.inReplyTo
}

function tellingOf(owed: Owed, mails: readonly Owed[]): Telling {
  const { inReplyTo } = owed.notification
  const { fall, nothingArrived } = unsaidBefore(owed, mails)
  if (fall === null) return { unsaid: null, inReplyTo }
  // Where nothing has arrived there is nothing to reply to. (A thread may also begin in an incident of another family.)
  return { unsaid: { id: fall.notification.id, why: whyUnsaid(fall, mails) }, inReplyTo: nothingArrived ? null : inReplyTo }
}

/** The notification for addresses that are told something else than the others: fixed when it is committed, as any. */
export function apart({ notification }: Owed, to: readonly string[], domain: string): Notification {
  // An address leaves a notification once: the place of the first names it for good.
  const id = `${notification.id}.${notification.to.findIndex((address) => to.includes(address)) + 1}`
  return { ...notification, id, messageId: messageIdOf(id, domain), to }
}
