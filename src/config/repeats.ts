/** Indexes of values that are in the list before. */
export function repeatsIn(list: readonly unknown[]): readonly number[] {
  const before = new Set<unknown>()
  const repeats: number[] = []
  for (const [index, value] of list.entries()) {
    if (before.has(value)) repeats.push(index)
    before.add(value)
  }
  return repeats
}
