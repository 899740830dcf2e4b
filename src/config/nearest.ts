/** Longer words are not compared: the cost grows with the product of the lengths. */
const MAX_LENGTH = 64
/** At most this many candidates are compared; there are about 600 time zones. */
const MAX_CANDIDATES = 1_000

/** A shorter word is no abbreviation. */
const MIN_ABBREVIATION = 6

/**
 * The candidate that a misspelt word probably means, or else the only one that it abbreviates (`GetContactInfo`); `null` if there is
 * neither. The first one wins a tie.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > MAX_LENGTH) return null
  const wanted = word.toLowerCase()
  const allowed = wanted.length <= 4 ? 1 : wanted.length <= 8 ? 2 : 3
  let best: string | null = null
  let bestDistance = allowed + 1
  let looked = 0
  const longer: string[] = []
  for (const candidate of candidates) {
    if (++looked > MAX_CANDIDATES) break
    if (candidate.toLowerCase().startsWith(wanted)) longer.push(candidate)
    if (Math.abs(candidate.length - wanted.length) >= bestDistance) continue
    const found = distance(wanted, candidate.toLowerCase())
    if (found < bestDistance) {
      best = candidate
      bestDistance = found
    }
  }
  if (best !== null || wanted.length < MIN_ABBREVIATION || longer.length !== 1) return best
  return longer[0] ?? null
}

/** How many insertions, deletions, replacements and swaps of neighbours turn one word into the other. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1
      let least = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + cost)
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) least = Math.min(least, (beforeLast[column - 2] ?? 0) + 1)
      current.push(least)
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}
