import type { Incident } from './incident.ts'
import type { Policy } from './policy.ts'
import { type Instant, MINUTE_MS, type Monitor, type Partition, type Probe } from './probe.ts'
import type { Connectivity, ProbeState } from './state.ts'

/** How often AWS Health is read after an incident has closed: AWS often posts only when it is over. */
const READ_AFTERWARDS_MS = 5 * MINUTE_MS
/** How often the control call is made while it fails, and while we are offline. */
export const CONTROL_RETRY_MS = 20_000
/** Probes of a monitor that run again at the same time: they share AWS's quotas with everything else (`threshold`). */
export const MAX_RERUN = 20

type ReadingNeeds = Readonly<{
  /** Whether any probe of the partition is undecided. */
  isUndecided: boolean
  policy: Pick<Policy, 'lookbackMs'>
  health: Readonly<{ cacheForMs: number; idleEveryMs: number }>
  now: Instant
}>

/** `consult`: how old a reading of this partition may be before AWS Health is asked again. */
export function readingEveryMs(
  partition: Partition,
  incidents: Iterable<Incident>,
  { isUndecided, policy, health, now }: ReadingNeeds,
): number {
  let every = isUndecided ? health.cacheForMs : health.idleEveryMs
  for (const { partition: where, family, state, closedAt } of incidents) {
    if (where !== partition || family !== 'outage') continue
    if (state !== 'closed') return health.cacheForMs
    if (closedAt !== null && now - closedAt <= policy.lookbackMs) every = Math.min(every, READ_AFTERWARDS_MS)
  }
  return every
}

/** How long after the last control call the next one is due. A failed one is repeated soon, even if AWS has answered since. */
export function controlEveryMs(connectivity: Connectivity, idleEveryMs: number): number {
  const { failures, everReached, controlFailedAt } = connectivity
  return failures > 0 || !everReached || controlFailedAt !== null ? CONTROL_RETRY_MS : idleEveryMs
}

/**
 * When a probe is due again outside its schedule; `null`: it is not (`threshold`). Undecided probes run every `retryInterval`,
 * failing and recovering ones every `recheckEvery`, unless their schedule is at least as frequent.
 */
export function rerunAt(
  state: ProbeState,
  monitor: Pick<Monitor, 'retryIntervalMs' | 'recheckEveryMs' | 'periodMs'>,
  freshSince: Instant,
): Instant | null {
  const last = state.lastRunAt ?? 0
  switch (state.status) {
    case 'ok':
      return null
    case 'undecided':
      return last + monitor.retryIntervalMs
    case 'failing':
    case 'recovering':
      if (last < freshSince) return freshSince
      return monitor.periodMs <= monitor.recheckEveryMs ? null : last + monitor.recheckEveryMs
  }
}

/**
 * The probes of a monitor that run again outside its schedule, of those that are not ok: the same ones every time. The others wait
 * for the schedule.
 */
export function rerunsOf(
  { probes }: Pick<Monitor, 'probes'>,
  states: Readonly<{ get: (probe: string) => ProbeState | undefined }>,
): readonly Readonly<{ probe: Probe; state: ProbeState }>[] {
  const restless = probes.flatMap((probe) => {
    const state = states.get(probe.id)
    if (state === undefined || state.status === 'ok') return []
    return [{ probe, state, operation: probe.call.operation, dueAt: state.onset ?? 0 }]
  })
  return chooseReruns(restless, MAX_RERUN)
}

/** Of the probes that are due again, those that run now: one of each operation first, then those that have waited longest. */
export function chooseReruns<T extends Readonly<{ operation: string; dueAt: Instant }>>(
  due: readonly T[],
  most: number,
): readonly T[] {
  const byAge = due.toSorted((a, b) => a.dueAt - b.dueAt)
  const rank = new Map<T, number>()
  const seen = new Map<string, number>()
  for (const one of byAge) {
    const n = seen.get(one.operation) ?? 0
    rank.set(one, n)
    seen.set(one.operation, n + 1)
  }
  return byAge.toSorted((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0)).slice(0, Math.max(0, most))
}

/** Plain outcomes follow to the disk together, this long after the first of them. */
export const FLUSH_AFTER_MS = 1_000
/** What falls due by the clock alone is looked at at least this often (`timers`). */
export const LOOK_AT_LEAST_EVERY_MS = 30_000

/**
 * When the pulse has something to do next, at most `LOOK_AT_LEAST_EVERY_MS` ahead: re-runs, readings, control calls, waits
 * that end. What falls due only after a fresh run needs no time of its own, for that run brings it up.
 */
export function nextBeatAt(
  due: Readonly<{
    /** Outcomes are waiting for the disk. */
    unwritten: boolean
    reruns: readonly Instant[]
    readings: readonly Instant[]
    control: Instant
    incidents: Iterable<Incident>
    waitMs: number
    gatherMs: number
  }>,
  now: Instant,
): Instant {
  let at = now + LOOK_AT_LEAST_EVERY_MS
  const soon = (when: Instant) => {
    at = Math.min(at, Math.max(when, now + FLUSH_AFTER_MS))
  }
  if (due.unwritten) soon(now)
  for (const when of [...due.reruns, ...due.readings, due.control]) soon(when)
  for (const incident of due.incidents) {
    if (incident.state === 'closed') continue
    if (incident.heldUntil !== undefined && incident.heldUntil > now) soon(incident.heldUntil)
    if (incident.state !== 'waiting') continue
    for (const when of [incident.episodeAt + due.waitMs, incident.episodeAt + due.gatherMs]) if (when > now) soon(when)
  }
  return at
}
