/**
 * What has an effect where it is shown instead of being visible: control characters (U+009B begins a sequence as ESC does), the
 * separators that some programs take for the end of a line, the marks that turn the direction of what follows, and tags.
 */
export const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g

/** One line in which each of them is written as JSON writes it (`\u009b`): JSON remains the same JSON. */
export function visible(text: string): string {
  return text.replace(UNSEEN, written)
}

/** The same of a text of several lines: their ends stay, and tabs. */
export function visibleLines(text: string): string {
  return text.replace(UNSEEN, (found) => (found === '\n' || found === '\t' ? found : written(found)))
}

function written(found: string): string {
  const units = found.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'))
  return units.map((unit) => `\\u${unit}`).join('')
}
