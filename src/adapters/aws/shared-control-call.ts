import type { ControlAnswer } from '../../domain/probe.ts'
import type { Clock } from '../../ports/time.ts'
import type { Outlet } from '../outlet.ts'
import { type StallMeter, within } from '../stall.ts'
import { controlCall } from './control.ts'

/** Runs of one moment share a control call: an answer this old still counts. */
const SHARED_MS = 5_000
/** A process that was blocked for less than this counts as not blocked. */
export const MIN_STALL_MS = 200

type Options = Readonly<{
  control: Readonly<{ url: string; timeoutMs: number }>
  outlet: Outlet
  clock: Clock
  meter: StallMeter
}>

/** One control call for all that ask within a few seconds; if one stops waiting, the others still get it. */
export class SharedControlCall {
  readonly #options: Options
  readonly #closed = new AbortController()
  #shared: { answer: Promise<ControlAnswer>; doneAt: number | null } | null = null

  constructor(options: Options) {
    this.#options = options
  }

  ask(signal: AbortSignal, maxAgeMs = SHARED_MS): Promise<ControlAnswer> {
    const { clock, control } = this.#options
    const at = clock.now()
    const answer = this.#fresh(maxAgeMs) ?? this.#begin()
    // Its own deadline ends the call; this one only lets a caller go who is aborted.
    return within(4 * control.timeoutMs, signal, () => answer).catch((error: Error) => ({
      at,
      ms: 0,
      reached: false,
      detail: error.message,
    }))
  }

  close(): void {
    this.#closed.abort()
  }

  #fresh(maxAgeMs: number): Promise<ControlAnswer> | null {
    if (this.#shared === null) return null
    const { answer, doneAt } = this.#shared
    return doneAt === null || this.#options.clock.monotonic() - doneAt < maxAgeMs ? answer : null
  }

  #begin(): Promise<ControlAnswer> {
    const answer = this.#steady()
    const asked = { answer, doneAt: null as number | null }
    answer.then(
      () => {
        asked.doneAt = this.#options.clock.monotonic()
      },
      () => undefined,
    )
    this.#shared = asked
    return answer
  }

  /** A call that failed while this process was blocked is made once more. */
  async #steady(): Promise<ControlAnswer> {
    const { control, outlet, clock, meter } = this.#options
    using watch = meter.watch()
    const first = await controlCall({ ...control, outlet }, clock, this.#closed.signal)
    if (first.reached || watch.longestMs() < MIN_STALL_MS) return first
    return controlCall({ ...control, outlet }, clock, this.#closed.signal)
  }
}
