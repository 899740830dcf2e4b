import type { Facts } from '../domain/notification.ts'
import type { Instant } from '../domain/probe.ts'
import type { Block } from './block.ts'
import { type Delivery, LATE_MS } from './delivery.ts'
import { foreign } from './foreign.ts'
import { endOf, hhmmss, local } from './times.ts'

type Moment = readonly [Instant, string]

/** The moments of an incident, in UTC and in the monitor's time zone. */
export function timeline(facts: Facts, delivery: Delivery): readonly Block[] {
  const { at, timezone } = facts
  // A stable sort: moments that coincide stay in the order in which they happen.
  const moments = momentsOf(facts, delivery).toSorted(([a], [b]) => a - b)
  if (moments.length === 0) return []
  const zone = local(at, timezone) === null ? null : foreign(cityOf(timezone), 60)
  const times = moments.map(([when, what]) => {
    const there = local(when, timezone)
    return [hhmmss(when, at), there === null ? null : there.slice(0, 5), what] as const
  })
  return [{ type: 'times', zone, times }]
}

/** `Buenos Aires` of `America/Argentina/Buenos_Aires`. */
function cityOf(timezone: string): string {
  return (timezone.split('/').at(-1) ?? timezone).replaceAll('_', ' ')
}

/** In the order in which things happen. */
function momentsOf(facts: Facts, { now }: Delivery): readonly Moment[] {
  const { incident, at, sources } = facts
  if (incident === null) return []
  const { lastOkAt, announcedAt, closedAt, family } = incident
  return [
    ...moment(lastOkAt, 'last ok run'),
    ...firstFailure(facts),
    ...silenceMoments(facts),
    ...moment(announcedAt === at ? null : announcedAt, 'first email queued'),
    ...moment(sources?.at ?? null, 'AWS Health checked'),
    ...moment(facts.kind === 'recovered' && family !== 'offline' ? endOf(facts) : null, 'recovered'),
    ...moment(closedAt, 'incident closed'),
    [at, 'this email queued'],
    ...moment(now - at >= LATE_MS ? now : null, 'this email sent'),
  ]
}

function silenceMoments({ silence }: Facts): readonly Moment[] {
  if (silence === undefined) return []
  const { from, endedAt, until } = silence
  return [
    [from, 'silence began'],
    [endedAt, endedAt < until ? 'silence lifted' : 'silence ended'],
  ]
}

function firstFailure({ incident, probes: [first] }: Facts): readonly Moment[] {
  if (incident === null) return []
  const { onset, family, continues } = incident
  const gap = first?.gap ?? null
  const monitoring = [...moment(gap?.from ?? null, 'monitoring stopped'), ...moment(gap?.to ?? null, 'monitoring resumed')]
  switch (family) {
    case 'blind':
      return [[onset, 'no results from here on'], ...monitoring]
    case 'offline':
      return [[onset, 'network lost'], ...monitoring]
    case 'outage':
    case 'misconfigured':
      return [
        [onset, continues === null ? 'first failed run' : 'first failure of this kind'],
        ...moment(first?.failedAt ?? null, 'threshold reached'),
        ...monitoring,
      ]
  }
}

function moment(at: Instant | null, what: string): readonly Moment[] {
  return at === null ? [] : [[at, what]]
}
