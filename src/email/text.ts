import type { Block, Section } from './block.ts'
import type { Content } from './content.ts'
import { LEGEND } from './strip.ts'

/** Wide enough for a line of evidence, narrow enough for a quoted reply and a terminal of 80. */
const WIDTH = 78

/** The plain part: the same facts as the HTML part, in the same order. The first line begins with the state. */
export function renderText(content: Content): string {
  const { opening, warnings, keyFacts, sections, footer } = content
  const parts: string[][] = [
    wrap(`${opening.state}${opening.joint}${opening.sentence}`),
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
  return [`${head}${'='.repeat(Math.max(2, WIDTH - head.length))}`, ...blocks.flatMap(blockLines)]
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

/**
 * Breaks a line at spaces so that it fits; a longer word (an address, an ARN) stays whole. Its first `keep` characters
 * are layout and are not broken; further lines begin with `indent`.
 */
function wrap(text: string, indent = '', keep = 0): string[] {
  const lines: string[] = []
  let line = text.slice(0, keep)
  let empty = line.trim() === ''
  for (const word of text.slice(keep).split(' ')) {
    if (word === '') continue
    if (!empty && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = indent + word
    } else {
      line = empty || line.endsWith(' ') ? line + word : `${line} ${word}`
    }
    empty = false
  }
  return [...lines, line]
}
