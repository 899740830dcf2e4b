import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTicker } from '../src/adapters/ticker.ts'
import type { Log } from '../src/ports/log.ts'
import type { Ticker } from '../src/ports/time.ts'
import { plannerOf } from '../src/schedule/planner.ts'
import { virtualClock, virtualTicker } from '../src/simulate/clock.ts'
import { Dice } from './history/dice.ts'
import { drawSchedule, type Night, nightsOf } from './schedules/draw.ts'
import { expectedFires } from './schedules/oracle.ts'

/** `npm run schedules`: a thousand more, over every night of every zone whose clocks are set in 2025 to 2028. `SEED` draws others. */
const MORE = Number(process.env['SCHEDULES'] ?? 0)
const SEED = Number(process.env['SEED'] ?? 1)
const EACH = 6
const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Australia/Adelaide',
  'Pacific/Chatham',
  'Antarctica/Troll',
  'Africa/Casablanca',
]
/** Longer than any stretch that is skipped or repeated. */
const HOURS_AROUND = 3
const MINUTE = 60_000
const HOUR = 60 * MINUTE

type Drawn = Night & Readonly<{ expression: string }>

function drawn(): readonly Drawn[] {
  const dice = new Dice(SEED)
  const drawFor = (night: Night): Drawn => ({ ...night, expression: drawSchedule(dice, night) })
  const year = nightsOf(ZONES).filter(({ change }) => new Date(change.at).getUTCFullYear() === 2026)
  const rest = nightsOf(Intl.supportedValuesOf('timeZone'))
    .map((night) => ({ night, order: dice.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ night }) => night)
  const more = Array.from({ length: MORE }, (_, n) => rest[n % rest.length]).filter((night) => night !== undefined)
  return [...year.flatMap((night) => Array.from({ length: EACH }, () => night)), ...more].map(drawFor)
}

const byInstant = Map.groupBy(drawn(), ({ change }) => change.at)

/** What each of these schedules fires on a ticker, from some hours before the change to some hours after it. */
function recorded(ticker: Ticker, schedules: readonly Drawn[]) {
  const fires = schedules.map(() => [] as number[])
  const tasks = schedules.map(({ expression, zone }, n) =>
    ticker.schedule({
      name: `${n}`,
      cron: expression,
      timezone: zone,
      spreadMs: 0,
      fire: async (at = 0) => void fires[n]?.push(at),
      missed: () => void fires[n]?.push(Number.NaN),
      overlapped: () => void fires[n]?.push(Number.NaN),
    }),
  )
  return { fires, stop: () => Promise.all(tasks.map((task) => task.stop())) }
}

const silent: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

async function onTheRealTicker(at: number, schedules: readonly Drawn[]): Promise<readonly (readonly number[])[]> {
  vi.setSystemTime(at - HOURS_AROUND * HOUR)
  const { fires, stop } = recorded(createTicker(silent), schedules)
  await vi.advanceTimersByTimeAsync(2 * HOURS_AROUND * HOUR)
  await stop()
  return fires
}

async function inTheSimulator(at: number, schedules: readonly Drawn[]): Promise<readonly (readonly number[])[]> {
  const clock = virtualClock(at - HOURS_AROUND * HOUR)
  const { fires, stop } = recorded(virtualTicker(clock), schedules)
  await clock.advance(2 * HOURS_AROUND * HOUR)
  await stop()
  return fires
}

// Without setInterval: the ticker's watch of the clocks has nothing to see here, and would wake up 20,000 times a night.
beforeAll(() => void vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] }))
afterAll(() => void vi.useRealTimers())

let firing = 0

test.for([...byInstant])(
  'the ticker and the simulator fire as worked out, where clocks are set at %i',
  async ([at, schedules]) => {
    const real = await onTheRealTicker(at, schedules)
    const simulated = await inTheSimulator(at, schedules)
    for (const [n, { expression, zone, change }] of schedules.entries()) {
      const { fires, longestMs } = expectedFires(expression, { zone, change }, HOURS_AROUND)
      const schedule = `${expression} in ${zone}`
      expect({ schedule, real: real[n], simulated: simulated[n] }).toEqual({ schedule, real: fires, simulated: fires })
      const gaps = fires.slice(1).map((fire, n) => fire - (fires[n] ?? 0))
      for (let from = at - HOUR; from < at + HOUR; from += 11 * MINUTE) {
        const next = plannerOf(expression, zone).next(from)?.at ?? at + HOURS_AROUND * HOUR
        expect({ schedule, from, next: Math.min(next, at + HOURS_AROUND * HOUR) }).toEqual({
          schedule,
          from,
          next: fires.find((fire) => fire > from) ?? at + HOURS_AROUND * HOUR,
        })
      }
      if (longestMs !== null) expect(Math.max(...gaps), schedule).toBeLessThanOrEqual(longestMs)
      expect(Math.min(1, ...gaps), schedule).toBeGreaterThan(0)
      if (fires.length > 0) firing++
    }
  },
)

test('more than half of what was drawn had something to do in its night', () => {
  expect(firing).toBeGreaterThan([...byInstant.values()].flat().length / 2)
})
