import type { Env } from './endpoints.ts'

/** A proxy that the environment names. It may hold a user and a password: shown is only `proxyShown`. */
export type ProxyAddress = Readonly<{ variable: string; url: string }>

/** What the environment says of the way out. */
export type Proxies = Readonly<{
  https: ProxyAddress | null
  http: ProxyAddress | null
  /** Entries of NO_PROXY: hosts to which there is a direct way. */
  direct: readonly string[]
}>

export const NO_PROXIES: Proxies = { https: null, http: null, direct: [] }

/** As curl and the AWS CLI read them: in small letters first, and one that is empty is not set. */
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

/** `proxy.example:3128` is written often, and means http. */
function withScheme(text: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
}

/** Node 24.5 is the first whose agents can go through a proxy: one before it would go past it, and say nothing. */
const FIRST_NODE = [24, 5] as const

/** Why the proxy cannot be used, to go on after its name; `null` where it can. */
export function proxyFault({ url }: ProxyAddress, nodeVersion: string): string | null {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed === null || parsed.hostname === '') return 'is no address: expected http://host:port'
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')
    return `names a proxy of ${parsed.protocol}//, which Alibi cannot use: expected http:// or https://`
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  const isOld = major < FIRST_NODE[0] || (major === FIRST_NODE[0] && minor < FIRST_NODE[1])
  return isOld ? `names a proxy, and Node ${nodeVersion} cannot go through one: it needs ${FIRST_NODE.join('.')} or newer` : null
}

/** `HTTPS_PROXY=http://proxy.example:3128`, without user and password. */
export function proxyShown({ variable, url }: ProxyAddress): string {
  if (!URL.canParse(url)) return `${variable} (an unreadable address)`
  const { protocol, host } = new URL(url)
  return `${variable}=${protocol}//${host}`
}

/** Parts of the proxies' addresses that nobody may see. */
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
