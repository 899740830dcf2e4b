import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { serviceNamed, serviceNames, servicesSharing } from './catalogue.ts'
import { ACTION_LINES, IAM_DATA_VERSION } from './iam-data.ts'
import { readingOf, readingOperations, revealedBy } from './only-reads.ts'

function reading(call: string) {
  const [name = '', operation = ''] = call.split(':')
  const service = serviceNamed(name)
  if (service === null) throw new Error(`no service ${name}`)
  return readingOf(service, operation)
}

describe('the names of services', () => {
  test.each([
    ['dynamodb', 'dynamodb', 'dynamodb', 'DynamoDB'],
    ['logs', 'logs', 'cloudwatch-logs', 'CloudWatch Logs'],
    ['cloudwatch-logs', 'logs', 'cloudwatch-logs', 'CloudWatch Logs'],
    ['states', 'states', 'sfn', 'Step Functions'],
    ['sfn', 'states', 'sfn', 'Step Functions'],
    ['cloudwatch', 'cloudwatch', 'cloudwatch', 'CloudWatch'],
    ['s3', 's3', 's3', 'S3'],
    ['s3-control', 's3-control', 's3-control', 'S3 Control'],
    ['elastic-load-balancing-v2', 'elastic-load-balancing-v2', 'elastic-load-balancing-v2', 'Elastic Load Balancing'],
    ['iam', 'iam', 'iam', 'IAM'],
    ['sts', 'sts', 'sts', 'STS'],
  ])('%s', (given, name, client, title) => {
    expect(serviceNamed(given)).toMatchObject({ name, client, title })
  })

  test('a name that several clients share is nobody’s, and leads to theirs', () => {
    expect(serviceNamed('elasticloadbalancing')).toBeNull()
    expect(servicesSharing('elasticloadbalancing')).toEqual(['elastic-load-balancing', 'elastic-load-balancing-v2'])
  })

  test('every name leads to one service, which has that name', () => {
    const names = serviceNames()
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(serviceNamed(name)?.name).toBe(name)
  })
})

describe('what only reads', () => {
  test.each([
    ['dynamodb:DescribeTable', 'dynamodb:DescribeTable'],
    ['s3:ListBuckets', 's3:ListAllMyBuckets'],
    ['s3:HeadBucket', 's3:ListBucket'],
    ['s3:GetBucketCors', 's3:GetBucketCORS'],
    ['sts:GetCallerIdentity', 'sts:GetCallerIdentity'],
    ['lambda:GetFunctionConfiguration', 'lambda:GetFunctionConfiguration'],
    ['api-gateway:GetRestApis', 'apigateway:GET'],
    ['keyspaces:ListTables', 'cassandra:Select'],
    ['budgets:DescribeBudgets', 'budgets:ViewBudget'],
    ['iam:GetAccountPasswordPolicy', 'iam:GetAccountPasswordPolicy'],
    ['organizations:DescribeOrganization', 'organizations:DescribeOrganization'],
    ['logs:DescribeLogGroups', 'logs:DescribeLogGroups'],
    ['secretsmanager:ListSecrets', 'secretsmanager:ListSecrets'],
  ])('%s may be called, with the permission %s', (call, action) => {
    expect(reading(call)).toEqual({ ok: true, action })
  })

  test.each([
    ['secretsmanager:GetSecretValue', 'secrets'],
    ['secretsmanager:BatchGetSecretValue', 'secrets'],
    ['secretsmanager:GetRandomPassword', 'secrets'],
    ['ec2:GetPasswordData', 'secrets'],
    ['sts:GetSessionToken', 'credentials or tokens'],
    ['sts:GetFederationToken', 'credentials or tokens'],
    ['ecr:GetAuthorizationToken', 'credentials or tokens'],
    ['codeartifact:GetAuthorizationToken', 'credentials or tokens'],
    ['redshift:GetClusterCredentials', 'credentials or tokens'],
    ['cognito-identity:GetCredentialsForIdentity', 'credentials or tokens'],
    ['cognito-identity:GetOpenIdToken', 'credentials or tokens'],
    ['s3-control:GetDataAccess', 'credentials or tokens'],
    ['lambda:GetFunction', 'a link'],
    ['ecr:GetDownloadUrlForLayer', 'a link'],
    ['quicksight:GetDashboardEmbedUrl', 'a link'],
    ['s3:GetObject', 'stored'],
    ['dynamodb:GetItem', 'stored'],
    ['kinesis:GetRecords', 'stored'],
    ['logs:GetLogEvents', 'stored'],
    ['appsync:ListApiKeys', 'keys'],
    ['bedrock:InvokeModel', 'more than read'],
    ['logs:StartQuery', 'more than read'],
    ['sts:AssumeRole', 'more than read'],
    ['dynamodb:PutItem', 'more than read'],
    ['s3:SelectObjectContent', 'more than read'],
    ['kms:Decrypt', 'more than read'],
    ['cognito-identity:GetId', 'Write'],
    ['states:GetActivityTask', 'Write'],
    ['dynamodb:DescribeChair', 'not known'],
    ['neptunedata:GetMLEndpoint', 'not known'],
    ['dynamodb:__proto__', 'expected an operation'],
    ['dynamodb:constructor', 'expected an operation'],
    ['dynamodb:describeTable', 'expected an operation'],
  ])('%s is refused: %s', (call, why) => {
    expect(reading(call)).toMatchObject({ ok: false, why: expect.stringContaining(why) as string })
  })

  test('no name that can be made up gets past the three proofs', () => {
    const verbs = [
      'Put',
      'Create',
      'Delete',
      'Update',
      'Start',
      'Stop',
      'Invoke',
      'Send',
      'Run',
      'Assume',
      'Generate',
      'Get',
      'List',
    ]
    const call = fc.record({ service: fc.constantFrom(...serviceNames()), verb: fc.constantFrom(...verbs), rest: fc.string() })
    fc.assert(
      fc.property(call, ({ service: name, verb, rest }) => {
        const service = serviceNamed(name)
        const operation = `${verb}${rest}`
        if (service === null || !readingOf(service, operation).ok) return
        expect(operation).toMatch(/^(BatchDescribe|BatchGet|Describe|Get|Head|List|Lookup|Search)[A-Z0-9]/)
        expect(readingOperations(service)).toContain(operation)
      }),
    )
  })

  test('each operation that is allowed has an action that the list holds as Read or List, and no name that hands something out', () => {
    const suspicious =
      /SecretValue|SessionToken|AuthorizationToken|FederationToken|BearerToken|DataKey|GetObject$|GetItem$|EmbedUrl/
    let count = 0
    for (const name of serviceNames()) {
      const service = serviceNamed(name)
      if (service === null) continue
      for (const operation of readingOperations(service)) {
        const read = readingOf(service, operation)
        if (!read.ok) throw new Error(operation)
        const [prefix, action = ''] = read.action.split(':')
        expect(ACTION_LINES).toContain(`\n${prefix} `)
        expect(action).not.toMatch(/^!/)
        expect(operation).not.toMatch(suspicious)
        count += 1
      }
    }
    expect(count).toBeGreaterThan(10_000)
  })

  test('what an operation would otherwise hide is not asked for', () => {
    expect(revealedBy({ Name: '/app', WithDecryption: true })).toEqual({
      parameter: 'WithDecryption',
      why: 'with it, it hands out secrets',
    })
    expect(revealedBy({ includeValues: 'true' })?.why).toContain('keys')
    expect(revealedBy({ Name: '/app', WithDecryption: false })).toBeNull()
    expect(revealedBy({ TableName: 'orders' })).toBeNull()
  })

  test('the list says how old it is', () => {
    expect(IAM_DATA_VERSION).toMatch(/^\d+\.\d+\.20\d{6,7}$/)
  })
})
