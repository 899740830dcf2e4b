import { expect, test } from 'vitest'
import { leadWords } from './lead.ts'

test.for<[number, string]>([
  [22, '22 min after our first failure'],
  [-5, '5 min before our first failure'],
  [0, 'in the minute of our first failure'],
  // What `Math.round` makes of a post a few seconds before us.
  [-0, 'in the minute of our first failure'],
])('%d: %s', ([minutes, words]) => expect(leadWords(minutes)).toBe(words))
