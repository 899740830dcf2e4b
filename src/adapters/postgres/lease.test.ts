import { expect, test } from 'vitest'
import { systemClock } from '../clock.ts'
import { Lease } from './lease.ts'

function given() {
  const at = { monotonic: 5_000, uptime: 90_000 }
  const clock = { ...systemClock, monotonic: () => at.monotonic, uptime: () => at.uptime }
  const pass = (ms: number) => {
    at.monotonic += ms
    at.uptime += ms
  }
  return { lease: new Lease(clock), at, pass }
}

test('it lasts from the moment before the others were informed, and ends before it ends for them', () => {
  const { lease, pass } = given()
  expect(lease.isLive()).toBe(false)
  const told = lease.reading()
  pass(4_000)
  lease.renew(told)
  expect(lease.isLive()).toBe(true)
  pass(4_000)
  expect(lease.isLive()).toBe(true)
  pass(1_600)
  expect(lease.isLive()).toBe(false)
})

test('a process that was stopped and a machine that slept find that it has ended', () => {
  const stopped = given()
  stopped.lease.renew(stopped.lease.reading())
  stopped.pass(60_000)
  expect(stopped.lease.isLive()).toBe(false)
  const slept = given()
  slept.lease.renew(slept.lease.reading())
  slept.at.uptime += 60_000
  expect(slept.lease.isLive(), 'the monotonic clock stood still').toBe(false)
})

test('it goes on when it was renewed', () => {
  const { lease, pass } = given()
  for (let i = 0; i < 5; i++) {
    lease.renew(lease.reading())
    pass(3_000)
    expect(lease.isLive()).toBe(true)
  }
})
