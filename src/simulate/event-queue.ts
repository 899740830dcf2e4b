import type { HealthEvent } from '../domain/outage.ts'
import type { Instant } from '../domain/probe.ts'
import type { Life } from './life.ts'
import type { Delivery, QueueState } from './scenario.ts'

/** A message that was received and not deleted comes again after so long. */
const VISIBILITY_MS = 30_000
const MAX_MESSAGES = 5_000
export const AT_ONCE: Delivery = { delayMs: 0, copies: 1 }

export type Held = Readonly<{ id: string; event: HealthEvent; sentAt: Instant }> & { visibleAt: Instant; receipt: string }

/** The virtual queue that EventBridge fills, as long as it has a rule for it. Its times are true ones, whatever the daemon's clock says. */
export class EventQueue {
  state: QueueState = 'ok'
  private readonly now: () => Instant
  private held: Held[] = []
  private sent = 0
  private received = 0
  private waiting = Promise.withResolvers<void>()

  constructor(now: () => Instant) {
    this.now = now
  }

  put(event: HealthEvent, { delayMs, copies }: Delivery): void {
    if (this.state === 'unfed') return
    for (let copy = 0; copy < copies; copy++) {
      this.sent += 1
      const sentAt = this.now() + delayMs
      this.held.push({ id: `message-${this.sent}`, event, sentAt, visibleAt: sentAt, receipt: '' })
    }
    this.held.splice(0, this.held.length - MAX_MESSAGES)
    this.wake()
  }

  /** Something has changed: those who wait look again. */
  wake(): void {
    this.waiting.resolve()
    this.waiting = Promise.withResolvers()
  }

  take(limit: number, retentionMs: number): readonly Held[] {
    const now = this.now()
    this.held = this.held.filter(({ sentAt }) => now - sentAt <= retentionMs)
    const taken = this.held.filter(({ visibleAt }) => visibleAt <= now).slice(0, limit)
    for (const one of taken) {
      this.received += 1
      one.visibleAt = now + VISIBILITY_MS
      one.receipt = `receipt-${this.received}`
    }
    return taken
  }

  delete(receipts: readonly string[]): void {
    this.held = this.held.filter(({ receipt }) => receipt === '' || !receipts.includes(receipt))
  }

  /** Until something is there to be taken, or has changed, or the time is over. */
  async wait(life: Life, ms: number, signal: AbortSignal): Promise<void> {
    const next = this.held.reduce((first, { visibleAt }) => Math.min(first, visibleAt), Number.POSITIVE_INFINITY)
    const ended = new AbortController()
    const end = () => ended.abort()
    signal.addEventListener('abort', end, { once: true })
    await Promise.race([this.waiting.promise, life.sleep(Math.min(ms, Math.max(1, next - this.now())), ended.signal)])
    signal.removeEventListener('abort', end)
    ended.abort()
  }
}
