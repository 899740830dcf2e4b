/** No wait between two tries is longer than this, however often it was doubled. */
export const MAX_BACKOFF_MS = 5 * 60_000

/**
 * How long to wait after the failed try `attempt` (0 for the first): `baseMs` doubled each time, of which at least half
 * and never more than all is waited, so that probes that failed together do not come back together.
 */
export function backoffMs(attempt: number, baseMs: number, random01: number): number {
  const nominal = Math.min(baseMs * 2 ** Math.max(0, attempt), MAX_BACKOFF_MS)
  return Math.round(nominal * (0.5 + 0.5 * Math.min(1, Math.max(0, random01))))
}
