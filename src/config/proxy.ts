import type { Env } from './endpoints.ts'

/** A proxy that the environment names. It may contain a user and a password: show only `proxyShown`. */
export type ProxyAddress = Readonly<{ variable: string; url: string }>

/** The proxies of the environment. */
export type Proxies = Readonly<{
  https: ProxyAddress | null
  http: ProxyAddress | null
  /** Entries of NO_PROXY: hosts that are connected to directly. */
  direct: readonly string[]
}>

export const NO_PROXIES: Proxies = { https: null, http: null, direct: [] }

/** As curl and the AWS CLI read them: lower case first; an empty one counts as not set. */
export function proxiesOf(env: Env): Proxies {
  const named = (name: string): ProxyAddress | null => {
    const variable = [name, name.toUpperCase()].find((one) => env[one]?.trim())
    return variable === undefined ? null : { variable, url: withScheme(env[variable]?.trim() ?? '') }
  }
  const direct = env['no_proxy']?.trim() || env['NO_PROXY']?.trim() || ''
  return {
    https: named('https_proxy'),
    http: named('http_proxy'),
    direct: direct.split(/[\s,]+/).filter((entry) => entry !== ''),
  }
}

/** `proxy.example:3128` without a scheme means http. */
function withScheme(text: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
}

/** The first version of Node whose agents support a proxy. Earlier ones would silently connect directly. */
const FIRST_NODE = [24, 5] as const

/** Why the proxy cannot be used, to follow its name; `null` if it can. */
export function proxyFault({ url }: ProxyAddress, nodeVersion: string): string | null {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed === null || parsed.hostname === '') return 'is not a URL: expected http://host:port'
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')
    return `names a ${parsed.protocol}// proxy: expected http:// or https://`
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  const isOld = major < FIRST_NODE[0] || (major === FIRST_NODE[0] && minor < FIRST_NODE[1])
  return isOld ? `names a proxy, which requires Node ${FIRST_NODE.join('.')} or newer: this is Node ${nodeVersion}` : null
}

/** `HTTPS_PROXY=http://proxy.example:3128`, without user and password. */
export function proxyShown({ variable, url }: ProxyAddress): string {
  if (!URL.canParse(url)) return `${variable} (invalid URL)`
  const { protocol, host } = new URL(url)
  return `${variable}=${protocol}//${host}`
}

/** The parts of the proxies' URLs that must not be shown. */
export function proxySecrets({ https, http }: Proxies): readonly string[] {
  return [https, http].flatMap((proxy) => {
    if (proxy === null || !URL.canParse(proxy.url)) return []
    const { username, password } = new URL(proxy.url)
    return password === '' ? [] : [password, decoded(password), `${username}:${password}`]
  })
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
