import { expect, test } from 'vitest'
import { readingsIn } from '../bench/health.ts'

/** The first failure, the threshold, and each `cacheFor` while the incident is open; one more for what happens to fall between. */
const MOST = 8

test.for([1, 20, 100, 1_000])(
  'in five minutes of an outage of %i accounts AWS Health is read as often as in one of a single account',
  async (accounts) => {
    const readings = await readingsIn(accounts)
    expect(readings).toBeGreaterThanOrEqual(5)
    expect(readings).toBeLessThanOrEqual(MOST)
  },
)
