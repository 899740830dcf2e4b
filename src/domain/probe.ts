/*
 * Terms used throughout, in code, emails, logs and documents (docs/rules.md has them all):
 *
 * monitor   one block of the YAML file: whose credentials, which accounts, which operations, when
 * probe     one operation on one account, of one monitor
 * run       one execution of a probe: up to `attempts` tries with exponential backoff inside it
 * outcome   what a run came to: ok, failed (with a failure kind), or inconclusive
 * onset     the start of the first failed run of the streak that a probe is in
 */

/** Epoch milliseconds, UTC. Durations are numbers too and carry their unit in the name (`…Ms`). */
export type Instant = number

export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

/**
 * The operations of the Account API that only read: those which carry the model's `readonly` trait
 * (botocore account/2021-02-01). Nothing else can be probed.
 */
export const OPERATIONS = [
  'GetAccountInformation',
  'GetAlternateContact',
  'GetContactInformation',
  'GetGovCloudAccountInformation',
  'GetPrimaryEmail',
  'GetPrimaryEmailUpdateStatus',
  'GetRegionOptStatus',
  'ListRegions',
] as const
export type Operation = (typeof OPERATIONS)[number]

/** The operations of the Account API that write: named only so that they can be refused by name. */
export const WRITING_OPERATIONS = [
  'AcceptPrimaryEmailUpdate',
  'DeleteAlternateContact',
  'DisableRegion',
  'EnableRegion',
  'PutAccountName',
  'PutAlternateContact',
  'PutContactInformation',
  'SendPhoneNumberVerification',
  'StartPrimaryEmailUpdate',
  'VerifyPhoneNumber',
] as const

export const ALTERNATE_CONTACT_TYPES = ['BILLING', 'OPERATIONS', 'SECURITY'] as const

/** An operation of Account as it is configured. `parameter` is the contact type or the region where one is required. */
export type AccountCall = Readonly<{ operation: Operation; parameter: string | null }>

/** An operation of any other service, in one region. */
export type ServiceCall = Readonly<{
  operation: ServiceOperation
  /** `input` as one word, to tell calls of the same operation apart; `null` where there is none. */
  parameter: string | null
  /** The region of the endpoint that is asked. */
  region: string
  input: Readonly<Record<string, unknown>>
  /** The member that has to be in a healthy answer; `null`: as the service is known to answer. */
  expect: string | null
  /** Calls a second that are allowed; `null`: not stated. */
  rate: number | null
}>
/** Its service, by the name in the catalogue, and its own: `dynamodb:DescribeTable`. */
type ServiceOperation = `${string}:${string}`

export type Call = AccountCall | ServiceCall

export function isServiceCall(call: Call): call is ServiceCall {
  return 'input' in call
}

export type Partition = 'aws' | 'aws-cn' | 'aws-us-gov' | 'aws-eusc'

/** The AWS service that did not answer as it should, by its code in AWS Health: the one that was asked, or STS while a role was assumed. */
export type Service = string

export type FailureKind = 'internal' | 'unreachable' | 'offline' | 'setup' | 'credentials' | 'denied' | 'invalid'

/** What kept a try from reaching any server. Unless it has worked before, that is a matter of the set-up. */
export type Obstacle = 'name' | 'certificate' | 'proxy'

/** Thresholds count failures of one family. `blind` is the family of probes that cannot be judged at all. */
export type Family = 'outage' | 'misconfigured' | 'offline' | 'blind'

const FAMILY: Readonly<Record<FailureKind, Family>> = {
  internal: 'outage',
  unreachable: 'outage',
  offline: 'offline',
  setup: 'misconfigured',
  credentials: 'misconfigured',
  denied: 'misconfigured',
  invalid: 'misconfigured',
}
export const FAILURE_KINDS = Object.keys(FAMILY) as FailureKind[]

export function familyOf(kind: FailureKind): Family {
  return FAMILY[kind]
}

/** Whose credentials: the SDK's own chain, a profile of the shared files, or a role to assume (from a profile, if given). */
export type Credentials = Readonly<{
  profile: string | null
  roleArn: string | null
  externalId: string | null
  sessionName: string | null
}>

/** The same credentials have the same key: one client, one reading, one caller identity for each. Holds no secret. */
export function credentialsKey(credentials: Credentials): string {
  const { profile, roleArn, externalId } = credentials
  return [profile ?? 'chain', roleArn ?? '', externalId === null ? '' : 'x'].join('|')
}

export type Probe = Readonly<{
  /**
   * `monitor/account/Operation`, with whatever else distinguishes it: `Operation:parameter`, `service:Operation@region:parameter`.
   * Stable across restarts and configurations.
   */
  id: string
  monitor: string
  /** `self` (no AccountId is sent) or twelve digits. */
  account: string
  call: Call
}>

export function probeId(monitor: string, account: string, call: Call): string {
  const where = isServiceCall(call) ? `@${call.region}` : ''
  return `${monitor}/${account}/${call.operation}${where}${call.parameter === null ? '' : `:${call.parameter}`}`
}

const MAX_PARAMETER = 60
const PLAIN_PARAMETER = /^[\w.=,+-]+$/

/**
 * The parameters of a call as one word, for ids and for display: `TableName=orders`. If some of them cannot be shown like that, a
 * checksum of all of them follows, so that different calls stay different.
 */
export function parameterOf(input: Readonly<Record<string, unknown>>): string | null {
  const entries = Object.entries(input).toSorted(([a], [b]) => (a < b ? -1 : 1))
  if (entries.length === 0) return null
  const whole = entries.map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join(',')
  if (PLAIN_PARAMETER.test(whole) && whole.length <= MAX_PARAMETER) return whole
  return `${whole.replaceAll(/[^\w.=,+-]+/g, '_').slice(0, MAX_PARAMETER)}~${sumOf(whole)}`
}

/** FNV-1a, 32 bits, as eight hexadecimal digits. */
function sumOf(text: string): string {
  let sum = 0x811c9dc5
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193)
  return (sum >>> 0).toString(16).padStart(8, '0')
}

/** A call as it is shown: `GetAlternateContact SECURITY`, `dynamodb:DescribeTable TableName=orders in eu-west-1`. */
export function callShown(call: Call): string {
  const what = call.parameter === null ? call.operation : `${call.operation} ${call.parameter}`
  return isServiceCall(call) ? `${what} in ${call.region}` : what
}

/** What can be read of a probe that is known by its id alone: its account, and its call as it is shown. */
export function partsOfId(id: string): Readonly<{ account: string; operation: string }> {
  // The monitor's name may hold a slash of its own.
  const parts = id.split('/')
  const call = parts.at(-1) ?? ''
  const [, operation = '', region = '', parameter] = /^([^@]+)@([a-z0-9-]+)(?::(.*))?$/.exec(call) ?? []
  const what = parameter === undefined ? operation : `${operation} ${parameter}`
  return { account: parts.at(-2) ?? '', operation: operation === '' ? call.replace(':', ' ') : `${what} in ${region}` }
}

export type Monitor = Readonly<{
  name: string
  /** node-cron, 5 or 6 fields. */
  schedule: string
  /** IANA name. */
  timezone: string
  spreadMs: number
  /** The longest time between two fires of `schedule`, without spread. */
  periodMs: number
  partition: Partition
  region: string
  credentials: Credentials
  probes: readonly Probe[]
  attempts: number
  backoffMs: number
  timeoutMs: number
  impact: string | null
  runbook: string | null
  fail: Readonly<{ count: number; of: number }>
  recover: number
  retryIntervalMs: number
  recheckEveryMs: number
  /** Names of recipients. */
  notify: readonly string[]
}>

/** One try of a run. Holds nothing of the answer's body: what AWS knows about a person stays with AWS. */
export type Try = Readonly<{
  at: Instant
  ms: number
  /** `null` when the try was ok. */
  kind: FailureKind | 'throttled' | null
  /** The error's name, such as `InternalServerException`; `null` when ok. */
  error: string | null
  /** One line, bounded, without personal data; `null` when ok. */
  message: string | null
  /** HTTP status, if an answer came at all. */
  status: number | null
  /** `x-amzn-requestid`: what AWS Support asks for. */
  requestId: string | null
  /** `x-amz-apigw-id`: in place of an extended request id, for API Gateway stands in front of this API. */
  apigwId: string | null
  /** `x-amzn-trace-id`. */
  traceId: string | null
  /** Who failed; for an ok try, who answered. */
  service: Service
  /** Region of the endpoint that failed or answered. */
  region: string
  /** The answer's Date header minus our clock, in milliseconds; `null` without an answer. */
  skewMs: number | null
  /** Of a try that is `unreachable`: by what, if by one of these. */
  obstacle?: Obstacle
  /** The host that was asked, where that is another service than Account. */
  host?: string
}>

/** One unsigned HTTPS request to the control host: any HTTP answer counts as getting through. */
export type ControlAnswer = Readonly<{ at: Instant; ms: number; reached: boolean; detail: string; obstacle?: Obstacle }>

/**
 * What a run came to. `failed` has a FailureKind; `inconclusive` is `throttled` (429 on every try), `stalled` (our own
 * process was blocked, so that nothing is known) or `fault` (it ended in an internal error of ours): neither failed nor ok.
 */
export type Outcome = Readonly<{
  probe: string
  startedAt: Instant
  endedAt: Instant
  tries: readonly Try[]
  /** Made when a run was unreachable; `null` otherwise. */
  control: ControlAnswer | null
  /** Which machine made it, where several share a database. */
  machine?: string
}> &
  (
    | Readonly<{ result: 'ok'; kind: null }>
    | Readonly<{ result: 'failed'; kind: FailureKind }>
    | Readonly<{ result: 'inconclusive'; kind: 'throttled' | 'stalled' | 'fault' }>
  )

/** The try that gave a run its kind: the last that was not throttled, or the last. */
export function decisiveTry(outcome: Outcome): Try | null {
  if (outcome.result === 'ok') return outcome.tries.find((t) => t.kind === null) ?? null
  return outcome.tries.findLast((t) => t.kind !== 'throttled') ?? outcome.tries.at(-1) ?? null
}
