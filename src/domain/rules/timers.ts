import type { Member } from '../incident.ts'
import type { Instant } from '../probe.ts'
import type { Context } from './context.ts'
import type { Situation } from './situation.ts'

/** No timer fires while we are offline, nor before every failing probe has run since the last start or wake-up. */
export function timersMayFire(failing: readonly Member[], context: Context): boolean {
  return !context.offline && failing.every((member) => hasRunAfresh(member, context))
}

/** `timers`: a timer fires only after a run that began later than it fell due, and failed; or after none came for too long. */
export function firesNow(dueAt: Instant, own: readonly Member[], situation: Situation): boolean {
  const { context, timersMayFire } = situation
  if (!timersMayFire || context.now < dueAt) return false
  return own.some((member) => member.lastFailedAt > dueAt) || waitedInVain(dueAt, own, context)
}

/** A run is waited for no longer than `blindAfter`. */
function hasRunAfresh(member: Member, { freshSince, now, setup }: Context): boolean {
  return member.lastRunAt >= freshSince || now >= freshSince + setup.policy.blindAfterMs
}

/** `blind`: after `blindAfter` without a run the last state stands, and it has to be that the probes fail. */
function waitedInVain(since: Instant, own: readonly Member[], { freshSince, now, setup }: Context): boolean {
  const failing = own.filter((member) => member.state === 'failing')
  return failing.length > 0 && failing.every((m) => now >= Math.max(since, m.lastRunAt, freshSince) + setup.policy.blindAfterMs)
}
