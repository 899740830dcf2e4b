/** What stands in a secret's place. */
const REDACTED = '[secret]'

/** Shorter ones are common words and numbers: they are taken out only where they stand alone. */
const SHORT = 4
/** Lines of a secret of several lines (a key) that are worth hiding one by one. */
const LONG_LINE = 8

export type Redaction = Readonly<{
  /** The text without any of the secrets, however they were written: plain, URL-encoded, in JSON, in base64. */
  clean(text: string): string
  /** Length of the longest form: a text that was cut may end with a part of one. */
  longest: number
}>

/** Longest first, so that no secret's remainder shows when another is a part of it. */
export function createRedaction(secrets: readonly string[]): Redaction {
  const forms = [...new Set(secrets.flatMap(formsOf))].filter((form) => form.length > 0).sort((a, b) => b.length - a.length)
  const long = forms.filter((form) => form.length >= SHORT)
  const short = forms.filter((form) => form.length < SHORT).map(standingAlone)
  return {
    longest: forms[0]?.length ?? 0,
    clean(text) {
      const cleaned = long.reduce((rest, form) => (rest.includes(form) ? rest.replaceAll(form, () => REDACTED) : rest), text)
      return short.reduce((rest, pattern) => rest.replace(pattern, REDACTED), cleaned)
    },
  }
}

function formsOf(secret: string): string[] {
  const trimmed = secret.trim()
  const lines = trimmed.split(/\r?\n/).map((line) => line.trim())
  const whole = [...new Set([secret, trimmed, ...(lines.length > 1 ? lines.filter((line) => line.length >= LONG_LINE) : [])])]
  return whole.flatMap((text) => [
    text,
    JSON.stringify(text).slice(1, -1),
    text.isWellFormed() ? encodeURIComponent(text) : text,
    ...(text.length >= SHORT
      ? [
          Buffer.from(text)
            .toString('base64')
            .replace(/={1,2}$/, ''),
        ]
      : []),
  ])
}

function standingAlone(text: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])${text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}(?![\\p{L}\\p{N}])`, 'gu')
}
