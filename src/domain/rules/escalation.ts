import { inWords } from '../duration.ts'
import { due, type Rule, sift } from './result.ts'
import { silenced } from './silence.ts'
import { firesNow } from './timers.ts'

/** The incident is still unexplained when the time of a recipient with `after` has come. An acknowledgement withholds it. */
export const escalation: Rule = (situation) => {
  const { incident, views, ack, context } = situation
  const { announcedAt } = incident
  if (announcedAt === null || ack !== null) return null
  const late = views.filter(
    ({ heard, heir, afterMs, own, verdict }) =>
      verdict !== 'explained' && heard === null && !heir && afterMs !== null && firesNow(announcedAt + afterMs, own, situation),
  )
  const { ready, blocked } = sift(late, (view) => (view.loud ? null : silenced('escalated', view.unexplained, context)))
  if (ready.length === 0) return blocked
  const reason = `announced ${inWords(context.now - announcedAt)} ago and still not explained`
  const to = ready.map((view) => ({ view, reason }))
  return due('escalated', 'escalation', to, false)
}
