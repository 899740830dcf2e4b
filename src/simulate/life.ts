import type { Clock } from '../ports/time.ts'
import type { VirtualClock } from './clock.ts'

/** The time of one process. It ends when the process is killed: nothing that it was waiting for ever happens. */
export type Life = Clock &
  Pick<VirtualClock, 'elapsed' | 'after' | 'at' | 'onJump' | 'onLeap'> & {
    /** `kill -9`: no timer, answer or write of this process has any further effect. */
    end(): void
    readonly over: boolean
  }

export function lifeOn(clock: VirtualClock): Life {
  let over = false
  const ifAlive = (run: () => void) => () => {
    if (!over) run()
  }
  const after = (ms: number, run: () => void) => clock.after(ms, ifAlive(run))
  return {
    now: clock.now,
    monotonic: clock.monotonic,
    uptime: clock.monotonic,
    moment: clock.moment,
    elapsed: clock.elapsed,
    after,
    at: (moment, run) => clock.at(moment, ifAlive(run)),
    onJump: (listener) => clock.onJump(ifAlive(listener)),
    onLeap: (listener) => clock.onLeap(ifAlive(listener)),
    sleep(ms, signal) {
      if (over) return never()
      if (signal.aborted || !(ms > 0)) return Promise.resolve()
      return new Promise((resolve) => {
        const end = ifAlive(() => {
          callOff()
          signal.removeEventListener('abort', end)
          resolve()
        })
        const callOff = after(ms, end)
        signal.addEventListener('abort', end, { once: true })
      })
    },
    end() {
      over = true
    },
    get over() {
      return over
    },
  }
}

/** What a dead process still asks of the port has no effect and gets no answer. */
export function mortal<T extends object>(port: T, life: Life): T {
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => (life.over ? never() : Reflect.apply(value, target, given))
    },
  })
}

function never(): Promise<never> {
  return new Promise(() => {})
}
