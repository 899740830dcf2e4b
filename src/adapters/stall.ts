import { performance } from 'node:perf_hooks'
import type { Clock } from '../ports/time.ts'

/** How often the meter looks whether the process still turns; a stall shorter than this is not seen. */
const TICK_MS = 40

export type Watch = Disposable & {
  /** The longest time that this process was blocked since the watch began, in milliseconds; 0 if it never was. */
  longestMs(): number
}

export type StallMeter = { watch(): Watch; close(): void }

/**
 * Shows whether our own process was blocked while it waited for something: event-loop delay (a timer that ticks only
 * while somebody watches, and does not keep the process alive), and the wall clock running away from the monotonic one
 * (a machine that slept, a clock that was set). Without it a starved monitor calls its own absence an outage.
 */
export function stallMeter(clock: Pick<Clock, 'now' | 'monotonic'>): StallMeter {
  type Watching = { since: number; worst: number }
  const watching = new Set<Watching>()
  let timer: NodeJS.Timeout | null = null
  let lastTick = 0

  const stood = (watch: Watching, at: number) => Math.max(0, at - Math.max(lastTick, watch.since) - TICK_MS)
  const tick = () => {
    const at = clock.monotonic()
    for (const watch of watching) watch.worst = Math.max(watch.worst, stood(watch, at))
    lastTick = at
  }
  const stop = () => {
    if (timer) clearInterval(timer)
    timer = null
  }

  return {
    watch() {
      const began = { wall: clock.now(), monotonic: clock.monotonic() }
      if (!timer) {
        lastTick = began.monotonic
        timer = setInterval(tick, TICK_MS).unref()
      }
      const watch: Watching = { since: began.monotonic, worst: 0 }
      watching.add(watch)
      return {
        longestMs() {
          const at = clock.monotonic()
          const drift = Math.abs(clock.now() - began.wall - (at - began.monotonic))
          return Math.max(watch.worst, stood(watch, at), drift)
        },
        [Symbol.dispose]() {
          watching.delete(watch)
          if (watching.size === 0) stop()
        },
      }
    },
    close() {
      watching.clear()
      stop()
    },
  }
}

/** Our own deadline passed: nothing is known but that no whole answer came in time. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
  readonly ms: number
  constructor(ms: number) {
    super(`no whole answer within ${Math.round(ms)} ms`)
    this.ms = ms
  }
}

/** The caller's signal ended the work. */
export class AbandonedError extends Error {
  override readonly name = 'AbandonedError'
  constructor() {
    super('abandoned: we are stopping')
  }
}

/** Who waits for a signal to abort. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls `act` when `signal` aborts, until what it returns is called. The signals that end the process are waited for by
 * every run and live as long as it: one listener for each, for `removeEventListener` looks through all that there are.
 */
function whenAborted(signal: AbortSignal, act: () => void): () => void {
  const known = waiting.get(signal)
  const acts = known ?? new Set()
  if (known === undefined) {
    waiting.set(signal, acts)
    const actAll = () => {
      for (const each of [...acts]) each()
    }
    signal.addEventListener('abort', actAll, { once: true })
  }
  acts.add(act)
  return () => void acts.delete(act)
}

/**
 * Runs `work` for at most `ms` and then aborts its signal, whether or not it listens. An event loop that was blocked finds
 * the deadline's timer due before it has read the answers that lie in its sockets: so the timer, when it fires, first
 * makes sure that the time has truly passed (Node dates a timer by the begin of the loop's turn), then lets the
 * loop poll twice, and only then gives up.
 * @throws {DeadlineError} when the time is up @throws {AbandonedError} when `signal` aborts, else whatever `work` throws
 */
export function within<T>(ms: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController()
  const begun = performance.now()
  return new Promise<T>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    let forget = () => {}
    let settled = false
    const settle = (act: () => void) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      forget()
      act()
    }
    const giveUp = (error: Error) =>
      settle(() => {
        reject(error)
        own.abort(error)
      })
    const abandon = () => giveUp(new AbandonedError())
    const arm = (left: number) => {
      timer = setTimeout(() => {
        const missing = ms - (performance.now() - begun)
        if (missing > 1) arm(missing)
        else setImmediate(() => setImmediate(() => giveUp(new DeadlineError(ms))))
        // Node keeps a list of timers for each duration: in whole milliseconds, a thousand runs share a few.
      }, Math.ceil(left))
    }
    if (signal.aborted) return abandon()
    forget = whenAborted(signal, abandon)
    arm(ms)
    work(own.signal).then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    )
  })
}
