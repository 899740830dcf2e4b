import { expect, test } from 'vitest'
import { storyText } from '../../src/simulate/report.ts'
import { LONG } from '../long.ts'
import { draw } from './draw.ts'
import { brokenBy } from './invariants.ts'
import { live } from './live.ts'

const { SEED, SEEDS = LONG ? '500' : '150' } = process.env

/**
 * Nothing is lost and nothing is sent twice, whatever happens in whatever order: random afternoons of the whole engine, compared
 * with what was true in them. The `part`-th batch of seeds; `SEEDS` is its size. A failing seed is the bug report:
 * `SEED=17 npx vitest run test/histories.test.ts` plays it alone and prints its story.
 */
export function histories(part: number): void {
  const many = Number(SEEDS)
  const seeds = SEED === undefined ? Array.from({ length: many }, (_, i) => part * many + i) : part === 0 ? [Number(SEED)] : []
  test.for(seeds)('seed %i', async (seed) => {
    const lived = await live(draw(seed))
    const broken = brokenBy(lived).map(({ invariant, how }) => `${invariant}: ${how}`)
    if (SEED !== undefined) console.log(storyText(lived.played))
    expect(broken, `SEED=${seed} npx vitest run test/histories.test.ts`).toEqual([])
  })
  if (seeds.length === 0) test.skip('one seed alone', () => {})
}
