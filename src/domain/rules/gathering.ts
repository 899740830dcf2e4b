import type { Member } from '../incident.ts'
import type { Instant } from '../probe.ts'
import type { Setup } from '../setup.ts'
import type { RecipientView } from '../view.ts'
import type { Context } from './context.ts'
import { type Blocked, blocked } from './result.ts'

/** An email waits at most this long for the other probes of its monitors, from when there was something to report. */
export const GATHER_AT_MOST_MS = 30_000

/** `first-email`: waits for the probes that may share the failure, so that one outage is one email. */
export function gathering(view: RecipientView, { setup, now, gathered }: Context): Blocked | null {
  if (now >= gatheringEndsAt(view.unexplained, setup)) return null
  if (allHaveLapsed(view) && gathered(view.own)) return null
  return blocked('first-email', 'gather', 'the other probes of these monitors have not run yet')
}

/** From then on, an email waits for no other probe. */
export function gatheringEndsAt(unexplained: readonly Member[], setup: Setup): Instant {
  return tellableAt(unexplained, setup) + GATHER_AT_MOST_MS
}

/** Since when there is something to report: the threshold, or the first run that no explanation covered any more. */
function tellableAt(unexplained: readonly Member[], setup: Setup): Instant {
  const since = ({ failedAt, lastFailedAt, monitor, judgement: { lapsed } }: Member) =>
    lapsed === null
      ? failedAt
      : Math.max(failedAt, Math.min(lastFailedAt, lapsed.at + (setup.monitors.get(monitor)?.recheckEveryMs ?? 0)))
  return unexplained.reduce((first, member) => Math.min(first, since(member)), Number.POSITIVE_INFINITY)
}

/** Once the explanation of one probe has lapsed, others that had the same lose it with their next run: the email waits for them. */
function allHaveLapsed({ own, unexplained }: RecipientView): boolean {
  if (!unexplained.some((member) => member.judgement.lapsed !== null)) return true
  return !own.some(
    ({ lastRunAt, judgement: { alibi, carried } }) =>
      alibi !== null && (carried !== null || !alibi.open) && lastRunAt <= alibi.until,
  )
}
