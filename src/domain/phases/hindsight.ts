import { type Incident, onsetOf } from '../incident.ts'
import { leadMinutesOf } from '../lead.ts'
import type { HealthReading } from '../outage.ts'
import type { Instant } from '../probe.ts'
import type { Alibi } from '../verdict.ts'
import type { Draft } from './draft.ts'
import { failureOf, verdictOf } from './judging.ts'

/** `late-explanation`: events that explain an earlier run, but are first seen when they no longer explain the current one. */
export function explainInHindsight(draft: Draft): void {
  const { newlyRead, readings } = draft.input
  for (const incident of draft.allIncidents()) {
    const reading = readings.get(incident.partition)
    if (incident.family !== 'outage' || reading === undefined || !newlyRead.has(incident.partition)) continue
    if (isTooOld(draft, incident)) continue
    const explained = inHindsight(draft, incident, reading)
    if (explained === incident) continue
    draft.putIncident(explained)
    const news = explained.hindsight.at(-1)
    if (news === undefined) continue
    const evidence = { arn: news.arn, leadMinutes: explained.leadMinutes }
    const subject = { incident: explained.id, probe: null }
    draft.note({ decision: 'hindsight', ...subject, rule: 'late-explanation', reason: news.why, evidence })
  }
}

function isTooOld({ input, setup }: Draft, { state, closedAt }: Incident): boolean {
  return state === 'closed' && (closedAt === null || input.now - closedAt > setup.policy.lookbackMs)
}

function inHindsight(draft: Draft, was: Incident, reading: HealthReading): Incident {
  const isClosed = was.state === 'closed'
  let incident = was
  for (const member of was.members) {
    const run = member.evidence.at(-1)
    const isUnexplained = member.state !== 'recovered' && member.judgement.verdict.kind !== 'explained'
    if (run === undefined || (!isClosed && !isUnexplained)) continue
    const failure = failureOf(draft, member, run, isClosed ? run.startedAt : member.onset)
    const verdict = failure === null ? null : verdictOf(draft, member, failure, reading)
    if (verdict?.kind === 'explained') incident = withAlibi(incident, verdict.by, draft.input.now)
  }
  return incident
}

function withAlibi(incident: Incident, by: Alibi, now: Instant): Incident {
  if (isKnown(incident, by.arn)) return incident
  const when = incident.state === 'closed' ? 'after it was over' : 'when it no longer explained the present run'
  const why = `${by.code} (${by.region ?? 'no region'}) was first seen ${when}; it explains how it began`
  return {
    ...incident,
    explainedBy: incident.explainedBy ?? by.arn,
    leadMinutes: incident.leadMinutes ?? leadMinutesOf(by.startedAt, onsetOf(incident.members)),
    hindsight: [...incident.hindsight, { arn: by.arn, code: by.code, at: now, why }],
  }
}

/** Whether this event explained the incident before, or was already named in an email about it. */
function isKnown(incident: Incident, arn: string): boolean {
  const { explainedBy, namedEvents, hindsight, alibis, members } = incident
  if (explainedBy === arn || namedEvents.includes(arn) || alibis.includes(arn)) return true
  if (hindsight.some((known) => known.arn === arn)) return true
  return members.some(({ judgement }) => judgement.lapsed?.arn === arn || judgement.alibi?.arn === arn)
}
