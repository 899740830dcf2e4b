import { expect, test } from 'vitest'
import { Memo } from './memo.ts'

test('each key is made once, whatever comes of it', () => {
  const memo = new Memo<string, number | undefined>(10)
  const made: string[] = []
  const of = (key: string) =>
    memo.of(key, () => {
      made.push(key)
      return key === 'nothing' ? undefined : key.length
    })
  expect([of('a'), of('bb'), of('a'), of('nothing'), of('nothing')]).toEqual([1, 2, 1, undefined, undefined])
  expect(made).toEqual(['a', 'bb', 'nothing'])
})

test('it never holds more than its number of keys', () => {
  const memo = new Memo<number, number>(3)
  const made: number[] = []
  for (const key of [1, 2, 3, 3, 4, 4, 1]) memo.of(key, () => made.push(key))
  expect(made).toEqual([1, 2, 3, 4, 1])
})

test('what could not be made is tried again', () => {
  const memo = new Memo<string, string>(3)
  const failing = () => {
    throw new Error('not now')
  }
  expect(() => memo.of('a', failing)).toThrow('not now')
  expect(memo.of('a', () => 'made')).toBe('made')
})
