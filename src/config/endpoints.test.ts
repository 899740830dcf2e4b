import { expect, test } from 'vitest'
import { ACCOUNT_REGION } from '../domain/policy.ts'
import { CONTROL_URL, endpointOverrides, isLoopback, isSafeUrl } from './endpoints.ts'

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

test('every overridden endpoint is named, without credentials and query', () => {
  const env = {
    AWS_ENDPOINT_URL: 'https://user:hunter22@aws.example/base?token=hunter22',
    AWS_ENDPOINT_URL_ACCOUNT: 'http://127.0.0.1:4566',
    AWS_ENDPOINT_URL_STS: '',
    AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000',
  }
  expect(endpointOverrides(env, { health: { dashboard: 'http://localhost:1/public/currentevents?x' } })).toEqual([
    'AWS_ENDPOINT_URL=https://aws.example/base',
    'AWS_ENDPOINT_URL_ACCOUNT=http://127.0.0.1:4566',
    'health.dashboard.url=http://localhost:1/public/currentevents',
  ])
  expect(endpointOverrides({}, { health: { dashboard: true } })).toEqual([])
  expect(endpointOverrides({ ...env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }, { health: { dashboard: false } })).toEqual([])
})

test('the control host never stands in the region of Account', () => {
  for (const [partition, region] of Object.entries(ACCOUNT_REGION)) {
    expect(CONTROL_URL[partition as keyof typeof CONTROL_URL]).not.toContain(region)
  }
})
