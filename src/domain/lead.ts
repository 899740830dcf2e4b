import type { Instant } from './probe.ts'

/** By how many minutes our first failed run preceded AWS's first post; negative when AWS was first. */
export function leadMinutesOf(postedAt: Instant, onset: Instant): number {
  return Math.round((postedAt - onset) / 60_000)
}

/** Who was first, by `leadMinutes` of an incident: whole minutes, so that a post a few seconds away is in the same one. */
export function leadWords(minutes: number): string {
  if (minutes === 0) return 'in the minute of our first failure'
  return `${Math.abs(minutes)} min ${minutes > 0 ? 'after' : 'before'} our first failure`
}
