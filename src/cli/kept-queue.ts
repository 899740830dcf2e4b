import type { Config } from '../config/config.ts'
import { answerOf } from '../domain/queue-record.ts'
import { messageOfThrown } from '../domain/thrown.ts'
import type { HealthSource } from '../ports/health.ts'
import type { Wired } from '../wire.ts'
import { reader } from './database.ts'

/**
 * The health queue as a command sees it: by what the daemon has read and kept. A command that received messages itself would take
 * them from the daemon for a while.
 */
export function keptQueue(config: Config, { queue, clock }: Pick<Wired, 'queue' | 'clock'>): HealthSource | null {
  if (queue === null) return null
  return {
    async ask(now, since) {
      try {
        const store = await reader(config)
        try {
          const kept = await store.queue(queue.url)
          if (kept !== null) return answerOf(kept, queue.interest, since, clock.now())
          return { state: 'unavailable', at: now, why: 'the daemon, which alone reads it, has not read it yet' }
        } finally {
          await store.close()
        }
      } catch (cause) {
        return { state: 'unavailable', at: now, why: `the daemon alone reads it, and ${messageOfThrown(cause)}` }
      }
    },
  }
}
