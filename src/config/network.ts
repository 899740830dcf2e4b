import { type Authority, faultOfAuthority } from './authority.ts'
import type { Env } from './endpoints.ts'
import type { Tell } from './monitors.ts'
import { type Proxies, proxiesOf, proxyFault, proxyShown } from './proxy.ts'
import type { SecretFile } from './reference.ts'
import type { SharedFiles } from './shared-files.ts'
import { variantsWanted, type Wanted } from './variants.ts'

/** What the environment does to the way out: proxies, and whom to trust. */
export type Network = Readonly<{
  proxies: Proxies
  /** Of the SDK's variable or shared files: trusted beside Node's own authorities; `null`: nothing is said. */
  bundle: Bundle | null
  /** Which endpoints of AWS's own are wanted in the place of the plain ones. */
  variants: Wanted
}>
type Bundle = Authority & Readonly<{ name: string }>

/** Where a bundle of certificates is named, and as what. */
export type NamedBundle = Readonly<{ name: string; path: string }>

/** The AWS CLI's variable, else the key of the profile in force; the SDK itself reads neither. */
export function bundleNamed(env: Env, { configFile, credentialsFile }: SharedFiles): NamedBundle | null {
  const variable = env['AWS_CA_BUNDLE']
  if (variable) return { name: 'AWS_CA_BUNDLE', path: variable }
  const profile = env['AWS_PROFILE'] || 'default'
  const path = { ...credentialsFile[profile], ...configFile[profile] }['ca_bundle']
  return path ? { name: `profile ${profile}: ca_bundle`, path } : null
}

/** `null`: it was not looked for, since nobody will ask. */
export type ReadBundle = Readonly<{ named: NamedBundle; file: SecretFile }> | null

export function networkOf(env: Env, files: SharedFiles, read: ReadBundle): Network {
  const bundle = read?.file.ok ? { ...read.named, pem: read.file.text } : null
  return { proxies: proxiesOf(env), bundle, variants: variantsWanted(env, files) }
}

/** Refuses what could not be used: it would be passed over without a word, or every call would fail. */
export function checkNetwork(env: Env, read: ReadBundle, nodeVersion: string, tell: Tell): void {
  const { https, http } = proxiesOf(env)
  for (const proxy of [https, http]) {
    const why = proxy === null ? null : proxyFault(proxy, nodeVersion)
    if (proxy !== null && why !== null) tell([proxy.variable], `the environment variable ${proxy.variable} ${why}`)
  }
  if (read === null) return
  const { named, file } = read
  const why = file.ok ? faultOfAuthority(file.text) : file.why
  if (why !== null) tell([], `${named.name} names ${named.path}, which ${why}: expected a file of certificates (PEM)`, 'key')
}

/** What the environment does to the way out, for `check` and the log. */
export function networkShown({ proxies: { https, http, direct }, bundle }: Network): readonly string[] {
  const ways = [
    ...(https === null ? [] : [`HTTPS by the proxy ${proxyShown(https)}`]),
    ...(http === null ? [] : [`HTTP by the proxy ${proxyShown(http)}`]),
  ]
  const past = direct.length === 0 ? '' : `, but for NO_PROXY: ${direct.join(', ')}`
  return [
    ...ways.map((way) => `${way}${past} (never for this machine, nor for mail)`),
    ...(bundle === null ? [] : [`trusted beside Node’s own authorities: ${bundle.name}=${bundle.path} (not for mail)`]),
  ]
}
