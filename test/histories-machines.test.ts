import { expect, test } from 'vitest'
import { storyText } from '../src/simulate/report.ts'
import { drawPair } from './history/machines/draw.ts'
import { brokenBy } from './history/machines/invariants.ts'
import { liveInPair } from './history/machines/live.ts'
import { LONG } from './long.ts'

const { SEED, SEEDS = LONG ? '400' : '40' } = process.env
const seeds = SEED === undefined ? Array.from({ length: Number(SEEDS) }, (_, i) => i) : [Number(SEED)]

/**
 * Two machines on one database, each killed, stopped and woken, or cut off from AWS at any effect: one outage is one incident, one
 * Message-ID one email, and whoever has lost the lead writes and sends nothing. A failing seed is the bug report:
 * `SEED=17 npx vitest run test/histories-machines.test.ts` plays it alone and prints its story.
 */
test.for(seeds)('seed %i', async (seed) => {
  const lived = await liveInPair(drawPair(seed))
  const broken = brokenBy(lived).map(({ invariant, how }) => `${invariant}: ${how}`)
  if (SEED !== undefined) console.log(storyText(lived.played))
  expect(broken, `SEED=${seed} npx vitest run test/histories-machines.test.ts`).toEqual([])
})
