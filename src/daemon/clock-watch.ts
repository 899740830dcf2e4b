import { JUMP_MS } from '../domain/moment.ts'
import type { Clock } from '../ports/time.ts'

/** While the wall clock and the monotonic clock agree, the uptime is read at most this often: it costs as much as a decision. */
const UPTIME_EVERY_MS = 1_000

/** Spans between two clock changes that are remembered: nothing that is under way is older. */
const MAX_SPANS = 10

const NOTHING = { setBy: 0, sleptMs: 0 } as const

/** A span in which both clocks were in step: by how much they differed, and how far the wall clock was set since. */
type Span = Readonly<{ offset: number; setSince: number }>

/** Compares the machine's three clocks with what they said the last time. */
export class Clocks {
  private readonly clock: Clock
  private was: Readonly<{ wall: number; monotonic: number; uptime: number }>
  /** Newest first. */
  private spans: readonly Span[]

  constructor(clock: Clock) {
    this.clock = clock
    this.was = this.read()
    this.spans = [{ offset: offsetOf(this.was), setSince: 0 }]
  }

  /** By how much the wall clock was set, and for how long the machine slept, since the last call; 0: not at all. */
  compare(): Readonly<{ setBy: number; sleptMs: number }> {
    const { was, clock } = this
    const passed = clock.monotonic() - was.monotonic
    // Neither a clock that is set nor a machine that sleeps leaves these two in step. If both happen and cancel out, it is noticed a
    // second later.
    const inStep = Math.abs(clock.now() - was.wall - passed) <= JUMP_MS
    if (inStep && passed < UPTIME_EVERY_MS) return NOTHING
    const is = this.read()
    this.was = is
    const set = is.wall - was.wall - (is.uptime - was.uptime)
    const slept = is.uptime - was.uptime - (is.monotonic - was.monotonic)
    const setBy = Math.abs(set) > JUMP_MS ? Math.round(set) : 0
    const sleptMs = slept > JUMP_MS ? Math.round(slept) : 0
    if (setBy !== 0 || sleptMs !== 0) {
      // The last span as it was at its end: until then the two may have drifted apart.
      const [, ...earlier] = this.spans
      const past = [{ offset: offsetOf(was), setSince: this.spans[0]?.setSince ?? 0 }, ...earlier]
      const moved = past.map(({ offset, setSince }) => ({ offset, setSince: setSince + setBy }))
      this.spans = [{ offset: offsetOf(is), setSince: 0 }, ...moved].slice(0, MAX_SPANS)
    }
    return { setBy, sleptMs }
  }

  /** Whether the clock was never set and the machine never slept: then no date needs to change. */
  neverSet(): boolean {
    return this.spans.length === 1
  }

  /**
   * How far the wall clock was set since it said `wall`, at about that moment of the monotonic clock. What is under way when the clock
   * is set, and what begins before that is noticed, are distinguished by how far the two differ.
   */
  setSince(wall: number, monotonic: number): number {
    const [first, ...others] = this.spans
    if (first === undefined) return 0
    const far = ({ offset }: Span) => Math.abs(wall - monotonic - offset)
    return others.reduce((nearest, one) => (far(one) < far(nearest) ? one : nearest), first).setSince
  }

  private read() {
    return { wall: this.clock.now(), monotonic: this.clock.monotonic(), uptime: this.clock.uptime() }
  }
}

function offsetOf({ wall, monotonic }: Readonly<{ wall: number; monotonic: number }>): number {
  return wall - monotonic
}
