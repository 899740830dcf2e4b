import { describe, expect, test } from 'vitest'
import { control, HOUR, MIN, NOON, run, type Went } from '../../test/given.ts'
import { advanceConnectivity, blame, FAILURES_THAT_CUT_OFF, isControlInDoubt } from './connectivity.ts'
import type { HealthReading, SourceAnswer } from './outage.ts'
import type { ControlAnswer, Outcome } from './probe.ts'
import { join } from './reading.ts'
import { type Connectivity, INITIAL_CONNECTIVITY } from './state.ts'

const REACHED: Connectivity = { ...INITIAL_CONNECTIVITY, everReached: true }
const S = 1000

function advanced(
  was: Connectivity,
  controls: readonly ControlAnswer[],
  outcomes: readonly Outcome[],
  readings: readonly HealthReading[] = [],
): Connectivity {
  return advanceConnectivity(was, { controls, outcomes, readings })
}

/** Control calls twenty seconds apart: `+` gets through, `-` does not. */
function calls(marks: string, was: Connectivity = REACHED, from = NOON): Connectivity {
  return [...marks].reduce((connectivity, mark, i) => advanced(connectivity, [control(from + i * 20 * S, mark === '+')], []), was)
}

describe('three control calls in a row that fail make us offline', () => {
  test.for<[string, number | null]>([
    ['--', null],
    ['---', 0],
    ['--+--', null],
    ['--+---', 3],
    ['-----', 0],
    ['---+', null],
    ['---+--', null],
    ['---+---', 4],
  ])('%s: since call %o', ([marks, index]) => {
    expect(calls(marks).offlineSince).toBe(index === null ? null : NOON + index * 20 * S)
  })
  test('the spell began with the first of them', () => {
    expect(FAILURES_THAT_CUT_OFF).toBe(3)
    expect(calls('+---')).toMatchObject({ offlineSince: NOON + 20 * S, failures: 3 })
  })
  test('a control host that was never reached makes nobody offline once another host has answered, and its failures are counted', () => {
    const heard = advanced(INITIAL_CONNECTIVITY, [], [run('p', NOON - MIN, 'ok')])
    expect(calls('-----', heard)).toMatchObject({ everReached: false, offlineSince: null, failures: 5 })
    expect(calls('-----+---', heard).offlineSince).not.toBeNull()
  })
  test('runs that share a call count it once', () => {
    const shared = control(NOON + 500, false)
    const outcomes = ['a', 'b', 'c', 'd'].map((id) => ({ ...run(id, NOON, 'cut off'), control: shared }))
    expect(advanced(REACHED, [], outcomes).failures).toBe(1)
    expect(advanced(advanced(REACHED, [], outcomes), [shared], outcomes).failures).toBe(1)
  })
  test('calls that arrive out of order are counted in theirs', () => {
    const late = [control(NOON + 40 * S, true), control(NOON + 20 * S, false), control(NOON, false)]
    expect(advanced(REACHED, late, [])).toMatchObject({ failures: 0, lastAt: NOON + 40 * S })
    expect(advanced(advanced(REACHED, late, []), [control(NOON + 30 * S, false)], []).failures, 'an old one is old').toBe(0)
  })
  test('a clock that was set back does not keep us offline', () => {
    const ahead = calls('---', REACHED, NOON + 180 * MIN)
    expect(ahead.offlineSince).not.toBeNull()
    expect(advanced(ahead, [control(NOON, true)], []).offlineSince).toBeNull()
    const heardAhead = { ...ahead, lastAnswerAt: NOON + 179 * MIN }
    expect(advanced(heardAhead, [], [run('p', NOON, 'ok')]).offlineSince).toBeNull()
  })
})

describe('an answer of AWS shows that we are online, whatever the control host does', () => {
  test.for<[Went, boolean]>([
    ['ok', true],
    ['internal', true],
    ['denied', true],
    ['throttled', true],
    ['cut off', false],
    ['down', true],
    ['stalled', false],
  ])('a run that was %s ends a spell: %s', ([went, ends]) => {
    const cut = calls('---')
    expect(advanced(cut, [], [run('p', NOON + 5 * MIN, went)]).offlineSince === null).toBe(ends)
  })
  test('an answer from before the failures does not', () => {
    expect(advanced(calls('---'), [], [run('p', NOON - 30 * S, 'ok')]).offlineSince).not.toBeNull()
  })
  test('while AWS answers we never get there', () => {
    let connectivity: Connectivity = REACHED
    for (let i = 0; i < 20; i++) {
      connectivity = advanced(connectivity, [control(NOON + i * 20 * S, false)], [run('p', NOON + i * 20 * S + 1, 'ok')])
      expect(connectivity.offlineSince).toBeNull()
    }
  })
  test('the failures of a host that was never reached are still counted, or it would never be reported', () => {
    let connectivity = advanced(INITIAL_CONNECTIVITY, [], [run('p', NOON - MIN, 'ok')])
    for (let i = 0; i < 3; i++)
      connectivity = advanced(connectivity, [control(NOON + i * MIN, false)], [run('p', NOON + i * MIN + 1, 'ok')])
    expect(connectivity).toMatchObject({ failures: 3, everReached: false, offlineSince: null })
  })
})

describe('whom to blame for a run', () => {
  const cut: Connectivity = { ...REACHED, offlineSince: NOON - MIN, failingSince: NOON - MIN, failures: 3 }
  test.for<[string, Went, Connectivity, string | null]>([
    ['unreachable, the control call got through', 'down', REACHED, 'unreachable'],
    ['unreachable, and the control call failed as well', 'cut off', REACHED, 'offline'],
    ['the same, but something answered meanwhile', 'cut off', { ...REACHED, lastAnswerAt: NOON }, 'unreachable'],
    ['the same, but that was before it began', 'cut off', { ...REACHED, lastAnswerAt: NOON - 1 }, 'offline'],
    [
      'the same, but AWS has answered since the control host last did',
      'cut off',
      { ...REACHED, controlFailedAt: NOON - HOUR, lastAnswerAt: NOON - MIN },
      'unreachable',
    ],
    ['the same, and nothing at all has answered since the start', 'cut off', INITIAL_CONNECTIVITY, 'offline'],
    [
      'the same, but somebody has, and never the control host',
      'cut off',
      { ...INITIAL_CONNECTIVITY, lastAnswerAt: NOON - 1 },
      'unreachable',
    ],
    ['AWS said no: that is AWS', 'internal', REACHED, 'internal'],
    ['any failed run during a spell', 'credentials', cut, 'offline'],
    ['an ok run is ok', 'ok', cut, null],
    ['a throttled run is throttled', 'throttled', cut, 'throttled'],
  ])('%s', ([, went, connectivity, kind]) => expect(blame(run('p', NOON, went), connectivity).kind).toBe(kind))
})

describe('a control host that has a problem itself mutes nothing', () => {
  const ok = (at: number) => run('a', at, 'ok')
  const cutOff = (at: number) => run('b', at, 'cut off')

  test('it is doubted when AWS answers after its failure, until it gets through again', () => {
    const failed = advanced(REACHED, [control(NOON, false)], [])
    expect(isControlInDoubt(failed)).toBe(false)
    const doubted = advanced(failed, [], [ok(NOON + MIN)])
    expect(isControlInDoubt(doubted)).toBe(true)
    expect(isControlInDoubt(advanced(doubted, [control(NOON + 2 * MIN, true)], []))).toBe(false)
  })

  test('then what another account cannot reach counts, though it began when nothing answered', () => {
    let connectivity = advanced(REACHED, [], [cutOff(NOON)])
    expect(blame(cutOff(NOON), connectivity).kind, 'the first one, when it is not known yet').toBe('offline')
    for (let minute = 1; minute < 10; minute++) {
      connectivity = advanced(connectivity, [], [ok(NOON + minute * MIN)])
      const next = cutOff(NOON + minute * MIN + 20 * S)
      connectivity = advanced(connectivity, [], [next])
      expect(blame(next, connectivity).kind, `minute ${minute}`).toBe('unreachable')
    }
  })

  test('its own failures make nobody offline', () => {
    let connectivity = advanced(advanced(REACHED, [control(NOON, false)], []), [], [ok(NOON + S)])
    for (let i = 1; i < 200; i++) connectivity = advanced(connectivity, [control(NOON + i * 20 * S, false)], [])
    expect(connectivity).toMatchObject({ failures: 0, offlineSince: null })
  })

  test('but three runs that reach nothing do', () => {
    let connectivity = advanced(advanced(REACHED, [control(NOON, false)], []), [], [ok(NOON + S)])
    for (let i = 1; i <= 3; i++) connectivity = advanced(connectivity, [], [cutOff(NOON + i * MIN)])
    expect(connectivity.offlineSince).toBe(NOON + MIN + 500)
  })
})

describe('nothing at all has answered since the start', () => {
  const cutOff = calls('---', INITIAL_CONNECTIVITY)
  const later = NOON + 20 * MIN
  const reading = (api: SourceAnswer, dashboard: SourceAnswer = { state: 'off', why: '' }) =>
    join({ api, dashboard }, 'aws', later)
  const unavailable = (heard: boolean): SourceAnswer => ({
    state: 'unavailable',
    at: later,
    why: 'x',
    ...(heard ? { heard } : {}),
  })
  const answered: SourceAnswer = { state: 'answered', at: later, events: [], skipped: 0, detail: '' }

  test('three control calls that fail make us offline, from the first of them on', () => {
    expect(cutOff).toMatchObject({ everReached: false, offlineSince: NOON, failures: 3, lastAnswerAt: null })
    expect(advanced(cutOff, [], [], [reading(unavailable(false), unavailable(false))])).toEqual(cutOff)
  })

  test.for<[string, readonly ControlAnswer[], readonly Outcome[], readonly HealthReading[]]>([
    ['the control host', [control(later, true)], [], []],
    ['AWS', [], [run('p', later, 'ok')], []],
    ['AWS, with an error', [], [run('p', later, 'internal')], []],
    ['AWS Health', [], [], [reading(answered)]],
    ['AWS Health, which refuses', [], [], [reading({ state: 'refused', at: later, why: '' })]],
    ['AWS Health, which throttles', [], [], [reading(unavailable(true))]],
    ['the dashboard, with an empty page', [], [], [reading(unavailable(false), unavailable(true))]],
  ])('the first answer ends it, wherever it comes from: %s', ([, controls, outcomes, readings]) => {
    const connectivity = advanced(cutOff, controls, outcomes, readings)
    expect(connectivity).toMatchObject({ offlineSince: null, failures: 0 })
    expect(connectivity.lastAnswerAt).not.toBeNull()
  })

  test('the failures of the control host are counted from zero once another host has answered: three of them are its own', () => {
    let connectivity = advanced(cutOff, [], [], [reading(answered)])
    for (let i = 1; i <= 5; i++) {
      connectivity = advanced(connectivity, [control(later + i * 20 * S, false)], [], [reading(answered)])
      expect(connectivity).toMatchObject({ failures: i, offlineSince: null, everReached: false })
    }
  })

  test('later on, what AWS Health says is no sign of our network: it may have come back since the run', () => {
    const before = advanced(REACHED, [control(NOON, true)], [])
    const run1 = run('p', later - 3 * S, 'cut off')
    const connectivity = advanced(before, [], [run1], [reading(answered)])
    expect(blame(run1, connectivity).kind).toBe('offline')
  })
})

describe('what never worked since the start, and fails by name, certificate or proxy, is our own set-up', () => {
  const heard = advanced(INITIAL_CONNECTIVITY, [control(NOON - MIN, true)], [])
  const worked = advanced(heard, [], [run('p', NOON - MIN, 'ok')])
  test.for<[string, Went, Connectivity, string]>([
    ['a name, while others answer', 'name', heard, 'setup'],
    ['a certificate', 'certificate', heard, 'setup'],
    ['a proxy', 'proxy', heard, 'setup'],
    ['a timeout does not', 'down', heard, 'unreachable'],
    ['the same name, which has worked', 'name', worked, 'unreachable'],
    ['the same certificate', 'certificate', worked, 'unreachable'],
    ['the same proxy', 'proxy', worked, 'unreachable'],
    ['a proxy, before anybody has answered', 'proxy', INITIAL_CONNECTIVITY, 'setup'],
    ['a certificate, before anybody has answered', 'certificate', INITIAL_CONNECTIVITY, 'setup'],
    ['a proxy, when we have gone offline', 'proxy', calls('---', heard), 'offline'],
  ])('%s', ([, went, connectivity, kind]) => expect(blame(run('p', NOON, went), connectivity).kind).toBe(kind))

  test('a name before anybody has answered: there may be no network yet', () => {
    const outcome = { ...run('p', NOON, 'name'), control: control(NOON + S, false) }
    expect(blame(outcome, advanced(INITIAL_CONNECTIVITY, [], [outcome])).kind).toBe('offline')
  })

  test('hosts are distinguished: an answer of STS says nothing about Account', () => {
    const sts = advanced(heard, [], [run('p', NOON - MIN, 'sts', 'us-west-2')])
    expect(sts.answeredBy).toEqual(['STS us-west-2'])
    expect(blame(run('p', NOON, 'certificate'), sts).kind).toBe('setup')
  })

  test('a proxy that refuses from the start, or shows another certificate, makes nobody offline: it is there', () => {
    for (const obstacle of ['proxy', 'certificate'] as const) {
      const refused = [0, 1, 2, 3].map((i) => ({ ...control(NOON + i * 20 * S, false), obstacle }))
      expect(advanced(INITIAL_CONNECTIVITY, refused, []).offlineSince).toBeNull()
    }
    const nameless = [0, 1, 2].map((i) => ({ ...control(NOON + i * 20 * S, false), obstacle: 'name' as const }))
    expect(advanced(INITIAL_CONNECTIVITY, nameless, []).offlineSince).toBe(NOON)
    const later = [1, 2, 3].map((i) => ({ ...control(NOON + i * 20 * S, false), obstacle: 'proxy' as const }))
    expect(advanced(heard, later, []).offlineSince, 'it has worked').not.toBeNull()
  })
})
