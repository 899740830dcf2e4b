import type { Instant } from './probe.ts'

/** By how many minutes our first failed run preceded AWS's first post, by the clock; negative when AWS was first. */
export function leadMinutesOf(postedAt: Instant, onset: Instant): number {
  return Math.floor(postedAt / 60_000) - Math.floor(onset / 60_000)
}

/** Who was first, by `leadMinutes` of an incident: whole minutes, as the clock shows both. */
export function leadWords(minutes: number): string {
  if (minutes === 0) return 'in the minute of our first failure'
  return `${Math.abs(minutes)} min ${minutes > 0 ? 'after' : 'before'} our first failure`
}
