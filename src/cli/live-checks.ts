import type { Config } from '../config/config.ts'
import type { Wired } from '../wire.ts'
import { cloudWatchChecks } from './cloudwatch-check.ts'
import { databaseChecks } from './database-check.ts'
import { type Finding, failed, passed } from './finding.ts'
import { healthChecks } from './health-checks.ts'
import { identityChecks } from './identity-checks.ts'
import type { Io } from './io.ts'
import { mailChecks } from './mail-checks.ts'
import { operationChecks } from './operation-checks.ts'
import { pm2Checks } from './pm2-check.ts'

/** Tests everything that the configuration names. */
export async function liveChecks(config: Config, wired: Wired, io: Io): Promise<readonly Finding[]> {
  const { signal } = new AbortController()
  await wired.loadClients()
  const [identities, operations, health, control, mail, database, ...others] = await Promise.all([
    identityChecks(config, wired, signal),
    operationChecks(config, wired, signal),
    healthChecks(config, wired, signal),
    controlCheck(config, wired, signal),
    mailChecks(config, wired, signal),
    databaseChecks(config),
    heartbeatChecks(wired, signal),
    cloudWatchChecks(config, wired),
    pm2Checks(io.env, process.cwd()),
  ])
  return [...identities, ...operations, ...health.sources, control, ...mail, ...database, ...health.views, ...others.flat()]
}

async function controlCheck(config: Config, wired: Wired, signal: AbortSignal): Promise<Finding> {
  const { reached, detail } = await wired.prober.control(signal)
  const what = `control host ${new URL(config.control.url).host}`
  if (reached) return passed(what, detail)
  return failed(
    what,
    detail,
    'without it, a network failure on this side looks like an AWS outage: allow the connection, or set control.url to a host that can be reached',
  )
}

async function heartbeatChecks({ heartbeat }: Wired, signal: AbortSignal): Promise<readonly Finding[]> {
  if (heartbeat === null) return []
  const why = await heartbeat.beat([], signal)
  if (why === null) return [passed('heartbeat', 'one ping was accepted')]
  return [failed('heartbeat', why, 'check heartbeat.url: it has to be the ping address of one check, as the service shows it')]
}
