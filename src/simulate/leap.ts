import type { Config } from '../config/config.ts'
import { readingEveryMs } from '../domain/cadence.ts'
import type { Owed } from '../domain/notification.ts'
import { HOUR_MS, type Instant, MINUTE_MS, type Monitor } from '../domain/probe.ts'
import { plannerOf } from '../schedule/planner.ts'
import type { Calls } from './aws.ts'
import type { VirtualClock } from './clock.ts'
import type { Disk } from './disk/disk.ts'
import type { World } from './world.ts'

/** Emails show the last hour of a probe: before anything happens, at least this much is played run by run. */
const RUN_UP_MS = HOUR_MS + MINUTE_MS
/** So many runs beyond its threshold has a probe made by then. */
const RUN_UP_RUNS = 2
/** What the daemon waits for while nothing happens: the next round of its main loop, and the next look at the outbox. */
const WAITS_WHILE_QUIET = 2
/** Readings and control calls disturb the rhythm of the main loop until the runs after them. No call takes longer. */
const CALL_AT_MOST_MS = 5_000
/** A probe that is not seen for too long is blind: by then its next run has ended. */
const RUN_AT_MOST_MS = MINUTE_MS / 2
/** Shorter leaps cost more than they spare. */
const FEWEST_FIRES = 2
const PENDING: ReadonlySet<Owed['state']> = new Set(['due', 'retrying', 'sending'])

/** A stretch of a story in which nothing happens but that these monitors find every probe ok, so many times. */
export type Leap = Readonly<{ ms: number; monitors: readonly Monitor[]; fires: number }>

export type Scene = Readonly<{ clock: VirtualClock; world: World; disk: Disk; config: Config; calls: Calls }>

/**
 * How far a story can leap from here without any difference to what comes later: over runs that are ok, as the last ones were, while
 * nothing is under way, owed, open or due. Calls to AWS Health and to the control host are never leapt over, because what is known from
 * them, and when they are made next, depends on the millisecond.
 *
 * @param nextAt when the scenario does something next, or ends (true time since the start)
 */
export function leapFrom(scene: Scene, nextAt: number): Leap | null {
  const { clock, config } = scene
  const now = clock.now()
  const roomMs = Math.min(nextAt - clock.elapsed(), digestAt(config, now) - now) - runUpMs(config.monitors)
  if (roomMs <= 0 || clock.waits().count !== WAITS_WHILE_QUIET || !isCalm(scene)) return null
  const rhythm = rhythmOf(scene)
  if (rhythm === null) return null
  const { monitors, periodMs, firedAt } = rhythm
  const due = callsDue(scene, firedAt)
  if (due === null) return null
  // The main loop waits for what is due in less than half a minute: that it does must not differ.
  const dueMs = due - now - (clock.waits().until - clock.elapsed())
  const blindMs = blindAfterMs(config) - periodMs - RUN_AT_MOST_MS
  const otherMs = othersFireAt(config.monitors, monitors, now) - now - 1
  const most = Math.floor(Math.min(roomMs, dueMs, blindMs, otherMs) / periodMs)
  const fires = Math.min(...monitors.map((monitor) => steadyFires(monitor, now, most)))
  return fires < FEWEST_FIRES ? null : { ms: fires * periodMs, monitors, fires }
}

/** Nothing is open, nothing is owed, everybody can be reached, and every probe is ok. */
function isCalm({ world, disk, config, calls }: Scene): boolean {
  if (!world.networkUp || calls.control?.reached !== true) return false
  for (const { state } of disk.incidents.values()) if (state !== 'closed') return false
  for (const { state } of disk.mails.values()) if (PENDING.has(state)) return false
  return config.monitors.every(({ probes }) =>
    probes.every((probe) => {
      const state = disk.probes.get(probe.id)
      return state?.status === 'ok' && state.inconclusive === null && world.answerTo(probe) === 'ok'
    }),
  )
}

type Rhythm = Readonly<{ monitors: readonly Monitor[]; periodMs: number; firedAt: Instant }>

/** The monitors that fire most often, if they were the only ones to fire in their last period, and their runs are on disk. */
function rhythmOf({ clock, disk, config }: Scene): Rhythm | null {
  const now = clock.now()
  const periodMs = Math.min(...config.monitors.map((monitor) => monitor.periodMs))
  // Whole half-minutes: the outbox is looked at twice a minute.
  if (periodMs % (MINUTE_MS / 2) !== 0) return null
  const fired: Instant[] = []
  const monitors: Monitor[] = []
  for (const monitor of config.monitors) {
    const fire = lastFire(monitor, now - periodMs, now)
    if (fire === null) continue
    if (monitor.periodMs !== periodMs || monitor.spreadMs > 0) return null
    if (monitor.probes.some(({ id }) => (disk.probes.get(id)?.lastRunAt ?? 0) < fire)) return null
    fired.push(fire)
    monitors.push(monitor)
  }
  return monitors.length === 0 ? null : { monitors, periodMs, firedAt: Math.min(...fired) }
}

/** When AWS Health or the control host is asked next; `null` if either was asked since then, or never. */
function callsDue({ clock, disk, config, calls }: Scene, since: Instant): Instant | null {
  if (calls.control === null) return null
  const now = clock.now()
  const { health, policy } = config
  const asked = [calls.control.at]
  const due = [calls.control.at + health.idleEveryMs]
  for (const partition of new Set(config.monitors.map((monitor) => monitor.partition))) {
    const last = disk.readings.findLast(({ reading }) => reading.partition === partition)
    if (last === undefined) return null
    asked.push(last.until)
    const needs = { isUndecided: false, policy, health, now }
    due.push(last.until + readingEveryMs(partition, disk.incidents.values(), needs))
  }
  return Math.max(...asked) < since - CALL_AT_MOST_MS ? Math.min(...due) : null
}

/** How many times in a row it goes on to fire in its period, at most so many. */
function steadyFires(monitor: Monitor, now: Instant, most: number): number {
  const { next } = plannerOf(monitor.schedule, monitor.timezone)
  let at = next(now)?.at
  for (let fires = 0; fires < most; fires++) {
    const then = at === undefined ? undefined : next(at)?.at
    if (at === undefined || then !== at + monitor.periodMs) return fires
    at = then
  }
  return Math.max(0, most)
}

function othersFireAt(all: readonly Monitor[], monitors: readonly Monitor[], now: Instant): Instant {
  const others = all.filter((monitor) => !monitors.includes(monitor))
  return Math.min(
    ...others.map(({ schedule, timezone }) => plannerOf(schedule, timezone).next(now)?.at ?? Number.POSITIVE_INFINITY),
  )
}

function lastFire({ schedule, timezone }: Monitor, from: Instant, to: Instant): Instant | null {
  return plannerOf(schedule, timezone).last(from, to)?.at ?? null
}

/** After how long without a run the first probe is blind. */
function blindAfterMs({ monitors, policy }: Config): number {
  return Math.min(...monitors.map(({ periodMs }) => Math.max(policy.blindAfterMs, 3 * periodMs)))
}

/** When the next digest falls due: now, if one has just done so, for the main loop may not have noticed yet. */
function digestAt({ digest }: Config, now: Instant): Instant {
  if (digest === null) return Number.POSITIVE_INFINITY
  const { last, next } = plannerOf(digest.schedule, digest.timezone)
  return last(now - MINUTE_MS, now) === null ? (next(now)?.at ?? Number.POSITIVE_INFINITY) : now
}

function runUpMs(monitors: readonly Monitor[]): number {
  return Math.max(RUN_UP_MS, ...monitors.map(({ fail, periodMs }) => (fail.of + RUN_UP_RUNS) * periodMs))
}
