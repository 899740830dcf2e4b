import { settleJudgement, withFirstEnds } from '../explanation.ts'
import type { Incident, Judgement, Member } from '../incident.ts'
import { judge } from '../judge.ts'
import { carryPlaces } from '../member-places.ts'
import type { HealthReading } from '../outage.ts'
import { decisiveTry, type Instant, type Outcome } from '../probe.ts'
import type { Failure, Verdict } from '../verdict.ts'
import type { Draft } from './draft.ts'
import { peersOf } from './peers.ts'

/** Judges every failing member that ran, or for whose partition AWS Health was read, since it was judged last. */
export function judgeMembers(draft: Draft): void {
  const open = draft.openIncidents()
  if (open.length === 0) return
  const ran = new Set(draft.input.outcomes.map((outcome) => outcome.probe))
  for (const incident of open) {
    const reading = draft.input.readings.get(incident.partition)
    if (incident.family === 'outage' && reading !== undefined) judgeIncident(draft, incident, reading, ran)
  }
}

function judgeIncident(draft: Draft, incident: Incident, reading: HealthReading, ran: ReadonlySet<string>): void {
  const members = incident.members.map((member) => {
    const run = member.evidence.at(-1)
    if (member.state === 'recovered' || run === undefined) return member
    const { readAt } = member.judgement
    if (!ran.has(member.probe) && readAt !== null && reading.at <= readAt) return member
    return { ...member, judgement: judgementOf(draft, member, run, reading) }
  })
  if (members.every((member, i) => member === incident.members[i])) return
  carryPlaces(incident.members, members)
  draft.putIncident({ ...incident, members })
}

function judgementOf(draft: Draft, member: Member, run: Outcome, reading: HealthReading): Judgement {
  const { now } = draft.input
  const runAt = failsStillAt(draft, member, run)
  const failure = failureOf(draft, member, run, runAt)
  if (failure === null) return member.judgement
  const seen = withFirstEnds(reading, member.judgement.ends, now)
  const judged = verdictOf(draft, member, failure, seen)
  const silentSince = runAt === run.startedAt ? null : member.lastRunAt
  const { extensionMs } = draft.setup.policy
  return settleJudgement(member.judgement, judged, seen, {
    runAt,
    silentSince,
    extensionMs,
    peers: () => peersOf(draft, member),
    now,
  })
}

export function verdictOf(draft: Draft, member: Member, failure: Failure, reading: HealthReading): Verdict {
  const { policy, relevance } = draft.setup
  return judge(failure, reading, { policy, relevance, peers: () => peersOf(draft, member), now: draft.input.now })
}

/**
 * The moment for which a failing probe is judged: its last failed run. If it has not run for too long its last state stands
 * (`blind`), and it is judged as if it failed now: an explanation must not outlive its event just because no run happens.
 */
function failsStillAt(draft: Draft, member: Member, run: Outcome): Instant {
  const { now } = draft.input
  const monitor = draft.setup.monitors.get(member.monitor)
  if (monitor === undefined || draft.connectivity.offlineSince !== null || member.state !== 'failing') return run.startedAt
  const patienceMs = Math.max(draft.setup.policy.blindAfterMs, 3 * Math.min(monitor.periodMs, monitor.recheckEveryMs))
  return now >= Math.max(member.lastRunAt, draft.freshSince) + patienceMs ? now : run.startedAt
}

/** What the judge has to know of a failed run. @param at when it failed, or is taken to have failed */
export function failureOf(draft: Draft, member: Member, run: Outcome, at: Instant): Failure | null {
  const probe = draft.setup.probes.get(member.probe)
  const monitor = draft.setup.monitors.get(member.monitor)
  const decisive = decisiveTry(run)
  if (probe === undefined || monitor === undefined || decisive === null || run.result !== 'failed') return null
  const { service, region } = decisive
  return { kind: run.kind, service, region, onset: member.onset, at, owners: draft.input.owners(probe, monitor) }
}
