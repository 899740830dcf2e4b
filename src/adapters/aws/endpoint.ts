import type { Env, Service } from '../../config/endpoints.ts'
import { variantIn } from '../../config/variants.ts'
import { ACCOUNT_REGION } from '../../domain/policy.ts'
import type { Partition } from '../../domain/probe.ts'
import type { Sent } from './call.ts'

/** A partition's other region: STS is asked there, so that an outage of Account's own region does not take the credentials with it. */
const OTHER_REGION: Readonly<Record<Partition, string>> = {
  aws: 'us-west-2',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-east-1',
  'aws-eusc': 'eusc-de-east-1', // has no other
}

/** The region in which STS is asked: the monitor's own, unless Account stands there too. */
export function stsRegionOf(place: Readonly<{ partition: Partition; region: string }>): string {
  return place.region === ACCOUNT_REGION[place.partition] ? OTHER_REGION[place.partition] : place.region
}

/**
 * The address that the environment puts in place of AWS's own (the SDK's variables), or `null`. What the SDK's shared files
 * say stands in it too (config/endpoints.ts, `withEndpoints`).
 */
export function endpointOverride(env: Env, service: Service): string | null {
  if (env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true') return null
  return env[`AWS_ENDPOINT_URL_${service}`] || env['AWS_ENDPOINT_URL'] || null
}

/**
 * For every client: it looks for no address by itself, in the environment or elsewhere, nor makes one up. What it is to ask was
 * looked for, checked and named before.
 */
export const NO_OTHER_ENDPOINT = {
  ignoreConfiguredEndpointUrls: true,
  useFipsEndpoint: false,
  useDualstackEndpoint: false,
} as const

/** For a client of this service: the address in place of AWS's own, else the variant that is wanted and is there. */
export function placeOf(env: Env, service: Service, region: string) {
  const endpoint = endpointOverride(env, service)
  if (endpoint !== null) return { region, ...NO_OTHER_ENDPOINT, endpoint }
  const variant = variantIn(env, service, region)
  const has = (trait: 'fips' | 'dualstack') => variant?.includes(trait) ?? false
  return { region, ...NO_OTHER_ENDPOINT, useFipsEndpoint: has('fips'), useDualstackEndpoint: has('dualstack') }
}

/** The domains of AWS's own endpoints: default, dual-stack, and AWS's newest. */
const AWS_HOST = /\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|api\.amazonwebservices\.(?:com\.cn|eu)|api\.aws|on\.aws)$/
const SIGNED_FOR = /Credential=[^/]+\/\d{8}\/([a-z0-9-]{3,32})\//

/** Where a request goes, as the SDK has resolved it. One that goes to AWS is signed for the region in which its endpoint is. */
export function placeOfRequest({ hostname, headers }: Sent, region: string): Readonly<{ host: string; region: string }> {
  const [, signedFor = region] = SIGNED_FOR.exec(headers['authorization'] ?? '') ?? []
  return { host: hostname, region: AWS_HOST.test(hostname) ? signedFor : region }
}
