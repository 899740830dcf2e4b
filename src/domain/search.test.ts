import fc from 'fast-check'
import { expect, test } from 'vitest'
import { holds } from './search.ts'

test('a text holds what `includes` says that it does', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\u{1f600}'), maxLength: 30 })
  fc.assert(
    fc.property(letters, fc.oneof(letters, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 4 })), (text, part) => {
      expect(holds(text, part)).toBe(text.includes(part))
      expect(holds(`${text}${part}${text}`, part)).toBe(true)
    }),
  )
})
