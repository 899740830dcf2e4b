import { expect, test } from 'vitest'
import { monitor, NOON, run } from '../../test/given.ts'
import { virtualClock } from '../simulate/clock.ts'
import { probeOnce, shortestRoundMs } from './probe-once.ts'

const accounts = (count: number) => Array.from({ length: count }, (_, i) => String(100_000_000_000 + i))

function given() {
  const clock = virtualClock(NOON)
  const began: number[] = []
  const prober = {
    async run(probe: { id: string }, signal: AbortSignal) {
      began.push(clock.elapsed())
      await clock.sleep(50, signal)
      return run(probe.id, NOON + clock.elapsed(), 'ok')
    },
    control: () => Promise.reject(new Error('nobody asks for it here')),
  }
  return { clock, began, prober }
}

test('a few probes run at the same time', async () => {
  const { clock, began, prober } = given()
  const done = probeOnce([monitor({ operations: ['GetAccountInformation', 'ListRegions', 'GetPrimaryEmail'] })], prober, clock)
  await clock.advance(1_000)
  expect((await done).size).toBe(3)
  expect(began).toEqual([0, 0, 0])
})

test('a thousand accounts are probed within the quotas of AWS, and take as long as announced', async () => {
  const { clock, began, prober } = given()
  const wide = monitor({ accounts: accounts(1_000), operations: ['GetContactInformation'] })
  const said = shortestRoundMs([wide])
  const done = probeOnce([wide], prober, clock)
  await clock.advance(said + 2_000)
  expect((await done).size).toBe(1_000)
  for (let second = 0; second < 100; second++) {
    const within = began.filter((at) => at >= second * 1_000 && at < (second + 1) * 1_000).length
    // 10 a second are allowed and 15 at once; four fifths of that are ours.
    expect(within, `second ${second}`).toBeLessThanOrEqual(second === 0 ? 20 : 9)
  }
  expect(began.at(-1)).toBeGreaterThan(said - 1_000)
})

test('an internal error is not an outcome', async () => {
  const { clock } = given()
  const broken = { run: () => Promise.reject(new Error('broken')), control: () => Promise.reject(new Error('broken')) }
  await expect(probeOnce([monitor()], broken, clock)).rejects.toThrow('broken')
})
