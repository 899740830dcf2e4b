import type { Partition } from '../domain/probe.ts'
import type { Section, SharedFiles } from './shared-files.ts'
import { NONE_WANTED, variantVariables, type Wanted } from './variants.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** The services that are called, by our own clients or by the SDK in search of credentials, as its variables name them. */
const SERVICES = ['ACCOUNT', 'CLOUDWATCH_LOGS', 'HEALTH', 'ORGANIZATIONS', 'SIGNIN', 'SSO', 'SSO_OIDC', 'STS'] as const
export type Service = (typeof SERVICES)[number]

/** An address in place of AWS's own. */
type Endpoint = Readonly<{
  /** Where it is said: `AWS_ENDPOINT_URL_STS`, `profile default: endpoint_url`, `services dev: sts.endpoint_url`. */
  name: string
  value: string
  /** `null`: it is said of every service. */
  service: Service | null
  from: 'environment' | 'shared file'
}>

export type Endpoints = Readonly<{
  /** Each that is set and in force. */
  set: readonly Endpoint[]
  /** Where each service is asked that is not asked at AWS's own address. */
  of: Readonly<Partial<Record<Service, Endpoint>>>
}>

/** What the SDK's shared files say of endpoints, for the profile that its clients go by. */
export type SharedEndpoints = Readonly<{
  /** `ignore_configured_endpoint_urls`; `null`: nothing is said. */
  ignored: boolean | null
  all: Endpoint | null
  of: Readonly<Partial<Record<Service, Endpoint>>>
}>

export const NOTHING_SHARED: SharedEndpoints = { ignored: null, all: null, of: {} }

const IGNORE = 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'
const EVERY = 'AWS_ENDPOINT_URL'

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

/**
 * Every endpoint that is not AWS's own, as `NAME=address`, for the start, the page and each mail; without credentials and query,
 * and without its path where a secret is a part of it.
 */
export function endpointOverrides(
  config: Readonly<{ endpoints: Endpoints; health: Readonly<{ dashboard: boolean | string }>; secrets: readonly string[] }>,
): string[] {
  const set = config.endpoints.set.map(({ name, value }) => `${name}=${shownUrl(value)}`)
  const { dashboard } = config.health
  if (typeof dashboard !== 'string') return set
  const isSecret = config.secrets.some((secret) => dashboard.includes(secret))
  return [...set, `health.dashboard.url=${shownUrl(isSecret ? new URL(dashboard).origin : dashboard)}`]
}

/**
 * Where the SDK would send its calls (@smithy/core, endpoint adaptors): by a variable of the service, the variable for all,
 * the services section of the profile, the profile, in this order. None counts when it is told to ignore them: by the
 * environment, else by the profile.
 */
export function endpointsOf(env: Env, shared: SharedEndpoints): Endpoints {
  if (flag(env[IGNORE]) ?? shared.ignored ?? false) return { set: [], of: {} }
  const variable = (name: string, service: Service | null): Endpoint | null => {
    const value = env[name]
    return value ? { name, value, service, from: 'environment' } : null
  }
  const every = variable(EVERY, null)
  const own = SERVICES.flatMap((service) => variable(`${EVERY}_${service}`, service) ?? [])
  const used = SERVICES.flatMap((service) => {
    const found = own.find((one) => one.service === service) ?? every ?? shared.of[service] ?? shared.all
    return found === null ? [] : [[service, found] as const]
  })
  const fromFile = used.flatMap(([, endpoint]) => (endpoint.from === 'shared file' ? [endpoint] : []))
  return { set: [...(every === null ? [] : [every]), ...own, ...new Set(fromFile)], of: Object.fromEntries(used) }
}

/** Its clients go by AWS_PROFILE, else `default`, whatever profile their credentials are of. */
export function sharedEndpoints(files: Pick<SharedFiles, 'configFile' | 'credentialsFile'>, env: Env): SharedEndpoints {
  const name = env['AWS_PROFILE'] || 'default'
  const profile: Section = { ...files.credentialsFile[name], ...files.configFile[name] }
  const ignored = flag(profile['ignore_configured_endpoint_urls'])
  const section = profile['services']
  const services = section ? files.configFile[`services.${section}`] : {}
  // The SDK then finds nothing at all, and says nothing.
  if (services === undefined) return { ...NOTHING_SHARED, ignored }
  const said = (where: string, key: string, value: string | undefined, service: Service | null): Endpoint | null =>
    value ? { name: `${where}: ${key}`, value, service, from: 'shared file' } : null
  const of = SERVICES.flatMap((service) => {
    const key = `${service.toLowerCase()}.endpoint_url`
    const found = said(`services ${section}`, key, services[key], service)
    return found === null ? [] : [[service, found] as const]
  })
  const all = said(`profile ${name}`, 'endpoint_url', profile['endpoint_url'], null)
  return { ignored, all, of: Object.fromEntries(of) }
}

/** The SDK takes nothing else for a yes or a no. */
function flag(text: string | undefined): boolean | null {
  return text === 'true' ? true : text === 'false' ? false : null
}

/**
 * The environment as our own clients read it: in it stands where each service is asked, wherever that was said. The SDK is
 * told not to look for itself, so that what was checked and named is what is asked.
 */
export function withEndpoints(env: Env, { of }: Endpoints, variants: Wanted = NONE_WANTED): Env {
  const others = Object.entries(env).filter(([name]) => name !== IGNORE && !name.startsWith(EVERY))
  const own = Object.entries(of).map(([service, { value }]) => [`${EVERY}_${service}`, value] as const)
  return { ...Object.fromEntries([...others, ...own]), ...variantVariables(variants) }
}

/** What `isSafeUrl` accepts, after "expected". */
export const SAFE_URL_TEXT = 'an https URL, or an http URL of this machine'

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
