import { type Authority, faultOfAuthority } from './authority.ts'
import type { Env } from './endpoints.ts'
import { type Proxies, proxiesOf, proxyFault, proxyShown } from './proxy.ts'
import type { SecretFile } from './reference.ts'
import type { SharedFiles } from './shared-files.ts'
import type { AddFault } from './tree.ts'
import { variantsWanted, type Wanted } from './variants.ts'

/** What the environment says about outgoing connections: proxies, and certificate authorities to trust. */
export type Network = Readonly<{
  proxies: Proxies
  /** Trusted in addition to Node's authorities, as set by AWS_CA_BUNDLE or the shared files; `null`: not set. */
  bundle: Bundle | null
  /** FIPS or dual-stack endpoints in place of the default ones. */
  variants: Wanted
}>
type Bundle = Authority & Readonly<{ name: string }>

/** A certificate bundle, and where it is named. */
export type NamedBundle = Readonly<{ name: string; path: string }>

/** The variable of the AWS CLI, else the key of the profile in use. The SDK itself reads neither. */
export function bundleNamed(env: Env, { configFile, credentialsFile }: SharedFiles): NamedBundle | null {
  const variable = env['AWS_CA_BUNDLE']
  if (variable) return { name: 'AWS_CA_BUNDLE', path: variable }
  const profile = env['AWS_PROFILE'] || 'default'
  const path = { ...credentialsFile[profile], ...configFile[profile] }['ca_bundle']
  return path ? { name: `profile ${profile}: ca_bundle`, path } : null
}

/** `null`: none is named, or nobody will make a request. */
export type ReadBundle = Readonly<{ named: NamedBundle; file: SecretFile }> | null

export function networkOf(env: Env, files: SharedFiles, read: ReadBundle): Network {
  const bundle = read?.file.ok ? { ...read.named, pem: read.file.text } : null
  return { proxies: proxiesOf(env), bundle, variants: variantsWanted(env, files) }
}

/** Refuses what cannot be used: it would be ignored silently, or every call would fail. */
export function checkNetwork(env: Env, read: ReadBundle, nodeVersion: string, addFault: AddFault): void {
  const { https, http } = proxiesOf(env)
  for (const proxy of [https, http]) {
    const why = proxy === null ? null : proxyFault(proxy, nodeVersion)
    if (proxy !== null && why !== null) addFault([proxy.variable], `the environment variable ${proxy.variable} ${why}`)
  }
  if (read === null) return
  const { named, file } = read
  const why = file.ok ? faultOfAuthority(file.text) : file.why
  if (why !== null) addFault([], `${named.name} names ${named.path}, which ${why}: expected a PEM file with certificates`, 'key')
}

/** The same for people: `check` and the log. */
export function networkShown({ proxies: { https, http, direct }, bundle }: Network): readonly string[] {
  const ways = [
    ...(https === null ? [] : [`HTTPS through the proxy ${proxyShown(https)}`]),
    ...(http === null ? [] : [`HTTP through the proxy ${proxyShown(http)}`]),
  ]
  const past = direct.length === 0 ? '' : `, except NO_PROXY: ${direct.join(', ')}`
  return [
    ...ways.map((way) => `${way}${past} (never to this machine, and not for email)`),
    ...(bundle === null ? [] : [`trusted in addition to Node's authorities: ${bundle.name}=${bundle.path} (not for email)`]),
  ]
}
