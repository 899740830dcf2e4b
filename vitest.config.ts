import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Tests that start the built daemon: `dist` is made before them when it is missing or older than `src`. */
const BUILT = [
  'process',
  'addresses',
  'pm2',
  'cli',
  'discovery',
  'demo',
  'kills',
  'web-daemon',
  'proxied',
  'unwritable',
  'printed',
  'health-storm',
  'health-queue',
  'restore',
  'services-daemon',
].map((name) => `test/wire/${name}.test.ts`)
BUILT.push('test/package.test.ts', 'test/hostile/*-daemon.test.ts')

/** `npm run test:fast`: the unit tests, and those of test/ that are through in seconds as well. */
const QUICK = ['architecture', 'configuration-page', 'dashboards', 'documents'].map((name) => `test/${name}.test.ts`)
/** Days on a virtual clock: nothing of the machine has a part in them, and together they take as long as all the others. */
const VIRTUAL = [
  'histories',
  'histories-*',
  'clock-at-any-second',
  'outages',
  'scenarios',
  'simulate',
  'thousand-accounts',
  'calls-to-health',
].map((name) => `test/${name}.test.ts`)
/** Tests that talk to a PostgreSQL of their own: test/postgres/server.ts. */
const POSTGRES = 'test/postgres/**/*.test.ts'
/** Daemons that wait for take-overs, some fifteen seconds each, one after the other: too long for CI. `fleet.test.ts` waits side by side. */
const TAKE_OVERS = ['daemon', 'dealing', 'outage'].map((name) => `test/postgres/${name}.test.ts`)
const SLOW = 'src/domain/histories.test.ts'
VIRTUAL.push(SLOW)

/** In CI: on a busy machine a process, or a server, under test may miss a deadline of its own. What is wrong is wrong the second time, too. */
const retry = process.env['CI'] === undefined ? 0 : 1

export default defineConfig({
  test: {
    // A limit on what hangs, not on what is slow: a machine may have other things to do.
    testTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    // Most of what takes long waits for something: more at a time than there are cores.
    maxWorkers: availableParallelism() + 2,
    projects: [
      {
        extends: true,
        test: { name: 'fast', include: ['src/**/*.test.{ts,tsx}', ...QUICK], exclude: [SLOW] },
      },
      {
        extends: true,
        test: { name: 'source', retry, include: ['test/**/*.test.ts'], exclude: [...QUICK, ...VIRTUAL, ...BUILT, POSTGRES] },
      },
      {
        extends: true,
        test: { name: 'virtual', include: VIRTUAL },
      },
      {
        extends: true,
        test: {
          name: 'postgres',
          retry,
          include: [POSTGRES],
          exclude: process.env['CI'] === undefined ? [] : TAKE_OVERS,
          globalSetup: ['test/wire/built.ts', 'test/postgres/setup.ts'],
          // Two daemons and a database at a time; each takes over after some ten seconds.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'built',
          retry,
          include: BUILT,
          globalSetup: ['test/wire/built.ts'],
          sequence: { concurrent: true },
          maxConcurrency: 6,
        },
      },
    ],
  },
})
