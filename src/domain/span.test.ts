import { describe, expect, test } from 'vitest'
import { incident, MIN, member, NOON } from '../../test/given.ts'
import type { Member } from './incident.ts'
import { spanOf } from './span.ts'

const S = 1_000
const one = (probe: string, onset: number, recoveredAt: number | null): Member =>
  member({ probe, onset, recoveredAt, state: recoveredAt === null ? 'failing' : 'recovered' })

describe('how long an incident lasted', () => {
  const closed = { state: 'closed' as const, openedAt: NOON + 5 * S, episodeAt: NOON + 5 * S, closedAt: NOON + 100 * S }

  test.for<[string, readonly Member[], number, number | null]>([
    ['from the first failed run to the last ok one', [one('a', NOON, NOON + 95 * S), one('b', NOON + MIN, NOON + 80 * S)], 0, 95],
    ['until it closed, if a probe never recovered', [one('a', NOON, NOON + 95 * S), one('b', NOON + MIN, null)], 0, 100],
    ['from its opening, where it has no probes', [], 5, 100],
    ['in the current episode alone', [one('a', NOON - 60 * MIN, NOON - 50 * MIN), one('b', NOON, NOON + 95 * S)], 0, 95],
  ])('%s', ([, members, from, to]) => {
    expect(spanOf(incident({ ...closed, members }))).toEqual({ from: NOON + from * S, to: to === null ? null : NOON + to * S })
  })

  test('it has no end while it is open', () =>
    expect(spanOf(incident({ openedAt: NOON, episodeAt: NOON, members: [one('a', NOON - MIN, null)] }))).toEqual({
      from: NOON - MIN,
      to: null,
    }))
})
