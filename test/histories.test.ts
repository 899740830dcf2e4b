/*
 * Nothing is lost and nothing is said twice, whatever happens in whatever order: random afternoons of the whole engine, held
 * against what was true of them. A failing seed is the bug report: `SEED=17 npx vitest run test/histories.test.ts` plays it
 * alone and tells its story.
 */
import { expect, test } from 'vitest'
import { storyText } from '../src/simulate/report.ts'
import { draw } from './history/draw.ts'
import { brokenBy } from './history/invariants.ts'
import { live } from './history/live.ts'

const { SEED, SEEDS = '1000', FROM = '0' } = process.env
const seeds = SEED === undefined ? Array.from({ length: Number(SEEDS) }, (_, i) => Number(FROM) + i) : [Number(SEED)]

test.for(seeds)('seed %i', async (seed) => {
  const lived = await live(draw(seed))
  const broken = brokenBy(lived)
  if (SEED !== undefined) console.log(storyText(lived.played))
  expect(broken.map(({ invariant, how }) => `${invariant}: ${how}`)).toEqual([])
})
