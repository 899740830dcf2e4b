import { iso } from '../domain/duration.ts'
import { nameOf } from '../domain/mailing.ts'
import type { Notification, Owed, Wording } from '../domain/notification.ts'
import { retryAt, whyNeedless } from '../domain/outbox.ts'
import { apart, divided, type Parcel } from '../domain/parcel.ts'
import type { Delivery } from '../email/delivery.ts'
import type { Log } from '../ports/log.ts'
import type { Mail, Mailer } from '../ports/mailer.ts'
import type { Meter } from '../ports/meter.ts'
import type { Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import type { DeliveryRecords } from './delivery-records.ts'
import { type AttemptResult, byReason, FALLBACK, fatesOf, type Route, rowsOf, settledBy } from './fates.ts'
import { threadOf } from './thread.ts'
import type { WaitingTimes } from './waiting-times.ts'
import { letterOf } from './wording.ts'

/** Marks the copy for an address that needs more content than the others. */
const TOLD_APART = 'sent as an email of its own, with what had never arrived there'
/** Rejected addresses that an email names. */
const MAX_REJECTED = 20

export type DispatchDeps = Readonly<{
  store: Store
  mailer: Mailer
  /** The second mail server, for emails that are owed for longer than `afterMs`; `null` if there is none. */
  fallback: Readonly<{ mailer: Mailer; afterMs: number }> | null
  clock: Clock
  log: Log
  meter: Meter
  random01: () => number
  letter: (notification: Notification, delivery: Delivery) => Mail
  mailDomain: string
}>

/**
 * Sends one email to those of its addresses that are due: (1) that it is being sent, and how it is worded, is on disk; (2) it is
 * handed to the mail server; (3) what the server answered for each address is on disk. After a crash between 1 and 3 it may have been
 * accepted, so it is sent again unchanged, under the same Message-ID.
 */
export class Dispatch {
  private readonly deps: DispatchDeps
  private readonly records: DeliveryRecords
  private readonly waiting: WaitingTimes

  constructor(deps: DispatchDeps, records: DeliveryRecords, waiting: WaitingTimes) {
    this.deps = deps
    this.records = records
    this.waiting = waiting
  }

  /** @param owed one email, for each of its addresses that are due. Never rejects. */
  async send(owed: readonly Owed[], kill: AbortSignal): Promise<void> {
    const { store, clock, log, random01 } = this.deps
    const [first] = owed
    if (first === undefined) return
    try {
      const thread = await threadOf(first.notification, store)
      const needless = owed.flatMap((one) => {
        const why = whyNeedless(one, thread)
        return why === null ? [] : [{ owed: one, why }]
      })
      if (needless.length > 0) return await this.withhold(needless)
      const { own, others } = divided(owed, thread)
      if (others.length > 0) return await this.divide(first, others)
      if (own !== null) await this.attempt(own, thread, kill)
    } catch (cause) {
      // A store that cannot be trusted, or a fault of ours: the email stays owed, and its recipient waits as after a failed attempt.
      log.error('failed to send email', {
        ...fieldsOf(first),
        to: owed.map(({ address }) => address),
        cause,
        next: 'it stays in the outbox',
      })
      await clock.sleep(retryAt(0, first.attempts + 1, random01()), kill)
    }
  }

  /** These addresses need not get it now. If what they rejected is ever sent again, this follows it. */
  private async withhold(needless: readonly Readonly<{ owed: Owed; why: string }>[]): Promise<void> {
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

  /** Only one email is sent under one Message-ID: addresses that need other content get a notification of their own. */
  private async divide(first: Owed, others: readonly Parcel[]): Promise<void> {
    const { store, clock, log, mailDomain } = this.deps
    const made = others.map((parcel) => {
      const to = parcel.owed.map(({ address }) => address)
      return { parcel, notification: apart(first, to, mailDomain) }
    })
    const changes = made.flatMap(({ parcel, notification: { id } }) =>
      parcel.owed.flatMap((one) => {
        const { address, state, attempts, nextAt, error, noSession } = one
        return [
          { ...nameOf(one), state: 'merged' as const, error: TOLD_APART },
          { id, address, state, attempts, nextAt, error, noSession },
        ]
      }),
    )
    const moved = others.flatMap(({ owed }) => owed)
    const rows = rowsOf(clock.now(), moved, { decision: 'merged', rule: 'recovery', reason: TOLD_APART })
    const notifications = made.map(({ notification }) => notification)
    await store.settle(changes, rows, notifications)
    for (const { id, to } of notifications) log.info('mail divided', { ...fieldsOf(first), into: id, to, why: TOLD_APART })
  }

  private async attempt({ owed, telling }: Parcel, thread: readonly Owed[], kill: AbortSignal): Promise<void> {
    const { clock, random01, letter } = this.deps
    const { records } = this
    const [first] = owed
    if (first === undefined) return
    const route = this.routeFor(first)
    // Those that use the other mail server are next.
    const going = owed.filter((one) => this.routeFor(one).name === route.name)
    const wording = first.wording ?? (await this.worded(going, telling, thread))
    const envelope = going.map(({ address }) => address)
    const mail = { ...letterOf(first.notification, wording, thread, letter), envelope }
    await records.write(
      going.map((one) => ({ ...nameOf(one), state: 'sending' as const, attempts: one.attempts + 1, wording })),
      [],
    )
    const settled = settledBy({
      owed: going,
      fates: await fatesOf(route.mailer, mail, kill),
      route,
      wording,
      now: clock.now(),
      random01: random01(),
      takesOverIn: (one) => this.takesOverIn(one, route),
    })
    await records.write(settled.changes, settled.rows)
    for (const result of settled.results) this.report(first, result)
  }

  /** How the email is worded if it is sent now. */
  private async worded(owed: readonly Owed[], telling: Parcel['telling'], thread: readonly Owed[]): Promise<Wording> {
    const [first] = owed
    const all = first?.notification.to ?? []
    const elsewhere = thread.filter((one) => one.notification.id === first?.notification.id && one.error === TOLD_APART)
    return {
      at: this.deps.clock.now(),
      attempts: Math.max(0, ...owed.map(({ attempts }) => attempts)),
      lateBecause: owed.find(({ error }) => error !== null)?.error ?? null,
      ...telling,
      to: all.filter((address) => !elsewhere.some((one) => one.address === address)),
      refused: await this.rejectedElsewhere(owed),
    }
  }

  /** Rejected addresses, named in emails to others because their owners will not be notified. */
  private async rejectedElsewhere(owed: readonly Owed[]): Promise<Wording['refused']> {
    const outbox = await this.deps.store.outbox()
    const others = outbox.filter(({ state, address }) => state === 'refused' && !owed.every((one) => one.address === address))
    const byAddress = new Map(others.map((one) => [`${one.notification.recipient} ${one.address}`, one]))
    return [...byAddress.values()]
      .slice(0, MAX_REJECTED)
      .map(({ notification: { recipient }, address, error }) => ({ recipient, address, error: error ?? 'no reason given' }))
  }

  private report(owed: Owed, { result, addresses, attempts, said, nextAt }: AttemptResult): void {
    const { log, meter } = this.deps
    for (const _ of addresses) meter.mail(owed.notification.kind, result)
    const fields = { ...fieldsOf(owed), to: addresses, attempts }
    switch (result) {
      case 'delivered':
        log.info('mail delivered', { ...fields, reply: said })
        return
      case 'refused': {
        const next = 'it stays in `alibi outbox list`, and gets another attempt after a start or a reload'
        log.error('mail refused', { ...fields, error: said, next })
        return
      }
      case 'deferred':
        log.warn('mail deferred', { ...fields, error: said, next: `another attempt at ${iso(nextAt ?? 0)}` })
    }
  }

  /** The second mail server takes over after its `after`, and the two alternate from then on (docs/rules.md, Delivery). */
  private routeFor(owed: Owed): Route & Readonly<{ mailer: Mailer }> {
    const { mailer, fallback } = this.deps
    const first = { name: '', mailer, isLast: fallback === null }
    if (fallback === null || owed.attempts === 0) return first
    if (this.waiting.of(owed) < fallback.afterMs || owed.error?.startsWith(FALLBACK) === true) return first
    return { name: FALLBACK, mailer: fallback.mailer, isLast: true }
  }

  private takesOverIn(owed: Owed, route: Route): number | null {
    const { fallback } = this.deps
    return fallback === null || route.name === FALLBACK ? null : fallback.afterMs - this.waiting.of(owed)
  }
}

function fieldsOf({ notification: { id, kind, incident, recipient } }: Owed) {
  return { id, kind, incident, recipient }
}
