import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vitest/config'
import { MUTANTS, mutated } from './mutants.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Plants the fault of that name while the sources are loaded: nothing in the work tree is touched. */
function planted(name: string): Plugin {
  const mutant = MUTANTS.find((one) => one.name === name)
  if (mutant === undefined) throw new Error(`there is no mutant "${name}"`)
  return {
    name: `mutant ${name}`,
    enforce: 'pre',
    transform: (code, id) => (id.split('?')[0] === `${ROOT}${mutant.file}` ? mutated(mutant, code) : undefined),
  }
}

const { MUTANT = '', HELD_BY = 'test/mutants/survey.ts' } = process.env

export default defineConfig({
  plugins: MUTANT === '' ? [] : [planted(MUTANT)],
  // What one mutant made of a source must not be found by the next, nor by the tests.
  test: { root: ROOT, include: [HELD_BY], pool: 'forks', fsModuleCache: false },
})
