import { type Family, familyOf, type Instant, MINUTE_MS, type Monitor, type Outcome } from './probe.ts'
import type { Gap, Mark, ProbeState } from './state.ts'

/** Failed runs that are kept as evidence of an undecided streak. */
export const MAX_TRAIL = 5
/** While an incident flaps, a probe recovers only after this long without a failure (`recovery`). */
export const FLAPPING_OK_MS = 30 * MINUTE_MS
const SHORTEST_GAP_MS = 5 * MINUTE_MS

/** What a run changed for its probe. */
export type Transition =
  /** Neither failed nor ok, or made while we were offline: nothing changes. */
  | Readonly<{ kind: 'not-counted'; why: string }>
  | Readonly<{ kind: 'ok' }>
  | Readonly<{ kind: 'undecided'; why: string }>
  /** The threshold was reached. */
  | Readonly<{ kind: 'failed'; family: Family; onset: Instant; why: string }>
  | Readonly<{ kind: 'still-failing' }>
  /** The last `count` conclusive runs are of another family (`family-change`). */
  | Readonly<{ kind: 'other-family'; family: Family; onset: Instant; why: string }>
  | Readonly<{ kind: 'recovering' }>
  | Readonly<{ kind: 'recovered'; why: string }>

export type Threshold = Pick<Monitor, 'fail' | 'recover' | 'periodMs'>

/** What is known of the probe's incident: its family, and whether it flaps. */
export type InIncident = Readonly<{ family: Family; flapping: boolean }>

/** `absence`: the last time in which Alibi did not run. */
type Surroundings = Readonly<{ incident: InIncident | null; absence: Gap | null }>

/**
 * `threshold` and the probe's half of `recovery`, `restart` and `family-change`: what one more run means for a probe.
 *
 * The window slides: a probe fails when `count` of its last `of` conclusive runs failed in one family. Its onset is the
 * earliest failed run from which the count can still be reached within `of` runs; when there is none left, the streak is
 * decided as harmless.
 */
export function advance(was: ProbeState, outcome: Outcome, threshold: Threshold, { incident, absence }: Surroundings): Advance {
  const at = outcome.startedAt
  const clean = outcome.result === 'ok' && outcome.tries[0]?.kind === null
  const ran: ProbeState = { ...was, lastRunAt: at, lastUncleanAt: clean ? was.lastUncleanAt : at }
  if (outcome.result === 'inconclusive') {
    return after({ ...ran, inconclusive: outcome.kind }, { kind: 'not-counted', why: outcome.kind })
  }
  if (outcome.kind === 'offline') {
    const why = 'the control call failed too: the problem is on our side'
    return after({ ...ran, inconclusive: 'offline' }, { kind: 'not-counted', why })
  }
  const family = outcome.result === 'ok' ? null : familyOf(outcome.kind)
  const gap = gapBefore(was, at, threshold.periodMs, absence)
  const isCut = gap !== null && was.status === 'undecided'
  const trail = isCut ? [] : was.trail
  const next: ProbeState = {
    ...ran,
    recent: [...(isCut ? [] : was.recent), { at, family }].slice(-threshold.fail.of),
    inconclusive: null,
    lastConclusiveAt: at,
    lastOkAt: family === null ? at : was.lastOkAt,
    trail: family === null ? trail : [...trail, outcome],
  }
  if (was.status !== 'failing' && was.status !== 'recovering') return counted({ was, next, at, family, gap, isCut }, threshold)
  // Its incident holds the evidence of a failing probe.
  const held = { ...next, trail }
  return family === null ? recovering(held, threshold, incident) : stillFailing(held, family, threshold, incident)
}

export type Advance = Readonly<{ state: ProbeState; transition: Transition }>

function after(state: ProbeState, what: Transition): Advance {
  return { state, transition: what }
}

/** A conclusive run of a probe that was ok or undecided. */
type CountedRun = Readonly<{
  was: ProbeState
  /** The state with the run in it; whether the probe is ok, undecided or failing by it has to be decided. */
  next: ProbeState
  at: Instant
  family: Family | null
  /** The gap in our own watch before this run. */
  gap: Gap | null
  /** Whether that gap ends the streak that was undecided. */
  isCut: boolean
}>

function counted(run: CountedRun, { fail }: Threshold): Advance {
  const { next, family } = run
  const { recent } = next
  const crossed = family === null ? null : countOf(recent, family)
  if (family !== null && crossed !== null && crossed.failed >= fail.count) {
    const onset = crossed.first
    const of = recent.length === 1 ? 'the last run' : `${crossed.failed} of the last ${recent.length} runs`
    const why = `${of} failed (the threshold is ${fail.count} of ${fail.of})`
    const state: ProbeState = { ...next, ...begunAt(onset, run), status: 'failing', okRuns: 0, okSince: null }
    return after(state, { kind: 'failed', family, onset, why })
  }
  const onset = earliestOpenOnset(recent, fail)
  if (onset === null) return after({ ...next, status: 'ok', onset: null, okBefore: null, gap: null, trail: [] }, { kind: 'ok' })
  const failed = recent.filter((m) => m.family !== null && m.at >= onset).length
  const why = `${failed} failed since the onset; ${fail.count} of ${fail.of} decide`
  return after({ ...next, ...begunAt(onset, run), status: 'undecided' }, { kind: 'undecided', why })
}

/** What is known of the start of the streak that has this onset. */
function begunAt(onset: Instant, { was, next, at, gap, isCut }: CountedRun) {
  const okBefore = next.recent.findLast((m) => m.family === null && m.at < onset)?.at
  return {
    onset,
    okBefore: okBefore ?? (was.onset === null || isCut ? was.lastOkAt : was.okBefore),
    gap: onset === at ? gap : onset === was.onset ? was.gap : null,
    trail: keepEnds(next.trail.filter((outcome) => outcome.startedAt >= onset)),
  }
}

/** `family-change`: another failed run of a failing probe, after which it may be failing in another way. */
function stillFailing(state: ProbeState, family: Family, { fail }: Threshold, incident: InIncident | null): Advance {
  const failing: ProbeState = { ...state, status: 'failing', okRuns: 0, okSince: null }
  const last = state.recent.slice(-fail.count)
  const [first] = last
  if (incident === null || family === incident.family || first === undefined || last.length !== fail.count)
    return after(failing, { kind: 'still-failing' })
  if (last.some((m) => m.family !== family)) return after(failing, { kind: 'still-failing' })
  const onset = first.at
  const runs = fail.count === 1 ? 'the last run' : `the last ${fail.count} runs`
  const why = `${runs} failed as ${family}, no longer as ${incident.family}`
  return after({ ...failing, onset, okBefore: state.lastOkAt, gap: null }, { kind: 'other-family', family, onset, why })
}

/** `recovery`: an ok run of a failing probe, after which it may have recovered. */
function recovering(state: ProbeState, threshold: Threshold, incident: InIncident | null): Advance {
  const okRuns = state.okRuns + 1
  const at = state.lastOkAt ?? 0
  const okSince = state.okSince ?? at
  const flapping = incident?.flapping === true
  const hasRecovered = flapping ? at - okSince >= FLAPPING_OK_MS : okRuns >= threshold.recover
  if (!hasRecovered) return after({ ...state, status: 'recovering', okRuns, okSince }, { kind: 'recovering' })
  const why = flapping ? 'ok for 30 minutes (it was flapping)' : `${okRuns} ok runs in a row`
  const begun = { onset: null, okBefore: null, gap: null, recent: [], trail: [] }
  return after({ ...state, ...begun, status: 'ok', okRuns: 0, okSince: null }, { kind: 'recovered', why })
}

/** A gap in our own watch is longer than three periods, and than five minutes (`restart`). */
export function isGap(fromTo: Readonly<{ from: Instant; to: Instant }>, periodMs: number): boolean {
  return fromTo.to - fromTo.from > Math.max(SHORTEST_GAP_MS, 3 * periodMs)
}

/** The gap before this run, if there is one. */
function gapBefore(was: ProbeState, at: Instant, periodMs: number, absence: Gap | null): Gap | null {
  const from = was.lastConclusiveAt
  if (from === null || !isGap({ from, to: at }, periodMs)) return null
  const away = absence !== null && absence.from < at && absence.to > from
  return { from, to: at, why: away ? absence.why : gapWhy(was.inconclusive) }
}

function gapWhy(inconclusive: ProbeState['inconclusive']): string {
  switch (inconclusive) {
    case 'throttled':
      return 'AWS throttled every try'
    case 'stalled':
      return 'our own process was blocked'
    case 'fault':
      return 'its runs ended in an internal error of Alibi'
    case 'offline':
      return 'this host was offline'
    case null:
      return 'no run was made'
  }
}

function countOf(recent: readonly Mark[], family: Family): { failed: number; first: Instant } | null {
  const failed = recent.filter((m) => m.family === family)
  return failed[0] === undefined ? null : { failed: failed.length, first: failed[0].at }
}

/** The earliest failed run from which `count` failures of its family are still possible within `of` runs. */
function earliestOpenOnset(recent: readonly Mark[], fail: Threshold['fail']): Instant | null {
  for (const [i, mark] of recent.entries()) {
    if (mark.family === null) continue
    const since = recent.slice(i)
    const failed = since.filter((m) => m.family === mark.family).length
    if (failed + (fail.of - since.length) >= fail.count) return mark.at
  }
  return null
}

/**
 * How many more failed runs in a row make a probe fail in this family that does not do so yet, and which onset it would have
 * then; `null` if the runs that count hold no failure of this family. A probe that fails in another family moves by runs in a
 * row (`family-change`).
 */
export function untilThreshold(
  { status, recent }: Pick<ProbeState, 'status' | 'recent'>,
  family: Family,
  { count, of }: Threshold['fail'],
): Readonly<{ runs: number; onset: Instant }> | null {
  const since = recent.slice(recent.findLastIndex((mark) => mark.family !== family) + 1)
  for (let runs = 1; runs < count; runs++) {
    const counted = status === 'failing' ? since : recent.slice(Math.max(0, recent.length - (of - runs)))
    const known = countOf(counted, family)
    if (known !== null && known.failed + runs >= count) return { runs, onset: known.first }
  }
  return null
}

/** The first run and the newest ones, which are the interesting ones of a long streak. */
export function keepEnds(trail: readonly Outcome[]): readonly Outcome[] {
  return trail.length <= MAX_TRAIL ? trail : [...trail.slice(0, 1), ...trail.slice(-(MAX_TRAIL - 1))]
}
