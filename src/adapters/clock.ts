import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import type { Clock } from '../ports/time.ts'

/** The longest delay that `setTimeout` takes (2³¹ − 1 ms, some 24 days); a longer one fires at once. */
const MAX_TIMEOUT_MS = 2_147_483_647

/** Linux names each boot of the machine here, for all of its containers alike. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id'
const bootId = bootIdOf(BOOT_ID)

/** The machine's own time. A sleep runs on the monotonic clock: it is late by as long as the machine slept. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // CLOCK_BOOTTIME or /proc/uptime on Linux (libuv), which count the time that the machine slept.
  uptime: () => uptime() * 1000,
  // CLOCK_MONOTONIC, which begins with the machine and stands still while it sleeps.
  moment: () =>
    bootId === null
      ? null
      : { boot: bootId, uptime: Math.round(uptime() * 1000), awake: Math.round(Number(process.hrtime.bigint()) / 1e6) },
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

function bootIdOf(path: string): string | null {
  try {
    const id = readFileSync(path, 'utf8').trim()
    return /^[0-9a-f-]{36}$/.test(id) ? id : null
  } catch {
    return null
  }
}
