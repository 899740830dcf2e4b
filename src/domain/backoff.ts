/** No wait between two tries is longer than this, however often it was doubled. */
export const MAX_BACKOFF_MS = 5 * 60_000

/**
 * How long to wait after the failed try `attempt` (0 for the first): between half and all of `baseMs`, which doubles each time,
 * so that probes that failed together do not retry together.
 */
export function backoffMs(attempt: number, baseMs: number, random01: number): number {
  const nominal = Math.min(baseMs * 2 ** Math.max(0, attempt), MAX_BACKOFF_MS)
  return Math.round(nominal * (0.5 + 0.5 * Math.min(1, Math.max(0, random01))))
}

/** The first pause between two tries of a call that AWS throttles, and the longest. */
export const THROTTLE_PAUSE_MS = 1_000
const MAX_THROTTLE_PAUSE_MS = 4_000

/** How long to wait after so many tries of a call that AWS throttled: doubled each time. Only one process asks, so nothing is spread. */
export function throttlePauseMs(tries: number, firstMs = THROTTLE_PAUSE_MS): number {
  return Math.min(firstMs * 2 ** Math.max(0, tries - 1), MAX_THROTTLE_PAUSE_MS)
}
