import { messageIdOf, notificationId } from '../domain/audience.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Facts, Notification, Owed } from '../domain/notification.ts'
import { tellsOf } from '../domain/notify.ts'
import {
  type OutboxPlan,
  planOutbox,
  RETRY_MOST_MS,
  retryAt,
  SUMMARISED,
  summaryLines,
  unsaidBefore,
  whyUnsaid,
} from '../domain/outbox.ts'
import { HOUR_MS } from '../domain/probe.ts'
import type { Notice } from '../domain/state.ts'
import type { Delivery } from '../letter/content.ts'
import type { Log } from '../ports/log.ts'
import { type Mail, MailError, type Mailer } from '../ports/mailer.ts'
import type { Meter } from '../ports/meter.ts'
import { type OwedChange, type Store, StoreError } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { Nudge } from './nudge.ts'

/** Mails that are on their way at the same time, each to another recipient. */
const MAX_AT_ONCE = 4
/** Owed mails that one look takes up; the others follow with the next. */
const MAX_LOOK = 500
/** The courier looks at least this often, whatever was said about the next time. */
const LOOK_AT_LEAST_MS = 30_000
const MAX_REPLY = 300

/** Mails that left and could not be recorded so far; beyond it nothing more leaves unrecorded. */
const MAX_UNRECORDED = 1_000

export type CourierDeps = Readonly<{
  store: Store
  mailer: Mailer
  /** A second way, for mails that are owed for longer than `afterMs` and that the first one does not take. */
  fallback: Readonly<{ mailer: Mailer; afterMs: number }> | null
  clock: Clock
  log: Log
  meter: Meter
  random01: () => number
  letter: (notification: Notification, delivery: Delivery) => Mail
  maxPerHour: number
  mailDomain: string
  /** Facts of a mail about nothing but these lines. */
  plainFacts: (kind: Facts['kind'], reason: string, subject: string, lines: readonly string[]) => Facts
}>

/**
 * The outbox's own loop: sends what is owed and records *delivered* only after the server's 250. It shares nothing with
 * probing but the store, so that a mail server that hangs stops nobody but its own recipient.
 *
 * For each mail: (1) `sending` is on disk; (2) it is handed over; (3) what became of it is on disk. A crash between 1 and 3
 * leaves it `sending`: it may have been accepted, so it is sent again as it was, under the same Message-ID.
 */
export class Courier {
  private readonly deps: CourierDeps
  private readonly nudged = new Nudge()
  /** Recipients that a mail is on its way to. */
  private readonly lanes = new Map<string, Promise<void>>()
  /** Mails that a lane has taken up. */
  private readonly taken = new Set<string>()
  /** Mails that were withdrawn since the last look began. */
  private readonly withdrawn = new Set<string>()
  /** What became of mails while the disk was full: they are not sent again, and recorded when it can be written. */
  private readonly unrecorded = new Map<string, Readonly<{ change: OwedChange; rows: readonly LedgerRow[] }>>()
  /** Of the mails of the last look: when each was first seen, on the monotonic clock, and for how long it had been owed by then. */
  private firstSeen: ReadonlyMap<string, Readonly<{ at: number; owedMs: number }>> = new Map()
  /** Said without a disk: that there is none. */
  private readonly spoken = new Set<string>()
  private started = false

  constructor(deps: CourierDeps) {
    this.deps = deps
  }

  /** Something new is owed. */
  nudge(): void {
    this.nudged.nudge()
  }

  /** Runs until `stop`; what is on its way then may finish until `kill`. Never rejects. */
  async run(stop: AbortSignal, kill: AbortSignal): Promise<void> {
    const { clock, log } = this.deps
    while (!stop.aborted) {
      let nextAt: number | null = null
      try {
        nextAt = await this.look(kill)
      } catch (cause) {
        log.error('the outbox could not be read', { cause, next: 'another look in a while' })
      }
      const now = clock.now()
      const wait = Math.min(LOOK_AT_LEAST_MS, Math.max(0, (nextAt ?? now + LOOK_AT_LEAST_MS) - now))
      await this.nudged.wait(clock, wait, stop)
    }
    await Promise.all(this.lanes.values())
  }

  /** Sends everything that is due once, and waits for it: for `mail test` and for tests. */
  async once(kill: AbortSignal): Promise<void> {
    await this.look(kill)
    await Promise.all(this.lanes.values())
  }

  /**
   * The clock was set: what waits goes on waiting for as long as it had to. A wait that would be longer than any was dated since
   * the clock was set, before anybody had noticed.
   */
  async rebase(by: number): Promise<void> {
    const { store, clock } = this.deps
    const now = clock.now()
    const moved = (await store.owed(MAX_LOOK)).flatMap(({ state, notification: { id }, nextAt }) =>
      state === 'sending' || this.isBeyondAnyWait(nextAt + by, now) ? [] : [{ id, nextAt: nextAt + by }],
    )
    if (moved.length > 0) await store.settle(moved, [])
    this.nudge()
  }

  private isBeyondAnyWait(nextAt: number, now: number): boolean {
    return nextAt > now + Math.max(RETRY_MOST_MS, this.deps.fallback?.afterMs ?? 0)
  }

  /** For how long a mail has been owed, whatever the clock was set to meanwhile. */
  owedMs({ notification: { id, createdAt } }: Owed): number {
    const { clock } = this.deps
    const seen = this.firstSeen.get(id)
    return seen === undefined ? Math.max(0, clock.now() - createdAt) : seen.owedMs + (clock.monotonic() - seen.at)
  }

  /** These notices are over: their mails that have not left need not leave. One that may have been accepted is finished. */
  async withdraw(notices: readonly Notice[]): Promise<void> {
    const { store, clock, meter, log } = this.deps
    const owed = (await store.owed(MAX_LOOK)).filter(
      ({ notification, state, uncertain }) =>
        state !== 'sending' &&
        !uncertain &&
        !this.taken.has(notification.id) &&
        !this.unrecorded.has(notification.id) &&
        notices.some((notice) => tellsOf(notification, notice)),
    )
    if (owed.length === 0) return
    const why = 'it was over before this could be delivered'
    const now = clock.now()
    for (const { notification } of owed) this.withdrawn.add(notification.id)
    await store.settle(
      owed.map((one) => ({ id: one.notification.id, state: 'dropped' as const, error: one.error ?? why })),
      owed.map((one) => row(now, one, 'merged', 'self-alert', why)),
    )
    for (const { notification } of owed) {
      meter.mail(notification.kind, 'dropped')
      log.info('mail superseded', { id: notification.id, kind: notification.kind, why })
    }
  }

  /** One look at the outbox: starts what is due and free, says when to look again. */
  private async look(kill: AbortSignal): Promise<number | null> {
    const { store, clock, maxPerHour } = this.deps
    if (!this.started) await this.takeUpAfterCrash()
    const now = clock.now()
    this.withdrawn.clear()
    await this.recordLate()
    const pending = await store.owed(MAX_LOOK)
    const monotonic = clock.monotonic()
    this.firstSeen = new Map(
      pending.map((owed) => {
        const { id } = owed.notification
        return [id, this.firstSeen.get(id) ?? { at: monotonic, owedMs: this.owedMs(owed) }]
      }),
    )
    const queue = pending
      .flatMap((owed) => this.asRemembered(owed) ?? [])
      // What waits for longer than any wait is dated by a clock that has been set back: it is due.
      .map((owed) => (this.isBeyondAnyWait(owed.nextAt, now) ? { ...owed, nextAt: now } : owed))
    if (queue.length === 0) return null
    const delivered = await store.deliveredSince(now - HOUR_MS)
    const busy = queue.filter((owed) => this.lanes.has(owed.notification.recipient))
    // A thread goes on under a recipient's new name: nothing overtakes what is on its way to the old one.
    const taken = new Set(busy.flatMap(threadsOf))
    const free = queue.filter((owed) => !busy.includes(owed) && !threadsOf(owed).some((thread) => taken.has(thread)))
    const plan = planOutbox(free, delivered, maxPerHour, now)
    await this.putInOrder(plan, now)
    for (const owed of plan.send) {
      const { recipient } = owed.notification
      if (this.lanes.size >= MAX_AT_ONCE) break
      const { id } = owed.notification
      if (this.lanes.has(recipient) || this.withdrawn.has(id)) continue
      this.taken.add(id)
      const lane = this.deliver(owed, kill).finally(() => {
        this.taken.delete(id)
        this.lanes.delete(recipient)
        this.nudge()
      })
      this.lanes.set(recipient, lane)
    }
    return plan.summarise.length > 0 ? now : plan.nextAt
  }

  /** What the disk says of a mail, and over it what became of it since and could not be written; `null` when it is owed no more. */
  private asRemembered(owed: Owed): Owed | null {
    const change = this.unrecorded.get(owed.notification.id)?.change
    if (change === undefined) return owed
    // One that waits keeps its place: what is later in its thread must not overtake it.
    return change.state === 'retrying' ? { ...owed, ...change } : null
  }

  /** What was on its way when the process died may have been accepted: it is due at once, and uncertain. */
  private async takeUpAfterCrash(): Promise<void> {
    const { store } = this.deps
    const cut = (await store.owed(MAX_LOOK)).filter((owed) => owed.state === 'sending')
    if (cut.length > 0)
      await store.settle(
        cut.map((owed) => ({ id: owed.notification.id, state: 'retrying' as const, uncertain: true })),
        [],
      )
    this.started = true
  }

  private async putInOrder(plan: OutboxPlan, now: number): Promise<void> {
    const { store, log, meter } = this.deps
    const changes = [
      // Why it could not leave stays with it: the mail that tells both says so.
      ...plan.merge.map(({ owed, why }) => ({
        id: owed.notification.id,
        state: 'merged' as const,
        error: owed.error ?? why,
      })),
      ...plan.drop.map(({ owed, why }) => ({ id: owed.notification.id, state: 'dropped' as const, error: why })),
      ...plan.summarise.flatMap(({ owed }) =>
        owed.map((one) => ({ id: one.notification.id, state: 'merged' as const, error: SUMMARISED })),
      ),
    ]
    if (changes.length === 0) return
    const rows = [
      ...plan.merge.map(({ owed, why }) => row(now, owed, 'merged', 'recovery', why)),
      ...plan.drop.map(({ owed, why }) => row(now, owed, 'merged', 'offline', why)),
      ...plan.summarise.flatMap(({ owed }) =>
        owed.map((one) => row(now, one, 'merged', 'rate-limit', 'beyond mail.maxPerHour: told in a summary')),
      ),
    ]
    await store.settle(
      changes,
      rows,
      await Promise.all(plan.summarise.map(({ recipient, owed }) => this.summaryOf(recipient, owed, now))),
    )
    for (const { id } of changes) this.unrecorded.delete(id)
    for (const { owed } of plan.merge) meter.mail(owed.notification.kind, 'merged')
    for (const { owed } of plan.drop) meter.mail(owed.notification.kind, 'dropped')
    for (const { owed } of plan.summarise) for (const one of owed) meter.mail(one.notification.kind, 'merged')
    for (const { owed, why } of [...plan.merge, ...plan.drop])
      log.info('mail superseded', { id: owed.notification.id, kind: owed.notification.kind, why })
  }

  /** `rate-limit`: one mail for all that the ceiling held back. */
  private async summaryOf(recipient: string, owed: readonly Owed[], now: number): Promise<Notification> {
    const { mailDomain, maxPerHour, plainFacts } = this.deps
    const reason = `more than ${maxPerHour} ${maxPerHour === 1 ? 'mail was' : 'mails were'} due within an hour (mail.maxPerHour)`
    const told = await Promise.all(owed.map(async (one) => summaryLines(one, await this.threadOf(one.notification))))
    const lines = told.flat()
    const id = notificationId(`summary.${now}`, 1, recipient)
    const messageId = messageIdOf(id, mailDomain)
    const facts = plainFacts('digest', reason, `[alibi] ${lines.length === 1 ? '1 mail' : `${lines.length} mails`} in one`, lines)
    return {
      id,
      messageId,
      kind: 'digest',
      incident: null,
      thread: messageId,
      seq: 1,
      recipient,
      to: owed[0]?.notification.to ?? [],
      inReplyTo: null,
      createdAt: now,
      facts: { ...facts, rule: 'rate-limit' },
    }
  }

  private async deliver(owed: Owed, kill: AbortSignal): Promise<void> {
    const { clock, log, meter, random01 } = this.deps
    const { notification } = owed
    const { id, kind, incident, recipient } = notification
    const fields = { id, kind, incident, recipient }
    const attempts = owed.attempts + 1
    try {
      const mail = await this.write(owed)
      await this.record({ id, state: 'sending', attempts }, [])
      const way = this.wayFor(owed)
      try {
        const receipt = await way.mailer.send(mail, kill)
        const reply = `${way.name}${receipt.reply}`.slice(0, MAX_REPLY)
        const refused = receipt.rejected.length
        const error = refused > 0 ? `the server refused ${refused} of ${notification.to.length} addresses` : null
        const deliveredAt = clock.now()
        const rows = [row(deliveredAt, owed, 'delivered', null, reply)]
        await this.record({ id, state: 'delivered', deliveredAt, reply, error, uncertain: false, attempts }, rows)
        meter.mail(kind, 'delivered')
        log.info('mail delivered', { ...fields, attempts, reply, ...(error === null ? {} : { error }) })
      } catch (cause) {
        if (!(cause instanceof MailError)) throw cause
        await this.failed(owed, cause, way, attempts, fields)
      }
    } catch (cause) {
      // A store that cannot be trusted, or a fault of ours: the mail stays owed, and its lane is free after the usual wait.
      log.error('mail could not be sent', { ...fields, cause, next: 'it stays owed' })
      await clock.sleep(retryAt(0, attempts, random01()), kill)
    }
  }

  /** The second way takes over after its `after`, and the two alternate from then on (docs/rules.md, Delivery). */
  private wayFor(owed: Owed): Way {
    const { mailer, fallback } = this.deps
    const first: Way = { name: '', mailer, permanentIsFinal: fallback === null }
    if (fallback === null || owed.attempts === 0) return first
    if (this.owedMs(owed) < fallback.afterMs || owed.error?.startsWith(FALLBACK) === true) return first
    return { name: FALLBACK, mailer: fallback.mailer, permanentIsFinal: true }
  }

  private async failed(owed: Owed, cause: MailError, way: Way, attempts: number, fields: Record<string, unknown>): Promise<void> {
    const { clock, log, meter, random01, fallback } = this.deps
    const now = clock.now()
    const error = `${way.name}${cause.message}`.slice(0, MAX_REPLY)
    const uncertain = owed.uncertain || cause.uncertain
    const { id, kind } = owed.notification
    if (cause.permanent && way.permanentIsFinal) {
      await this.record({ id, state: 'refused', error, uncertain, attempts }, [row(now, owed, 'refused', null, error)])
      const next = 'it is kept: `alibi outbox list` shows it; it is tried again after a change of the mail configuration'
      meter.mail(kind, 'refused')
      log.error('mail refused', { ...fields, attempts, error, next })
      return
    }
    const again = retryAt(now, attempts, random01())
    // The second way takes over when its time has come, not with the first one's next turn.
    const takesOver = fallback === null || way.name === FALLBACK ? null : now + fallback.afterMs - this.owedMs(owed)
    const soonest = takesOver === null || takesOver <= now ? again : Math.min(again, takesOver)
    const nextAt = cause.permanent && takesOver !== null ? Math.max(now, takesOver) : soonest
    await this.record({ id, state: 'retrying', error, nextAt, uncertain, attempts }, [])
    meter.mail(kind, 'deferred')
    log.warn('mail deferred', { ...fields, attempts, error, next: `another attempt at ${new Date(nextAt).toISOString()}` })
  }

  /**
   * Puts what became of a mail on disk. A full disk stops no mail that is owed already: what became of it is kept in memory
   * until it can be written, and the mail is not sent again meanwhile.
   */
  private async record(change: OwedChange, rows: readonly LedgerRow[]): Promise<void> {
    const { store, log } = this.deps
    try {
      await store.settle([change], rows)
      this.unrecorded.delete(change.id)
    } catch (cause) {
      if (!(cause instanceof StoreError) || cause.fatal || this.unrecorded.size >= MAX_UNRECORDED) throw cause
      if (change.state === 'sending') return
      log.error('what became of a mail cannot be written', {
        id: change.id,
        state: change.state,
        cause,
        next: 'it is written when the disk allows',
      })
      this.unrecorded.set(change.id, { change, rows })
    }
  }

  private async recordLate(): Promise<void> {
    const { store } = this.deps
    for (const [id, late] of this.unrecorded) {
      try {
        await store.settle([late.change], late.rows)
      } catch (cause) {
        if (!(cause instanceof StoreError) || cause.fatal) throw cause
        continue
      }
      if (this.unrecorded.get(id) === late) this.unrecorded.delete(id)
    }
  }

  /**
   * Says something that cannot be put on disk, because the disk is what is wrong: once for each `key`, to those who are told
   * at once. The only mail that leaves before anything of it is durable.
   */
  async speak(key: string, notifications: readonly Notification[], kill: AbortSignal): Promise<void> {
    const { mailer, clock, log, letter } = this.deps
    for (const notification of notifications) {
      const said = `${key} ${notification.recipient}`
      if (this.spoken.has(said)) continue
      try {
        const mail = letter(notification, { attempts: 0, lateBecause: null, now: clock.now(), merged: null, refused: [] })
        const { reply } = await mailer.send(mail, kill)
        this.spoken.add(said)
        log.info('mail delivered', {
          id: notification.id,
          kind: notification.kind,
          recipient: notification.recipient,
          reply,
          recorded: false,
        })
      } catch (cause) {
        if (!(cause instanceof MailError)) throw cause
        log.error('mail could not be sent', {
          id: notification.id,
          error: cause.message,
          next: 'it is tried again while the disk cannot be written',
        })
      }
    }
  }

  /** The disk can be written again: another fault of it would be told anew. */
  fallSilent(): void {
    this.spoken.clear()
  }

  /** Recipients whose mails the server refuses: the others are told, for those will not hear of it. */
  private async refusedElsewhere(owed: Owed): Promise<Delivery['refused']> {
    const outbox = await this.deps.store.outbox()
    const others = outbox.filter((one) => one.state === 'refused' && one.notification.recipient !== owed.notification.recipient)
    const byRecipient = new Map(others.map((one) => [one.notification.recipient, one.error ?? 'no reason given']))
    return [...byRecipient].map(([recipient, error]) => ({ recipient, error }))
  }

  /**
   * Every mail of this one's thread and of those that went into it: they lie with the incidents that mailed them
   * (`family-change`).
   */
  private async threadOf({ incident, thread, past = [] }: Notification): Promise<readonly Owed[]> {
    if (incident === null) return []
    const incidents = [...new Set([...past.map((one) => one.incident), incident])]
    const mails = (await Promise.all(incidents.map((id) => this.deps.store.mails(id)))).flat()
    const threads = new Set([thread, ...past.map((old) => old.thread)])
    return mails.filter((owed) => threads.has(owed.notification.thread))
  }

  /** Renders the mail as it leaves now: the facts as committed, and what became of earlier mails of its thread. */
  private async write(owed: Owed): Promise<Mail> {
    const { clock, letter } = this.deps
    const { notification } = owed
    const thread = await this.threadOf(notification)
    const { fall, nothingArrived } = unsaidBefore(owed, thread)
    const delivery: Delivery = {
      attempts: owed.attempts,
      lateBecause: owed.error,
      now: clock.now(),
      merged: fall === null ? null : { facts: fall.notification.facts, why: whyUnsaid(fall, thread) },
      refused: await this.refusedElsewhere(owed),
    }
    if (fall === null) return letter(notification, delivery)
    // Where nothing has arrived there is nothing to reply to. (A thread may also begin in an incident of another family.)
    const inReplyTo = nothingArrived ? null : notification.inReplyTo
    return letter({ ...notification, inReplyTo, facts: begunWith(notification.facts, fall.notification.facts) }, delivery)
  }
}

/** The facts of a mail that tells a fall as well: the trouble began with that one. */
function begunWith(facts: Facts, fall: Facts): Facts {
  if (facts.incident === null || fall.incident === null || fall.incident.onset >= facts.incident.onset) return facts
  const { onset, lastOkAt } = fall.incident
  return { ...facts, incident: { ...facts.incident, onset, lastOkAt } }
}

function threadsOf({ notification: { thread, past = [] } }: Owed): readonly string[] {
  return [thread, ...past.map((old) => old.thread)]
}

type Way = Readonly<{ name: string; mailer: Mailer; permanentIsFinal: boolean }>
/** Marks replies and errors of the second way. */
const FALLBACK = 'fallback: '

function row(at: number, owed: Owed, decision: LedgerRow['decision'], rule: LedgerRow['rule'], reason: string): LedgerRow {
  const { id, incident, kind, recipient, seq } = owed.notification
  return { at, incident, probe: null, decision, rule, reason: `${kind} to ${recipient}: ${reason}`, evidence: { id, seq } }
}
