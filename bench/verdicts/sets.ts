import type { Config } from '../../src/config/config.ts'
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS } from '../../src/domain/probe.ts'
import { type Setup, setupOf } from '../../src/domain/setup.ts'
import { simulatorsConfig } from '../../src/simulate/merged.ts'
import { chance } from './chance.ts'
import { Feed } from './feed.ts'
import { type Entry, type History, isRelatedWhole, relatedUntil, type Span } from './history.ts'
import { type Published, publishedOf, publishedWhole } from './published.ts'
import type { Case } from './replay.ts'

export type Sized = Readonly<{ quiet: number; unrelated: number; alone: number }>
export const FULL: Sized = { quiet: 10_000, unrelated: 3_000, alone: 3_000 }

/** A set of failures; `set` is one of the five letters (`e` is of other services than Account), `part` what within it. */
export type Part = Readonly<{
  set: 'a' | 'b' | 'c' | 'd' | 'e'
  part: string
  what: string
  /** Outages of AWS that it is drawn from. */
  outages: number
  cases: readonly Case[]
}>

/** What is drawn at random fails for so long. */
const FAILS_FOR_MS = 30 * MINUTE_MS
/** A moment is near a related event where anything of either could touch: `lookback` and the failure itself. */
const NEAR_MS = 8 * HOUR_MS
const STALE_AFTER_MS = 25 * HOUR_MS
const EXTENSION_MS = 15 * MINUTE_MS
const AFTERWARDS_AT_MOST_MS = 7 * HOUR_MS

/** A related event by the hand-written truth: what is public of it, and when the trouble was. */
type Related = Readonly<{
  is: Published
  impact: readonly Span[]
  whole: boolean
  /** It is public that it concerns us until then: its end, or the post that says that it is elsewhere. */
  until: Instant
}>

/** The sets of failures. A set is empty where the history holds nothing that it could be drawn from. */
export function setsOf(history: History, size: Sized, seed: number): readonly Part[] {
  const random = chance(seed)
  const minuteIn = (from: Instant, to: Instant) => fullMinute(from + random() * (to - from))
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const one = setupFor(1)
  const ten = setupFor(10)

  const singles = history.singles.map((entry, n) => ({ entry, is: publishedOf(entry, n) }))
  const wholes = history.wholes.map((whole, n) => ({ whole, is: publishedWhole(whole, 0xa0000 + n, false) }))
  const feed = new Feed([...singles, ...wholes].map(({ is }) => is))
  const related: readonly Related[] = [
    ...singles.flatMap(({ entry, is }) => {
      const until = relatedUntil(entry)
      const impact = entry.impact === null ? [] : [entry.impact]
      return until === null ? [] : [{ is, impact, whole: false, until: Math.min(until, endOf(is)) }]
    }),
    ...wholes
      .filter(({ whole }) => isRelatedWhole(whole))
      .map(({ whole, is }) => ({ is, impact: whole.impact, whole: true, until: endOf(is) })),
  ]
  const near = related.map(({ is, impact }) => ({
    from: Math.min(firstOf(is), ...impact.map((span) => span.from)) - NEAR_MS,
    to: Math.max(endOf(is), ...impact.map((span) => span.to)) + NEAR_MS,
  }))
  const isNear = (at: Instant) => near.some(({ from, to }) => at >= from && at <= to)
  const alibiAt = (at: Instant) => related.some(({ is, until }) => firstOf(is) <= at && at <= until + EXTENSION_MS)
  const never = () => false
  const idle = () => Math.floor(random() * 15) * MINUTE_MS + MINUTE_MS
  const case0 = { feed, setup: one, othersMs: 0, afterwardsMs: 0 }

  const during = (some: readonly Related[]): readonly Case[] =>
    some.flatMap(({ is, impact }) =>
      impact.flatMap((span) =>
        minutesOf(span).map((onset) => {
          const afterwardsMs = Math.min(AFTERWARDS_AT_MOST_MS, Math.max(0, firstOf(is) - span.to) + 10 * MINUTE_MS)
          return { ...case0, onset, until: fullMinute(span.to), idleMs: idle(), afterwardsMs, alibiAt }
        }),
      ),
    )
  const failing = (onset: Instant, over: Partial<Case> = {}): Case => ({
    ...case0,
    onset,
    until: onset + FAILS_FOR_MS,
    idleMs: idle(),
    alibiAt: never,
    ...over,
  })
  /** Moments drawn until one is far from every related event; what cannot be placed is left out. */
  const drawn = (count: number, draw: () => Instant): readonly Instant[] =>
    Array.from({ length: count }, () => {
      for (let tries = 0; tries < 50; tries++) {
        const at = draw()
        if (!isNear(at)) return at
      }
      return null
    }).filter((at) => at !== null)

  const labelled = related.filter(({ whole, impact }) => !whole && impact.length > 0)
  const whole = related.filter((is) => is.whole)
  const begin = Math.min(...singles.map(({ is }) => firstOf(is)))
  const end = Math.max(...singles.map(({ is }) => endOf(is)))
  const unrelated = singles.filter(({ entry }) => relatedUntil(entry) === null)
  const elsewhere = [
    ...unrelated.filter(({ entry }) => !isHere(entry)).map(({ is }) => is),
    ...wholes.filter(({ whole }) => !isRelatedWhole(whole)).map(({ is }) => is),
  ]
  const otherServices = unrelated.filter(({ entry }) => isHere(entry)).map(({ is }) => is)
  const whileOpen = (some: readonly Published[]) => {
    const open = some.filter((is) => endOf(is) - firstOf(is) >= 2 * MINUTE_MS)
    if (open.length === 0) return []
    return drawn(size.unrelated, () => {
      const is = pick(open)
      return minuteIn(firstOf(is), endOf(is))
    }).map((at) => failing(at))
  }

  return [
    part('a', 'labelled', 'each minute of the impact of IAM, STS, … in us-east-1 or global', labelled.length, during(labelled)),
    part('a', 'whole', 'each minute of whole outages of us-east-1, as one event', whole.length, during(whole)),
    part(
      'b',
      'quiet',
      'random moments, no related event near',
      0,
      singles.length === 0 ? [] : drawn(size.quiet, () => minuteIn(begin, end)).map((at) => failing(at)),
    ),
    part('c', 'elsewhere', 'while something is open in another region', elsewhere.length, whileOpen(elsewhere)),
    part(
      'c',
      'other-service',
      'while another service is in trouble in us-east-1 or globally',
      otherServices.length,
      whileOpen(otherServices),
    ),
    part('c', 'stale', 'while a related event is open that nobody updates', related.length, staleCases()),
    part(
      'c',
      'not-listed',
      'whole outages of us-east-1 whose list of services is known, without ours',
      whole.length,
      listedCases(),
    ),
    part(
      'd',
      'alone',
      'one account of ten fails, related event open, nine are well',
      labelled.length + whole.length,
      aloneCases(),
    ),
  ]

  /** A related event that was never closed, as two of March 2026 were not, one to sixty days after its last update. */
  function staleCases(): readonly Case[] {
    if (related.length === 0) return []
    const feeds = related.map(({ is }) => {
      const open: Published = { ...is, arn: `${is.arn}_OPEN`, closedAt: null, stays: true }
      return {
        last: endOf(is),
        feed: new Feed([...singles.map((single) => single.is), open].filter((other) => other.arn !== is.arn)),
      }
    })
    return Array.from({ length: size.unrelated }, () => {
      for (let tries = 0; tries < 50; tries++) {
        const { last, feed: stale } = pick(feeds)
        const at = minuteIn(last + STALE_AFTER_MS, last + 60 * DAY_MS)
        if (!isNear(at)) return failing(at, { feed: stale })
      }
      return null
    }).filter((is) => is !== null)
  }

  function listedCases(): readonly Case[] {
    const listed = history.wholes.map((is, n) => publishedWhole(is, 0xb0000 + n, true))
    const others = singles.filter(({ entry }) => relatedUntil(entry) === null).map(({ is }) => is)
    const world = new Feed([...others, ...listed])
    const here = listed.filter((is) => is.region === 'us-east-1')
    if (here.length === 0) return []
    return Array.from({ length: size.unrelated }, () => {
      const is = pick(here)
      return failing(minuteIn(firstOf(is), endOf(is)), { feed: world })
    })
  }

  function aloneCases(): readonly Case[] {
    const open = related.filter(({ is }) => endOf(is) - firstOf(is) >= 2 * MINUTE_MS)
    if (open.length === 0) return []
    return Array.from({ length: size.alone }, () => {
      const { is } = pick(open)
      return failing(minuteIn(firstOf(is), endOf(is)), { setup: ten, othersMs: Math.floor(random() * 60) * 1_000 - 29_500 })
    })
  }
}

function part(set: Part['set'], name: string, what: string, outages: number, cases: readonly Case[]): Part {
  return { set, part: name, what, outages, cases }
}

/** The simulator's own configuration: every policy as by default; so many accounts in one monitor. */
function setupFor(accounts: number): Setup {
  const config: Config = simulatorsConfig(0)
  const monitors = config.monitors.map((monitor) => ({
    ...monitor,
    probes: monitor.probes.flatMap((probe) =>
      Array.from({ length: accounts }, (_, i) => {
        const account = String(111_111_111_111 + i)
        return { ...probe, account, id: `${monitor.name}/${account}/${probe.call.operation}` }
      }),
    ),
  }))
  return setupOf({ ...config, monitors })
}

function isHere(entry: Entry): boolean {
  return entry.region === 'us-east-1' || entry.region === 'global'
}

function firstOf(is: Published): Instant {
  return is.posts[0]?.at ?? 0
}

/** The end of an event that was never closed: a day after its last post it is taken away. */
function endOf(is: Published): Instant {
  return is.closedAt ?? (is.posts.at(-1)?.at ?? 0) + DAY_MS
}

function minutesOf({ from, to }: Span): readonly Instant[] {
  const count = Math.floor((fullMinute(to) - fullMinute(from)) / MINUTE_MS)
  return Array.from({ length: count }, (_, i) => fullMinute(from) + i * MINUTE_MS)
}

function fullMinute(at: number): Instant {
  return Math.floor(at / MINUTE_MS) * MINUTE_MS
}
