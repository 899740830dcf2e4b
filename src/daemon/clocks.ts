import type { Clock } from '../ports/time.ts'

/** Clocks that part by more than this between two looks: one was set, or the machine slept. */
export const JUMP_MS = 5_000
/** While the wall clock and the monotonic one agree, uptime is read at most this often: it costs as much as a whole decision. */
const UPTIME_EVERY_MS = 1_000

const NOTHING = { setBy: 0, sleptMs: 0 } as const

/** Compares the machine's three clocks with what they said at the last look. */
export class Clocks {
  private readonly clock: Clock
  private was: Readonly<{ wall: number; monotonic: number; uptime: number }>

  constructor(clock: Clock) {
    this.clock = clock
    this.was = this.read()
  }

  /** The wall clock was set by so much, and the machine slept for so long, since the last look; 0: not at all. */
  compare(): Readonly<{ setBy: number; sleptMs: number }> {
    const { was, clock } = this
    const passed = clock.monotonic() - was.monotonic
    // Neither a clock that is set nor a machine that sleeps leaves these two in step; should both happen and cancel out, it is
    // seen a second later.
    const inStep = Math.abs(clock.now() - was.wall - passed) <= JUMP_MS
    if (inStep && passed < UPTIME_EVERY_MS) return NOTHING
    const is = this.read()
    this.was = is
    const setBy = is.wall - was.wall - (is.uptime - was.uptime)
    const sleptMs = is.uptime - was.uptime - (is.monotonic - was.monotonic)
    return { setBy: Math.abs(setBy) > JUMP_MS ? Math.round(setBy) : 0, sleptMs: sleptMs > JUMP_MS ? Math.round(sleptMs) : 0 }
  }

  private read() {
    return { wall: this.clock.now(), monotonic: this.clock.monotonic(), uptime: this.clock.uptime() }
  }
}
