import { describe, expect, test } from 'vitest'
import { event, MIN, NOON, POLICY } from '../../test/given.ts'
import type { HealthEvent } from '../domain/outage.ts'
import { DAY_MS } from '../domain/probe.ts'
import type { QueueContent } from '../domain/queue-message.ts'
import type { HealthQueue, QueueMessage, Received } from '../ports/health-queue.ts'
import { StoreError } from '../ports/store.ts'
import { virtualClock } from '../simulate/clock.ts'
import { memoryStore } from '../simulate/store.ts'
import { QueueReader } from './queue-reader.ts'

const S = 1_000
const URL = 'https://sqs.us-east-1.amazonaws.com/111122223333/alibi-health'
const never = new AbortController().signal

const told = (changes: Partial<HealthEvent> = {}): QueueContent => ({
  kind: 'event',
  toldAt: NOON,
  event: event({ sources: ['queue'], ...changes }),
})
let ids = 0
function message(content: QueueContent = told(), id = `m${++ids}`): QueueMessage {
  return { id, receipt: `r${++ids}`, sentAt: NOON, content }
}

/** A reader on a virtual clock. The queue gives what the test has put there, and then waits as long as it may. */
function given({ store = memoryStore(), retentionMs = 4 * DAY_MS, start = NOON } = {}) {
  const clock = virtualClock(start)
  const next: (Received | 'throws')[] = []
  const effects: string[] = []
  const asked: number[] = []
  const arrived: number[] = []
  const queue: HealthQueue = {
    async receive(waitMs, _limit, signal) {
      asked.push(clock.elapsed() / S)
      const answer = next.shift()
      if (answer === 'throws') throw new TypeError('a bug')
      if (answer === undefined) await clock.sleep(waitMs, signal)
      else await clock.sleep(S / 10, signal)
      return answer ?? { state: 'received', messages: [] }
    },
    async delete(messages) {
      effects.push(`deletes ${messages.map(({ id }) => id).join(' ')}`)
      return null
    },
  }
  const watched = {
    queue: store.queue,
    async keepQueue(...change: Parameters<typeof store.keepQueue>) {
      await store.keepQueue(...change)
      if (change[1].length > 0) effects.push(`keeps ${change[1].map(({ event: { status } }) => status).join(' ')}`)
    },
  }
  const interest = { services: ['IAM', 'ACCOUNT'], regions: ['us-east-1', 'global'] }
  const reader = new QueueReader({
    setting: { queue, url: URL, partition: 'aws', interest, retentionMs },
    law: { retentionMs, policy: POLICY },
    store: watched,
    clock,
    log: { error() {}, warn() {}, info() {}, debug() {} },
    arrived: (sentAt) => arrived.push(sentAt.length),
  })
  const stop = new AbortController()
  const done = reader.run(stop.signal, never)
  const said = () => reader.ask(clock.now(), NOON - POLICY.lookbackMs, never)
  return { clock, next, effects, asked, arrived, said, stop, done, store }
}
const received = (...messages: readonly QueueMessage[]): Received => ({ state: 'received', messages })

test('a message is deleted only after what it says is on disk', async () => {
  const { clock, next, effects, said, arrived, store } = given()
  next.push(received(message(told(), 'one'), message({ kind: 'beside', why: 'an abuse report' }, 'two')))
  await clock.advance(S)
  expect(effects).toEqual(['keeps open', 'deletes one two'])
  expect(arrived).toEqual([1])
  expect(await said()).toMatchObject({ state: 'answered', events: [{ status: 'open' }] })
  expect((await store.queue(URL))?.events).toHaveLength(1)
})

test('what could not be written is neither believed nor deleted, and taken when it comes again', async () => {
  const { clock, next, effects, said, store } = given()
  const one = message(told(), 'one')
  store.failNext(new StoreError('disk full', { fatal: false }))
  next.push(received(one), received(one))
  await clock.advance(S)
  expect(effects).toEqual([])
  expect(await said()).toMatchObject({ state: 'unavailable', why: expect.stringContaining('disk full') })
  await clock.advance(60 * S)
  expect(effects).toEqual(['keeps open', 'deletes one'])
  store.failAll(new StoreError('disk full', { fatal: false }))
  next.push(received(message(told({ status: 'closed', endedAt: NOON, updatedAt: NOON }), 'two')))
  await clock.advance(30 * S)
  expect(effects).toHaveLength(2)
  expect(await said()).toMatchObject({ state: 'unavailable', why: expect.stringContaining('disk full') })
  store.failAll(null)
  next.push(received(message(told({ status: 'closed', endedAt: NOON, updatedAt: NOON }), 'two')))
  await clock.advance(2 * 60 * S)
  expect(effects.slice(2)).toEqual(['keeps closed', 'deletes two'])
  expect(await said()).toMatchObject({ state: 'answered', events: [{ status: 'closed' }] })
})

test('a store that cannot be trusted ends it', async () => {
  const { clock, next, done, store } = given()
  const ended = expect(done).rejects.toThrow('malformed')
  await clock.advance(2 * S)
  store.failAll(new StoreError('malformed', { fatal: true }))
  next.push(received(message()))
  await clock.advance(60 * S)
  await ended
})

test('what is left in the queue is counted once, however often it comes, and asked for no faster than it can be', async () => {
  const { clock, next, effects, said, asked } = given()
  const strange = message({ kind: 'foreign', why: 'it is not JSON' }, 'strange')
  for (let i = 0; i < 50; i++) next.push(received({ ...strange, receipt: `r${i}` }))
  await clock.advance(20 * S)
  expect(effects).toEqual([])
  expect(asked.length).toBeLessThan(15)
  expect(await said()).toMatchObject({
    skipped: 1,
    detail: expect.stringContaining('1 message was left in it, the last since it is not JSON'),
  })
})

test('an event of which a later message cannot be read explains nothing until the next one can', async () => {
  const { clock, next, said } = given()
  const { arn } = event()
  next.push(received(message()))
  await clock.advance(S)
  const unreadable = message({ kind: 'unreadable', why: 'its startTime is missing', arn })
  next.push(received(unreadable))
  await clock.advance(25 * S)
  expect(await said()).toMatchObject({ state: 'answered', events: [] })
  next.push(received(message(told({ updatedAt: NOON + S }))), received(unreadable))
  await clock.advance(60 * S)
  expect(await said()).toMatchObject({ events: [{ updatedAt: NOON + S }] })
})

describe('a queue that gives nothing', () => {
  test.for<[string, Received | 'throws', object, number]>([
    ['refuses', { state: 'refused', why: 'denied' }, { state: 'refused', why: 'denied' }, 300],
    ['cannot be reached', { state: 'unavailable', why: 'ECONNREFUSED' }, { state: 'unavailable' }, 2],
    ['throws', 'throws', { state: 'unavailable', why: expect.stringContaining('internal error') }, 2],
  ])('that %s is asked again', async ([, answer, expected, seconds]) => {
    const { clock, next, said, asked } = given()
    next.push(received(message()), answer)
    await clock.advance(S / 2)
    expect(await said()).toMatchObject(expected)
    await clock.advance((seconds + 1) * S)
    expect(asked).toHaveLength(3)
    await clock.advance(25 * S)
    expect(await said()).toMatchObject({ state: 'answered', events: [{ status: 'open' }] })
  })

  test('is asked ever more rarely', async () => {
    const { clock, next, asked } = given()
    for (let i = 0; i < 100; i++) next.push({ state: 'unavailable', why: 'ECONNREFUSED' })
    await clock.advance(10 * MIN)
    expect(asked.length).toBeLessThan(20)
  })
})

test('a reader that starts again knows what was known, and knows a gap that was too long', async () => {
  const store = memoryStore()
  const first = given({ store })
  first.next.push(received(message()))
  await first.clock.advance(30 * S)
  first.stop.abort()
  await first.done
  const second = given({ store })
  await second.clock.advance(2 * S)
  expect(await second.said()).toMatchObject({ state: 'answered', events: [{ status: 'open' }] })
  second.stop.abort()
  await second.done
  const third = given({ store, start: NOON + 5 * DAY_MS })
  await third.clock.advance(2 * S)
  expect(await third.said()).toMatchObject({ state: 'answered', unproven: true, events: [] })
})

test('a clock that is set makes no gap', async () => {
  const { clock, next, said } = given()
  next.push(received(message()))
  await clock.advance(S)
  for (const by of [30 * DAY_MS, -60 * DAY_MS]) {
    clock.jump(by)
    await clock.advance(45 * S)
    expect(await said()).toMatchObject({ state: 'answered', events: [{ status: 'open' }] })
    expect(await said()).not.toHaveProperty('unproven')
  }
})
