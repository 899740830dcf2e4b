import { readyFor } from '../adapters/aws/service-client.ts'
import { placeOf } from '../adapters/sqlite/place.ts'
import type { Config } from '../config/config.ts'
import { quotas, quotaWarnings } from '../config/quotas.ts'
import { counted } from '../domain/counted.ts'
import { isServiceCall } from '../domain/probe.ts'
import { wire } from '../wire.ts'
import { type CheckReport, printReport, reportJson } from './check-report.ts'
import { type Discovered, lastListed, listNow, withDiscovered } from './discovered-accounts.ts'
import { EXIT, Exit } from './exit.ts'
import { exposedFiles, openDirectories } from './exposure.ts'
import { type Finding, failed, passed } from './finding.ts'
import { configured, type Io, type ListOptions } from './io.ts'
import { liveChecks } from './live-checks.ts'
import { savedSecrets } from './pm2.ts'
import { schedulesOf, scheduleWarnings } from './schedule-notes.ts'
import { VERSION } from './version.ts'

export type CheckOptions = ListOptions & Readonly<{ live?: boolean }>

/** Reads the configuration and reports what it contains; `--live` also tests everything that it names. */
export async function check(options: CheckOptions, io: Io): Promise<number> {
  const given = await configured(options, io)
  const discovered = options.live === true ? await listNow(given, io) : await lastListed(given)
  const config = withDiscovered(given, discovered)
  await using wired = wire(config, io.env, VERSION)
  const live = options.live === true ? [...discovered.map(listingFinding), ...(await liveChecks(config, wired, io))] : null
  const rows = quotas(config)
  const late = quotaWarnings(rows)
  const unfit = unfitDatabase(config)
  const missing = missingClients(config)
  const schedules = schedulesOf(config, wired.clock.now())
  const report: CheckReport = {
    config,
    file: options.config,
    discovered,
    quotas: rows,
    schedules,
    late,
    warnings: [
      ...config.warnings,
      ...scheduleWarnings(schedules),
      ...exposedFiles(config),
      ...openDirectories(config),
      ...savedSecrets(io.env, config.secrets),
    ],
    overrides: wired.overrides,
    network: wired.network,
    live,
    isGood: late.length === 0 && unfit === null && missing.length === 0,
  }
  if (options.json === true) io.out(JSON.stringify(reportJson(report), null, 2))
  else printReport(report, io)
  if (late.length > 0) throw new Exit(EXIT.config, refusal(late))
  if (missing.length > 0)
    throw new Exit(EXIT.config, `Operations that cannot be called:\n${missing.map((line) => `  ${line}`).join('\n')}`)
  if (unfit !== null) throw new Exit(EXIT.unavailable, unfit)
  return live?.some(({ ok }) => !ok) === true ? EXIT.unavailable : EXIT.ok
}

/** Calls to other services whose client is not installed, or does not take them as they are. */
function missingClients({ monitors }: Config): readonly string[] {
  const whys = monitors.flatMap(({ name, probes }) =>
    probes.flatMap(({ call }) => {
      const found = isServiceCall(call) ? readyFor(call) : null
      if (found === null || !('why' in found)) return []
      return [found.isWrong === true ? `monitor ${name}: ${found.why}` : found.why]
    }),
  )
  return [...new Set(whys)]
}

/** Why `run` could not open the database: something else is in its place. That a file belongs to another user is not looked at. */
function unfitDatabase({ storage: { path, postgres } }: Config): string | null {
  if (postgres !== null) return null
  const place = placeOf(path)
  return place.kind === 'unfit' ? `${path} ${place.why}` : null
}

/** What cannot fit. `run` starts all the same: it is late then, and not throttled. */
function refusal(late: readonly string[]): string {
  return `The schedule cannot be kept within AWS's quotas:\n${late.map((line) => `  ${line}`).join('\n')}\nRun these probes less often, or fewer of them. \`alibi run\` starts with such a schedule, and its rounds are late.`
}

function listingFinding({ monitor, accounts, left, why }: Discovered): Finding {
  const what = `organization of ${monitor}`
  if (why !== null) return failed(what, why, 'until it can be listed, Alibi probes the accounts that it listed last')
  return passed(what, `${counted(accounts.length, 'active account')} to probe, ${left} left out`)
}
