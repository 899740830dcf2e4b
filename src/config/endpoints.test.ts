import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { NodeHttpHandler } from '@smithy/node-http-handler'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { endpointOverride } from '../adapters/aws/endpoint.ts'
import { ACCOUNT_REGION } from '../domain/policy.ts'
import {
  CONTROL_URL,
  type Env,
  endpointOverrides,
  endpointsOf,
  isLoopback,
  isSafeUrl,
  NOTHING_SHARED,
  type SharedEndpoints,
  sharedEndpoints,
  withEndpoints,
} from './endpoints.ts'

test.for<[string, boolean]>([
  ['https://sts.us-west-2.amazonaws.com', true],
  ['https://10.0.0.1:8443/x', true],
  ['http://127.0.0.1:4566', true],
  ['http://127.1:4566', true],
  ['http://localhost:4566', true],
  ['http://[::1]:4566', true],
  ['http://10.0.0.1', false],
  ['http://localhost.example', false],
  ['http://127.0.0.1.example', false],
  ['http://127.0.0.1@evil.example', false],
  ['http://0.0.0.0:80', false],
  ['ftp://localhost', false],
  ['https://', false],
  ['localhost:4566', false],
  ['', false],
])('an endpoint at %j is allowed: %j', ([url, allowed]) => expect(isSafeUrl(url)).toBe(allowed))

test.for<[string, boolean]>([
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['::1', true],
  ['[::1]', true],
  ['LOCALHOST', true],
  ['127evil.0.0.1', false],
  ['127.255.249.199', true],
  ['127.0.0.1.0', false],
  ['127.0.0.300', false],
  ['127.999.1.1', false],
  ['127.0.0.256', false],
  ['127.0.0.01', false],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
])('%j is this machine: %j', ([host, loopback]) => expect(isLoopback(host)).toBe(loopback))

const config = (env: Env, shared: SharedEndpoints = NOTHING_SHARED, dashboard: boolean | string = true) => ({
  endpoints: endpointsOf(env, shared),
  health: { dashboard },
  secrets: [],
})

test('every overridden endpoint is shown without credentials and query', () => {
  const env = {
    AWS_ENDPOINT_URL: 'https://user:hunter22@aws.example/base?token=hunter22',
    AWS_ENDPOINT_URL_ACCOUNT: 'http://127.0.0.1:4566',
    AWS_ENDPOINT_URL_STS: '',
    AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000',
  }
  expect(endpointOverrides(config(env, NOTHING_SHARED, 'http://localhost:1/public/currentevents?x'))).toEqual([
    'AWS_ENDPOINT_URL=https://aws.example/base',
    'AWS_ENDPOINT_URL_ACCOUNT=http://127.0.0.1:4566',
    'health.dashboard.url=http://localhost:1/public/currentevents',
  ])
  expect(endpointOverrides(config({}))).toEqual([])
  expect(endpointOverrides(config({ ...env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }))).toEqual([])
})

describe("endpoints in the SDK's shared files", () => {
  const files = {
    configFile: {
      default: { endpoint_url: 'http://d.example' },
      dev: { endpoint_url: 'http://p.example', services: 'local' },
      lost: { endpoint_url: 'http://l.example', services: 'nowhere' },
      quiet: { endpoint_url: 'http://q.example', ignore_configured_endpoint_urls: 'true' },
      'services.local': { 'sts.endpoint_url': 'http://s.example', 's3.endpoint_url': 'http://3.example' },
    },
    credentialsFile: { dev: { endpoint_url: 'http://c.example' }, other: { endpoint_url: 'http://o.example' } },
  }
  const DEFAULT = ['profile default: endpoint_url=http://d.example']

  test.for<[string, Env, readonly string[], string | null, string | null]>([
    ['of the default profile', {}, DEFAULT, 'http://d.example', 'http://d.example'],
    [
      'of the profile in force, and of its services before it',
      { AWS_PROFILE: 'dev' },
      ['profile dev: endpoint_url=http://p.example', 'services local: sts.endpoint_url=http://s.example'],
      'http://p.example',
      'http://s.example',
    ],
    [
      'of the credentials file too',
      { AWS_PROFILE: 'other' },
      ['profile other: endpoint_url=http://o.example'],
      'http://o.example',
      'http://o.example',
    ],
    ['nothing of a profile that is not there', { AWS_PROFILE: 'none' }, [], null, null],
    ['nothing where its services are not there: so does the SDK', { AWS_PROFILE: 'lost' }, [], null, null],
    [
      'less than a variable of the service',
      { AWS_ENDPOINT_URL_STS: 'http://e.example' },
      ['AWS_ENDPOINT_URL_STS=http://e.example', ...DEFAULT],
      'http://d.example',
      'http://e.example',
    ],
    [
      'nothing beside the variable for all',
      { AWS_ENDPOINT_URL: 'http://e.example', AWS_PROFILE: 'dev' },
      ['AWS_ENDPOINT_URL=http://e.example'],
      'http://e.example',
      'http://e.example',
    ],
    ['nothing where the profile ignores it', { AWS_PROFILE: 'quiet', AWS_ENDPOINT_URL_STS: 'http://e.example' }, [], null, null],
    ['nothing where the environment ignores it', { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }, [], null, null],
    [
      'the environment before the profile',
      { AWS_PROFILE: 'quiet', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false' },
      ['profile quiet: endpoint_url=http://q.example'],
      'http://q.example',
      'http://q.example',
    ],
    [
      'nothing else than true is a yes, as for the SDK',
      { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'TRUE' },
      DEFAULT,
      'http://d.example',
      'http://d.example',
    ],
  ])('in force: %s', ([, env, named, account, sts]) => {
    const shared = sharedEndpoints(files, env)
    expect(endpointOverrides(config(env, shared)).toSorted()).toEqual(named.toSorted())
    const seen = withEndpoints(env, endpointsOf(env, shared))
    expect({ account: endpointOverride(seen, 'ACCOUNT'), sts: endpointOverride(seen, 'STS') }).toEqual({ account, sts })
  })

  test.for<[string, Env]>(
    ['default', 'dev', 'other', 'none', 'lost', 'quiet'].flatMap((profile) =>
      [{}, { AWS_ENDPOINT_URL: 'http://e.example' }, { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false' }].map(
        (env): [string, Env] => [`${profile} ${JSON.stringify(env)}`, { ...env, AWS_PROFILE: profile }],
      ),
    ),
  )('is understood as the SDK understands it: %s', async ([, env]) => {
    const directory = mkdtempSync(join(tmpdir(), 'alibi-shared-'))
    onTestFinished(() => {
      vi.unstubAllEnvs()
      rmSync(directory, { recursive: true })
    })
    writeFileSync(join(directory, 'config'), SHARED_CONFIG)
    writeFileSync(join(directory, 'credentials'), SHARED_CREDENTIALS)
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS']) vi.stubEnv(name, undefined)
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    vi.stubEnv('AWS_CONFIG_FILE', join(directory, 'config'))
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(directory, 'credentials'))
    const asked: string[] = []
    const requestHandler = {
      handle: async ({ protocol, hostname }: Parameters<NodeHttpHandler['handle']>[0]) => {
        asked.push(`${protocol}//${hostname}`)
        throw new Error('heard enough')
      },
    }
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
    const client = new STSClient({ region: 'us-west-2', credentials, requestHandler, maxAttempts: 1 })
    await client.send(new GetCallerIdentityCommand({})).catch(() => undefined)
    const ours = endpointsOf(env, sharedEndpoints(files, env)).of.STS?.value
    expect(asked).toEqual([ours ?? 'https://sts.us-west-2.amazonaws.com'])
  })
})

const SHARED_CONFIG = `
[default]
endpoint_url = http://d.example
[profile dev]
endpoint_url = http://p.example
services = local
[profile lost]
endpoint_url = http://l.example
services = nowhere
[profile quiet]
endpoint_url = http://q.example
ignore_configured_endpoint_urls = true
[services local]
sts =
  endpoint_url = http://s.example
s3 =
  endpoint_url = http://3.example
`
const SHARED_CREDENTIALS = `
[dev]
endpoint_url = http://c.example
[other]
endpoint_url = http://o.example
`

test('the control host is never in the region of Account', () => {
  for (const [partition, region] of Object.entries(ACCOUNT_REGION)) {
    expect(CONTROL_URL[partition as keyof typeof CONTROL_URL]).not.toContain(region)
  }
})
