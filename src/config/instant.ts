import type { Instant } from '../domain/probe.ts'

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/

/** A time in ISO 8601 with its zone; `null` for anything else: without a zone it would depend on the host. */
export function instantOf(given: string): Instant | null {
  const at = ISO.test(given) && hasItsDay(given) ? Date.parse(given) : Number.NaN
  return Number.isNaN(at) ? null : at
}

/** `Date.parse` takes 30 February for a day in March. */
function hasItsDay(given: string): boolean {
  const day = given.slice(0, 10)
  const midnight = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day)
}
