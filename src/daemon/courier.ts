import type { Incident } from '../domain/incident.ts'
import { keyOf, nameOf } from '../domain/mailing.ts'
import type { Facts, Owed } from '../domain/notification.ts'
import { tellsOf } from '../domain/notify.ts'
import { type OutboxPlan, planOutbox, RETRY_MOST_MS, SUMMARISED } from '../domain/outbox.ts'
import { HOUR_MS, type Instant } from '../domain/probe.ts'
import type { SelfAlert } from '../domain/state.ts'
import { DeliveryRecords } from './delivery-records.ts'
import { Dispatch, type DispatchDeps } from './dispatch.ts'
import { byReason, rowsOf } from './fates.ts'
import { overflowSummaries } from './overflow-summary.ts'
import { retryRefused } from './refused-emails.ts'
import { threadsOf } from './thread.ts'
import { WaitingTimes } from './waiting-times.ts'
import { Wakeup } from './wakeup.ts'

/** Emails that are being sent at the same time, each to another recipient. */
const MAX_AT_ONCE = 4
/** Owed emails that one look takes up. The others follow with the next. */
const MAX_LOOK = 500
/** The courier looks at least this often, whatever is due. */
const LOOK_AT_LEAST_MS = 30_000
const OVER = 'it was over before this could be delivered'

export type CourierDeps = DispatchDeps &
  Readonly<{
    maxPerHour: number
    /** The facts of an email about nothing but these lines. */
    plainFacts: (kind: Facts['kind'], reason: string, subject: string, lines: readonly string[]) => Facts
  }>

/**
 * The outbox's own loop: sends what is owed and records *delivered* only after the server's 250. It shares nothing with probing
 * but the store, so that a mail server that hangs holds up nobody but its own recipient.
 */
export class Courier {
  private readonly deps: CourierDeps
  private readonly dispatch: Dispatch
  private readonly records: DeliveryRecords
  private readonly waiting: WaitingTimes
  private readonly nudged = new Wakeup()
  /** Recipients that an email is being sent to. */
  private readonly lanes = new Map<string, Promise<void>>()
  /** What the lanes are sending. */
  private readonly taken = new Set<string>()
  /** What was withdrawn since the last look began. */
  private readonly withdrawn = new Set<string>()
  private started = false

  constructor(deps: CourierDeps) {
    this.deps = deps
    this.records = new DeliveryRecords(deps)
    this.waiting = new WaitingTimes(deps.clock)
    this.dispatch = new Dispatch(deps, this.records, this.waiting)
  }

  /** Something new is owed. */
  nudge(): void {
    this.nudged.nudge()
  }

  /** Runs until `stop`; what is being sent then may finish until `kill`. Never rejects. */
  async run(stop: AbortSignal, kill: AbortSignal): Promise<void> {
    const { clock } = this.deps
    while (!stop.aborted) {
      const nextAt = await this.lookSafely(kill)
      const now = clock.now()
      const waitMs = Math.min(LOOK_AT_LEAST_MS, Math.max(0, (nextAt ?? now + LOOK_AT_LEAST_MS) - now))
      await this.nudged.wait(clock, waitMs, stop)
    }
    await Promise.all(this.lanes.values())
  }

  /** The clock was set: what waits goes on waiting for as long as it had to. */
  async rebase(by: number): Promise<void> {
    const { store, clock } = this.deps
    const now = clock.now()
    const moved = (await store.owed(MAX_LOOK)).flatMap(({ state, notification: { id }, address, nextAt }) =>
      // A longer wait than any was dated after the clock was set, before anybody had noticed.
      state === 'sending' || this.isBeyondAnyWait(nextAt + by, now) ? [] : [{ id, address, nextAt: nextAt + by }],
    )
    if (moved.length > 0) await store.settle(moved, [])
    this.nudge()
  }

  /** For how long an email has been owed to its address, whatever the clock was set to meanwhile. */
  owedMs(owed: Owed): number {
    return this.waiting.of(owed)
  }

  /** Rejected emails get one more attempt. @param incidents those that are remembered, open or closed */
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
        !this.records.isUnwritten(one) &&
        selfAlerts.some((selfAlert) => tellsOf(one.notification, selfAlert)),
    )
    if (owed.length === 0) return
    for (const one of owed) this.withdrawn.add(keyOf(one))
    await store.settle(
      owed.map((one) => ({ ...nameOf(one), state: 'dropped' as const, error: one.error ?? OVER })),
      rowsOf(clock.now(), owed, { decision: 'merged', rule: 'self-alert', reason: OVER }),
    )
    for (const { notification, address } of owed) {
      meter.mail(notification.kind, 'dropped')
      log.info('mail superseded', { id: notification.id, kind: notification.kind, to: [address], why: OVER })
    }
  }

  private async lookSafely(kill: AbortSignal): Promise<Instant | null> {
    try {
      return await this.look(kill)
    } catch (cause) {
      this.deps.log.error('failed to read the outbox', { cause, next: 'it is read again soon' })
      return null
    }
  }

  /** One look at the outbox: starts what is due and possible. @returns when to look again; `null`: whenever */
  private async look(kill: AbortSignal): Promise<Instant | null> {
    const { store, clock, maxPerHour } = this.deps
    if (!this.started) await this.takeUpAfterCrash()
    const now = clock.now()
    this.withdrawn.clear()
    await this.records.writeLate()
    const pending = await store.owed(MAX_LOOK)
    this.waiting.see(pending)
    const queue = pending
      .flatMap((owed) => this.records.asKnown(owed) ?? [])
      // What waits for longer than any wait is dated by a clock that has been set back: it is due.
      .map((owed) => (this.isBeyondAnyWait(owed.nextAt, now) ? { ...owed, nextAt: now } : owed))
    if (queue.length === 0) return null
    const delivered = await store.deliveredSince(now - HOUR_MS)
    const plan = planOutbox(this.free(queue), delivered, maxPerHour, now)
    await this.putInOrder(plan, now)
    for (const owed of Map.groupBy(plan.send, ({ notification }) => notification.id).values()) {
      if (this.lanes.size >= MAX_AT_ONCE) break
      this.startLane(
        owed.filter((one) => !this.withdrawn.has(keyOf(one))),
        kill,
      )
    }
    return plan.summarise.length > 0 ? now : plan.nextAt
  }

  /** What is owed to nobody whom an email is being sent to. A thread goes on under a recipient's new name: nothing overtakes there. */
  private free(queue: readonly Owed[]): readonly Owed[] {
    const busy = queue.filter((owed) => this.lanes.has(owed.notification.recipient))
    const taken = new Set(busy.flatMap(({ notification }) => threadsOf(notification)))
    return queue.filter((owed) => !busy.includes(owed) && !threadsOf(owed.notification).some((thread) => taken.has(thread)))
  }

  private startLane(owed: readonly Owed[], kill: AbortSignal): void {
    const recipient = owed[0]?.notification.recipient
    if (recipient === undefined || this.lanes.has(recipient)) return
    for (const one of owed) this.taken.add(keyOf(one))
    const lane = this.dispatch.send(owed, kill).finally(() => {
      for (const one of owed) this.taken.delete(keyOf(one))
      this.lanes.delete(recipient)
      this.nudge()
    })
    this.lanes.set(recipient, lane)
  }

  /** What was being sent when the process died may have been accepted: it is due at once, and uncertain. */
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

  /** Takes out of the outbox what need not leave any more, and puts summaries in the place of what the limit holds back. */
  private async putInOrder({ merge, drop, summarise }: OutboxPlan, now: Instant): Promise<void> {
    const { store, log, meter } = this.deps
    const summarised = summarise.flatMap(({ owed }) => owed)
    const changes = [
      // The reason why it could not be sent stays with it, for the email that reports both.
      ...merge.map(({ owed, why }) => ({ ...nameOf(owed), state: 'merged' as const, error: owed.error ?? why })),
      ...drop.map(({ owed, why }) => ({ ...nameOf(owed), state: 'dropped' as const, error: why })),
      ...summarised.map((one) => ({ ...nameOf(one), state: 'merged' as const, error: SUMMARISED })),
    ]
    if (changes.length === 0) return
    const beyond = 'beyond mail.maxPerHour: told in a summary'
    const rows = [
      ...byReason(merge).flatMap(([why, owed]) => rowsOf(now, owed, { decision: 'merged', rule: 'recovery', reason: why })),
      ...byReason(drop).flatMap(([why, owed]) => rowsOf(now, owed, { decision: 'merged', rule: 'offline', reason: why })),
      ...rowsOf(now, summarised, { decision: 'merged', rule: 'rate-limit', reason: beyond }),
    ]
    await store.settle(changes, rows, await overflowSummaries(this.deps, summarise, now))
    this.records.forget(changes)
    for (const { owed } of merge) meter.mail(owed.notification.kind, 'merged')
    for (const { owed } of drop) meter.mail(owed.notification.kind, 'dropped')
    for (const { notification } of summarised) meter.mail(notification.kind, 'merged')
    for (const { owed, why } of [...merge, ...drop])
      log.info('mail superseded', { id: owed.notification.id, kind: owed.notification.kind, to: [owed.address], why })
  }

  private isBeyondAnyWait(nextAt: Instant, now: Instant): boolean {
    return nextAt > now + Math.max(RETRY_MOST_MS, this.deps.fallback?.afterMs ?? 0)
  }
}
