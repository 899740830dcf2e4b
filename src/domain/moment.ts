import type { Instant } from './probe.ts'

/** If two clocks drift apart by more than this between two looks, one was set, or the machine slept. */
export const JUMP_MS = 5_000

/** A moment by the clocks of a machine that nobody can set. Another process on that machine reads the same ones. */
export type Moment = Readonly<{
  /** Names the run of the machine since it was last booted: clocks of two runs cannot be compared. */
  boot: string
  /** Milliseconds since then; counts the time that the machine slept. */
  uptime: number
  /** Milliseconds since then; does not count it. */
  awake: number
}>

/** What the wall clock showed, and the moment of that; `null` where the machine has no such clocks. */
export type Stamp = Readonly<{ at: Instant; moment?: Moment | null }>

/**
 * How far the wall clock was set between two stamps, also while nobody ran; `null`: nobody knows, for the machine was booted in
 * between, or one of them names no moment. Less than `JUMP_MS` is taken for drift.
 */
export function setBetween(before: Stamp, after: Stamp): number | null {
  const [then, now] = [before.moment ?? null, after.moment ?? null]
  if (then === null || now === null || then.boot !== now.boot) return null
  const passed = now.uptime - then.uptime
  const awake = now.awake - then.awake
  // The uptime of a container may begin with the container: then it falls behind the clock that nothing restarts.
  if (awake < -JUMP_MS || passed < awake - JUMP_MS) return null
  const by = after.at - before.at - passed
  return Math.abs(by) > JUMP_MS ? Math.round(by) : 0
}
