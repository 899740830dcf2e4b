import { serviceNamed } from '../domain/catalogue.ts'
import { partitionOf } from '../domain/policy.ts'
import { type Call, type Credentials, isServiceCall, type Monitor, type Partition, type Probe, probeId } from '../domain/probe.ts'
import { onlyRegionOf } from '../domain/service-facts.ts'
import { readSchedule } from '../schedule/calendar.ts'
import type { ParsedCredentials } from './credentials-schema.ts'
import type { Env } from './endpoints.ts'
import { MonitorSchema, type ParsedAccounts, type ParsedMonitor } from './monitor-schema.ts'
import type { ParsedCall } from './operation.ts'
import { profileIn, type SharedFiles } from './shared-files.ts'

/** Probes of all monitors together. At one call a second, a round of this many takes five and a half hours. */
export const MAX_PROBES = 20_000

const DAY_MS = 86_400_000

/** The probed accounts that are in the file itself. */
export function listedAccounts(accounts: ParsedAccounts): readonly string[] {
  return Array.isArray(accounts) ? accounts : accounts.include
}

export function credentialsOf(given: ParsedCredentials | undefined): Credentials {
  return {
    profile: given?.profile ?? null,
    roleArn: given?.roleArn ?? null,
    externalId: given?.externalId ?? null,
    sessionName: given?.sessionName ?? null,
  }
}

/**
 * The region of a monitor without one, in the SDK's order: AWS_REGION, then the profile's region; then AWS_DEFAULT_REGION, which
 * only the AWS CLI uses, else us-east-1.
 */
export function defaultRegion(env: Env, profile: string | null, files: SharedFiles): string {
  const ofProfile = profileIn(files, profile ?? (env['AWS_PROFILE'] || 'default'))?.['region']
  const known = ofProfile !== undefined && MonitorSchema.shape.region.safeParse(ofProfile).success ? ofProfile : null
  return env['AWS_REGION'] || known || env['AWS_DEFAULT_REGION'] || 'us-east-1'
}

/** Other services than Account are asked of the account of the credentials only. */
export function probesOf(monitor: string, accounts: readonly string[], calls: readonly Call[]): readonly Probe[] {
  return accounts.flatMap((account) =>
    calls
      .filter((call) => account === 'self' || !isServiceCall(call))
      .map((call): Probe => ({ id: probeId(monitor, account, call), monitor, account, call })),
  )
}

/** Each call in each region in which its service has an endpoint. */
export function callsIn(parsed: readonly ParsedCall[], regions: readonly string[], partition: Partition): readonly Call[] {
  return parsed.flatMap((call): readonly Call[] => {
    if (!('input' in call)) return [call]
    const only = onlyRegion(call.operation, partition)
    return (only === null ? regions : [only]).map((region) => ({ ...call, region }))
  })
}

/** The one region in which the service of an operation is asked; `null`: it is asked in each. */
export function onlyRegion(operation: string, partition: Partition): string | null {
  const service = serviceNamed(operation.split(':')[0] ?? '')
  return service === null ? null : onlyRegionOf(service, partition)
}

/** The monitor as the daemon runs it. Faults have been found before. */
export function monitorOf(parsed: ParsedMonitor, region: string, recipients: readonly string[]): Monitor {
  const schedule = readSchedule(parsed.schedule)
  const partition = partitionOf(region)
  const calls = callsIn(parsed.operations, parsed.regions ?? [region], partition)
  const probes = probesOf(parsed.name, listedAccounts(parsed.accounts), calls)
  return {
    name: parsed.name,
    schedule: parsed.schedule,
    timezone: parsed.timezone,
    spreadMs: parsed.spread,
    periodMs: schedule.ok ? schedule.calendar.gaps.longestMs : DAY_MS,
    partition,
    region,
    credentials: credentialsOf(parsed.credentials),
    probes,
    attempts: parsed.attempts,
    backoffMs: parsed.backoff,
    timeoutMs: parsed.timeout,
    impact: parsed.impact ?? null,
    runbook: parsed.runbook ?? null,
    fail: parsed.fail,
    recover: parsed.recover,
    retryIntervalMs: parsed.retryInterval,
    recheckEveryMs: parsed.recheckEvery,
    notify: parsed.notify ?? recipients,
  }
}
