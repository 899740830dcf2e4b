/*
 * Lives through histories and writes down which invariants they break: not a test, but what the mutants are measured with.
 * `SEEDS`: how many; `SURVEY`: the file for the result.
 */
import { writeFileSync } from 'node:fs'
import { test } from 'vitest'
import { draw } from '../history/draw.ts'
import { brokenBy } from '../history/invariants.ts'
import { live } from '../history/live.ts'
import type { Survey } from './mutants.ts'

/** No history takes so long. */
const A_HISTORY_MS = 30_000

test('survey', { timeout: 3_600_000 }, async () => {
  const { SEEDS = '100', FROM = '0', SURVEY = '' } = process.env
  const began = performance.now()
  const invariants: Record<string, number> = {}
  const examples: string[] = []
  let failing = 0
  for (let seed = Number(FROM); seed < Number(FROM) + Number(SEEDS); seed++) {
    // A fault may make the daemon spin: the virtual clock notices, or the deadline does.
    const deadline = AbortSignal.timeout(A_HISTORY_MS)
    const spinning = new Promise<null>((resolve) => deadline.addEventListener('abort', () => resolve(null), { once: true }))
    const lived = await Promise.race([live(draw(seed)), spinning]).catch(() => null)
    const broken = lived === null ? [{ invariant: 'the daemon runs until it is stopped', how: 'it spins' }] : brokenBy(lived)
    if (broken.length > 0) failing += 1
    for (const name of new Set(broken.map(({ invariant }) => invariant))) invariants[name] = (invariants[name] ?? 0) + 1
    for (const { invariant, how } of broken) examples.push(`${seed} ${invariant}: ${how}`)
    if (lived === null) break
  }
  const survey: Survey = { seeds: Number(SEEDS), failing, invariants, examples, ms: Math.round(performance.now() - began) }
  if (SURVEY !== '') writeFileSync(SURVEY, JSON.stringify(survey, null, 2))
  else console.log(JSON.stringify(survey, null, 1))
})
