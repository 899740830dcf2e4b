import type { Partition } from '../domain/probe.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** The SDK's own variables that send its calls elsewhere (@smithy/core, endpoint adaptors); the first holds for every service. */
export const ENDPOINT_VARIABLES = [
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_ACCOUNT',
  'AWS_ENDPOINT_URL_CLOUDWATCH_LOGS',
  'AWS_ENDPOINT_URL_HEALTH',
  'AWS_ENDPOINT_URL_ORGANIZATIONS',
  'AWS_ENDPOINT_URL_STS',
] as const

/**
 * Where the control call goes by default: an STS endpoint of the partition outside the region in which Account stands, so
 * that one AWS region in trouble does not look like trouble of our own. aws: us-west-2; aws-cn: cn-north-1; aws-us-gov:
 * us-gov-east-1. aws-eusc has a single region: eu-central-1 of partition aws stands in, for the call is unsigned and says
 * nothing but that the network carries.
 */
export const CONTROL_URL: Readonly<Record<Partition, string>> = {
  aws: 'https://sts.us-west-2.amazonaws.com',
  'aws-cn': 'https://sts.cn-north-1.amazonaws.com.cn',
  'aws-us-gov': 'https://sts.us-gov-east-1.amazonaws.com',
  'aws-eusc': 'https://sts.eu-central-1.amazonaws.com',
}

/** Every endpoint that is not AWS's own, as `NAME=address`, for the start, the page and each mail; without credentials and query. */
export function endpointOverrides(env: Env, config: Readonly<{ health: Readonly<{ dashboard: boolean | string }> }>): string[] {
  const set = endpointsSet(env).map(({ name, value }) => `${name}=${shownUrl(value)}`)
  const { dashboard } = config.health
  return typeof dashboard === 'string' ? [...set, `health.dashboard.url=${shownUrl(dashboard)}`] : set
}

/** The variables that are set and in force. The SDK leaves them all aside when told to ignore configured endpoints. */
export function endpointsSet(env: Env): readonly Readonly<{ name: string; value: string }>[] {
  if (env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS']?.toLowerCase() === 'true') return []
  return ENDPOINT_VARIABLES.flatMap((name) => {
    const value = env[name]
    return value === undefined || value === '' ? [] : [{ name, value }]
  })
}

/** https anywhere, http on this machine only. */
export function isSafeUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || url.hostname === '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}

/** An address of 127.0.0.0/8; 127.0.0.300 is a name, and may lead anywhere. */
const LOOPBACK_V4 = /^127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/

/** `localhost`, 127.0.0.0/8 or ::1, with or without brackets. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  return name === 'localhost' || name === '::1' || LOOPBACK_V4.test(name)
}

/** An address as it may be shown: no user, no password, no query. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return 'an unreadable address'
  const url = new URL(text)
  const path = url.pathname === '/' ? '' : url.pathname
  return url.host === '' ? 'an unreadable address' : `${url.protocol}//${url.host}${path}`
}
