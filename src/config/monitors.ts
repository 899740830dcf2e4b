import { partitionOf } from '../domain/policy.ts'
import { type Call, type Credentials, type Monitor, type Probe, probeId } from '../domain/probe.ts'
import { REGIONS } from '../domain/region.ts'
import { readSchedule } from '../schedule/calendar.ts'
import type { ParsedCredentials } from './credentials-schema.ts'
import { durationText } from './duration.ts'
import type { Env } from './endpoints.ts'
import { MonitorSchema, type ParsedAccounts, type ParsedMonitor } from './monitor-schema.ts'
import { nearest } from './nearest.ts'
import { repeatsIn } from './repeats.ts'
import { profileIn, type SharedFiles } from './shared-files.ts'
import type { Path } from './tree.ts'

/** Probes of all monitors together: at one call a second a round of so many takes five and a half hours. */
export const MAX_PROBES = 20_000

const DAY_MS = 86_400_000

/** Tells of a fault at a path; `at` the key of it where the value is not what is wrong. */
export type Tell = (path: Path, message: string, at?: 'key' | 'value') => void

/** What could be read of a monitor: a key whose value is at fault is missing, one that was left out has its default. */
export type Readable = Readonly<{ [K in keyof ParsedMonitor]?: ParsedMonitor[K] | undefined }>

/** The longest that a run can take: every try times out, and no jitter shortens a pause. */
function longestRunMs(attempts: number, timeoutMs: number, backoffMs: number): number {
  return attempts * timeoutMs + backoffs(attempts, backoffMs).reduce((sum, pause) => sum + pause, 0)
}

function backoffs(attempts: number, backoffMs: number): readonly number[] {
  return Array.from({ length: Math.max(0, attempts - 1) }, (_, index) => backoffMs * 2 ** index)
}

/** `18s (3 tries of 5s, pauses of 1s + 2s)` */
function runText(attempts: number, timeoutMs: number, backoffMs: number): string {
  const tries = attempts === 1 ? '1 try' : `${attempts} tries`
  const pauses = backoffMs === 0 ? [] : backoffs(attempts, backoffMs)
  const sum = pauses.length === 0 ? '' : `, pauses of ${pauses.map(durationText).join(' + ')}`
  return `${durationText(longestRunMs(attempts, timeoutMs, backoffMs))} (${tries} of ${durationText(timeoutMs)}${sum})`
}

/**
 * What the keys of one monitor must be to each other. `given` says whether a key stands in the file; `region` is the one that
 * the monitor will have, wherever it is stated, or `null` when that is at fault.
 */
export function checkMonitor(
  monitor: Readable,
  path: Path,
  region: string | null,
  given: (path: Path) => boolean,
  recipients: readonly string[] | null,
  tell: Tell,
): void {
  checkRun(monitor, path, given, tell)
  if (monitor.fail !== undefined && monitor.fail.count > monitor.fail.of) {
    tell([...path, 'fail'], `\`count\` must not exceed \`of\`: ${monitor.fail.count} of ${monitor.fail.of} can never be`)
  }
  if (monitor.credentials !== undefined) checkCredentials(monitor.credentials, [...path, 'credentials'], region, tell)
  for (const [at, accounts] of listsOf(monitor.accounts ?? [])) {
    for (const index of repeatsIn(accounts)) tell([...path, 'accounts', ...at, index], 'this account stands in the list twice')
  }
  if (monitor.accounts !== undefined) checkOrganization(monitor.accounts, [...path, 'accounts'], tell)
  const operations = monitor.operations ?? []
  operations.forEach((call, index) => {
    const at = [...path, 'operations', index]
    if (operations.findIndex((other) => isSameCall(other, call)) < index) tell(at, 'this operation stands in the list twice')
    if (call.operation === 'GetPrimaryEmail' && listedAccounts(monitor.accounts ?? []).includes('self')) {
      tell(
        at,
        'it cannot be asked of `self`, only of a member account; give it a monitor of its own whose `accounts` are members',
      )
    }
  })
  if (recipients === null) return
  checkRecipients(monitor.notify ?? [], [...path, 'notify'], recipients, tell)
}

/** A list of recipients by their names: each has to be there, and none twice. */
export function checkRecipients(names: readonly unknown[], path: Path, recipients: readonly string[], tell: Tell): void {
  const repeats = new Set(repeatsIn(names))
  names.forEach((name, index) => {
    const at = [...path, index]
    if (typeof name !== 'string') return
    if (!recipients.includes(name)) {
      const meant = nearest(name, recipients)
      tell(
        at,
        `expected the name of a recipient${meant === null ? `: ${recipients.slice(0, 10).join(', ')}` : `; did you mean \`${meant}\`?`}`,
      )
    } else if (repeats.has(index)) tell(at, 'this recipient stands in the list twice')
  })
}

/** The accounts that stand in the file themselves, and are probed. */
export function listedAccounts(accounts: ParsedAccounts): readonly string[] {
  return Array.isArray(accounts) ? accounts : accounts.include
}

function listsOf(accounts: ParsedAccounts): readonly (readonly [Path, readonly string[]])[] {
  if (Array.isArray(accounts)) return [[[], accounts]]
  return [
    [['include'], accounts.include],
    [['organization', 'exclude'], accounts.organization.exclude],
  ]
}

function checkOrganization(accounts: ParsedAccounts, path: Path, tell: Tell): void {
  if (Array.isArray(accounts)) return
  const { organization, include } = accounts
  for (const index of repeatsIn(organization.ous ?? []))
    tell([...path, 'organization', 'ous', index], 'this organizational unit stands in the list twice')
  const included = new Set(include)
  organization.exclude.forEach((account, index) => {
    if (included.has(account))
      tell([...path, 'organization', 'exclude', index], 'this account stands under `include` too: expected it in one of the two')
  })
}

function isSameCall(a: Call, b: Call): boolean {
  return a.operation === b.operation && a.parameter === b.parameter
}

function checkRun(monitor: Readable, path: Path, given: (path: Path) => boolean, tell: Tell): void {
  const { attempts, timeout, backoff } = monitor
  if (attempts === undefined || timeout === undefined || backoff === undefined) return
  const runMs = longestRunMs(attempts, timeout, backoff)
  const refuse = (key: string, what: string, limitMs: number) => {
    // The fault stands where something can be changed: at the limit if it is in the file, else at what makes the run long.
    const at = [key, 'timeout', 'attempts', 'backoff'].find((candidate) => given([...path, candidate]))
    const message = `a run can take ${runText(attempts, timeout, backoff)}, which outlasts ${what} of ${durationText(limitMs)}`
    tell(at === undefined ? path : [...path, at], message, at === undefined ? 'value' : 'key')
  }
  if (monitor.retryInterval !== undefined && runMs > monitor.retryInterval)
    refuse('retryInterval', 'retryInterval', monitor.retryInterval)
  if (monitor.recheckEvery !== undefined && runMs > monitor.recheckEvery)
    refuse('recheckEvery', 'recheckEvery', monitor.recheckEvery)
  const schedule = monitor.schedule === undefined ? null : readSchedule(monitor.schedule)
  if (schedule?.ok && runMs > schedule.calendar.gaps.shortestMs)
    refuse('schedule', "the schedule's shortest gap", schedule.calendar.gaps.shortestMs)
}

export function checkCredentials(credentials: ParsedCredentials, path: Path, region: string | null, tell: Tell): void {
  const { profile, roleArn, externalId, sessionName } = credentials
  if (roleArn === undefined && (externalId !== undefined || sessionName !== undefined)) {
    tell(path, '`externalId` and `sessionName` go with a `roleArn`')
  } else if (roleArn === undefined && profile === undefined) {
    tell(path, "expected `profile` or `roleArn`; leave `credentials` out for the SDK's own chain")
  }
  if (roleArn === undefined || region === null) return
  const partition = partitionOf(region)
  if (roleArn.split(':')[1] !== partition)
    tell(
      [...path, 'roleArn'],
      `the role is of another partition than the monitor's region, ${region}: expected \`arn:${partition}:…\``,
    )
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
 * The region of a monitor that names none, as the SDK finds it: AWS_REGION, then the profile's own; then AWS_DEFAULT_REGION,
 * which only the AWS command line knows, else us-east-1.
 */
export function defaultRegion(env: Env, profile: string | null, files: SharedFiles): string {
  const ofProfile = profileIn(files, profile ?? (env['AWS_PROFILE'] || 'default'))?.['region']
  const known = ofProfile !== undefined && MonitorSchema.shape.region.safeParse(ofProfile).success ? ofProfile : null
  return env['AWS_REGION'] || known || env['AWS_DEFAULT_REGION'] || 'us-east-1'
}

export function probesOf(monitor: string, accounts: readonly string[], calls: readonly Call[]): readonly Probe[] {
  return accounts.flatMap((account) =>
    calls.map((call): Probe => ({ id: probeId(monitor, account, call), monitor, account, call })),
  )
}

/** The monitor as the daemon runs it. What can be at fault was checked before. */
export function monitorOf(parsed: ParsedMonitor, region: string, recipients: readonly string[]): Monitor {
  const schedule = readSchedule(parsed.schedule)
  const probes = probesOf(parsed.name, listedAccounts(parsed.accounts), parsed.operations)
  return {
    name: parsed.name,
    schedule: parsed.schedule,
    timezone: parsed.timezone,
    spreadMs: parsed.spread,
    periodMs: schedule.ok ? schedule.calendar.gaps.longestMs : DAY_MS,
    partition: partitionOf(region),
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

/** What is allowed and yet worth a sentence. */
export function monitorWarnings(monitor: Monitor): readonly string[] {
  const warnings: string[] = []
  const called = `monitor ${monitor.name}`
  const schedule = readSchedule(monitor.schedule)
  if (schedule.ok) {
    const { shortestMs } = schedule.calendar.gaps
    const runMs = longestRunMs(monitor.attempts, monitor.timeoutMs, monitor.backoffMs)
    if (monitor.spreadMs + runMs > shortestMs) {
      const sum = `${durationText(monitor.spreadMs)} of spread and a run of up to ${durationText(runMs)}`
      warnings.push(
        `${called}: ${sum} can outlast the schedule's shortest gap of ${durationText(shortestMs)}; a fire that comes meanwhile is skipped`,
      )
    }
  }
  const regions = [
    monitor.region,
    ...monitor.probes.flatMap(({ call }) => (call.operation === 'GetRegionOptStatus' ? [call.parameter ?? ''] : [])),
  ]
  for (const region of new Set(regions)) {
    if (Object.hasOwn(REGIONS, region)) continue
    const meant = nearest(region, Object.keys(REGIONS))
    warnings.push(`${called}: this version does not know a region ${region}${meant === null ? '' : `; did you mean ${meant}?`}`)
  }
  return warnings
}
