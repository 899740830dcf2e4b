/**
 * Whether `text` holds `part`, in a time that grows with the sum of their lengths: `includes` takes their product where the
 * texts are made for it, which is minutes for two of those that AWS Health may send (Knuth, Morris and Pratt, 1977).
 */
export function holds(text: string, part: string): boolean {
  if (part.length > text.length) return false
  if (part === '' || text === part) return true
  const borders = bordersOf(part)
  let matched = 0
  for (let i = 0; i < text.length; i++) {
    const letter = text.charCodeAt(i)
    while (matched > 0 && part.charCodeAt(matched) !== letter) matched = borders[matched - 1] ?? 0
    if (part.charCodeAt(matched) === letter) matched += 1
    if (matched === part.length) return true
  }
  return false
}

/** For each beginning of the word: how much of its end is a beginning of the word, too. */
function bordersOf(word: string): Int32Array {
  const borders = new Int32Array(word.length)
  let length = 0
  for (let i = 1; i < word.length; i++) {
    const letter = word.charCodeAt(i)
    while (length > 0 && word.charCodeAt(length) !== letter) length = borders[length - 1] ?? 0
    if (word.charCodeAt(length) === letter) length += 1
    borders[i] = length
  }
  return borders
}
