import { JUMP_MS } from '../domain/moment.ts'
import type { Clock } from '../ports/time.ts'

/** While the wall clock and the monotonic one agree, uptime is read at most this often: it costs as much as a whole decision. */
const UPTIME_EVERY_MS = 1_000

/** Stretches between two settings of the clock that are remembered: nothing that is under way is older. */
const MAX_STRETCHES = 10

const NOTHING = { setBy: 0, sleptMs: 0 } as const

/** A stretch in which the wall clock and the monotonic one were in step: by how much they differed, and how far the wall clock was set since. */
type Stretch = Readonly<{ offset: number; setSince: number }>

/** Compares the machine's three clocks with what they said at the last look. */
export class Clocks {
  private readonly clock: Clock
  private was: Readonly<{ wall: number; monotonic: number; uptime: number }>
  /** Newest first. */
  private stretches: readonly Stretch[]

  constructor(clock: Clock) {
    this.clock = clock
    this.was = this.read()
    this.stretches = [{ offset: offsetOf(this.was), setSince: 0 }]
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
    const set = is.wall - was.wall - (is.uptime - was.uptime)
    const slept = is.uptime - was.uptime - (is.monotonic - was.monotonic)
    const setBy = Math.abs(set) > JUMP_MS ? Math.round(set) : 0
    const sleptMs = slept > JUMP_MS ? Math.round(slept) : 0
    if (setBy !== 0 || sleptMs !== 0) {
      // The last stretch as it was at its end: until then the two may have drifted apart.
      const [, ...earlier] = this.stretches
      const past = [{ offset: offsetOf(was), setSince: this.stretches[0]?.setSince ?? 0 }, ...earlier]
      const moved = past.map(({ offset, setSince }) => ({ offset, setSince: setSince + setBy }))
      this.stretches = [{ offset: offsetOf(is), setSince: 0 }, ...moved].slice(0, MAX_STRETCHES)
    }
    return { setBy, sleptMs }
  }

  /** Neither was the clock ever set nor did the machine sleep: what is dated needs no second look. */
  neverSet(): boolean {
    return this.stretches.length === 1
  }

  /**
   * How far the wall clock was set since it said this, at about that moment of the monotonic one. What is under way when it is
   * set, and what begins before anybody has noticed, is told apart by how far its two clocks differ.
   */
  setSince(wall: number, monotonic: number): number {
    const [first, ...others] = this.stretches
    if (first === undefined) return 0
    const far = ({ offset }: Stretch) => Math.abs(wall - monotonic - offset)
    return others.reduce((nearest, one) => (far(one) < far(nearest) ? one : nearest), first).setSince
  }

  private read() {
    return { wall: this.clock.now(), monotonic: this.clock.monotonic(), uptime: this.clock.uptime() }
  }
}

function offsetOf({ wall, monotonic }: Readonly<{ wall: number; monotonic: number }>): number {
  return wall - monotonic
}
