import { expect, test } from 'vitest'
import { virtualClock } from '../../simulate/clock.ts'
import { Bell } from './bell.ts'

const PAUSES = { heardMs: 5_000, unheardMs: 80 }

function given() {
  const clock = virtualClock(0)
  const bell = new Bell(clock)
  const over = new AbortController()
  const ear = bell.attend('lead', over.signal)
  const log: number[] = []
  const wait = () => void ear.wait(PAUSES, over.signal).then(() => log.push(clock.elapsed()))
  return { clock, bell, over, ear, log, wait }
}

test('whoever is not heard of looks often, and rarely once a ring has come back; after eight seconds that proves nothing', async () => {
  const { clock, bell, log, wait } = given()
  wait()
  await clock.advance(100)
  bell.prove()
  wait()
  await clock.advance(10_000)
  wait()
  await clock.advance(100)
  expect(log).toEqual([80, 5_100, 10_180])
})

test('a ring wakes who waits for its topic, and nobody else', async () => {
  const { clock, bell, log, wait } = given()
  bell.prove()
  wait()
  await clock.advance(10)
  bell.ring('machines')
  await clock.advance(10)
  bell.ring('lead')
  await clock.advance(10)
  expect(log).toEqual([20])
})

test('a ring that comes between two waits is not lost, and wakes once', async () => {
  const { clock, bell, log, wait } = given()
  bell.prove()
  bell.ring('lead')
  bell.ring('lead')
  wait()
  await clock.advance(10)
  wait()
  await clock.advance(6_000)
  expect(log).toEqual([0, 5_010])
})

test('a wait ends when its signal aborts, and then rings reach nobody', async () => {
  const { clock, bell, over, log, wait } = given()
  bell.prove()
  wait()
  await clock.advance(10)
  over.abort()
  await clock.advance(10)
  bell.ring('lead')
  expect(log).toEqual([10])
})

test('whoever waits looks at once when the line is gone, and often from then on', async () => {
  const { clock, bell, log, wait } = given()
  bell.prove()
  wait()
  await clock.advance(10)
  bell.doubt()
  await clock.advance(10)
  wait()
  await clock.advance(100)
  expect(log).toEqual([10, 100])
})
