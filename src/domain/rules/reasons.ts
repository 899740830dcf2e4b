import type { Incident, Member } from '../incident.ts'
import type { Verdict } from '../verdict.ts'

/** Failing probes that a ledger row shows as evidence. */
const MAX_EVIDENCE = 20

/** The judgements that a ledger row is based on. */
export function evidenceOf(failing: readonly Member[]) {
  return failing.slice(0, MAX_EVIDENCE).map(({ probe, judgement: { verdict, carried, readAt, lapsed } }) => {
    return { probe, verdict, carried, readAt, lapsed }
  })
}

/** The events that explain some of these probes. */
export function eventsOf(members: readonly Member[]): readonly string[] {
  return [...new Set(members.flatMap(({ judgement: { verdict } }) => (verdict.kind === 'explained' ? [verdict.by.arn] : [])))]
}

/** Why a probe has this verdict: a probe that has the verdict of them all, and not just any. */
export function whyVerdict(failing: readonly Member[], verdict: Verdict['kind']): string {
  const judgement = failing.find((m) => m.judgement.verdict.kind === verdict)?.judgement
  return judgement?.lapsed?.why ?? judgement?.verdict.why ?? verdict
}

export function whyExplained(failing: readonly Member[]): string {
  return failing.find((m) => m.judgement.verdict.kind === 'explained')?.judgement.verdict.why ?? 'AWS explains it'
}

/** Why a first email is due. */
export function whyUnexplained(incident: Incident, failing: readonly Member[], verdict: Verdict['kind']): string {
  if (incident.family !== 'outage') return failing[0]?.judgement.verdict.why ?? 'it cannot be an AWS outage'
  return failing.find((m) => m.judgement.lapsed !== null)?.judgement.lapsed?.why ?? whyVerdict(failing, verdict)
}

/** Why AWS explains these probes no longer, after it explained them all. */
export function noLongerExplained(failing: readonly Member[]): string {
  const unexplained = failing.filter((m) => m.judgement.verdict.kind !== 'explained')
  const lapsed = unexplained.find((m) => m.judgement.lapsed !== null)?.judgement.lapsed
  if (lapsed) return lapsed.why
  const [other] = unexplained
  return other === undefined
    ? 'AWS no longer explains all of it'
    : `AWS does not explain ${other.operation} (${other.monitor}): ${other.judgement.verdict.why}`
}
