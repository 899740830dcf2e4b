import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/file.ts'
import { OPERATIONS, WRITING_OPERATIONS } from '../domain/probe.ts'
import { policiesFor } from './iam-policy.ts'

const ENOUGH = 'mail: { from: a@example.com }\nrecipients: { oncall: { to: [a@example.com] } }\n'
async function config(text = ''): Promise<Config> {
  const loaded = await parseConfig(ENOUGH + text, 'alibi.yaml', {}, { cwd: '/x', now: 0 })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
  return loaded.config
}
const ROLE = 'arn:aws:iam::111122223333:role/alibi'
const OTHER = 'arn:aws:iam::444455556666:role/alibi'

test('the smallest configuration needs one operation and AWS Health', async () => {
  expect(policiesFor(await config())).toEqual([
    {
      for: 'the identity that Alibi runs as',
      policy: {
        Version: '2012-10-17',
        Statement: [
          { Sid: 'Probe', Effect: 'Allow', Action: ['account:GetAccountInformation'], Resource: '*' },
          { Sid: 'AskHealth', Effect: 'Allow', Action: ['health:DescribeEventDetails', 'health:DescribeEvents'], Resource: '*' },
        ],
      },
    },
  ])
})

const actions = (from: Config, who = 0) => policiesFor(from)[who]?.policy.Statement.flatMap(({ Action }) => Action)

test.for<[string, string, readonly string[]]>([
  ['without the API nothing of it is granted', 'health: { api: false }', ['account:GetAccountInformation']],
  [
    'an operation that is probed twice is granted once',
    'health: { api: false }\nmonitors: [{ name: a, operations: [ListRegions] }, { name: b, operations: [ListRegions, GetContactInformation] }]',
    ['account:GetContactInformation', 'account:ListRegions'],
  ],
  [
    'member accounts need the organization view',
    'monitors: [{ accounts: ["111122223333"] }]',
    [
      'account:GetAccountInformation',
      'health:DescribeEventDetails',
      'health:DescribeEvents',
      'health:DescribeAffectedAccountsForOrganization',
      'health:DescribeEventsForOrganization',
      'health:DescribeHealthServiceStatusForOrganization',
      'organizations:ListAccounts',
    ],
  ],
  [
    'of SQS there are two actions, for the queue that is read',
    'health: { api: false, queue: { url: "https://sqs.eu-west-1.amazonaws.com/111122223333/alibi-health" } }',
    ['account:GetAccountInformation', 'sqs:DeleteMessage', 'sqs:ReceiveMessage'],
  ],
  [
    'accounts that are found need to be listed',
    'health: { api: false }\nmonitors: [{ accounts: { organization: {} } }]',
    ['account:GetAccountInformation', 'organizations:ListAccounts'],
  ],
  [
    'accounts that are found beneath some units need no list of all',
    'health: { api: false }\nmonitors: [{ accounts: { organization: { ous: [r-ab12] } } }]',
    ['account:GetAccountInformation', 'organizations:ListAccountsForParent', 'organizations:ListOrganizationalUnitsForParent'],
  ],
])('%s', async ([, text, granted]) => expect(actions(await config(text))).toEqual(granted))

test('every identity gets its own policy: the one that assumes a role, the role, and the one that reads AWS Health', async () => {
  const policies = policiesFor(
    await config(`
health: { credentials: { profile: health } }
log: { cloudwatch: { group: /alibi, region: eu-west-1 } }
monitors:
  - { name: a, credentials: { roleArn: "${ROLE}" }, operations: [ListRegions] }
  - { name: b, credentials: { roleArn: "${OTHER}" }, operations: [GetContactInformation] }
  - { name: c, credentials: { profile: audit, roleArn: "${ROLE}" } }
`),
  )
  const shown = policies.map((one) => [one.for, one.policy.Statement.map(({ Sid, Action, Resource }) => [Sid, Action, Resource])])
  expect(shown).toEqual([
    [
      'the identity that Alibi runs as',
      [
        ['WriteOwnLog', ['logs:CreateLogStream', 'logs:PutLogEvents'], 'arn:aws:logs:eu-west-1:*:log-group:/alibi:log-stream:*'],
        ['AssumeRole', ['sts:AssumeRole'], [ROLE, OTHER]],
      ],
    ],
    ['profile health', [['AskHealth', ['health:DescribeEventDetails', 'health:DescribeEvents'], '*']]],
    ['profile audit', [['AssumeRole', ['sts:AssumeRole'], ROLE]]],
    [ROLE, [['Probe', ['account:ListRegions'], '*']]],
    [OTHER, [['Probe', ['account:GetContactInformation'], '*']]],
    [ROLE, [['Probe', ['account:GetAccountInformation'], '*']]],
  ])
})

test('the log of another partition is in that partition', async () => {
  const [first] = policiesFor(await config('log: { cloudwatch: { group: g, stream: s, region: cn-north-1 } }'))
  expect(first?.policy.Statement.at(-1)?.Resource).toBe('arn:aws-cn:logs:cn-north-1:*:log-group:g:log-stream:s')
})

/** Every operation, member accounts, accounts that are found, a role, and the log: what any configuration can need. */
const EVERYTHING = `
log: { cloudwatch: { group: g } }
monitors:
  - name: all
    credentials: { roleArn: "${ROLE}" }
    accounts: ["111122223333"]
    operations:
${OPERATIONS.map((name) => `      - ${name}${name === 'GetAlternateContact' ? ': { type: SECURITY }' : name === 'GetRegionOptStatus' ? ': { region: af-south-1 }' : ''}`).join('\n')}
  - name: found
    accounts: { organization: {} }
  - name: found beneath
    accounts: { organization: { ous: [ou-ab12-cd34ef56] } }
`

/** Commands that need no permission: everybody may ask who they are, and a web identity's call is not signed. */
const FREE = ['sts:AssumeRoleWithWebIdentity', 'sts:GetCallerIdentity']
/** Actions that AWS takes on our behalf while another one runs. */
const DEPENDENT: readonly string[] = ['organizations:ListAccounts']
const SERVICE: Readonly<Record<string, string>> = {
  ...{ account: 'account', health: 'health', organizations: 'organizations', sts: 'sts' },
  'cloudwatch-logs': 'logs',
}

function used(): readonly string[] {
  const found = new Set<string>()
  for (const file of globSync('src/**/*.{ts,tsx}', { exclude: ['**/*.test.*'] })) {
    for (const [, names = '', client = ''] of readFileSync(file, 'utf8').matchAll(
      /(?:import|const) (?:type )?\{([^}]*)\} (?:from |= await import\()'@aws-sdk\/client-([\w-]+)'/g,
    )) {
      for (const [, command] of names.matchAll(/(?<!type )\b([A-Z]\w*)Command\b/g))
        found.add(`${SERVICE[client] ?? client}:${command}`)
    }
  }
  return [...found].filter((action) => !FREE.includes(action)).toSorted()
}

test('the granted actions are exactly the used ones', async () => {
  const granted = policiesFor(await config(EVERYTHING)).flatMap(({ policy }) => policy.Statement.flatMap(({ Action }) => Action))
  const own = [...new Set(granted)].filter((action) => !DEPENDENT.includes(action)).toSorted()
  expect(own).toEqual(used().filter((action) => !DEPENDENT.includes(action)))
  expect(own.length).toBeGreaterThanOrEqual(OPERATIONS.length + 4)
})

test('no granted action writes to Account', async () => {
  const granted = policiesFor(await config(EVERYTHING)).flatMap(({ policy }) => policy.Statement.flatMap(({ Action }) => Action))
  expect(granted.filter((action) => WRITING_OPERATIONS.some((name) => action === `account:${name}`))).toEqual([])
  expect(granted.filter((action) => /\*/.test(action))).toEqual([])
})

test.for<[string, string]>([
  ['https://sqs.eu-west-1.amazonaws.com/111122223333/alibi-health', 'arn:aws:sqs:eu-west-1:111122223333:alibi-health'],
  ['https://sqs-fips.us-east-2.amazonaws.com/111122223333/a.fifo', 'arn:aws:sqs:us-east-2:111122223333:a.fifo'],
  ['https://vpce-0a1b-c2d3.sqs.us-east-1.vpce.amazonaws.com/111122223333/q', 'arn:aws:sqs:us-east-1:111122223333:q'],
])('the queue at %s is allowed by its ARN', async ([url, arn]) => {
  const [only] = policiesFor(await config(`health: { queue: { url: "${url}" } }`))
  expect(only?.policy.Statement).toContainEqual({
    Sid: 'ReadQueue',
    Effect: 'Allow',
    Action: ['sqs:DeleteMessage', 'sqs:ReceiveMessage'],
    Resource: arn,
  })
})
