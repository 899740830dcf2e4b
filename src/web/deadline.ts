import type { Clock } from '../ports/time.ts'

/** The work was not done in time. */
class LateError extends Error {
  override readonly name = 'LateError'
}

/** @throws {LateError} when the work takes longer than `ms`, and whatever the work itself throws */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const over = new AbortController()
  // If it fails after the deadline, nobody is waiting for the error any more.
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
