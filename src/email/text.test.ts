import { expect, test } from 'vitest'
import { wrap } from './text.ts'

test.for<[string, Parameters<typeof wrap>, readonly string[]]>([
  [
    'words that do not fit go into a further line, indented',
    [`- ${'word '.repeat(16).trim()}`, '  '],
    [`- ${'word '.repeat(14).trim()}`, '  word word'],
  ],
  [
    'a command in backquotes is not broken',
    [`${'x'.repeat(64)} see \`alibi iam-policy\` for it`],
    [`${'x'.repeat(64)} see`, '`alibi iam-policy` for it'],
  ],
  ['a single backquote is a character like any other', [`${'x'.repeat(64)} a \` b c d`], [`${'x'.repeat(64)} a \` b c`, 'd']],
  [
    'what is too long for a line stays whole, beside its label',
    [`ARN  arn:${'x'.repeat(80)}`, '     ', 5],
    [`ARN  arn:${'x'.repeat(80)}`],
  ],
  ['nothing is an empty line', [''], ['']],
])('%s', ([, args, lines]) => expect(wrap(...args)).toEqual(lines))
