import { messageIdOf } from './audience.ts'
import type { Notification, Owed, Wording } from './notification.ts'
import { unsaidBefore, whyUnsaid } from './outbox.ts'

/** What depends on which emails an address got before: what this one has to make up for, and what it replies to. */
type Telling = Pick<Wording, 'unsaid' | 'inReplyTo'>

/** Addresses of one notification that get the same content. */
export type Parcel = Readonly<{ owed: readonly Owed[]; telling: Telling }>

/**
 * Divides the addresses of one notification by what the email has to say to them. Only one email is ever sent under a Message-ID, with
 * the content that some have already: these addresses are `own`, if there are any. The others need notifications of their own.
 * @param owed of one notification, at least one
 * @param mails every email of its thread and of those that ended in it
 */
export function divided(
  owed: readonly Owed[],
  mails: readonly Owed[],
): Readonly<{ own: Parcel | null; others: readonly Parcel[] }> {
  const worded = owed.find(({ wording }) => wording !== null)?.wording ?? null
  const told = owed.map((one): Readonly<{ one: Owed; telling: Telling }> => {
    const telling = tellingOf(one, mails)
    // What may have arrived is sent again unchanged. The reason why an email never arrived is worded the same for all.
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
  const { failure, nothingArrived } = unsaidBefore(owed, mails)
  if (failure === null) return { unsaid: null, inReplyTo }
  // Where nothing has arrived there is nothing to reply to. (A thread may also begin in an incident of another family.)
  return { unsaid: { id: failure.notification.id, why: whyUnsaid(failure, mails) }, inReplyTo: nothingArrived ? null : inReplyTo }
}

/** The notification for addresses whose email differs from the others'. Like any other, it never changes once it is committed. */
export function apart({ notification }: Owed, to: readonly string[], domain: string): Notification {
  // An address leaves a notification only once, so the place of the first one is a name for good.
  const id = `${notification.id}.${notification.to.findIndex((address) => to.includes(address)) + 1}`
  return { ...notification, id, messageId: messageIdOf(id, domain), to }
}
