import type { Step } from './announcement.ts'
import { failingMembers, type Incident } from './incident.ts'
import type { RuleName } from './rule.ts'
import type { Context } from './rules/context.ts'
import { escalation } from './rules/escalation.ts'
import { firstEmail } from './rules/first-email.ts'
import { grouping } from './rules/grouping.ts'
import { hold } from './rules/hold.ts'
import { lapsedExplanation } from './rules/lapsed-explanation.ts'
import { lateExplanation } from './rules/late-explanation.ts'
import { offline } from './rules/offline.ts'
import { owed, withheld } from './rules/owed.ts'
import { close } from './rules/recovery.ts'
import { reminder } from './rules/reminder.ts'
import type { Blocked, Rule } from './rules/result.ts'
import { situationOf } from './rules/situation.ts'
import { suppression } from './rules/suppression.ts'

/** The rules that decide about emails of an open incident, in order: the first by which one is due wins (`timers`). */
export const RULES: readonly (readonly [name: RuleName, rule: Rule])[] = [
  ['lapsed-explanation', lapsedExplanation],
  ['late-explanation', lateExplanation],
  ['first-email', firstEmail],
  ['grouping', grouping],
  ['hold', hold],
  ['escalation', escalation],
  ['reminder', reminder],
]

/**
 * One step of an incident's life, after its members were brought up to date: which email is owed now, to whom and why, or why
 * none is. What applies to other recipients follows with the next step. Decides and never acts: the caller commits the step,
 * then the courier sends.
 */
export function step(was: Incident, context: Context): Step {
  if (was.family === 'offline') return offline(was, context)
  if (failingMembers(was).length === 0) return close(was, context.now, 'recovered', 'every probe has recovered')
  let situation = situationOf(was, context)
  let first: Blocked | null = null
  for (const [, rule] of RULES) {
    const outcome = rule(situation)
    if (outcome?.result === 'due') return owed(outcome, situation)
    if (outcome?.result === 'blocked') {
      first ??= outcome
      if (outcome.heldUntil !== undefined)
        situation = { ...situation, incident: { ...situation.incident, heldUntil: outcome.heldUntil } }
    }
    if (outcome?.result === 'noted')
      situation = { ...situation, incident: outcome.incident, notes: [...situation.notes, outcome.row] }
  }
  return withheld(first ?? suppression(situation), situation)
}
