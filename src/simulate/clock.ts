import type { Clock, ScheduledTask, Ticker } from '../ports/time.ts'
import { Firing } from '../schedule/firing.ts'

/** Timers that fire at one moment: more, and something waits for no time at all, for ever. */
const MAX_AT_ONCE = 100_000

/** The real one, whatever a test makes of the global. A turn of it lets every promise that can settle do so. */
const macrotask = setImmediate

export type VirtualClock = Clock & {
  /** Lets true time pass: every sleep that falls due ends at its moment, in order, and what it sets off runs before the next. */
  advance(ms: number): Promise<void>
  /** Lets everything run that waits for no time. */
  settle(): Promise<void>
  /** The wall clock is set ahead or back, or (ahead) the machine slept; timers and `monotonic` know nothing of it. */
  jump(ms: number): void
  /** True time since the clock was made, in milliseconds. */
  elapsed(): number
  /** Runs once `ms` of true time have passed, unless it is called off. */
  after(ms: number, run: () => void): () => void
  /** Told of each jump, after it. */
  onJump(listener: () => void): () => void
  /** Sleeps and timers that are pending. */
  pending(): number
}

export function virtualClock(start: number): VirtualClock {
  const timers = new Timers()
  const listeners = new Set<() => void>()
  let elapsed = 0
  let offset = start
  let order = 0

  const settle = () => new Promise<void>((resolve) => void macrotask(resolve))

  function after(ms: number, run: () => void): () => void {
    return timers.add({ due: elapsed + Math.max(0, ms), order: order++, run })
  }

  return {
    now: () => elapsed + offset,
    monotonic: () => elapsed,
    uptime: () => elapsed,
    moment: () => ({ boot: 'simulated', uptime: elapsed, awake: elapsed }),
    elapsed: () => elapsed,
    pending: () => timers.size,
    after,
    settle,
    sleep(ms, signal) {
      if (signal.aborted || !(ms > 0)) return Promise.resolve()
      return new Promise((resolve) => {
        const end = () => {
          cancel()
          signal.removeEventListener('abort', end)
          resolve()
        }
        const cancel = after(ms, end)
        signal.addEventListener('abort', end, { once: true })
      })
    },
    async advance(ms) {
      const until = elapsed + ms
      let atOnce = 0
      await settle()
      for (let timer = timers.take(until); timer !== null; timer = timers.take(until)) {
        atOnce = timer.due > elapsed ? 0 : atOnce + 1
        if (atOnce > MAX_AT_ONCE) throw new Error(`more than ${MAX_AT_ONCE} timers at one moment: something waits for no time`)
        elapsed = Math.max(elapsed, timer.due)
        timer.run()
        await settle()
      }
      elapsed = until
    },
    jump(ms) {
      offset += ms
      for (const listener of listeners) listener()
    },
    onJump(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

type Timer = { readonly due: number; readonly order: number; run: (() => void) | null }

/** Timers by when they are due, as a binary heap: a story may have thousands, and takes out the earliest at each of its steps. */
class Timers {
  private readonly heap: Timer[] = []
  private live = 0

  get size(): number {
    return this.live
  }

  /** @returns what calls it off */
  add(timer: Timer): () => void {
    this.live += 1
    this.rise(timer)
    return () => {
      if (timer.run === null) return
      timer.run = null
      this.live -= 1
    }
  }

  /** Takes out the earliest that is due until then. */
  take(until: number): Readonly<{ due: number; run: () => void }> | null {
    for (let first = this.heap[0]; first !== undefined && first.due <= until; first = this.heap[0]) {
      const last = this.heap.pop() as Timer
      if (last !== first) this.sink(last)
      const { due, run } = first
      if (run === null) continue
      first.run = null
      this.live -= 1
      return { due, run }
    }
    return null
  }

  private rise(timer: Timer): void {
    const { heap } = this
    let at = heap.length
    for (let up = (at - 1) >> 1; at > 0 && isBefore(timer, heap[up] as Timer); up = (at - 1) >> 1) {
      heap[at] = heap[up] as Timer
      at = up
    }
    heap[at] = timer
  }

  /** Puts a timer in the place of the first, and lets it down to its own. */
  private sink(timer: Timer): void {
    const { heap } = this
    let at = 0
    for (;;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const down = right < heap.length && isBefore(heap[right] as Timer, heap[left] as Timer) ? right : left
      if (down >= heap.length || !isBefore(heap[down] as Timer, timer)) break
      heap[at] = heap[down] as Timer
      at = down
    }
    heap[at] = timer
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order)
}

/**
 * Fires schedules on a virtual clock as the real ticker does on the machine's, by the same planner and the same rules for spread,
 * overlaps and jumps. `random` (0 to 1) spreads; by default nothing is spread.
 */
export function virtualTicker(clock: Pick<VirtualClock, 'now' | 'after' | 'onJump'>, random: () => number = () => 0): Ticker {
  return {
    schedule(task) {
      let callOff = () => {}
      const firing = new Firing(
        { ...task, fire: (at) => run(task, at) },
        { now: clock.now, after: clock.after, random01: random },
      )
      function arm(): void {
        callOff()
        const at = firing.next()
        if (at === null) return
        callOff = clock.after(at - clock.now(), () => {
          firing.look()
          arm()
        })
      }
      arm()
      const forget = clock.onJump(() => {
        firing.replan()
        arm()
      })
      return {
        stop() {
          forget()
          callOff()
          return firing.stop()
        },
        next: () => firing.next(),
      }
    },
  }
}

/** A fire that fails is its own business: the schedule goes on. */
async function run(task: ScheduledTask, at: number | undefined): Promise<void> {
  try {
    await task.fire(at)
  } catch {}
}
