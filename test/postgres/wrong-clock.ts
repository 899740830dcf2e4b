import { globSync, writeFileSync } from 'node:fs'

/** Where Debian and others put libfaketime. */
const PLACES = ['/usr/lib/*/faketime', '/usr/lib/faketime', '/usr/lib64/faketime', '/usr/local/lib/faketime']

/** The clock of one process, which can be set while the process runs. */
export type WrongClock = Readonly<{
  /** What the process has to be started with. */
  env: Record<string, string>
  /** From now on (after a second at most), and at every start, the clock is so far ahead; behind, where it is less than 0. */
  set(offsetMs: number): void
}>

/**
 * Only the clock that tells the time is wrong: the monotonic clock, the uptime and the times of files are left as they are.
 * @param path of a file that only this process uses
 * @returns `null` where libfaketime is not installed
 */
export function wrongClock(path: string): WrongClock | null {
  const [library] = PLACES.flatMap((place) => globSync(`${place}/libfaketime.so.1`))
  if (library === undefined) return null
  const set = (offsetMs: number) => writeFileSync(path, `${offsetMs < 0 ? '-' : '+'}${Math.abs(offsetMs) / 1000}\n`)
  set(0)
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: path,
      // Seconds.
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    },
    set,
  }
}
