import { MAX_RERUN } from '../cadence.ts'
import { counted } from '../counted.ts'
import type { Heard, Member } from '../incident.ts'
import { type Instant, MINUTE_MS } from '../probe.ts'
import { servicesOf, titleOfService } from '../service-facts.ts'
import type { RecipientView } from '../view.ts'
import { withAdded } from './config-change.ts'
import type { Context } from './context.ts'
import { GATHER_AT_MOST_MS } from './gathering.ts'
import { type Addressee, due, type Rule } from './result.ts'

const WIDER_AT_MOST_EVERY_MS = 15 * MINUTE_MS
/** Where not all can run again at once (`threshold`), the others follow with their schedule: `wider` waits until no more join. */
const WIDER_SETTLES_MS = 30_000
const WIDER_GATHERS_AT_MOST_MS = 10 * MINUTE_MS

/** `wider`: notifies those for whom twice as many probes fail as at their last email, or another service does. */
export const grouping: Rule = (situation) => {
  if (!situation.timersMayFire) return null
  const wider = situation.views.flatMap((view) => widerTo(view, situation.context))
  return wider.length === 0 ? null : due('wider', 'grouping', withAdded(wider, situation))
}

function widerTo(view: RecipientView, context: Context): readonly Addressee[] {
  const { heard, audible } = view
  if (heard === null || view.verdict === 'explained' || !view.loud || heard.failing === 0) return []
  if (heard.widerAt !== null && context.now - heard.widerAt < WIDER_AT_MOST_EVERY_MS) return []
  if (!noMoreJoin(audible, heard.at, context)) return []
  const news = servicesOf(audible).filter((service) => !(heard.services ?? ['account']).includes(service))
  const known = knownTo(view, heard)
  if (audible.length < 2 * known || audible.length === known) {
    const named = news.map(titleOfService).join(', ')
    return news.length === 0 ? [] : [{ view, reason: `${named} fails as well; the last email was about other services` }]
  }
  const counts = `${counted(audible.length, 'probe fails', 'probes fail')} now; ${known} did when the last email was sent`
  return [{ view, reason: audible.length === view.own.length ? counts : `${counts}, apart from those that are silenced` }]
}

/** How many were failing at the last email: while some are silenced, of the others, so that a silence over those hides no others. */
function knownTo({ audible, own }: RecipientView, heard: Heard): number {
  return audible.length === own.length ? heard.failing : audible.filter(({ failedAt }) => failedAt <= heard.at).length
}

/** One outage is one email: it waits for probes that fail one after another, as their runs come round. */
function noMoreJoin(failing: readonly Member[], lastEmailAt: Instant, { now, gathered }: Context): boolean {
  const joined = failing.filter((member) => member.failedAt > lastEmailAt)
  const first = joined.reduce((a, { failedAt }) => Math.min(a, failedAt), now)
  if (failing.length <= MAX_RERUN) return now >= first + GATHER_AT_MOST_MS || joined.length === 0 || gathered(joined)
  const last = joined.reduce((a, { failedAt }) => Math.max(a, failedAt), Number.NEGATIVE_INFINITY)
  return now - last >= WIDER_SETTLES_MS || now - first >= WIDER_GATHERS_AT_MOST_MS
}
