import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Log } from '../ports/log.ts'
import type { ScheduledTask } from '../ports/time.ts'
import { createTicker } from './ticker.ts'

const T0 = Date.UTC(2026, 10, 22, 12, 0, 30)
const MINUTE = 60_000

let lines: [string, string, unknown][]
let log: Log
let printed: unknown[][]
const stops: (() => Promise<void>)[] = []

beforeEach(() => {
  vi.useFakeTimers({ now: T0 })
  lines = []
  const say = (level: string) => (message: string, fields?: unknown) => void lines.push([level, message, fields])
  log = { error: say('error'), warn: say('warn'), info: say('info'), debug: say('debug') }
  printed = []
  for (const name of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, name).mockImplementation((...args) => void printed.push(args))
  }
})
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
  expect(vi.getTimerCount()).toBe(0)
  expect(printed).toEqual([])
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const minutes = (...past: number[]) => past.map((m) => Date.UTC(2026, 10, 22, 12, m))

function scheduled(over: Partial<ScheduledTask> = {}) {
  const told = { fired: [] as number[], missed: [] as number[], overlapped: [] as number[] }
  const task = createTicker(log).schedule({
    name: 'production',
    cron: '* * * * *',
    timezone: 'Etc/UTC',
    spreadMs: 0,
    fire: async () => void told.fired.push(Date.now()),
    missed: (at) => void told.missed.push(at),
    overlapped: (at) => void told.overlapped.push(at),
    ...over,
  })
  stops.push(task.stop)
  return { ...told, task }
}

describe('a schedule', () => {
  test('of five fields fires on the minute and says when it does next', async () => {
    const { fired, task } = scheduled()
    expect(task.next()).toBe(minutes(1)[0])
    await vi.advanceTimersByTimeAsync(3 * MINUTE)
    expect(fired).toEqual(minutes(1, 2, 3))
    expect(task.next()).toBe(minutes(4)[0])
  })

  test('of six fields fires on the second', async () => {
    const { fired } = scheduled({ cron: '*/20 * * * * *' })
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(fired.map((at) => at - T0)).toEqual([10_000, 30_000, 50_000])
  })

  test('stands in its own time zone', () => {
    const { task } = scheduled({ cron: '0 8 * * *', timezone: 'Asia/Tokyo' })
    expect(new Date(task.next() ?? 0).toISOString()).toBe('2026-11-22T23:00:00.000Z')
  })

  test.for<[string, string, string, number]>([
    ['* * * * *', 'America/New_York', '2026-11-01T06:00', 180],
    ['*/30 * * * *', 'Europe/Berlin', '2026-10-25T01:00', 6],
    ['* * * * *', 'Australia/Lord_Howe', '2026-04-04T15:00', 180],
    ['*/5 * * * *', 'Australia/Adelaide', '2026-04-04T16:30', 36],
    ['30 2 * * *', 'Europe/Berlin', '2026-10-25T01:00', 1],
    ['30 2 * * *', 'Europe/Berlin', '2026-03-29T01:00', 1],
  ])('%s in %s fires as often as planned when the clocks are set at %s', async ([cron, timezone, at, fires]) => {
    vi.setSystemTime(Date.parse(`${at}:01Z`) - 90 * MINUTE)
    const { fired } = scheduled({ cron, timezone })
    await vi.advanceTimersByTimeAsync(180 * MINUTE)
    expect(fired).toHaveLength(fires)
  })

  test('of other seconds fires at the minute of the change, and the log says why', async () => {
    const at = Date.parse('2026-03-29T01:00:00Z')
    vi.setSystemTime(at - 30 * MINUTE)
    const { fired } = scheduled({ cron: '40 30 2 * * *', timezone: 'Europe/Berlin' })
    await vi.advanceTimersByTimeAsync(60 * MINUTE)
    expect(fired).toEqual([at])
    expect(lines).toEqual([
      [
        'info',
        expect.stringContaining('the clocks'),
        { monitor: 'production', at: '2026-03-29T01:00:00.000Z', why: expect.anything() },
      ],
    ])
  })

  test('spreads its fires by a random delay', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const { fired } = scheduled({ spreadMs: 10_000 })
    await vi.advanceTimersByTimeAsync(2 * MINUTE)
    expect(fired).toEqual(minutes(1, 2).map((at) => at + 5_000))
  })

  test('that makes no sense is an error at once', () => {
    expect(() => scheduled({ cron: 'whenever' })).toThrow()
  })

  test('goes on after a fire that failed, which the log names', async () => {
    let failed = false
    const { task } = scheduled({
      fire: async () => {
        if (failed) return
        failed = true
        throw new Error('disk full')
      },
    })
    await vi.advanceTimersByTimeAsync(2 * MINUTE)
    expect(lines).toEqual([['error', 'a scheduled run failed', { monitor: 'production', error: new Error('disk full') }]])
    expect(task.next()).toBe(minutes(3)[0])
  })
})

describe('a fire that takes long', () => {
  test('is not joined by the next: the overlap is reported, not printed', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let fires = 0
    const { overlapped } = scheduled({ fire: () => (fires++ === 0 ? promise : Promise.resolve()) })
    await vi.advanceTimersByTimeAsync(3 * MINUTE)
    expect([fires, overlapped]).toEqual([1, minutes(2, 3)])
    resolve()
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(fires).toBe(2)
  })

  test('is not joined either after the clock jumped meanwhile', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let fires = 0
    const { overlapped } = scheduled({ fire: () => (fires++ === 0 ? promise : Promise.resolve()) })
    await vi.advanceTimersByTimeAsync(MINUTE)
    vi.setSystemTime(Date.now() + 10 * MINUTE)
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect([fires, overlapped.length]).toEqual([1, 1])
    resolve()
  })

  test('is awaited by stop, and nothing fires afterwards', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let fires = 0
    const { task } = scheduled({
      fire: () => {
        fires++
        return promise
      },
    })
    await vi.advanceTimersByTimeAsync(MINUTE)
    let stopped = false
    const stop = task.stop().then(() => {
      stopped = true
    })
    await vi.advanceTimersByTimeAsync(5 * MINUTE)
    expect(stopped).toBe(false)
    resolve()
    await stop
    await vi.advanceTimersByTimeAsync(5 * MINUTE)
    expect(fires).toBe(1)
    expect(task.next()).toBeNull()
  })

  test('and fails does not fail stop', async () => {
    const { promise, reject } = Promise.withResolvers<void>()
    const { task } = scheduled({ fire: () => promise })
    await vi.advanceTimersByTimeAsync(MINUTE)
    const stop = task.stop()
    reject(new Error('late'))
    await stop
  })
})

test('stop drops a fire that waits out its random delay', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.9)
  const { fired, task } = scheduled({ spreadMs: 10_000 })
  await vi.advanceTimersByTimeAsync(31_000)
  await task.stop()
  await vi.advanceTimersByTimeAsync(MINUTE)
  expect(fired).toEqual([])
})

describe('time that is lost', () => {
  /** The event loop stands still: the wall clock and the monotonic one go on together, and no timer fires. */
  const block = (ms: number) => {
    const at = performance.now()
    vi.spyOn(performance, 'now').mockImplementation(() => at + ms)
    vi.setSystemTime(Date.now() + ms)
  }

  test('a fire that is late by seconds happens all the same', async () => {
    const { fired, missed } = scheduled()
    await vi.advanceTimersByTimeAsync(29_000)
    block(6_000)
    await vi.advanceTimersByTimeAsync(2_000)
    expect([fired.length, missed]).toEqual([1, []])
  })

  test('a busy stretch of minutes is reported once, with its first time, and not printed', async () => {
    const { fired, missed } = scheduled()
    await vi.advanceTimersByTimeAsync(29_000)
    block(3 * MINUTE + 20_000)
    await vi.advanceTimersByTimeAsync(2_000)
    expect([fired, missed]).toEqual([[], minutes(1)])
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(fired).toHaveLength(1)
  })

  test('a clock set back by hours does not silence it', async () => {
    const { fired, missed } = scheduled()
    await vi.advanceTimersByTimeAsync(MINUTE)
    vi.setSystemTime(Date.now() - 3 * 60 * MINUTE)
    await vi.advanceTimersByTimeAsync(2 * MINUTE)
    expect([fired.length, missed]).toEqual([3, []])
    expect(lines).toMatchObject([['warn', expect.stringContaining('the clock jumped'), { byMs: -180 * MINUTE }]])
  })

  test('after a jump ahead by half a century, the schedule is planned again within a second, not stepped through', async () => {
    const { fired, missed } = scheduled()
    vi.setSystemTime(Date.now() + 50 * 365 * 24 * 60 * MINUTE)
    await vi.advanceTimersByTimeAsync(1_000)
    expect([fired, missed]).toEqual([[], minutes(1)])
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(fired).toHaveLength(1)
  })

  test('a machine that slept through a daily fire reports it when it wakes, not a day later', async () => {
    const { fired, missed } = scheduled({ cron: '0 18 * * *' })
    vi.setSystemTime(Date.now() + 20 * 60 * MINUTE)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(missed.map((at) => new Date(at).toISOString())).toEqual(['2026-11-22T18:00:00.000Z'])
    await vi.advanceTimersByTimeAsync(10 * 60 * MINUTE)
    expect(fired.map((at) => new Date(at).toISOString())).toEqual(['2026-11-23T18:00:00.000Z'])
  })

  test('a fire that a clock jump interrupts in its random delay is reported as missed', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.9)
    const { fired, missed } = scheduled({ spreadMs: 20_000 })
    await vi.advanceTimersByTimeAsync(31_000)
    vi.setSystemTime(Date.now() + 10_000)
    await vi.advanceTimersByTimeAsync(2_000)
    expect([fired, missed]).toEqual([[], minutes(1)])
  })

  test('an adjustment of a second is not reported', async () => {
    const { fired } = scheduled()
    vi.setSystemTime(Date.now() + 1_000)
    await vi.advanceTimersByTimeAsync(2 * MINUTE)
    expect([fired.length, lines]).toEqual([2, []])
  })
})
