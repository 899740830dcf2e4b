import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { include: ['test/mutants/survey.ts'], pool: 'forks', root: new URL('../..', import.meta.url).pathname },
})
