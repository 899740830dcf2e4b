import { CloudWatchLogsClient, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { DescribeEventsCommand, HealthClient } from '@aws-sdk/client-health'
import { ListAccountsCommand, OrganizationsClient } from '@aws-sdk/client-organizations'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { NodeHttpHandler } from '@smithy/node-http-handler'
import { describe, expect, test } from 'vitest'
import { placeOf } from '../adapters/aws/endpoint.ts'
import type { Service } from './endpoints.ts'
import { NO_SHARED_FILES as NO_FILES, type SharedFiles } from './shared-files.ts'
import { checkVariants, NONE_WANTED, variantsShown, variantsWanted, variantVariables } from './variants.ts'

const FILES: SharedFiles = {
  ...NO_FILES,
  configFile: { default: { use_fips_endpoint: 'true' }, dual: { use_dualstack_endpoint: 'true', use_fips_endpoint: 'false' } },
}

test.for<[Record<string, string>, string | null, string | null]>([
  [{}, 'profile default: use_fips_endpoint', null],
  [{ AWS_PROFILE: 'dual' }, null, 'profile dual: use_dualstack_endpoint'],
  [{ AWS_USE_FIPS_ENDPOINT: 'false' }, null, null],
  [{ AWS_PROFILE: 'dual', AWS_USE_FIPS_ENDPOINT: 'true' }, 'AWS_USE_FIPS_ENDPOINT', 'profile dual: use_dualstack_endpoint'],
  [{ AWS_PROFILE: 'gone' }, null, null],
])('variants requested by %j', ([env, fips, dualstack]) => expect(variantsWanted(env, FILES)).toEqual({ fips, dualstack }))

test('a value other than true and false is refused: the SDK would fail every call', () => {
  const told: string[] = []
  const env = { AWS_USE_FIPS_ENDPOINT: '1' }
  checkVariants(env, { ...NO_FILES, configFile: { default: { use_dualstack_endpoint: 'TRUE' } } }, (path, message) => {
    told.push(`${path.join('.')}: ${message}`)
  })
  expect(told).toEqual([
    'AWS_USE_FIPS_ENDPOINT: the environment variable AWS_USE_FIPS_ENDPOINT must be true or false',
    ": in the AWS SDK's shared files, profile default: use_dualstack_endpoint must be true or false",
  ])
})

describe('the SDK uses an endpoint that exists', () => {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  const CLIENT = {
    STS: (config: object) => new STSClient({ ...config }).send(new GetCallerIdentityCommand({})),
    HEALTH: (config: object) => new HealthClient({ ...config }).send(new DescribeEventsCommand({})),
    ORGANIZATIONS: (config: object) => new OrganizationsClient({ ...config }).send(new ListAccountsCommand({})),
    CLOUDWATCH_LOGS: (config: object) =>
      new CloudWatchLogsClient({ ...config }).send(
        new PutLogEventsCommand({ logGroupName: 'g', logStreamName: 's', logEvents: [] }),
      ),
  } as const
  const fips = variantVariables({ ...NONE_WANTED, fips: 'x' })
  const dualstack = variantVariables({ ...NONE_WANTED, dualstack: 'x' })

  test.for<[keyof typeof CLIENT, string, Record<string, string | undefined>, string]>([
    ['STS', 'us-west-2', fips, 'sts-fips.us-west-2.amazonaws.com'],
    ['STS', 'us-gov-east-1', fips, 'sts.us-gov-east-1.amazonaws.com'],
    ['STS', 'eu-west-1', fips, 'sts.eu-west-1.amazonaws.com'],
    ['HEALTH', 'us-east-2', fips, 'health-fips.us-east-2.amazonaws.com'],
    ['HEALTH', 'us-east-1', fips, 'health.us-east-1.amazonaws.com'],
    ['ORGANIZATIONS', 'us-east-1', fips, 'organizations-fips.us-east-1.amazonaws.com'],
    ['ORGANIZATIONS', 'us-gov-west-1', fips, 'organizations.us-gov-west-1.amazonaws.com'],
    ['CLOUDWATCH_LOGS', 'ca-west-1', fips, 'logs-fips.ca-west-1.amazonaws.com'],
    ['CLOUDWATCH_LOGS', 'eu-west-1', fips, 'logs.eu-west-1.amazonaws.com'],
    ['CLOUDWATCH_LOGS', 'eu-west-1', dualstack, 'logs.eu-west-1.api.aws'],
    ['CLOUDWATCH_LOGS', 'cn-north-1', dualstack, 'logs.cn-north-1.api.amazonwebservices.com.cn'],
    ['STS', 'us-west-2', dualstack, 'sts.us-west-2.amazonaws.com'],
    ['STS', 'us-west-2', { ...fips, AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1' }, '127.0.0.1'],
  ])('%s in %s', async ([service, region, env, host]) => {
    const asked: string[] = []
    const requestHandler = {
      handle: async ({ hostname }: Parameters<NodeHttpHandler['handle']>[0]) => {
        asked.push(hostname)
        throw new Error('heard enough')
      },
    }
    const place = placeOf(env, service, region)
    await CLIENT[service]({ ...place, credentials, requestHandler, maxAttempts: 1 }).catch(() => undefined)
    expect(asked).toEqual([host])
  })
})

test('what a variant changes is said for every endpoint', () => {
  const asked = (service: Service, name: string, region: string) => ({ service, name, region })
  const all = [asked('ACCOUNT', 'Account', 'us-east-1'), asked('STS', 'STS', 'us-west-2'), asked('STS', 'STS', 'eu-west-1')]
  expect(variantsShown({ fips: 'AWS_USE_FIPS_ENDPOINT', dualstack: null }, all)).toEqual([
    'AWS_USE_FIPS_ENDPOINT: FIPS endpoint used for STS in us-west-2',
    'AWS_USE_FIPS_ENDPOINT: no FIPS endpoint, default one used, for Account in us-east-1, STS in eu-west-1',
  ])
  expect(variantsShown(NONE_WANTED, all)).toEqual([])
  const both = { fips: 'AWS_USE_FIPS_ENDPOINT', dualstack: 'AWS_USE_DUALSTACK_ENDPOINT' }
  const services = [asked('S3', 'S3', 'us-east-1'), asked('S3', 'S3', 'eu-west-1'), asked('DYNAMODB', 'DynamoDB', 'us-east-1')]
  expect(variantsShown(both, services)).toEqual([
    'AWS_USE_FIPS_ENDPOINT: FIPS endpoint used for S3 in us-east-1, DynamoDB in us-east-1',
    'AWS_USE_FIPS_ENDPOINT: no FIPS endpoint, default one used, for S3 in eu-west-1',
    'AWS_USE_DUALSTACK_ENDPOINT: dual-stack endpoint used for S3 in us-east-1, S3 in eu-west-1',
    'AWS_USE_DUALSTACK_ENDPOINT: no dual-stack endpoint, default one used, for DynamoDB in us-east-1',
  ])
})
