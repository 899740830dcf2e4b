import type { Clock } from '../ports/time.ts'

/** What is asked did not answer in time. */
export class LateError extends Error {
  override readonly name = 'LateError'
}

/** @throws {LateError} when the work has not come to an end within `ms`; whatever the work itself throws */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const over = new AbortController()
  // A work that fails after its time has nobody left to tell.
  work.catch(() => undefined)
  try {
    return await Promise.race([
      work,
      clock.sleep(ms, over.signal).then(() => {
        if (!over.signal.aborted) throw new LateError(`no answer within ${ms}ms`)
        return work
      }),
    ])
  } finally {
    over.abort()
  }
}
