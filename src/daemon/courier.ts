import { messageIdOf, notificationId } from '../domain/audience.ts'
import { iso } from '../domain/duration.ts'
import type { Incident } from '../domain/incident.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import { keyOf, nameOf } from '../domain/mailing.ts'
import type { Facts, Notification, Owed, Wording } from '../domain/notification.ts'
import { tellsOf } from '../domain/notify.ts'
import { type OutboxPlan, planOutbox, RETRY_MOST_MS, retryAt, SUMMARISED, summaryLines, whyNeedless } from '../domain/outbox.ts'
import { apart, divided, type Parcel } from '../domain/parcel.ts'
import { HOUR_MS } from '../domain/probe.ts'
import type { SelfAlert } from '../domain/state.ts'
import type { Delivery } from '../email/delivery.ts'
import type { Log } from '../ports/log.ts'
import type { Mail, Mailer } from '../ports/mailer.ts'
import type { Meter } from '../ports/meter.ts'
import { type OwedChange, type Store, StoreError } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { byReason, FALLBACK, fatesOf, type Outcome, rowsOf, settledBy, type Way } from './fates.ts'
import { retryRefused } from './refused-emails.ts'
import { Wakeup } from './wakeup.ts'
import { letterOf } from './wording.ts'

/** Mails that are on their way at the same time, each to another recipient. */
const MAX_AT_ONCE = 4
/** Owed mails that one look takes up; the others follow with the next. */
const MAX_LOOK = 500
/** The courier looks at least this often, whatever was said about the next time. */
const LOOK_AT_LEAST_MS = 30_000
/** How the copy of a mail is marked whose address is told more than the others. */
const TOLD_APART = 'told in a mail of its own, with what had never arrived there'

/** Mails that left and could not be recorded so far; beyond it nothing more leaves unrecorded. */
const MAX_UNRECORDED = 1_000
/** Refused addresses that a mail names. */
const MAX_REFUSED = 20

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
 * A mail is owed to each of its addresses. For those that get it now: (1) `sending` is on disk, with how it is worded; (2) it is
 * handed over; (3) what the server said for each of them is on disk. A crash between 1 and 3 leaves them `sending`: it may have
 * been accepted, so it is sent again as it was, under the same Message-ID.
 */
export class Courier {
  private readonly deps: CourierDeps
  private readonly nudged = new Wakeup()
  /** Recipients that a mail is on its way to. */
  private readonly lanes = new Map<string, Promise<void>>()
  /** What a lane has taken up. */
  private readonly taken = new Set<string>()
  /** What was withdrawn since the last look began. */
  private readonly withdrawn = new Set<string>()
  /** What became of mails while the disk was full: they are not sent again, and recorded when it can be written. */
  private readonly unrecorded = new Map<string, Readonly<{ change: OwedChange; rows: readonly LedgerRow[] }>>()
  /** Of what was owed at the last look: when it was first seen, on the monotonic clock, and for how long it had been owed by then. */
  private firstSeen: ReadonlyMap<string, Readonly<{ at: number; owedMs: number }>> = new Map()
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
    const moved = (await store.owed(MAX_LOOK)).flatMap(({ state, notification: { id }, address, nextAt }) =>
      state === 'sending' || this.isBeyondAnyWait(nextAt + by, now) ? [] : [{ id, address, nextAt: nextAt + by }],
    )
    if (moved.length > 0) await store.settle(moved, [])
    this.nudge()
  }

  private isBeyondAnyWait(nextAt: number, now: number): boolean {
    return nextAt > now + Math.max(RETRY_MOST_MS, this.deps.fallback?.afterMs ?? 0)
  }

  /** For how long a mail has been owed to its address, whatever the clock was set to meanwhile. */
  owedMs(owed: Owed): number {
    const { clock } = this.deps
    const seen = this.firstSeen.get(keyOf(owed))
    return seen === undefined
      ? Math.max(0, clock.now() - owed.notification.createdAt)
      : seen.owedMs + (clock.monotonic() - seen.at)
  }

  /** Refused emails get one more attempt. @param incidents those that are remembered, open or closed */
  async retryRefused(incidents: readonly Incident[]): Promise<void> {
    if (await retryRefused(this.deps, incidents)) this.nudge()
  }

  /** These self-alerts are over: their emails that have not left need not leave. One that may have been accepted is finished. */
  async withdraw(selfAlerts: readonly SelfAlert[]): Promise<void> {
    const { store, clock, meter, log } = this.deps
    const owed = (await store.owed(MAX_LOOK)).filter(
      (one) =>
        one.state !== 'sending' &&
        !one.uncertain &&
        !this.taken.has(keyOf(one)) &&
        !this.unrecorded.has(keyOf(one)) &&
        selfAlerts.some((selfAlert) => tellsOf(one.notification, selfAlert)),
    )
    if (owed.length === 0) return
    const why = 'it was over before this could be delivered'
    const now = clock.now()
    for (const one of owed) this.withdrawn.add(keyOf(one))
    await store.settle(
      owed.map((one) => ({ ...nameOf(one), state: 'dropped' as const, error: one.error ?? why })),
      rowsOf(now, owed, { decision: 'merged', rule: 'self-alert', reason: why }),
    )
    for (const { notification, address } of owed) {
      meter.mail(notification.kind, 'dropped')
      log.info('mail superseded', { id: notification.id, kind: notification.kind, to: [address], why })
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
        const key = keyOf(owed)
        return [key, this.firstSeen.get(key) ?? { at: monotonic, owedMs: this.owedMs(owed) }]
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
    for (const some of Map.groupBy(plan.send, ({ notification }) => notification.id).values()) {
      if (this.lanes.size >= MAX_AT_ONCE) break
      const owed = some.filter((one) => !this.withdrawn.has(keyOf(one)))
      const recipient = owed[0]?.notification.recipient
      if (recipient === undefined || this.lanes.has(recipient)) continue
      for (const one of owed) this.taken.add(keyOf(one))
      const lane = this.deliver(owed, kill).finally(() => {
        for (const one of owed) this.taken.delete(keyOf(one))
        this.lanes.delete(recipient)
        this.nudge()
      })
      this.lanes.set(recipient, lane)
    }
    return plan.summarise.length > 0 ? now : plan.nextAt
  }

  /** What the disk says of a mail, and over it what became of it since and could not be written; `null` when it is owed no more. */
  private asRemembered(owed: Owed): Owed | null {
    const change = this.unrecorded.get(keyOf(owed))?.change
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
        cut.map((owed) => ({ ...nameOf(owed), state: 'retrying' as const, uncertain: true })),
        [],
      )
    this.started = true
  }

  private async putInOrder(plan: OutboxPlan, now: number): Promise<void> {
    const { store, log, meter } = this.deps
    const changes = [
      // Why it could not leave stays with it: the mail that tells both says so.
      ...plan.merge.map(({ owed, why }) => ({ ...nameOf(owed), state: 'merged' as const, error: owed.error ?? why })),
      ...plan.drop.map(({ owed, why }) => ({ ...nameOf(owed), state: 'dropped' as const, error: why })),
      ...plan.summarise.flatMap(({ owed }) =>
        owed.map((one) => ({ ...nameOf(one), state: 'merged' as const, error: SUMMARISED })),
      ),
    ]
    if (changes.length === 0) return
    const summarised = plan.summarise.flatMap(({ owed }) => owed)
    const rows = [
      ...byReason(plan.merge).flatMap(([why, owed]) => rowsOf(now, owed, { decision: 'merged', rule: 'recovery', reason: why })),
      ...byReason(plan.drop).flatMap(([why, owed]) => rowsOf(now, owed, { decision: 'merged', rule: 'offline', reason: why })),
      ...rowsOf(now, summarised, {
        decision: 'merged',
        rule: 'rate-limit',
        reason: 'beyond mail.maxPerHour: told in a summary',
      }),
    ]
    await store.settle(changes, rows, await this.summariesOf(plan.summarise, now))
    for (const change of changes) this.unrecorded.delete(`${change.id} ${change.address}`)
    for (const { owed } of plan.merge) meter.mail(owed.notification.kind, 'merged')
    for (const { owed } of plan.drop) meter.mail(owed.notification.kind, 'dropped')
    for (const { notification } of summarised) meter.mail(notification.kind, 'merged')
    for (const { owed, why } of [...plan.merge, ...plan.drop])
      log.info('mail superseded', { id: owed.notification.id, kind: owed.notification.kind, to: [owed.address], why })
  }

  /** `rate-limit`: one mail for all that the ceiling held back, to all addresses of a recipient that are told the same. */
  private async summariesOf(plans: OutboxPlan['summarise'], now: number): Promise<readonly Notification[]> {
    const told = await Promise.all(
      plans.map(async ({ recipient, address, owed }) => {
        const lines = await Promise.all(owed.map(async (one) => summaryLines(one, await this.threadOf(one.notification))))
        return { recipient, address, lines: lines.flat() }
      }),
    )
    const groups = Map.groupBy(told, ({ recipient, lines }) => JSON.stringify([recipient, lines]))
    return [...groups.values()].flatMap((same, i) => {
      const [first] = same
      if (first === undefined) return []
      return [
        this.summary(
          first.recipient,
          same.map(({ address }) => address),
          first.lines,
          { now, seq: i + 1 },
        ),
      ]
    })
  }

  private summary(
    recipient: string,
    to: readonly string[],
    lines: readonly string[],
    { now, seq }: Readonly<{ now: number; seq: number }>,
  ): Notification {
    const { mailDomain, maxPerHour, plainFacts } = this.deps
    const reason = `more than ${maxPerHour} ${maxPerHour === 1 ? 'mail was' : 'mails were'} due within an hour (mail.maxPerHour)`
    const id = notificationId(`summary.${now}`, seq, recipient)
    const messageId = messageIdOf(id, mailDomain)
    const facts = plainFacts('digest', reason, `[alibi] ${lines.length === 1 ? '1 mail' : `${lines.length} mails`} in one`, lines)
    const { inReplyTo, incident } = { inReplyTo: null, incident: null }
    return {
      id,
      messageId,
      kind: 'digest',
      incident,
      thread: messageId,
      seq,
      recipient,
      to,
      inReplyTo,
      createdAt: now,
      facts: { ...facts, rule: 'rate-limit' },
    }
  }

  /** Brings one mail on its way to those of its addresses that are due. Never rejects. */
  private async deliver(owed: readonly Owed[], kill: AbortSignal): Promise<void> {
    const { clock, log, random01 } = this.deps
    const [first] = owed
    if (first === undefined) return
    try {
      const thread = await this.threadOf(first.notification)
      const needless = owed.flatMap((one) => {
        const why = whyNeedless(one, thread)
        return why === null ? [] : [{ owed: one, why }]
      })
      if (needless.length > 0) return await this.spare(needless)
      const { own, others } = divided(owed, thread)
      if (others.length > 0) return await this.part(first, others)
      if (own !== null) await this.attempt(own, thread, kill)
    } catch (cause) {
      // A store that cannot be trusted, or a fault of ours: the mail stays owed, and its lane is free after the usual wait.
      log.error('mail could not be sent', {
        ...fieldsOf(first),
        to: owed.map(({ address }) => address),
        cause,
        next: 'it stays owed',
      })
      await clock.sleep(retryAt(0, first.attempts + 1, random01()), kill)
    }
  }

  /** These addresses need not be told now. If what they refused is sent again some day, this follows it. */
  private async spare(needless: readonly Readonly<{ owed: Owed; why: string }>[]): Promise<void> {
    const { store, clock, log } = this.deps
    const now = clock.now()
    await store.settle(
      needless.map(({ owed, why }) => ({ ...nameOf(owed), state: 'refused' as const, error: `not sent: ${why}` })),
      byReason(needless).flatMap(([why, owed]) =>
        rowsOf(now, owed, { decision: 'withheld', rule: 'late-explanation', reason: why }),
      ),
    )
    for (const { owed, why } of needless) log.info('mail withheld', { ...fieldsOf(owed), to: [owed.address], why })
  }

  /** Under one Message-ID leaves one mail: addresses that are told something else get a notification of their own. */
  private async part(first: Owed, others: readonly Parcel[]): Promise<void> {
    const { store, clock, log, mailDomain } = this.deps
    const made = others.map((parcel) => ({
      parcel,
      notification: apart(
        first,
        parcel.owed.map(({ address }) => address),
        mailDomain,
      ),
    }))
    const changes = made.flatMap(({ parcel, notification: { id } }) =>
      parcel.owed.flatMap((one) => {
        const { address, state, attempts, nextAt, error, noSession } = one
        return [
          { ...nameOf(one), state: 'merged' as const, error: TOLD_APART },
          { id, address, state, attempts, nextAt, error, noSession },
        ]
      }),
    )
    const parted = others.flatMap(({ owed }) => owed)
    const rows = rowsOf(clock.now(), parted, { decision: 'merged', rule: 'recovery', reason: TOLD_APART })
    await store.settle(
      changes,
      rows,
      made.map(({ notification }) => notification),
    )
    for (const { notification } of made)
      log.info('mail divided', { ...fieldsOf(first), into: notification.id, to: notification.to, why: TOLD_APART })
  }

  private async attempt({ owed, telling }: Parcel, thread: readonly Owed[], kill: AbortSignal): Promise<void> {
    const { clock, random01 } = this.deps
    const [first] = owed
    if (first === undefined) return
    const way = this.wayFor(first)
    // Those for whom it is the other way's turn are next.
    const going = owed.filter((one) => this.wayFor(one).name === way.name)
    const wording = first.wording ?? (await this.worded(going, telling, thread))
    const { letter } = this.deps
    const envelope = going.map(({ address }) => address)
    const mail = { ...letterOf(first.notification, wording, thread, letter), envelope }
    await this.record(
      going.map((one) => ({ ...nameOf(one), state: 'sending' as const, attempts: one.attempts + 1, wording })),
      [],
    )
    const settled = settledBy({
      owed: going,
      fates: await fatesOf(way.mailer, mail, kill),
      way,
      wording,
      now: clock.now(),
      random01: random01(),
      takesOverIn: (one) => this.takesOverIn(one, way),
    })
    await this.record(settled.changes, settled.rows)
    for (const outcome of settled.outcomes) this.told(first, outcome)
  }

  /** How the mail is worded if somebody gets it now. */
  private async worded(owed: readonly Owed[], telling: Parcel['telling'], thread: readonly Owed[]): Promise<Wording> {
    const { clock } = this.deps
    const [first] = owed
    const all = first?.notification.to ?? []
    const apart = thread.filter((one) => one.notification.id === first?.notification.id && one.error === TOLD_APART)
    return {
      at: clock.now(),
      attempts: Math.max(0, ...owed.map(({ attempts }) => attempts)),
      lateBecause: owed.find(({ error }) => error !== null)?.error ?? null,
      ...telling,
      to: all.filter((address) => !apart.some((one) => one.address === address)),
      refused: await this.refusedElsewhere(owed),
    }
  }

  private told(owed: Owed, { result, addresses, attempts, said, nextAt }: Outcome): void {
    const { log, meter } = this.deps
    for (const _ of addresses) meter.mail(owed.notification.kind, result)
    const fields = { ...fieldsOf(owed), to: addresses, attempts }
    switch (result) {
      case 'delivered':
        log.info('mail delivered', { ...fields, reply: said })
        return
      case 'refused': {
        const next = 'it is kept: `alibi outbox list` shows it; it is tried again after a change of the mail configuration'
        log.error('mail refused', { ...fields, error: said, next })
        return
      }
      case 'deferred':
        log.warn('mail deferred', { ...fields, error: said, next: `another attempt at ${iso(nextAt ?? 0)}` })
    }
  }

  /** The second way takes over after its `after`, and the two alternate from then on (docs/rules.md, Delivery). */
  private wayFor(owed: Owed): Way & Readonly<{ mailer: Mailer }> {
    const { mailer, fallback } = this.deps
    const first = { name: '', mailer, isLast: fallback === null }
    if (fallback === null || owed.attempts === 0) return first
    if (this.owedMs(owed) < fallback.afterMs || owed.error?.startsWith(FALLBACK) === true) return first
    return { name: FALLBACK, mailer: fallback.mailer, isLast: true }
  }

  private takesOverIn(owed: Owed, way: Way): number | null {
    const { fallback } = this.deps
    return fallback === null || way.name === FALLBACK ? null : fallback.afterMs - this.owedMs(owed)
  }

  /**
   * Puts what became of a mail on disk. A full disk stops no mail that is owed already: what became of it is kept in memory
   * until it can be written, and the mail is not sent again meanwhile.
   */
  private async record(changes: readonly OwedChange[], rows: readonly LedgerRow[]): Promise<void> {
    const { store, log } = this.deps
    try {
      await store.settle(changes, rows)
      for (const { id, address } of changes) this.unrecorded.delete(`${id} ${address}`)
    } catch (cause) {
      if (!(cause instanceof StoreError) || cause.fatal || this.unrecorded.size >= MAX_UNRECORDED) throw cause
      for (const [i, change] of changes.entries()) {
        const { id, address, state } = change
        if (state === 'sending') continue
        const next = 'it is written when the disk allows'
        log.error('what became of a mail cannot be written', { id, to: [address], state, cause, next })
        this.unrecorded.set(`${id} ${address}`, { change, rows: i === 0 ? rows : [] })
      }
    }
  }

  private async recordLate(): Promise<void> {
    const { store } = this.deps
    for (const [key, late] of this.unrecorded) {
      try {
        await store.settle([late.change], late.rows)
      } catch (cause) {
        if (!(cause instanceof StoreError) || cause.fatal) throw cause
        continue
      }
      if (this.unrecorded.get(key) === late) this.unrecorded.delete(key)
    }
  }

  /** Whom the server refuses: those who get this mail are told, for those will not hear of it. */
  private async refusedElsewhere(owed: readonly Owed[]): Promise<Wording['refused']> {
    const outbox = await this.deps.store.outbox()
    const others = outbox.filter(({ state, address }) => state === 'refused' && !owed.every((one) => one.address === address))
    const byAddress = new Map(others.map((one) => [`${one.notification.recipient} ${one.address}`, one]))
    return [...byAddress.values()]
      .slice(0, MAX_REFUSED)
      .map(({ notification: { recipient }, address, error }) => ({ recipient, address, error: error ?? 'no reason given' }))
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
}

function threadsOf({ notification: { thread, past = [] } }: Owed): readonly string[] {
  return [thread, ...past.map((old) => old.thread)]
}

function fieldsOf({ notification: { id, kind, incident, recipient } }: Owed) {
  return { id, kind, incident, recipient }
}
