import { inWords } from '../duration.ts'
import type { RecipientView } from '../view.ts'
import { isAdded } from './config-change.ts'
import { FIRST_KIND, thresholdOf } from './first-email.ts'
import { due, type Rule, sift } from './result.ts'
import { silenced } from './silence.ts'
import type { Situation } from './situation.ts'
import { firesNow } from './timers.ts'

/** AWS explains everything, but has done so for `holdAtMost` without an email: silence has an end. */
export const hold: Rule = (situation) => {
  const { incident, views, context } = situation
  const { holdAtMostMs } = context.setup.policy
  const held = holdAtMostMs === 0 ? [] : views.filter((view) => isHeld(view, situation))
  const { ready, blocked } = sift(
    held.filter((view) => isOver(view, situation)),
    (view) => (view.audible.length > 0 ? null : silenced('still-failing', view.own, context)),
  )
  const [longest] = ready
  if (longest === undefined) return blocked
  const reason = `AWS explains it, but no email was sent for ${inWords(holdAtMostMs)} (policy.holdAtMost)`
  const kind = longest.heard === null ? FIRST_KIND[incident.family] : 'still-failing'
  // For some it is the first email and for others not: they get different kinds, so the others follow with the next step.
  const alike = longest.heard === null ? ready.filter(({ heard }) => heard === null) : withHeldNewcomers(ready, held, situation)
  return due(
    kind,
    'hold',
    alike.map((view) => ({ view, reason })),
  )
}

/** `config-change`: an added recipient gets what the others get. */
function withHeldNewcomers(ready: readonly RecipientView[], held: readonly RecipientView[], { incident }: Situation) {
  return [...new Set([...ready, ...held])].filter((view) =>
    view.heard === null ? isAdded(view, incident) : ready.includes(view),
  )
}

/** Whether everything that no silence covers is explained to this recipient, and no extension is running. */
function isHeld({ audible, afterMs, heard, heir, own }: RecipientView, { context }: Situation): boolean {
  const { blindAfterMs } = context.setup.policy
  if (afterMs !== null && heard === null && !heir) return false
  const about = audible.length > 0 ? audible : own
  if (about.some((member) => member.judgement.verdict.kind !== 'explained')) return false
  // The run that ends the extension is waited for no longer than any other (`blind`).
  return !about.some(
    ({ judgement: { alibi, carried } }) =>
      alibi !== null && (carried !== null || !alibi.open) && context.now <= alibi.until + blindAfterMs,
  )
}

/** While every last run was ok nothing is reported as failing, however long a probe takes to recover (`recovery`, flapping). */
function isOver(view: RecipientView, situation: Situation): boolean {
  const { incident, context } = situation
  const lastEmailAt = view.heard?.at ?? (isAdded(view, incident) ? incident.lastMailAt : null)
  const from = lastEmailAt ?? thresholdOf(view, situation)
  return (
    firesNow(from + context.setup.policy.holdAtMostMs, view.own, situation) && view.own.some(({ state }) => state === 'failing')
  )
}
