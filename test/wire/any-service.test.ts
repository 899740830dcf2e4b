import { createRequire } from 'node:module'
import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { accountProber } from '../../src/adapters/aws/account.ts'
import type { LoadPackage } from '../../src/adapters/aws/service-client.ts'
import {
  type Credentials,
  type Monitor,
  type Outcome,
  type Probe,
  parameterOf,
  probeId,
  type ServiceCall,
} from '../../src/domain/probe.ts'
import type { Clock } from '../../src/ports/time.ts'
import { ApiStandIn } from '../../src/sandbox/api.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/aws.ts'

/*
 * Real clients of the SDK, one of a service for each protocol, against the stand-in: what each of its answers is taken for.
 */

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  uptime: () => performance.now(),
  moment: () => null,
  sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
}
const never = new AbortController().signal
const CHAIN: Credentials = { profile: null, roleArn: null, externalId: null, sessionName: null }

function probeOf(operation: ServiceCall['operation'], over: Partial<ServiceCall> = {}): Probe {
  const { input = {} } = over
  const call: ServiceCall = {
    operation,
    parameter: parameterOf(input),
    region: 'eu-west-1',
    input,
    expect: null,
    rate: null,
    ...over,
  }
  return { id: probeId('m', 'self', call), monitor: 'm', account: 'self', call }
}

function monitorOf(over: Partial<Monitor>): Monitor {
  return {
    name: 'm',
    schedule: '* * * * *',
    timezone: 'Etc/UTC',
    spreadMs: 0,
    periodMs: 60_000,
    partition: 'aws',
    region: 'eu-west-1',
    credentials: CHAIN,
    probes: [],
    attempts: 1,
    backoffMs: 1,
    timeoutMs: 5_000,
    impact: null,
    runbook: null,
    fail: { count: 3, of: 5 },
    recover: 2,
    retryIntervalMs: 20_000,
    recheckEveryMs: 60_000,
    notify: [],
    ...over,
  }
}

let sandbox: Sandbox
const api = new ApiStandIn()
const open: { close(): void }[] = []

beforeAll(async () => {
  sandbox = await startSandbox({ handlers: [(req, body, res) => api.handle(req, body, res)] })
})
beforeEach(() => {
  for (const [name, value] of Object.entries(sandbox.endpoints())) vi.stubEnv(name, value)
  vi.stubEnv('AWS_ENDPOINT_URL', sandbox.url)
  vi.stubEnv('AWS_PROFILE', undefined)
  api.answer({}, {})
  sandbox.answer({}, 'ok')
})
afterEach(() => {
  for (const each of open.splice(0)) each.close()
  vi.unstubAllEnvs()
})
afterAll(() => sandbox.close())

async function run(probe: Probe, over: Partial<Monitor> = {}, load?: LoadPackage): Promise<Outcome> {
  const prober = accountProber({
    monitors: [monitorOf({ probes: [probe], ...over })],
    control: { url: `${sandbox.url}/control`, timeoutMs: 2_000 },
    clock,
    random01: () => 1,
    env: process.env,
    version: '0.0.0',
    ...(load === undefined ? {} : { load }),
  })
  open.push(prober)
  return prober.run(probe, never)
}

const require = createRequire(import.meta.url)

/** No client that is installed here speaks CBOR by itself; each can be told to. */
function speakingCbor(name: string): ReturnType<LoadPackage> {
  const found = require(name) as Record<string, unknown>
  const { AwsSmithyRpcV2CborProtocol } = require('@aws-sdk/core/protocols') as {
    AwsSmithyRpcV2CborProtocol: new (options: object) => object
  }
  const Client = found['DynamoDBClient'] as new (options: object) => object
  class Speaking extends Client {
    constructor(options: object) {
      const protocol = new AwsSmithyRpcV2CborProtocol({ defaultNamespace: 'com.amazonaws.dynamodb' })
      super({ ...options, protocol })
    }
  }
  return { ...found, DynamoDBClient: Speaking }
}

type Case = Readonly<{ protocol: string; probe: Probe; service: string; ok: object; load?: LoadPackage }>
const CASES: readonly Case[] = [
  { protocol: 'awsJson', probe: probeOf('dynamodb:ListTables'), service: 'DYNAMODB', ok: { TableNames: [] } },
  {
    protocol: 'restJson',
    probe: probeOf('lambda:GetFunctionConfiguration', { input: { FunctionName: 'checkout' } }),
    service: 'LAMBDA',
    ok: { FunctionArn: 'arn:aws:lambda:eu-west-1:1:function:checkout' },
  },
  { protocol: 'restXml', probe: probeOf('s3:ListBuckets'), service: 'S3', ok: { Buckets: { Bucket: { Name: 'b' } } } },
  {
    protocol: 'query',
    probe: probeOf('iam:GetAccountSummary', { region: 'us-east-1' }),
    service: 'IAM',
    ok: { SummaryMap: { entry: { key: 'Users', value: 1 } } },
  },
  { protocol: 'ec2', probe: probeOf('ec2:DescribeVpcs'), service: 'EC2', ok: { vpcSet: [] } },
  {
    protocol: 'rpcv2Cbor',
    probe: probeOf('dynamodb:ListTables'),
    service: 'DYNAMODB',
    ok: { TableNames: ['orders'] },
    load: speakingCbor,
  },
]

describe.each(CASES)('$protocol', ({ protocol, probe, service, ok, load }) => {
  const region = (probe.call as ServiceCall).region
  const answered = async (answer: Parameters<ApiStandIn['answer']>[1], over: Partial<Monitor> = {}) => {
    api.answer({}, answer)
    return run(probe, over, load)
  }

  test('a healthy answer is ok, and says whose it is', async () => {
    const before = api.received().length
    const outcome = await answered(ok)
    expect(outcome).toMatchObject({ result: 'ok', kind: null })
    expect(outcome.tries).toMatchObject([{ kind: null, status: 200, service, region, host: '127.0.0.1' }])
    const [request] = api.received().slice(before)
    expect(request).toMatchObject({ protocol, region })
    expect(request?.headers['user-agent']).toContain('alibi/0.0.0')
  })

  test.each([
    ['500', 'internal', 500],
    ['500-untyped', 'internal', 500],
    ['503-html', 'internal', 503],
    ['200-empty', 'internal', 200],
    ['200-html', 'internal', 200],
    ['throttled', 'throttled', 400],
    ['503-slow-down', 'throttled', 503],
    ['not-found', 'invalid', undefined],
    ['denied', 'denied', undefined],
    ['expired', 'credentials', 403],
  ] as const)('%s is %s', async (answer, kind, status) => {
    const outcome = await answered(answer)
    expect(outcome.kind).toBe(kind)
    expect(outcome.tries).toHaveLength(1)
    expect(outcome.tries[0]).toMatchObject({ kind, service, region, ...(status === undefined ? {} : { status }) })
    expect(outcome.tries[0]?.message).not.toMatch(/internal error|undefined/)
  })

  test('as many tries as the monitor says, whatever the client would do', async () => {
    const before = api.received().length
    const outcome = await answered('500', { attempts: 2 })
    expect(outcome.tries).toHaveLength(2)
    expect(api.received().length - before).toBe(2)
  })

  test('no answer in time, or a connection that breaks, is unreachable', async () => {
    expect(await answered('hang', { timeoutMs: 300 })).toMatchObject({ kind: 'unreachable', control: { reached: true } })
    expect(await answered('reset')).toMatchObject({ kind: 'unreachable', tries: [{ service, region }] })
  })

  test('STS that fails first is never blamed on the service', async () => {
    sandbox.answer({ operation: 'AssumeRole' }, 'sts-500')
    const roleArn = 'arn:aws:iam::111122223333:role/prober'
    const outcome = await answered(ok, { credentials: { ...CHAIN, roleArn } })
    expect(outcome).toMatchObject({ kind: 'internal', tries: [{ service: 'STS', region: 'eu-west-1' }] })
    expect(outcome.tries[0]).not.toHaveProperty('host')
  })
})

describe('what is asked', () => {
  test('an error in a 200 of S3 is a failure', async () => {
    api.answer({}, '200-error')
    expect(await run(probeOf('s3:ListBuckets'))).toMatchObject({
      kind: 'internal',
      tries: [{ status: 200, error: 'InternalError' }],
    })
  })

  test('parameters reach the service, and what the answer must have can be said', async () => {
    api.answer({}, { Table: { TableName: 'orders' } })
    const input = { TableName: 'orders' }
    expect(await run(probeOf('dynamodb:DescribeTable', { input }))).toMatchObject({ result: 'ok' })
    expect(JSON.parse(api.received({ operation: 'DescribeTable' }).at(-1)?.body ?? '')).toEqual(input)
    const expecting = await run(probeOf('dynamodb:ListTables', { expect: 'LastEvaluatedTableName' }))
    expect(expecting.tries[0]).toMatchObject({
      kind: 'internal',
      message: 'HTTP 200 without `LastEvaluatedTableName` in its answer',
    })
  })

  test.each([
    [
      'dynamodb:DescribeTable',
      { input: { TablName: 'orders' } },
      '`TablName`: there is no such parameter; did you mean `TableName`?',
    ],
    ['ec2:DescribeVpcs', { input: { VpcIds: 'vpc-1' } }, '`VpcIds`: expected a list, such as `[a, b]`'],
    ['lambda:GetFunctionConfiguration', {}, '`FunctionName`: this parameter is required'],
    ['dynamodb:ListTables', { expect: 'TableNamez' }, 'its answer has no member `TableNamez`; did you mean `TableNames`?'],
    [
      's3:HeadBucket',
      { input: { Bucket: 'arn:aws:s3:us-west-2:1:accesspoint/x' } },
      'Path-style addressing cannot be used with ARN buckets',
    ],
  ] as const)('%s with %j is not asked: it would be about something else than was meant', async (operation, over, why) => {
    const before = api.received().length
    const outcome = await run(probeOf(operation, over as Partial<ServiceCall>))
    expect(outcome).toMatchObject({ kind: 'invalid', tries: [{ error: 'WrongCall', status: null }] })
    expect(outcome.tries[0]?.message).toContain(why)
    expect(api.received().length).toBe(before)
  })

  test('dates are sent as the protocol has them, though YAML knows them as text', async () => {
    for (const TimeRangeLowerBound of ['2026-01-01T00:00:00Z', '2026-01-01', 1_767_225_600])
      await run(probeOf('dynamodb:ListBackups', { input: { TimeRangeLowerBound }, expect: 'nothing' }))
    const bodies = api.received({ operation: 'ListBackups' }).slice(-3)
    expect(bodies.map(({ body }) => JSON.parse(body))).toEqual(Array(3).fill({ TimeRangeLowerBound: 1_767_225_600 }))
    await run(probeOf('ec2:DescribeSpotPriceHistory', { input: { StartTime: '2026-01-01' }, expect: 'nothing' }))
    expect(api.received({ operation: 'DescribeSpotPriceHistory' }).at(-1)?.body).toContain('&StartTime=2026-01-01T00%3A00%3A00Z')
  })

  test('an answer that may be empty needs the request id of AWS', async () => {
    const head = probeOf('s3:HeadBucket', { input: { Bucket: 'mine' } })
    expect(await run(head)).toMatchObject({ result: 'ok' })
    api.answer({}, '200-empty')
    expect((await run(head)).tries[0]).toMatchObject({ kind: 'internal', message: 'HTTP 200 without a request id of AWS' })
    api.answer({}, {})
    expect((await run(probeOf('sqs:ListQueues'))).result).toBe('ok')
    expect((await run(probeOf('dynamodb:ListTables', { expect: 'nothing' }))).result).toBe('ok')
  })

  test('each call is signed by its own credentials, for the region of the call', async () => {
    api.answer({}, { TableNames: [] })
    for (const region of ['eu-west-1', 'ap-south-1']) await run(probeOf('dynamodb:ListTables', { region }))
    expect(
      api
        .received({ operation: 'ListTables' })
        .slice(-2)
        .map((one) => one.region),
    ).toEqual(['eu-west-1', 'ap-south-1'])
    const role = { ...CHAIN, roleArn: 'arn:aws:iam::111122223333:role/prober' }
    await run(probeOf('dynamodb:ListTables'), { credentials: role })
    const [own, assumed] = api
      .received({ operation: 'ListTables' })
      .slice(-2)
      .map((one) => /Credential=(\w+)/.exec(one.headers.authorization ?? '')?.[1])
    expect(own).not.toBe(assumed)
  })

  test('a client that is not installed says how to install it, and is nobody’s outage', async () => {
    const outcome = await run(probeOf('kms:ListKeys'))
    expect(outcome).toMatchObject({ result: 'failed', kind: 'invalid', tries: [{ error: 'MissingClient', service: 'KMS' }] })
    expect(outcome.tries[0]?.message).toMatch(
      /^@aws-sdk\/client-kms is not installed: run `npm install --save-exact "@aws-sdk\/client-kms@<=3\.\d+\.\d+"` in \/.+$/,
    )
  })

  test('the name of a permission in place of that of an operation', async () => {
    const outcome = await run(probeOf('s3:ListBucket'))
    expect(outcome.tries[0]?.message).toBe(
      'the installed @aws-sdk/client-s3 has no operation ListBucket: did you mean `s3:ListBuckets`?',
    )
  })

  test('nothing that writes is called, even if a configuration could ask for it', async () => {
    const before = api.received().length
    for (const operation of ['dynamodb:DeleteTable', 'secretsmanager:GetSecretValue', 's3:GetObject'] as const) {
      expect(await run(probeOf(operation))).toMatchObject({ kind: 'invalid', tries: [{ error: 'MissingClient' }] })
    }
    expect(api.received().length).toBe(before)
  })

  test('an answer of another region than was meant is that region’s', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', undefined)
    const outcome = await run(probeOf('iam:GetAccountSummary', { region: 'eu-west-1' }), { timeoutMs: 300 })
    expect(outcome.tries[0]).toMatchObject({ service: 'IAM', region: 'us-east-1', host: 'iam.amazonaws.com' })
  })
})
