/*
 * What others wrote (AWS, a mail server, the configuration) and what we may do with it: shown, never obeyed.
 */

/** Control characters, invisible format and bidi characters, private use: nothing a person could read. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\u2028\u2029\uFFFE\uFFFF]+/gu

const MAX_LINK = 1_000

/** Takes out what cannot be seen; lone surrogates become U+FFFD. Spaces stay as they are. */
export function seen(text: string): string {
  return text.toWellFormed().replace(UNSEEN, ' ')
}

/** One line of at most `max` UTF-16 units, without control characters; cut ones end in `…`. */
export function foreign(text: string, max: number): string {
  // Cut generously first: a hostile megabyte is not worth a regular expression.
  const line = seen(text.slice(0, max * 4))
    .replace(/\s+/g, ' ')
    .trim()
  if (line.length <= max) return line
  return `${line.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** Fit for a header's value: ASCII spaces and printable characters only, no CR or LF. */
export function headerValue(text: string, max = 200): string {
  return foreign(text, max)
}

/** The address as it may stand in an `href`; `null` for anything but http and https, or with a login in it. */
export function safeLink(text: string): string | null {
  if (text.length > MAX_LINK || !/^https?:\/\/[^\s]+$/i.test(text)) return null
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '' || url.password !== '')
    return null
  return seen(url.href) === url.href ? url.href : null
}
