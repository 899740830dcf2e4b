import { describe, expect, test } from 'vitest'
import { event, NOON } from '../../test/given.ts'
import type { HealthReading, SourceAnswer } from '../domain/outage.ts'
import { virtualClock } from '../simulate/clock.ts'
import { HealthReader, MIN_INTERVAL_MS } from './health-reader.ts'

const S = 1_000
const CACHE_FOR = 60 * S
const ANSWERED: SourceAnswer = { state: 'answered', at: 0, events: [event()], skipped: 0, detail: 'here' }
const THROTTLED: SourceAnswer = { state: 'unavailable', at: 0, why: 'Rate exceeded', heard: true, throttled: true }

/** A reader on a virtual clock: the API takes a second to answer what the test says, and every question is noted. */
function given() {
  const clock = virtualClock(NOON)
  const asked: number[] = []
  const world = { answer: ANSWERED, lastsMs: S }
  const api = {
    async ask(now: number, _since: number, signal: AbortSignal) {
      asked.push(clock.elapsed() / S)
      await clock.sleep(world.lastsMs, signal)
      return world.answer.state === 'off' ? world.answer : { ...world.answer, at: now }
    },
  }
  const reader = new HealthReader({
    sources: new Map([['aws', { api, dashboard: null }]]),
    lookbackMs: 60 * S,
    cacheForMs: CACHE_FOR,
    clock,
    log: { error() {}, warn() {}, info() {}, debug() {} },
  })
  const stop = new AbortController()
  const done: { begun: number; state: string; detail: string; at: number }[] = []
  /** Reads, and notes when that was answered, and by a reading that was begun when. */
  const read = (maxAgeMs: number) => {
    void reader.read('aws', maxAgeMs, stop.signal).then(({ sources: { api: is } }: HealthReading) => {
      done.push({ at: clock.elapsed() / S, begun: reader.begunAt('aws') / S, state: is.state, detail: is.detail })
    })
  }
  return { clock, reader, asked, world, read, done, stop }
}

describe('a partition is read once for everybody', () => {
  test('a reading that is fresh enough is shared', async () => {
    const { clock, asked, read, done } = given()
    read(CACHE_FOR)
    await clock.advance(30 * S)
    read(CACHE_FOR)
    await clock.advance(40 * S)
    read(CACHE_FOR)
    await clock.advance(5 * S)
    expect(asked).toEqual([0, 70])
    expect(done.map(({ begun }) => begun)).toEqual([0, 0, 70])
  })

  test('a reading under way is shared by those who need none that begins later', async () => {
    const { clock, asked, read, done } = given()
    read(0)
    await clock.advance(S / 2)
    read(S / 2)
    read(30 * S)
    await clock.advance(10 * S)
    expect(asked).toEqual([0])
    expect(done).toHaveLength(3)
  })

  test('those who come too late share the next one, never the one before', async () => {
    const { clock, asked, read, done } = given()
    read(0)
    await clock.advance(S / 2)
    for (let i = 0; i < 100; i++) read(S / 4)
    await clock.advance(10 * S)
    expect(asked).toEqual([0, 5])
    expect(done.filter(({ begun }) => begun === 5)).toHaveLength(100)
  })
})

describe('a partition is read at most once in five seconds', () => {
  test('however many ask, and whenever they do', async () => {
    const { clock, asked, read, done } = given()
    for (let i = 0; i < 300; i++) {
      const before = done.length
      read(0)
      await clock.advance(100)
      expect(done.length).toBeGreaterThanOrEqual(before)
    }
    await clock.advance(10 * S)
    expect(done).toHaveLength(300)
    expect(asked).toEqual([0, 5, 10, 15, 20, 25, 30])
  })

  test('a reading that takes longer is waited for', async () => {
    const { clock, asked, world, read } = given()
    world.lastsMs = 8 * S
    read(0)
    await clock.advance(S)
    read(0)
    await clock.advance(20 * S)
    expect(asked).toEqual([0, 8])
  })

  test('each partition by itself', async () => {
    const { clock, reader, asked, stop } = given()
    void reader.read('aws', 0, stop.signal)
    void reader.read('aws-cn', 0, stop.signal)
    await clock.advance(2 * S)
    expect(asked).toEqual([0])
    expect(reader.begunAt('aws-cn')).toBe(0)
  })

  test('nobody waits once Alibi stops', async () => {
    const { clock, read, done, stop } = given()
    read(0)
    await clock.advance(2 * S)
    read(0)
    stop.abort()
    await clock.settle()
    expect(done).toHaveLength(2)
    expect(MIN_INTERVAL_MS).toBe(5 * S)
  })
})

describe('a source that throttles', () => {
  test('is not asked for a while, longer each time, and asked again before its last answer is too old', async () => {
    const { clock, asked, world, read } = given()
    world.answer = THROTTLED
    for (let i = 0; i < 400; i++) {
      read(0)
      await clock.advance(S)
    }
    expect(asked.slice(0, 6)).toEqual([0, 10, 25, 50, 95, 160])
    expect(asked.slice(6).every((at, i) => at - (asked[i + 5] ?? 0) <= 70)).toBe(true)
  })

  test('keeps its last answer as long as that is younger than `cacheFor`', async () => {
    const { clock, reader, world, read, done } = given()
    read(0)
    await clock.advance(10 * S)
    world.answer = THROTTLED
    for (let i = 0; i < 12; i++) {
      read(0)
      await clock.advance(5 * S)
    }
    const states = done.map(({ begun, state }) => [begun, state])
    expect(states.filter(([, state]) => state === 'answered').at(-1)?.[0]).toBe(55)
    expect(states.filter(([, state]) => state === 'unavailable')[0]?.[0]).toBe(60)
    expect(done[1]?.detail).toBe('here, and throttles since')
    expect(reader.readings().get('aws')?.events).toEqual([])
  })

  test('keeps the events of its last answer, and the reading says how old it is', async () => {
    const { clock, reader, world, read } = given()
    read(0)
    await clock.advance(10 * S)
    world.answer = THROTTLED
    read(0)
    await clock.advance(5 * S)
    const reading = reader.readings().get('aws')
    expect(reading?.events).toHaveLength(1)
    expect(reading?.sources.api.at).toBe(NOON)
  })

  test('is asked as usual once it answers', async () => {
    const { clock, asked, world, read, done } = given()
    world.answer = THROTTLED
    read(0)
    await clock.advance(12 * S)
    world.answer = ANSWERED
    for (let i = 0; i < 3; i++) {
      read(0)
      await clock.advance(5 * S)
    }
    expect(asked).toEqual([0, 12, 17, 22])
    expect(done.at(-1)?.state).toBe('answered')
  })

  test('has no answer if it then fails in another way', async () => {
    const { clock, world, read, done } = given()
    read(0)
    await clock.advance(10 * S)
    world.answer = { state: 'unavailable', at: 0, why: 'it answered 503', heard: true }
    read(0)
    await clock.advance(5 * S)
    expect(done.at(-1)).toMatchObject({ state: 'unavailable', detail: 'it answered 503' })
  })
})

describe('a source that speaks by itself', () => {
  function withQueue() {
    const all = given()
    const queue: { answer: SourceAnswer } = { answer: { state: 'answered', at: 0, events: [], skipped: 0, detail: 'q' } }
    const { clock, world, asked } = all
    const api = {
      async ask(now: number, _since: number, signal: AbortSignal) {
        asked.push(clock.elapsed() / S)
        await clock.sleep(world.lastsMs, signal)
        return { ...ANSWERED, at: now, events: [] }
      },
    }
    const desk = new HealthReader({
      sources: new Map([['aws', { api, dashboard: null, queue: { ask: async () => queue.answer } }]]),
      lookbackMs: 60 * S,
      cacheForMs: CACHE_FOR,
      clock,
      log: { error() {}, warn() {}, info() {}, debug() {} },
    })
    const never = new AbortController().signal
    const events = () => desk.readings().get('aws')?.events.length
    const speaks = () => {
      queue.answer = { state: 'answered', at: 0, events: [event({ sources: ['queue'] })], skipped: 0, detail: 'q' }
      void desk.refresh('aws', never)
    }
    return { ...all, desk, events, speaks, never }
  }

  test('is joined with what the others have said lately, without asking them', async () => {
    const { clock, desk, asked, events, speaks, never } = withQueue()
    void desk.read('aws', 0, never)
    await clock.advance(10 * S)
    const at = desk.readings().get('aws')?.at ?? 0
    speaks()
    await clock.settle()
    expect(events()).toBe(1)
    expect(desk.readings().get('aws')?.at).toBeGreaterThan(at)
    expect(asked).toEqual([0])
    expect(desk.lastAt('aws')).toBe(NOON + S)
  })

  test('is heard in a reading that is under way', async () => {
    const { clock, desk, asked, events, speaks, never } = withQueue()
    void desk.read('aws', 0, never)
    await clock.advance(S / 2)
    speaks()
    await clock.advance(S)
    expect(events()).toBe(1)
    expect(asked).toEqual([0])
  })

  test('asks the others again if their answer is too old', async () => {
    const { clock, desk, asked, events, speaks, never } = withQueue()
    void desk.read('aws', 0, never)
    await clock.advance(CACHE_FOR + 5 * S)
    speaks()
    await clock.advance(2 * S)
    expect(events()).toBe(1)
    expect(asked).toEqual([0, 65])
  })
})
