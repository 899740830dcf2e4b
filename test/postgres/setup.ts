import type { TestProject } from 'vitest/node'
import { startPostgres } from './server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** A PostgreSQL that the tests of this run share: a schema of its own for each. */
    postgres: string
  }
}

/** One server for the whole run; `ALIBI_TEST_POSTGRES=url` takes another one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['ALIBI_TEST_POSTGRES']
  const server = given === undefined ? await startPostgres({ fsync: false }) : null
  project.provide('postgres', given ?? server?.url ?? '')
  return async () => server?.stop()
}
