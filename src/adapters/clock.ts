import { uptime } from 'node:os'
import type { Clock } from '../ports/time.ts'

/** The longest delay that `setTimeout` takes (2³¹ − 1 ms, some 24 days); a longer one fires at once. */
const MAX_TIMEOUT_MS = 2_147_483_647

/** The machine's own time. A sleep runs on the monotonic clock: it is late by as long as the machine slept. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // CLOCK_BOOTTIME or /proc/uptime on Linux (libuv), which count the time that the machine slept.
  uptime: () => uptime() * 1000,
  sleep(ms, signal) {
    if (signal.aborted || !(ms > 0)) return Promise.resolve()
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, Math.min(ms, MAX_TIMEOUT_MS))
      signal.addEventListener('abort', end, { once: true })
    })
  },
}
