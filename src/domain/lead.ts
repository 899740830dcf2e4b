/** Who was first, by `leadMinutes` of an incident: whole minutes, so that a post a few seconds away is in the same one. */
export function leadWords(minutes: number): string {
  if (minutes === 0) return 'in the minute of our first failure'
  return `${Math.abs(minutes)} min ${minutes > 0 ? 'after' : 'before'} our first failure`
}
