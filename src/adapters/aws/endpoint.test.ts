import { expect, test } from 'vitest'
import type { Partition } from '../../domain/probe.ts'
import { endpointOverride, stsRegionOf } from './endpoint.ts'

test.for<[Partition, string, string]>([
  ['aws', 'us-east-1', 'us-west-2'],
  ['aws', 'eu-west-1', 'eu-west-1'],
  ['aws-cn', 'cn-northwest-1', 'cn-north-1'],
  ['aws-cn', 'cn-north-1', 'cn-north-1'],
  ['aws-us-gov', 'us-gov-west-1', 'us-gov-east-1'],
  ['aws-eusc', 'eusc-de-east-1', 'eusc-de-east-1'],
])('in %s a monitor of %s asks STS in %s', ([partition, region, expected]) =>
  expect(stsRegionOf({ partition, region })).toBe(expected),
)

test.for<[string, Record<string, string>, string | null]>([
  ['nothing set', {}, null],
  ['its own', { AWS_ENDPOINT_URL_STS: 'http://a', AWS_ENDPOINT_URL: 'http://b' }, 'http://a'],
  ['all of them', { AWS_ENDPOINT_URL: 'http://b' }, 'http://b'],
  ['empty is not set', { AWS_ENDPOINT_URL_STS: '' }, null],
  ['ignored', { AWS_ENDPOINT_URL_STS: 'http://a', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }, null],
])('the address of STS: %s', ([, env, expected]) => expect(endpointOverride(env, 'STS')).toBe(expected))
