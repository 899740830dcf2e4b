import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Budget, FRESH_BUDGET, reserve, stepOfRound, throttled, usedUp } from './pace.ts'
import { SCHEDULED_SHARE } from './quota.ts'

const QUOTA = { perSecond: 3, burst: 3 }

/** Begins of calls that are asked for at these times, each as soon as it may. */
function begins(asked: readonly (readonly [number, 'scheduled' | 'rerun'])[], from: Budget = FRESH_BUDGET): number[] {
  let budget = from
  return asked.map(([now, kind]) => {
    const next = reserve(budget, QUOTA, kind, now)
    budget = next.budget
    return next.at
  })
}
const times = (n: number, at: number, kind: 'scheduled' | 'rerun' = 'scheduled') =>
  Array.from({ length: n }, () => [at, kind] as const)

describe('the pace of calls', () => {
  test('a burst goes at once, the rest at the scheduled share of the rate', () => {
    expect(begins(times(5, 0)).map(Math.round)).toEqual([0, 0, 417, 833, 1250])
  })
  test('where another machine may have used all of a quota, what both call keeps it', () => {
    const before = begins(times(10, 0, 'rerun'))
    const [last = 0] = before.slice(-1)
    const all = [
      ...before,
      ...begins(times(10, last, 'rerun'), usedUp(QUOTA, last)),
      ...begins(times(10, last), usedUp(QUOTA, last)),
    ]
    for (const some of [all.slice(0, 20), [...before, ...all.slice(20)]])
      for (const at of some) {
        const within = some.filter((other) => other >= at && other <= at + 1_000).length
        expect(within).toBeLessThanOrEqual(QUOTA.burst + QUOTA.perSecond)
      }
    expect(all[10]).toBeGreaterThan(last)
  })
  test('a call each minute never waits', () => {
    expect(begins([0, 60_000, 120_000].map((at) => [at, 'scheduled'] as const))).toEqual([0, 60_000, 120_000])
  })
  test('a re-run goes before what is scheduled and waits its turn', () => {
    const waiting = begins([...times(30, 0), [0, 'rerun']])
    expect(waiting.at(-1)).toBeLessThanOrEqual(waiting.at(-2) ?? 0)
  })
  test('a 429 halves the pace; it comes back minute by minute', () => {
    const slow = throttled(throttled(FRESH_BUDGET, 0), 0)
    const gap = (budget: Budget, now: number) => {
      const [, , a = 0, b = 0] = begins(times(4, now), budget)
      return Math.round(b - a)
    }
    expect([gap(FRESH_BUDGET, 0), gap(slow, 0), gap(slow, 60_000), gap(slow, 120_000)]).toEqual([417, 1667, 833, 417])
  })
  test('the slowest is a sixteenth, however often AWS says 429', () => {
    let budget = FRESH_BUDGET
    for (let i = 0; i < 50; i++) budget = throttled(budget, i)
    const [, , a = 0, b = 0] = begins(times(4, 50), budget)
    expect(Math.round(b - a)).toBe(6667)
  })
  test('never more calls in any window than the quota allows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2_000), fc.constantFrom('scheduled' as const, 'rerun' as const)), { maxLength: 200 }),
        (steps) => {
          let now = 0
          const asked = steps.map(([wait, kind]) => {
            now += wait
            return [now, kind] as const
          })
          const at = begins(asked).toSorted((a, b) => a - b)
          for (const [i, begin] of at.entries()) {
            const inWindow = at.slice(i).filter((other) => other < begin + 10_000).length
            expect(inWindow).toBeLessThanOrEqual(QUOTA.burst + 10 * QUOTA.perSecond + 1)
          }
        },
      ),
    )
  })
  test('what is scheduled leaves its share to re-runs', () => {
    const at = begins(times(100, 0))
    expect((at.at(-1) ?? 0) / 1000).toBeGreaterThanOrEqual((100 - QUOTA.burst) / (QUOTA.perSecond * SCHEDULED_SHARE) - 1)
  })
})

test.for<[string, number, number, number]>([
  ['a few probes go at once', 10, 60_000, 0],
  ['forty a minute take ten seconds', 40, 60_000, 250],
  ['a thousand a minute take half a minute', 1_000, 60_000, 30],
])('%s', ([, probes, period, step]) => expect(stepOfRound(probes, period)).toBe(step))
