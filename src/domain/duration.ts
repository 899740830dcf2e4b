/** A duration as a person says it: `45s`, `12m`, `3h 20m`, `2d 4h`; the two largest units, rounded down. */
export function inWords(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 === 0 ? `${hours}h` : `${hours}h ${minutes % 60}m`
  const days = Math.floor(hours / 24)
  return hours % 24 === 0 ? `${days}d` : `${days}d ${hours % 24}h`
}

/**
 * How long, where both ends stand beside it as clock times to the minute: what the clock shows, so that `12:10 to 12:40` is
 * never 29 minutes. Less than a minute is given as it is.
 */
export function inWordsByClock(from: number, to: number): string {
  if (to - from < 60_000) return inWords(to - from)
  return inWords((Math.floor(to / 60_000) - Math.floor(from / 60_000)) * 60_000)
}

/** The furthest that a Date can count: beyond it `toISOString` throws. */
const FURTHEST = 8_640_000_000_000_000

/** `2025-10-20 07:11Z`: an instant where the date matters. Never throws, whatever number it is given. */
export function utc(at: number): string {
  if (!(Math.abs(at) <= FURTHEST)) return 'an unknown time'
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')}Z`
}

/** `2025-10-20 07:11:42Z`: an instant where seconds count. Never throws. */
export function utcToTheSecond(at: number): string {
  return `${iso(at).slice(0, 19).replace('T', ' ')}Z`
}

/**
 * An instant as programs read it, ISO 8601 UTC. Never throws: what is beyond a Date's range becomes the nearest end of it, and
 * what is no number the beginning of 1970.
 */
export function iso(at: number): string {
  return new Date(Number.isFinite(at) ? Math.min(Math.max(at, -FURTHEST), FURTHEST) : 0).toISOString()
}
