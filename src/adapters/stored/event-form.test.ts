import fc from 'fast-check'
import { expect, test } from 'vitest'
import { event } from '../../../test/given.ts'
import type { HealthEvent } from '../../domain/outage.ts'
import { type Base, decode, encode, MAX_CHAIN, type StoredForm } from './event-form.ts'

const texts = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\u{1f600}'), maxLength: 40 })
const impacted = fc.option(
  fc.array(fc.record({ key: fc.constantFrom('iam', 'sts'), resolvedAt: fc.constant(null) }), { maxLength: 3 }),
)

test('whatever its forms were, each is read as it was written', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ text: texts, impacted }), { maxLength: 60 }), (changes) => {
      const kept = new Map<number, StoredForm>()
      const read = (id: number): HealthEvent | null => {
        const stored = kept.get(id)
        return stored === undefined ? null : decode(JSON.parse(JSON.stringify(stored)), read)
      }
      let base: Base | null = null
      for (const [id, change] of changes.entries()) {
        const form: HealthEvent = event({ ...change, updatedAt: id })
        const { stored, chain }: ReturnType<typeof encode> = encode(form, base)
        kept.set(id, stored)
        expect(read(id)).toEqual(form)
        expect(chain).toBeLessThanOrEqual(MAX_CHAIN)
        base = { id, event: form, chain }
      }
    }),
  )
})

test('of a form that says little more, little more is written', () => {
  const long = 'We are investigating. '.repeat(500)
  const before = event({ text: long })
  const { stored } = encode(event({ text: `${long}It is over.` }), { id: 1, event: before, chain: 0 })
  expect(JSON.stringify(stored).length).toBeLessThan(1_000)
})

test('a form whose base is gone is read without it', () => {
  const story = 'We are investigating.'
  const base = { id: 1, event: event({ text: story }), chain: 0 }
  const { stored } = encode(event({ text: `${story} Over.` }), base)
  expect(decode(stored, () => null).text).toBe(' Over.')
})
