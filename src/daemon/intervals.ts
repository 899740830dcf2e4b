import type { Instant } from '../domain/probe.ts'

/** When each kind of regular work was last done. */
export class Intervals {
  private readonly doneAt = new Map<string, Instant>()

  /** Whether this work is due again. If so, it counts as done now. */
  isDue(what: string, everyMs: number, now: Instant): boolean {
    const last = this.doneAt.get(what)
    // After the clock was set back we must not wait until the same time comes round again.
    if (last !== undefined && now >= last && now - last < everyMs) return false
    this.doneAt.set(what, now)
    return true
  }

  /** The clock was set: everything is due. */
  forget(): void {
    this.doneAt.clear()
  }
}
