import { keyOf } from '../domain/mailing.ts'
import type { Owed } from '../domain/notification.ts'
import type { Clock } from '../ports/time.ts'

/** For how long each email has been owed, whatever the wall clock was set to meanwhile. */
export class WaitingTimes {
  private readonly clock: Pick<Clock, 'now' | 'monotonic'>
  /** When it was first seen, on the monotonic clock, and for how long it had been owed by then. */
  private firstSeen: ReadonlyMap<string, Readonly<{ at: number; owedMs: number }>> = new Map()

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.clock = clock
  }

  /** Everything that is owed at the moment. */
  see(all: readonly Owed[]): void {
    const at = this.clock.monotonic()
    this.firstSeen = new Map(
      all.map((owed) => {
        const key = keyOf(owed)
        return [key, this.firstSeen.get(key) ?? { at, owedMs: this.of(owed) }]
      }),
    )
  }

  /** In milliseconds. */
  of(owed: Owed): number {
    const { clock } = this
    const seen = this.firstSeen.get(keyOf(owed))
    return seen === undefined
      ? Math.max(0, clock.now() - owed.notification.createdAt)
      : seen.owedMs + (clock.monotonic() - seen.at)
  }
}
