import { expect, test, vi } from 'vitest'
import { AbandonedError, DeadlineError, stallMeter, within } from './stall.ts'

const never = new AbortController().signal

function handClock() {
  const time = { wall: 1_000_000, monotonic: 0 }
  const pass = (ms: number) => {
    time.wall += ms
    time.monotonic += ms
  }
  return { time, pass, now: () => time.wall, monotonic: () => time.monotonic }
}

test.for<[string, (clock: ReturnType<typeof handClock>) => void, number]>([
  ['nothing passed', () => undefined, 0],
  ['less than a tick passed', (clock) => clock.pass(30), 0],
  ['no tick for a second: all of it but the tick itself', (clock) => clock.pass(1_040), 1_000],
  [
    'the wall clock ran ahead: the machine slept',
    (clock) => {
      clock.time.wall += 5_000
    },
    5_000,
  ],
  [
    'the wall clock was set back',
    (clock) => {
      clock.time.wall -= 700
    },
    700,
  ],
])('how long we were blocked: %s', ([, happen, expected]) => {
  const clock = handClock()
  const meter = stallMeter(clock)
  using watch = meter.watch()
  happen(clock)
  expect(watch.longestMs()).toBe(expected)
  meter.close()
})

test('a stall that is over is remembered, by those who watched only', () => {
  vi.useFakeTimers()
  const clock = handClock()
  const meter = stallMeter(clock)
  const step = (ms: number) => {
    clock.pass(ms)
    vi.advanceTimersToNextTimer()
  }
  using early = meter.watch()
  step(40)
  step(640)
  using late = meter.watch()
  step(40)
  expect([early.longestMs(), late.longestMs()]).toEqual([600, 0])
  vi.useRealTimers()
  meter.close()
})

test('the meter runs only while somebody watches', () => {
  vi.useFakeTimers()
  const meter = stallMeter(handClock())
  const watches = [meter.watch(), meter.watch()]
  expect(vi.getTimerCount()).toBe(1)
  for (const watch of watches) watch[Symbol.dispose]()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const hang = () => new Promise<never>(() => undefined)

test('within: what comes in time comes through', async () => {
  await expect(within(60_000, never, async () => 'well')).resolves.toBe('well')
  await expect(within(60_000, never, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
})

test('within: whoever does not listen is left behind, with his signal aborted', async () => {
  let given: AbortSignal | undefined
  const running = within(5, never, (signal) => {
    given = signal
    return hang()
  })
  await expect(running).rejects.toBeInstanceOf(DeadlineError)
  expect(given?.aborted).toBe(true)
})

test('within: the caller ends it', async () => {
  const stop = new AbortController()
  const running = within(60_000, stop.signal, hang)
  stop.abort()
  await expect(running).rejects.toBeInstanceOf(AbandonedError)
  await expect(within(60_000, stop.signal, hang)).rejects.toBeInstanceOf(AbandonedError)
})

test('within: what is ready when a blocked loop turns again is taken, though the deadline has passed', async () => {
  const running = within(20, never, () => new Promise((resolve) => setImmediate(() => setImmediate(() => resolve('well')))))
  const until = performance.now() + 60
  while (performance.now() < until);
  await expect(running).resolves.toBe('well')
})
