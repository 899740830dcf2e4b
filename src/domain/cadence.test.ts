import { describe, expect, test } from 'vitest'
import { HOUR, incident, MIN, monitor, NOON } from '../../test/given.ts'
import {
  CONTROL_RETRY_MS,
  chooseReruns,
  controlEveryMs,
  FLUSH_AFTER_MS,
  LOOK_AT_LEAST_EVERY_MS,
  MAX_RERUN,
  nextBeatAt,
  readingEveryMs,
  rerunAt,
} from './cadence.ts'
import type { Incident } from './incident.ts'
import { INITIAL_CONNECTIVITY, newProbeState, type ProbeState } from './state.ts'

describe('consult: how often AWS Health is asked', () => {
  const cache = MIN
  const idle = 15 * MIN
  const closed = (ago: number): Incident => incident({ state: 'closed', closedAt: NOON - ago })
  test.for<[string, Incident[], boolean, number]>([
    ['nothing is wrong: each idleEvery', [], false, idle],
    ['at the first failure: each cacheFor', [], true, cache],
    ['an incident is open', [incident()], false, cache],
    ['one that is suppressed is open', [incident({ state: 'suppressed' })], false, cache],
    ['one that is closed, for lookback after it: each five minutes', [closed(0)], false, 5 * MIN],
    ['to the millisecond', [closed(7 * HOUR)], false, 5 * MIN],
    ['not longer', [closed(7 * HOUR + 1)], false, idle],
    ['a closed and an open one', [closed(0), incident()], false, cache],
    ['undecided again, soon after one has closed', [closed(0)], true, cache],
    ['one of another partition is no concern', [incident({ partition: 'aws-cn' })], false, idle],
    ['one that no outage explains neither', [incident({ family: 'misconfigured' })], false, idle],
  ])('%s', ([, incidents, undecided, expected]) => {
    expect(
      readingEveryMs('aws', incidents, {
        isUndecided: undecided,
        policy: { lookbackMs: 7 * HOUR },
        health: { cacheForMs: cache, idleEveryMs: idle },
        now: NOON,
      }),
    ).toBe(expected)
  })
  test('an idleEvery shorter than that stays', () => {
    expect(
      readingEveryMs('aws', [closed(0)], {
        isUndecided: false,
        policy: { lookbackMs: HOUR },
        health: { cacheForMs: cache, idleEveryMs: 2 * MIN },
        now: NOON,
      }),
    ).toBe(2 * MIN)
  })
})

test('the control call: each idleEvery while it gets through, soon again while it does not', () => {
  expect(controlEveryMs({ ...INITIAL_CONNECTIVITY, everReached: true }, 15 * MIN)).toBe(15 * MIN)
  expect(controlEveryMs({ ...INITIAL_CONNECTIVITY, everReached: true, failures: 1 }, 15 * MIN)).toBe(CONTROL_RETRY_MS)
  expect(controlEveryMs(INITIAL_CONNECTIVITY, 15 * MIN), 'never reached yet').toBe(CONTROL_RETRY_MS)
  const doubted = { ...INITIAL_CONNECTIVITY, everReached: true, controlFailedAt: NOON, lastAnswerAt: NOON + MIN }
  expect(controlEveryMs(doubted, 15 * MIN), 'AWS has answered since').toBe(CONTROL_RETRY_MS)
})

describe('threshold: when a probe runs again apart from its schedule', () => {
  const hourly = monitor({ periodMs: HOUR })
  const state = (status: ProbeState['status']): ProbeState => ({ ...newProbeState('p', NOON), status, lastRunAt: NOON })
  test.for<[string, ProbeState['status'], number, number | null]>([
    ['ok: not', 'ok', HOUR, null],
    ['undecided: each retryInterval', 'undecided', HOUR, NOON + 20_000],
    ['undecided, and its cron is oftener than recheckEvery', 'undecided', MIN, NOON + 20_000],
    ['failing: each recheckEvery', 'failing', HOUR, NOON + MIN],
    ['recovering: the same', 'recovering', HOUR, NOON + MIN],
    ['failing, and its cron is as often', 'failing', MIN, null],
    ['failing, and its cron is a little rarer', 'failing', MIN + 1, NOON + MIN],
  ])('%s', ([, status, periodMs, expected]) => expect(rerunAt(state(status), { ...hourly, periodMs }, 0)).toBe(expected))
  test('after a start a failing one runs at once, whatever its cron', () => {
    expect(rerunAt(state('failing'), monitor(), NOON + 1)).toBe(NOON + 1)
    expect(rerunAt(state('recovering'), monitor(), NOON + 1)).toBe(NOON + 1)
    expect(rerunAt(state('failing'), monitor(), NOON)).toBeNull()
  })

  const due = (operation: string, dueAt: number) => ({ operation, dueAt })
  test('at most twenty of a monitor', () => {
    const many = Array.from({ length: 500 }, (_, i) => due('A', i))
    expect(MAX_RERUN).toBe(20)
    expect(chooseReruns(many, MAX_RERUN).map((one) => one.dueAt)).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })
  test('one of each operation first, then the longest waiting', () => {
    const chosen = chooseReruns([due('A', 1), due('A', 2), due('A', 3), due('B', 9), due('C', 8)], 4)
    expect(chosen.map((one) => `${one.operation}${one.dueAt}`)).toEqual(['A1', 'C8', 'B9', 'A2'])
  })
  test('none where none may be', () => expect(chooseReruns([due('A', 1)], -3)).toEqual([]))
})

describe('when there is something to do next', () => {
  const nothing = { unwritten: false, reruns: [], readings: [], control: NOON + HOUR, incidents: [], waitMs: 0, gatherMs: 30_000 }
  test.for<[string, Partial<Parameters<typeof nextBeatAt>[0]>, number]>([
    ['timers: at least each half minute', {}, LOOK_AT_LEAST_EVERY_MS],
    ['outcomes wait for the disk', { unwritten: true }, FLUSH_AFTER_MS],
    ['a re-run', { reruns: [NOON + 9000, NOON + 7000] }, 7000],
    ['a reading', { readings: [NOON + 8000] }, 8000],
    ['the control call', { control: NOON + 6000 }, 6000],
    ['what is overdue, in a second: never a busy loop', { reruns: [NOON - HOUR] }, FLUSH_AFTER_MS],
    ['a wait that ends', { incidents: [incident({ episodeAt: NOON - MIN })], waitMs: MIN + 4000 }, 4000],
    ['a gathering that ends', { incidents: [incident({ episodeAt: NOON - 25_000 })] }, 5000],
    ['a hold that ends', { incidents: [incident({ episodeAt: NOON - HOUR, heldUntil: NOON + 7000 })] }, 7000],
    ['a hold of those who are notified later', { incidents: [incident({ state: 'announced', heldUntil: NOON + 7000 })] }, 7000],
    ['a hold that is over', { incidents: [incident({ episodeAt: NOON - HOUR, heldUntil: NOON })] }, LOOK_AT_LEAST_EVERY_MS],
    ['a hold of what is over', { incidents: [incident({ state: 'closed', heldUntil: NOON + 7000 })] }, LOOK_AT_LEAST_EVERY_MS],
    ['both are over', { incidents: [incident({ episodeAt: NOON - HOUR })] }, LOOK_AT_LEAST_EVERY_MS],
    [
      'an announced incident waits for nothing',
      { incidents: [incident({ state: 'announced', episodeAt: NOON - 25_000 })] },
      LOOK_AT_LEAST_EVERY_MS,
    ],
  ])('%s', ([, changes, ms]) => expect(nextBeatAt({ ...nothing, ...changes }, NOON)).toBe(NOON + ms))
})
