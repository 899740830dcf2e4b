import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Tests that start the built daemon: `dist` is made before them when it is missing or older than `src`. */
const BUILT = ['process', 'pm2', 'cli', 'discovery', 'demo', 'kills', 'web-daemon', 'unwritable', 'printed'].map(
  (name) => `test/wire/${name}.test.ts`,
)
BUILT.push('test/package.test.ts', 'test/hostile/*-daemon.test.ts')

export default defineConfig({
  test: {
    testTimeout: 30_000,
    pool: 'forks',
    // Most of what takes long waits for something: two at a time, also where there are two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        extends: true,
        test: { name: 'source', include: ['src/**/*.test.{ts,tsx}', 'test/**/*.test.ts'], exclude: BUILT },
      },
      {
        extends: true,
        test: {
          name: 'built',
          include: BUILT,
          globalSetup: ['test/wire/built.ts'],
          testTimeout: 120_000,
          sequence: { concurrent: true },
          maxConcurrency: 6,
        },
      },
    ],
  },
})
