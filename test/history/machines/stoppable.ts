import type { VirtualClock } from '../../../src/simulate/clock.ts'
import type { Life } from '../../../src/simulate/life.ts'

/** The time of a process that can be stopped as by SIGSTOP: the clocks go on, and what it waited for happens when it is woken. */
export type StoppableLife = Life & {
  stop(): void
  wake(): void
  readonly isStopped: boolean
  /** Resolves at once while the process runs, otherwise when it is woken; never once it is over. */
  awake(): Promise<void>
}

export function stoppableLife(clock: VirtualClock): StoppableLife {
  let over = false
  let isStopped = false
  let held: (() => void)[] = []
  const gated = (run: () => void) => () => {
    if (over) return
    if (isStopped) held.push(run)
    else run()
  }
  const after = (ms: number, run: () => void) => clock.after(ms, gated(run))
  return {
    now: clock.now,
    monotonic: clock.monotonic,
    uptime: clock.uptime,
    moment: clock.moment,
    elapsed: clock.elapsed,
    after,
    at: (moment, run) => clock.at(moment, gated(run)),
    onJump: (listener) => clock.onJump(gated(listener)),
    onLeap: (listener) => clock.onLeap(gated(listener)),
    sleep(ms, signal) {
      if (over) return never()
      if (signal.aborted || !(ms > 0)) return Promise.resolve()
      return new Promise((resolve) => {
        const end = gated(() => {
          callOff()
          signal.removeEventListener('abort', end)
          resolve()
        })
        const callOff = after(ms, end)
        signal.addEventListener('abort', end, { once: true })
      })
    },
    stop() {
      isStopped = true
    },
    wake() {
      isStopped = false
      const due = held
      held = []
      // One after the other, as Node runs timers that are overdue.
      for (const run of due) after(0, run)
    },
    awake() {
      if (over) return never()
      return isStopped ? new Promise((resolve) => void held.push(resolve)) : Promise.resolve()
    },
    end() {
      over = true
      held = []
    },
    get isStopped() {
      return isStopped
    },
    get over() {
      return over
    },
  }
}

/**
 * Before and after each call of a port the process may be killed or stopped: then nothing of it happens, or nobody learns that it
 * did; or it happens late.
 */
export function breakable<T extends object>(port: T, life: StoppableLife, mayBreak: () => void): T {
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      // It returns nothing, and calls back.
      if (typeof value !== 'function' || key === 'watch') return value
      return async (...given: unknown[]) => {
        mayBreak()
        await life.awake()
        try {
          return await Reflect.apply(value, target, given)
        } finally {
          mayBreak()
          await life.awake()
        }
      }
    },
  })
}

function never(): Promise<never> {
  return new Promise(() => {})
}
