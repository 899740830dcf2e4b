import type { HealthReading } from './outage.ts'
import { type ControlAnswer, decisiveTry, type Instant, type Obstacle, type Outcome, type Try } from './probe.ts'
import type { Connectivity } from './state.ts'

/** Failed control calls in a row that make us `offline` (docs/rules.md). */
export const FAILURES_THAT_CUT_OFF = 3
/** No call takes longer: one that is older than the last by more was made after the clock had been set back. */
const CLOCK_SET_BACK_MS = 5 * 60_000

/** Attempts to reach the outside, answered or not. */
export type Contacts = Readonly<{
  controls: readonly ControlAnswer[]
  outcomes: readonly Outcome[]
  /** The newest of each partition. */
  readings: Iterable<HealthReading>
}>

/**
 * Whether the problem is on our side, after these contacts. Any answer from outside means that we are online: the control host may
 * be down while AWS answers, and its problems must never mute ours. As long as nobody at all has answered since the start, failed
 * control calls make us offline too; a control host that does not answer although somebody else does is misconfigured.
 */
export function advanceConnectivity(was: Connectivity, { controls, outcomes, readings }: Contacts): Connectivity {
  let connectivity = was
  for (const call of controlCalls(controls, outcomes)) {
    if (connectivity.lastAt !== null && call.at <= connectivity.lastAt && connectivity.lastAt - call.at <= CLOCK_SET_BACK_MS)
      continue
    connectivity = call.reached
      ? {
          ...connectivity,
          everReached: true,
          failures: 0,
          failingSince: null,
          controlFailedAt: null,
          lastAt: call.at,
          lastAnswerAt: call.at,
          offlineSince: null,
        }
      : failed(connectivity, call)
  }
  connectivity = withAnswering(connectivity, outcomes)
  const isFirst = isUnanswered(connectivity)
  // Later AWS Health says nothing here: what is asked after a run may be answered by a network that has come back meanwhile.
  const answered = lastAnswer(outcomes) ?? (isFirst ? lastReadAt(readings) : null)
  const last = connectivity.lastAnswerAt ?? 0
  if (answered !== null && (answered > last || last - answered > CLOCK_SET_BACK_MS)) {
    connectivity = { ...connectivity, lastAnswerAt: answered }
    const cutOffNoMore =
      connectivity.failingSince === null ||
      answered >= connectivity.failingSince ||
      connectivity.failingSince - answered > CLOCK_SET_BACK_MS
    // The failures of a control host that was never reached count on from the first answer: it is reported as misconfigured.
    if (cutOffNoMore && (connectivity.everReached || isFirst))
      connectivity = { ...connectivity, failures: 0, failingSince: null, offlineSince: null }
  }
  const cutOff = (connectivity.everReached || isUnanswered(connectivity)) && connectivity.failures >= FAILURES_THAT_CUT_OFF
  return cutOff && connectivity.offlineSince === null
    ? { ...connectivity, offlineSince: connectivity.failingSince }
    : connectivity
}

/**
 * A control call that failed. If AWS has answered since the control host last did, that says something about us only if a run could
 * not reach AWS either.
 */
function failed(was: Connectivity, { at, ofRun, obstacle }: ControlCall): Connectivity {
  const connectivity = { ...was, lastAt: at, controlFailedAt: was.controlFailedAt ?? at }
  // A wrong certificate or a refusing proxy is an answer too: it is not the network that is missing.
  if (isUnanswered(was) && (obstacle === 'certificate' || obstacle === 'proxy')) return connectivity
  if (was.everReached && isControlInDoubt(was) && !ofRun) return connectivity
  return { ...connectivity, failures: was.failures + 1, failingSince: was.failingSince ?? at }
}

/** Nobody at all has answered since the start. */
export function isUnanswered({ everReached, lastAnswerAt }: Connectivity): boolean {
  return !everReached && lastAnswerAt === null
}

/** AWS has answered since the control calls began to fail: the problem is the control host's, until it answers again. */
export function isControlInDoubt({ controlFailedAt, lastAnswerAt }: Connectivity): boolean {
  return controlFailedAt !== null && lastAnswerAt !== null && lastAnswerAt >= controlFailedAt
}

type Failed = Extract<Outcome, { result: 'failed' }>
type ControlCall = ControlAnswer & Readonly<{ ofRun: boolean }>

/** Runs share control calls, and each call counts once. */
function controlCalls(controls: readonly ControlAnswer[], outcomes: readonly Outcome[]): readonly ControlCall[] {
  const all = [
    ...controls.map((call) => ({ ...call, ofRun: false })),
    ...outcomes.flatMap(({ control }) => (control === null ? [] : [{ ...control, ofRun: true }])),
  ]
  if (all.length < 2) return all
  const byTime = new Map(all.map((call) => [call.at, call]))
  return [...byTime.values()].sort((a, b) => a.at - b.at)
}

function lastAnswer(outcomes: readonly Outcome[]): Instant | null {
  let last: Instant | null = null
  for (const { tries } of outcomes) {
    for (const { status, at, ms } of tries) if (status !== null) last = Math.max(last ?? 0, at + ms)
  }
  return last
}

function withAnswering(connectivity: Connectivity, outcomes: readonly Outcome[]): Connectivity {
  const known = new Set(connectivity.answeredBy)
  for (const { tries } of outcomes) for (const made of tries) if (made.status !== null) known.add(hostOf(made))
  return known.size === connectivity.answeredBy.length ? connectivity : { ...connectivity, answeredBy: [...known] }
}

function hostOf({ service, region }: Try): string {
  return `${service} ${region}`
}

/** When AWS Health or its dashboard last answered, with whatever. */
function lastReadAt(readings: Iterable<HealthReading>): Instant | null {
  let last: Instant | null = null
  for (const { sources } of readings) {
    for (const { state, heard, at } of Object.values(sources)) {
      const isAnswer = state === 'answered' || state === 'refused' || heard === true
      if (isAnswer && at !== null) last = Math.max(last ?? 0, at)
    }
  }
  return last
}

/**
 * Whose problem a failed run is. A host that has never answered since the start, and fails by its name, its certificate or a proxy,
 * is our own `setup`; but if no name resolves because there is no network, we are `offline`.
 */
export function blame(outcome: Outcome, connectivity: Connectivity): Outcome {
  if (outcome.result !== 'failed') return outcome
  const obstacle = neverPassed(outcome, connectivity)
  if (obstacle !== null && obstacle !== 'name' && isUnanswered(connectivity)) return { ...outcome, kind: 'setup' }
  const blamed = cutOff(outcome, connectivity)
  return obstacle !== null && blamed.kind === 'unreachable' ? { ...outcome, kind: 'setup' } : blamed
}

/** What the run failed by, if its host has never answered since the start. */
function neverPassed(outcome: Outcome, connectivity: Connectivity): Obstacle | null {
  const made = outcome.kind === 'unreachable' ? decisiveTry(outcome) : null
  return made?.obstacle === undefined || connectivity.answeredBy.includes(hostOf(made)) ? null : made.obstacle
}

/**
 * `offline`: unreachable, and the control call failed too. No failed run counts while we are offline, or while nobody at all has
 * answered since the start. An answer from outside that came during the run shows that we are online, and so does a control host
 * that has a problem itself; an earlier answer says nothing about a network that may have failed since.
 */
function cutOff(outcome: Failed, connectivity: Connectivity): Outcome {
  if (connectivity.offlineSince !== null) return { ...outcome, kind: 'offline' }
  if (outcome.kind !== 'unreachable' || outcome.control === null || outcome.control.reached) return outcome
  if (!connectivity.everReached && !isUnanswered(connectivity)) return outcome
  const heard =
    isControlInDoubt(connectivity) || (connectivity.lastAnswerAt !== null && connectivity.lastAnswerAt >= outcome.startedAt)
  return heard ? outcome : { ...outcome, kind: 'offline' }
}
