import type { ControlAnswer, Outcome } from '../domain/probe.ts'
import { redateOutcome } from '../domain/rebase.ts'
import type { Clocks } from './clock-watch.ts'

/** A finished run, and when it began on the monotonic clock: the wall clock may be set before the run is judged. */
export type FinishedRun = Readonly<{ outcome: Outcome; begun: number }>

/** A control call that no run made, and when it began on the monotonic clock. */
export type ControlCall = Readonly<{ answer: ControlAnswer; begun: number }>

/** The outcome of a run, dated by the wall clock as it is now. */
export function datedOutcome({ outcome, begun }: FinishedRun, clocks: Clocks): Outcome {
  if (clocks.neverSet()) return outcome
  return redateOutcome(outcome, begun, (wall, monotonic) => clocks.setSince(wall, monotonic))
}

/** The answer to a control call, dated by the wall clock as it is now. */
export function datedAnswer({ answer, begun }: ControlCall, clocks: Clocks): ControlAnswer {
  return { ...answer, at: answer.at + clocks.setSince(answer.at, begun) }
}
