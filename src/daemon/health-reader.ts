import type { BySource, HealthReading, Source, SourceAnswer, SourceState } from '../domain/outage.ts'
import type { Instant, Partition } from '../domain/probe.ts'
import { admit, join, type Memory, NOTHING_HELD, remembering } from '../domain/reading.ts'
import type { SetSince } from '../domain/rebase.ts'
import type { HealthSource } from '../ports/health.ts'
import type { Log } from '../ports/log.ts'
import type { Meter } from '../ports/meter.ts'
import type { Clock } from '../ports/time.ts'
import { guardedSource } from './guarded.ts'

/** The sources of a partition; `null` if there is none, or it is switched off. */
export type Sources = BySource<HealthSource | null>

const OFF: SourceAnswer = { state: 'off', why: 'switched off, or this partition has none' }

/**
 * Two readings of a partition begin at least this far apart, however many probes fail. AWS states no quota for AWS Health, and
 * throttles callers that ask too often. A reading is several calls.
 */
export const MIN_INTERVAL_MS = 5_000

export type HealthReaderDeps = Readonly<{
  sources: ReadonlyMap<Partition, Sources>
  /** How far back closed events are asked for. */
  lookbackMs: number
  /** For how long the last answer of a source that throttles counts. */
  cacheForMs: number
  clock: Clock
  log: Log
  meter?: Meter
}>

type Question = Readonly<{ now: Instant; since: Instant; signal: AbortSignal }>

/** What is known about a source that may throttle. */
type Patience = {
  /** What it said last. */
  said: Extract<SourceAnswer, { state: 'answered' }> | null
  /** That it throttles, if that came later; how often in a row; and until when (on the monotonic clock) it is not asked. */
  throttled: Extract<SourceAnswer, { state: 'unavailable' }> | null
  inARow: number
  until: number
}

/** The readings of a partition. They begin and end on the monotonic clock. */
type Turns = {
  /** The newest one that is over. */
  last: Readonly<{ begun: number; ended: number }> | null
  /** The answers in it, without the queue's, and when the sources were asked. */
  asked: Readonly<{ at: Instant; api: SourceAnswer; dashboard: SourceAnswer }> | null
  /** The one that is under way. */
  flight: Readonly<{ begun: number; reading: Promise<HealthReading> }> | null
  /** The one after it, for those that came too late for it. */
  next: Promise<HealthReading> | null
}

/**
 * Asks AWS Health: one reading per partition, shared by all that it is good enough for, one at a time and not too often. Never
 * rejects: a source that cannot be asked is part of the reading.
 */
export class HealthReader {
  private readonly deps: HealthReaderDeps
  private readonly last = new Map<Partition, HealthReading>()
  private readonly turns = new Map<Partition, Turns>()
  private readonly memory = new Map<string, Memory>()
  private readonly patience = new Map<string, Patience>()

  constructor(deps: HealthReaderDeps) {
    this.deps = deps
  }

  /** After a restart: the open events that a partition's sources held when they were last asked. */
  remember(partition: Partition, source: Source, arns: readonly string[]): void {
    this.memory.set(`${partition} ${source}`, remembering(arns))
  }

  /** The newest reading of each partition that was ever asked. */
  readings(): ReadonlyMap<Partition, HealthReading> {
    return this.last
  }

  /** The clock was set: what was read keeps its age, even what was read after the change and before anybody noticed. */
  rebase(setSince: SetSince): void {
    // Nobody needs to know how old an answer is by the new clock: the source is asked again.
    for (const patience of this.patience.values()) patience.said = null
    for (const [partition, reading] of this.last) {
      const turns = this.turnsOf(partition)
      const by = setSince(reading.at, turns.last?.ended ?? 0)
      if (by === 0) continue
      this.last.set(partition, { ...reading, at: reading.at + by })
      if (turns.asked !== null) turns.asked = { ...turns.asked, at: turns.asked.at + by }
    }
  }

  /** When the sources were last asked; 0 when they never were. */
  lastAt(partition: Partition): Instant {
    return this.turnsOf(partition).asked?.at ?? 0
  }

  /** When the newest finished reading began, on the monotonic clock. */
  begunAt(partition: Partition): number {
    return this.turnsOf(partition).last?.begun ?? Number.NEGATIVE_INFINITY
  }

  /**
   * A reading that began less than `maxAgeMs` ago, or one that begins now or as soon as it may. Limited in time by the deadlines of the
   * sources, by the reading before it, and by the interval.
   */
  read(partition: Partition, maxAgeMs: number, signal: AbortSignal): Promise<HealthReading> {
    const { clock } = this.deps
    const turns = this.turnsOf(partition)
    const oldest = clock.monotonic() - maxAgeMs
    const known = this.last.get(partition)
    // By the wall clock as well: the monotonic one stands still while the machine sleeps.
    const isFresh = clock.now() - this.lastAt(partition) < maxAgeMs && this.begunAt(partition) > oldest
    if (isFresh && known !== undefined) return Promise.resolve(known)
    if (turns.flight !== null && turns.flight.begun >= oldest) return turns.flight.reading
    if (turns.flight === null && this.waitMs(turns) <= 0) return this.begin(partition, signal)
    turns.next ??= this.inTurn(partition, signal)
    return turns.next
  }

  /**
   * The queue has said something by itself: it is joined with the newest reading, and nobody is asked unless that reading is too old.
   * Never rejects.
   */
  async refresh(partition: Partition, signal: AbortSignal): Promise<void> {
    const { clock, cacheForMs } = this.deps
    const turns = this.turnsOf(partition)
    await turns.flight?.reading
    const { asked } = turns
    const isFresh = clock.monotonic() - this.begunAt(partition) < cacheForMs && clock.now() - this.lastAt(partition) < cacheForMs
    if (asked === null || !isFresh) {
      await this.read(partition, cacheForMs, signal)
      return
    }
    const now = clock.now()
    const queue = await this.askOne('queue', partition, { now, since: now - this.deps.lookbackMs, signal })
    // Later than the one before in any case, otherwise nobody would look at it.
    const at = Math.max(clock.now(), (this.last.get(partition)?.at ?? 0) + 1)
    this.keep(join({ ...asked, queue }, partition, at))
  }

  private turnsOf(partition: Partition): Turns {
    const known = this.turns.get(partition) ?? { last: null, asked: null, flight: null, next: null }
    this.turns.set(partition, known)
    return known
  }

  /** How long it is until the next reading may begin. */
  private waitMs({ last }: Turns): number {
    return last === null ? 0 : last.begun + MIN_INTERVAL_MS - this.deps.clock.monotonic()
  }

  private async inTurn(partition: Partition, signal: AbortSignal): Promise<HealthReading> {
    const turns = this.turnsOf(partition)
    await turns.flight?.reading
    await this.deps.clock.sleep(this.waitMs(turns), signal)
    turns.next = null
    return this.begin(partition, signal)
  }

  private begin(partition: Partition, signal: AbortSignal): Promise<HealthReading> {
    const { clock } = this.deps
    const turns = this.turnsOf(partition)
    const begun = clock.monotonic()
    const reading = this.ask(partition, signal).then((made) => {
      turns.last = { begun, ended: clock.monotonic() }
      turns.flight = null
      return made
    })
    turns.flight = { begun, reading }
    return reading
  }

  private async ask(partition: Partition, signal: AbortSignal): Promise<HealthReading> {
    const { clock, log, lookbackMs } = this.deps
    const now = clock.now()
    const question = { now, since: now - lookbackMs, signal }
    const queued = this.sourceOf('queue', partition)
    const [api, dashboard] = await Promise.all([
      this.askOne('api', partition, question),
      this.askOne('dashboard', partition, question),
      // Only until it can answer.
      queued === null ? null : guardedSource(queued).ask(now, now, signal),
    ])
    const at = clock.now()
    // Last: then what came while the others were asked is included.
    const queue = await this.askOne('queue', partition, question)
    this.turnsOf(partition).asked = { at, api, dashboard }
    const reading = this.keep(join({ api, dashboard, queue }, partition, at))
    const { sources } = reading
    log.info('AWS Health read', {
      partition,
      events: reading.events.length,
      open: reading.events.filter((event) => event.status === 'open').length,
      api: stateText(sources.api),
      dashboard: stateText(sources.dashboard),
      ...(sources.queue === undefined ? {} : { queue: stateText(sources.queue) }),
      ms: Math.round(clock.now() - now),
    })
    return reading
  }

  private keep(reading: HealthReading): HealthReading {
    this.last.set(reading.partition, reading)
    this.deps.meter?.read(reading)
    return reading
  }

  private sourceOf(source: Source, partition: Partition): HealthSource | null {
    return this.deps.sources.get(partition)?.[source] ?? null
  }

  private async askOne(source: Source, partition: Partition, question: Question): Promise<SourceAnswer> {
    const key = `${partition} ${source}`
    const asked = this.sourceOf(source, partition)
    const answer = asked === null ? OFF : await this.askPatiently(key, asked, question)
    const doubted = admit(this.memory.get(key) ?? NOTHING_HELD, answer)
    this.memory.set(key, doubted.memory)
    return doubted.answer
  }

  /** A source that throttles is not asked for a while, longer each time. Its last answer counts as long as it is fresh enough. */
  private async askPatiently(key: string, asked: HealthSource, { now, since, signal }: Question): Promise<SourceAnswer> {
    const { clock, cacheForMs } = this.deps
    const patience = this.patience.get(key) ?? { said: null, throttled: null, inARow: 0, until: 0 }
    this.patience.set(key, patience)
    if (patience.throttled === null || clock.monotonic() >= patience.until) {
      const answer = await guardedSource(asked).ask(now, since, signal)
      if (answer.state !== 'unavailable' || answer.throttled !== true) {
        const said = answer.state === 'answered' ? answer : patience.said
        this.patience.set(key, { said, throttled: null, inARow: 0, until: 0 })
        return answer
      }
      patience.throttled = answer
      patience.until = clock.monotonic() + Math.min(MIN_INTERVAL_MS * 2 ** patience.inARow, Math.max(cacheForMs, MIN_INTERVAL_MS))
      patience.inARow += 1
    }
    const { said, throttled } = patience
    const isFresh = said !== null && now - said.at < cacheForMs
    return isFresh ? { ...said, detail: `${said.detail}, and throttles since` } : { ...throttled, at: now }
  }
}

function stateText({ state, detail }: SourceState): string {
  return detail === '' ? state : `${state}: ${detail}`
}
