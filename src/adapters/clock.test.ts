import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from './clock.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = new AbortController().signal

describe('sleep', () => {
  test('resolves when its time has come, and not before', async () => {
    const woke = vi.fn()
    const sleep = systemClock.sleep(1_000, never).then(woke)
    await vi.advanceTimersByTimeAsync(999)
    expect(woke).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(woke).toHaveBeenCalled()
    await sleep
  })

  test.for<[string, number]>([
    ['nothing', 0],
    ['less than nothing', -1],
    ['no number', Number.NaN],
  ])('of %s does not wait', async ([, ms]) => {
    await systemClock.sleep(ms, never)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('of longer than a timer can hold does not fire at once', async () => {
    const woke = vi.fn()
    void systemClock.sleep(Number.MAX_SAFE_INTEGER, never).then(woke)
    await vi.advanceTimersByTimeAsync(86_400_000)
    expect(woke).not.toHaveBeenCalled()
  })

  test('ends at once when it is aborted, before or meanwhile, and leaves no timer', async () => {
    await systemClock.sleep(1_000, AbortSignal.abort())
    const abort = new AbortController()
    const sleep = systemClock.sleep(1_000, abort.signal)
    abort.abort()
    await sleep
    expect(vi.getTimerCount()).toBe(0)
  })

  test('leaves no listener on a signal that outlives it', async () => {
    const abort = new AbortController()
    const removed = vi.spyOn(abort.signal, 'removeEventListener')
    const sleep = systemClock.sleep(1, abort.signal)
    await vi.advanceTimersByTimeAsync(1)
    await sleep
    expect(removed).toHaveBeenCalledOnce()
  })
})

test('the wall clock jumps, the monotonic one does not', () => {
  vi.useRealTimers()
  vi.useFakeTimers({ toFake: ['Date'] })
  const before = systemClock.monotonic()
  vi.setSystemTime(systemClock.now() + 3_600_000)
  expect(systemClock.monotonic() - before).toBeLessThan(3_600_000)
})
