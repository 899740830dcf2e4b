import { utcToTheSecond } from '../duration.ts'
import type { Probe } from '../probe.ts'
import { operationShown } from '../setup.ts'
import type { RecipientView } from '../view.ts'
import { gatheringEndsAt } from './gathering.ts'
import { type Blocked, blocked } from './result.ts'
import type { Situation } from './situation.ts'

/** A first email that is due is held at most this long. */
export const HELD_AT_MOST_MS = 10_000
/** Probes that the reason names. */
const MAX_NAMED = 2

/**
 * `joining`: a first email that is due is held for a moment while another probe is about to join the incident, so that both are
 * one email. The first hold of an episode sets its end, for every recipient, no later than gathering would end. In doubt nothing
 * is held: not after a start, a wake-up or a clock change, nor where a clock that was set back by a little would move the end away.
 */
export function joining({ recipient, unexplained }: RecipientView, { incident, context }: Situation): Blocked | null {
  const { now, freshSince, setup } = context
  if (incident.episodeAt < freshSince) return null
  const until = incident.heldUntil ?? Math.min(now + HELD_AT_MOST_MS, gatheringEndsAt(unexplained, setup))
  if (now >= until || until > now + HELD_AT_MOST_MS) return null
  const arriving = context.arriving(recipient, until)
  if (arriving.length === 0) return null
  const reason = `held until ${utcToTheSecond(until)}: ${named(arriving)} may join`
  return { ...blocked('joining', `joining ${until}`, reason), heldUntil: until }
}

function named(probes: readonly Probe[]): string {
  const names = probes.slice(0, MAX_NAMED).map((probe) => {
    const of = probe.account === 'self' ? '' : ` of ${probe.account}`
    return `${operationShown(probe)}${of} (${probe.monitor})`
  })
  const more = probes.length - names.length
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(' and ')
}
