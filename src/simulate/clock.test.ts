import { describe, expect, test, vi } from 'vitest'
import type { ScheduledTask } from '../ports/time.ts'
import { virtualClock, virtualTicker } from './clock.ts'

const T0 = Date.UTC(2026, 10, 22, 12, 0, 30)
const MINUTE = 60_000
const never = new AbortController().signal

describe('the virtual clock', () => {
  test('ends sleeps at their moment and in order, and runs what they set off before the next', async () => {
    const clock = virtualClock(T0)
    const seen: [string, number][] = []
    const go = async (name: string, ...naps: number[]) => {
      for (const nap of naps) {
        await clock.sleep(nap, never)
        for (let hop = 0; hop < 20; hop++) await Promise.resolve()
        seen.push([name, clock.now() - T0])
      }
    }
    void go('a', 10, 10)
    void go('b', 15, 1_000)
    void go('c', 10)
    await clock.advance(100)
    expect(seen).toEqual([
      ['a', 10],
      ['c', 10],
      ['b', 15],
      ['a', 20],
    ])
    expect([clock.elapsed(), clock.pending()]).toEqual([100, 1])
  })

  test('a sleep ends at once when it is aborted', async () => {
    const clock = virtualClock(T0)
    const abort = new AbortController()
    const sleep = clock.sleep(MINUTE, abort.signal)
    abort.abort()
    await sleep
    await clock.sleep(MINUTE, abort.signal)
    expect([clock.now(), clock.pending()]).toEqual([T0, 0])
  })

  test('a jump moves the wall clock alone', async () => {
    const clock = virtualClock(T0)
    let woke = false
    const sleep = clock.sleep(MINUTE, never).then(() => {
      woke = true
    })
    clock.jump(60 * MINUTE)
    await clock.settle()
    expect([clock.now() - T0, clock.monotonic(), woke]).toEqual([60 * MINUTE, 0, false])
    await clock.advance(MINUTE)
    await sleep
  })

  test('a leap passes time that no wait notices, and moves no appointment', async () => {
    const clock = virtualClock(T0)
    const seen: [string, number][] = []
    const see = (what: string) => () => void seen.push([what, clock.elapsed()])
    clock.after(10, see('after'))
    clock.after(20, see('called off'))()
    clock.at(MINUTE + 5, see('at'))
    expect(clock.waits()).toEqual({ count: 1, until: 10 })
    clock.leap(MINUTE)
    expect([clock.now() - T0, clock.monotonic(), clock.uptime()]).toEqual([MINUTE, MINUTE, MINUTE])
    expect(clock.waits()).toEqual({ count: 1, until: MINUTE + 10 })
    await clock.advance(MINUTE)
    expect(seen).toEqual([
      ['at', MINUTE + 5],
      ['after', MINUTE + 10],
    ])
  })

  test('a loop that waits for no time is an error, not a hang', async () => {
    const clock = virtualClock(T0)
    const again = () => void clock.after(0, again)
    again()
    await expect(clock.advance(1)).rejects.toThrow('waits for no time')
  })
})

describe('the virtual ticker', () => {
  function scheduled(over: Partial<ScheduledTask> = {}, random?: () => number) {
    const clock = virtualClock(T0)
    const told = { fired: [] as number[], missed: [] as number[], overlapped: [] as number[] }
    const task = virtualTicker(clock, random).schedule({
      name: 'production',
      cron: '* * * * *',
      timezone: 'Etc/UTC',
      spreadMs: 0,
      fire: async () => void told.fired.push(clock.now() - T0),
      missed: (at) => void told.missed.push(at - T0),
      overlapped: (at) => void told.overlapped.push(at - T0),
      ...over,
    })
    return { ...told, clock, task }
  }

  test('fires on the minute', async () => {
    const { clock, fired, task } = scheduled()
    await clock.advance(3 * MINUTE)
    expect(fired).toEqual([30_000, 90_000, 150_000])
    expect(task.next()).toBe(T0 + 210_000)
    await task.stop()
    await clock.advance(3 * MINUTE)
    expect([fired.length, task.next(), clock.pending()]).toEqual([3, null, 0])
  })

  test('spreads, and goes on after a failure', async () => {
    let fires = 0
    const fire = async () => {
      fires++
      throw new Error('no')
    }
    const { clock } = scheduled({ spreadMs: 10_000, fire }, () => 0.5)
    await clock.advance(34_999)
    expect(fires).toBe(0)
    await clock.advance(1 + MINUTE)
    expect(fires).toBe(2)
  })

  test('one at a time: an overlap is reported; stop waits for the fire', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { clock, overlapped, task } = scheduled({ fire: () => promise })
    await clock.advance(3 * MINUTE)
    expect(overlapped).toEqual([90_000, 150_000])
    const stopped = vi.fn()
    const stop = task.stop().then(stopped)
    await clock.settle()
    expect(stopped).not.toHaveBeenCalled()
    resolve()
    await stop
  })

  test('a leap misses nothing: the next fire is the next one of the schedule', async () => {
    const { clock, fired, missed, task } = scheduled()
    await clock.advance(MINUTE)
    clock.leap(10 * MINUTE)
    expect(task.next()).toBe(T0 + 11 * MINUTE + 30_000)
    await clock.advance(MINUTE)
    expect([fired, missed]).toEqual([[30_000, 11 * MINUTE + 30_000], []])
  })

  test.for<[string, number, number[]]>([
    ['ahead: what was missed is told once', 10 * MINUTE, [30_000]],
    ['back: nothing was missed, and it does not fall silent', -180 * MINUTE, []],
  ])('the clock is set %s', async ([, jump, expected]) => {
    const { clock, fired, missed } = scheduled()
    clock.jump(jump)
    await clock.advance(2 * MINUTE)
    expect([fired.length, missed]).toEqual([2, expected])
  })
})
