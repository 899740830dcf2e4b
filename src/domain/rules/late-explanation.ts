import type { LedgerRow } from '../ledger.ts'
import type { RecipientView } from '../view.ts'
import { eventsOf, whyExplained } from './reasons.ts'
import { due, type Noted, type Rule } from './result.ts'
import type { Situation } from './situation.ts'

/** AWS now explains what recipients were notified of: notifies them, once for each event. */
export const lateExplanation: Rule = (situation) => {
  const explained = situation.views.filter(
    ({ heard, verdict, own }) =>
      heard !== null && verdict === 'explained' && !heard.explained && own.every((m) => m.judgement.carried === null),
  )
  if (explained.length === 0) return null
  const news = explained.filter(({ own, heard }) => eventsOf(own).some((arn) => heard?.events.includes(arn) === false))
  if (news.length === 0) return explainedAgain(explained, situation)
  return due(
    'now-explained',
    'late-explanation',
    news.map((view) => ({ view, reason: whyExplained(view.own) })),
  )
}

/** Explained again by an event that was named to them before: they get no email, and the ledger says so. */
function explainedAgain(views: readonly RecipientView[], { incident, context }: Situation): Noted {
  const again = new Set(views.map(({ recipient }) => recipient))
  const audience = incident.audience.map((a) =>
    again.has(a.recipient) && a.heard !== null ? { ...a, heard: { ...a.heard, explained: true } } : a,
  )
  const reason = 'explained again by an event that was already named in an email'
  const evidence = { events: [...new Set(views.flatMap(({ own }) => eventsOf(own)))] }
  const row: LedgerRow = {
    at: context.now,
    incident: incident.id,
    probe: null,
    decision: 'withheld',
    rule: 'late-explanation',
    reason,
    evidence,
  }
  return { result: 'noted', incident: { ...incident, audience }, row }
}
