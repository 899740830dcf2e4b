import type { Decision } from '../domain/decision.ts'
import type { Partition } from '../domain/probe.ts'
import type { Clock } from '../ports/time.ts'
import type { HealthReader } from './health-reader.ts'

/** A reading that began no longer ago than this is as good as one that begins now. Making it may have taken most of that time. */
const JUST_ASKED_MS = 15_000

export type PostponementDeps = Readonly<{
  clock: Pick<Clock, 'monotonic'>
  reader: Pick<HealthReader, 'begunAt'>
  /** AWS Health is to be asked, and what it says to be judged. */
  askAgain: (partition: Partition) => void
}>

/** Emails that the clock alone makes due wait until AWS Health has been asked again (`consult`). */
export class Postponement {
  private readonly deps: PostponementDeps
  /** Since when something waits, on the monotonic clock. */
  private readonly since = new Map<Partition, number>()

  constructor(deps: PostponementDeps) {
    this.deps = deps
  }

  /** Whether a decision that the clock alone caused must be made later. If so, AWS Health is asked. */
  mustWait({ announced }: Decision): boolean {
    const { clock, reader, askAgain } = this.deps
    const now = clock.monotonic()
    const partitions = new Set(announced.flatMap(({ incident }) => (incident?.family === 'outage' ? [incident.partition] : [])))
    const unread = [...partitions].filter((one) => reader.begunAt(one) < (this.since.get(one) ?? now - JUST_ASKED_MS))
    for (const partition of unread) {
      if (!this.since.has(partition)) this.since.set(partition, now)
      askAgain(partition)
    }
    if (unread.length === 0) this.since.clear()
    return unread.length > 0
  }
}
