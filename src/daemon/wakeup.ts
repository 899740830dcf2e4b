import type { Clock } from '../ports/time.ts'

/** Without a reason each abort would make an exception with a stack, some ten thousand a week that nobody reads. */
const WOKEN = 'woken'

/** Lets a loop wait for a time or for a nudge, whichever comes first; a nudge that comes while it works is not lost. */
export class Wakeup {
  private pending = false
  private wake: AbortController | null = null

  nudge(): void {
    this.pending = true
    this.wake?.abort(WOKEN)
  }

  /** Resolves after `ms`, at a nudge (also one that came since the last wait), or when `stop` aborts. */
  async wait(clock: Clock, ms: number, stop: AbortSignal): Promise<void> {
    if (!this.pending && !stop.aborted && ms > 0) {
      // By hand rather than by AbortSignal.any: `stop` lives as long as the process, and would hold on to every wait.
      const wake = new AbortController()
      const stopped = () => wake.abort(WOKEN)
      stop.addEventListener('abort', stopped, { once: true })
      this.wake = wake
      await clock.sleep(ms, wake.signal)
      this.wake = null
      stop.removeEventListener('abort', stopped)
    }
    this.pending = false
  }

  /** Waits for a time whatever is nudged, unless `stop` aborts. */
  async rest(clock: Clock, ms: number, stop: AbortSignal): Promise<void> {
    await clock.sleep(ms, stop)
    this.pending = false
  }
}
