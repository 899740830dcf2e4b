import type { Config } from '../config/config.ts'
import { arnOfQueue } from '../config/queue-url.ts'
import { serviceNamed } from '../domain/catalogue.ts'
import { readingOf } from '../domain/only-reads.ts'
import { partitionOf } from '../domain/policy.ts'
import { type Call, type Credentials, credentialsKey, type Monitor } from '../domain/probe.ts'
import { EXIT } from './exit.ts'
import { configured, type Io, type ListOptions } from './io.ts'

type Statement = Readonly<{
  Sid: string
  Effect: 'Allow'
  Action: readonly string[]
  Resource: string | readonly string[]
}>
type Policy = Readonly<{ Version: '2012-10-17'; Statement: readonly Statement[] }>

/** What has to be allowed to one identity. */
export type PolicyFor = Readonly<{ for: string; policy: Policy }>

const HEALTH = ['health:DescribeEventDetails', 'health:DescribeEvents'] as const
/**
 * The organization view, needed if member accounts are probed; `check --live` asks for its status. AWS Health lists the accounts
 * on the caller's behalf (docs.aws.amazon.com/health/latest/ug: "organizations:ListAccounts").
 */
const HEALTH_OF_MEMBERS = [
  'health:DescribeAffectedAccountsForOrganization',
  'health:DescribeEventsForOrganization',
  'health:DescribeHealthServiceStatusForOrganization',
  'organizations:ListAccounts',
] as const
/** For monitors that discover their accounts. */
const LIST_ALL = ['organizations:ListAccounts'] as const
const LIST_BY_OU = ['organizations:ListAccountsForParent', 'organizations:ListOrganizationalUnitsForParent'] as const
/** The queue in `health.queue` and no other. DeleteMessageBatch needs no permission of its own. */
const QUEUE = ['sqs:DeleteMessage', 'sqs:ReceiveMessage'] as const
/** Apart from messages that it deletes from that queue, all that Alibi ever writes to AWS, and only with `log.cloudwatch`. The log group must exist already. */
const LOGS = ['logs:CreateLogStream', 'logs:PutLogEvents'] as const

/** Something that an identity has to be allowed to do. */
type Grant = Readonly<{ credentials: Credentials; statement: Statement }>

/** The least that each identity of the configuration needs; the one that Alibi runs as comes first. */
export function policiesFor(config: Config): readonly PolicyFor[] {
  const grants = [...probing(config), ...readingHealth(config), ...readingQueue(config), ...writingLog(config)]
  const byIdentity = Map.groupBy([...grants, ...assumingRoles(grants)], ({ credentials }) => credentialsKey(credentials))
  return [...byIdentity.values()]
    .flatMap((some) => (some[0] === undefined ? [] : [{ credentials: some[0].credentials, grants: some }]))
    .toSorted((a, b) => rank(a.credentials) - rank(b.credentials))
    .map(({ credentials, grants }) => ({
      for: nameOf(credentials),
      policy: policyOf(grants.map(({ statement }) => statement)),
    }))
}

function probing({ monitors, discoveries }: Config): readonly Grant[] {
  const byIdentity = Map.groupBy(monitors, ({ credentials }) => credentialsKey(credentials))
  return [...byIdentity.values()].flatMap((some): readonly Grant[] => {
    const [first] = some
    if (first === undefined) return []
    const { credentials } = first
    const discovering = discoveries.filter(({ monitor }) => some.some(({ name }) => name === monitor))
    const calls = [...some.flatMap(({ probes }) => probes.map(({ call }) => call)), ...discovering.flatMap(({ calls }) => calls)]
    const operations = calls.flatMap(actionsOf)
    const lists = discovering.flatMap(({ ous }) => (ous === null ? LIST_ALL : LIST_BY_OU))
    return [
      { credentials, statement: allow('Probe', operations, '*') },
      ...(lists.length === 0 ? [] : [{ credentials, statement: allow('FindAccounts', lists, '*') }]),
    ]
  })
}

/** Operations of other services may have an action of another name: `s3:ListBuckets` is `s3:ListAllMyBuckets`. */
function actionsOf({ operation }: Call): readonly string[] {
  const [name = '', action] = operation.split(':')
  if (action === undefined) return [`account:${operation}`]
  const service = serviceNamed(name)
  const reading = service === null ? null : readingOf(service, action)
  return reading?.ok === true ? [reading.action] : []
}

function readingHealth(config: Config): readonly Grant[] {
  if (!config.health.api) return []
  const byPartition = Map.groupBy(config.monitors, ({ partition }) => partition)
  return [...byPartition.values()].flatMap((some): readonly Grant[] => {
    const credentials = config.health.credentials ?? some[0]?.credentials
    if (credentials === undefined) return []
    const hasMembers = probesMembers(some) || discoversMembers(config, some)
    return [
      { credentials, statement: allow('AskHealth', HEALTH, '*') },
      ...(hasMembers ? [{ credentials, statement: allow('AskHealthOfMembers', HEALTH_OF_MEMBERS, '*') }] : []),
    ]
  })
}

function readingQueue({ monitors, health }: Config): readonly Grant[] {
  const { queue } = health
  if (queue === null) return []
  const partition = partitionOf(queue.region)
  const first = monitors.find((monitor) => monitor.partition === partition)
  const credentials = queue.credentials ?? health.credentials ?? first?.credentials
  if (first === undefined || credentials === undefined) return []
  return [{ credentials, statement: allow('ReadQueue', QUEUE, arnOfQueue(queue.url, partition, queue.region)) }]
}

function writingLog({ log }: Config): readonly Grant[] {
  if (log.cloudwatch === null) return []
  const { group, stream, region } = log.cloudwatch
  const resource = `arn:${partitionOf(region)}:logs:${region}:*:log-group:${group}:log-stream:${stream ?? '*'}`
  return [{ credentials: CHAIN, statement: allow('WriteOwnLog', LOGS, resource) }]
}

/** A role is assumed with the profile beside it, or with the SDK's default chain, which must be allowed to do so. */
function assumingRoles(grants: readonly Grant[]): readonly Grant[] {
  return grants.flatMap(({ credentials: { profile, roleArn } }) =>
    roleArn === null ? [] : [{ credentials: { ...CHAIN, profile }, statement: allow('AssumeRole', ['sts:AssumeRole'], roleArn) }],
  )
}

const CHAIN: Credentials = { profile: null, roleArn: null, externalId: null, sessionName: null }

function probesMembers(monitors: readonly Monitor[]): boolean {
  return monitors.some(({ probes }) => probes.some(({ account }) => account !== 'self'))
}

function discoversMembers({ discoveries }: Config, monitors: readonly Monitor[]): boolean {
  return discoveries.some(({ monitor }) => monitors.some(({ name }) => name === monitor))
}

function allow(Sid: string, Action: readonly string[], Resource: string): Statement {
  return { Sid, Effect: 'Allow', Action, Resource }
}

/** One statement per purpose, with its actions and resources sorted and without duplicates. */
function policyOf(statements: readonly Statement[]): Policy {
  const merged = [...Map.groupBy(statements, ({ Sid }) => Sid)].map(([Sid, some]): Statement => {
    const resources = unique(some.flatMap(({ Resource }) => Resource))
    const only = resources[0]
    return {
      Sid,
      Effect: 'Allow',
      Action: unique(some.flatMap(({ Action }) => Action)),
      Resource: resources.length === 1 && only !== undefined ? only : resources,
    }
  })
  return { Version: '2012-10-17', Statement: merged }
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort()
}

function rank({ profile, roleArn }: Credentials): number {
  return roleArn !== null ? 2 : profile !== null ? 1 : 0
}

function nameOf({ profile, roleArn }: Credentials): string {
  if (roleArn !== null) return roleArn
  return profile === null ? 'the identity that Alibi runs as' : `profile ${profile}`
}

/** Prints the policy, ready for `aws iam put-role-policy`; with several identities, or `--json`, a list of policies. */
export async function iamPolicy(options: ListOptions, io: Io): Promise<number> {
  const config = await configured(options, io)
  const policies = policiesFor(config)
  const [only] = policies
  const bare = options.json !== true && policies.length === 1 && only !== undefined
  io.out(JSON.stringify(bare ? only.policy : policies, null, 2))
  return EXIT.ok
}
