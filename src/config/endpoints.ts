import type { Partition } from '../domain/probe.ts'
import type { Section, SharedFiles } from './shared-files.ts'
import { NONE_WANTED, variantVariables, type Wanted } from './variants.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** Services that Alibi calls, or the SDK for credentials, by the names in its variables. */
const SERVICES = ['ACCOUNT', 'CLOUDWATCH_LOGS', 'HEALTH', 'ORGANIZATIONS', 'SIGNIN', 'SSO', 'SSO_OIDC', 'STS'] as const
/** Others than these are the services that monitors name, by their clients: `DYNAMODB`, `CLOUDWATCH_LOGS`. */
export type Service = (typeof SERVICES)[number] | (string & {})

/** How the SDK's variables and shared files name the service of a client. */
export function variableName(client: string): string {
  return client.toUpperCase().replaceAll('-', '_')
}

/** An endpoint in place of AWS's own. */
type Endpoint = Readonly<{
  /** Where it is set: `AWS_ENDPOINT_URL_STS`, `profile default: endpoint_url`, `services dev: sts.endpoint_url`. */
  name: string
  value: string
  /** `null`: it is set for all services. */
  service: Service | null
  from: 'environment' | 'shared file'
}>

export type Endpoints = Readonly<{
  /** All that are set and used. */
  set: readonly Endpoint[]
  /** By service, for those that do not use AWS's own. */
  of: Readonly<Partial<Record<Service, Endpoint>>>
}>

/** Endpoints of the SDK's shared files, for the profile that its clients use. */
export type SharedEndpoints = Readonly<{
  /** `ignore_configured_endpoint_urls`; `null`: not set. */
  ignored: boolean | null
  all: Endpoint | null
  of: Readonly<Partial<Record<Service, Endpoint>>>
}>

export const NOTHING_SHARED: SharedEndpoints = { ignored: null, all: null, of: {} }

const IGNORE = 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'
const EVERY = 'AWS_ENDPOINT_URL'

/**
 * Default endpoint of the control call: STS in the same partition, but outside Account's region, so that an outage of one AWS
 * region does not look like a network problem of our own. aws-eusc has a single region: eu-central-1 of partition aws is used
 * instead, since the call is unsigned and only shows that the network works.
 */
export const CONTROL_URL: Readonly<Record<Partition, string>> = {
  aws: 'https://sts.us-west-2.amazonaws.com',
  'aws-cn': 'https://sts.cn-north-1.amazonaws.com.cn',
  'aws-us-gov': 'https://sts.us-gov-east-1.amazonaws.com',
  'aws-eusc': 'https://sts.eu-central-1.amazonaws.com',
}

/**
 * Every endpoint that is not AWS's own, as `NAME=URL`, for the log, the page and every email; without credentials and query, and
 * without the path if it contains a secret.
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
 * Where the SDK would send its calls (@smithy/core, endpoint adaptors), in this order: the variable of the service, the variable
 * for all services, the services section of the profile, the profile. `others` are services that monitors name. None of them counts if the environment, else the profile,
 * says to ignore them.
 */
export function endpointsOf(env: Env, shared: SharedEndpoints, others: readonly string[] = []): Endpoints {
  if (flag(env[IGNORE]) ?? shared.ignored ?? false) return { set: [], of: {} }
  const variable = (name: string, service: Service | null): Endpoint | null => {
    const value = env[name]
    return value ? { name, value, service, from: 'environment' } : null
  }
  const every = variable(EVERY, null)
  const services = [...new Set([...SERVICES, ...others])]
  const own = services.flatMap((service) => variable(`${EVERY}_${service}`, service) ?? [])
  const used = services.flatMap((service) => {
    const found = own.find((one) => one.service === service) ?? every ?? shared.of[service] ?? shared.all
    return found === null ? [] : [[service, found] as const]
  })
  const fromFile = used.flatMap(([, endpoint]) => (endpoint.from === 'shared file' ? [endpoint] : []))
  return { set: [...(every === null ? [] : [every]), ...own, ...new Set(fromFile)], of: Object.fromEntries(used) }
}

/** The SDK's clients use AWS_PROFILE, else `default`, whatever profile their credentials come from. */
export function sharedEndpoints(
  files: Pick<SharedFiles, 'configFile' | 'credentialsFile'>,
  env: Env,
  others: readonly string[] = [],
): SharedEndpoints {
  const name = env['AWS_PROFILE'] || 'default'
  const profile: Section = { ...files.credentialsFile[name], ...files.configFile[name] }
  const ignored = flag(profile['ignore_configured_endpoint_urls'])
  const section = profile['services']
  const services = section ? files.configFile[`services.${section}`] : {}
  // The SDK then silently finds nothing at all.
  if (services === undefined) return { ...NOTHING_SHARED, ignored }
  const said = (where: string, key: string, value: string | undefined, service: Service | null): Endpoint | null =>
    value ? { name: `${where}: ${key}`, value, service, from: 'shared file' } : null
  const of = [...new Set([...SERVICES, ...others])].flatMap((service) => {
    const key = `${service.toLowerCase()}.endpoint_url`
    const found = said(`services ${section}`, key, services[key], service)
    return found === null ? [] : [[service, found] as const]
  })
  const all = said(`profile ${name}`, 'endpoint_url', profile['endpoint_url'], null)
  return { ignored, all, of: Object.fromEntries(of) }
}

/** The SDK accepts no other values. */
function flag(text: string | undefined): boolean | null {
  return text === 'true' ? true : text === 'false' ? false : null
}

/**
 * The environment for our own clients, with the endpoint of every service, wherever it was set. The SDK does not look for
 * endpoints itself, so that the ones that were checked and shown are used.
 */
export function withEndpoints(env: Env, { of }: Endpoints, variants: Wanted = NONE_WANTED): Env {
  const others = Object.entries(env).filter(([name]) => name !== IGNORE && !name.startsWith(EVERY))
  const own = Object.entries(of).map(([service, endpoint]) => [`${EVERY}_${service}`, endpoint?.value] as const)
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

/** An address in 127.0.0.0/8. 127.0.0.300 is not one but a name, which may resolve to anything. */
const LOOPBACK_V4 = /^127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/

/** `localhost`, 127.0.0.0/8 or ::1, with or without brackets. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  return name === 'localhost' || name === '::1' || LOOPBACK_V4.test(name)
}

/** A URL for people, without user, password and query. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return 'an invalid URL'
  const url = new URL(text)
  const path = url.pathname === '/' ? '' : url.pathname
  return url.host === '' ? 'an invalid URL' : `${url.protocol}//${url.host}${path}`
}
