import type { Clock, ScheduledTask, Ticker } from '../ports/time.ts'
import { Firing } from '../schedule/firing.ts'

/** Timers that may fire at one moment. If there are more, something waits for no time at all, forever. */
const MAX_AT_ONCE = 100_000

/** The real ones, whatever a test does to the global. */
const macrotask = setImmediate
const { nextTick } = process

export type VirtualClock = Clock & {
  /** Lets true time pass: sleeps end at their moment and in order, and what one sets off runs before the next one ends. */
  advance(ms: number): Promise<void>
  /** Lets everything run that waits for no time. */
  settle(): Promise<void>
  /** The wall clock is set forward or back, or (forward) the machine slept. Timers and `monotonic` do not notice. */
  jump(ms: number): void
  /** True time since the clock was made, in milliseconds. */
  elapsed(): number
  /** Runs once `ms` of true time have passed. @returns what cancels it */
  after(ms: number, run: () => void): () => void
  /** Runs at that moment of true time, which no leap delays. @returns what cancels it */
  at(elapsed: number, run: () => void): () => void
  /**
   * Lets true time pass without anybody noticing: whatever waits then waits for as long as it would have before. Nothing that was
   * to run `at` a moment may lie in between.
   */
  leap(ms: number): void
  /** Calls back after each leap. @returns what ends that */
  onLeap(listener: () => void): () => void
  /** What is waited for with `after` and `sleep`: how many waits there are, and when the last of them ends. */
  waits(): Readonly<{ count: number; until: number }>
  /** Calls back after each jump. @returns what ends that */
  onJump(listener: () => void): () => void
  /** Sleeps and timers that are pending. */
  pending(): number
}

export function virtualClock(start: number): VirtualClock {
  const timers = new Timers()
  const listeners = new Set<() => void>()
  const leapt = new Set<() => void>()
  let elapsed = 0
  let offset = start
  let order = 0

  const settle = () => new Promise<void>((resolve) => void macrotask(resolve))
  /** Node calls back as soon as no promise is left that can settle, which is sooner than the next turn of the event loop. */
  const settlePromises = () => new Promise<void>((resolve) => void nextTick(resolve))

  function after(ms: number, run: () => void): () => void {
    return timers.add({ due: elapsed + Math.max(0, ms), order: order++, isFixed: false, run })
  }

  return {
    now: () => elapsed + offset,
    monotonic: () => elapsed,
    uptime: () => elapsed,
    moment: () => ({ boot: 'simulated', uptime: elapsed, awake: elapsed }),
    elapsed: () => elapsed,
    pending: () => timers.size,
    after,
    at: (moment, run) => timers.add({ due: Math.max(elapsed, moment), order: order++, isFixed: true, run }),
    waits: () => timers.waits(),
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
        await settlePromises()
      }
      elapsed = until
    },
    jump(ms) {
      offset += ms
      for (const listener of listeners) listener()
    },
    leap(ms) {
      elapsed += ms
      timers.delay(ms)
      for (const listener of leapt) listener()
    },
    onLeap(listener) {
      leapt.add(listener)
      return () => void leapt.delete(listener)
    },
    onJump(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

type Timer = { due: number; readonly order: number; readonly isFixed: boolean; run: (() => void) | null }

/** Timers by due time, as a binary heap: a story may have thousands, and takes out the earliest at every step. */
class Timers {
  private heap: Timer[] = []
  private live = 0

  get size(): number {
    return this.live
  }

  /** @returns what cancels it */
  add(timer: Timer): () => void {
    this.live += 1
    this.rise(timer)
    return () => {
      if (timer.run === null) return
      timer.run = null
      this.live -= 1
    }
  }

  /** Takes out the earliest that is due by then. */
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

  /** Delays all that are not fixed. */
  delay(ms: number): void {
    const timers = this.heap.filter(({ run }) => run !== null)
    this.heap = []
    for (const timer of timers) {
      if (!timer.isFixed) timer.due += ms
      this.rise(timer)
    }
  }

  waits(): Readonly<{ count: number; until: number }> {
    let [count, until] = [0, 0]
    for (const { run, isFixed, due } of this.heap) {
      if (run === null || isFixed) continue
      count += 1
      until = Math.max(until, due)
    }
    return { count, until }
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

  /** Puts a timer in the place of the first, and moves it down to where it belongs. */
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
 * Fires schedules on a virtual clock as the real ticker does on the machine's: by the same planner, and the same rules for spread,
 * overlaps and jumps. `random` (0 to 1) spreads; by default nothing is spread.
 */
export function virtualTicker(
  clock: Pick<VirtualClock, 'now' | 'elapsed' | 'after' | 'at' | 'onJump' | 'onLeap'>,
  random: () => number = () => 0,
): Ticker {
  return {
    schedule(task) {
      let cancel = () => {}
      const firing = new Firing(
        { ...task, fire: (at) => run(task, at) },
        { now: clock.now, after: clock.after, random01: random },
      )
      function arm(): void {
        cancel()
        const at = firing.next()
        if (at === null) return
        cancel = clock.at(clock.elapsed() + at - clock.now(), () => {
          firing.look()
          arm()
        })
      }
      arm()
      const forget = [
        clock.onJump(() => {
          firing.replan()
          arm()
        }),
        clock.onLeap(() => {
          firing.leap()
          arm()
        }),
      ]
      return {
        stop() {
          for (const end of forget) end()
          cancel()
          return firing.stop()
        },
        next: () => firing.next(),
      }
    },
  }
}

/** A fire that fails does not stop the schedule. */
async function run(task: ScheduledTask, at: number | undefined): Promise<void> {
  try {
    await task.fire(at)
  } catch {}
}
