import { expect, test } from 'vitest'
import { HOUR, MIN, type MonitorGiven, monitor, NOON, run, type Went } from '../../test/given.ts'
import { MINUTE_MS, type Monitor } from '../domain/probe.ts'
import { newProbeState, type ProbeState } from '../domain/state.ts'
import { RunLostError } from '../ports/prober.ts'
import { virtualClock } from '../simulate/clock.ts'
import { AWS_PACE, MAX_RUNS_AT_ONCE, MAX_RUNS_OF_A_LANE, ProbeScheduler } from './probe-scheduler.ts'

const accounts = (count: number) => Array.from({ length: count }, (_, i) => String(100_000_000_000 + i))

/** ProbeScheduler on a virtual clock: each run takes `lastsMs`, and how it goes is in the test's hands. */
function given(lastsMs = 1_000) {
  const clock = virtualClock(NOON)
  const kill = new AbortController()
  const began: { probe: string; at: number }[] = []
  const lates: number[] = []
  const world = { went: (_probe: string): Went => 'ok', most: 0, lastsMs: (_probe: string) => lastsMs, isLost: () => false }
  let running = 0
  const rounds = new ProbeScheduler({
    prober: {
      async run(probe, signal) {
        const at = clock.elapsed()
        began.push({ probe: probe.id, at })
        running += 1
        world.most = Math.max(world.most, running)
        await clock.sleep(world.lastsMs(probe.id), signal)
        running -= 1
        if (world.isLost()) throw new RunLostError('the machine that made it is gone')
        return run(probe.id, NOON + at, world.went(probe.id))
      },
      control: () => Promise.reject(new Error('nobody asks for it here')),
    },
    clock,
    pace: AWS_PACE,
    submit: async () => {},
    failed: (_, cause) => {
      throw cause
    },
    began: (_, lateMs) => lates.push(lateMs),
    kill: kill.signal,
  })
  const count = (from: number, to: number) => began.filter(({ at }) => at >= from && at < to).length
  return { clock, rounds, began, lates, world, count }
}

const failing = (is: Monitor, probe: string): ReadonlyMap<string, ProbeState> => {
  const id = is.probes.find((one) => one.account === probe)?.id ?? ''
  return new Map([[id, { ...newProbeState(id, NOON), status: 'undecided', onset: NOON, lastRunAt: NOON - HOUR }]])
}

test('a few probes of several operations begin at once', async () => {
  const { clock, rounds, began } = given()
  void rounds.fire(monitor({ operations: ['GetAccountInformation', 'GetContactInformation', 'ListRegions', 'GetPrimaryEmail'] }))
  await clock.settle()
  expect(began.map(({ at }) => at)).toEqual([0, 0, 0, 0])
})

test('a thousand accounts are probed evenly, at four fifths of what AWS allows, and none later than planned', async () => {
  const { clock, rounds, began, lates, count } = given()
  const done = rounds.fire(monitor({ accounts: accounts(1_000), operations: ['GetAccountInformation'], periodMs: 10 * MIN }))
  await clock.advance(8 * MIN)
  await done
  expect(began).toHaveLength(1_000)
  // 3 a second are allowed; 0.8 × 3 × 60 = 144 a minute are taken, and the burst of two in the first.
  for (let minute = 0; minute < 6; minute++) expect(count(minute * MIN, (minute + 1) * MIN)).toBeGreaterThanOrEqual(143)
  for (let minute = 0; minute < 6; minute++) expect(count(minute * MIN, (minute + 1) * MIN)).toBeLessThanOrEqual(146)
  expect(Math.max(...lates)).toBeLessThan(5)
})

test.for<[string, MonitorGiven, number]>([
  ['the same credentials share a budget', { name: 'b', credentials: monitor({ name: 'a' }).credentials }, 146],
  ['other credentials have their own', { name: 'b' }, 290],
  ['so has another operation', { name: 'b', operations: ['ListRegions'] }, 290],
])('%s', async ([, other, most]) => {
  const { clock, rounds, count } = given()
  const given2 = { accounts: accounts(200), operations: ['GetAccountInformation' as const], periodMs: 10 * MIN }
  void rounds.fire(monitor({ ...given2, name: 'a' }))
  void rounds.fire(monitor({ ...given2, ...other }))
  await clock.advance(MIN)
  expect(count(0, MIN)).toBeLessThanOrEqual(most === 146 ? 146 : 400)
  expect(count(0, MIN)).toBeGreaterThanOrEqual(most === 146 ? 140 : most)
})

test('a re-run does not wait behind the schedule, even if its probe waits there', async () => {
  const { clock, rounds, began } = given()
  const is = monitor({ accounts: accounts(500), operations: ['GetAccountInformation'], periodMs: MIN })
  void rounds.fire(is)
  await clock.advance(MIN)
  const last = '100000000499'
  const before = began.length
  rounds.rerun([is], failing(is, last), 0, NOON + MIN)
  await clock.advance(1_000)
  expect(began.slice(before).map(({ probe }) => probe)).toContain(`main/${last}/GetAccountInformation`)
  // And once only: its place on the schedule is gone with it.
  await clock.advance(5 * MIN)
  expect(began.filter(({ probe }) => probe === `main/${last}/GetAccountInformation`)).toHaveLength(1)
  expect(began).toHaveLength(500)
})

test('a 429 slows the pace down, and it recovers', async () => {
  const { clock, rounds, world, count } = given()
  void rounds.fire(monitor({ accounts: accounts(1_000), operations: ['GetAccountInformation'], periodMs: 10 * MIN }))
  world.went = () => 'throttled'
  await clock.advance(3_000)
  world.went = () => 'ok'
  await clock.advance(10 * MIN)
  expect(count(5_000, MIN)).toBeLessThan(40)
  expect(count(7 * MIN, 8 * MIN)).toBeGreaterThan(140)
})

test('further tries within a run count as calls: while all of them fail, fewer runs begin', async () => {
  const { clock, rounds, world, count } = given()
  const is = monitor({ accounts: accounts(300), operations: ['GetAccountInformation'], periodMs: 10 * MIN })
  world.went = () => 'ok at the second try'
  void rounds.fire(is)
  await clock.advance(2 * MIN)
  expect(count(MIN, 2 * MIN)).toBeGreaterThan(65)
  expect(count(MIN, 2 * MIN)).toBeLessThan(75)
})

test('accounts that hang do not delay the others', async () => {
  const { clock, rounds, world, began } = given()
  world.lastsMs = (probe) => (probe.startsWith('hangs') ? 18_000 : 200)
  // Five callers whose accounts all hang: by now they hold all that they may.
  for (let i = 0; i < 5; i++) {
    const name = `hangs${i}`
    void rounds.fire(monitor({ name, accounts: accounts(1_000), operations: ['GetContactInformation'], periodMs: MIN }))
  }
  await clock.advance(15_000)
  void rounds.fire(monitor({ name: 'well' }))
  await clock.settle()
  expect(began.at(-1)).toEqual({ probe: 'well/111122223333/GetContactInformation', at: 15_000 })
  await clock.advance(2 * MINUTE_MS)
  expect(world.most).toBeLessThanOrEqual(MAX_RUNS_AT_ONCE)
  expect(MAX_RUNS_OF_A_LANE * 3).toBeLessThanOrEqual(MAX_RUNS_AT_ONCE)
})

test('a run that was lost is made again, paced like any other: it may have called AWS', async () => {
  const { clock, rounds, began, world } = given(100)
  world.isLost = () => clock.elapsed() < 5_000
  const done = rounds.fire(monitor({ accounts: accounts(3), operations: ['GetAccountInformation'], periodMs: MIN }))
  await clock.advance(20_000)
  await done
  const inAnySecond = began.map(({ at }) => began.filter((other) => other.at >= at && other.at < at + 1_000).length)
  expect(Math.max(...inAnySecond)).toBeLessThanOrEqual(3 + 3)
  const last = began.filter(({ at }) => at >= 5_000 - 100)
  expect(last.map(({ probe }) => probe).toSorted()).toEqual([...new Set(began.map(({ probe }) => probe))].toSorted())
  expect(clock.pending()).toBe(0)
})

test('after the stop a run that was lost is not made again', async () => {
  const { clock, rounds, began, world } = given(1_000)
  world.isLost = () => true
  const done = rounds.fire(monitor())
  await clock.advance(500)
  rounds.stop()
  await clock.advance(10_000)
  await Promise.all([done, rounds.idle()])
  expect(began).toHaveLength(1)
})

test('after the stop nothing begins, and what is under way ends', async () => {
  const { clock, rounds, began } = given(10_000)
  const done = rounds.fire(monitor({ accounts: accounts(1_000), periodMs: 10 * MIN }))
  await clock.advance(2_000)
  const before = began.length
  rounds.stop()
  const idle = rounds.idle()
  await clock.advance(10_000)
  await Promise.all([done, idle])
  expect(began).toHaveLength(before)
  expect(clock.pending()).toBe(0)
})
