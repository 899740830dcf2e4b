import { describe, expect, test } from 'vitest'
import { event, HOUR, MIN, NOON, POLICY } from '../../test/given.ts'
import type { HealthEvent } from './outage.ts'
import { DAY_MS } from './probe.ts'
import type { KeptEvent } from './queue-message.ts'
import {
  answeredAt,
  answerOf,
  forgottenOf,
  type KeptQueue,
  MAX_KEPT_EVENTS,
  newQueueRecord,
  type QueueRecord,
} from './queue-record.ts'

const URL = 'https://sqs.us-east-1.amazonaws.com/123456789012/alibi-health'
const LAW = { retentionMs: 4 * DAY_MS, policy: POLICY }
const INTEREST = { services: ['ACCOUNT', 'IAM'], regions: ['us-east-1', 'global'] }

const kept = (changes: Partial<HealthEvent> = {}, seenAt = NOON - 10 * MIN): KeptEvent => ({
  event: event({ sources: ['queue'], ...changes }),
  toldAt: seenAt,
  seenAt,
})
/** Asked a minute ago, for a day, with an event that came an hour ago. */
const record = (changes: Partial<QueueRecord> = {}): QueueRecord => ({
  ...newQueueRecord(URL),
  polledAt: NOON - MIN,
  since: NOON - DAY_MS,
  heardAt: NOON - HOUR,
  ...changes,
})
const answer = (changes: Partial<QueueRecord> = {}, events: readonly KeptEvent[] = [], since = NOON - POLICY.lookbackMs) =>
  answerOf({ record: record(changes), events } satisfies KeptQueue, INTEREST, since, NOON)
const arnsIn = (said: ReturnType<typeof answer>) =>
  'events' in said ? said.events.map(({ status, arn }) => `${status} ${arn}`) : []

describe('what the queue says', () => {
  test('events that are open, and those that ended of late', () => {
    const closed = (id: string, updatedAt: number) =>
      kept({ arn: id, status: 'closed', endedAt: updatedAt, updatedAt }, updatedAt)
    const said = answer({}, [kept({ arn: 'a' }), closed('b', NOON - HOUR), closed('c', NOON - 8 * HOUR)])
    expect(said).toMatchObject({ state: 'answered', detail: 'alibi-health, the last event came 2026-03-10 11:00Z' })
    expect(said).not.toHaveProperty('unproven')
    expect(arnsIn(said)).toEqual(['open a', 'closed b'])
  })

  test('nothing of services and regions that do not matter here', () =>
    expect(
      arnsIn(
        answer({}, [
          kept({ arn: 'a', service: 'EC2' }),
          kept({ arn: 'b', region: 'eu-west-1' }),
          kept({ arn: 'c', region: 'global' }),
          kept({ arn: 'd', region: null }),
        ]),
      ),
    ).toEqual(['open c', 'open d']))

  test('no event without a region of its own that began before the queue was read: an earlier message may have named one', () => {
    const early = NOON - 25 * HOUR
    const told = [
      kept({ arn: 'a', region: 'global', startedAt: early }),
      kept({ arn: 'b', region: null, startedAt: early }),
      kept({ arn: 'c', startedAt: early }),
      kept({ arn: 'd', region: 'global' }),
    ]
    expect(arnsIn(answer({}, told))).toEqual(['open c', 'open d'])
  })

  test.for<[string, Partial<QueueRecord>, object]>([
    ['before the first answer nothing', { polledAt: null, since: null, heardAt: null }, { state: 'unavailable' }],
    [
      'while it cannot be asked nothing',
      { trouble: { state: 'unavailable', why: 'no', heard: true } },
      { state: 'unavailable', heard: true },
    ],
    ['while it refuses nothing', { trouble: { state: 'refused', why: 'denied' } }, { state: 'refused', why: 'denied' }],
    [
      'without any event yet, that nothing older is known and nobody knows whether a rule feeds it',
      { heardAt: null },
      {
        state: 'answered',
        unproven: true,
        detail: expect.stringMatching(/since 2026-03-09 12:00Z.*nothing older.*whether a rule feeds it/),
      },
    ],
    [
      'without an event for months, that nobody knows whether a rule still feeds it',
      { since: NOON - 90 * DAY_MS, heardAt: NOON - 61 * DAY_MS },
      { state: 'answered', unproven: true, detail: expect.stringContaining('still feeds it') },
    ],
    [
      'how many messages were left in it and why',
      { left: { count: 2, why: 'it is not JSON', at: NOON } },
      {
        state: 'answered',
        skipped: 2,
        detail: expect.stringContaining('2 messages were left in it, the last since it is not JSON'),
      },
    ],
  ])('%s', ([, changes, expected]) => expect(answer(changes, [kept()])).toMatchObject(expected))

  test('only its reader needs to know that it throttles', () => {
    const trouble = { state: 'unavailable', why: 'no', heard: true, throttled: true } as const
    expect(answer({ trouble })).toEqual({ state: 'unavailable', why: 'no', heard: true, at: NOON })
  })

  test('an event that was open before a gap does not count as open after it, until AWS updates it', () => {
    const gap = { since: NOON - HOUR, heardAt: null }
    expect(arnsIn(answer(gap, [kept({ arn: 'a' }, NOON - 2 * HOUR)]))).toEqual([])
    expect(arnsIn(answer(gap, [kept({ arn: 'a' }, NOON - MIN)]))).toEqual(['open a'])
  })
})

describe('an answer of the queue', () => {
  test('within the retention nothing was missed', () =>
    expect(answeredAt(record({ polledAt: NOON - 4 * DAY_MS }), NOON, LAW.retentionMs)).toMatchObject({
      polledAt: NOON,
      since: NOON - DAY_MS,
      heardAt: NOON - HOUR,
    }))

  test.for<[string, Partial<QueueRecord>, number | null]>([
    ['the first one', { polledAt: null, since: null, heardAt: null }, null],
    ['one after more than the retention', { polledAt: NOON - 4 * DAY_MS - 1 }, null],
    ['one after more than the retention, by a clock that cannot be set', { polledAt: NOON - MIN }, 5 * DAY_MS],
  ])('after %s nothing older is known, and what feeds the queue has to be proven again', ([, changes, gapMs]) =>
    expect(answeredAt(record(changes), NOON, LAW.retentionMs, gapMs)).toMatchObject({ since: NOON, heardAt: null }),
  )

  test('a wall clock that was set makes no gap', () =>
    expect(answeredAt(record({ polledAt: NOON - 30 * DAY_MS }), NOON, LAW.retentionMs, MIN)).toMatchObject({
      since: NOON - DAY_MS,
    }))

  test('ends a problem, and after a day the messages that were left are no longer mentioned', () => {
    const was = record({ trouble: { state: 'refused', why: 'denied' }, left: { count: 1, why: 'x', at: NOON - 2 * DAY_MS } })
    expect(answeredAt(was, NOON, LAW.retentionMs)).toMatchObject({ trouble: null, left: null })
  })
})

test('events of long ago are forgotten, and the oldest of too many', () => {
  const old = kept({ arn: 'old' }, NOON - 31 * DAY_MS)
  expect(forgottenOf([old, kept({ arn: 'new' })], LAW, NOON)).toEqual(['old'])
  const patient = { ...LAW, policy: { ...POLICY, staleAfterMs: 60 * DAY_MS } }
  expect(forgottenOf([old], patient, NOON)).toEqual([])
  const many = Array.from({ length: MAX_KEPT_EVENTS + 2 }, (_, i) => kept({ arn: String(i) }, NOON - i))
  expect(forgottenOf(many, LAW, NOON)).toEqual([String(MAX_KEPT_EVENTS), String(MAX_KEPT_EVENTS + 1)])
})
