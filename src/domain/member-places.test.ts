import { describe, expect, test } from 'vitest'
import { countedMembers, member } from '../../test/given.ts'
import type { Member } from './incident.ts'
import { carryPlaces, placeOf } from './member-places.ts'

describe('where a probe is among the members', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((probe) => member({ probe })) as [Member, Member, Member]

  test('lists that go on share it', () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => `p${i}`)
    const { members, reads } = countedMembers(ids)
    let list: readonly Member[] = members
    for (let i = 0; i < 100; i++) {
      expect(placeOf(list, `p${i}`)).toBe(i)
      const next = [...list, member({ probe: `new ${i}` })]
      carryPlaces(list, next)
      list = next
    }
    expect([placeOf(list, 'new 99'), placeOf(list, 'nobody')]).toEqual([1_099, null])
    expect(reads(), 'they are gone through once').toBeLessThan(1_200)
  })

  test('a list that went another way, and was given up, does not show in this one', () => {
    const list = [a]
    expect(placeOf(list, 'a')).toBe(0)
    const givenUp = [a, c]
    carryPlaces(list, givenUp)
    expect([placeOf(givenUp, 'c'), placeOf(list, 'c')]).toEqual([1, null])
    const real = [a, b]
    carryPlaces(list, real)
    const later = [a, b, c]
    carryPlaces(real, later)
    expect(['a', 'b', 'c'].map((probe) => placeOf(later, probe))).toEqual([0, 1, 2])
    expect([placeOf(givenUp, 'c'), placeOf(givenUp, 'b'), placeOf(list, 'b')]).toEqual([1, null, null])
  })
})
