import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MIN, NOON, run, type Went } from '../../test/given.ts'
import type { Family } from './probe.ts'
import { type Gap, newProbeState, type ProbeState } from './state.ts'
import {
  advance,
  FLAPPING_OK_MS,
  type InIncident,
  keepEnds,
  MAX_TRAIL,
  type Threshold,
  type Transition,
  untilThreshold,
} from './streak.ts'

const THRESHOLD: Threshold = { fail: { count: 3, of: 5 }, recover: 2, periodMs: MIN }
const WENT: Readonly<Record<string, Went>> = {
  o: 'ok',
  s: 'ok at the second try',
  F: 'internal',
  U: 'down',
  D: 'denied',
  C: 'credentials',
  I: 'invalid',
  t: 'throttled',
  z: 'stalled',
  x: 'offline',
}

type Played = Readonly<{ states: readonly ProbeState[]; turns: readonly Transition[]; at: (i: number) => number }>

/** One letter a run, a minute apart; a digit is a gap of so many hours before the next run. */
function play(
  runs: string,
  threshold: Threshold = THRESHOLD,
  incident: Partial<InIncident> | null = {},
  absence: Gap | null = null,
): Played {
  let state = newProbeState('p', NOON)
  const states: ProbeState[] = []
  const turns: Transition[] = []
  const times: number[] = []
  let at = NOON
  let family: Family = 'outage'
  for (const letter of runs) {
    if (/\d/.test(letter)) {
      at += Number(letter) * 60 * MIN
      continue
    }
    const held = incident === null ? null : { family, flapping: false, ...incident }
    const did = advance(state, run('p', at, WENT[letter]!), threshold, { incident: held, absence })
    state = did.state
    if (did.transition.kind === 'failed' || did.transition.kind === 'other-family') family = did.transition.family
    states.push(state)
    turns.push(did.transition)
    times.push(at)
    at += MIN
  }
  return { states, turns, at: (i) => times[i]! }
}
const last = <T>(list: readonly T[]) => list[list.length - 1]!
const threshold = (count: number, of: number, recover = 2): Threshold => ({ ...THRESHOLD, fail: { count, of }, recover })

describe('threshold: a probe fails when `count` of its last `of` conclusive runs failed', () => {
  test.for<[string, string, Transition['kind'], Threshold?]>([
    ['three in a row', 'FFF', 'failed'],
    ['two in a row, not yet', 'FF', 'undecided'],
    ['one', 'F', 'undecided'],
    ['none', 'oo', 'ok'],
    ['three of five', 'FoFoF', 'failed'],
    ['three of five behind many that were ok', 'oooooooFoFoF', 'failed'],
    ['three of six', 'FoFooF', 'undecided'],
    ['it slides: the first failure is out, three of the last five are there', 'FooFoFF', 'failed'],
    ['decided as harmless when the count can no longer be reached', 'Fooo', 'ok'],
    ['not a run earlier', 'Foo', 'undecided'],
    ['two, then two ok: one run is left and can decide', 'FFoo', 'undecided'],
    ['two, then three ok: too late', 'FFooo', 'ok'],
    ['the older failure is dropped and the younger one still counts', 'FooF', 'undecided'],
    ['one of one', 'F', 'failed', threshold(1, 1)],
    ['two of two, an ok between', 'FoF', 'undecided', threshold(2, 2)],
    ['two of three, an ok between', 'FoF', 'failed', threshold(2, 3)],
    ['a run that failed and was ok at its second try is ok', 'FsFsF', 'failed'],
  ])('%s: %j is %s', ([, runs, expected, with_]) => expect(last(play(runs, with_).turns).kind).toBe(expected))

  test.for<[string, Threshold, string]>([
    ['FFF', THRESHOLD, '3 of the last 3 runs failed (the threshold is 3 of 5)'],
    ['F', threshold(1, 1), 'the last run failed (the threshold is 1 of 1)'],
    ['FD', threshold(1, 1), 'the last run failed as misconfigured, no longer as outage'],
    ['FFDD', threshold(2, 2), 'the last 2 runs failed as misconfigured, no longer as outage'],
  ])('%j under its threshold is said as people count', ([runs, with_, why]) =>
    expect(last(play(runs, with_).turns)).toMatchObject({ why }),
  )

  test.for<[string, string, number]>([
    ['the first of three in a row', 'ooFFF', 2],
    ['the first that is counted', 'FoFoF', 0],
    ['not one that has slid out of the window', 'FooFoFF', 3],
    ['not one of another family', 'DFFF', 1],
  ])('the onset is the first failed run of the streak: %s', ([, runs, index]) => {
    const played = play(runs)
    expect(last(played.turns)).toMatchObject({ kind: 'failed', onset: played.at(index) })
    expect(last(played.states).onset).toBe(played.at(index))
  })

  test('an undecided onset moves on to the next failure when the first cannot decide any more', () => {
    const { states, at } = play('FooFoo')
    expect(states.map((s) => s.onset)).toEqual([at(0), at(0), at(0), at(0), at(3), at(3)])
  })

  test.for<[string, string, Transition['kind']]>([
    ['internal and unreachable are one family', 'FUF', 'failed'],
    ['credentials, denied and invalid are one family', 'CDI', 'failed'],
    ['two of one and two of the other', 'FFDD', 'undecided'],
    ['three of one among two of the other', 'FDFDF', 'failed'],
    ['a fifth that gives the other its three', 'DFDFD', 'failed'],
  ])('a threshold counts failures of one family: %s', ([, runs, expected]) => expect(last(play(runs).turns).kind).toBe(expected))

  test.for<[string, string, Family]>([
    ['outage', 'FDFDF', 'outage'],
    ['misconfigured', 'DFDFD', 'misconfigured'],
  ])('it fails in the family that reached the count: %s', ([, runs, family]) => {
    expect(last(play(runs).turns)).toMatchObject({ kind: 'failed', family })
  })
})

describe('runs that do not count', () => {
  test.for<[string, string, string]>([
    ['throttled', 'FtFtttF', 'FFF'],
    ['stalled', 'FzFzzzF', 'FFF'],
    ['offline', 'FxFxxxF', 'FFF'],
    ['throttled while it recovers', 'FFFototo', 'FFFooo'],
  ])('%s: they change neither count nor streak', ([, with_, without]) => {
    const [a, b] = [play(with_), play(without)]
    expect(last(a.turns).kind).toBe(last(b.turns).kind)
    expect(last(a.states).status).toBe(last(b.states).status)
    expect(last(a.states).recent).toHaveLength(last(b.states).recent.length)
  })
  test('no onset begins with them', () => {
    const { states, turns } = play('oxxxttz')
    expect(last(states)).toMatchObject({ status: 'ok', onset: null })
    expect(turns.slice(1).map((t) => t.kind)).toEqual(Array(6).fill('not-counted'))
  })
  test('they are remembered as runs, though not as conclusive ones, with their reason', () => {
    const { states, at } = play('ot')
    expect(last(states)).toMatchObject({ lastRunAt: at(1), lastConclusiveAt: at(0), inconclusive: 'throttled' })
    expect(last(play('oto').states).inconclusive).toBeNull()
  })
})

describe('the test of width: what is not ok at the first try is not clean', () => {
  test.for<[string, string, number | null]>([
    ['ok', 'oo', null],
    ['ok at the second try', 'os', 1],
    ['failed', 'oFo', 1],
    ['throttled', 'oto', 1],
  ])('%s', ([, runs, index]) => {
    const { states, at } = play(runs)
    expect(last(states).lastUncleanAt).toBe(index === null ? null : at(index))
  })
})

describe('recovery: a probe recovers after `recover` ok runs in a row', () => {
  test.for<[string, string, Transition['kind'], Threshold?]>([
    ['one ok run is not enough', 'FFFo', 'recovering'],
    ['two are', 'FFFoo', 'recovered'],
    ['not two apart', 'FFFoFo', 'recovering'],
    ['two in a row after all', 'FFFoFoo', 'recovered'],
    ['one, where one is enough', 'FFFo', 'recovered', threshold(3, 5, 1)],
    ['a failure while recovering fails still', 'FFFoF', 'still-failing'],
  ])('%s', ([, runs, expected, with_]) => expect(last(play(runs, with_).turns).kind).toBe(expected))

  test('afterwards its window is empty: old failures do not fail it again', () => {
    expect(last(play('FFFooF').states)).toMatchObject({ status: 'undecided' })
    expect(last(play('FFFooFFF').turns).kind).toBe('failed')
  })

  test('while its incident flaps, it recovers only after half an hour without a failure', () => {
    const flapping = { flapping: true }
    const wellRuns = FLAPPING_OK_MS / MIN
    const almost = play(`FFF${'o'.repeat(wellRuns)}`, THRESHOLD, flapping)
    expect(last(almost.turns).kind).toBe('recovering')
    expect(last(play(`FFF${'o'.repeat(wellRuns + 1)}`, THRESHOLD, flapping).turns).kind).toBe('recovered')
    const again = play(`FFF${'o'.repeat(wellRuns)}F${'o'.repeat(wellRuns)}`, THRESHOLD, flapping)
    expect(last(again.turns).kind, 'a failure begins the half hour anew').toBe('recovering')
  })
})

describe('restart: a gap in our watch', () => {
  const gap = (before: string, minutes: number, after: string, periodMs = MIN, absence: Gap | null = null) => {
    let state = newProbeState('p', NOON)
    let at = NOON
    const turns: Transition[] = []
    const take = (letter: string) => {
      const did = advance(state, run('p', at, WENT[letter]!), { ...THRESHOLD, periodMs }, { incident: null, absence })
      state = did.state
      turns.push(did.transition)
    }
    for (const letter of before) {
      take(letter)
      at += MIN
    }
    const from = at - MIN
    at = from + minutes * MIN
    for (const letter of after) {
      take(letter)
      at += MIN
    }
    return { state, turns, from, to: from + minutes * MIN }
  }
  test.for<[string, number, number, Transition['kind']]>([
    ['of five minutes, in a watch each minute, ends nothing', 5, 1, 'failed'],
    ['of six minutes ends an undecided streak', 6, 1, 'undecided'],
    ['of three periods ends nothing', 9, 3, 'failed'],
    ['of more than three periods does', 10, 3, 'undecided'],
  ])('%s', ([, minutes, period, expected]) => {
    expect(last(gap('oFF', minutes, 'F', period * MIN).turns).kind).toBe(expected)
  })
  test('the new streak begins after the gap, and the gap is named', () => {
    const { state, from, to } = gap('oFF', 60, 'F')
    expect(state).toMatchObject({ status: 'undecided', onset: to, gap: { from, to, why: 'no run was made' } })
    expect(state.trail, 'the runs before it are no evidence of what comes after').toHaveLength(1)
  })
  test('a gap does not end a failing probe, nor one that recovers', () => {
    expect(last(gap('FFF', 60, 'F').turns).kind).toBe('still-failing')
    expect(last(gap('FFFo', 60, 'o').turns).kind).toBe('recovered')
  })
  test('a gap before the onset is named until the streak has ended', () => {
    const { state, from, to } = gap('oo', 60, 'FoFF')
    expect(state).toMatchObject({ status: 'failing', gap: { from, to } })
    expect(gap('oo', 60, 'ooF').state.gap, 'an ok run after it makes it worthless').toBeNull()
    expect(gap('oo', 60, 'FoooF').state.gap, 'it lay before another streak').toBeNull()
  })
  test.for<[string, string, string]>([
    ['we were throttled', 'tttttttt', 'AWS throttled every try'],
    ['our process was blocked', 'zzzzzzzz', 'our own process was blocked'],
    ['we were offline', 'xxxxxxxx', 'this host was offline'],
  ])('its reason is given: %s', ([, runs, why]) => expect(last(play(`o${runs}F`).states).gap?.why).toBe(why))
  test('its reason is given: Alibi was not running', () => {
    const away = { from: NOON + MIN, to: NOON + 50 * MIN, why: 'Alibi was not running' }
    expect(gap('oo', 60, 'F', MIN, away).state.gap?.why).toBe('Alibi was not running')
    const before = { from: NOON - 60 * MIN, to: NOON - 30 * MIN, why: 'Alibi was not running' }
    expect(gap('oo', 60, 'F', MIN, before).state.gap?.why, 'another absence').toBe('no run was made')
  })
})

describe('what is known of the beginning', () => {
  test.for<[string, string, number | null]>([
    ['the last ok run before the onset', 'ooFFF', 1],
    ['not an ok run in the midst of the streak', 'ooFoFoF', 1],
    ['nothing, if it never was ok before', 'FoFF', null],
    ['what lies between two failures, if the first is out of the window', 'oFooFoFF', 3],
    ['the last one of its recovery, if it fails again', 'FFFooFoFF', 4],
  ])('%s', ([, runs, index]) => {
    const { states, at } = play(runs)
    expect(last(states).status).toBe('failing')
    expect(last(states).okBefore).toBe(index === null ? null : at(index))
  })
  test('the evidence of an undecided streak is bounded and begins with the onset', () => {
    const { states, at } = play('FooFoFF')
    expect(last(states).trail.map((o) => o.startedAt)).toEqual([at(3), at(5), at(6)])
    const long = play('FoFoFoF'.repeat(1), { ...THRESHOLD, fail: { count: 7, of: 60 } })
    expect(last(long.states).trail.length).toBeLessThanOrEqual(MAX_TRAIL)
  })
  test('the first and the newest runs are kept', () => {
    const runs = Array.from({ length: 9 }, (_, i) => run('p', NOON + i * MIN, 'internal'))
    expect(keepEnds(runs).map((o) => (o.startedAt - NOON) / MIN)).toEqual([0, 5, 6, 7, 8])
    expect(keepEnds(runs.slice(0, MAX_TRAIL))).toHaveLength(MAX_TRAIL)
  })
})

describe('family-change: another family', () => {
  test.for<[string, string, Transition['kind']]>([
    ['the last three failed otherwise', 'FFFDDD', 'other-family'],
    ['the last two failed otherwise', 'FFFDD', 'still-failing'],
    ['three failed otherwise, with an ok between', 'FFFDoDD', 'still-failing'],
    ['three failed otherwise, with one as before between', 'FFFDDFD', 'still-failing'],
    ['three in a row, whatever lay between before', 'FFFDFDDD', 'other-family'],
    ['a throttled run between changes nothing', 'FFFDtDD', 'other-family'],
  ])('%s', ([, runs, expected]) => expect(last(play(runs).turns).kind).toBe(expected))
  test('its onset is the first of these runs', () => {
    const played = play('FFFDDD')
    expect(last(played.turns)).toMatchObject({ family: 'misconfigured', onset: played.at(3) })
    expect(last(played.states).onset).toBe(played.at(3))
  })
  test('without an incident it continues to fail, and gets one elsewhere', () => {
    expect(last(play('FFFDDD', THRESHOLD, null).turns).kind).toBe('still-failing')
  })
})

describe('against a model that counts the last runs from scratch each time', () => {
  // Five minutes without a conclusive run are a gap in our watch, which ends an undecided streak (`restart`): the models know
  // none.
  const letters = fc
    .array(fc.constantFrom('o', 'F', 'D', 't'), { maxLength: 40 })
    .map((list) => list.join('').replace(/t{5,}/g, 'tttt'))
  const rules = fc.integer({ min: 1, max: 6 }).chain((of) => fc.tuple(fc.integer({ min: 1, max: of }), fc.constant(of)))
  const FAMILY: Readonly<Record<string, Family>> = { F: 'outage', D: 'misconfigured' }

  test('an ok probe fails with the first run that makes it `count` of the last `of` in one family', () => {
    fc.assert(
      fc.property(letters, rules, (runs, [count, of]) => {
        const { turns } = play(runs, threshold(count, of))
        const seen: string[] = []
        for (const [i, letter] of [...runs].entries()) {
          if (letter === 't') {
            expect(turns[i]!.kind).toBe('not-counted')
            continue
          }
          seen.push(letter)
          const window = seen.slice(-of)
          const most = Math.max(...['F', 'D'].map((f) => window.filter((w) => w === f).length))
          if (most < count) {
            expect(['ok', 'undecided']).toContain(turns[i]!.kind)
            continue
          }
          expect(turns[i]).toMatchObject({ kind: 'failed', family: FAMILY[letter] })
          return
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('it is undecided as long as some failure can still lead to the count, whatever comes, and not longer', () => {
    /** Plays every future: can a failure in the present window be part of a count? */
    const hope = (window: readonly string[], count: number, of: number): boolean =>
      window.some((letter, i) => {
        if (letter === 'o') return false
        const since = window.slice(i)
        return since.filter((l) => l === letter).length + (of - since.length) >= count
      })
    fc.assert(
      fc.property(letters, rules, (runs, [count, of]) => {
        const { turns } = play(runs, threshold(count, of))
        const seen: string[] = []
        for (const [i, letter] of [...runs].entries()) {
          if (letter === 't') continue
          if (turns[i]!.kind === 'failed') return
          seen.push(letter)
          expect(turns[i]!.kind).toBe(hope(seen.slice(-of), count, of) ? 'undecided' : 'ok')
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('it is known how many more failures in a row lead to the threshold, and to which onset', () => {
    const arrives = (kind: Transition['kind']) => kind === 'failed' || kind === 'other-family'
    fc.assert(
      fc.property(letters, rules, (runs, [count, of]) => {
        const before = play(runs, threshold(count, of)).states.at(-1)
        // Only a failing probe whose incident is of another family can still fail in this one.
        fc.pre(before !== undefined && (before.status === 'undecided' || before.status === 'ok' || before.status === 'failing'))
        const near = untilThreshold(before, 'outage', { count, of })
        const more = Array.from({ length: count }, (_, i) =>
          play(`${runs}${'F'.repeat(i + 1)}`, threshold(count, of)).turns.at(-1),
        )
        const turn = more.findIndex((one) => one !== undefined && arrives(one.kind)) + 1
        // Where no run that counts failed so, or all of them did already, there is nothing to say.
        if (near === null) expect([0, count]).toContain(turn)
        else if (turn > 0) expect({ runs: turn, onset: (more[turn - 1] as { onset: number }).onset }).toEqual(near)
      }),
      { numRuns: 1000 },
    )
  })
  test.for<[string, string, number | null]>([
    ['ok', 'ooo', null],
    ['failed once', 'oF', 2],
    ['failed twice', 'oFF', 1],
    ['failed twice with an ok run between', 'FoF', 1],
    ['failed too long ago', 'FoooF', 2],
    ['failed in another family', 'DD', null],
    ['failed in both', 'DFDF', 1],
    ['fails in another family, and last in this one', 'DDDF', 2],
    ['fails in another family, and lately in this one', 'DDDFF', 1],
    ['fails in another family, and not in a row in this one', 'DDDFFD', null],
  ])('of a probe that %s (%s): %s', ([, runs, expected]) => {
    expect(untilThreshold(last(play(runs).states), 'outage', THRESHOLD.fail)?.runs ?? null).toBe(expected)
  })

  test('what is held of a probe is bounded', () => {
    fc.assert(
      fc.property(letters, rules, (runs, [count, of]) => {
        for (const state of play(runs, threshold(count, of)).states) {
          expect(state.recent.length).toBeLessThanOrEqual(of)
          expect(state.trail.length).toBeLessThanOrEqual(MAX_TRAIL)
        }
      }),
    )
  })
})
