import { type Quota, SCHEDULED_SHARE } from './quota.ts'

/** What is paced where AWS states no quota: the lowest that it states for reads, and one at a time. */
export const UNSTATED_QUOTA: Quota = { perSecond: 3, burst: 1 }
/** After a 429 the pace is halved, at most so often; it comes back by one halving each minute without another. */
const MAX_HALVINGS = 4
const COMES_BACK_EVERY_MS = 60_000

/**
 * How far a budget is used, in milliseconds of a monotonic clock: the theoretical arrival times of the generic cell rate
 * algorithm (ITU-T I.371), one for all calls and one for the scheduled share of them.
 */
export type Budget = Readonly<{ all: number; scheduled: number; halvings: number; throttledAt: number }>

export const FRESH_BUDGET: Budget = {
  all: Number.NEGATIVE_INFINITY,
  scheduled: Number.NEGATIVE_INFINITY,
  halvings: 0,
  throttledAt: Number.NEGATIVE_INFINITY,
}

/** The budget of a caller for whom another machine may have made as many calls until now as the quota allows. */
export function usedUp(quota: Quota, now: number): Budget {
  const { whole, share } = ratesOf(quota, 1)
  return { ...FRESH_BUDGET, all: now + whole.burst * whole.every, scheduled: now + share.burst * share.every }
}

/** When the next call may begin (at or after `now`), and the budget once it has. Re-runs never wait for the scheduled share. */
export function reserve(
  budget: Budget,
  quota: Quota,
  kind: 'scheduled' | 'rerun',
  now: number,
): Readonly<{ at: number; budget: Budget }> {
  const { whole, share } = ratesOf(quota, 2 ** halvingsAt(budget, now))
  const byAll = earliest(budget.all, whole, now)
  const at = kind === 'rerun' ? byAll : Math.max(byAll, earliest(budget.scheduled, share, now))
  return {
    at,
    budget: {
      ...budget,
      all: Math.max(budget.all, at) + whole.every,
      scheduled: kind === 'rerun' ? budget.scheduled : Math.max(budget.scheduled, at) + share.every,
    },
  }
}

/** How fast all calls may follow each other, and the scheduled ones of them. */
function ratesOf(quota: Quota, slowed: number): Readonly<{ whole: Rate; share: Rate }> {
  const whole = { every: (1000 / quota.perSecond) * slowed, burst: Math.max(1, quota.burst) }
  return {
    whole,
    share: { every: whole.every / SCHEDULED_SHARE, burst: Math.max(1, Math.floor(quota.burst * SCHEDULED_SHARE)) },
  }
}

/** AWS answered 429: the pace slows, and nothing else follows from it. */
export function throttled(budget: Budget, now: number): Budget {
  return { ...budget, halvings: Math.min(MAX_HALVINGS, halvingsAt(budget, now) + 1), throttledAt: now }
}

function halvingsAt(budget: Budget, now: number): number {
  return Math.max(0, budget.halvings - Math.floor((now - budget.throttledAt) / COMES_BACK_EVERY_MS))
}

/** Milliseconds from call to call, and how many may come at once. */
type Rate = Readonly<{ every: number; burst: number }>

function earliest(tat: number, { every, burst }: Rate, now: number): number {
  return Math.max(now, tat - (burst - 1) * every)
}

/** A round of more probes than this is spread instead of fired at once. */
const FIRED_AT_ONCE = 10
const LONGEST_STEP_MS = 250

/** Milliseconds between the starts of two runs of a round: few at once, many evenly over half of their period. */
export function stepOfRound(probes: number, periodMs: number): number {
  return probes <= FIRED_AT_ONCE ? 0 : Math.min(LONGEST_STEP_MS, periodMs / 2 / probes)
}
