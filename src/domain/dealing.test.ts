import { expect, test } from 'vitest'
import { deal } from './dealing.ts'

const dealt = (callers: string, machines: readonly string[], held: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(deal([...callers], machines, new Map(Object.entries(held))))

test('callers are dealt evenly, and the first machine is preferred', () => {
  expect(dealt('a', ['one', 'two'])).toEqual({ a: 'one' })
  expect(dealt('ab', ['one', 'two'])).toEqual({ a: 'one', b: 'two' })
  expect(dealt('abcde', ['one', 'two'])).toEqual({ a: 'one', b: 'one', c: 'one', d: 'two', e: 'two' })
  expect(dealt('', ['one'])).toEqual({})
  expect(dealt('ab', [])).toEqual({})
})

test('a machine that joins takes its share from those that have more, and nothing else moves', () => {
  expect(dealt('ab', ['one', 'two'], { a: 'one', b: 'one' })).toEqual({ a: 'one', b: 'two' })
  expect(dealt('abc', ['one', 'two'], { a: 'two', b: 'two', c: 'two' })).toEqual({ a: 'two', b: 'two', c: 'one' })
  expect(dealt('abcd', ['one', 'two', 'three'], { a: 'one', b: 'one', c: 'two', d: 'two' })).toEqual({
    ...{ a: 'one', b: 'one', c: 'two', d: 'three' },
  })
})

test('the callers of a machine that is gone go to the others', () => {
  expect(dealt('abc', ['two', 'three'], { a: 'one', b: 'two', c: 'three' })).toEqual({ a: 'two', b: 'two', c: 'three' })
})

test('where everything is even, nothing moves, whoever has one more', () => {
  const held = { a: 'two', b: 'two', c: 'one' }
  expect(dealt('abc', ['one', 'two'], held)).toEqual(held)
})

test('whatever was held: shares differ by one at most, and every caller has a machine', () => {
  const machines = ['one', 'two', 'three']
  const places = [...machines, 'gone']
  for (let seed = 0; seed < 4 ** 5; seed++) {
    const held = Object.fromEntries([...'abcde'].map((caller, i) => [caller, places[Math.floor(seed / 4 ** i) % 4] ?? '']))
    const shares = Map.groupBy(Object.values(dealt('abcde', machines, held)), (machine) => machine)
    expect(machines.map((machine) => shares.get(machine)?.length).toSorted()).toEqual([1, 2, 2])
  }
})
