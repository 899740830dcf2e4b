import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { accountProber } from '../../src/adapters/aws/account.ts'
import { callerIdentity } from '../../src/adapters/aws/caller.ts'
import { controlCall } from '../../src/adapters/aws/control.ts'
import { type Keyring, keyring } from '../../src/adapters/aws/credentials.ts'
import { dashboard } from '../../src/adapters/aws/dashboard.ts'
import { healthApi } from '../../src/adapters/aws/health-api.ts'
import { reasonOf } from '../../src/adapters/aws/health-call.ts'
import { listOrganization } from '../../src/adapters/aws/organizations.ts'
import { systemClock as clock } from '../../src/adapters/clock.ts'
import { cloudWatch } from '../../src/adapters/cloudwatch.ts'
import { httpHeartbeat } from '../../src/adapters/heartbeat.ts'
import { Outlet, ProxyError } from '../../src/adapters/outlet.ts'
import { proxiesOf } from '../../src/config/proxy.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/aws.ts'
import { HealthStandIn } from '../../src/sandbox/health.ts'
import { LogsStandIn } from '../../src/sandbox/logs.ts'
import { OrganizationStandIn } from '../../src/sandbox/organizations.ts'
import { type ConnectProxy, type ProxyMode, startConnectProxy } from '../fakes/connect-proxy.ts'
import { monitor } from '../given.ts'

const never = new AbortController().signal
const CHAIN = { profile: null, roleArn: null, externalId: null, sessionName: null }
const CONTROL = { url: 'https://sts.us-west-2.amazonaws.com/', timeoutMs: 3_000 }
const LOGIN = 'us@er:hunter22'

let sandbox: Sandbox
let proxy: ConnectProxy
let logs = new LogsStandIn(['/alibi'])
let outlet: Outlet
let ring: Keyring
const held = new AsyncDisposableStack()

beforeAll(async () => {
  const health = new HealthStandIn({ now: Date.now })
  const organization = new OrganizationStandIn()
  sandbox = await startSandbox({
    handlers: [
      (request, body, response) => logs.handle(request, body, response),
      (request, body, response) => health.handle(request, body, response),
      (request, body, response) => organization.handle(request, body, response),
      // The listener to the heartbeat.
      (request, _, response) => request.url === '/beat' && !!response.end('OK'),
    ],
  })
  held.defer(() => sandbox.close())
  proxy = held.use(await startConnectProxy(sandbox.port, LOGIN))
  for (const name of ['AWS_PROFILE', 'AWS_ENDPOINT_URL']) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAIOSFODNN7EXAMPLE')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
})
beforeEach(() => {
  proxy.set('open')
  logs = new LogsStandIn(['/alibi'])
  connectivity()
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await held.disposeAsync()
})

/** The way out as the environment says it, and nothing that was kept of another. */
function connectivity(
  env: Record<string, string> = { HTTPS_PROXY: proxy.url },
  authorities = [readFileSync(proxy.authority, 'utf8')],
) {
  outlet = new Outlet({ proxies: proxiesOf(env), authorities })
  ring = keyring({ clock, env: process.env, outlet })
}

function probe() {
  const monitors = [monitor({ attempts: 1, timeoutMs: 3_000, accounts: ['self'], credentials: CHAIN })]
  const prober = accountProber({
    ...{ monitors, control: CONTROL, clock, random01: () => 0, env: process.env, version: '0', keyring: ring, outlet },
  })
  const [one] = monitors.flatMap(({ probes }) => probes)
  if (one === undefined) throw new Error('no probe')
  return prober.run(one, never).finally(() => prober.close())
}

const holder = { credentials: CHAIN, stsRegion: 'us-west-2' }
const who = () => callerIdentity(holder, { keyring: ring, clock, env: process.env, timeoutMs: 3_000, signal: never })

test('everything that asks over HTTPS goes through the proxy, by its real name', async () => {
  expect(await probe()).toMatchObject({ result: 'ok' })
  expect(await who()).toMatchObject({ account: '123456789012' })
  const assumed = { ...holder, credentials: { ...CHAIN, roleArn: 'arn:aws:iam::111122223333:role/r' }, stsRegion: 'eu-west-1' }
  expect(await ring.get(assumed, 3_000, never)).toMatchObject({ accessKeyId: 'ASIAIOSFODNN7EXAMPLE' })
  expect(await controlCall({ ...CONTROL, outlet }, clock, never)).toMatchObject({ reached: true, detail: 'HTTP 302' })

  const health = healthApi({
    ...{ partition: 'aws', credentials: () => ring.get(holder, 3_000, never), env: process.env, timeoutMs: 3_000 },
    ...{ services: ['ACCOUNT'], regions: ['us-east-1'], owners: () => [], handler: ring.handler },
    resolveCname: async () => ['health.us-east-2.amazonaws.com'],
  })
  expect(await health.ask(Date.now(), 0, never)).toMatchObject({ state: 'answered' })
  const board = dashboard({ url: 'https://health.aws.amazon.com/public/currentevents', timeoutMs: 3_000, ask: outlet.ask })
  expect(await board.ask(Date.now(), 0, never)).toMatchObject({ state: 'answered' })
  const asked = {
    partition: 'aws',
    region: 'us-west-2',
    credentials: CHAIN,
    ous: null,
    keyring: ring,
    clock,
    env: process.env,
  } as const
  await listOrganization(asked, never)
  const heartbeat = httpHeartbeat({ url: 'https://hc.example/beat', secrets: [], ask: outlet.ask })
  expect(await heartbeat.beat([], never)).toBeNull()
  const wanted = { group: '/alibi', stream: 'host', region: 'eu-west-1', endpoint: null }
  const told: string[] = []
  const cloud = cloudWatch({ wanted, outlet, flushMs: 1, closeMs: 5_000, failed: (why) => told.push(why), recovered: () => {} })
  cloud.stream.write('a line\n')
  await cloud.finish()
  expect(told).toEqual([])
  expect(logs.messages).toMatchObject([{ message: 'a line' }])

  expect(new Set(proxy.asked)).toEqual(
    new Set([
      'account.us-east-1.amazonaws.com:443',
      'sts.us-west-2.amazonaws.com:443',
      'sts.eu-west-1.amazonaws.com:443',
      'health.us-east-2.amazonaws.com:443',
      'health.aws.amazon.com:443',
      'organizations.us-east-1.amazonaws.com:443',
      'hc.example:443',
      'logs.eu-west-1.amazonaws.com:443',
    ]),
  )
})

test('what is on this machine, and what NO_PROXY names, is asked directly', async () => {
  expect((await outlet.ask(new URL(sandbox.url), { headers: {}, signal: never })).status).toBe(302)
  connectivity({ HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, NO_PROXY: '.amazonaws.com' })
  expect(await probe()).toMatchObject({ result: 'failed', tries: [{ error: 'ENOTFOUND', obstacle: 'name' }] })
  expect(await controlCall({ ...CONTROL, outlet }, clock, never)).toMatchObject({ reached: false, obstacle: 'name' })
  const board = dashboard({ url: 'https://health.aws.amazon.com/public/currentevents', timeoutMs: 3_000, ask: outlet.ask })
  expect(await board.ask(Date.now(), 0, never)).toMatchObject({ state: 'answered' })
  expect(proxy.asked).toEqual(['health.aws.amazon.com:443'])
})

test('a connection through the proxy is kept for the next call', async () => {
  await probe()
  await probe()
  expect(proxy.asked.filter((host) => host.startsWith('account.'))).toHaveLength(1)
})

describe('a proxy that lets nothing through is not mistaken for AWS', () => {
  test.for<[ProxyMode, RegExp]>([
    ['407 Proxy Authentication Required', /answered 407 Proxy Authentication Required instead of a way to account\.us-east-1/],
    ['403 Forbidden', /answered 403 Forbidden instead of a way/],
    ['502 Bad Gateway', /answered 502 Bad Gateway instead of a way/],
    ['close', /gave no way to account\.us-east-1\.amazonaws\.com/],
  ])('%s', async ([mode, message]) => {
    proxy.set(mode)
    const outcome = await probe()
    expect(outcome).toMatchObject({ kind: 'unreachable', control: { reached: false, obstacle: 'proxy' } })
    expect(outcome.tries).toMatchObject([{ error: 'ProxyError', status: null, obstacle: 'proxy', service: 'ACCOUNT' }])
    expect(outcome.tries[0]?.message).toMatch(message)
    expect(outcome.tries[0]?.message).toContain('the proxy HTTPS_PROXY=http://127.0.0.1:')
    expect(await who()).toMatchObject({ why: expect.stringContaining('the proxy HTTPS_PROXY='), fault: null })
    const beat = await httpHeartbeat({ url: 'https://hc.example/beat', secrets: [], ask: outlet.ask }).beat([], never)
    expect(beat).toMatch(/^the proxy HTTPS_PROXY=http:\/\/127\.0\.0\.1:\d+ /)
    expect(reasonOf(new ProxyError('the proxy P says no', { cause: new Error('no') }))).toBe('the proxy P says no')
    const board = dashboard({ url: 'https://health.aws.amazon.com/x', timeoutMs: 3_000, ask: outlet.ask })
    expect(await board.ask(0, 0, never)).toMatchObject({
      state: 'unavailable',
      why: expect.stringContaining('the proxy HTTPS_PROXY='),
    })
    expect(JSON.stringify([outcome, beat])).not.toMatch(/hunter22|us@er|us%40er/)
  })

  test('its password is wrong', async () => {
    connectivity({ HTTPS_PROXY: proxy.url.replace('hunter22', 'wrong') })
    expect((await probe()).tries).toMatchObject([{ error: 'ProxyError', message: expect.stringContaining('answered 407') }])
  })

  test.for<[string, string, RegExp, string]>([
    ['nobody is there', 'http://127.0.0.1:1', /cannot be reached: connect ECONNREFUSED/, 'proxy'],
    ['nobody knows its name', 'http://proxy.invalid:3128', /cannot be reached: getaddrinfo ENOTFOUND/, 'name'],
  ])('%s', async ([, url, message, obstacle]) => {
    connectivity({ HTTPS_PROXY: url })
    expect((await probe()).tries).toMatchObject([
      { kind: 'unreachable', error: 'ProxyError', message: expect.stringMatching(message), obstacle },
    ])
    expect(await controlCall({ ...CONTROL, outlet }, clock, never)).toMatchObject({ reached: false, obstacle })
  })

  test('it hangs: each waits no longer than its own time, and nothing is kept waiting when it has come to its senses', async () => {
    proxy.set('hang')
    expect((await probe()).tries).toMatchObject([{ kind: 'unreachable', error: 'Timeout' }])
    const board = dashboard({ url: 'https://health.aws.amazon.com/public/currentevents', timeoutMs: 300, ask: outlet.ask })
    expect(await board.ask(0, 0, never)).toMatchObject({ state: 'unavailable', why: 'no whole answer within 300 ms' })
    const abort = new AbortController()
    const beat = httpHeartbeat({ url: 'https://hc.example/beat', secrets: [], ask: outlet.ask }).beat([], abort.signal)
    abort.abort()
    expect(await beat).toBe('given up')
    proxy.set('open')
    expect(await probe()).toMatchObject({ result: 'ok' })
  })

  test('its certificate, or one that it puts in the place of AWS’s, is not trusted without being named', async () => {
    connectivity({ HTTPS_PROXY: proxy.url }, [])
    const { tries, control } = await probe()
    expect(tries).toMatchObject([{ kind: 'unreachable', obstacle: 'certificate', error: expect.stringMatching(/CERT|UNABLE/) }])
    expect(control).toMatchObject({ reached: false, obstacle: 'certificate' })
  })
})
