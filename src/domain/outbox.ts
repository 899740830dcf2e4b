import { iso } from './duration.ts'
import type { MailKind, Owed } from './notification.ts'
import { HOUR_MS, type Instant, MINUTE_MS } from './probe.ts'

/** First wait after a transient failure; doubled up to the most, never given up. */
export const RETRY_FIRST_MS = 5_000
export const RETRY_MOST_MS = 5 * MINUTE_MS
/** Having been offline for less than this is not worth an email afterwards. */
export const OFFLINE_WORTH_TELLING_MS = 10 * MINUTE_MS

const FAILURES: readonly MailKind[] = ['failing', 'misconfigured', 'flapping', 'blind', 'offline', 'escalated']
const RECOVERIES: readonly MailKind[] = ['recovered', 'dropped']
/** Every kind that reports a failure: whoever gets one of them first needs no other email before it. */
const TELL_OF_FAILURE: readonly MailKind[] = [...FAILURES, 'wider', 'reminder', 'still-failing']
/** The mark of an email that was sent as part of a summary. */
export const SUMMARISED = 'sent in a summary (mail.maxPerHour)'
const OVERTAKEN = 'it was over before this could be delivered'

export type OutboxPlan = Readonly<{
  /** At most one email of each thread to an address: the oldest that is due. Oldest first. */
  send: readonly Owed[]
  /** Never sent: a later email of their thread reports what they would have reported. */
  merge: readonly Readonly<{ owed: Owed; into: Owed; why: string }>[]
  /** Never sent, and not mentioned either: a time offline that was too short to be worth it. */
  drop: readonly Readonly<{ owed: Owed; why: string }>[]
  /** Beyond the limit on emails to an address: they are sent as one summary. */
  summarise: readonly Readonly<{ recipient: string; address: string; owed: readonly Owed[] }>[]
  /** When to look again; `null` if nothing waits. */
  nextAt: Instant | null
}>

/** Emails that were delivered in the last hour. */
export type Delivered = readonly Readonly<{ address: string; at: Instant }>[]

/**
 * What the courier does now with the emails that are owed, address by address: one that the server rejects keeps no other waiting.
 *
 * Within a thread nothing overtakes: the oldest email goes first. One about a failure that could not be sent before the recovery
 * is merged into that (`recovery`), unless an attempt may have been accepted: then it is sent again as it was, under its own
 * Message-ID. A reminder that could not be sent is replaced by any later email. What is due beyond `maxPerHour` is sent as one
 * summary (`rate-limit`).
 */
export function planOutbox(queue: readonly Owed[], delivered: Delivered, maxPerHour: number, now: Instant): OutboxPlan {
  const merge: { owed: Owed; into: Owed; why: string }[] = []
  const drop: { owed: Owed; why: string }[] = []
  const heads: Owed[] = []
  for (const thread of byThread(queue)) {
    const gone = supersede(thread)
    merge.push(...gone.merge)
    drop.push(...gone.drop)
    const left = thread.filter((owed) => !gone.merge.some((m) => m.owed === owed) && !gone.drop.some((d) => d.owed === owed))
    if (left[0] !== undefined) heads.push(left[0])
  }
  const due = heads.filter((owed) => owed.nextAt <= now).sort((a, b) => a.notification.createdAt - b.notification.createdAt)
  const { send, summarise, freeAt } = pace(due, delivered, maxPerHour, now)
  const later = [...heads.filter((owed) => owed.nextAt > now).map((owed) => owed.nextAt), ...(freeAt === null ? [] : [freeAt])]
  return { send, merge, drop, summarise, nextAt: later.length === 0 ? null : Math.min(...later) }
}

/**
 * What an address is owed of each thread, in order. A thread that ended in another one counts as part of it: none of its emails
 * may come after one of the other that mentions them (`family-change`).
 */
function byThread(queue: readonly Owed[]): readonly (readonly Owed[])[] {
  const parents = new Map<string, string>()
  const rootOf = (thread: string): string => {
    const parent = parents.get(thread)
    return parent === undefined ? thread : rootOf(parent)
  }
  for (const { notification } of queue) {
    for (const { thread } of notification.past ?? []) {
      const [one, other] = [rootOf(thread), rootOf(notification.thread)]
      if (one !== other) parents.set(one, other)
    }
  }
  const threads = Map.groupBy(queue, (owed) => `${rootOf(owed.notification.thread)} ${owed.address}`)
  // The sequence of a thread is beyond those of all threads that ended in it.
  return [...threads.values()].map((thread) =>
    thread.toSorted((a, b) => a.notification.seq - b.notification.seq || a.notification.createdAt - b.notification.createdAt),
  )
}

/** Which emails of one thread need not be sent any more. */
function supersede(thread: readonly Owed[]): Pick<OutboxPlan, 'merge' | 'drop'> {
  const merge: { owed: Owed; into: Owed; why: string }[] = []
  const drop: { owed: Owed; why: string }[] = []
  const recoveryAt = thread.findIndex((owed) => RECOVERIES.includes(owed.notification.kind))
  const recovery = thread[recoveryAt]
  for (const [i, owed] of thread.entries()) {
    if (owed.uncertain || owed.state === 'sending') continue
    const later = thread.slice(i + 1)
    const follower = later.find((other) => other.notification.thread === owed.notification.thread)
    const taker = later.find((other) => wentInto(owed, other))
    if (
      recovery !== undefined &&
      i < recoveryAt &&
      !thread.slice(0, recoveryAt).some((o) => o.uncertain || o.state === 'sending')
    ) {
      const offlineMs =
        (recovery.notification.facts.incident?.closedAt ?? 0) - (recovery.notification.facts.incident?.openedAt ?? 0)
      if (owed.notification.kind === 'offline' && offlineMs <= OFFLINE_WORTH_TELLING_MS) {
        const why = 'it was offline only briefly, and that was over before the email could be sent'
        drop.push({ owed, why }, { owed: recovery, why })
      } else merge.push({ owed, into: recovery, why: OVERTAKEN })
    } else if (taker !== undefined) {
      merge.push({ owed, into: taker, why: 'its incident went on in another thread before this could be delivered' })
    } else if (owed.notification.kind === 'reminder' && follower !== undefined) {
      merge.push({ owed, into: follower, why: 'a later email says more' })
    }
  }
  return { merge, drop }
}

/** Whether the thread of the one ended in that of the other, which therefore mentions it. */
function wentInto(one: Owed, other: Owed): boolean {
  const { thread, past } = other.notification
  return thread !== one.notification.thread && past?.some((old) => old.thread === one.notification.thread) === true
}

/** `rate-limit`: a limited number of emails an hour to an address; the first one beyond becomes a summary of all the others. */
function pace(due: readonly Owed[], delivered: Delivered, maxPerHour: number, now: Instant) {
  // A delivery in the future was made before the clock was set back; how long ago is not known.
  const recent = delivered.filter((mail) => mail.at <= now && now - mail.at < HOUR_MS)
  const counts = new Map<string, number>()
  for (const { address } of recent) counts.set(address, (counts.get(address) ?? 0) + 1)
  const send: Owed[] = []
  const beyond = new Map<string, Owed[]>()
  let freeAt: Instant | null = null
  for (const owed of due) {
    const { address, notification } = owed
    const sent = counts.get(address) ?? 0
    // What is uncertain may have been accepted already: it is finished under its own Message-ID, never rewritten.
    if (sent < maxPerHour || owed.uncertain || notification.kind === 'digest') {
      send.push(owed)
      counts.set(address, sent + 1)
    } else if (sent === maxPerHour) {
      const key = JSON.stringify([notification.recipient, address])
      beyond.set(key, [...(beyond.get(key) ?? []), owed])
    } else {
      // The summary of this hour was sent too: the rest waits until the oldest email of the window is an hour old.
      const oldest = Math.min(...recent.filter((mail) => mail.address === address).map((mail) => mail.at), now)
      freeAt = Math.min(freeAt ?? Number.POSITIVE_INFINITY, oldest + HOUR_MS)
    }
  }
  const summarise = [...beyond.values()].flatMap((owed) => {
    const [first] = owed
    return first === undefined ? [] : [{ recipient: first.notification.recipient, address: first.address, owed }]
  })
  return { send, summarise, freeAt }
}

/** What an email to an address has to add because earlier ones of its thread never arrived there. */
export type Unsaid = Readonly<{
  /** The earliest email about a failure that this one has to make up for: it was merged into this one, or refused. */
  failure: Owed | null
  /** Nothing of this thread has arrived: there is no email to reply to. */
  nothingArrived: boolean
}>

/**
 * A recovery also reports the failure, if no email about that arrived (`recovery`). In the same way, the next email of a thread
 * reports another thread that has ended in it (`family-change`).
 * @param mails every email of the thread and of those that ended in it, delivered or not, to whichever address
 */
export function unsaidBefore(owed: Owed, mails: readonly Owed[]): Unsaid {
  const { thread: own, seq, kind, past = [] } = owed.notification
  const earlier = mails
    .filter((other) => other.address === owed.address && other.notification.seq < seq)
    .toSorted((a, b) => a.notification.seq - b.notification.seq)
  const inOwn = earlier.filter((other) => other.notification.thread === own)
  const failures = [...new Set([own, ...past.map(({ thread }) => thread)])].flatMap((thread) => {
    if (thread === own && !RECOVERIES.includes(kind)) return []
    const inThread = earlier.filter((other) => other.notification.thread === thread)
    const episode = currentEpisode(inThread)
    const isKnown =
      episode.some(isNotified) || inOwn.some((other) => inThread.some((one) => wentInto(one, other)) && isNotified(other))
    return isKnown ? [] : (episode.find((other) => TELL_OF_FAILURE.includes(other.notification.kind)) ?? [])
  })
  const [failure = null] = failures.toSorted((a, b) => a.notification.createdAt - b.notification.createdAt)
  return { failure, nothingArrived: !inOwn.some(hasArrived) }
}

/** What came after the last recovery. */
function currentEpisode(thread: readonly Owed[]): readonly Owed[] {
  return thread.slice(thread.findLastIndex((other) => RECOVERIES.includes(other.notification.kind)) + 1)
}

/**
 * Why an email at the head of its thread need not be sent to its address; `null` if it has to be. That AWS explains a failure is
 * nothing to report to an address that was never notified of it because its first emails were refused.
 * @param mails as for `unsaidBefore`
 */
export function whyNeedless(owed: Owed, mails: readonly Owed[]): string | null {
  const { kind, thread, seq } = owed.notification
  if (kind !== 'now-explained' || hasArrived(owed) || unsaidBefore(owed, mails).failure !== null) return null
  const before = mails.filter(
    (other) =>
      other.address === owed.address &&
      other.notification.seq < seq &&
      (other.notification.thread === thread || wentInto(other, owed)),
  )
  const episode = currentEpisode(before.toSorted((a, b) => a.notification.seq - b.notification.seq))
  return episode.length > 0 && !episode.some(isNotified) ? 'this address was never notified of the failure' : null
}

/** By itself, or in a summary. */
function isNotified(owed: Owed): boolean {
  return hasArrived(owed) || (owed.state === 'merged' && owed.error === SUMMARISED)
}

function hasArrived({ state, uncertain }: Owed): boolean {
  return state === 'delivered' || uncertain
}

/** `rate-limit`: what a summary says in place of an email, including the failure that this email would have reported as well. */
export function summaryLines(owed: Owed, mails: readonly Owed[]): readonly string[] {
  const { failure } = unsaidBefore(owed, mails)
  return [...(failure === null ? [] : [failure]), owed].map(
    ({ notification: n }) => `${iso(n.createdAt)} ${n.kind}: ${n.facts.subject} - ${n.facts.reason}`,
  )
}

/**
 * `recovery`: why an email that was merged or refused never arrived, for the one that makes up for it. If it was never tried it
 * waited behind another email of its thread, and the reason is that one's.
 * @param mails every email of the thread and of those that ended in it, also the one that makes up for it
 */
export function whyUnsaid(failure: Owed, mails: readonly Owed[]): string {
  const tried = [failure, ...mails.toReversed()].find(
    ({ address, attempts, error, state }) =>
      address === failure.address && attempts > 0 && error !== null && state !== 'delivered',
  )
  const { state, error } = tried ?? failure
  if (tried === undefined || error === null) return error ?? 'it was over before an email could be sent'
  if (state === 'refused') return `the mail server refused the first email (${error})`
  // A reply has a code of three digits; without one, no server has answered.
  const answered = /(?:^|\s)[45]\d\d(?:\s|$)/.test(error)
  return answered
    ? `the mail server did not accept the first email (${error})`
    : `the mail server could not be reached (${error})`
}

/**
 * A later email of its thread that has arrived at its address, or may have; `null` if there is none. It has reported the same, or
 * the earlier one is out of date: a refused email that is tried again must not come after it.
 * @param mails every email of the thread and of those in which it ended, delivered or not
 */
export function overtakenBy(owed: Owed, mails: readonly Owed[]): Owed | null {
  const { thread, seq } = owed.notification
  const later = mails.filter(
    (other) => other.address === owed.address && (other.notification.thread === thread || wentInto(owed, other)),
  )
  return later.findLast((other) => other.notification.seq > seq && (hasArrived(other) || other.state === 'sending')) ?? null
}

/** When to try again after the n-th failed attempt (n ≥ 1): doubling, with jitter of up to a quarter, bounded. */
export function retryAt(now: Instant, attempts: number, random01: number): Instant {
  const wait = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** Math.min(Math.max(attempts - 1, 0), 20))
  return now + Math.round(wait * (1 - random01 / 4))
}
