import { counted } from '../domain/counted.ts'
import { inWords } from '../domain/duration.ts'
import { JUMP_MS } from '../domain/moment.ts'
import type { SourceAnswer } from '../domain/outage.ts'
import type { Instant, Partition } from '../domain/probe.ts'
import { decideMessage, type Fate, isDeleted, type KeptEvent } from '../domain/queue-message.ts'
import {
  answeredAt,
  answerOf,
  forgottenOf,
  type Interest,
  newQueueRecord,
  type QueueLaw,
  type QueueRecord,
  type QueueTrouble,
  rebaseKept,
  rebaseRecord,
} from '../domain/queue-record.ts'
import { messageOfThrown } from '../domain/thrown.ts'
import type { HealthSource } from '../ports/health.ts'
import type { HealthQueue, QueueMessage, Received } from '../ports/health-queue.ts'
import type { Log } from '../ports/log.ts'
import { type Store, StoreError } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { guardedQueue } from './guarded.ts'

/** SQS lets nobody wait longer. The first question of a process waits less, so that what is there is known soon. */
const WAIT_MS = 20_000
const FIRST_WAIT_MS = 1_000
const BATCH = 10
/** Until the next question after one that failed: doubled up to the second. */
const AGAIN_MS = 2_000
const AGAIN_AT_MOST_MS = 60_000
/** A refusal lasts until somebody changes something. */
const REFUSED_AGAIN_MS = 5 * 60_000
/** Where nothing changes, that the queue was asked is written this often. */
const WRITE_EVERY_MS = 60_000
/** Messages that were left, by id: each is counted once, however often it comes. */
const MAX_LEFT_KNOWN = 1_000

/** Where a health queue is, and what is asked of it. */
export type QueueSetting = Readonly<{
  queue: HealthQueue
  /** Its address, under which what is known of it is kept. */
  url: string
  partition: Partition
  interest: Interest
  retentionMs: number
}>

export type QueueReaderDeps = Readonly<{
  setting: QueueSetting
  law: QueueLaw
  store: Pick<Store, 'keepQueue' | 'queue'>
  clock: Clock
  log: Log
  /** What is known of some event has changed; `sentAt`: when EventBridge put the message about it into the queue. */
  arrived: (sentAt: readonly Instant[]) => void
}>

type Taken = Readonly<{ message: QueueMessage; fate: Fate; why: string | null }>

/**
 * Reads the health queue, one long question after another, and answers by what is known from it. A message is deleted only after
 * what it says is on disk: after a crash in between, it is received again and recognized.
 */
export class QueueReader implements HealthSource {
  private readonly deps: QueueReaderDeps
  private readonly queue: HealthQueue
  private record: QueueRecord
  private readonly kept = new Map<string, KeptEvent>()
  /** The last answer by the wall clock, and by the one that runs on while the machine sleeps; `null` before the first one of this process. */
  private polled: Readonly<{ wall: Instant; uptime: number }> | null = null
  private readonly leftIds = new Set<string>()
  private failures = 0
  private writtenAt = Number.NEGATIVE_INFINITY
  private hasAsked = false
  private readonly first = Promise.withResolvers<void>()

  constructor(deps: QueueReaderDeps) {
    this.deps = deps
    this.queue = guardedQueue(deps.setting.queue)
    this.record = newQueueRecord(deps.setting.url)
  }

  /** By what is known; waits only for the first answer of this process. */
  async ask(_now: Instant, since: Instant, signal: AbortSignal): Promise<SourceAnswer> {
    const { clock, setting } = this.deps
    if (!this.hasAsked) await Promise.race([this.first.promise, clock.sleep(FIRST_WAIT_MS * 3, signal)])
    return answerOf({ record: this.record, events: [...this.kept.values()] }, setting.interest, since, clock.now())
  }

  /** Until `stop`. @throws {StoreError} when the store cannot be trusted any more */
  async run(stop: AbortSignal, kill: AbortSignal): Promise<void> {
    const { clock } = this.deps
    while (!stop.aborted && !(await this.load())) await clock.sleep(AGAIN_AT_MOST_MS, stop)
    while (!stop.aborted) {
      const pauseMs = await this.poll(stop, kill)
      if (pauseMs > 0) await clock.sleep(pauseMs, stop)
    }
  }

  /** @returns whether it could be read */
  private async load(): Promise<boolean> {
    const { store, setting, log } = this.deps
    try {
      const known = await store.queue(setting.url)
      if (known !== null) this.record = known.record
      for (const kept of known?.events ?? []) this.kept.set(kept.event.arn, kept)
      return true
    } catch (cause) {
      if (cause instanceof StoreError && cause.fatal) throw cause
      log.error('failed to read what is known of the health queue', { cause, next: 'it is read again in a minute' })
      return false
    }
  }

  /** One question, and what follows from its answer. @returns how long to wait before the next one */
  private async poll(stop: AbortSignal, kill: AbortSignal): Promise<number> {
    const isFirst = this.polled === null
    const received = await this.queue.receive(isFirst ? FIRST_WAIT_MS : WAIT_MS, BATCH, stop)
    if (received.state !== 'received' && stop.aborted) return 0
    const pauseMs = received.state === 'received' ? await this.take(received, kill) : await this.fail(received)
    this.hasAsked = true
    this.first.resolve()
    return pauseMs
  }

  private async take({ messages }: Extract<Received, { state: 'received' }>, kill: AbortSignal): Promise<number> {
    const { clock, law, log } = this.deps
    const now = clock.now()
    this.rebase(now)
    const gapMs = this.polled === null ? null : clock.uptime() - this.polled.uptime
    const hadTrouble = this.record.trouble
    let record = answeredAt(this.record, now, law.retentionMs, gapMs)
    const changed = new Map<string, KeptEvent>()
    const taken = messages.map((message): Taken => {
      const { content } = message
      if (content.kind === 'unreadable' && this.leftIds.has(message.id)) return { message, fate: 'left', why: content.why }
      const arn = content.kind === 'event' ? content.event.arn : content.kind === 'unreadable' ? (content.arn ?? '') : ''
      const { fate, kept } = decideMessage(content, changed.get(arn) ?? this.kept.get(arn), now)
      if (kept !== null) changed.set(arn, kept)
      if (content.kind === 'event') record = { ...record, heardAt: now }
      return { message, fate, why: content.kind === 'event' ? null : content.why }
    })
    record = this.counting(record, taken, now)
    const forgotten = forgottenOf([...new Map([...this.kept, ...changed]).values()], law, now)
    if (!(await this.write(record, { changed: [...changed.values()], forgotten }))) return this.again()
    this.failures = 0
    this.polled = { wall: now, uptime: clock.uptime() }
    for (const [arn, kept] of changed) this.kept.set(arn, kept)
    for (const arn of forgotten) this.kept.delete(arn)
    if (hadTrouble !== null) log.info('health queue answers again', { queue: this.record.url })
    this.tell(taken, changed)
    await this.delete(taken, kill)
    // Nothing but what is left in it: others may be behind it, but there is no hurry.
    return messages.length > 0 && taken.every(({ fate }) => fate === 'left') ? AGAIN_MS : 0
  }

  /** Says what came, and that something is known that was not. */
  private tell(taken: readonly Taken[], changed: ReadonlyMap<string, KeptEvent>): void {
    const { log, arrived } = this.deps
    if (taken.length === 0) return
    const fates = Object.entries(Object.groupBy(taken, ({ fate }) => fate)).map(([fate, some]) => [fate, some.length] as const)
    const events = [...changed.values()].map(({ event }) => `${event.code} ${event.status}`)
    log.info('health queue read', { messages: Object.fromEntries(fates), events })
    const isNews = taken.filter(({ fate }) => fate === 'taken')
    if (changed.size > 0) arrived(isNews.flatMap(({ message }) => message.sentAt ?? []))
  }

  private async delete(taken: readonly Taken[], kill: AbortSignal): Promise<void> {
    const { log, clock } = this.deps
    const done = taken.filter(({ fate }) => isDeleted(fate)).map(({ message }) => message)
    if (done.length === 0) return
    const why = await this.queue.delete(done, kill)
    if (why === null || kill.aborted) return
    log.warn('failed to delete messages of the health queue', { why, next: 'they come again, and are deleted then' })
    const undeleted = done.map((message): Taken => ({ message, fate: 'left', why }))
    this.record = this.counting(this.record, undeleted, clock.now())
  }

  /** With what was left in the queue, each message counted once. */
  private counting(record: QueueRecord, taken: readonly Taken[], now: Instant): QueueRecord {
    const { log } = this.deps
    let { left } = record
    for (const { message, fate, why } of taken) {
      if (fate !== 'left' || this.leftIds.has(message.id)) continue
      if (this.leftIds.size >= MAX_LEFT_KNOWN) this.leftIds.clear()
      this.leftIds.add(message.id)
      left = { count: (left?.count ?? 0) + 1, why: why ?? 'it could not be read', at: now }
      log.warn('message left in the health queue', { id: message.id, why: left.why })
    }
    return { ...record, left }
  }

  private async fail(trouble: QueueTrouble): Promise<number> {
    const { clock, log } = this.deps
    const was = this.record.trouble
    const isNews = was === null || was.state !== trouble.state || was.why !== trouble.why
    if (isNews) log.warn('health queue could not be read', { why: trouble.why, next: 'it is asked again' })
    const now = clock.now()
    this.record = { ...this.record, askedAt: now, trouble }
    if (isNews || this.isWriteDue()) await this.write(this.record, { changed: [], forgotten: [] })
    return trouble.state === 'refused' ? REFUSED_AGAIN_MS : this.again()
  }

  private again(): number {
    this.failures += 1
    return Math.min(AGAIN_MS * 2 ** Math.min(this.failures - 1, 10), AGAIN_AT_MOST_MS)
  }

  private isWriteDue(): boolean {
    return this.deps.clock.monotonic() - this.writtenAt >= WRITE_EVERY_MS
  }

  /** @returns whether it is on disk, or need not be */
  private async write(
    record: QueueRecord,
    { changed, forgotten }: Readonly<{ changed: readonly KeptEvent[]; forgotten: readonly string[] }>,
  ): Promise<boolean> {
    const { store, log, clock } = this.deps
    const was = this.record
    const isPlain = changed.length === 0 && forgotten.length === 0
    const isSame =
      was.since === record.since && was.heardAt === record.heardAt && was.left === record.left && was.trouble === record.trouble
    if (isPlain && isSame && !this.isWriteDue()) {
      this.record = record
      return true
    }
    try {
      await store.keepQueue(record, changed, forgotten)
      this.record = record
      this.writtenAt = clock.monotonic()
      return true
    } catch (cause) {
      if (cause instanceof StoreError && cause.fatal) throw cause
      const why = `what it said could not be written: ${messageOfThrown(cause)}`
      log.error('failed to write what the health queue said', { cause, next: 'it is received again' })
      this.record = { ...this.record, askedAt: clock.now(), trouble: { state: 'unavailable', why } }
      return false
    }
  }

  /** The wall clock was set since the last answer: what is known keeps its age. */
  private rebase(now: Instant): void {
    const { polled } = this
    if (polled === null) return
    const by = Math.round(now - polled.wall - (this.deps.clock.uptime() - polled.uptime))
    if (Math.abs(by) <= JUMP_MS) return
    this.deps.log.info('health queue: what is known keeps its age', {
      by: inWords(Math.abs(by)),
      events: counted(this.kept.size, 'event'),
    })
    this.record = rebaseRecord(this.record, by)
    for (const [arn, kept] of this.kept) this.kept.set(arn, rebaseKept(kept, by))
  }
}
