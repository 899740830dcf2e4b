import { describe, expect, test } from 'vitest'
import type { Clock } from '../ports/time.ts'
import { Clocks } from './clock-watch.ts'

const HOUR = 3_600_000

/** Three clocks that a test moves; `uptimeReads` counts the costly one. */
function machine() {
  const at = { wall: 1_000_000, monotonic: 5_000, uptime: 90_000, uptimeReads: 0 }
  const clock: Clock = {
    now: () => at.wall,
    monotonic: () => at.monotonic,
    moment: () => null,
    uptime: () => {
      at.uptimeReads += 1
      return at.uptime
    },
    sleep: () => Promise.resolve(),
  }
  const pass = (ms: number, moves: readonly ('wall' | 'monotonic' | 'uptime')[] = ['wall', 'monotonic', 'uptime']) => {
    for (const name of moves) at[name] += ms
  }
  return { at, clocks: new Clocks(clock), pass }
}

test.for<[what: string, moves: (pass: ReturnType<typeof machine>['pass']) => void, setBy: number, sleptMs: number]>([
  ['an hour goes by', (pass) => pass(HOUR), 0, 0],
  ['the clock is set ahead', (pass) => pass(3 * HOUR, ['wall']), 3 * HOUR, 0],
  ['the clock is set back', (pass) => pass(-HOUR, ['wall']), -HOUR, 0],
  ['NTP mends a few seconds', (pass) => pass(4_000, ['wall']), 0, 0],
  ['the machine sleeps', (pass) => pass(HOUR, ['wall', 'uptime']), 0, HOUR],
  [
    'it sleeps, and the clock is set back meanwhile',
    (pass) => [pass(2 * HOUR, ['uptime']), pass(HOUR, ['wall'])],
    -HOUR,
    2 * HOUR,
  ],
])('%s, between two looks', ([, moves, setBy, sleptMs]) => {
  const { clocks, pass } = machine()
  pass(20)
  clocks.compare()
  moves(pass)
  expect(clocks.compare()).toEqual({ setBy, sleptMs })
  expect(clocks.compare(), 'told once').toEqual({ setBy: 0, sleptMs: 0 })
})

test('a sleep that is hidden by setting the clock back as far is noticed within a second', () => {
  const { clocks, pass } = machine()
  pass(HOUR, ['uptime'])
  pass(1_000)
  expect(clocks.compare()).toEqual({ setBy: -HOUR, sleptMs: HOUR })
})

test('many small steps of the wall clock add up', () => {
  const { clocks, pass } = machine()
  for (let i = 0; i < 4; i++) {
    pass(1_500, ['wall'])
    expect(clocks.compare().setBy).toBe(i === 3 ? 6_000 : 0)
  }
})

test('the uptime is read once a second, however many decisions are made', () => {
  const { at, clocks, pass } = machine()
  for (let i = 0; i < 5_000; i++) {
    pass(1)
    clocks.compare()
  }
  expect(at.uptimeReads).toBe(1 + 5)
})

describe('how far the clock was set since something was dated', () => {
  test('before it was set, under way when it was set, and since then unnoticed', () => {
    const { at, clocks, pass } = machine()
    const stamp = () => [at.wall, at.monotonic] as const
    const before = stamp()
    pass(30_000)
    const justBefore = stamp()
    pass(3 * HOUR, ['wall'])
    pass(20_000)
    const since = stamp()
    expect(clocks.setSince(...before), 'nobody has noticed').toBe(0)
    clocks.compare()
    expect([before, justBefore, since].map((one) => clocks.setSince(...one))).toEqual([3 * HOUR, 3 * HOUR, 0])
    pass(-1 * HOUR, ['wall'])
    clocks.compare()
    expect([before, since, stamp()].map((one) => clocks.setSince(...one))).toEqual([2 * HOUR, -HOUR, 0])
  })

  test('sleep of the machine does not count as a clock change', () => {
    const { at, clocks, pass } = machine()
    const before = [at.wall, at.monotonic] as const
    pass(HOUR, ['wall', 'uptime'])
    clocks.compare()
    expect(clocks.setSince(...before)).toBe(0)
    expect(clocks.neverSet()).toBe(false)
  })

  test('clocks may drift apart for months', () => {
    const { at, clocks, pass } = machine()
    for (let i = 0; i < 1_000; i++) {
      pass(1_000)
      pass(100, ['wall'])
      clocks.compare()
    }
    const before = [at.wall, at.monotonic] as const
    pass(8_000, ['wall'])
    clocks.compare()
    expect(clocks.setSince(...before)).toBe(8_000)
  })
})
