import type { Clock } from '../ports/time.ts'

/** Without a reason every abort would create an exception with a stack trace: some ten thousand a week, which nobody reads. */
const WOKEN = 'woken'

/** Lets a loop wait for a time or for a nudge, whichever comes first. A nudge that comes while the loop works is not lost. */
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
      // Not AbortSignal.any: `stop` lives as long as the process, and would keep every wait in memory.
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

  /** Waits for a time, ignoring nudges, unless `stop` aborts. */
  async rest(clock: Clock, ms: number, stop: AbortSignal): Promise<void> {
    await clock.sleep(ms, stop)
    this.pending = false
  }
}
