import { createTask, parse } from 'node-cron'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../domain/probe.ts'
import type { Clock, ScheduledTask, Ticker } from '../ports/time.ts'

/** Timers that fire at one moment: more, and something waits for no time at all, for ever. */
const MAX_AT_ONCE = 100_000
/** How far ahead a schedule is looked for: a 29 February is never further. */
const MAX_MINUTES = 8 * 366 * 24 * 60

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
 * Fires schedules on a virtual clock as the real ticker does on the machine's: at most one fire at a time, overlaps told,
 * planned anew after a jump with what was missed told once. `random` (0 to 1) spreads; by default nothing is spread.
 */
export function virtualTicker(clock: Pick<VirtualClock, 'now' | 'after' | 'onJump'>, random: () => number = () => 0): Ticker {
  return {
    schedule(task) {
      const next = cronPlanner(task.cron, task.timezone)
      let expected: number | null = null
      let running: Promise<void> | null = null
      let delayed: number | null = null
      let stopped = false
      let callOff = () => {}
      let callOffDelay = () => {}

      function plan(): void {
        callOff()
        expected = next(clock.now())
        if (expected === null) return
        const slot = expected
        callOff = clock.after(slot - clock.now(), () => beat(slot))
      }

      function beat(slot: number): void {
        plan()
        const delay = Math.floor(random() * task.spreadMs)
        if (running !== null || delayed !== null) {
          task.overlapped(slot)
        } else if (delay === 0) {
          fire()
        } else {
          delayed = slot
          callOffDelay = clock.after(delay, () => {
            delayed = null
            fire()
          })
        }
      }

      function fire(): void {
        running = run(task).finally(() => {
          running = null
        })
      }

      function replan(): void {
        callOffDelay()
        const lost = delayed ?? expected
        delayed = null
        plan()
        if (lost !== null && lost < clock.now()) task.missed(lost)
      }

      plan()
      const forget = clock.onJump(replan)
      return {
        async stop() {
          stopped = true
          forget()
          callOff()
          callOffDelay()
          await running
        },
        next: () => (stopped ? null : next(clock.now())),
      }
    },
  }
}

/** A fire that fails is its own business: the schedule goes on. */
async function run(task: ScheduledTask): Promise<void> {
  try {
    await task.fire()
  } catch {}
}

/**
 * The next time of a schedule after a moment, by node-cron's own matcher; `null` if there is none within eight years.
 * (node-cron's planner begins at the machine's present, which is not ours.)
 */
export function cronPlanner(cron: string, timezone: string): (after: number) => number | null {
  const key = `${timezone} ${cron}`
  const known = planners.get(key)
  if (known !== undefined) return known
  const made = plannerFor(cron, timezone)
  if (planners.size < MAX_PLANNERS) planners.set(key, made)
  return made
}

/** A daemon that is started a hundred times in a story asks for the same schedules each time. */
const planners = new Map<string, (after: number) => number | null>()
const MAX_PLANNERS = 200

function plannerFor(cron: string, timezone: string): (after: number) => number | null {
  const fields = parse(cron)
  const task = createTask(cron, () => {}, { timezone })
  void task.destroy() // Only its matcher is wanted; this takes it from node-cron's list of tasks.
  const seconds = [...fields.second].sort((a, b) => a - b)
  // Zones differ from UTC by quarters of an hour, and by less than a day: what matches in none need not be looked at.
  const minutes = new Set(fields.minute.flatMap((minute) => [0, 15, 30, 45].map((shift) => (minute + shift) % 60)))
  const dayMayMatch = (at: number) =>
    [-DAY_MS, 0, DAY_MS].some((shift) => {
      const day = new Date(at + shift)
      const dates = fields.dayOfMonth
      return (
        fields.month.includes(day.getUTCMonth() + 1) &&
        (dates.includes(day.getUTCDate()) || dates.some((date) => typeof date === 'string'))
      )
    })
  // As node-cron does it: of an hour that the end of summer time repeats, the second one does not count.
  const everyHour = fields.hour.length === 24
  // What holds at every minute of every day holds in every zone: nothing is to be asked, and a week of minutes asks often.
  const everyMinute =
    everyHour &&
    fields.minute.length === 60 &&
    fields.month.length === 12 &&
    fields.dayOfMonth.length >= 31 &&
    fields.dayOfWeek.length >= 7
  const local = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'medium' })
  const repeats = (at: number) => !everyHour && local.format(at) <= local.format(at - HOUR_MS)

  return (after) => {
    const first = Math.floor(after / MINUTE_MS)
    for (let minute = first; minute < first + MAX_MINUTES; minute++) {
      if (minute % 1_440 === 0 && !dayMayMatch(minute * MINUTE_MS)) {
        minute += 1_439
        continue
      }
      if (!minutes.has(minute % 60)) continue
      const candidate = seconds.map((second) => minute * MINUTE_MS + second * 1_000).find((at) => at > after)
      if (candidate === undefined) continue
      if (everyMinute || (task.match(new Date(candidate)) && !repeats(candidate))) return candidate
    }
    return null
  }
}
