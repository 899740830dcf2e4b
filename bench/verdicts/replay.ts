import { HOUR_MS, type Instant, MINUTE_MS } from '../../src/domain/probe.ts'
import type { Setup } from '../../src/domain/setup.ts'
import { type Feed, type Mix, NO_MEMORIES } from './feed.ts'
import { Follower, type Mails, type Played, SIMPLE } from './policies.ts'
import { runOf, Watch } from './watch.ts'

/** One failure that is replayed. */
export type Case = Readonly<{
  feed: Feed
  setup: Setup
  /** The first failed run, at a full minute; and when it is well again. */
  onset: Instant
  until: Instant
  /** Minutes since AWS Health was last asked when it begins: at most `idleEvery`. */
  idleMs: number
  /** By how much the other accounts are probed later than the failing one, or, if less than 0, before it. */
  othersMs: number
  /** How long AWS Health is watched after the end. */
  afterwardsMs: number
  /** The moment is one of those for which a related event was public, by the hand-written truth. */
  alibiAt: (at: Instant) => boolean
  /** Who fails, and where; left out: Account. */
  place?: Readonly<{ service: string; region: string }>
}>

export type Replayed = Readonly<{
  mails: Readonly<Record<Played, Mails>>
  /** When the threshold was reached. */
  decidedAt: Instant
  /** First moment from the threshold on at which no related event was public to the reading in force; `null`: there was none. */
  unexcusedAt: Instant | null
  /** Alibi said by mail or ledger that AWS explains what it had mailed. */
  explainedAt: Instant | null
  /** How: the rule by which the first mail was owed. */
  firstRule: string | null
  /** Times of the readings from the first mail on, while it failed. */
  readings: readonly Instant[]
  hindsightAt: Instant | null
  leadMinutes: number | null
}>

/** An ordinary reading while an incident is open, and afterwards (`consult`). */
const CACHE_FOR_MS = MINUTE_MS
const AFTERWARDS_EVERY_MS = 5 * MINUTE_MS
const LOOK_AFTER_MS = 30_000
const LONGEST_MS = 60 * HOUR_MS
const MAX_STEPS = 20_000

/**
 * Plays a failure of the first probe, the others being well, run by run: each minute, after the first failure each
 * `retryInterval` until it is decided; AWS Health is asked at the first failure and each minute from then on.
 */
export function replay(
  { feed, setup, onset, until, idleMs, othersMs, afterwardsMs, alibiAt, place }: Case,
  mix: Mix = 'API and dashboard',
): Replayed {
  if (until - onset > LONGEST_MS) throw new RangeError('a failure longer than can be replayed')
  const watch = new Watch(setup, onset - 10 * MINUTE_MS)
  const [first, ...others] = [...setup.probes.values()]
  if (first === undefined) throw new RangeError('no probe')
  const followers = SIMPLE.map((name) => [name, new Follower(name)] as const)
  let { reading, memory } = feed.read(NO_MEMORIES, onset - idleMs, mix)
  watch.read(reading)
  let [mails, decidedAt, lastRunAt, nextRunAt]: [number, Instant, Instant, Instant] = [0, 0, 0, onset - MINUTE_MS]
  let nextOthersAt = others.length === 0 ? Number.POSITIVE_INFINITY : onset - MINUTE_MS + othersMs
  let nextLookAt = Number.POSITIVE_INFINITY
  let firstAt: Instant | null = null
  let firstRule: string | null = null
  let explainedAt: Instant | null = null
  let hindsightAt: Instant | null = null
  let unexcusedAt: Instant | null = null
  const readings: Instant[] = []

  function note(now: Instant, decision: ReturnType<Watch['decide']>): void {
    for (const { announcement } of decision.announced) {
      mails += 1
      firstAt ??= now
      firstRule ??= announcement.rule
      if (announcement.kind === 'now-explained') explainedAt ??= now
    }
    if (decision.ledger.some((row) => row.decision === 'hindsight')) hindsightAt ??= now
  }
  function ask(now: Instant): void {
    const read = feed.read(memory, now, mix)
    reading = read.reading
    memory = read.memory
    watch.read(reading)
  }

  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const at = Math.min(nextRunAt, nextOthersAt, nextLookAt)
    if (at >= until + 5 * MINUTE_MS) break
    if (at === nextLookAt) {
      nextLookAt = Number.POSITIVE_INFINITY
      note(at, watch.decide(at, []))
      continue
    }
    if (at === nextOthersAt) {
      nextOthersAt += MINUTE_MS
      note(
        at,
        watch.decide(
          at,
          others.map((probe) => runOf(probe.id, at, true)),
        ),
      )
      continue
    }
    const ok = at < onset || at >= until
    if (!ok && at - reading.at >= CACHE_FOR_MS) {
      ask(at)
      if (firstAt !== null) readings.push(at)
    }
    note(at, watch.decide(at, [runOf(first.id, at, ok, place)]))
    const { status } = watch.state(first.id)
    const failing = status === 'failing' || status === 'recovering'
    if (failing && !ok) {
      if (decidedAt === 0) decidedAt = at
      if (!alibiAt(reading.at)) unexcusedAt ??= at
    }
    if (at >= onset) for (const [, follower] of followers) follower.see({ at, failed: !ok, failing, onset, reading })
    if (at >= until && status === 'ok') break
    if (watch.incidents().some((is) => is.state === 'waiting')) nextLookAt = at + LOOK_AFTER_MS
    lastRunAt = at
    const minuteRun = Math.floor((at - onset) / MINUTE_MS + 1) * MINUTE_MS + onset
    nextRunAt = Math.min(minuteRun, watch.rerunAt(first) ?? minuteRun)
  }
  const ended = lastRunAt
  for (let at = ended + AFTERWARDS_EVERY_MS; at <= ended + afterwardsMs; at += AFTERWARDS_EVERY_MS) {
    ask(at)
    note(at, watch.decide(at, []))
  }
  const simple = Object.fromEntries(followers.map(([name, follower]) => [name, follower.mails()]))
  return {
    mails: { alibi: { firstAt, count: mails }, ...simple } as Record<Played, Mails>,
    decidedAt,
    unexcusedAt,
    explainedAt: explainedAt ?? (firstAt === null ? null : hindsightAt),
    firstRule,
    readings,
    hindsightAt,
    leadMinutes: watch.incidents()[0]?.leadMinutes ?? null,
  }
}
