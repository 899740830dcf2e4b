import type { HealthReading } from '../domain/outage.ts'
import type { Instant, Partition } from '../domain/probe.ts'
import { ailments, MAIL_TRIED_EVERY_MS } from '../domain/self-check.ts'
import { withoutAddresses } from '../domain/shown.ts'
import type { Heartbeat } from '../ports/heartbeat.ts'
import type { Log } from '../ports/log.ts'
import { MailError, type Mailer } from '../ports/mailer.ts'
import type { Clock } from '../ports/time.ts'

/** A mail server that takes longer to answer does not hold up the heartbeat: its answer is reported with the next one. */
const MAIL_PATIENCE_MS = 10_000
/** The same problem is logged this often. */
const SAME_TROUBLE_EVERY_MS = 60 * 60_000

export type HeartbeatDeps = Readonly<{
  heartbeat: Heartbeat
  everyMs: number
  clock: Clock
  log: Log
  /** The mail servers: one that works is enough. */
  mailers: readonly Mailer[]
  /** Partitions with at least one source switched on. */
  partitions: readonly Partition[]
  idleEveryMs: number
  askingMs: number
  readings: () => ReadonlyMap<Partition, HealthReading>
  reasons: () => Promise<readonly string[]>
}>

/**
 * Sends the heartbeat while Alibi works, and says why when it does not. A loop of its own, so that a main loop that hangs is
 * noticed. What goes wrong here is only logged: monitoring does not depend on who monitors it.
 */
export class HeartbeatLoop {
  private readonly deps: HeartbeatDeps
  private readonly startedAt: number
  /** Monotonic times: a clock that is set is no failure. */
  private cycleAt: number
  private diskAt: number
  private readonly answeredAt = new Map<Partition, { reading: Instant; at: number }>()
  private mailTriedAt: number | null = null
  private mailAt: number | null = null
  private mailWhy: string | null = null
  private mailTrial: Promise<void> | null = null
  private said = { what: '', at: 0 }

  constructor(deps: HeartbeatDeps) {
    this.deps = deps
    this.startedAt = deps.clock.monotonic()
    this.cycleAt = this.startedAt
    this.diskAt = this.startedAt
  }

  /** An iteration of the main loop came to its end. */
  cycled(): void {
    this.cycleAt = this.deps.clock.monotonic()
  }

  /** Something is on disk. */
  wrote(): void {
    this.diskAt = this.deps.clock.monotonic()
  }

  /** Until `stop`. Never rejects. */
  async run(stop: AbortSignal): Promise<void> {
    const { clock, log, everyMs } = this.deps
    while (!stop.aborted) {
      const began = clock.monotonic()
      try {
        await this.beat(stop)
      } catch (cause) {
        log.error('heartbeat failed', { cause, next: 'the next one is tried as usual' })
      }
      await clock.sleep(Math.max(0, everyMs - (clock.monotonic() - began)), stop)
    }
  }

  private async beat(stop: AbortSignal): Promise<void> {
    const { heartbeat, log, clock } = this.deps
    this.mailTrial ??= this.tryMail(stop).finally(() => {
      this.mailTrial = null
    })
    await Promise.race([this.mailTrial, clock.sleep(MAIL_PATIENCE_MS, stop)])
    const reasons = (await this.ailments()).map(withoutAddresses)
    if (stop.aborted) return
    const refused = await heartbeat.beat(reasons, stop)
    if (stop.aborted) return
    const what = `${refused ?? ''}\n${reasons.join('\n')}`
    const now = clock.monotonic()
    const isNews = what !== this.said.what || now - this.said.at >= SAME_TROUBLE_EVERY_MS
    if (refused !== null && isNews) log.warn('heartbeat ping rejected', { why: refused, next: 'it is sent again' })
    if (reasons.length > 0 && isNews) log.warn('heartbeat reports that Alibi does not work', { reasons })
    if (isNews) this.said = { what, at: now }
  }

  private async ailments(): Promise<readonly string[]> {
    const { clock, partitions, idleEveryMs, askingMs, readings, reasons } = this.deps
    const now = clock.monotonic()
    return ailments({
      cycleAgoMs: now - this.cycleAt,
      diskAgoMs: now - this.diskAt,
      readings: partitions.map((partition) => ({ partition, ...this.lastAnswer(partition, readings().get(partition), now) })),
      idleEveryMs,
      askingMs,
      mail: { agoMs: this.mailAt === null ? null : now - this.mailAt, why: this.mailWhy },
      reasons: await reasons(),
    })
  }

  private lastAnswer(partition: Partition, reading: HealthReading | undefined, now: number): { agoMs: number; why: string } {
    const before = this.answeredAt.get(partition)
    const sources = reading === undefined ? [] : Object.values(reading.sources)
    if (reading !== undefined && reading.at !== before?.reading && sources.some(({ state }) => state === 'answered'))
      this.answeredAt.set(partition, { reading: reading.at, at: now })
    const at = this.answeredAt.get(partition)?.at ?? this.startedAt
    const why = sources.flatMap(({ state, detail }) => (state === 'off' || state === 'answered' ? [] : [detail || state]))
    return { agoMs: now - at, why: why.length === 0 ? 'it was not asked' : why.join('; ') }
  }

  private async tryMail(stop: AbortSignal): Promise<void> {
    const { clock, log, mailers } = this.deps
    const now = clock.monotonic()
    if (this.mailWhy === null && this.mailTriedAt !== null && now - this.mailTriedAt < MAIL_TRIED_EVERY_MS) return
    this.mailTriedAt = now
    const faults: string[] = []
    for (const mailer of mailers) {
      try {
        await mailer.verify(stop)
        this.mailAt = clock.monotonic()
        this.mailWhy = null
        return
      } catch (cause) {
        faults.push(cause instanceof MailError ? cause.message : 'an internal error of Alibi')
        if (!(cause instanceof MailError)) log.error('failed to try the mail server', { cause, next: 'it is tried again' })
      }
    }
    if (!stop.aborted) this.mailWhy = faults.join('; ')
  }
}
