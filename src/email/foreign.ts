/* What others wrote (AWS, a mail server, the configuration) is shown as text and never interpreted. */

/** Control characters, invisible formatting and bidi characters, private use: nothing that a person can read. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\u2028\u2029\uFFFE\uFFFF]+/gu

const MAX_LINK = 1_000

/** Replaces what cannot be seen by spaces, and lone surrogates by U+FFFD. Spaces stay as they are. */
export function seen(text: string): string {
  return text.toWellFormed().replace(UNSEEN, ' ')
}

/** One line of at most `max` UTF-16 units, without control characters. A truncated one ends in `…`. */
export function foreign(text: string, max: number): string {
  // Truncate generously first, so that no regular expression has to read a hostile megabyte.
  const line = seen(text.slice(0, max * 4))
    .replace(/\s+/g, ' ')
    .trim()
  if (line.length <= max) return line
  return `${line.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** Fit for a header: one line of visible characters. */
export function headerValue(text: string, max = 200): string {
  return foreign(text, max)
}

/** The address, fit for an `href`; `null` for anything but http and https, and for one with a login in it. */
export function safeLink(text: string): string | null {
  if (text.length > MAX_LINK || !/^https?:\/\/[^\s]+$/i.test(text)) return null
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '' || url.password !== '')
    return null
  return seen(url.href) === url.href ? url.href : null
}
