const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Days, hours, minutes, seconds and milliseconds, each at most once and in this order: `1h30m`, `250ms`. */
export const DURATION = /^(?=\d)(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?(?:(\d{1,9})ms)?$/

/** Milliseconds of a duration such as `250ms`, `30s`, `5m`, `1h30m` or `2d`; `null` for anything else. */
export function parseDuration(text: string): number | null {
  const found = DURATION.exec(text)
  if (found === null) return null
  const [, days = '0', hours = '0', minutes = '0', seconds = '0', millis = '0'] = found
  return (
    Number(days) * DAY_MS + Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Number(seconds) * SECOND_MS + Number(millis)
  )
}

/** `1h30m` for 5400000, as it is written in the file. Exact. */
export function durationText(ms: number): string {
  if (ms <= 0) return '0s'
  const parts: string[] = []
  let rest = Math.round(ms)
  for (const [unit, size] of [
    ['d', DAY_MS],
    ['h', HOUR_MS],
    ['m', MINUTE_MS],
    ['s', SECOND_MS],
    ['ms', 1],
  ] as const) {
    const count = Math.floor(rest / size)
    if (count > 0) parts.push(`${count}${unit}`)
    rest -= count * size
  }
  return parts.join('')
}
