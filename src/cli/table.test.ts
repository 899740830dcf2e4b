import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fold, table } from './table.ts'

const HEAD = ['id', 'state', 'error']
const ROWS = [
  ['a3f9', 'retrying', '451 4.7.1 greylisted, come back in a while, as everybody else has to do as well'],
  ['b', 'due', ''],
]

test.for<[string, number | null, string]>([
  [
    'without a terminal a row is one line',
    null,
    `id    state     error
a3f9  retrying  451 4.7.1 greylisted, come back in a while, as everybody else has to do as well
b     due`,
  ],
  [
    'on a terminal the last column is folded',
    50,
    `id    state     error
a3f9  retrying  451 4.7.1 greylisted, come back in
                a while, as everybody else has to
                do as well
b     due`,
  ],
  [
    'on a narrow terminal each row is a block, without empty cells',
    30,
    `a3f9
  state retrying
  error 451 4.7.1 greylisted,
    come back in a while, as
    everybody else has to do
    as well
b
  state due`,
  ],
])('%s', ([, columns, shown]) => expect(table(HEAD, ROWS, columns)).toBe(shown))

test('folding keeps every word, and no line is wider than the terminal unless a single word is', () => {
  const words = fc.array(fc.stringMatching(/^[a-z0-9:/]{1,40}$/), { minLength: 1, maxLength: 30 })
  void fc.assert(
    fc.property(words, fc.nat(6), fc.integer({ min: 10, max: 60 }), (given, indent, columns) => {
      const folded = fold(' '.repeat(indent) + given.join(' '), columns)
      expect(folded.split(/\s+/).filter((word) => word !== '')).toEqual(given)
      for (const line of folded.split('\n')) {
        if (line.length > columns) expect(line.trim().split(' ').length).toBeLessThanOrEqual(1)
      }
    }),
  )
})

test('text from outside cannot move the cursor or forge a row', () => {
  expect(table(['a', 'b'], [['x\ny', '\u001b[2J']])).toBe('a    b\nx·y  ·[2J')
})
