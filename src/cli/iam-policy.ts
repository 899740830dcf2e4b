import type { Config } from '../config/config.ts'
import { partitionOf } from '../domain/policy.ts'
import { type Credentials, credentialsKey, type Monitor } from '../domain/probe.ts'
import { EXIT } from './exit.ts'
import { configured, type Io, type Listing } from './io.ts'

export type Statement = Readonly<{
  Sid: string
  Effect: 'Allow'
  Action: readonly string[]
  Resource: string | readonly string[]
}>
export type Policy = Readonly<{ Version: '2012-10-17'; Statement: readonly Statement[] }>

/** What one identity has to be allowed. */
export type PolicyFor = Readonly<{ for: string; policy: Policy }>

const HEALTH = ['health:DescribeEventDetails', 'health:DescribeEvents'] as const
/**
 * The organization view, where member accounts are probed; `check --live` asks for its status. Health reads the list of
 * accounts on the caller's behalf (docs.aws.amazon.com/health/latest/ug: "organizations:ListAccounts").
 */
const ORGANIZATION = [
  'health:DescribeAffectedAccountsForOrganization',
  'health:DescribeEventsForOrganization',
  'health:DescribeHealthServiceStatusForOrganization',
  'organizations:ListAccounts',
] as const
/** For monitors that find their accounts. */
const LIST = ['organizations:ListAccounts'] as const
const LIST_BENEATH = ['organizations:ListAccountsForParent', 'organizations:ListOrganizationalUnitsForParent'] as const
/** The one thing that Alibi writes in AWS, and only where `log.cloudwatch` asks for it; the log group has to be there. */
const LOGS = ['logs:CreateLogStream', 'logs:PutLogEvents'] as const

/** The least that every identity of this configuration needs, the one that Alibi starts with first. */
export function policiesFor(config: Config): readonly PolicyFor[] {
  const holders = new Map<string, { credentials: Credentials; statements: Statement[] }>()
  const holder = (credentials: Credentials) => {
    const key = credentialsKey(credentials)
    const known = holders.get(key) ?? { credentials, statements: [] }
    holders.set(key, known)
    return known.statements
  }
  const { log, health, monitors, discoveries } = config
  for (const some of Map.groupBy(monitors, ({ credentials }) => credentialsKey(credentials)).values()) {
    const [first] = some
    if (first === undefined) continue
    const operations = some.flatMap(({ probes }) => probes.map(({ call }) => `account:${call.operation}`))
    const asked = discoveries.filter(({ monitor }) => some.some(({ name }) => name === monitor))
    const found = asked.flatMap(({ calls }) => calls.map(({ operation }) => `account:${operation}`))
    holder(first.credentials).push(allow('Probe', [...operations, ...found], '*'))
    const lists = asked.flatMap(({ ous }) => (ous === null ? LIST : LIST_BENEATH))
    if (lists.length > 0) holder(first.credentials).push(allow('FindAccounts', lists, '*'))
  }
  if (health.api) {
    for (const some of Map.groupBy(monitors, ({ partition }) => partition).values()) {
      const asker = health.credentials ?? some[0]?.credentials
      if (asker === undefined) continue
      holder(asker).push(allow('AskHealth', HEALTH, '*'))
      if (probesMembers(some) || findsMembers(config, some)) holder(asker).push(allow('AskHealthOfMembers', ORGANIZATION, '*'))
    }
  }
  if (log.cloudwatch !== null) {
    const { group, stream, region } = log.cloudwatch
    const partition = partitionOf(region)
    const resource = `arn:${partition}:logs:${region}:*:log-group:${group}:log-stream:${stream ?? '*'}`
    holder(CHAIN).push(allow('WriteOwnLog', LOGS, resource))
  }
  // Whoever assumes a role has to be allowed to: the chain, or the profile beneath it.
  for (const { credentials } of [...holders.values()]) {
    const { profile, roleArn } = credentials
    if (roleArn !== null) holder({ ...CHAIN, profile }).push(allow('AssumeRole', ['sts:AssumeRole'], roleArn))
  }
  return [...holders.values()]
    .toSorted((a, b) => rank(a.credentials) - rank(b.credentials))
    .map(({ credentials, statements }) => ({ for: nameOf(credentials), policy: policyOf(statements) }))
}

const CHAIN: Credentials = { profile: null, roleArn: null, externalId: null, sessionName: null }

export function probesMembers(monitors: readonly Monitor[]): boolean {
  return monitors.some(({ probes }) => probes.some(({ account }) => account !== 'self'))
}

function findsMembers({ discoveries }: Config, monitors: readonly Monitor[]): boolean {
  return discoveries.some(({ monitor }) => monitors.some(({ name }) => name === monitor))
}

function allow(Sid: string, Action: readonly string[], Resource: string): Statement {
  return { Sid, Effect: 'Allow', Action, Resource }
}

/** One statement for each purpose, its actions and resources in order and once. */
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

/** Prints the policy; with several identities, or `--json`, a list of them. Ready for `aws iam put-role-policy`. */
export async function iamPolicy(options: Listing, io: Io): Promise<number> {
  const config = await configured(options, io)
  const policies = policiesFor(config)
  const [only] = policies
  const bare = options.json !== true && policies.length === 1 && only !== undefined
  io.out(JSON.stringify(bare ? only.policy : policies, null, 2))
  return EXIT.well
}
