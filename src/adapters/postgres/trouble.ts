import { messageOfThrown } from '../../domain/thrown.ts'
import type { Log } from '../../ports/log.ts'
import type { Clock } from '../../ports/time.ts'

/** The same problem is logged this often. */
const REPEAT_MS = 5 * 60_000

/** Logs what passes by itself, now and then. */
export class Trouble {
  private readonly clock: Clock
  private readonly log: Log
  private readonly saidAt = new Map<string, number>()

  constructor({ clock, log }: Readonly<{ clock: Clock; log: Log }>) {
    this.clock = clock
    this.log = log
  }

  say(what: string, cause: unknown): void {
    const now = this.clock.monotonic()
    if (now - (this.saidAt.get(what) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return
    this.saidAt.set(what, now)
    this.log.warn(what, { why: messageOfThrown(cause), next: 'tried again within seconds' })
  }
}
