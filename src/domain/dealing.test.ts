import { expect, test } from 'vitest'
import { type Candidate, callerOf, deal, rivalOf } from './dealing.ts'

const dealt = (callers: string, machines: readonly string[], held: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(deal([...callers], machines, new Map(Object.entries(held))))

test('a caller is named by its credentials and partition', () => {
  const credentials = { profile: null, roleArn: null, externalId: null, sessionName: 'a' }
  expect(callerOf({ partition: 'aws', credentials })).toBe('aws, default credentials')
  const role = { ...credentials, profile: 'prod', roleArn: 'arn:aws:iam::111122223333:role/r', externalId: 'x' }
  expect(callerOf({ partition: 'aws-cn', credentials: role })).toBe(
    'aws-cn, profile prod, arn:aws:iam::111122223333:role/r, with an external id',
  )
})

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

const candidate = (name: string, over: Partial<Candidate> = {}): Candidate => ({
  ...{ name, version: '1.2.0', config: 'a', reaches: true },
  ...over,
})

test('a machine that cannot reach AWS gives way to one that can, and to no other', () => {
  const me = candidate('me', { reaches: false })
  expect(rivalOf(me, [candidate('two')])).toEqual({ name: 'two', by: 'reach' })
  expect(rivalOf(me, [candidate('two', { reaches: false })])).toBeNull()
  expect(rivalOf(me, [candidate('two', { reaches: null })]), 'nobody knows whether it does any better').toBeNull()
  expect(rivalOf(candidate('me'), [candidate('two', { reaches: false, version: '2.0.0' })])).toBeNull()
})

test('the newest version leads, also with another configuration', () => {
  expect(rivalOf(candidate('me', { version: '1.9.0' }), [candidate('two', { version: '1.10.0', config: 'b' })])).toEqual({
    ...{ name: 'two', by: 'version' },
  })
  expect(rivalOf(candidate('me', { version: '1.10.0' }), [candidate('two', { version: '1.9.0' })])).toBeNull()
  expect(rivalOf(candidate('me', { version: '2.0.0-rc.1' }), [candidate('two', { version: '2.0.0' })])?.by).toBe('version')
  expect(rivalOf(candidate('me', { version: '2.0.0' }), [candidate('two', { version: '2.0.0-rc.1' })])).toBeNull()
})

test('of the same version the configuration leads that more machines have; where as many have each, nobody gives way', () => {
  const me = candidate('me', { config: 'b' })
  expect(rivalOf(me, [candidate('two'), candidate('three')])).toEqual({ name: 'two', by: 'config' })
  expect(rivalOf(me, [candidate('two')])).toBeNull()
  expect(rivalOf(me, [candidate('two'), candidate('three'), candidate('four', { config: 'b' })])).toBeNull()
})

test('whoever is there, somebody does not give way', () => {
  const kinds = ['1.0.0', '1.1.0'].flatMap((version) =>
    ['a', 'b'].flatMap((config) => [true, false, null].map((reaches) => ({ version, config, reaches }))),
  )
  for (let i = 0; i < kinds.length ** 3; i++) {
    const all = [0, 1, 2].map((n) => candidate(String(n), kinds[Math.floor(i / kinds.length ** n) % kinds.length]))
    const steady = all.filter(
      (me) =>
        rivalOf(
          me,
          all.filter((one) => one !== me),
        ) === null,
    )
    expect(steady.length, JSON.stringify(all)).toBeGreaterThan(0)
  }
})
