import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { MUTANTS, mutated } from './mutants/mutants.ts'

/** Faults are planted now and then, for that takes long; that each still finds its place is looked at each time. */
test.for(MUTANTS)('$name', (mutant) => {
  const source = readFileSync(mutant.file, 'utf8')
  expect(mutated(mutant, source)).not.toBe(source)
})
