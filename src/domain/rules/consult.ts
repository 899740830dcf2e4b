import { failingMembers, type Incident, onsetOf } from '../incident.ts'
import { leadMinutesOf } from '../lead.ts'
import type { LedgerRow } from '../ledger.ts'
import type { Instant } from '../probe.ts'
import type { Verdict } from '../verdict.ts'
import { eventsOf, evidenceOf, whyVerdict } from './reasons.ts'

/** Events that an incident remembers as having explained it. */
const MAX_ALIBIS = 100

type Recorded = Readonly<{ incident: Incident; notes: readonly LedgerRow[] }>

/** `consult`: the incident with its new verdict and with the events that explain it, and a ledger row if that has changed. */
export function recordVerdict(was: Incident, verdict: Verdict['kind'], now: Instant): Recorded {
  if (was.family !== 'outage') return { incident: { ...was, verdict }, notes: [] }
  const failing = failingMembers(was)
  const events = eventsOf(failing)
  const byAnother = verdict === 'explained' && was.explainedBy !== null && !events.includes(was.explainedBy)
  const hasChanged = verdict !== was.verdict || byAnother
  const reason = `${verdict}: ${whyVerdict(failing, verdict)}`
  const row: LedgerRow = {
    at: now,
    incident: was.id,
    probe: null,
    decision: 'verdict',
    rule: 'consult',
    reason,
    evidence: evidenceOf(failing),
  }
  return { incident: explainedAs(was, verdict), notes: hasChanged ? [row] : [] }
}

function explainedAs(was: Incident, verdict: Verdict['kind']): Incident {
  const failing = failingMembers(was)
  const { alibis } = was
  const news = eventsOf(failing).filter((arn) => !alibis.includes(arn))
  const incident = { ...was, verdict, ...(news.length === 0 ? {} : { alibis: [...alibis, ...news].slice(-MAX_ALIBIS) }) }
  const by = failing.map((m) => m.judgement.verdict).find((v) => v.kind === 'explained')?.by
  if (verdict !== 'explained' || by === undefined) return incident
  const leadMinutes = was.leadMinutes ?? leadMinutesOf(by.startedAt, onsetOf(was.members))
  return { ...incident, explainedBy: by.arn, leadMinutes }
}
