/** The first `max` items, then how many more there are. */
export function excerpt(items: readonly string[], max: number): readonly string[] {
  const more = items.length - max
  return more > 0 ? [...items.slice(0, max), `and ${more} more`] : items
}

/** The same as a phrase: `alpha, beta and 3 more`. */
export function excerptPhrase(items: readonly string[], max: number): string {
  const more = items.length - max
  return `${items.slice(0, max).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
