import { withAdded } from './config-change.ts'
import { RECOVERING } from './first-email.ts'
import { gathering } from './gathering.ts'
import { due, type Rule, sift } from './result.ts'
import { silenced } from './silence.ts'

/** AWS's explanation has ended and it still fails: notifies those who were notified before. To others it is a first email. */
export const lapsedExplanation: Rule = (situation) => {
  const { views, timersMayFire, context } = situation
  if (!timersMayFire) return null
  const lapsed = views.filter(({ heard }) => heard !== null && heard.lapse !== null)
  const { ready, blocked } = sift(lapsed, (view) => {
    if (!view.unexplained.some((member) => member.state === 'failing')) return RECOVERING
    return view.loud ? gathering(view, context) : silenced('still-failing', view.unexplained, context)
  })
  if (ready.length === 0) return blocked
  const to = ready.map((view) => ({ view, reason: view.heard?.lapse ?? '' }))
  return due('still-failing', 'lapsed-explanation', withAdded(to, situation))
}
