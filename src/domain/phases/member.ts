import { NEVER_JUDGED } from '../explanation.ts'
import type { Member } from '../incident.ts'
import type { Family, Instant, Monitor, Outcome, Probe } from '../probe.ts'
import { operationShown } from '../setup.ts'
import type { ProbeState } from '../state.ts'
import { keepEnds } from '../streak.ts'

/** A probe that has just failed, by which run, and why that counts as failing. */
export type FailedProbe = Readonly<{
  probe: Probe
  monitor: Monitor
  state: ProbeState
  outcome: Outcome
  family: Family
  onset: Instant
  why: string
}>

/** A failing probe of which nothing but the onset is known. */
export function bareMember(probe: Probe, onset: Instant, now: Instant): Member {
  return {
    probe: probe.id,
    monitor: probe.monitor,
    account: probe.account,
    operation: operationShown(probe),
    state: 'failing',
    onset,
    lastOkAt: null,
    gap: null,
    failedAt: now,
    recoveredAt: null,
    lastRunAt: onset,
    lastFailedAt: onset,
    evidence: [],
    judgement: NEVER_JUDGED,
  }
}

export function newMember({ probe, monitor, state, outcome, family, onset }: FailedProbe, now: Instant): Member {
  const why = `kind ${outcome.kind}: no AWS outage explains it (monitor ${monitor.name})`
  const verdict = { kind: 'unexplained' as const, why, rejected: [] }
  return {
    ...bareMember(probe, onset, now),
    lastOkAt: state.okBefore,
    gap: state.gap,
    lastRunAt: outcome.startedAt,
    lastFailedAt: outcome.startedAt,
    evidence: state.trail.length > 0 ? state.trail : [outcome],
    judgement: family === 'outage' ? NEVER_JUDGED : { ...NEVER_JUDGED, verdict },
  }
}

export function failedAgain(member: Member, outcome: Outcome): Member {
  const at = outcome.startedAt
  return { ...member, state: 'failing', lastRunAt: at, lastFailedAt: at, evidence: keepEnds([...member.evidence, outcome]) }
}

export function recovering(member: Member, at: Instant): Member {
  return { ...member, state: 'recovering', lastRunAt: at }
}

export function recovered(member: Member, at: Instant): Member {
  return { ...member, state: 'recovered', recoveredAt: at, lastRunAt: at }
}
