import { expect, test } from 'vitest'
import type { HealthEvent } from '../../domain/outage.ts'
import { eventTexts, MAX_TEXTS_KEPT } from './event-texts.ts'

const event = (arn: string, updatedAt = 1) => ({ arn, updatedAt }) as HealthEvent
const element = (arn: unknown, latestDescription: unknown) => ({ event: { arn }, eventDescription: { latestDescription } })

test('a text holds for its update; afterwards it is only the best there is', () => {
  const texts = eventTexts()
  texts.keep([event('a')], element('a', 'first'))
  expect([texts.current(event('a')), texts.best(event('a'))]).toEqual(['first', 'first'])
  expect([texts.current(event('a', 2)), texts.best(event('a', 2))]).toEqual([null, 'first'])
  expect([texts.current(event('b')), texts.best(event('b'))]).toEqual([null, ''])
})

test.for<[string, unknown]>([
  ['of an event that was not asked for', element('b', 'x')],
  ['without text', element('a', 7)],
  ['without anything', null],
  ['of no shape', { event: 'a', eventDescription: [] }],
])('an element %s is left alone', ([, odd]) => {
  const texts = eventTexts()
  texts.keep([event('a')], odd)
  expect(texts.current(event('a'))).toBeNull()
})

test('what was not used for longest goes first', () => {
  const texts = eventTexts()
  const keep = (arn: string) => texts.keep([event(arn)], element(arn, arn))
  for (let i = 0; i < MAX_TEXTS_KEPT; i++) keep(`${i}`)
  texts.best(event('0'))
  keep('one more')
  expect([texts.current(event('0')), texts.current(event('1')), texts.current(event('one more'))]).toEqual([
    '0',
    null,
    'one more',
  ])
})
