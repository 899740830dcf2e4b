import { systemClock } from '../adapters/clock.ts'
import type { Config } from '../config/config.ts'
import { inWords } from '../domain/duration.ts'
import { messageOfThrown } from '../domain/thrown.ts'
import { diskCheck } from './disk-check.ts'
import { type Finding, failed, passed } from './finding.ts'

/** A clock that is off by more makes schedules fire at another time than on the other machines. */
const SKEW_MS = 5_000

/** Whether the database can be used, and whether what it has acknowledged is durable. */
export async function databaseChecks(config: Config): Promise<readonly Finding[]> {
  const { postgres } = config.storage
  if (postgres === null) return [await diskCheck(config)]
  const { host, pathname } = new URL(postgres.url)
  const what = `database ${host}${pathname}`
  try {
    const { examine } = await import('../adapters/postgres/examination.ts')
    const found = await examine(postgres, systemClock)
    const { version, settings, session, schema, skewMs, ms } = found
    const detail = `PostgreSQL ${version}, schema ${postgres.schema} ${schema}, one transaction in ${ms.toFixed(1)} ms`
    return [
      passed(what, detail),
      ...settings.map((setting) =>
        failed(
          `${what}: ${setting} = off`,
          'what was committed can be lost with the power',
          `set ${setting} = on for this database`,
        ),
      ),
      session === 'pinned'
        ? []
        : failed(
            `${what}: a pooler`,
            'each transaction may get another session',
            'use a pool of PgBouncer with pool_mode = session or transaction, and no statement pooling (docs/fleet.md)',
          ),
      Math.abs(skewMs) < SKEW_MS
        ? []
        : failed(
            `${what}: clock`,
            `the clock of this machine is ${inWords(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} the database's`,
            'synchronize both with NTP: schedules fire by the clock of the machine',
          ),
    ].flat()
  } catch (cause) {
    return [failed(what, messageOfThrown(cause), 'Alibi cannot start without it: docs/fleet.md says what it needs')]
  }
}
