import { expect, test } from 'vitest'
import { DatabaseClock } from './database-clock.ts'

const T0 = Date.UTC(2026, 10, 27)

function machine() {
  const state = { now: T0, monotonic: 1_000, uptime: 500_000 }
  const clock = new DatabaseClock({
    now: () => state.now,
    monotonic: () => state.monotonic,
    uptime: () => state.uptime,
    moment: () => null,
    sleep: async () => {},
  })
  const pass = (ms: number) => {
    state.now += ms
    state.monotonic += ms
    state.uptime += ms
  }
  return { state, clock, pass }
}

test('it has the time of the database, whatever our own clock says or is set to', () => {
  const { state, clock, pass } = machine()
  expect(clock.now()).toBe(T0)
  clock.set(T0 + 420_000, 1_000, 1_000)
  expect(clock.now()).toBe(T0 + 420_000)
  expect(clock.skewMs).toBe(-420_000)
  pass(1_000)
  state.now += 7 * 60_000
  expect(clock.now()).toBe(T0 + 421_000)
})

test('an answer that took long moves it only as far as that cannot be the reason', () => {
  const { clock } = machine()
  clock.set(T0 + 400, 1_000, 1_900)
  expect(clock.now()).toBe(T0)
  clock.set(T0 + 5_000, 1_000, 1_900)
  expect(clock.now()).toBe(T0 + 5_000 - 450)
})

test('what the machine slept has passed', () => {
  const { state, clock, pass } = machine()
  state.uptime += 600_000
  pass(10)
  expect(clock.now()).toBe(T0 + 600_010)
  clock.set(T0 + 600_010, 1_010, 1_010)
  pass(10)
  expect(clock.now()).toBe(T0 + 600_020)
})
