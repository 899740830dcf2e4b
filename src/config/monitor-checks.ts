import { partitionOf } from '../domain/policy.ts'
import { readSchedule } from '../schedule/calendar.ts'
import type { ParsedCredentials } from './credentials-schema.ts'
import { durationText } from './duration.ts'
import type { ParsedAccounts, ParsedMonitor } from './monitor-schema.ts'
import { listedAccounts, onlyRegion } from './monitors.ts'
import { nearest } from './nearest.ts'
import type { ParsedCall } from './operation.ts'
import { repeatsIn } from './repeats.ts'
import { longestRunMs, longestRunText } from './run-length.ts'
import type { AddFault, Path } from './tree.ts'

/** What could be read of a monitor: a key with a faulty value is missing, one that is not in the file has its default. */
export type Readable = Readonly<{ [K in keyof ParsedMonitor]?: ParsedMonitor[K] | undefined }>

/** What a monitor is checked against. */
export type MonitorContext = Readonly<{
  /** Whether a key is in the file. */
  isGiven: (path: Path) => boolean
  /** The region that the monitor will have, from wherever; `null` if that is faulty. */
  region: string | null
  /** Names of the recipients; `null` if they are faulty. */
  recipients: readonly string[] | null
  addFault: AddFault
}>

/** Checks what concerns more than one key of a monitor. */
export function checkMonitor(monitor: Readable, path: Path, context: MonitorContext): void {
  const { addFault, region, recipients } = context
  const { fail, credentials, accounts, notify } = monitor
  checkRun(monitor, path, context)
  if (fail !== undefined && fail.count > fail.of)
    addFault([...path, 'fail'], `\`count\` must not exceed \`of\`: ${fail.count} of ${fail.of} is impossible`)
  if (credentials !== undefined) checkCredentials(credentials, [...path, 'credentials'], region, addFault)
  if (accounts !== undefined) checkAccounts(accounts, [...path, 'accounts'], addFault)
  checkOperations(monitor, path, addFault)
  checkRegions(monitor, path, context)
  if (recipients !== null) checkRecipients(notify ?? [], [...path, 'notify'], recipients, addFault)
}

/** Every name of this list has to be that of a recipient, and none may be in it twice. */
export function checkRecipients(names: readonly unknown[], path: Path, recipients: readonly string[], addFault: AddFault): void {
  const repeats = new Set(repeatsIn(names))
  names.forEach((name, index) => {
    const at = [...path, index]
    if (typeof name !== 'string') return
    if (!recipients.includes(name)) {
      const meant = nearest(name, recipients)
      const hint = meant === null ? `: ${recipients.slice(0, 10).join(', ')}` : `; did you mean \`${meant}\`?`
      addFault(at, `expected the name of a recipient${hint}`)
    } else if (repeats.has(index)) addFault(at, 'this recipient is in the list twice')
  })
}

export function checkCredentials(credentials: ParsedCredentials, path: Path, region: string | null, addFault: AddFault): void {
  const { profile, roleArn, externalId, sessionName } = credentials
  if (roleArn === undefined && (externalId !== undefined || sessionName !== undefined)) {
    addFault(path, '`externalId` and `sessionName` require `roleArn`')
  } else if (roleArn === undefined && profile === undefined) {
    addFault(path, "expected `profile` or `roleArn`; leave out `credentials` to use the SDK's default chain")
  }
  if (roleArn === undefined || region === null) return
  const partition = partitionOf(region)
  if (roleArn.split(':')[1] !== partition)
    addFault(
      [...path, 'roleArn'],
      `the role is in another partition than the monitor's region, ${region}: expected \`arn:${partition}:…\``,
    )
}

function checkAccounts(accounts: ParsedAccounts, path: Path, addFault: AddFault): void {
  for (const [at, list] of listsOf(accounts))
    for (const index of repeatsIn(list)) addFault([...path, ...at, index], 'this account is in the list twice')
  if (Array.isArray(accounts)) return
  const { organization, include } = accounts
  for (const index of repeatsIn(organization.ous ?? []))
    addFault([...path, 'organization', 'ous', index], 'this organizational unit is in the list twice')
  const included = new Set(include)
  organization.exclude.forEach((account, index) => {
    if (included.has(account))
      addFault(
        [...path, 'organization', 'exclude', index],
        'this account is also in `include`: expected it in only one of the two',
      )
  })
}

function listsOf(accounts: ParsedAccounts): readonly (readonly [Path, readonly string[]])[] {
  if (Array.isArray(accounts)) return [[[], accounts]]
  return [
    [['include'], accounts.include],
    [['organization', 'exclude'], accounts.organization.exclude],
  ]
}

function checkOperations({ operations = [], accounts }: Readable, path: Path, addFault: AddFault): void {
  // Where the accounts are faulty, nothing is said of whom the operations are asked.
  const probesSelf = accounts === undefined ? null : listedAccounts(accounts).includes('self')
  operations.forEach((call, index) => {
    const at = [...path, 'operations', index]
    if (operations.findIndex((other) => isSameCall(other, call)) < index) addFault(at, 'this operation is in the list twice')
    if (call.operation === 'GetPrimaryEmail' && probesSelf === true)
      addFault(
        at,
        'AWS answers it only for member accounts, not for `self`; move it to a monitor whose `accounts` are member accounts',
      )
    if ('input' in call && probesSelf === false)
      addFault(
        at,
        'other services than Account can be asked only of `self`, the account of the credentials: move it to a monitor with credentials of that account',
      )
  })
}

/** The regions of other services: in the partition of the monitor, each once, and asked at all. */
function checkRegions({ operations, regions }: Readable, path: Path, { region, addFault }: MonitorContext): void {
  if (regions === undefined) return
  const at = [...path, 'regions']
  for (const index of repeatsIn(regions)) addFault([...at, index], 'this region is in the list twice')
  if (region === null) return
  const partition = partitionOf(region)
  regions.forEach((one, index) => {
    if (partitionOf(one) !== partition)
      addFault(
        [...at, index],
        `this region is in another partition than the monitor's region, ${region}: expected one of ${partition}`,
      )
  })
  const askedIn = operations?.flatMap((call) => ('input' in call ? [onlyRegion(call.operation, partition)] : []))
  // A service that has only one endpoint may be given its region.
  if (askedIn !== undefined && !askedIn.includes(null) && !regions.every((one) => askedIn.includes(one)))
    addFault(at, 'none of the operations is asked by region: expected one such as `dynamodb:ListTables`', 'key')
}

function isSameCall(a: ParsedCall, b: ParsedCall): boolean {
  return a.operation === b.operation && a.parameter === b.parameter
}

/** A run has to end before the next one is due. */
function checkRun(monitor: Readable, path: Path, { isGiven, addFault }: MonitorContext): void {
  const { attempts, timeout, backoff, retryInterval, recheckEvery } = monitor
  if (attempts === undefined || timeout === undefined || backoff === undefined) return
  const limits = { attempts, timeoutMs: timeout, backoffMs: backoff }
  const check = (key: string, what: string, limitMs: number) => {
    if (longestRunMs(limits) <= limitMs) return
    // The fault belongs to a key that can be changed: the limit if it is in the file, else what makes the run long.
    const at = [key, 'timeout', 'attempts', 'backoff'].find((candidate) => isGiven([...path, candidate]))
    const message = `a run can take ${longestRunText(limits)}, longer than ${what} of ${durationText(limitMs)}`
    addFault(at === undefined ? path : [...path, at], message, at === undefined ? 'value' : 'key')
  }
  if (retryInterval !== undefined) check('retryInterval', 'retryInterval', retryInterval)
  if (recheckEvery !== undefined) check('recheckEvery', 'recheckEvery', recheckEvery)
  const schedule = monitor.schedule === undefined ? null : readSchedule(monitor.schedule)
  if (schedule?.ok) check('schedule', "the schedule's shortest interval", schedule.calendar.gaps.shortestMs)
}
