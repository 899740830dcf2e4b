import { expect, test } from 'vitest'
import { NONE_WANTED, variantVariables, type Wanted } from '../../config/variants.ts'
import type { ServiceCall } from '../../domain/probe.ts'
import { placeOfRequest } from './endpoint.ts'
import { BoundedHandler } from './handler.ts'
import { howToInstall, readyFor, ServiceClients } from './service-client.ts'

/** Hears the request as it would go out, and sends nothing. */
class Listener extends BoundedHandler {
  readonly heard: Readonly<{ host: string; region: string }>[] = []
  readonly #region: string

  constructor(region: string) {
    super()
    this.#region = region
  }

  override async handle(request: Parameters<BoundedHandler['handle']>[0]): Promise<never> {
    this.heard.push(placeOfRequest(request, this.#region))
    throw new Error('heard enough')
  }
}

const FIPS: Wanted = { ...NONE_WANTED, fips: 'x' }
const DUAL: Wanted = { ...NONE_WANTED, dualstack: 'x' }
const BOTH: Wanted = { fips: 'x', dualstack: 'x' }
const BUCKET = { Bucket: 'mine' }
const QUEUE = { QueueUrl: 'https://sqs.us-east-1.amazonaws.com/111122223333/q' }
const LOGS = 'logs:DescribeLogGroups'
const FUNCTIONS = 'lambda:ListFunctions'

/** Where an operation is asked in a region: the host, and the region by which it is judged where it is another. */
test.for<[ServiceCall['operation'], string, Wanted, string, (string | undefined)?, Readonly<Record<string, unknown>>?]>([
  ['dynamodb:ListTables', 'eu-west-1', NONE_WANTED, 'dynamodb.eu-west-1.amazonaws.com'],
  ['dynamodb:ListTables', 'us-east-1', FIPS, 'dynamodb-fips.us-east-1.amazonaws.com'],
  ['dynamodb:ListTables', 'us-gov-west-1', FIPS, 'dynamodb.us-gov-west-1.amazonaws.com'],
  ['dynamodb:ListTables', 'eu-west-1', FIPS, 'dynamodb.eu-west-1.amazonaws.com'],
  ['dynamodb:ListTables', 'us-east-1', BOTH, 'dynamodb-fips.us-east-1.amazonaws.com'],
  [FUNCTIONS, 'us-west-2', FIPS, 'lambda-fips.us-west-2.amazonaws.com'],
  [FUNCTIONS, 'eu-west-1', DUAL, 'lambda.eu-west-1.api.aws'],
  [FUNCTIONS, 'cn-north-1', DUAL, 'lambda.cn-north-1.api.amazonwebservices.com.cn'],
  [FUNCTIONS, 'eu-west-1', BOTH, 'lambda.eu-west-1.api.aws'],
  ['ec2:DescribeVpcs', 'us-east-2', FIPS, 'ec2-fips.us-east-2.amazonaws.com'],
  ['ec2:DescribeVpcs', 'eu-west-1', DUAL, 'ec2.eu-west-1.api.aws'],
  ['s3:ListBuckets', 'us-east-1', NONE_WANTED, 's3.us-east-1.amazonaws.com'],
  ['s3:ListBuckets', 'ca-west-1', FIPS, 's3-fips.ca-west-1.amazonaws.com'],
  ['s3:ListBuckets', 'eu-west-1', DUAL, 's3.dualstack.eu-west-1.amazonaws.com'],
  ['s3:ListBuckets', 'us-east-1', BOTH, 's3-fips.dualstack.us-east-1.amazonaws.com'],
  ['s3:HeadBucket', 'us-east-1', FIPS, 'mine.s3-fips.us-east-1.amazonaws.com', undefined, BUCKET],
  ['s3:HeadBucket', 'eu-west-1', BOTH, 'mine.s3.dualstack.eu-west-1.amazonaws.com', undefined, BUCKET],
  ['iam:GetAccountSummary', 'us-east-1', FIPS, 'iam-fips.amazonaws.com'],
  ['iam:GetAccountSummary', 'us-east-1', DUAL, 'iam.global.api.aws'],
  ['iam:GetAccountSummary', 'eu-west-1', NONE_WANTED, 'iam.amazonaws.com', 'us-east-1'],
  ['iam:GetAccountSummary', 'us-gov-west-1', FIPS, 'iam.us-gov.amazonaws.com'],
  ['iam:GetAccountSummary', 'cn-north-1', NONE_WANTED, 'iam.cn-north-1.amazonaws.com.cn'],
  ['organizations:DescribeOrganization', 'us-east-1', FIPS, 'organizations-fips.us-east-1.amazonaws.com'],
  ['organizations:DescribeOrganization', 'cn-northwest-1', NONE_WANTED, 'organizations.cn-northwest-1.amazonaws.com.cn'],
  ['sts:GetCallerIdentity', 'us-east-1', NONE_WANTED, 'sts.us-east-1.amazonaws.com'],
  ['sts:GetCallerIdentity', 'us-west-2', FIPS, 'sts-fips.us-west-2.amazonaws.com'],
  [LOGS, 'ca-west-1', FIPS, 'logs-fips.ca-west-1.amazonaws.com'],
  [LOGS, 'us-east-1', BOTH, 'logs-fips.us-east-1.amazonaws.com'],
  ['sqs:ListQueues', 'us-east-1', FIPS, 'sqs-fips.us-east-1.amazonaws.com'],
  ['sqs:ListQueues', 'eu-central-1', DUAL, 'sqs.eu-central-1.api.aws'],
  ['sqs:GetQueueAttributes', 'us-east-1', FIPS, 'sqs-fips.us-east-1.amazonaws.com', undefined, QUEUE],
  ['sqs:GetQueueAttributes', 'eu-west-1', NONE_WANTED, 'sqs.eu-west-1.amazonaws.com', undefined, QUEUE],
  ['sqs:ListQueues', 'eusc-de-east-1', NONE_WANTED, 'sqs.eusc-de-east-1.amazonaws.eu'],
])('%s in %s with %j is asked at %s', async ([operation, region, wanted, host, judgedIn = region, input = {}]) => {
  const handler = new Listener(region)
  const clients = new ServiceClients({ env: variantVariables(wanted), handler, version: '0' })
  const call: ServiceCall = { operation, parameter: null, region, input, expect: null, rate: null }
  const identity = { accessKeyId: 'a', secretAccessKey: 'b', accountId: '111122223333' }
  const sent = { heard: () => undefined, abortSignal: new AbortController().signal, identity, answer: () => null }
  await expect(clients.ask(call, sent)).rejects.toThrow('heard enough')
  expect(handler.heard).toEqual([{ host, region: judgedIn }])
  handler.close()
})

test('an address in place of AWS’s own has no variant, and leaves the region as it was meant', async () => {
  const handler = new Listener('eu-west-1')
  const env = { ...variantVariables(BOTH), AWS_ENDPOINT_URL_S3: 'https://storage.example.com' }
  const clients = new ServiceClients({ env, handler, version: '0' })
  const call: ServiceCall = {
    operation: 's3:HeadBucket',
    parameter: null,
    region: 'eu-west-1',
    input: BUCKET,
    expect: null,
    rate: null,
  }
  const identity = { accessKeyId: 'a', secretAccessKey: 'b' }
  const sent = { heard: () => undefined, abortSignal: new AbortController().signal, identity, answer: () => null }
  await expect(clients.ask(call, sent)).rejects.toThrow('heard enough')
  expect(handler.heard).toEqual([{ host: 'storage.example.com', region: 'eu-west-1' }])
  handler.close()
})

test.each([[undefined], [7], [['in', 'ways', 'of', 'later', { years: 0 }, 'it']]])(
  'a client whose schema is %j is given what is configured',
  (schema) => {
    class ListTablesCommand {
      schema = schema
    }
    const input = { Any: 'thing' }
    const ready = readyFor({ operation: 'dynamodb:ListTables', parameter: null, input, expect: 'Any' }, () => ({
      ListTablesCommand,
    }))
    expect(ready).toMatchObject({ action: 'ListTables', input })
  },
)

test.each([
  ['/opt/alibi', /^`npm install --save-exact "@aws-sdk\/client-kms@<=[\d.]+"` in \/opt\/alibi$/],
  ['/srv/app/node_modules/alibi', /^`npm install --save-exact "@aws-sdk\/client-kms@<=[\d.]+"` in \/srv\/app$/],
  ['/usr/lib/node_modules/alibi', /^`npm install --global "@aws-sdk\/client-kms@<=[\d.]+"`$/],
])('in %s a client is installed where Alibi finds it', (root, how) => expect(howToInstall({ client: 'kms' }, root)).toMatch(how))
