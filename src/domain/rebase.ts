import type { Heard, Incident, Member } from './incident.ts'
import type { Instant, Outcome } from './probe.ts'
import type { Connectivity, Gap, ProbeState } from './state.ts'

/*
 * The machine's clock was set while we were running. What we hold was dated by the old clock; from now on, the new one counts.
 * Shifting what is open by the difference keeps every interval: no reminder fires early or late, no threshold is skipped, no silence
 * grows longer. What is already written (runs, ledger, emails) stays as it is.
 */

/** A probe's state as the new clock would have dated it. */
export function rebaseProbe(state: ProbeState, by: number): ProbeState {
  return {
    ...state,
    recent: state.recent.map((mark) => ({ ...mark, at: mark.at + by })),
    onset: shift(state.onset, by),
    okSince: shift(state.okSince, by),
    lastOkAt: shift(state.lastOkAt, by),
    lastRunAt: shift(state.lastRunAt, by),
    lastConclusiveAt: shift(state.lastConclusiveAt, by),
    lastUncleanAt: shift(state.lastUncleanAt, by),
    knownSince: state.knownSince + by,
    gap: rebaseGap(state.gap, by),
    trail: state.trail.map((outcome) => rebaseOutcome(outcome, by)),
  }
}

/** An incident as the new clock would have dated it. Times that AWS gave stay AWS's. */
export function rebaseIncident(incident: Incident, by: number): Incident {
  return {
    ...incident,
    openedAt: incident.openedAt + by,
    episodeAt: incident.episodeAt + by,
    ...(incident.heldUntil === undefined ? {} : { heldUntil: incident.heldUntil + by }),
    announcedAt: shift(incident.announcedAt, by),
    closedAt: shift(incident.closedAt, by),
    members: incident.members.map((member) => rebaseMember(member, by)),
    lastMailAt: shift(incident.lastMailAt, by),
    audience: incident.audience.map((a) => (a.heard === null ? a : { ...a, heard: rebaseHeard(a.heard, by) })),
    hindsight: incident.hindsight.map((one) => ({ ...one, at: one.at + by })),
    reopenedAt: incident.reopenedAt.map((at) => at + by),
  }
}

function rebaseHeard(heard: Heard, by: number): Heard {
  return { ...heard, at: heard.at + by, widerAt: shift(heard.widerAt, by) }
}

function rebaseMember(member: Member, by: number): Member {
  const { judgement } = member
  const alibi =
    judgement.alibi === null
      ? null
      : { ...judgement.alibi, confirmedAt: judgement.alibi.confirmedAt + by, until: judgement.alibi.until + by }
  // An end may be one that AWS gave; the earlier of both counts, so that it moves with our clock does no harm.
  const ends = judgement.ends.map((end) => ({ ...end, at: end.at + by }))
  const lapsed = judgement.lapsed === null ? null : { ...judgement.lapsed, at: judgement.lapsed.at + by }
  return {
    ...member,
    onset: member.onset + by,
    lastOkAt: shift(member.lastOkAt, by),
    gap: rebaseGap(member.gap, by),
    failedAt: member.failedAt + by,
    recoveredAt: shift(member.recoveredAt, by),
    lastRunAt: member.lastRunAt + by,
    lastFailedAt: member.lastFailedAt + by,
    evidence: member.evidence.map((outcome) => rebaseOutcome(outcome, by)),
    judgement: { ...judgement, alibi, lapsed, readAt: shift(judgement.readAt, by), ends },
  }
}

/** How far the wall clock was set since it showed `wall`, at about that moment of the monotonic clock. */
export type SetSince = (wall: Instant, monotonic: number) => number

/**
 * A run as the clock of now would have dated it. It may have begun before the clock was set and ended after, so each of its
 * times is looked at by itself.
 *
 * @param begun when it began, on the monotonic clock; its other moments follow from how long each part of it took
 */
export function redateOutcome(outcome: Outcome, begun: number, setSince: SetSince): Outcome {
  const startedAt = outcome.startedAt + setSince(outcome.startedAt, begun)
  let monotonic = begun
  const redated = (at: Instant, ms: number) => {
    const dated = at + setSince(at, monotonic)
    // A pause may lie before the next part: it is dated from this one's begin, not from a sum that falls behind.
    monotonic = begun + (dated - startedAt) + ms
    return dated
  }
  const tries = outcome.tries.map((one) => ({ ...one, at: redated(one.at, one.ms) }))
  const { control } = outcome
  const controlled = control === null ? null : { ...control, at: redated(control.at, control.ms) }
  return { ...outcome, startedAt, endedAt: outcome.endedAt + setSince(outcome.endedAt, monotonic), tries, control: controlled }
}

function rebaseOutcome(outcome: Outcome, by: number): Outcome {
  const control = outcome.control === null ? null : { ...outcome.control, at: outcome.control.at + by }
  const tries = outcome.tries.map((one) => ({ ...one, at: one.at + by }))
  return { ...outcome, startedAt: outcome.startedAt + by, endedAt: outcome.endedAt + by, tries, control }
}

export function rebaseConnectivity(connectivity: Connectivity, by: number): Connectivity {
  const { failingSince, controlFailedAt, lastAt, lastAnswerAt, offlineSince } = connectivity
  return {
    ...connectivity,
    controlFailedAt: shift(controlFailedAt, by),
    failingSince: shift(failingSince, by),
    lastAt: shift(lastAt, by),
    lastAnswerAt: shift(lastAnswerAt, by),
    offlineSince: shift(offlineSince, by),
  }
}

export function rebaseGap(gap: Gap | null, by: number): Gap | null {
  return gap === null ? null : { ...gap, from: gap.from + by, to: gap.to + by }
}

function shift(at: Instant | null, by: number): Instant | null {
  return at === null ? null : at + by
}
