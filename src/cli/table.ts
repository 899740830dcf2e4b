import { UNSEEN } from '../domain/visible.ts'

/** If the last column would be narrower than this, each row becomes a block instead. */
const NARROWEST = 24
const GAP = '  '

/**
 * Rows under a head, as text. `columns` is the width of the terminal. On a terminal, columns without any value are left out and
 * the last column is folded; if that leaves too little room, each row becomes a block of lines. Without a terminal (`null`)
 * every row is one line, however long. Control characters are shown as `·`.
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[], columns: number | null = null): string {
  if (columns !== null && head.length > 1) {
    const kept = head.map((_, i) => i).filter((i) => rows.some((row) => (row[i] ?? '') !== ''))
    if (kept.length > 0 && kept.length < head.length) {
      const pick = (row: readonly string[]) => kept.map((i) => row[i] ?? '')
      return table(pick(head), rows.map(pick), columns)
    }
  }
  const all = [head, ...rows].map((row) => row.map(cell))
  const widths = head.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)))
  const fixed = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0)
  const last = widths.at(-1) ?? 0
  if (columns !== null && fixed + last > columns && columns - fixed < NARROWEST) return blocks(head, rows, columns)
  return all
    .map((row) => {
      const line = row.map((text, i) => (i === row.length - 1 ? text : text.padEnd(widths[i] ?? 0))).join(GAP)
      return columns === null ? line.trimEnd() : foldLine(line.trimEnd(), columns, fixed)
    })
    .join('\n')
}

/** Each row as `head value` pairs under its first cell. Empty cells are left out. */
function blocks(head: readonly string[], rows: readonly (readonly string[])[], columns: number): string {
  return rows
    .map(([title = '', ...rest]) => {
      const pairs = rest.flatMap((text, i) => {
        const name = head[i + 1] ?? ''
        return text === '' ? [] : [name === '' ? cell(text) : `${name} ${cell(text)}`]
      })
      return [foldLine(cell(title), columns, 2), ...packed(pairs, columns)].join('\n')
    })
    .join('\n')
}

/** Puts as many pairs on a line as fit. */
function packed(pairs: readonly string[], columns: number): readonly string[] {
  const lines: string[] = []
  for (const pair of pairs) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + GAP.length + 1 + pair.length <= columns)
      lines[lines.length - 1] = `${last}${GAP} ${pair}`
    else lines.push(`  ${pair}`)
  }
  return lines.map((line) => foldLine(line, columns, 4))
}

/** Folds each line at spaces to the width of the terminal, if there is one. The rest is indented like the line, or by `indent`. */
export function fold(text: string, columns: number | null, indent?: number): string {
  if (columns === null) return text
  return text
    .split('\n')
    .map((line) => foldLine(line, columns, indent ?? /^ */.exec(line)?.[0].length ?? 0))
    .join('\n')
}

/** Folds lines of prose, and leaves the tables between them as they are: those have several lines and fit already. */
export function page(parts: readonly string[], columns: number | null): string {
  return parts.map((part) => (part.includes('\n') ? part : fold(part, columns))).join('\n')
}

/** A word that is wider than the terminal is not cut: an id or an address has to be copied whole. */
function foldLine(line: string, columns: number, indent: number): string {
  if (line.length <= columns) return line
  const lines: string[] = []
  let rest = line
  let margin = ''
  while (margin.length + rest.length > columns) {
    const room = columns - margin.length
    const lead = /^ */.exec(rest)?.[0].length ?? 0
    let at = rest.lastIndexOf(' ', room)
    // Never within the columns before the folded one.
    if (at <= (lines.length === 0 ? Math.max(indent, lead) : lead)) at = rest.indexOf(' ', room)
    if (at < 0) break
    lines.push(margin + rest.slice(0, at).trimEnd())
    rest = rest.slice(at).trimStart()
    margin = ' '.repeat(indent)
  }
  return [...lines, margin + rest].join('\n')
}

/** The text on one line. */
export function cell(text: string): string {
  return text.replaceAll(UNSEEN, '·')
}
