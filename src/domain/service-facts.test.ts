import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type AwsService, serviceNamed, serviceNames } from './catalogue.ts'
import { sameService } from './impacted.ts'
import { readingOf } from './only-reads.ts'
import {
  askedOf,
  codesOf,
  expectedOf,
  isOfSts,
  onlyRegionOf,
  plainCode,
  relatedByDefault,
  serviceCode,
  titleOf,
} from './service-facts.ts'

const KEYS = readFileSync(new URL('../../test/dashboard-keys.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n')
const plain = (text: string) => text.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')

function named(name: string): AwsService {
  const service = serviceNamed(name)
  if (service === null) throw new Error(`no service ${name}`)
  return service
}

describe('the codes of services in AWS Health', () => {
  /** Of what is watched most. */
  const WATCHED =
    'acm api-gateway athena autoscaling batch cloudformation cloudfront cloudtrail cloudwatch codebuild cognito-idp config dynamodb ec2 ecr ecs eks elasticache elasticbeanstalk elasticfilesystem elastic-load-balancing-v2 elasticmapreduce es events firehose glue guardduty iam iot kinesis kms lambda logs mq opensearch organizations rds redshift route53 s3 sagemaker secretsmanager ses sns sqs ssm states sts waf wafv2 workspaces xray'.split(
      ' ',
    )
  test.each(WATCHED.filter((name) => serviceNamed(name) !== null))('%s is a service of the public dashboard', (name) => {
    const codes = codesOf(named(name))
    expect(KEYS.filter((key) => codes.some((code) => plain(key) === plain(code)))).not.toEqual([])
  })

  test('every code is one word in capitals', () => {
    for (const name of serviceNames()) for (const code of codesOf(named(name))) expect(code).toMatch(/^[A-Z0-9_]+$/)
  })

  test.each([
    ['elb', 'ELASTICLOADBALANCING'],
    ['state', 'STATES'],
    ['certificatemanager', 'ACM'],
    ['awswaf', 'WAF'],
    ['ec2systemsmanager', 'SSM'],
    ['multipleservices', 'MULTIPLE_SERVICES'],
  ])('%s and %s are the same', (key, code) => {
    expect(sameService(key, code)).toBe(true)
  })

  test('no two services of the dashboard become one', () => {
    const byCode = Map.groupBy(KEYS, plainCode)
    const joined = [...byCode.values()].filter((keys) => keys.length > 1)
    expect(joined).toEqual([])
  })

  test('an operation leads to the code of its service', () => {
    expect(serviceCode('dynamodb:DescribeTable TableName=orders in eu-west-1')).toBe('DYNAMODB')
    expect(serviceCode('logs:DescribeLogGroups')).toBe('CLOUDWATCH')
    expect(serviceCode('GetAlternateContact SECURITY')).toBe('ACCOUNT')
  })
})

test.each([
  ['iam', 'aws', 'us-east-1'],
  ['iam', 'aws-cn', 'cn-north-1'],
  ['organizations', 'aws', 'us-east-1'],
  ['organizations', 'aws-cn', 'cn-northwest-1'],
  ['organizations', 'aws-us-gov', 'us-gov-west-1'],
  ['globalaccelerator', 'aws', 'us-west-2'],
  ['billing', 'aws', 'us-east-1'],
  ['billing', 'aws-cn', 'cn-northwest-1'],
  ['invoicing', 'aws-us-gov', 'us-gov-west-1'],
  ['support', 'aws-cn', 'cn-north-1'],
  ['dynamodb', 'aws', null],
  ['sts', 'aws', null],
] as const)('%s in %s is asked in %s', (name, partition, region) => {
  expect(onlyRegionOf(named(name), partition)).toBe(region)
})

test('nothing is related to itself, and IAM, STS and events of many services to everything', () => {
  expect(relatedByDefault('DYNAMODB')).toEqual(['IAM', 'STS', 'MULTIPLE_SERVICES'])
  expect(relatedByDefault('IAM')).toEqual(['STS', 'MULTIPLE_SERVICES'])
})

test('what a healthy answer shows is only said of operations that can be probed', () => {
  const source = readFileSync(new URL('./service-facts.ts', import.meta.url), 'utf8')
  const tables = source.slice(source.indexOf('const MAY_BE_EMPTY'), source.indexOf('export function expectedOf'))
  const operations = [...tables.matchAll(/'([\w-]+):(\w+)'/g)]
  expect(operations.length).toBeGreaterThan(30)
  for (const [full, name = '', operation = ''] of operations)
    expect(readingOf(named(name), operation), full).toMatchObject({ ok: true })
  expect(expectedOf('dynamodb:DescribeTable')).toEqual({ member: 'Table' })
  expect(expectedOf('s3:HeadBucket')).toBe('nothing')
  expect(expectedOf('kms:ListAliases')).toBe('any')
})

test('an operation as it is shown is taken apart for people', () => {
  expect(askedOf('dynamodb:DescribeTable TableName=orders in eu-west-1')).toEqual({
    service: 'DynamoDB',
    call: 'DescribeTable TableName=orders',
    region: 'eu-west-1',
  })
  expect(askedOf('GetRegionOptStatus af-south-1')).toBeNull()
  expect(titleOf('states:ListStateMachines in us-east-1')).toBe('Step Functions')
  expect(titleOf('ListRegions')).toBe('Account')
  expect(isOfSts({ service: 'STS' }, 'ListRegions')).toBe(true)
  expect(isOfSts({ service: 'STS' }, 'sts:GetCallerIdentity in eu-west-1')).toBe(false)
})
