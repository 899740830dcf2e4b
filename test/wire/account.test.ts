import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { AccountClient, GetContactInformationCommand } from '@aws-sdk/client-account'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { accountProber } from '../../src/adapters/aws/account.ts'
import { callerIdentity } from '../../src/adapters/aws/caller.ts'
import { keyring } from '../../src/adapters/aws/credentials.ts'
import type { Credentials, Monitor, Operation, Outcome, Probe } from '../../src/domain/probe.ts'
import { OPERATIONS, probeId, WRITING_OPERATIONS } from '../../src/domain/probe.ts'
import type { Clock } from '../../src/ports/time.ts'
import { type Answer, CALLER, OTHER_ACCOUNT, PERSONAL, type Sandbox, type Script, startSandbox } from '../../src/sandbox/aws.ts'

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  uptime: () => performance.now(),
  moment: () => null,
  sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
}
const never = new AbortController().signal
const CHAIN: Credentials = { profile: null, roleArn: null, externalId: null, sessionName: null }
const ROLE: Credentials = { ...CHAIN, roleArn: 'arn:aws:iam::111122223333:role/prober', externalId: 'x-1', sessionName: 'watch' }

const PARAMETER: Partial<Record<Operation, string>> = { GetAlternateContact: 'SECURITY', GetRegionOptStatus: 'af-south-1' }
function probeOf(operation: Operation = 'GetContactInformation', account = 'self'): Probe {
  const call = { operation, parameter: PARAMETER[operation] ?? null }
  return { id: probeId('m', account, call), monitor: 'm', account, call }
}

function monitorOf(over: Partial<Monitor> = {}): Monitor {
  return {
    name: 'm',
    schedule: '* * * * *',
    timezone: 'Etc/UTC',
    spreadMs: 0,
    periodMs: 60_000,
    partition: 'aws',
    region: 'us-east-1',
    credentials: CHAIN,
    probes: [],
    attempts: 1,
    backoffMs: 1,
    timeoutMs: 3_000,
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
const open: { close(): void }[] = []

beforeAll(async () => {
  sandbox = await startSandbox()
})
beforeEach(() => {
  for (const [name, value] of Object.entries(sandbox.endpoints())) vi.stubEnv(name, value)
  vi.stubEnv('AWS_PROFILE', undefined)
  sandbox.answer({}, 'ok')
})
afterEach(() => {
  for (const each of open.splice(0)) each.close()
  vi.unstubAllEnvs()
})
afterAll(() => sandbox.close())

function proberOf(over: Partial<Monitor> = {}, more: { env?: NodeJS.ProcessEnv; control?: string } = {}) {
  const control = { url: more.control ?? `${sandbox.url}/control`, timeoutMs: SHORT_MS }
  const env = more.env ?? process.env
  const prober = accountProber({ monitors: [monitorOf(over)], control, clock, random01: () => 1, env, version: '0.0.0' })
  open.push(prober)
  const run = (probe: Probe, signal: AbortSignal) => steady(() => prober.run(probe, signal), signal)
  return { ...prober, run, runOnce: (probe: Probe) => prober.run(probe, never) }
}

/** This machine may stand still for 200 ms under load: then the run is inconclusive, rightly, and made again. */
async function steady(run: () => Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
  for (let left = 10; ; left--) {
    const outcome = await run()
    if (outcome.kind !== 'stalled' || signal.aborted || left === 0) return outcome
  }
}

const SHORT_MS = 500

/** SHA-256 as Node has it, for the SDK's own signer. */
class PlainSha256 {
  private readonly digesting
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.digesting = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }
  update(data: string | ArrayBuffer | ArrayBufferView) {
    this.digesting.update(data as Uint8Array)
  }
  async digest() {
    return this.digesting.digest()
  }
  reset() {}
}

describe('what Account answers', () => {
  test.for<[Answer, string, number | null, string | null, RegExp | null]>([
    ['ok', 'ok', 200, null, null],
    ['InternalServerException', 'internal', 500, 'InternalServerException', /^Internal server error$/],
    ['500', 'internal', 500, 'HTTP 500', /^HTTP 500 without a message$/],
    ['500-empty', 'internal', 500, 'HTTP 500', /^HTTP 500 without a message$/],
    ['apigw-500', 'internal', 500, 'InternalServerErrorException', /./],
    ['apigw-504', 'internal', 504, 'IntegrationTimeoutException', /timed out/],
    ['503-html', 'internal', 503, 'HTTP 503', /not JSON/],
    ['200-garbage', 'internal', 200, 'HTTP 200', /cannot be read/],
    ['200-truncated', 'internal', 200, 'HTTP 200', /cannot be read/],
    ['200-empty', 'internal', 200, 'UnreadableAnswer', /cannot be read/],
    ['200-array', 'internal', 200, 'UnreadableAnswer', /cannot be read/],
    ['200-huge', 'internal', 200, 'AnswerTooLarge', /more than 1048576 bytes/],
    ['timeout', 'unreachable', null, 'Timeout', /^no whole answer within \d+ ms$/],
    ['stall-headers', 'unreachable', 200, 'Timeout', /its body did not end/],
    ['never-ends', 'unreachable', 200, 'Timeout', /its body did not end/],
    ['cut', 'unreachable', 200, 'ECONNRESET', /broke before its body ended/],
    ['reset', 'unreachable', null, 'ECONNRESET', /./],
    ['302', 'invalid', 302, 'HTTP 302', /./],
    ['429', 'throttled', 429, 'TooManyRequestsException', /Rate exceeded/],
    ['AccessDeniedException', 'denied', 403, 'AccessDeniedException', /not authorized to perform: account:GetContactInformation/],
    ['403-html', 'denied', 403, 'HTTP 403', /not JSON/],
    ['ValidationException', 'invalid', 400, 'ValidationException', /is not valid/],
    ['ResourceNotFoundException', 'ok', 404, null, null],
    ['ExpiredTokenException', 'credentials', 403, 'ExpiredTokenException', /expired/],
    ['UnrecognizedClientException', 'credentials', 403, 'UnrecognizedClientException', /invalid/],
    ['InvalidSignatureException', 'credentials', 403, 'InvalidSignatureException', /Canonical String/],
  ])('%s is %s', async ([answer, expected, status, error, message]) => {
    sandbox.answer({}, answer)
    const outcome = await proberOf({ timeoutMs: SHORT_MS, attempts: 2 }).run(probeOf(), never)
    const result = expected === 'ok' ? 'ok' : expected === 'throttled' ? 'inconclusive' : 'failed'
    expect(outcome).toMatchObject({ probe: 'm/self/GetContactInformation', result, kind: expected === 'ok' ? null : expected })
    const last = outcome.tries.at(-1)
    expect(last).toMatchObject({ kind: outcome.kind, status, error, service: 'ACCOUNT', region: 'us-east-1' })
    if (message === null) expect(last?.message).toBeNull()
    else expect(last?.message).toMatch(message)
    expect(outcome.tries).toHaveLength(expected === 'ok' ? 1 : 2)
    expect(outcome.control === null).toBe(expected !== 'unreachable')
    if (status !== null && !answer.startsWith('500')) {
      expect(last?.requestId).toMatch(/^[0-9a-f-]{36}$/)
      expect(last?.apigwId).toMatch(/^A/)
      expect(last?.traceId).toMatch(/^Root=1-/)
    }
    if (status !== null) expect(Math.abs(last?.skewMs ?? Infinity)).toBeLessThan(60_000)
    expectNoLeak(outcome)
  })

  test.for<[Operation, 'ok' | 'failed']>([
    ['GetAlternateContact', 'ok'],
    ['GetContactInformation', 'ok'],
    ['GetPrimaryEmailUpdateStatus', 'ok'],
    ['GetGovCloudAccountInformation', 'ok'],
    ['GetAccountInformation', 'failed'],
    ['GetPrimaryEmail', 'failed'],
    ['GetRegionOptStatus', 'failed'],
    ['ListRegions', 'failed'],
  ])('ResourceNotFoundException of %s is %s', async ([operation, result]) => {
    sandbox.answer({ operation }, 'ResourceNotFoundException')
    const outcome = await proberOf().run(probeOf(operation, '111122223333'), never)
    expect([outcome.result, outcome.kind]).toEqual([result, result === 'ok' ? null : 'invalid'])
  })

  test('a date in another format is no outage', async () => {
    sandbox.answer({}, '200-misfit')
    const outcome = await proberOf().run(probeOf('GetAccountInformation'), never)
    expect(outcome).toMatchObject({ result: 'ok', tries: [{ status: 200 }] })
    expectNoLeak(outcome)
  })

  test('nobody there: refused, and the control call says whether it is us', async () => {
    const closed = await startSandbox()
    await closed.close()
    const env = { ...process.env, AWS_ENDPOINT_URL_ACCOUNT: closed.url }
    const ours = await proberOf({}, { env }).run(probeOf(), never)
    expect(ours).toMatchObject({
      kind: 'unreachable',
      tries: [{ error: 'ECONNREFUSED', status: null }],
      control: { reached: true, detail: 'HTTP 302' },
    })
    const offline = await proberOf({}, { env, control: closed.url }).run(probeOf(), never)
    expect(offline).toMatchObject({
      kind: 'unreachable',
      control: { reached: false, detail: expect.stringMatching(/^ECONNREFUSED/) },
    })
  })

  test('a name that does not resolve', async () => {
    const env = { ...process.env, AWS_ENDPOINT_URL_ACCOUNT: 'http://no-such-host.invalid' }
    const outcome = await proberOf({}, { env }).run(probeOf(), never)
    expect(outcome).toMatchObject({ kind: 'unreachable', tries: [{ error: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) }] })
  })

  test('TLS with one who does not speak it', async () => {
    const env = { ...process.env, AWS_ENDPOINT_URL_ACCOUNT: sandbox.url.replace('http:', 'https:') }
    const outcome = await proberOf({}, { env }).run(probeOf(), never)
    expect(outcome).toMatchObject({ kind: 'unreachable', control: { reached: true } })
  })

  test('a configuration that the SDK refuses is ours to mend, never an outage', async () => {
    const env = { ...process.env, AWS_ENDPOINT_URL_ACCOUNT: 'not an address' }
    expect(await proberOf({}, { env }).run(probeOf(), never)).toMatchObject({ result: 'failed', kind: 'invalid' })
  })

  test('a probe of no monitor is a fault of ours', async () => {
    const outcome = await proberOf().run({ ...probeOf(), monitor: 'gone' }, never)
    expect(outcome).toMatchObject({ kind: 'invalid', tries: [{ error: 'NoMonitor' }] })
  })
})

function expectNoLeak(outcome: Outcome) {
  const shown = JSON.stringify(outcome)
  for (const secret of [...Object.values(PERSONAL), 'Planted', 'PLANTED', OTHER_ACCOUNT]) expect(shown).not.toContain(secret)
  for (const { message } of outcome.tries) expect(message ?? '').toMatch(/^[^\n\r]{0,300}$/)
}

describe('tries', () => {
  test.for<[string, Script, number, string, string | null, (string | null)[]]>([
    ['ok at the first is one', 'ok', 3, 'ok', null, [null]],
    ['ok at the third is ok', ['500', 'reset', 'ok'], 3, 'ok', null, ['internal', 'unreachable', null]],
    ['the last counts', ['500', 'AccessDeniedException'], 2, 'failed', 'denied', ['internal', 'denied']],
    ['unless it was throttled', ['500', '429', '429'], 3, 'failed', 'internal', ['internal', 'throttled', 'throttled']],
    ['throttled each time is neither', ['429'], 3, 'inconclusive', 'throttled', ['throttled', 'throttled', 'throttled']],
  ])('%s', async ([, script, attempts, result, kind, kinds]) => {
    sandbox.answer({}, script)
    const outcome = await proberOf({ attempts }).run(probeOf(), never)
    expect([outcome.result, outcome.kind, outcome.tries.map((made) => made.kind)]).toEqual([result, kind, kinds])
  })

  test('the hundredth failing run in a row still makes all its tries', async () => {
    sandbox.answer({}, 'InternalServerException')
    const prober = proberOf({ attempts: 3, backoffMs: 0 })
    for (let run = 0; run < 99; run++) await prober.run(probeOf('GetAccountInformation'), never)
    const before = sandbox.count('GetAccountInformation')
    const outcome = await prober.run(probeOf('GetAccountInformation'), never)
    expect(outcome.tries).toHaveLength(3)
    expect(sandbox.count('GetAccountInformation') - before).toBe(3)
  })

  test('aborted is inconclusive, and at once', async () => {
    sandbox.answer({}, 'timeout')
    const stop = new AbortController()
    const running = proberOf({ timeoutMs: 600_000, attempts: 5 }).run(probeOf(), stop.signal)
    await vi.waitUntil(() => sandbox.received({ operation: 'GetContactInformation' }).length > 0)
    stop.abort()
    expect(await running).toMatchObject({ result: 'inconclusive', kind: 'stalled', control: null })
  })

  test('no call is made that this machine may not make any more, also in the middle of a run', async () => {
    sandbox.answer({}, 'InternalServerException')
    const before = sandbox.count('GetAccountInformation')
    let left = 2
    const prober = accountProber({
      ...{ monitors: [monitorOf({ attempts: 3 })], control: { url: sandbox.url, timeoutMs: SHORT_MS }, clock },
      ...{ random01: () => 1, env: process.env, version: '0.0.0', mayCall: () => left-- > 0 },
    })
    open.push(prober)
    await prober.run(probeOf('GetAccountInformation'), new AbortController().signal)
    // It is looked at before each try, and again once the credentials are there.
    expect(sandbox.count('GetAccountInformation') - before).toBe(1)
    expect(await prober.run(probeOf(), new AbortController().signal)).toMatchObject({ tries: [], kind: 'stalled' })
  })

  test('runs of one moment share a control call', async () => {
    sandbox.answer({}, 'reset')
    const before = sandbox.count('Control')
    const prober = proberOf()
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => prober.run(probeOf(), never)))
    expect(outcomes.every(({ control }) => control?.reached)).toBe(true)
    expect(sandbox.count('Control') - before).toBe(1)
    await prober.control(never)
    expect(sandbox.count('Control') - before).toBe(2)
  })

  test.for<[Answer, boolean, RegExp]>([
    ['ok', true, /^HTTP 302$/],
    ['503-html', true, /^HTTP 503$/],
    ['stall-headers', true, /^HTTP 200$/],
    ['never-ends', true, /^HTTP 200$/],
    ['timeout', false, /no whole answer/],
    ['reset', false, /^ECONNRESET/],
  ])('a control host that answers %s: reached %s', async ([answer, reached, detail]) => {
    sandbox.answer({ operation: 'Control' }, answer)
    expect(await proberOf().control(never)).toMatchObject({ reached, detail: expect.stringMatching(detail) })
  })
})

describe('on the wire', () => {
  test.for(OPERATIONS.map((operation) => [operation] as const))('%s names a member, and not oneself', async ([operation]) => {
    const prober = proberOf()
    expect((await prober.run(probeOf(operation, 'self'), never)).result).toBe('ok')
    expect(sandbox.received({ operation }).at(-1)?.account).toBeNull()
    const outcome = await prober.run(probeOf(operation, '111122223333'), never)
    expect(outcome.result).toBe('ok')
    expectNoLeak(outcome)
    const seen = sandbox.received({ operation }).at(-1)
    expect(seen?.account).toBe('111122223333')
    if (operation === 'GetGovCloudAccountInformation') expect(seen?.input).toEqual({ StandardAccountId: '111122223333' })
    if (operation === 'GetAlternateContact') expect(seen?.input['AlternateContactType']).toBe('SECURITY')
    if (operation === 'GetRegionOptStatus') expect(seen?.input['RegionName']).toBe('af-south-1')
    if (operation === 'ListRegions') expect(seen?.input['MaxResults']).toBe(5)
    expect(seen?.headers['user-agent']).toContain('alibi/0.0.0')
  })

  test.for<[Partial<Monitor>, string]>([
    [{ region: 'eu-west-1' }, 'us-east-1'],
    [{ region: 'us-east-1' }, 'us-east-1'],
    [{ partition: 'aws-cn', region: 'cn-north-1' }, 'cn-northwest-1'],
    [{ partition: 'aws-us-gov', region: 'us-gov-east-1' }, 'us-gov-west-1'],
    [{ partition: 'aws-eusc', region: 'eusc-de-east-1' }, 'eusc-de-east-1'],
  ])('%o signs for %s, at an endpoint of its own too', async ([over, region]) => {
    const outcome = await proberOf(over).run(probeOf('ListRegions'), never)
    expect(outcome.tries[0]?.region).toBe(region)
    expect(sandbox.received({ operation: 'ListRegions' }).at(-1)?.scope).toEqual({ region, service: 'account' })
  })

  test('each call is what a client of the SDK sends that is made without options, but for its count of retries', async () => {
    const prober = proberOf()
    for (let i = 0; i < 3; i++) await prober.run(probeOf('GetContactInformation', '111122223333'), never)
    const plain = new AccountClient({ region: 'us-east-1', endpoint: sandbox.url, customUserAgent: [['alibi', '0.0.0']] })
    onTestFinished(() => plain.destroy())
    await plain.send(new GetContactInformationCommand({ AccountId: '111122223333' }))
    const [theirs, ...ours] = sandbox.received({ operation: 'GetContactInformation' }).slice(-4).reverse()
    if (theirs === undefined) throw new Error('nothing was received')
    expect(ours).toHaveLength(3)
    for (const { headers, input } of ours) {
      const counted = ['amz-sdk-invocation-id', 'amz-sdk-request']
      expect(Object.keys(headers).sort()).toEqual(
        Object.keys(theirs.headers)
          .filter((name) => !counted.includes(name))
          .sort(),
      )
      expect(input).toEqual(theirs.input)
      for (const name of ['content-type', 'content-length', 'host', 'x-amz-user-agent', 'x-amz-content-sha256'])
        expect(headers[name], name).toBe(theirs.headers[name])
      // Which of its own features a call used is counted at the end of `m/`.
      const introduced = (text = '') => text.replace(/ m\/\S+/, '')
      expect(introduced(headers['user-agent'])).toBe(introduced(theirs.headers['user-agent']))
    }
  })

  test('a signature is the one that the SDK makes of the same request', async () => {
    const body = '{"AccountId":"111122223333"}'
    const prober = proberOf()
    // The second one is of a request that was sent before.
    for (let i = 0; i < 2; i++) await prober.run(probeOf('GetContactInformation', '111122223333'), never)
    const seen = sandbox.received({ operation: 'GetContactInformation' }).at(-1)?.headers ?? {}
    const [, names = ''] = /SignedHeaders=([^,]+)/.exec(seen.authorization ?? '') ?? []
    const headers = Object.fromEntries(names.split(';').map((name) => [name, String(seen[name])]))
    const [hostname = '', port] = (seen.host ?? '').split(':')
    const request = { method: 'POST', protocol: 'http:', hostname, port: Number(port), path: '/getContactInformation', query: {} }
    const signer = new SignatureV4({
      credentials: {
        accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? '',
      },
      region: 'us-east-1',
      service: 'account',
      sha256: PlainSha256,
    })
    const date = String(seen['x-amz-date']).replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z')
    const signed = await signer.sign({ ...request, headers, body }, { signingDate: new Date(date) })
    expect(seen.authorization).toBe(signed.headers['authorization'])
  })

  test('AWS_MAX_ATTEMPTS changes nothing', async () => {
    vi.stubEnv('AWS_MAX_ATTEMPTS', '5')
    sandbox.answer({}, '500')
    const before = sandbox.count('GetContactInformation')
    await proberOf({ attempts: 2 }).run(probeOf(), never)
    expect(sandbox.count('GetContactInformation') - before).toBe(2)
  })

  test('many at once: none waits for a connection', async () => {
    const prober = proberOf()
    const outcomes = await Promise.all(Array.from({ length: 150 }, () => prober.run(probeOf(), never)))
    expect(outcomes.filter(({ result }) => result !== 'ok' && result !== 'inconclusive')).toEqual([])
  })

  test('many at once, of one operation: each has its own answer', async () => {
    const accounts = Array.from({ length: 60 }, (_, i) => String(222_222_222_000 + i))
    for (const [i, account] of accounts.entries()) if (i % 3 === 0) sandbox.answer({ account }, 'InternalServerException')
    const received = () => accounts.map((account) => sandbox.received({ account }).length)
    const [before, runs] = [received(), accounts.map(() => 0)]
    const prober = proberOf()
    const outcomes = await Promise.all(
      accounts.map((account, i) =>
        steady(() => {
          runs[i] = (runs[i] ?? 0) + 1
          return prober.runOnce(probeOf('GetContactInformation', account))
        }, never),
      ),
    )
    expect(outcomes.map((outcome) => outcome.result)).toEqual(accounts.map((_, i) => (i % 3 === 0 ? 'failed' : 'ok')))
    expect(outcomes.map((outcome) => outcome.tries[0]?.status)).toEqual(accounts.map((_, i) => (i % 3 === 0 ? 500 : 200)))
    expect(new Set(outcomes.map((outcome) => outcome.tries[0]?.requestId)).size).toBe(accounts.length)
    expect(received().map((count, i) => count - (before[i] ?? 0))).toEqual(runs)
  })

  test('a try that has lasted too long is ended, not only given up', async () => {
    const ended = Promise.withResolvers<string>()
    const silent = createServer((request) => void request.socket.once('close', () => ended.resolve('ended')))
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as AddressInfo
    const env = { ...process.env, AWS_ENDPOINT_URL_ACCOUNT: `http://127.0.0.1:${port}` }
    expect((await proberOf({ timeoutMs: SHORT_MS }, { env }).run(probeOf(), never)).kind).toBe('unreachable')
    const late = wait(SHORT_MS * 4, 'still open', { ref: false })
    expect(await Promise.race([ended.promise, late])).toBe('ended')
  })

  test('nothing that writes was ever asked', () => {
    expect(WRITING_OPERATIONS.map((operation) => sandbox.count(operation))).toEqual(WRITING_OPERATIONS.map(() => 0))
  })
})

describe('STS, while a role is assumed', () => {
  test('the role is assumed in a region that is not Account’s', async () => {
    const outcome = await proberOf({ credentials: ROLE }).run(probeOf(), never)
    expect(outcome).toMatchObject({ result: 'ok', tries: [{ service: 'ACCOUNT', region: 'us-east-1' }] })
    const seen = sandbox.received({ operation: 'AssumeRole' }).at(-1)
    expect(seen?.scope).toEqual({ region: 'us-west-2', service: 'sts' })
    expect(seen?.input).toMatchObject({ RoleArn: ROLE.roleArn, ExternalId: 'x-1', RoleSessionName: 'watch' })
    expect(sandbox.received({ operation: 'GetContactInformation' }).at(-1)?.headers['x-amz-security-token']).toBe('planted-token')
    expectNoLeak(outcome)
  })

  test.for<[Answer, string, number | null, string]>([
    ['sts-500', 'internal', 500, 'InternalFailure'],
    ['sts-503-html', 'internal', 503, 'HTTP 503'],
    ['sts-garbage', 'internal', 200, 'HTTP 200'],
    ['sts-timeout', 'unreachable', null, 'Timeout'],
    ['sts-stall-headers', 'unreachable', 200, 'Timeout'],
    ['sts-reset', 'unreachable', null, 'ECONNRESET'],
    ['sts-429', 'throttled', 429, 'Throttling'],
    ['sts-denied', 'credentials', 403, 'AccessDenied'],
  ])('%s is %s, of STS in its region', async ([answer, kind, status, error]) => {
    sandbox.answer({}, answer)
    const asked = sandbox.received({ operation: 'GetContactInformation' }).length
    const outcome = await proberOf({ credentials: ROLE, region: 'eu-west-1', timeoutMs: SHORT_MS }).run(probeOf(), never)
    expect(outcome.kind).toBe(kind)
    expect(outcome.tries).toMatchObject([{ kind, status, error, service: 'STS', region: 'eu-west-1' }])
    expect(outcome.control === null).toBe(kind !== 'unreachable')
    expect(sandbox.received({ operation: 'GetContactInformation' })).toHaveLength(asked)
    expectNoLeak(outcome)
  })

  test('many runs of one role assume it once', async () => {
    const before = sandbox.count('AssumeRole')
    const prober = proberOf({ credentials: ROLE })
    await Promise.all(Array.from({ length: 20 }, () => prober.run(probeOf(), never)))
    expect(sandbox.count('AssumeRole') - before).toBe(1)
  })

  test('after a while without it the role is assumed again', async () => {
    sandbox.answer({}, ['sts-500', 'sts-timeout', 'ok'] as readonly Answer[])
    const outcome = await proberOf({ credentials: ROLE, attempts: 3, timeoutMs: SHORT_MS }).run(probeOf(), never)
    expect(outcome.tries.map(({ kind, service }) => [kind, service])).toEqual([
      ['internal', 'STS'],
      ['unreachable', 'STS'],
      [null, 'ACCOUNT'],
    ])
  })
})

test('with a wrong clock, the first try is rejected, and gives the next one the right time', async () => {
  sandbox.skew(-600_000)
  onTestFinished(() => sandbox.skew(0))
  const outcome = await proberOf({ attempts: 3 }).run(probeOf(), never)
  expect(outcome).toMatchObject({ result: 'ok', tries: [{ kind: 'credentials', status: 403 }, { kind: null }] })
  expect(outcome.tries.every(({ skewMs }) => Math.abs((skewMs ?? 0) + 600_000) < 60_000)).toBe(true)
})

describe('whose credentials', () => {
  test('none at all', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined)
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent')
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent')
    const outcome = await proberOf().run(probeOf(), never)
    expect(outcome).toMatchObject({
      kind: 'credentials',
      control: null,
      tries: [{ error: 'CredentialsProviderError', service: 'ACCOUNT' }],
    })
  })

  test('a profile that is not there is not replaced by another', async () => {
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent')
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent')
    const outcome = await proberOf({ credentials: { ...CHAIN, profile: 'prod' } }).run(probeOf(), never)
    expect(outcome).toMatchObject({ kind: 'credentials', tries: [{ message: expect.stringContaining('prod') }] })
  })

  test.for<[string, Script, unknown]>([
    ['who we are', 'ok', { account: CALLER.account, arn: CALLER.arn, origin: 'the environment' }],
    [
      'STS refuses',
      'AccessDeniedException',
      { why: expect.stringMatching(/^STS in us-west-2: AccessDenied: /), fault: 'refused credentials' },
    ],
    ['STS does not answer', 'timeout', { why: expect.stringMatching(/^STS in us-west-2: Timeout: /), fault: null }],
    ['STS speaks in tongues', 'sts-garbage', { why: expect.stringMatching(/^STS in us-west-2: /), fault: null }],
  ])('caller identity: %s', async ([, script, expected]) => {
    sandbox.answer({ operation: 'GetCallerIdentity' }, script)
    const ring = keyring({ clock, env: process.env })
    open.push(ring)
    const options = { keyring: ring, clock, env: process.env, timeoutMs: SHORT_MS, signal: never }
    const identity = await callerIdentity({ credentials: CHAIN, stsRegion: 'us-west-2' }, options)
    expect(identity).toEqual(expected)
    expect(JSON.stringify(identity)).not.toContain(OTHER_ACCOUNT)
  })
})
