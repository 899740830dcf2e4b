import type { Block, Section } from './block.ts'
import type { Content } from './content.ts'
import { LEGEND } from './strip.ts'

/** The usual width of plain text email: a reply that quotes it still fits 80 columns. */
export const WIDTH = 72

/** The plain text part: what the HTML part says, in the same order. Its first word is the state. */
export function renderText(content: Content): string {
  const { opening, warnings, keyFacts, sections, footer } = content
  const parts: string[][] = [
    [...wrap(`${opening.state}${opening.joint}${opening.sentence}`), ...(opening.width === null ? [] : wrap(opening.width))],
    warnings.flatMap((text) => wrap(`! ${text}`, '  ')),
    keyFacts.flatMap(({ label, text }) => wrap(`${label}: ${text}`, '  ')),
    ...sections.map(sectionLines),
    ['--', ...footer.flatMap((text) => wrap(text))],
  ]
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.trimEnd()).join('\n'))
    .join('\n\n')}\n`
}

function sectionLines({ title, blocks }: Section): string[] {
  const head = `== ${title} `
  const lines = blocks.flatMap(blockLines)
  return [`${head}${'='.repeat(Math.max(2, WIDTH - head.length))}`, ...(lines[0] === '' ? lines.slice(1) : lines)]
}

function blockLines(block: Block): string[] {
  switch (block.type) {
    case 'text':
      return wrap(block.text)
    case 'heading':
      return ['', ...wrap(block.text)]
    case 'list':
      return block.items.flatMap((item) => wrap(`- ${item}`, '  '))
    case 'rows': {
      const width = Math.max(...block.rows.map(([label]) => label.length))
      return block.rows.flatMap(([label, value]) =>
        wrap(`${label.padEnd(width)}  ${value}`, ' '.repeat(Math.min(width + 2, 22)), width + 2),
      )
    }
    case 'times':
      return timesLines(block)
    case 'tries':
      return [
        ...wrap(block.title),
        ...block.tries.flatMap(({ at, what, ids }) => [
          ...wrap(`  ${at} ${what}`, '      ', 2),
          ...(ids === null ? [] : wrap(`      ${ids}`, '      ', 6)),
        ]),
        ...(block.note === null ? [] : wrap(`  ${block.note}`, '  ', 2)),
      ]
    case 'strip':
      return [LEGEND, ...block.rows.map(({ from, to, cells }) => `  ${from}  ${cells}  ${to}`)]
    case 'copy':
      return [...block.lines]
  }
}

function timesLines({ zone, times }: Extract<Block, { type: 'times' }>): string[] {
  const all = zone === null ? times : [['UTC', zone, ''] as const, ...times]
  const width = (cells: readonly string[]) => Math.max(...cells.map((cell) => cell.length))
  const utc = width(all.map(([cell]) => cell))
  const local = zone === null ? 0 : width(all.map(([, cell]) => cell ?? '')) + 2
  return all.flatMap(([at, there, what]) => {
    const start = `${at.padEnd(utc)}  ${local === 0 ? '' : (there ?? '').padEnd(local)}`
    return wrap(`${start}${what}`, ' '.repeat(start.length), start.length)
  })
}

/** A word; what stands in backquotes is one word, so that a command is not broken. */
const WORD = /(?:`[^`]{1,40}`|[^ ])+/g

/**
 * Breaks a line between words so that it fits; a longer word (an address, an ARN) stays whole. The first `keep` characters
 * are layout and stay as they are; further lines begin with `indent`.
 */
export function wrap(text: string, indent = '', keep = 0): string[] {
  const [first = '', ...further] = text.slice(keep).match(WORD) ?? []
  const lines: string[] = []
  let line = text.slice(0, keep) + first
  for (const word of further) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = indent + word
    } else {
      line += ` ${word}`
    }
  }
  return [...lines, line]
}
