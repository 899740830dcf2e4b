import { UNSEEN } from '../domain/visible.ts'

/** Narrower than this a column of text cannot be read: the rows become blocks instead. */
const NARROWEST = 24
const GAP = '  '

/**
 * Rows under a head, for people. `columns` is the width of the terminal, or `null` where there is none: then every row is one
 * line, as wide as it likes. On a terminal columns without a value are left out and the last one is folded; where that leaves too little room, each row is a block
 * of its own. Cells are one line each, control characters shown as `·`.
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

/** Each row as `head value` pairs, the first cell as its title; empty cells are left out. */
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

/** As many pairs on a line as fit. */
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

/** Folds each line at spaces to the width of the terminal (`null`: not at all); what follows is indented as the line is, or so far. */
export function fold(text: string, columns: number | null, indent?: number): string {
  if (columns === null) return text
  return text
    .split('\n')
    .map((line) => foldLine(line, columns, indent ?? /^ */.exec(line)?.[0].length ?? 0))
    .join('\n')
}

/** Lines of prose, folded, and tables between them, which are of several lines and fit already. */
export function page(parts: readonly string[], columns: number | null): string {
  return parts.map((part) => (part.includes('\n') ? part : fold(part, columns))).join('\n')
}

/** A word that is wider than the room stays whole: an id or an address that is cut cannot be copied. */
function foldLine(line: string, columns: number, indent: number): string {
  if (line.length <= columns) return line
  const lines: string[] = []
  let rest = line
  let margin = ''
  while (margin.length + rest.length > columns) {
    const room = columns - margin.length
    const lead = /^ */.exec(rest)?.[0].length ?? 0
    let at = rest.lastIndexOf(' ', room)
    // Not into what stands before the folded column.
    if (at <= (lines.length === 0 ? Math.max(indent, lead) : lead)) at = rest.indexOf(' ', room)
    if (at < 0) break
    lines.push(margin + rest.slice(0, at).trimEnd())
    rest = rest.slice(at).trimStart()
    margin = ' '.repeat(indent)
  }
  return [...lines, margin + rest].join('\n')
}

/** One line, whatever came in. */
export function cell(text: string): string {
  return text.replaceAll(UNSEEN, '·')
}
