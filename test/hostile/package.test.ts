// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation's own
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { OPERATIONS } from '../../src/domain/probe.ts'

/* What is installed beside Alibi to confine it: the unit of systemd and the role in AWS. */

describe('the systemd unit', () => {
  const UNIT = 'config/systemd/alibi.service'
  const lines = readFileSync(UNIT, 'utf8').split('\n')
  const analyze = (...args: string[]) => execFileSync('systemd-analyze', args, { encoding: 'utf8', stdio: 'pipe' })
  const hasSystemd = spawnSync('systemd-analyze', ['--version']).error === undefined

  test.for([
    'NoNewPrivileges=yes',
    'CapabilityBoundingSet=',
    'LimitCORE=0',
    'PrivateUsers=yes',
    'ProcSubset=pid',
    'ProtectProc=invisible',
    'ProtectSystem=strict',
    'SystemCallFilter=@system-service',
    'SystemCallFilter=~@privileged @resources',
    'UMask=0077',
    'User=alibi',
  ])('%s', (line) => expect(lines).toContain(line))

  test('is one that systemd understands', ({ skip }) => {
    if (!hasSystemd) skip('systemd is not installed')
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', UNIT], { encoding: 'utf8' })
    expect([status, stderr.split('\n').filter((line) => line.includes('alibi.service'))]).toEqual([0, []])
  })

  test('leaves open what Alibi needs, and no more', ({ skip }) => {
    if (!hasSystemd) skip('systemd is not installed')
    const said = analyze('security', '--offline=true', '--no-pager', UNIT)
    const open = [...said.matchAll(/^✗ (\S+)/gm)].map(([, name]) => name)
    const needed = [
      'DeviceAllow=', // ProtectClock gives the clock back for reading.
      'IPAddressDeny=', // AWS has no list of addresses that would last.
      'MemoryDenyWriteExecute=', // V8 compiles while it runs.
      'PrivateMounts=',
      'PrivateNetwork=',
      'RestrictAddressFamilies=~AF_(INET|INET6)',
      'RestrictAddressFamilies=~AF_NETLINK',
      'RestrictAddressFamilies=~AF_UNIX',
      'RootDirectory=/RootImage=',
    ]
    expect(open.filter((name) => !needed.includes(name ?? ''))).toEqual([])
  })
})

/* CloudFormation's short forms, as plain values. */
const tag = (name: string, collection?: 'seq' | 'map') => ({
  tag: `!${name}`,
  ...(collection === undefined
    ? { resolve: (text: string) => ({ [name]: text }) }
    : { collection, resolve: (node: { toJSON(): unknown }) => ({ [name]: node.toJSON() }) }),
})
const names = ['Ref', 'Sub', 'If', 'Equals', 'Not', 'And', 'Condition', 'GetAtt']
const customTags = names.flatMap((name) => [tag(name), tag(name, 'seq')])

describe('the role', () => {
  type Statement = Readonly<{ Sid: string; Action: unknown; Resource: unknown }>
  const text = readFileSync('config/cloudformation/alibi-role.yaml', 'utf8')
  const template = parse(text, { customTags: customTags as never, logLevel: 'error' })
  const { Parameters, Resources } = JSON.parse(JSON.stringify(template))
  const statements: readonly Statement[] = Resources.Role.Properties.Policies[0].PolicyDocument.Statement.map(
    (one: Statement | { If: [string, Statement] }) => ('If' in one ? one.If[1] : one),
  )
  const statement = (sid: string): Statement => {
    const found = statements.find(({ Sid }) => Sid === sid)
    if (found === undefined) throw new Error(`there is no statement ${sid}`)
    return found
  }

  test.for<[string, boolean]>([
    ['arn:aws:iam::111122223333:role/alibi-host', true],
    ['arn:aws-cn:iam::111122223333:role/path/alibi', true],
    ['arn:aws:iam::111122223333:user/alibi', true],
    ['', true],
    ['arn:aws:iam::111122223333:root', false],
    ['111122223333', false],
    ['*', false],
    ['arn:aws:iam::111122223333:role/*', false],
    ['arn:aws:iam::*:role/alibi', false],
  ])('trusts %j: %j', ([principal, isTaken]) => {
    expect(new RegExp(Parameters.TrustedPrincipal.AllowedPattern).test(principal)).toBe(isTaken)
  })

  test('the operations that it allows can be chosen, from those that read by their names, and are Account’s by default', () => {
    const all = OPERATIONS.map((operation) => `account:${operation}`).toSorted()
    expect(Parameters.Operations.Default.split(/, ?/).toSorted()).toEqual(all)
    // For a list, CloudFormation applies the pattern to every value of it.
    const action = new RegExp(Parameters.Operations.AllowedPattern)
    expect([...all, 'dynamodb:DescribeTable', 's3:ListAllMyBuckets'].filter((one) => !action.test(one))).toEqual([])
    expect(
      ['*', 'account:*', 'account:PutContactInformation', 's3:DeleteObject', 'iam:CreateUser'].filter((one) => action.test(one)),
    ).toEqual([])
    expect(statement('Probe').Action).toEqual({ Ref: 'Operations' })
  })

  test('it writes to one log group in one region', () => {
    const [arn, { Region }] = (statement('Log').Resource as { Sub: [string, { Region: unknown }] }).Sub
    expect(arn).toBe('arn:${AWS::Partition}:logs:${Region}:${AWS::AccountId}:log-group:${LogGroup}:*')
    expect(Region).toEqual({ If: ['WithLogRegion', { Ref: 'LogRegion' }, { Ref: 'AWS::Region' }] })
    const region = new RegExp(Parameters.LogRegion.AllowedPattern)
    expect(['', 'eu-west-1', 'us-gov-east-1'].filter((one) => !region.test(one))).toEqual([])
    expect(['*', 'eu-*', 'eu-west-1:*'].filter((one) => region.test(one))).toEqual([])
    expect(new RegExp(Parameters.LogGroup.AllowedPattern).test('*')).toBe(false)
  })

  test('it reads one queue and deletes from no other', () => {
    expect(statement('ReadQueue').Resource).toEqual({ Ref: 'QueueArn' })
    const queue = new RegExp(Parameters.QueueArn.AllowedPattern)
    expect(queue.test('arn:aws:sqs:us-west-2:111122223333:alibi-health')).toBe(true)
    const wide = [
      '*',
      'arn:aws:sqs:*:111122223333:alibi-health',
      'arn:aws:sqs:us-west-2:111122223333:*',
      'arn:aws:sqs:us-west-2:*:q',
    ]
    expect(wide.filter((one) => queue.test(one))).toEqual([])
  })

  test('it writes nothing else', () => {
    const actions = statements.flatMap(({ Action }) => (Array.isArray(Action) ? (Action as string[]) : []))
    expect(actions.filter((action) => !/^(?:health|organizations):(?:Describe|List)/.test(action))).toEqual([
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ])
  })
})

describe('the queue of AWS Health events', () => {
  const text = readFileSync('config/cloudformation/alibi-health-queue.yaml', 'utf8')
  const { Resources } = JSON.parse(JSON.stringify(parse(text, { customTags: customTags as never, logLevel: 'error' })))

  test('only its own rule may put anything into it, and nobody without TLS', () => {
    const [sends, refused] = Resources.QueuePolicy.Properties.PolicyDocument.Statement
    expect(sends).toMatchObject({
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Condition: { ArnEquals: { 'aws:SourceArn': { GetAtt: 'Rule.Arn' } } },
    })
    expect(refused).toMatchObject({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })
  })

  test('both rules match what AWS Health sends, and no more', () => {
    for (const rule of [Resources.Rule, Resources.ForwardingRule])
      expect(rule.Properties.EventPattern).toEqual({ source: ['aws.health'], 'detail-type': ['AWS Health Event'] })
  })

  test('what Alibi leaves in it is put aside, after more receptions than a few restarts make', () => {
    const { RedrivePolicy, MessageRetentionPeriod } = Resources.Queue.Properties
    expect(RedrivePolicy.deadLetterTargetArn).toEqual({ GetAtt: 'DeadLetters.Arn' })
    expect(RedrivePolicy.maxReceiveCount).toBeGreaterThanOrEqual(5)
    expect(MessageRetentionPeriod).toBe(14 * 24 * 3600)
  })
})
