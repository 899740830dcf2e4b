import { iso } from './duration.ts'
import type { MailKind, Owed } from './notification.ts'
import { HOUR_MS, type Instant, MINUTE_MS } from './probe.ts'

/** First wait after a transient failure; doubled up to the most, never given up. */
export const RETRY_FIRST_MS = 5_000
export const RETRY_MOST_MS = 5 * MINUTE_MS
/** An offline spell shorter than this is not worth a mail afterwards. */
export const OFFLINE_WORTH_TELLING_MS = 10 * MINUTE_MS

const FALLS: readonly MailKind[] = ['failing', 'misconfigured', 'flapping', 'blind', 'offline', 'escalated']
const RISES: readonly MailKind[] = ['recovered', 'dropped']
/** From each of them one learns that something fails: who gets it first needs no fall before it. */
const TELL_OF_TROUBLE: readonly MailKind[] = [...FALLS, 'wider', 'reminder', 'still-failing']
/** How a mail is marked that the ceiling held back. */
export const SUMMARISED = 'sent in a summary (mail.maxPerHour)'
const OVERTAKEN = 'it was over before this could be delivered'

export type OutboxPlan = Readonly<{
  /** Of each thread at most one to an address: the oldest that is due. Oldest first. */
  send: readonly Owed[]
  /** Never leave: a later mail of their thread tells what they would have told. */
  merge: readonly Readonly<{ owed: Owed; into: Owed; why: string }>[]
  /** Never leave, and nothing tells of them: an offline spell too short to be worth it. */
  drop: readonly Readonly<{ owed: Owed; why: string }>[]
  /** Held back by the ceiling on mails to an address: they leave as one summary. */
  summarise: readonly Readonly<{ recipient: string; address: string; owed: readonly Owed[] }>[]
  /** When to look again; `null` when nothing waits. */
  nextAt: Instant | null
}>

/** Mails that were delivered in the last hour. */
export type Delivered = readonly Readonly<{ address: string; at: Instant }>[]

/**
 * What the courier does now with what is owed, address by address: one that the server turns away keeps no other waiting.
 *
 * Within a thread nothing overtakes: the oldest goes first. A fall that could not leave before its rise is merged into it
 * (`recovery`), unless an attempt may have been accepted: that one is sent again as it was, under its own Message-ID. A reminder
 * that could not leave is superseded by whatever came later. Beyond `maxPerHour` the rest goes out as one summary (`rate-limit`).
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
 * What an address is owed of one thread, in order. Threads that went into another are one with it: nothing of the one may come
 * after what the other tells of it (`family-change`).
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
  // A thread goes on with a sequence beyond those of all that went into it.
  return [...threads.values()].map((thread) =>
    thread.toSorted((a, b) => a.notification.seq - b.notification.seq || a.notification.createdAt - b.notification.createdAt),
  )
}

/** Which mails of one thread need not leave any more. */
function supersede(thread: readonly Owed[]): Pick<OutboxPlan, 'merge' | 'drop'> {
  const merge: { owed: Owed; into: Owed; why: string }[] = []
  const drop: { owed: Owed; why: string }[] = []
  const riseAt = thread.findIndex((owed) => RISES.includes(owed.notification.kind))
  const rise = thread[riseAt]
  for (const [i, owed] of thread.entries()) {
    if (owed.uncertain || owed.state === 'sending') continue
    const later = thread.slice(i + 1)
    const follower = later.find((other) => other.notification.thread === owed.notification.thread)
    const taker = later.find((other) => wentInto(owed, other))
    if (rise !== undefined && i < riseAt && !thread.slice(0, riseAt).some((o) => o.uncertain || o.state === 'sending')) {
      const spellMs = (rise.notification.facts.incident?.closedAt ?? 0) - (rise.notification.facts.incident?.openedAt ?? 0)
      if (owed.notification.kind === 'offline' && spellMs <= OFFLINE_WORTH_TELLING_MS) {
        const why = 'it was offline only briefly, and that was over before the email could be sent'
        drop.push({ owed, why }, { owed: rise, why })
      } else merge.push({ owed, into: rise, why: OVERTAKEN })
    } else if (taker !== undefined) {
      merge.push({ owed, into: taker, why: 'its incident went on in another thread before this could be delivered' })
    } else if (owed.notification.kind === 'reminder' && follower !== undefined) {
      merge.push({ owed, into: follower, why: 'a later email says more' })
    }
  }
  return { merge, drop }
}

/** Whether the thread of the one ended in that of the other, which therefore tells of it. */
function wentInto(one: Owed, other: Owed): boolean {
  const { thread, past } = other.notification
  return thread !== one.notification.thread && past?.some((old) => old.thread === one.notification.thread) === true
}

/** `rate-limit`: at most so many mails an hour to an address; the first one beyond takes all others with it as a summary. */
function pace(due: readonly Owed[], delivered: Delivered, maxPerHour: number, now: Instant) {
  // What was delivered in the future was delivered before the clock was set back, nobody knows how long ago.
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
      // The summary of this hour has left as well: the rest waits until the oldest mail of the window is an hour old.
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

/** What a mail to an address has to say for mails of its thread that never arrived there. */
export type Unsaid = Readonly<{
  /** The earliest fall that this mail tells as well: it was merged into it, or refused. */
  fall: Owed | null
  /** Nothing of this thread has arrived: there is no mail to reply to. */
  nothingArrived: boolean
}>

/**
 * A rise tells the fall of its thread that never arrived; the next mail after a thread went into this one tells that thread's
 * (`recovery` and `family-change`).
 * @param mails every mail of the thread and of those that went into it, delivered or not, to whichever address
 */
export function unsaidBefore(owed: Owed, mails: readonly Owed[]): Unsaid {
  const { thread: own, seq, kind, past = [] } = owed.notification
  const earlier = mails
    .filter((other) => other.address === owed.address && other.notification.seq < seq)
    .toSorted((a, b) => a.notification.seq - b.notification.seq)
  const inOwn = earlier.filter((other) => other.notification.thread === own)
  const falls = [...new Set([own, ...past.map(({ thread }) => thread)])].flatMap((thread) => {
    if (thread === own && !RISES.includes(kind)) return []
    const inThread = earlier.filter((other) => other.notification.thread === thread)
    const episode = currentEpisode(inThread)
    const told = episode.some(isTold) || inOwn.some((other) => inThread.some((one) => wentInto(one, other)) && isTold(other))
    return told ? [] : (episode.find((other) => TELL_OF_TROUBLE.includes(other.notification.kind)) ?? [])
  })
  const [fall = null] = falls.toSorted((a, b) => a.notification.createdAt - b.notification.createdAt)
  return { fall, nothingArrived: !inOwn.some(hasArrived) }
}

/** What came after the last rise. */
function currentEpisode(thread: readonly Owed[]): readonly Owed[] {
  return thread.slice(thread.findLastIndex((other) => RISES.includes(other.notification.kind)) + 1)
}

/**
 * Why a mail at the head of its thread need not go to its address; `null` if it has to. That AWS explains a failure is no news to
 * an address that was never notified of it: its first mails were refused.
 * @param mails as for `unsaidBefore`
 */
export function whyNeedless(owed: Owed, mails: readonly Owed[]): string | null {
  const { kind, thread, seq } = owed.notification
  if (kind !== 'now-explained' || hasArrived(owed) || unsaidBefore(owed, mails).fall !== null) return null
  const before = mails.filter(
    (other) =>
      other.address === owed.address &&
      other.notification.seq < seq &&
      (other.notification.thread === thread || wentInto(other, owed)),
  )
  const episode = currentEpisode(before.toSorted((a, b) => a.notification.seq - b.notification.seq))
  return episode.length > 0 && !episode.some(isTold) ? 'this address was never notified of the failure' : null
}

/** By itself, or in a summary. */
function isTold(owed: Owed): boolean {
  return hasArrived(owed) || (owed.state === 'merged' && owed.error === SUMMARISED)
}

function hasArrived({ state, uncertain }: Owed): boolean {
  return state === 'delivered' || uncertain
}

/**
 * What a summary says of a mail that the ceiling held back, and of the fall that this one would have told as well (`rate-limit`).
 */
export function summaryLines(owed: Owed, mails: readonly Owed[]): readonly string[] {
  const { fall } = unsaidBefore(owed, mails)
  return [...(fall === null ? [] : [fall]), owed].map(
    ({ notification: n }) => `${iso(n.createdAt)} ${n.kind}: ${n.facts.subject} - ${n.facts.reason}`,
  )
}

/**
 * Why a mail that was merged or refused never arrived, for the mail that tells of it (`recovery`). One that was never tried stood
 * behind another of its thread: what kept that one, kept it.
 * @param mails every mail of the thread and of those that went into it, that which tells of it too
 */
export function whyUnsaid(fall: Owed, mails: readonly Owed[]): string {
  const tried = [fall, ...mails.toReversed()].find(
    ({ address, attempts, error, state }) => address === fall.address && attempts > 0 && error !== null && state !== 'delivered',
  )
  const { state, error } = tried ?? fall
  if (tried === undefined || error === null) return error ?? 'it was over before an email could be sent'
  if (state === 'refused') return `the mail server refused the first email (${error})`
  // A reply has a code of three digits; without one nobody answered.
  const answered = /(?:^|\s)[45]\d\d(?:\s|$)/.test(error)
  return answered
    ? `the mail server did not accept the first email (${error})`
    : `the mail server could not be reached (${error})`
}

/**
 * The later mail of its thread that has arrived at its address, or may have: what it would tell has been told with it, or is out of date.
 * `null`: none has. A refused mail that is tried again must not come after it.
 * @param mails every mail of the thread and of those that it went into, delivered or not
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
